"""`baoguan serve` syncs in a child process: what it finds is shown, and it ends with the reader however that ends."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from ingest_house import House, item, page

from baoguan.cli import syncing
from baoguan.cli.logs import Log
from newsroom import Newsroom, acts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Newsroom("rfi") as room:
        house = House(tmp_path / "archive", room).make()
        url = room.url("rfi", "/story")
        house.feed("rfi", item("新码头七月启用", url))
        room.behave(url)
        text = "港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客三千人次，成为本市第三座客运码头。"
        room.act(url, acts.answer(200, page("新码头七月启用", *[text] * 3), content_type="text/html"))
        yield house


def children(pid: int) -> list[int]:
    """Of a process, those that run Python code of ours."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


def wait_until(what: str, test: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not test():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc for children")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_child_syncs_and_ends_with_the_reader(house: House, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "baoguan", "serve", "-C", str(house.folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None

        def shown() -> bool:
            return "新码头七月启用" in urllib.request.urlopen(found[0], timeout=30).read().decode()

        wait_until("nothing was synced", shown)
        (child,) = children(server.pid)
        os.kill(server.pid, how)
        server.wait(40)
        assert server.returncode in (0, -how)
        wait_until("the child outlives the reader", lambda: not Path(f"/proc/{child}").exists(), 40)
    finally:
        server.kill()
        server.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc for children")
def test_a_child_that_dies_is_begun_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "_AGAIN_S", 0.1)
    with syncing.SyncProcess(house.folder, {}, Log("text", "serve"), "text") as sync:
        sync.begin()
        wait_until("no child", lambda: children(os.getpid()))
        (child,) = children(os.getpid())
        os.kill(child, signal.SIGKILL)
        wait_until("no other child", lambda: set(children(os.getpid())) - {child})
    wait_until("a child is left", lambda: not children(os.getpid()), 40)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc for children")
def test_no_sync_starts_no_child(house: House) -> None:
    command = [sys.executable, "-m", "baoguan", "serve", "-C", str(house.folder), "--port", "0", "--no-sync"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert "http://" in server.stdout.readline()
        assert children(server.pid) == []
    finally:
        server.terminate()
        assert server.wait(40) == 0
