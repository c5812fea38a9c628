"""Hosts for mirrors: an origin to copy from, and a server whose answers a test rewrites."""

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from baoguan.app import create_archive, open_archive, pull_mirror
from baoguan.archive.store import Archive
from baoguan.archive.verify import VerifyReport, verify
from baoguan.backends.clock import FixedClock, SeededEntropy
from baoguan.backends.files import FileObjects
from baoguan.config import Settings
from baoguan.model.capture import Response
from baoguan.model.log import ManifestLine, MediaRef

LOOPBACK = "127.0.0.0/8"
NGINX = """
daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {root}/access.log; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  gzip on; gzip_types *; gzip_min_length 1;
  server {{ listen 127.0.0.1:{port}; root {www}; }}
}}
"""
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def open_writer(folder: Path, *, seed: str = "w", start: datetime = START) -> Archive:
    """The archive in `folder`, by a clock and chance of its own."""
    clock = FixedClock(start, step_s=0.001)
    return open_archive(folder, Settings(vantage="here"), clock=clock, entropy=SeededEntropy(seed), durable=False)


def make_origin(folder: Path, name: str = "test.example/origin", seed: str = "o") -> Archive:
    """A new archive with 300 articles in three batches."""
    create_archive(folder, origin=name, entropy=SeededEntropy(seed))
    archive = open_writer(folder, seed=seed)
    for count in (200, 60, 40):
        append(archive, count)
    return archive


def append(archive: Archive, count: int, *, mark: str = "", captures: bool = True) -> None:
    """One batch of `count` articles; every fourth has a picture."""
    with archive.begin() as batch:
        for number in range(batch.first, batch.first + count):
            at_ms = 1772366400000 + number
            url = f"http://news.example/{number}"
            path = f"articles/x/2026/03/01/{at_ms}-{number:016x}.md"
            text = (
                f"<!--{at_ms}-->\n[第{number}条{mark}]({url})\n------\n\n"
                f'<div lang="zh-Hans">the outlet gave no time</div>\n<p>正文{number}{mark}</p>\n'
            )
            record = batch.add_record(path, text.encode())
            refs = ()
            if number % 4 == 0:
                data = bytes([number % 251]) * 3000 + b"%d" % number
                kept = batch.add_media(data, "jpg")
                digest = kept.rpartition("/")[2].partition(".")[0]
                refs = (MediaRef(url=f"{url}.jpg", sha256=digest, path=kept),)
            body = f"<html>{number}{mark}</html>".encode() * 9
            response = Response(url=url, final_url=url, status=200, raw=body, body=body, at=START)
            capture = batch.add_capture(response) if captures else None
            batch.append(
                ManifestLine(
                    salt="",
                    kind="rev",
                    id=f"{number:016x}",
                    outlet="x",
                    url=url,
                    title=f"第{number}条{mark}",
                    captured_ms=at_ms,
                    record=record,
                    media=refs,
                    capture=capture,
                )
            )
        batch.commit()


def pull(folder: Path, url: str, **more: Any):
    """A pull without politeness."""
    fetch = {"pace_s": 0.0, "timeout_s": 20.0, **more.pop("fetch", {})}
    return pull_mirror(folder, url, allow=more.pop("allow", (LOOPBACK,)), fetch=fetch, **more)


def check(folder: Path) -> VerifyReport:
    """Verify of a mirror, by the key it holds."""
    from baoguan.app import read_verifier
    from baoguan.archive.mirror_state import as_chosen

    return as_chosen(verify(FileObjects(folder / "public"), read_verifier(folder)), folder)[0]


def files(folder: Path) -> dict[str, bytes]:
    """Everything in public/."""
    public = folder / "public"
    return {path.relative_to(public).as_posix(): path.read_bytes() for path in public.rglob("*") if path.is_file()}


class Answer:
    """What the scripted server sends: changed by a test before it goes out."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        self.headers: dict[str, str] = {}
        self.delay_s = 0.0
        """Before each byte."""
        self.cut = -1
        """Close after so many bytes."""
        self.endless = b""
        """Sent again and again."""


class Scripted:
    """A static server; `twist(path, answer)` changes what it says. `log` holds the paths asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.twist: Callable[[str, Answer], None] = lambda _path, _answer: None
        self.log: list[str] = []
        self.ranges = False
        """Whether it knows Range."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.lstrip("/")
                server.log.append(path)
                file = server.folder / path
                answer = Answer(200, file.read_bytes()) if file.is_file() else Answer(404, b"")
                span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                if server.ranges and span and answer.status == 200:
                    start, stop = int(span[1]), min(int(span[2]) + 1, len(answer.body))
                    answer.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(answer.body)}"
                    answer.status, answer.body = 206, answer.body[start:stop]
                server.twist(path, answer)
                server.send(self, answer)

            def log_message(self, *_: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        """Writes an answer as it was twisted."""
        handler.send_response(answer.status)
        if not answer.endless:
            handler.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.endless or answer.cut >= 0:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        try:
            while answer.endless:
                handler.wfile.write(answer.endless)
            if answer.delay_s:
                for at in range(len(answer.body)):
                    time.sleep(answer.delay_s)
                    handler.wfile.write(answer.body[at : at + 1])
            else:
                handler.wfile.write(answer.body[: answer.cut] if answer.cut >= 0 else answer.body)
        except OSError:
            pass

    def close(self) -> None:
        """Ends it."""
        self._http.shutdown()
        self._http.server_close()
