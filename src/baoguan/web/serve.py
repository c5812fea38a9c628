"""Runs the reader on a socket until it is interrupted."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from baoguan.errors import ConfigError


def serve(app: ASGIApp, host: str, port: int, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Answers on host:port until Ctrl-C or SIGTERM, keeping no access log; port 0 takes a free one.

    `on_ready` is told the address, http://127.0.0.1:8710/, once connections are accepted. Raises ConfigError when the
    address can't be used.
    """
    listening = listen(host, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=32_768,
    )
    server = uvicorn.Server(config)
    try:
        with _stopped_by_signals(server):
            if on_ready is not None:
                on_ready(address(listening))
            server.run(sockets=[listening])
    except KeyboardInterrupt:
        return
    finally:
        listening.close()


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """SIGINT and SIGTERM stop the server from now on, also while it starts.

    Until uvicorn sets its own handlers an exception would be raised wherever the interpreter is: within an import,
    where one may be lost, and the server would run on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections there. Raises ConfigError in one line that says what to do."""
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
    except OSError as error:
        raise ConfigError(f"{host}:{port}: {error.strerror or error}; choose another --host") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise ConfigError(f"{host}:{port}: {error.strerror or error}; choose another --port or --host") from error
    return listening


def address(listening: socket.socket) -> str:
    """http://127.0.0.1:8710/"""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
