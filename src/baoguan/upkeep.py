"""Housekeeping of an archive: rebuild the index, disk by kind, health in words."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from baoguan.desk import Desk
from baoguan.model.codec import decode_leaf
from baoguan.model.feed import FeedState
from baoguan.model.schedule import Note
from baoguan.reading import load_profile

KINDS = ("articles", "media", "captures", "manifest", "tile", "bundle")


class DiskUse(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of an archive on its disk."""

    by_kind: dict[str, int]
    """articles, media, captures, manifest, tile, bundle, index, state."""
    free: int
    a_day: int
    """Bytes that the archive grew a day, over its life; 0 when it is younger than an hour."""
    days_left: float | None
    """Until the floor of the settings at that pace; None when it doesn't grow."""


class LayoutDrift(msgspec.Struct, frozen=True, kw_only=True):
    """An outlet whose pages don't read as they used to."""

    outlet: str
    pages: int
    """That departed from habit of late and don't read as usual again."""
    url: str
    """The last of them."""
    reason: str
    at_ms: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `baoguan status` tells."""

    origin: str
    log_size: int
    articles: int
    revisions: int
    pictures: int
    feeds: list[FeedState]
    pending: dict[str, int]
    """Items that wait for their page, by feed."""
    problems: dict[str, str]
    """By feed: why the first waiting item waits."""
    layouts: list[LayoutDrift]
    """Outlets whose pages depart from what was learned of them; texts that were kept stay."""
    notes: list[Note]
    disk: DiskUse


def status(desk: Desk) -> Status:
    """Health of the archive and of every feed."""
    articles, revisions, pictures = desk.catalog.counts()
    waiting = desk.schedule.waiting(limit=1000)
    return Status(
        origin=desk.archive.origin,
        log_size=desk.archive.size,
        articles=articles,
        revisions=revisions,
        pictures=pictures,
        feeds=desk.schedule.feeds(),
        pending=desk.schedule.pending_counts(),
        problems={item.feed: item.problem for item in reversed(waiting) if item.problem},
        layouts=list(_layouts(desk)),
        notes=desk.schedule.notes(),
        disk=disk_use(desk),
    )


def _layouts(desk: Desk) -> Iterator[LayoutDrift]:
    for outlet in sorted({*desk.feeds.values(), *desk.catalog.outlets()}):
        odd = load_profile(desk, outlet).drifting
        if odd:
            last = odd[-1]
            yield LayoutDrift(outlet=outlet, pages=len(odd), url=last.url, reason=last.reason, at_ms=last.at_ms)


def disk_use(desk: Desk) -> DiskUse:
    """Bytes by kind, and how long the disk lasts at the pace so far."""
    folder = desk.folder
    by_kind = {kind: tree_size(folder / "public" / kind) for kind in KINDS}
    by_kind["index"] = tree_size(folder / "index")
    by_kind["state"] = tree_size(folder / "state")
    free = shutil.disk_usage(folder).free
    first = decode_leaf(desk.archive.leaf(0)).t if desk.archive.size else desk.now_ms()
    days = (desk.now_ms() - first) / 86_400_000
    a_day = int(sum(by_kind.values()) / days) if days > 1 / 24 else 0
    room = free - desk.settings.min_free_mb * 1_000_000
    return DiskUse(by_kind=by_kind, free=free, a_day=a_day, days_left=max(room, 0) / a_day if a_day else None)


def tree_size(folder: Path) -> int:
    """Bytes of the files below a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def drop_search(folder: Path) -> None:
    """Deletes the search index alone."""
    for path in (folder / "index").glob("search.sqlite*"):
        path.unlink()
    shutil.rmtree(folder / "index" / "tantivy", ignore_errors=True)


def drop_index(folder: Path) -> None:
    """Deletes index/: everything in it is derived, the next opening rebuilds it."""
    shutil.rmtree(folder / "index", ignore_errors=True)
