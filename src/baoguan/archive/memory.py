"""What a verification leaves for the next one, and how much the next one reads."""

import msgspec

from baoguan.model.log import ManifestLine


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was found whole up to `size`: believed only while its root is a prefix of the head's tree."""

    v: int = 1
    origin: str
    size: int
    root: str
    """Hex."""
    gone: tuple[int, ...] = ()
    """Entries that `gone` lines name."""
    keys: tuple[tuple[int, ManifestLine], ...] = ()
    """Key leaves: (log index, line)."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """How much one verification reads. The tree is always judged whole: its edge at `since` gives the signed root."""

    since: int = 0
    """Entries below are not read again, nor what they name; rounded down to a bundle."""
    memory: Memory | None = None
    """Of an earlier run: the log must still begin with it."""
    listing: tuple[str, ...] | None = None
    """Files to look for extras among; None: all of public/."""
    tsa_roots: tuple[bytes, ...] = ()
    """PEM certificates of time-stamping authorities that are trusted."""
