"""An origin with some of everything, and nginx or a scripted server in front of its public/ folder."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mirror_hosts import NGINX, Scripted, make_origin


@pytest.fixture(scope="session")
def origin_made(tmp_path_factory) -> Path:
    """An archive of 332 entries: revisions, pictures, captures; made once, copied by who changes it."""
    folder = tmp_path_factory.mktemp("origin")
    make_origin(folder)
    return folder


@pytest.fixture
def origin(origin_made: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copytree(origin_made, tmp_path / "origin"))


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serves a folder by nginx; returns its address."""
    running: list[subprocess.Popen[bytes]] = []
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")

    def start(folder: Path) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        place = folder.parent / f"nginx-{port}"
        place.mkdir()
        (place / "nginx.conf").write_text(NGINX.format(root=place, www=folder, port=port))
        running.append(subprocess.Popen([program, "-p", place, "-c", place / "nginx.conf", "-e", f"{place}/error.log"]))
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        return f"http://127.0.0.1:{port}/"

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture
def scripted() -> Iterator[Callable[[Path], Scripted]]:
    """Serves a folder by a server that misbehaves as it is told."""
    running: list[Scripted] = []

    def start(folder: Path) -> Scripted:
        running.append(Scripted(folder))
        return running[-1]

    yield start
    for server in running:
        server.close()
