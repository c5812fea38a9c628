"""Long runs of the promises: random flipped bits, injected faults, kills. A short seeded part runs in CI."""

import contextlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from archive_samples import fill, open_files, open_memory

from baoguan.archive.keys import rotation_line
from baoguan.archive.note import Signer
from baoguan.archive.verify import verify
from baoguan.backends import files as disk
from baoguan.backends import memory
from baoguan.backends.memory import MemoryHead, MemoryObjects
from baoguan.errors import StoreError


def kind_of(path: str) -> str:
    """The kind of a file: its folder, tiles by level, partial files apart."""
    parts = path.split("/")
    kind = "/".join(parts[:2]) if parts[0] == "tile" else parts[0]
    return kind + (" partial" if ".p/" in path else "")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """An archive with every kind of file: full tiles, older partials, a picture of several entries."""
    folder = tmp_path_factory.mktemp("endure")
    archive = open_files(folder)
    for count in (5, 30, 240, 8):
        fill(archive, count, captures=True, media=True)
    return folder


def flip_bits(folder: Path, flips: int, seed: int) -> dict[str, int]:
    """Flips one bit at a time, every kind of file in turn; each must be found and its file named. Returns kinds."""
    chance = random.Random(seed)
    public = folder / "public"
    by_kind: dict[str, list[str]] = {}
    for path in sorted(str(path.relative_to(public)) for path in public.rglob("*") if path.is_file()):
        by_kind.setdefault(kind_of(path), []).append(path)
    archive = open_files(folder)
    kinds = sorted(by_kind)
    for turn in range(flips):
        path = chance.choice(by_kind[kinds[turn % len(kinds)]])
        file = public / path
        data = file.read_bytes()
        # Headers, lengths and ends are where formats have room that nothing covers.
        at = chance.choice((chance.randrange(len(data)), chance.randrange(min(24, len(data))), len(data) - 1))
        broken = bytearray(data)
        broken[at] ^= 1 << chance.randrange(8)
        file.unlink()
        file.write_bytes(broken)
        report = verify(archive.objects, archive.verifier)
        file.unlink()
        file.write_bytes(data)
        assert path in {fault.path for fault in report.of("altered")}, (turn, path, at, report.faults)
    assert verify(archive.objects, archive.verifier).ok
    return {kind: len(paths) for kind, paths in by_kind.items()}


def test_flipped_bits(whole):
    kinds = flip_bits(whole, 60, seed=11)
    assert set(kinds) >= {
        "format", "checkpoint", "key", "tile/0", "tile/0 partial", "tile/1 partial", "tile/entries", "manifest",
        "manifest partial", "bundle", "bundle partial", "articles", "media", "captures",
    }  # fmt: skip


@pytest.mark.torture
def test_a_thousand_flipped_bits(whole):
    flip_bits(whole, 1000, seed=1000)


class Beside(MemoryHead):
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


def inject(folder: Path, faults: int, seed: int) -> None:
    """One archive that lives through `faults` faults at random writes, sometimes several in a row."""
    chance = random.Random(seed)
    objects = MemoryObjects()
    head = Beside(objects)
    acknowledged: list[bytes] = []
    hit = 0
    kinds = (memory.BEFORE, memory.AFTER, memory.FULL, memory.SHORT)
    turn = 0
    while hit < faults:
        turn += 1
        archive = open_memory(objects, head, folder, seed=f"{seed}-{turn}")
        at, burst, kind = chance.randrange(45), chance.choice((1, 1, 1, 5, 500)), chance.choice(kinds)
        counter = iter(range(10**6))

        def fault(_operation: str, _path: str, counter=counter, at=at, burst=burst, kind=kind) -> str:
            nonlocal hit
            number = next(counter)
            strikes = at <= number < at + burst
            hit += strikes and number == at
            return kind if strikes else ""

        objects.fault = head.fault = fault
        with contextlib.suppress(StoreError):
            fill(archive, chance.randrange(1, 12), captures=chance.random() < 0.7, media=chance.random() < 0.5)
        objects.fault = head.fault = memory._no_fault
        again = open_memory(objects, head, folder, seed=f"{seed}-{turn}-again")
        with again.begin():
            pass
        if again.size:
            assert [again.leaf(index) for index in range(len(acknowledged))] == acknowledged, turn
            acknowledged += [again.leaf(index) for index in range(len(acknowledged), again.size)]
            if turn % 4 == 0:
                assert verify(objects, again.verifier).faults == (), (turn, kind, at)
        assert not list(folder.iterdir())
    assert verify(objects, again.verifier).faults == ()
    assert len(acknowledged) > faults // 2


def test_injected_faults(tmp_path):
    inject(tmp_path, 10, seed=3)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(25))
def test_five_hundred_injected_faults(tmp_path, seed):
    inject(tmp_path, 20, seed=500 + seed)


@pytest.mark.parametrize("call", ["fsync", "syncfs", "rename", "write", "replace"])
def test_a_disk_that_fails(tmp_path, monkeypatch, call):
    """Errors of the system itself, in the files backend: fsync and syncfs report one, writes come short or not."""
    archive = open_files(tmp_path, sync=True)
    fill(archive, 20, captures=True, media=True)
    kept = archive.size
    calls = iter(range(10**6))

    def broken(real, result=None):
        def inner(*arguments, **more):
            if next(calls) == 2 or call in ("syncfs",):
                if result is not None:
                    return result
                raise OSError(5, "Input/output error")
            if call == "write":
                return real(arguments[0], bytes(arguments[1])[: max(1, len(arguments[1]) // 2)])
            return real(*arguments, **more)

        return inner

    with monkeypatch.context() as patch:
        if call == "syncfs":
            patch.setattr(disk, "SYNCFS", broken(None, -1))
            patch.setattr(disk.ctypes, "get_errno", lambda: 5)
        else:
            patch.setattr(disk.os, call, broken(getattr(disk.os, call)))
        with contextlib.suppress(StoreError):
            fill(archive, 20, captures=True, media=True)
    again = open_files(tmp_path, seed="again")
    with again.begin():
        pass
    assert again.size in (kept, kept + 21)
    assert verify(again.objects, again.verifier).faults == ()
    fill(again, 3)
    assert verify(again.objects, again.verifier).faults == ()


def kill(folder: Path, kills: int, seed: int) -> None:
    """A writer that is killed so many times at any moment; nothing acknowledged is lost, everything verifies."""
    chance = random.Random(seed)
    acknowledged = 0
    for turn in range(kills):
        command = [sys.executable, str(Path(__file__).parent / "writer.py"), str(folder), f"{seed}-{turn}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.random() ** 2 * 0.2)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        # The last line may be cut in the middle of its number by the kill: only whole ones were told.
        acknowledged = max([acknowledged, *map(int, [first, *rest[:-1]])])
        archive = open_files(folder)
        with archive.begin():
            pass
        assert archive.size >= acknowledged, turn
        if turn % 10 == 9 or turn == kills - 1:
            assert verify(archive.objects, archive.verifier).faults == (), turn
        assert not list((folder / "state" / "staging").iterdir())


def test_kills(tmp_path):
    kill(tmp_path, 4, seed=4)


@pytest.mark.torture
def test_two_hundred_kills(tmp_path):
    kill(tmp_path, 200, seed=200)


def test_a_rotation_that_only_the_old_key_signs(tmp_path):
    archive = open_files(tmp_path)
    fill(archive, 30, captures=True)
    old = archive.signer
    with archive.begin() as batch:
        batch.append(rotation_line(batch.first, old, Signer(old.verifier.name, b"n" * 32)))
        batch.commit()
    # Signed by the old key alone: no checkpoint of its time.
    assert [fault.path for fault in verify(archive.objects, archive.verifier).faults][:1] == ["checkpoint"]
