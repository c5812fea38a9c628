"""A small HTTP/1.1 server that may break every rule: requests in, replies or raw bytes out. One thread."""

import asyncio
import contextlib
import gzip
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 404: "Not Found", 410: "Gone"}
IDLE_S = 30.0


@dataclass
class Request:
    """One request as it came, with the monotonic second of its arrival."""

    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    """Names in lower case."""
    at: float
    host: str
    """The local address it was sent to."""
    status: int = 0
    """Of the answer; 0 while there is none and for raw ones."""


@dataclass
class Reply:
    """An honest answer."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def head(self) -> bytes:
        """Status line and headers, with the length of the body."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.status != 304 and not any(name.lower() == "content-length" for name, _ in self.headers):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8")


@dataclass
class Exchange:
    """A request, the honest reply to it, and the connection, for acts that answer otherwise."""

    request: Request
    reply: Callable[[], Reply]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Raw bytes, at once."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, reply: Reply) -> None:
        """A whole reply."""
        self.request.status = reply.status
        await self.send(reply.head() + (b"" if self.request.method == "HEAD" else reply.body))

    def reset(self) -> None:
        """Ends the connection with RST."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.writer.transport.abort()


Act = Callable[[Exchange], Awaitable[bool]]
"""Answers in its own way; returns whether the connection may be used again."""


def compress(reply: Reply, accepted: str) -> Reply:
    """gzip where it is accepted and worth it."""
    if "gzip" not in accepted or len(reply.body) < 256 or reply.status != 200:
        return reply
    headers = [*reply.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    return Reply(reply.status, headers, gzip.compress(reply.body, 6, mtime=0))


class Server:
    """Listens on loopback addresses, one port; `serve` answers each exchange."""

    def __init__(self, hosts: list[str], serve: Callable[[Exchange], Awaitable[bool]], port: int = 0) -> None:
        self.log: list[Request] = []
        self._serve = serve
        self._sockets = _bind(hosts, port)
        self._hosts = {one.getsockname()[0] for one in self._sockets}
        self.port: int = self._sockets[0].getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="newsroom", daemon=True)
        self._thread.start()

    def listens(self, host: str) -> bool:
        """Whether it listens on that address."""
        return host in self._hosts

    def close(self) -> None:
        """Ends the thread and every connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        servers = [
            self._loop.run_until_complete(asyncio.start_server(self._connection, sock=one, limit=1 << 18))
            for one in self._sockets
        ]
        self._loop.run_forever()
        for server in servers:
            server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            again = True
            while again:
                request = await self._request(reader, writer)
                if request is None:
                    break
                self.log.append(request)
                again = await self._serve(Exchange(request, Reply, reader, writer))
                again = again and request.headers.get("connection", "").lower() != "close"
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
        try:
            async with asyncio.timeout(IDLE_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (TimeoutError, asyncio.IncompleteReadError):
            return None
        line, *rest = head.split("\r\n")
        method, _, target = line.partition(" ")
        headers = {}
        for text in rest:
            name, colon, value = text.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        local = writer.get_extra_info("sockname")
        return Request(method, target.rpartition(" ")[0], headers, time.monotonic(), local[0])


def _bind(hosts: list[str], port: int) -> list[socket.socket]:
    """The same port on every address; on systems with only 127.0.0.1 the others are left out."""
    first = socket.create_server((hosts[0], port), backlog=512)
    sockets = [first]
    if sys.platform == "linux":
        sockets += [socket.create_server((host, first.getsockname()[1]), backlog=512) for host in hosts[1:]]
    return sockets
