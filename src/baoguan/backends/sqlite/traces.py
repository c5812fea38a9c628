"""Where an article left traces: which lines, captures, feeds and pictures are its own. What a withdrawal asks.

Part of the catalogue's file. Each table answers without a scan, so that a withdrawal costs the same in a large archive.
"""

import hashlib
from collections.abc import Iterable, Sequence

from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.model.capture import CaptureRef
from baoguan.model.log import ManifestLine
from baoguan.text.urls import identity_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (id TEXT, idx INTEGER, PRIMARY KEY (id, idx)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (sha256 TEXT, id TEXT, url TEXT, PRIMARY KEY (sha256, id, url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS loose (
  url BLOB, at_ms INTEGER, record_id TEXT, idx INTEGER, PRIMARY KEY (url, at_ms, record_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS loose_record ON loose (record_id);
CREATE TABLE IF NOT EXISTS sighting (
  key BLOB, feed BLOB, first_ms INTEGER, last_ms INTEGER, PRIMARY KEY (key, feed)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revisit (target TEXT, record_id TEXT, PRIMARY KEY (target, record_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS withdrawn (id TEXT PRIMARY KEY, at_ms INTEGER, reason TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moved (file TEXT, offset INTEGER, move INTEGER, PRIMARY KEY (file, offset)) WITHOUT ROWID;
DROP INDEX IF EXISTS capture_file;
"""
TABLES = ("fact", "shown", "loose", "sighting", "revisit", "moved", "withdrawn")


def brief(text: str) -> bytes:
    """Eight bytes that stand for a URL or an identity key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]


def page_brief(url: str) -> bytes:
    """Of a page: what its spellings share."""
    return brief(identity_key(url))


def apply_traces(db: sqlite3.Connection, index: int, line: ManifestLine) -> None:
    """What a line of the log says about traces."""
    if line.kind in ("seen", "lost", "late"):
        db.execute("INSERT OR IGNORE INTO fact VALUES (?,?)", (line.id, index))
    elif line.kind == "cap":
        db.executemany(
            "INSERT OR REPLACE INTO loose VALUES (?,?,?,?)",
            [(page_brief(ref.url), ref.at_ms, ref.record_id, index) for ref in line.captures if _is_page(ref)],
        )
    elif line.kind == "gone" and line.id:
        db.execute("INSERT OR IGNORE INTO withdrawn VALUES (?,?,?)", (line.id, line.captured_ms, line.reason))
    if line.media and line.id:
        db.executemany(
            "INSERT OR IGNORE INTO shown VALUES (?,?,?)",
            [
                (ref.sha256, line.id, url)
                for ref in line.media
                if ref.sha256
                for url in dict.fromkeys((ref.url, ref.fetched_url or ref.url))
            ],
        )


def _is_page(ref: CaptureRef) -> bool:
    return bool(ref.url) and ref.kind in ("response", "revisit")


def entries_of(db: sqlite3.Connection, ids: Sequence[str]) -> list[int]:
    """Log indexes of every line of these articles."""
    found: set[int] = set()
    for identity in ids:
        found.update(row[0] for row in db.execute("SELECT idx FROM revision WHERE id = ?", (identity,)))
        found.update(row[0] for row in db.execute("SELECT idx FROM fact WHERE id = ?", (identity,)))
    return sorted(found)


def loose_of(db: sqlite3.Connection, urls: Iterable[str]) -> list[tuple[str, int]]:
    """(record id, log index of its cap line) of captures of these URLs that no article names."""
    found: dict[str, int] = {}
    for url in urls:
        found.update(db.execute("SELECT record_id, idx FROM loose WHERE url = ?", (page_brief(url),)))
    return sorted(found.items())


def cap_index(db: sqlite3.Connection, record_id: str) -> int | None:
    """Log index of the cap line that names a capture; None when an article's line does."""
    row = db.execute("SELECT idx FROM loose WHERE record_id = ?", (record_id,)).fetchone()
    return None if row is None else int(row[0])


def feed_captures(db: sqlite3.Connection, keys: Iterable[str]) -> list[str]:
    """Record ids of the feed responses that may have carried one of these items, by feed and time."""
    found: dict[str, None] = {}
    for key in keys:
        spans = db.execute("SELECT feed, first_ms, last_ms FROM sighting WHERE key = ?", (brief(key),)).fetchall()
        for span in spans:
            rows = db.execute(
                "SELECT record_id FROM loose WHERE url = ? AND at_ms BETWEEN ? AND ? ORDER BY at_ms", span
            )
            found.update((row[0], None) for row in rows)
    return list(found)


def revisits_of(db: sqlite3.Connection, record_id: str) -> list[str]:
    """Captures that hold no body of their own, but refer to this one."""
    return [row[0] for row in db.execute("SELECT record_id FROM revisit WHERE target = ?", (record_id,))]


def shown_elsewhere(db: sqlite3.Connection, sha256: str, ids: Sequence[str], url: str = "") -> bool:
    """Whether another article shows this picture (under that URL, when one is given)."""
    marks = ",".join("?" * len(ids))
    where = f"sha256 = ? AND id NOT IN ({marks})" + (" AND url = ?" if url else "")
    query = f"SELECT 1 FROM shown WHERE {where} LIMIT 1"  # noqa: S608 - only question marks
    return db.execute(query, (sha256, *ids, *([url] if url else []))).fetchone() is not None


def see(db: sqlite3.Connection, feed: str, at_ms: int, keys: Iterable[str]) -> None:
    """A feed response of that time carried items with these identity keys."""
    where = page_brief(feed)
    db.executemany(
        "INSERT INTO sighting VALUES (?,?,?,?) ON CONFLICT (key, feed) DO UPDATE SET"
        " first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)",
        [(brief(key), where, at_ms, at_ms) for key in keys],
    )


def forget_article(db: sqlite3.Connection, plan: Plan) -> None:
    """Deletes every row that a withdrawn article left; doing it twice changes nothing."""
    for identity in plan.ids:
        for table in ("article", "revision", "fact"):
            db.execute(f"DELETE FROM {table} WHERE id = ?", (identity,))  # noqa: S608 - fixed words
    for name in plan.names:
        for outlet in plan.outlets:
            db.execute("DELETE FROM alias WHERE outlet = ? AND key = ?", (outlet, name))
        db.execute("DELETE FROM sighting WHERE key = ?", (brief(name),))
    db.executemany("DELETE FROM imported WHERE source_sha256 = ? AND legacy_path = ?", plan.legacy)
    for sha256, url in plan.pictures:
        db.executemany("DELETE FROM shown WHERE sha256 = ? AND id = ?", [(sha256, one) for one in plan.ids])
        if not shown_elsewhere(db, sha256, plan.ids, url):
            db.execute("DELETE FROM media WHERE url = ? AND sha256 = ?", (url, sha256))
    _forget_captures(db, plan)


def _forget_captures(db: sqlite3.Connection, plan: Plan) -> None:
    for cut in plan.cuts:
        db.execute("DELETE FROM loose WHERE record_id = ? AND idx < ?", (cut.record_id, plan.first))
        db.execute("DELETE FROM revisit WHERE target = ?", (cut.record_id,))
    moved = [(cut.target, cut.record_id) for cut in plan.cuts if cut.target]
    db.executemany("INSERT OR IGNORE INTO revisit VALUES (?,?)", moved)
    stubs = [cut for cut in plan.cuts if cut.ref.record_id != cut.record_id]
    marks = (db.execute("SELECT 1 FROM capture WHERE record_id = ?", (cut.ref.record_id,)) for cut in stubs)
    if any(mark.fetchone() for mark in marks):
        return  # moved already, or read anew since
    for cut in plan.cuts:
        row = db.execute("SELECT offset FROM capture WHERE record_id = ?", (cut.record_id,)).fetchone()
        if row is None:
            continue
        db.execute("DELETE FROM capture WHERE record_id = ?", (cut.record_id,))
        db.execute(
            "INSERT OR REPLACE INTO capture VALUES (?,?,?,?)", (cut.ref.record_id, cut.file, row[0], len(cut.data))
        )
        db.execute(
            "INSERT INTO moved VALUES (?,?,?) ON CONFLICT (file, offset) DO UPDATE SET move = move + excluded.move",
            (cut.file, row[0], len(cut.data) - cut.length),
        )


def place_of(db: sqlite3.Connection, record_id: str) -> tuple[str, str, int, int] | None:
    """(record id, file, offset, length) of a WARC record; None for an unknown one.

    Rows say where a record lay when its file was read; what was cut out of the file before it since is told apart, for
    hundreds of rows would have to be written anew otherwise.
    """
    found: tuple[str, str, int, int] | None = db.execute(
        "SELECT record_id, file, offset + coalesce((SELECT sum(m.move) FROM moved m WHERE m.file = c.file"
        " AND m.offset < c.offset), 0), length FROM capture c WHERE record_id = ?",
        (record_id,),
    ).fetchone()
    return found
