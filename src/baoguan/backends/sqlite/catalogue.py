"""The catalogue in SQLite: identity, revisions, media and places of captures, all derived from public/.

One transaction applies the lines of a batch and moves `size`, so that a crash leaves a catalogue that is merely behind
and is caught up from the manifest on the next start.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.sqlite import changes, connect, traces
from baoguan.backends.sqlite.applying import ARTICLE, Rows, apply_line, as_json, held_articles
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.slack import counted, scrub
from baoguan.model.catalog import ArticleRow, CaptureRow, KeptMedia, RevisionRow
from baoguan.model.log import ManifestLine
from baoguan.text.urls import identity_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS article (
  id TEXT PRIMARY KEY, outlet TEXT, url TEXT, title TEXT, lang TEXT, rev INTEGER, idx INTEGER, captured_ms INTEGER,
  shown_ms INTEGER, content_sha256 TEXT, confidence REAL, extractor TEXT, lead TEXT, lead_width INTEGER,
  lead_height INTEGER, lost TEXT DEFAULT '', checked_ms INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS article_shown ON article (shown_ms DESC, id);
CREATE INDEX IF NOT EXISTS article_outlet ON article (outlet, shown_ms DESC, id);
CREATE INDEX IF NOT EXISTS article_kept ON article (idx);
CREATE TABLE IF NOT EXISTS revision (
  id TEXT, rev INTEGER, idx INTEGER, captured_ms INTEGER, title TEXT, cause TEXT, path TEXT, legacy_path TEXT,
  PRIMARY KEY (id, rev)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alias (outlet TEXT, key TEXT, id TEXT, PRIMARY KEY (outlet, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS media (
  url TEXT PRIMARY KEY, sha256 TEXT, path TEXT, width INTEGER, height INTEGER, record_id TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS imported (
  source_sha256 TEXT, legacy_path TEXT, id TEXT, rev INTEGER, PRIMARY KEY (source_sha256, legacy_path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS legacy (outlet TEXT PRIMARY KEY, low INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS capture (
  record_id TEXT PRIMARY KEY, file TEXT, offset INTEGER, length INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS captured (file TEXT PRIMARY KEY) WITHOUT ROWID;
"""
VERSION = 3
"""Of what is derived: raised whenever a table gets rows that an older catalogue lacks."""


_SCRUB_LINES, _SCRUB_SHARE = 2048, 32


class SqliteCatalog:
    """The catalogue of one archive; see ports.Catalog for the contract."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = connect(path, SCHEMA + traces.SCHEMA + changes.SCHEMA)
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            self._start_anew(VERSION)
        self._changes = self._db.total_changes

    def _start_anew(self, version: int) -> None:
        """A catalogue that an older program made lacks what is derived now: emptied, and caught up from the log."""
        with self._transaction() as db:
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                db.execute(f"DELETE FROM {name}")  # noqa: S608 - our own names
            db.execute(f"PRAGMA user_version = {version}")

    def close(self) -> None:
        """Closes the file; after writing, gaps of its pages are zeroed first, so that no withdrawal waits for that."""
        if self._db.total_changes > self._changes:
            with suppress(sqlite3.Error):  # another process reads or writes: when it matters
                scrub(self._path, is_counted=True, wait_s=0)
        self._db.close()

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return counted(self._db)

    def size(self) -> int:
        """How many leaves of the log are applied."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'size'").fetchone()
        return int(row[0]) if row else 0

    def apply(self, lines: Iterable[tuple[int, ManifestLine | None]], *, size: int) -> None:
        """Takes the lines up to (not with) leaf `size`; lines already applied change nothing."""
        with self._transaction() as db:
            done = self.size()
            fresh = [(index, line) for index, line in lines if line is not None and done <= index < size]
            rows = Rows(held_articles(db, [line.id for _, line in fresh if line.kind == "rev"]))
            for index, line in fresh:
                apply_line(db, rows, index, line)
            rows.write(db)
            if size > done:
                db.execute("INSERT OR REPLACE INTO meta VALUES ('size', ?)", (size,))
        self._scrub_some(max(size, done))

    def _scrub_some(self, size: int) -> None:
        """Now and then, so that a withdrawal finds little to do: gaps of 3 % of the pages at most wait for it."""
        row = self._db.execute("SELECT value FROM scrub WHERE key = 'scrubbed'").fetchone()
        if size - (row[0] if row else 0) < max(_SCRUB_LINES, size // _SCRUB_SHARE):
            return
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO scrub VALUES ('scrubbed', ?)", (size,))
        with suppress(sqlite3.OperationalError):  # another process reads or writes: next time, or when it matters
            scrub(self._path, is_counted=True, wait_s=0)

    def add_captures(self, file: str, rows: Iterable[CaptureRow]) -> None:
        """Remembers where the records of a WARC file lie."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO capture VALUES (?,?,?,?)",
                ((row.record_id, row.file, row.offset, row.length) for row in rows),
            )
            db.execute("DELETE FROM moved WHERE file = ?", (file,))
            db.execute("INSERT OR IGNORE INTO captured VALUES (?)", (file,))

    def add_traces(self, revisits: Iterable[tuple[str, str]], sightings: Iterable[tuple[str, int, list[str]]]) -> None:
        """(target, revisit) ids of captures without a body; (feed, time, identity keys) of captures of feeds."""
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO revisit VALUES (?,?)", revisits)
            for feed, at_ms, keys in sightings:
                traces.see(db, feed, at_ms, keys)

    def entries_of(self, ids: Sequence[str]) -> list[int]:
        """Log indexes of every line of these articles."""
        return traces.entries_of(self._db, ids)

    def captures_of_urls(self, urls: Iterable[str]) -> list[tuple[str, int]]:
        """(record id, log index of its cap line) of captures of these URLs that no article names."""
        return traces.loose_of(self._db, urls)

    def cap_index(self, record_id: str) -> int | None:
        """Log index of the cap line that names a capture; None when an article's line does."""
        return traces.cap_index(self._db, record_id)

    def feed_captures(self, keys: Iterable[str]) -> list[str]:
        """Record ids of feed responses that may have carried an item with one of these identity keys."""
        return traces.feed_captures(self._db, keys)

    def revisits_of(self, record_id: str) -> list[str]:
        """Captures that refer to this one for their body."""
        return traces.revisits_of(self._db, record_id)

    def shown_elsewhere(self, sha256: str, ids: Sequence[str]) -> bool:
        """Whether an article that isn't one of `ids` shows this picture."""
        return traces.shown_elsewhere(self._db, sha256, ids)

    def owners(self, sha256: str) -> list[str]:
        """Outlets whose articles show this picture."""
        rows = self._db.execute(
            "SELECT DISTINCT a.outlet FROM shown s JOIN article a ON a.id = s.id WHERE s.sha256 = ?", (sha256,)
        )
        return [row[0] for row in rows]

    def withdrawn(self, identity: str) -> tuple[int, str] | None:
        """(when, reason) of an article that was withdrawn here."""
        row = self._db.execute("SELECT at_ms, reason FROM withdrawn WHERE id = ?", (identity,)).fetchone()
        return None if row is None else (row[0], row[1])

    def identity_keys(self) -> Iterator[tuple[str, str, str]]:
        """(outlet, key, id) of everything that is known."""
        yield from self._db.execute("SELECT outlet, key, id FROM alias")

    def forget(self, plan: Plan) -> bool:
        """Deletes what a withdrawal names, bytes and all; False while a reader holds old pages: then again later."""
        with self._transaction() as db:
            traces.forget_article(db, plan)
        return scrub(self._path, is_counted=True)

    def has_captures(self, file: str) -> bool:
        """Whether the records of that file are known."""
        return self._db.execute("SELECT 1 FROM captured WHERE file = ?", (file,)).fetchone() is not None

    def capture(self, record_id: str) -> CaptureRow | None:
        """Where a WARC record lies."""
        row = traces.place_of(self._db, record_id)
        return CaptureRow(record_id=row[0], file=row[1], offset=row[2], length=row[3]) if row else None

    def key_owners(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Ids of the articles that own (outlet, key), for many at once."""
        rows = self._db.execute(
            "SELECT a.outlet, a.key, a.id FROM json_each(?) j CROSS JOIN alias a"
            " ON a.outlet = j.value ->> 0 AND a.key = j.value ->> 1",
            (as_json(keys),),
        )
        return {(outlet, key): identity for outlet, key, identity in rows}

    def find(self, outlet: str, keys: Sequence[str]) -> list[str]:
        """Ids of the articles of `outlet` that own one of `keys`, in the order of the keys, each once."""
        if not keys:
            return []
        marks = ",".join("?" * len(keys))
        rows = self._db.execute(
            f"SELECT key, id FROM alias WHERE outlet = ? AND key IN ({marks})",  # noqa: S608 - only question marks
            (outlet, *keys),
        )
        found = dict(rows.fetchall())
        return list(dict.fromkeys(found[key] for key in keys if key in found))

    def named(self, name: str) -> list[str]:
        """Ids that `name` means: an id, the start of one (4 digits or more), or a URL."""
        if "://" in name:
            key = f"u:{identity_key(name)}"
            rows = self._db.execute("SELECT DISTINCT id FROM alias WHERE key = ? LIMIT 10", (key,))
        elif len(name) >= 4 and all(char in "0123456789abcdef" for char in name):
            rows = self._db.execute("SELECT id FROM article WHERE id >= ? AND id < ? LIMIT 10", (name, name + "g"))
        else:
            return []
        return [row[0] for row in rows]

    def article(self, identity: str) -> ArticleRow | None:
        """The current revision of an article."""
        row = self._db.execute(f"SELECT {ARTICLE} FROM article WHERE id = ?", (identity,)).fetchone()  # noqa: S608
        return _article(row) if row else None

    def standing(self, identities: Iterable[str]) -> dict[str, ArticleRow]:
        """The current revisions of many articles; those that don't exist are left out."""
        columns = ", ".join(f"a.{name.strip()}" for name in ARTICLE.split(","))
        rows = self._db.execute(
            f"SELECT {columns} FROM json_each(?) j CROSS JOIN article a ON a.id = j.value",  # noqa: S608
            (as_json(identities),),
        )
        return {row[0]: _article(row) for row in rows}

    def record_paths(self, identities: Iterable[str]) -> dict[str, str]:
        """Where the records of the current revisions of many articles lie."""
        rows = self._db.execute(
            "SELECT a.id, r.path FROM json_each(?) j CROSS JOIN article a ON a.id = j.value"
            " CROSS JOIN revision r ON r.id = a.id AND r.idx = a.idx",
            (as_json(identities),),
        )
        return dict(rows.fetchall())

    def articles(
        self, *, outlet: str = "", start_ms: int = 0, before: tuple[int, str] | None = None, limit: int = 30
    ) -> list[ArticleRow]:
        """Newest first by (shown_ms, id): those shown from `start_ms` on and below `before`."""
        where, values = ["shown_ms >= ?"], [start_ms]
        arguments: list[int | str] = list(values)
        if outlet:
            where.append("outlet = ?")
            arguments.append(outlet)
        if before is not None:
            where.append("(shown_ms < ? OR (shown_ms = ? AND id < ?))")
            arguments += [before[0], before[0], before[1]]
        rows = self._db.execute(
            f"SELECT {ARTICLE} FROM article WHERE {' AND '.join(where)}"  # noqa: S608 - fixed words only
            " ORDER BY shown_ms DESC, id DESC LIMIT ?",
            (*arguments, limit),
        )
        return [_article(row) for row in rows]

    def revisions(self, identity: str) -> list[RevisionRow]:
        """All revisions of an article, by number."""
        rows = self._db.execute("SELECT * FROM revision WHERE id = ? ORDER BY rev", (identity,))
        return [_revision(row) for row in rows]

    def all_revisions(self) -> Iterator[RevisionRow]:
        """Every revision in log order."""
        db = self._db.execute("SELECT * FROM revision ORDER BY idx")
        while rows := db.fetchmany(1000):
            yield from map(_revision, rows)

    def media(self, url: str) -> KeptMedia | None:
        """The picture kept for a URL."""
        row = self._db.execute("SELECT * FROM media WHERE url = ?", (url,)).fetchone()
        if row is None:
            return None
        return KeptMedia(sha256=row[1], path=row[2], width=row[3], height=row[4], record_id=row[5])

    def imported(self, source_sha256: str, legacy_path: str) -> bool:
        """Whether that very file was imported under that path."""
        row = self._db.execute(
            "SELECT 1 FROM imported WHERE source_sha256 = ? AND legacy_path = ?", (source_sha256, legacy_path)
        )
        return row.fetchone() is not None

    def all_imported(self, files: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of (sha256, path) that were imported: many asked at once."""
        rows = self._db.execute(
            "SELECT i.source_sha256, i.legacy_path FROM json_each(?) j CROSS JOIN imported i"
            " ON i.source_sha256 = j.value ->> 0 AND i.legacy_path = j.value ->> 1",
            (as_json(files),),
        )
        return {(digest, path) for digest, path in rows}

    def lowest_legacy(self, outlet: str) -> int | None:
        """The lowest id that an article of the outlet has in the ancestors' tree; None when it has none."""
        row = self._db.execute("SELECT low FROM legacy WHERE outlet = ?", (outlet,)).fetchone()
        return None if row is None else int(row[0])

    def outlets(self) -> dict[str, tuple[int, int]]:
        """By outlet: how many articles, and the newest shown_ms."""
        rows = self._db.execute("SELECT outlet, count(*), max(shown_ms) FROM article GROUP BY outlet ORDER BY outlet")
        return {row[0]: (row[1], row[2]) for row in rows}

    def counts(self) -> tuple[int, int, int]:
        """Articles, revisions, pictures."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM article), (SELECT count(*) FROM revision),"
            " (SELECT count(DISTINCT sha256) FROM media)"
        ).fetchone()
        return row[0], row[1], row[2]


_NAMES = tuple(name.strip() for name in ARTICLE.replace("idx", "index").split(","))


def _article(row: tuple[str | int, ...]) -> ArticleRow:
    return ArticleRow(**dict(zip(_NAMES, row, strict=True)))  # type: ignore[arg-type]


def _revision(row: tuple[str | int, ...]) -> RevisionRow:
    names = ("id", "rev", "index", "captured_ms", "title", "cause", "path", "legacy_path")
    return RevisionRow(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]
