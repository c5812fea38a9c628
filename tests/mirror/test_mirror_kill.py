"""kill -9 of a pull at random moments, hosts that go away, ranges that are cut or swapped: what is kept stays true."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest
from mirror_hosts import LOOPBACK, START, Answer, append, check, files, open_writer, pull
from test_mirror_pull import current

from baoguan.errors import BaoguanError, MirrorError
from baoguan.mirrorhost import CHUNK
from baoguan.model.capture import Response

KILLS, MANY_KILLS = 4, 100
LARGE = 2 * CHUNK + 1000
CONF = """
daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 64; }}
http {{
  log_format asked '$request_uri|$status|$body_bytes_sent|$http_range';
  access_log {root}/access.log asked; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2;
  fastcgi_temp_path {root}/t3; uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{
    listen 127.0.0.1:{port}; root {www};
    location /captures/ {{ limit_rate 16m; }}
  }}
}}
"""


class Host:
    """nginx that can go away and come back at its address; captures come slowly."""

    def __init__(self, www: Path, root: Path) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if program is None:
            pytest.skip("nginx is not installed")
        root.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{self.port}/", root / "access.log"
        (root / "nginx.conf").write_text(CONF.format(root=root, www=www, port=self.port))
        self.command = [program, "-p", root, "-c", root / "nginx.conf", "-e", f"{root}/error.log"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def asked(self) -> list[tuple[str, int, int, str]]:
        """(path, status, bytes, range) of every answer since the last call."""
        if not self.log.exists():
            return []
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        rows = [line.split("|") for line in lines]
        return [(unquote(path.lstrip("/")), int(status), int(size), span) for path, status, size, span in rows]


def add_large(origin: Path) -> None:
    """A capture file that is asked for in ranges."""
    body = random.Random(3).randbytes(LARGE)
    film = "http://news.example/film"
    kind = (("Content-Type", "video/mp4"),)
    with open_writer(origin, seed="large").begin() as batch:
        batch.add_capture(Response(url=film, final_url=film, status=200, headers=kind, raw=body, body=body, at=START))
        batch.commit()


def start_pull(url: str, mirror: Path) -> subprocess.Popen[bytes]:
    """`baoguan mirror pull` in a process of its own, 20 ms between requests."""
    command = ["mirror", "pull", url, str(mirror), "--allow", LOOPBACK, "--pace", "0.02"]
    return subprocess.Popen(
        [sys.executable, "-m", "baoguan", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ
    )


def check_truth(mirror: Path, origin: Path) -> None:
    """Nothing stands in public/ but what the origin has, whole; what a checkpoint covers is all there."""
    here, there = files(mirror), files(origin)
    for path, data in here.items():
        assert ".p/" in path or data == there[path] or path == "checkpoint", path
    if "checkpoint" in here:
        assert check(mirror).faults == ()


def kill_pulls(origin: Path, tmp_path: Path, kills: int, seed: int) -> int:
    """Pulls are killed while the origin grows until so many were alive when it met them; returns how many were."""
    rng, turn, hit = random.Random(seed), 0, 0
    host, mirror = Host(origin / "public", tmp_path / "nginx"), tmp_path / "m"
    add_large(origin)
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "baoguan", "--version"], check=False, capture_output=True)
    start_s = time.monotonic() - began
    assert start_pull(host.url, tmp_path / "whole").wait() == 0
    pull_s = time.monotonic() - began - 2 * start_s  # of a first one, on this machine
    writer = open_writer(origin, seed="grow")
    try:
        while hit < kills and turn < 6 * kills:
            turn += 1
            if turn > 1 and rng.random() < 0.5:
                append(writer, rng.randint(1, 60), mark=f"-{turn}")
            if turn > 1 and (rng.random() < 0.1 or files(mirror).keys() >= files(tmp_path / "whole").keys()):
                shutil.rmtree(mirror, ignore_errors=True)  # a first pull again: it has the most to lose
            process = start_pull(host.url, mirror)
            try:
                process.wait(start_s + rng.uniform(0.0, pull_s))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                hit += 1
            told = process.communicate()[1].decode()
            assert "Traceback" not in told, told
            check_truth(mirror, origin)
            resume_in_part(host, mirror, start_s + pull_s / 4)
        host.asked()
        have = set(files(mirror))
        pull(mirror, host.url)
        check_asked(host.asked(), have, 0)
        assert current(mirror) == current(origin)
        assert check(mirror).faults == ()
        assert not (mirror / "state" / "pull.names").exists()
        assert not any((mirror / "state" / "parts").rglob("*.part"))
    finally:
        host.stop()
    return hit


def resume_in_part(host: Host, mirror: Path, after_s: float) -> None:
    """What the killed pull left is taken up: asked of the log of the next one, which is stopped soon, too."""
    host.asked()
    have, parts = set(files(mirror)), [part.stat().st_size for part in (mirror / "state" / "parts").rglob("*")]
    process = start_pull(host.url, mirror)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    check_asked(host.asked(), have, max((size for size in parts if size >= CHUNK), default=0))


def check_asked(asked: list[tuple[str, int, int, str]], have: set[str], part: int) -> None:
    """Pictures, captures and bundles that stand here are not asked for; what broke off goes on where it was."""
    again = [path for path, _, _, _ in asked if path in have and path.startswith(("media/", "captures/", "bundle/"))]
    assert again == []
    assert all(count <= 4 for path, count in Counter(path for path, *_ in asked).items() if path != "checkpoint")
    starts = [int(span.removeprefix("bytes=").partition("-")[0]) for *_, span in asked if span != "-"]
    if part and [start for start in starts if start % CHUNK == 0 and start]:
        assert min(start for start in starts if start) >= part


def test_kills_of_a_pull(origin: Path, tmp_path: Path) -> None:
    assert kill_pulls(origin, tmp_path, KILLS, 20260904) == KILLS, "the kills must meet a living program"


@pytest.mark.torture
def test_a_hundred_kills_of_a_pull(origin: Path, tmp_path: Path) -> None:
    assert kill_pulls(origin, tmp_path, MANY_KILLS, 20260905) == MANY_KILLS


@pytest.mark.parametrize("after_s", [0.6, 1.8])
def test_a_host_that_goes_away(origin: Path, tmp_path: Path, after_s: float) -> None:
    add_large(origin)
    host, mirror = Host(origin / "public", tmp_path / "nginx"), tmp_path / "m"
    try:
        process = start_pull(host.url, mirror)
        time.sleep(after_s)
        host.stop()
        told = process.communicate()[1].decode()
        assert process.returncode not in (0, None)
        assert len(told.strip().splitlines()) == 1
        check_truth(mirror, origin)
        host.start()
        host.asked()
        have = set(files(mirror))
        pull(mirror, host.url)
        check_asked(host.asked(), have, 0)
        assert current(mirror) == current(origin)
        assert check(mirror).faults == ()
    finally:
        host.stop()


def large_name(origin: Path) -> str:
    return next(path for path, data in files(origin).items() if path.startswith("captures/") and len(data) >= LARGE)


@pytest.mark.parametrize("cuts", [(70_000,), (CHUNK - 1, 300_000), (1 << 20,) * 5])
def test_ranges_that_are_cut_off_go_on_where_they_broke(origin, tmp_path, scripted, cuts):
    add_large(origin)
    name, host, left = large_name(origin), scripted(origin / "public"), list(cuts)
    host.ranges = True
    sent = []

    def twist(path: str, answer: Answer) -> None:
        if path == name:
            if left:
                answer.cut = left.pop(0)
            sent.append(len(answer.body) if answer.cut < 0 else answer.cut)

    host.twist = twist
    pull(tmp_path / "m", host.url)
    assert current(tmp_path / "m") == current(origin)
    assert check(tmp_path / "m").faults == ()
    assert sum(sent) == len(files(origin)[name]), "no byte was asked for twice"


@pytest.mark.parametrize("trick", ["another place", "another size", "other bytes", "two parts swapped"])
def test_ranges_that_are_not_what_was_asked_for(origin, tmp_path, scripted, trick):
    add_large(origin)
    name, host, mirror = large_name(origin), scripted(origin / "public"), tmp_path / "m"
    data = files(origin)[name]
    host.ranges = True

    def twist(path: str, answer: Answer) -> None:
        if path != name or answer.status != 206:
            return
        start = int(answer.headers["Content-Range"].split()[1].partition("-")[0])
        if trick == "another place" and start:
            answer.headers["Content-Range"] = f"bytes 0-{len(answer.body) - 1}/{len(data)}"
        elif trick == "another size" and start:
            answer.headers["Content-Range"] = f"bytes {start}-{start + len(answer.body) - 1}/{1 << 40}"
        elif trick == "other bytes" and start == CHUNK:
            answer.body = bytes([answer.body[0] ^ 1]) + answer.body[1:]
        elif trick == "two parts swapped" and start in (0, CHUNK):
            other = CHUNK - start
            answer.body = data[other : other + CHUNK]

    host.twist = twist
    with pytest.raises(MirrorError) as told:
        pull(mirror, host.url)
    assert told.value.kind == ("altered" if trick in ("other bytes", "two parts swapped") else "hostile")
    assert name in str(told.value)
    assert "\n" not in str(told.value)
    check_truth(mirror, origin)
    assert name not in files(mirror)
    host.twist = lambda _path, _answer: None
    pull(mirror, host.url)
    assert current(mirror) == current(origin)
    assert check(mirror).faults == ()


def test_a_host_whose_file_shrinks_between_two_ranges(origin, tmp_path, scripted):
    """What came is dropped: another file than the one that was begun."""
    add_large(origin)
    name, host = large_name(origin), scripted(origin / "public")
    host.ranges = True
    turns = iter(range(100))

    def twist(path: str, answer: Answer) -> None:
        if path == name and next(turns) == 1:
            answer.status, answer.body, answer.headers = 416, b"", {}

    host.twist = twist
    pull(tmp_path / "m", host.url)
    assert current(tmp_path / "m") == current(origin)


def test_a_disk_without_room_keeps_the_mirror_whole(origin, tmp_path, serve, monkeypatch):
    mirror, url = tmp_path / "m", serve(origin / "public")
    pull(mirror, url)
    append(open_writer(origin, seed="more"), 50)
    before = files(mirror)
    from baoguan.backends.files import FileObjects
    from baoguan.errors import DiskFull

    put, count = FileObjects.put_new, iter(range(10_000))

    def full(self: FileObjects, path: str, data: bytes) -> bool:
        if next(count) >= 20:
            raise DiskFull(f"{path}: no room on the disk")
        return put(self, path, data)

    monkeypatch.setattr(FileObjects, "put_new", full)
    with pytest.raises(BaoguanError, match="no room"):
        pull(mirror, url)
    monkeypatch.undo()
    assert files(mirror)["checkpoint"] == before["checkpoint"]
    assert check(mirror).faults == ()
    pull(mirror, url)
    assert current(mirror) == current(origin)
