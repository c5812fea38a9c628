"""Lines of the log as rows of the catalogue: gathered for a batch, written together, in the order of the log."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from baoguan.backends.sqlite import traces
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.model.log import ManifestLine
from baoguan.text.identity import keys_of, legacy_number

ARTICLE = (
    "id, outlet, url, title, lang, rev, idx, captured_ms, shown_ms, content_sha256, confidence, extractor, lead,"
    " lead_width, lead_height, lost, checked_ms"
)


def shown_ms(line: ManifestLine) -> int:
    """What lists are sorted by: the publisher's clock, else the time of capture; never later than the capture."""
    if line.published:
        try:
            at = datetime.fromisoformat(line.published)
        except ValueError:
            return line.captured_ms
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return min(int(at.timestamp() * 1000), line.captured_ms)
    return line.captured_ms


class Rows:
    """Rows that no statement of their own batch reads: written together at its end, in the order of the log."""

    def __init__(self, held: dict[str, tuple[int, int]]) -> None:
        """`held`: (captured_ms, rev) of the articles that stand already; grows with the rows."""
        self.held = held
        self.articles: dict[str, tuple[str | int | float, ...]] = {}
        self.revisions: list[tuple[str | int, ...]] = []
        self.aliases: list[tuple[str, str, str]] = []
        self.imported: list[tuple[str, str, str, int]] = []
        self.lowest: dict[str, int] = {}

    def write(self, db: sqlite3.Connection) -> None:
        """Inserts what was gathered."""
        self.write_articles(db)
        db.executemany("INSERT OR REPLACE INTO revision VALUES (?,?,?,?,?,?,?,?)", self.revisions)
        db.executemany("INSERT OR IGNORE INTO alias VALUES (?,?,?)", self.aliases)
        db.executemany("INSERT OR IGNORE INTO imported VALUES (?,?,?,?)", self.imported)
        db.executemany(
            "INSERT INTO legacy VALUES (?,?) ON CONFLICT (outlet) DO UPDATE SET low = min(low, excluded.low)",
            self.lowest.items(),
        )

    def write_articles(self, db: sqlite3.Connection) -> None:
        """Inserts the articles: before the first statement that updates one."""
        db.executemany(
            f"INSERT OR REPLACE INTO article ({ARTICLE}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608
            self.articles.values(),
        )
        self.articles = {}


def as_json(rows: Iterable[object]) -> str:
    """For json_each."""
    return msgspec.json.encode(list(rows)).decode()


def held_articles(db: sqlite3.Connection, ids: list[str]) -> dict[str, tuple[int, int]]:
    """(captured_ms, rev) of those of `ids` that stand."""
    rows = db.execute(
        "SELECT a.id, a.captured_ms, a.rev FROM json_each(?) j CROSS JOIN article a ON a.id = j.value", (as_json(ids),)
    )
    return {identity: (captured_ms, rev) for identity, captured_ms, rev in rows}


def apply_line(db: sqlite3.Connection, rows: Rows, index: int, line: ManifestLine) -> None:
    """Takes one line: rows that no later line of the batch reads wait in `rows`."""
    if line.kind == "rev":
        _apply_rev(db, rows, index, line)
    elif line.kind == "seen":
        rows.write_articles(db)
        db.execute("UPDATE article SET lost = '', checked_ms = ? WHERE id = ?", (line.captured_ms, line.id))
        _own(rows, line)
    elif line.kind == "lost":
        rows.write_articles(db)
        db.execute("UPDATE article SET lost = ?, checked_ms = ? WHERE id = ?", (line.reason, line.captured_ms, line.id))
    traces.apply_traces(db, index, line)
    if line.media:
        db.executemany(
            "INSERT OR REPLACE INTO media VALUES (?,?,?,?,?,?)",
            [
                (url, ref.sha256, ref.path, ref.width, ref.height, ref.capture.record_id if ref.capture else "")
                for ref in line.media
                if ref.sha256
                for url in dict.fromkeys((ref.url, ref.fetched_url or ref.url))
            ],
        )


def _own(rows: Rows, line: ManifestLine) -> None:
    keys = keys_of(line.guids, (line.url, *line.aliases), conflict="conflict" in line.flags)
    rows.aliases += [(line.outlet, key, line.id) for key in keys]


def _apply_rev(db: sqlite3.Connection, rows: Rows, index: int, line: ManifestLine) -> None:
    path = line.record.path if line.record else ""
    rows.revisions.append((line.id, line.rev, index, line.captured_ms, line.title, line.cause, path, line.legacy_path))
    _own(rows, line)
    if line.source_sha256:
        rows.imported.append((line.source_sha256, line.legacy_path, line.id, line.rev))
    number = legacy_number(line.legacy_path)
    if number is not None:
        rows.lowest[line.outlet] = min(number, rows.lowest.get(line.outlet, number))
    held = rows.held.get(line.id)
    rev = max(line.rev, held[1]) if held else line.rev
    if held is not None and held[0] > line.captured_ms:
        rows.held[line.id] = (held[0], rev)
        rows.write_articles(db)
        db.execute("UPDATE article SET rev = max(rev, ?) WHERE id = ?", (line.rev, line.id))
        return
    rows.held[line.id] = (line.captured_ms, rev)
    lead = next((ref for ref in line.media[:1] if ref.path), None)
    rows.articles[line.id] = (
        line.id,
        line.outlet,
        line.url,
        line.title,
        line.lang,
        rev,
        index,
        line.captured_ms,
        shown_ms(line),
        line.content_sha256,
        line.confidence,
        line.extractor,
        lead.path if lead else "",
        lead.width if lead else 0,
        lead.height if lead else 0,
        "",
        line.captured_ms,
    )
