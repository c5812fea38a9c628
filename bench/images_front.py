"""nginx in front of the reader, with the configuration that docs/pictures.md gives. For bench images and the tests."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pictures.md"
_MAIN = """daemon off; {user} pid {place}/pid; error_log {place}/error.log; worker_processes 1;
events {{ }}
http {{
    access_log off; sendfile on; keepalive_requests 100000000;
    types {{ image/jpeg jpg; image/webp webp; image/avif avif; }}
    client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/f;
    uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
{told}
}}
"""


def told_configuration(folder: Path, port: int, upstream: int, cache: Path) -> str:
    """The block of the docs, with the paths and ports of this run; raises ValueError where the docs have none."""
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    if found is None:
        raise ValueError(f"{PAGE.name} has no nginx block")
    told = found[1]
    for old, new in (
        ("/srv/news/index", str(folder / "index")),
        ("/var/cache/nginx/baoguan", str(cache)),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8710", f"127.0.0.1:{upstream}"),
    ):
        if old not in told:
            raise ValueError(f"{PAGE.name}: the nginx block names no {old}")
        told = told.replace(old, new)
    return told


@contextlib.contextmanager
def in_front(scratch: Path, upstream: int) -> Iterator[tuple[int, int] | None]:
    """(process, port) of Debian's nginx in front of scratch/archive; None where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        yield None
        return
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    place = scratch / "nginx"
    place.mkdir()
    told = told_configuration(scratch / "archive", port, upstream, place / "cache")
    (place / "nginx.conf").write_text(
        _MAIN.format(place=place, told=told, user="user root;" if os.geteuid() == 0 else "")
    )
    process = subprocess.Popen([program, "-p", place, "-c", place / "nginx.conf", "-e", place / "error.log"])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()
