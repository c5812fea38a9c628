"""What a withdrawal will do, written down before it does anything: private/withdrawing.json."""

import contextlib
from pathlib import Path

import msgspec

from baoguan.archive.withdraw_deny import write_private
from baoguan.errors import Corrupt
from baoguan.model.capture import CaptureRef

FILE = "withdrawing.json"


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """One stored capture that gives way to another member at its place in the same file."""

    record_id: str
    sha256: str
    """Of the member as it stood."""
    file: str
    offset: int
    length: int
    ref: CaptureRef
    """Of what stands there afterwards: a stub, or a revisit that took over the payload."""
    data: bytes
    target: str = ""
    """Record id to which a rewritten revisit refers from now on."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is taken away. Holds the article's URLs and title in clear, until it is carried out and deleted."""

    v: int = 1
    at_ms: int
    reason: str
    note: str = ""
    ids: tuple[str, ...]
    first: int = 0
    """Log index of the first `gone` leaf."""
    entries: tuple[int, ...] = ()
    """Lines to be withheld."""
    owners: tuple[str, ...] = ()
    """Article id of each of `entries`, empty for a line of captures."""
    cuts: tuple[Cut, ...] = ()
    renamed: tuple[CaptureRef, ...] = ()
    """Captures that stay, though the line that named them goes: named anew."""
    records: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Identity keys: u:URL, g:guid, p:pair."""
    outlets: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    """(sha256, URL) of every picture that it showed; sha256 is empty for one that was never kept."""
    legacy: tuple[tuple[str, str], ...] = ()
    """(sha256, path) of imported files."""


def read_plan(private: Path) -> Plan | None:
    """The withdrawal that was begun and not ended; None when there is none. Raises Corrupt."""
    try:
        return msgspec.json.decode((private / FILE).read_bytes(), type=Plan)
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return None
    except msgspec.DecodeError as error:
        raise Corrupt(f"{private / FILE}: can't be read ({error}); move it away and withdraw again") from error


def write_plan(private: Path, plan: Plan) -> None:
    """Keeps it, durably."""
    write_private(private / FILE, msgspec.json.encode(plan))


def drop_plan(private: Path) -> None:
    """The withdrawal is done."""
    with contextlib.suppress(FileNotFoundError):
        (private / FILE).unlink()
