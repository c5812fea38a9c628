"""`./run bench reader`, what stands beside: a page of constant bytes, the reader while it syncs, another feed reader.

The constant page (uvicorn and nothing else) says what a busy machine does to every p99. The peer is `reader` of PyPI
with its own web pages (Flask, SQLite) under gunicorn, in a venv of its own, with the same articles from a feed on
loopback; Miniflux itself is a Go program that no registry of packages here has. Each server is pinned to core 0.
"""

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

VENV = Path(".venv-peers")
BARE = """
import sys, uvicorn
body = b"x" * 5000
head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5000")]}
async def app(scope, receive, send):
    await send(head)
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, lifespan="off")
"""


class Server(NamedTuple):
    """Where it answers, and its process."""

    address: str
    pid: int

    def cpu_s(self) -> float:
        """CPU seconds of it and of its children, of all their threads: what a busy machine does not blur."""
        return sum(_ticks(pid) for pid in (self.pid, *_children(self.pid))) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _ticks(pid: int) -> int:
    with suppress(OSError):
        return int(_stat(pid)[11]) + int(_stat(pid)[12])
    return 0


def _children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(_stat(int(folder.name))[1]) == pid:
                found.append(int(folder.name))
    return found


@contextmanager
def pinned(command: list[str], port: int = 0, **environment: str) -> Iterator[Server]:
    """A server on core 0; it prints its address, or answers at `port`."""
    run = ["taskset", "-c", "0", *command]
    process = subprocess.Popen(
        run, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment
    )
    try:
        yield Server(_address(process, port), process.pid)
    finally:
        process.terminate()
        process.wait()


def _address(process: "subprocess.Popen[str]", port: int) -> str:
    if not port:
        assert process.stdout is not None
        while line := process.stdout.readline():
            if found := re.search(r"http://\S+", line):
                return found[0].rstrip("/")
        raise SystemExit("bench reader: the server did not start")
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return f"http://127.0.0.1:{port}"
        time.sleep(0.1)
    raise SystemExit("bench reader: the server did not start")


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


Load = Callable[[str, Server, list[str]], None]


def bare(load: Load) -> None:
    """A page of constant bytes."""
    port = free_port()
    with pinned([sys.executable, "-c", BARE, str(port)], port) as server:
        load("5,000 constant bytes by the same server: the machine", server, ["/"])


def syncing(folder: Path, ids: list[str], load: Load, pages: int = 1500) -> None:
    """The reader of `baoguan serve`, while it fetches and reads `pages` new articles of a loopback newsroom."""
    from newsroom import Newsroom, acts

    text = "港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客三千人次，成为本市第三座客运码头。"
    with Newsroom("rfi") as room:
        items = []
        for number in range(pages):
            url = room.url("rfi", f"/story{number}")
            title = f"第{number}座码头七月启用"
            items.append(f"<item><title>{title}</title><link>{url}</link><guid>{url}</guid></item>")
            html = "".join(f"<p>{part}：{text}</p>" for part in range(40))
            page = f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{html}</article></body>"
            room.behave(url)
            room.act(url, acts.answer(200, page.encode(), content_type="text/html; charset=utf-8"))
        feed = f'<rss version="2.0"><channel><title>rfi</title>{"".join(items)}</channel></rss>'
        room.act(room.feed_url("rfi"), acts.answer(200, feed.encode(), content_type="application/rss+xml"))
        settings = folder / "baoguan.toml"
        held = settings.read_text("utf-8")
        more = f'\n[[outlet]]\nkey = "rfi-bench"\nname = "rfi"\nfeeds = ["{room.feed_url("rfi")}"]\n'
        settings.write_text(held + more, "utf-8")
        command = [sys.executable, "-m", "baoguan", "serve", "-C", str(folder), "--port", "0"]
        allow = {"BAOGUAN_ALLOW_NETWORKS": "127.0.0.0/8", "BAOGUAN_PACE_S": "0", "BAOGUAN_MIN_FREE_MB": "1"}
        try:
            with pinned(command, **allow) as server:
                _wait_for_new(server)
                load(
                    f"{len(ids)} articles at random, `serve` syncing beside", server, [f"/article/{one}" for one in ids]
                )
        finally:
            settings.write_text(held, "utf-8")


def _wait_for_new(server: Server) -> None:
    for _ in range(600):
        if "座码头七月启用" in urllib.request.urlopen(server.address).read().decode():
            return
        time.sleep(0.1)
    raise SystemExit("bench reader: nothing was synced")


def peer(articles: list[tuple[str, str]], searches: list[str], scratch: Path, load: Load) -> None:
    """PyPI's reader: the same (title, HTML) by a feed on loopback, the same load on its pages."""
    python = _peer_python()
    if python is None:
        print("peer: reader[app] and gunicorn can't be installed here", flush=True)
        return
    items = "".join(
        f"<item><title>{escape(title)}</title><guid isPermaLink='false'>urn:{n}</guid>"
        f"<description>{escape(html)}</description></item>"
        for n, (title, html) in enumerate(articles)
    )
    (scratch / "peer").mkdir()
    feed = scratch / "peer" / "feed.xml"
    feed.write_text(f'<rss version="2.0"><channel><title>all</title>{items}</channel></rss>', "utf-8")
    database = str(scratch / "peer.sqlite")
    handler = partial(_Quiet, directory=str(feed.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{httpd.server_port}/feed.xml"
        for step in (["add", address, "--update"], ["search", "enable"], ["search", "update"]):
            subprocess.run([python, "-m", "reader", "--db", database, *step], check=True, capture_output=True)
        httpd.shutdown()
    entries = [f"/entry?{urlencode({'feed': address, 'entry': f'urn:{n}'})}" for n in range(len(articles))]
    for name, app, paths in (
        (f"peer, PyPI's reader: {len(articles)} articles at random", "reader._app.wsgi:app", entries),
        ("peer: front page", "reader._app.wsgi:app", ["/"]),
        ("peer: searches of two words", "reader._app.legacy.wsgi:app", [f"/?show=all&q={one}" for one in searches]),
    ):
        port = free_port()
        command = [str(python), "-m", "gunicorn", "--threads", "4", "-b", f"127.0.0.1:{port}", app]
        with pinned(command, port, READER_URL=database, PYTHONPATH="") as server:
            load(name, server, paths)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


def _peer_python() -> Path | None:
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    asked = [str(python), "-c", "import reader._app, gunicorn, sgmllib"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        install = [str(python), "-m", "pip", "install", "-q", "reader[app]", "sgmllib3k", "gunicorn"]
        if subprocess.run(install, capture_output=True, check=False).returncode:
            return None
    return python.absolute()
