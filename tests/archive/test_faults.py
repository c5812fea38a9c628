"""Every write fails once, on both sides of keeping; then restart, repair, verify. And kill -9."""

import contextlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from archive_samples import fill, open_files, open_memory

from baoguan.archive.verify import verify
from baoguan.backends import memory
from baoguan.backends.memory import MemoryHead, MemoryObjects, fault_at
from baoguan.errors import DiskFull, StoreError


class Mirror(MemoryHead):
    """A head that keeps the note beside the objects, as public/checkpoint is."""

    def __init__(self, objects: MemoryObjects) -> None:
        super().__init__()
        self.objects = objects

    def replace(self, old, new):
        try:
            super().replace(old, new)
        finally:
            if self.note is not None:
                self.objects.files["checkpoint"] = self.note


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> dict[str, bytes]:
    """An archive whose open bundle the next batch fills."""
    objects = MemoryObjects()
    fill(open_memory(objects, Mirror(objects), tmp_path_factory.mktemp("start")), 250, captures=True, media=True)
    return objects.files


def opened(start: dict[str, bytes], staging: Path):
    objects = MemoryObjects(dict(start))
    head = Mirror(objects)
    head.note = start["checkpoint"]
    return objects, head, open_memory(objects, head, staging, seed="next")


def writes_of_a_batch(start: dict[str, bytes], folder: Path) -> int:
    objects, _, archive = opened(start, folder)
    fill(archive, 9, captures=True, media=True)
    return objects.writes


@pytest.mark.parametrize("kind", [memory.BEFORE, memory.AFTER, memory.FULL, memory.SHORT])
def test_a_fault_at_every_write_of_a_batch(start, tmp_path, kind):
    total = writes_of_a_batch(start, tmp_path / "count")
    assert total > 20
    for number in range(total):
        objects, head, archive = opened(start, tmp_path / f"{number}")
        size = archive.size
        objects.fault = fault_at(number, kind)
        # A fault after the commit point is finished by the next start, and no error.
        with contextlib.suppress(StoreError):
            fill(archive, 9, captures=True, media=True)
        if kind == memory.FULL and archive.size == size:
            # Cleaned at once, not only by the next start.
            assert objects.files == start
        objects.fault = memory._no_fault
        kept = archive.size
        assert kept in (size, size + 10)
        again = open_memory(objects, head, tmp_path / f"{number}", seed="again")
        fill(again, 3, mark="again")
        assert again.size == kept + 3
        assert verify(objects, again.verifier).faults == (), (number, kind)
        assert not list((tmp_path / f"{number}").iterdir())


def test_a_full_disk_is_one_line(start, tmp_path):
    objects, _, archive = opened(start, tmp_path)
    objects.fault = fault_at(3, memory.FULL)
    with pytest.raises(DiskFull, match=r"^[^\n]*no room on the disk[^\n]*nothing of the batch was kept$"):
        fill(archive, 9, captures=True)
    assert objects.files == start


@pytest.mark.parametrize("kind", [memory.BEFORE, memory.AFTER, memory.FULL])
def test_a_fault_at_the_head(tmp_path, kind):
    objects = MemoryObjects()
    head = Mirror(objects)
    archive = open_memory(objects, head, tmp_path)
    fill(archive, 5)
    head.fault = fault_at(0, kind)
    if kind == memory.AFTER:
        assert fill(archive, 5).size == 10
    else:
        with pytest.raises(StoreError):
            fill(archive, 5)
        assert archive.size == 5
    fill(archive, 5, mark="again")
    assert verify(objects, archive.verifier).ok


def test_a_dead_disk_leaves_a_list_that_the_next_start_sweeps(tmp_path):
    objects = MemoryObjects()
    head = Mirror(objects)
    archive = open_memory(objects, head, tmp_path)
    fill(archive, 5)
    before = dict(objects.files)
    for alive in range(1, 12):
        count = iter(range(1000))
        objects.fault = lambda operation, path, count=count, alive=alive: "" if next(count) < alive else memory.BEFORE
        with pytest.raises(StoreError):
            fill(archive, 5, captures=True, media=True)
        objects.fault = memory._no_fault
        assert len(list(tmp_path.glob("*.json"))) == 1
        with archive.begin():
            pass
        assert objects.files == before
        assert not list(tmp_path.iterdir())


def test_kill_9(tmp_path):
    chance = random.Random(9)
    acknowledged = 0
    for turn in range(15):
        command = [sys.executable, str(Path(__file__).parent / "writer.py"), str(tmp_path), str(turn)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first
        time.sleep(chance.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        acknowledged = int((rest or [first])[-1])
        archive = open_files(tmp_path)
        assert archive.size >= acknowledged
        with archive.begin():
            pass
        assert verify(archive.objects, archive.verifier).faults == (), turn
        assert not list((tmp_path / "state" / "staging").iterdir())
    assert acknowledged >= 15 * 38


def test_another_process_waits_or_says_who_writes(tmp_path):
    archive = open_files(tmp_path)
    fill(archive, 1)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from archive_samples import open_files\n"
        "with open_files(Path(sys.argv[2])).begin():\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        assert archive.size == 1
        assert archive.line(0) is not None
        with pytest.raises(StoreError, match=f"process {process.pid} is writing"):
            open_files(tmp_path, timeout_s=0.05).begin()
        process.stdin.write("\n")
        process.stdin.flush()
        assert fill(open_files(tmp_path, timeout_s=10), 1).size == 2
