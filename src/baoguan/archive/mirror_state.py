"""What a mirror remembers of its host, what it was told to keep, and what that means for its verification."""

from pathlib import Path

import msgspec

from baoguan.archive.report import EXTRA, MISSING, VerifyReport
from baoguan.config import Settings
from baoguan.errors import ConfigError, StoreError

STATE = "state/mirror.json"
UNFINISHED = "state/pull.names"
"""Names of files that a pull has written and no checkpoint covers yet, one a line; gone once one does."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a mirror keeps."""

    media: str = "all"
    """all, none or recent."""
    recent_days: int = 90
    captures: str = "all"
    """all or none."""
    gone: str = "apply"
    """apply or keep: what the origin withdrew."""

    @classmethod
    def of(cls, settings: Settings) -> "Choice":
        """Reads the settings. Raises ConfigError for other words."""
        for name, value, words in (
            ("mirror_media", settings.mirror_media, ("all", "none", "recent")),
            ("mirror_captures", settings.mirror_captures, ("all", "none")),
            ("mirror_gone", settings.mirror_gone, ("apply", "keep")),
        ):
            if value not in words:
                raise ConfigError(f"{name} = {value!r}: say {' or '.join(words)}")
        return cls(
            media=settings.mirror_media,
            recent_days=settings.mirror_recent_days,
            captures=settings.mirror_captures,
            gone=settings.mirror_gone,
        )


class MirrorState(msgspec.Struct, frozen=True, kw_only=True):
    """state/mirror.json."""

    v: int = 1
    url: str = ""
    """Of the host that the last pull spoke to."""
    checked_ms: int = 0
    """When a head was last met and believed."""
    grown_ms: int = 0
    """When the log last grew here."""
    applied: int = 0
    """`gone` lines below this index are carried out."""
    media_from: int = 0
    """Entries from this index on have their pictures here."""
    captures_from: int = 0
    """Entries from this index on have their captures here."""
    stubs: tuple[int, ...] = ()
    """`cap` lines of withdrawals that are not carried out here: the stubs that they name are at the origin alone."""
    absent: tuple[str, ...] = ()
    """Pictures and captures that no host had so far; asked for again by each pull."""


class PullReport(msgspec.Struct, kw_only=True):
    """What a pull did."""

    url: str
    origin: str
    key: str
    old_size: int = 0
    size: int = 0
    bundles: int = 0
    """That came over the network."""
    articles: int = 0
    """Records unpacked."""
    pictures: int = 0
    captures: int = 0
    absent: int = 0
    """Pictures and capture files that the host lacks; asked for again by the next pull."""
    erased: int = 0
    """Entries erased, because the origin withdrew them."""
    kept: int = 0
    """Entries that the origin withdrew and this mirror keeps, by its setting (new ones)."""
    pruned: int = 0
    """Pictures older than the mirror keeps."""
    last_ms: int = 0
    """When the host's newest entry was appended."""
    stale_days: int = 0
    """Days since then, when they are many."""
    requests: int = 0
    bytes: int = 0


def read_state(folder: Path) -> MirrorState:
    """The state of a mirror; a new one where there is none. Raises StoreError for one that can't be read."""
    path = folder / STATE
    try:
        return msgspec.json.decode(path.read_bytes(), type=MirrorState)
    except FileNotFoundError:
        return MirrorState()
    except (msgspec.DecodeError, OSError) as error:
        raise StoreError(f"{path}: can't be read ({error}); delete it: the next pull makes it anew") from error


def write_state(folder: Path, state: MirrorState) -> None:
    """Replaces it."""
    path = folder / STATE
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(msgspec.json.encode(state) + b"\n")
    beside.replace(path)


def as_chosen(report: VerifyReport, folder: Path) -> tuple[VerifyReport, dict[str, int]]:
    """A mirror's report without what it leaves out by choice or has not finished, and how many of each that is."""
    if not (folder / STATE).exists():
        return report, {}
    state = read_state(folder)
    names: set[str] = set()
    if (folder / UNFINISHED).exists():
        names = set((folder / UNFINISHED).read_text("utf-8").split("\n"))
    left: dict[str, int] = {}
    faults = []
    for fault in report.faults:
        index = -1 if fault.index is None else fault.index
        why = ""
        if fault.kind == MISSING and fault.path.startswith("media/") and index < state.media_from:
            why = "pictures not kept here"
        elif fault.kind == MISSING and fault.path.startswith("capture") and index < state.captures_from:
            why = "captures not kept here"
        elif fault.kind == MISSING and fault.path.startswith("capture") and index in state.stubs:
            why = "stubs of withdrawals that this mirror doesn't carry out"
        elif fault.kind == EXTRA and fault.path in names:
            why = "files of a pull that is not finished: pull again"
        if why:
            left[why] = left.get(why, 0) + 1
        else:
            faults.append(fault)
    return msgspec.structs.replace(report, faults=tuple(faults)), left
