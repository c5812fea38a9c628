"""Joiner of what changed: manifest and records -> comparisons -> the list of changes, brought up when asked for."""

from collections.abc import Callable
from itertools import pairwise

import msgspec

from baoguan.archive.store import Archive
from baoguan.backends.sqlite.changes import SqliteChanges
from baoguan.errors import NotFound, StoreError
from baoguan.insight.change import compare_versions
from baoguan.insight.misreading import misreading
from baoguan.model.change import ChangeRow, Comparison, Version
from baoguan.model.log import ManifestLine
from baoguan.publish.markdown import parse_record
from baoguan.text.html import plain_text

CHUNK = 512


def catch_up_changes(archive: Archive, store: SqliteChanges, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Brings the list up to the head of the log; returns leaves that are left, 0 unless `stop` said so in between.

    Nothing but the manifest and records is asked. The catalogue must be caught up. Killed in the middle, it goes on
    where it was.
    """
    with store.writing:
        start, size = store.size(), archive.size
        gone_away = store.vanished() if start < size else set()
        for low in range(start, size, CHUNK):
            if low > start and stop():
                return size - low
            _take(archive, store, gone_away, low, min(low + CHUNK, size))
        return 0


def _take(archive: Archive, store: SqliteChanges, gone_away: set[str], low: int, high: int) -> None:
    touched: dict[str, None] = {}
    withdrawn: dict[str, None] = {}
    rows: list[ChangeRow] = []
    for index, line in archive.lines(low, high):
        if line is None or not line.id:
            continue
        if line.kind == "gone":
            withdrawn[line.id] = None
            gone_away.discard(line.id)
            rows = [row for row in rows if row.id != line.id]
            touched.pop(line.id, None)
            continue
        if line.kind == "rev" and (line.rev or line.prev is not None):
            touched[line.id] = None
        fact = _fact(index, line, gone_away)
        if fact is not None:
            rows.append(fact)
    stale: list[int] = []
    for identity in touched:
        fresh, old = _compare_all(archive, store, identity)
        stale += old
        # A page that came back with another text: one leaf, both told.
        facts = {row.index: row for row in rows if row.id == identity}
        rows = [row for row in rows if row.index not in {one.index for one in fresh}]
        rows += [_joined(row, facts.get(row.index)) for row in fresh]
    store.store(rows, drop=withdrawn, stale=stale, size=high)


def _joined(row: ChangeRow, fact: ChangeRow | None) -> ChangeRow:
    if fact is None:
        return row
    kinds = (*(kind for kind in row.kinds if kind != "extraction"), *fact.kinds)
    return msgspec.structs.replace(row, kinds=kinds)


def _fact(index: int, line: ManifestLine, gone_away: set[str]) -> ChangeRow | None:
    """That a page vanished, for another reason too, or came back."""
    if line.kind == "lost":
        gone_away.add(line.id)
        kind = "vanished"
    elif line.kind in ("seen", "rev") and line.id in gone_away:
        gone_away.discard(line.id)
        kind = "returned"
    else:
        return None
    return ChangeRow(
        index=index,
        id=line.id,
        outlet=line.outlet,
        at_ms=line.captured_ms,
        cause="",
        kinds=(kind,),
        before=-1 if line.prev is None else line.prev,
        reason=line.reason,
    )


def _compare_all(archive: Archive, store: SqliteChanges, identity: str) -> tuple[list[ChangeRow], list[int]]:
    """(changes between neighbouring versions that were not compared yet, indexes of those that hold no more)."""
    known = store.pairs(identity)
    versions = store.versions(identity)
    wanted = {after[0]: before[0] for before, after in pairwise(versions)}
    stale = [index for index, before in known.items() if wanted.get(index) != before]
    rows = []
    for index, before in wanted.items():
        if known.get(index) != before:
            row = _compare(archive, before, index)
            if row is not None:
                rows.append(row)
    return rows, stale


def _compare(archive: Archive, before: int, index: int) -> ChangeRow | None:
    try:
        earlier, later = archive.line(before), archive.line(index)
        if earlier is None or later is None:
            return None
        one, other = version_of(archive, earlier), version_of(archive, later)
    except StoreError:
        return None  # one damaged record must not hide all other changes; `verify` names it
    if later.cause == "extractor":
        reason = "extractor"
        kinds: tuple[str, ...] = ()
    else:
        comparison = compare_versions(one, other)
        reason, kinds = misreading(one, other, comparison), comparison.kinds
    return ChangeRow(
        index=index,
        id=later.id,
        outlet=later.outlet,
        at_ms=later.captured_ms,
        cause=later.cause or "outlet",
        kinds=("extraction",) if reason else kinds,
        before=before,
        reason=reason,
    )


def version_of(archive: Archive, line: ManifestLine) -> Version:
    """What is compared of a revision. Raises StoreError where its record is damaged or missing."""
    return Version(
        title=line.title,
        text=plain_text(parse_record(archive.record(line)).body_html),
        authors=line.authors,
        published=line.published,
        pictures=tuple((ref.url, ref.sha256) for ref in line.media),
        swapped=tuple(ref.url for ref in line.media if ref.replaces),
    )


def compare_revisions(archive: Archive, before: int, after: int) -> tuple[ManifestLine, ManifestLine, Comparison]:
    """Two revisions by their log indexes, side by side. Raises NotFound (withheld), StoreError (damaged)."""
    one, other = archive.line(before), archive.line(after)
    if one is None or other is None or one.kind != "rev" or other.kind != "rev":
        raise NotFound(f"entries {before} and {after}: no two versions are kept there")
    return one, other, compare_versions(version_of(archive, one), version_of(archive, other))
