"""Manifest files that are held: the right lines, in bounded memory, and never one that was withheld meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from baoguan.archive.bundle import decode_manifest, encode_manifest
from baoguan.archive.manifests import Manifest, Manifests
from baoguan.backends.clock import FixedClock
from baoguan.backends.memory import MemoryObjects
from baoguan.errors import Corrupt

START = datetime(2026, 3, 14, tzinfo=UTC)
LINES = [b'{"k":"rev"}', None, b"", b"x" * 700, b"y"]


class Held:
    """A store, what is held of it, and how often it was read."""

    def __init__(self, **options: int) -> None:
        self.clock, self.objects, self.reads = FixedClock(START), MemoryObjects(), 0
        self.held = Manifests(self.objects, self.clock, **options)

    def get(self, path: str) -> list[bytes | None]:
        found = self.held.get(path, lambda: self._read(path))
        return [found[number] for number in range(len(found))]

    def _read(self, path: str) -> bytes:
        self.reads += 1
        return self.objects.get(path)


def test_lines_are_those_of_the_file():
    data = encode_manifest(LINES)
    found = Manifest("m", data, 0.0)
    assert [found[number] for number in range(len(found))] == decode_manifest(data)
    assert len(Manifest("m", b"", 0.0)) == 0
    with pytest.raises(Corrupt, match="m: manifest ends within a line"):
        Manifest("m", data[:-1], 0.0)


def test_a_line_that_was_withheld_is_seen():
    held = Held()
    held.objects.put_new("m", encode_manifest([b"secret", b"other"]))
    assert held.get("m") == [b"secret", b"other"]
    held.objects.replace("m", encode_manifest([None, b"other"]))
    held.clock.sleep(2)
    assert held.get("m") == [None, b"other"]
    held.clock.sleep(2)
    assert held.get("m") == [None, b"other"]
    assert held.reads == 2
    held.objects.delete("m")  # pruned: `read` finds the whole bundle
    held.objects.put_new("whole", encode_manifest([None, b"other", b"more"]))
    held.clock.sleep(2)
    assert len(held.held.get("m", lambda: held.objects.get("whole"))) == 3


def test_a_clock_that_was_put_back_trusts_nothing():
    held = Held()
    held.objects.put_new("m", encode_manifest([b"secret"]))
    held.get("m")
    held.objects.replace("m", encode_manifest([None]))
    held.clock.set(START - timedelta(hours=1))
    assert held.get("m") == [None]


def test_what_is_held_is_bounded():
    held = Held(limit_bytes=3000)
    for number in range(9):
        held.objects.put_new(f"m{number}", encode_manifest([b"z" * 999]))
    for number in (0, 1, 2, 0, 3, 0, 4, 0):
        held.get(f"m{number}")
    assert held.reads == 5
    held.get("m1")
    assert held.reads == 6
    held.held.clear()
    held.get("m1")
    assert held.reads == 7
