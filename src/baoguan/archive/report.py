"""What verify found."""

import msgspec

from baoguan.archive.timestamps import Stamp

ALTERED, MISSING, EXTRA = "altered", "missing", "extra"
CODES = {ALTERED: 6, MISSING: 7, EXTRA: 8}
"""Exit code of each kind of fault; of several, the first here."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that doesn't stand as the log says."""

    kind: str
    """altered, missing or extra."""
    path: str
    """The file, as public/ names it."""
    index: int | None = None
    """The log entry that speaks of it, where there is one."""
    offset: int | None = None
    """Byte within the file, where it is known."""
    detail: str = ""
    """One line for people."""


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was read and what didn't fit."""

    origin: str = ""
    size: int = 0
    """Entries that the checkpoint covers."""
    since: int = 0
    """Entries below were not read again; 0: everything was read."""
    root: str = ""
    """Hex."""
    counts: dict[str, int] = {}
    """entries, records, media, captures, capture_files, bundles, tiles, bytes, and kind:<kind> for each leaf's kind."""
    faults: tuple[Fault, ...] = ()
    withheld: tuple[int, ...] = ()
    """Entries withdrawn, each with its `gone` line."""
    kept: tuple[int, ...] = ()
    """Entries that a `gone` line names and whose line stands all the same: a mirror may choose to keep them."""
    stamps: tuple[Stamp, ...] = ()
    """Trusted times, each of the log's first entries."""
    clock_back: tuple[int, ...] = ()
    """Entries more than five minutes earlier than the one before."""

    @property
    def ok(self) -> bool:
        """Whether everything stands as the log says."""
        return not self.faults

    @property
    def exit_code(self) -> int:
        """0, or 6 altered, 7 missing, 8 extra; of several the first."""
        return min((CODES[fault.kind] for fault in self.faults), default=0)

    def of(self, kind: str) -> tuple[Fault, ...]:
        """The faults of one kind."""
        return tuple(fault for fault in self.faults if fault.kind == kind)
