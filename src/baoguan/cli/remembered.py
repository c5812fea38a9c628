"""state/verified.json: what `verify` need not read again, and whether that can still be believed."""

import time
from pathlib import Path

import msgspec

from baoguan.archive.memory import Memory, Scope
from baoguan.backends.changes import changed_since

FILE = "state/verified.json"
LOOK_AT = 5000
"""Files: up to so many, each run asks the disk whether what was verified was touched since. More take --deep."""
_TICK_NS = 20_000_000
"""The kernel's clock of changes moves in ticks."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    memory: Memory
    at_ns: int
    """Epoch at which that verification began."""
    files: int
    """In public/ that were older than that, checkpoint and partial files apart."""


def load(folder: Path) -> Remembered | None:
    """What an earlier run left; None when there is nothing of use: then everything is read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Remembered)
    except (OSError, msgspec.DecodeError):
        return None


def scope_of(public: Path, held: Remembered) -> Scope:
    """What is left to read after an earlier run; everything, where a file that it read was touched since."""
    if held.files > LOOK_AT:
        return Scope(since=held.memory.size, memory=held.memory)
    old, fresh = changed_since(str(public), held.at_ns)
    if old != held.files:
        return Scope(memory=held.memory)
    return Scope(since=held.memory.size, memory=held.memory, listing=tuple(fresh))


def save(folder: Path, public: Path, memory: Memory | None, at_ns: int, held: Remembered | None) -> None:
    """Remembers a run that found nothing wrong; forgets all after one that did. Read-only folders stay."""
    path = folder / FILE
    try:
        if memory is None:
            path.unlink(missing_ok=True)
            return
        at_ns -= _TICK_NS
        many = held is not None and held.files > LOOK_AT
        files = held.files if many and held else changed_since(str(public), at_ns)[0]
        path.parent.mkdir(exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(Remembered(memory=memory, at_ns=at_ns, files=files)))
        beside.replace(path)
    except OSError:
        return


def now_ns() -> int:
    """Epoch, by the clock that files are stamped with."""
    return time.time_ns()
