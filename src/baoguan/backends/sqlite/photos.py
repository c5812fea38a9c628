"""The index of photos in SQLite: files, the addresses they came from, the articles that showed them, how they look.

Derived from the log, records and pictures; the file may be deleted. What is alike is asked for by buckets, so
that a question costs few rows in a large archive, too, and a new picture costs sixteen.
"""

import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from baoguan.backends.sqlite import connect, transaction
from baoguan.backends.sqlite.applying import as_json
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.slack import scrub
from baoguan.media.likeness import distance, is_alike, probes_of, rows_of
from baoguan.model.photo import PhotoFile, PhotoForm, PhotoUse

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
  sha256 TEXT PRIMARY KEY, path TEXT, width INTEGER, height INTEGER, dhash BLOB, colour INTEGER, seen INTEGER)
  WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_seen ON file (seen) WHERE seen = 0;
CREATE TABLE IF NOT EXISTS form (
  id TEXT, url TEXT, sha256 TEXT, key TEXT, width INTEGER, crop TEXT, PRIMARY KEY (id, url, sha256)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS form_sha ON form (sha256);
CREATE INDEX IF NOT EXISTS form_key ON form (key, sha256);
CREATE TABLE IF NOT EXISTS told (
  id TEXT, url TEXT, idx INTEGER, caption TEXT, credit TEXT, PRIMARY KEY (id, url, caption, credit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bucket (place INTEGER, row INTEGER, sha256 TEXT, PRIMARY KEY (place, row, sha256))
  WITHOUT ROWID;
"""
MOST = 200
"""Files, forms or uses that one answer holds."""
_CROWD = 400
"""Files of one bucket that are looked at: more lie there only when they say next to nothing."""
_FILE = "f.sha256, f.path, f.width, f.height, f.dhash, f.colour"


class SqlitePhotos:
    """index/photos.sqlite. Used from several threads: each has its own connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self.writing = threading.Lock()
        """Held by whoever brings the index up to date."""

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect(self._path, SCHEMA)
            self._open.append(db)
        return db

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._db())

    def close(self) -> None:
        """Closes the connections of all threads."""
        for db in self._open:
            db.close()
        self._open.clear()
        self._local = threading.local()

    def size(self, grammars: str) -> int:
        """How many leaves of the log are indexed; what was read with other `grammars` (their digest) is read anew."""
        meta = dict(self._db().execute("SELECT key, value FROM meta").fetchall())
        if meta.get("grammars", grammars) != grammars:
            with self._transaction() as db:
                for table in ("meta", "form", "told"):
                    db.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed words
            return 0
        return int(meta.get("size", "0"))

    def put(
        self,
        files: Iterable[PhotoFile],
        forms: Iterable[tuple[str, PhotoForm]],
        told: Iterable[PhotoUse],
        *,
        gone: Sequence[str],
        size: int,
        grammars: str,
    ) -> None:
        """Takes what lines of the log say, and moves `size`; forms come with the id of their article."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO file VALUES (?,?,?,?,NULL,-1,0)",
                ((one.sha256, one.path, one.width, one.height) for one in files),
            )
            db.executemany(
                "INSERT OR REPLACE INTO form VALUES (?,?,?,?,?,?)",
                ((identity, one.url, one.sha256, one.key, one.width, one.crop) for identity, one in forms),
            )
            db.executemany(
                "INSERT OR IGNORE INTO told VALUES (?,?,?,?,?)",
                ((one.id, one.url, one.index, one.caption, one.credit) for one in told),
            )
            _forget(db, gone)
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", (("size", str(size)), ("grammars", grammars)))

    def forget(self, ids: Sequence[str]) -> bool:
        """Removes articles, and the photos that nobody else showed, bytes and all; False while old pages are read."""
        with self._transaction() as db:
            _forget(db, ids)
        return scrub(self._path)

    def unseen(self, *, limit: int) -> list[PhotoFile]:
        """Files that were not looked at."""
        rows = self._db().execute(f"SELECT {_FILE} FROM file f WHERE seen = 0 LIMIT ?", (limit,))  # noqa: S608
        return [_file(row) for row in rows]

    def look(self, seen: Iterable[tuple[str, bytes, int]]) -> None:
        """(sha256, dhash or empty, colour or -1) of files that were looked at."""
        rows = list(seen)
        with self._transaction() as db:
            db.executemany(
                "UPDATE file SET seen = 1, dhash = ?, colour = ? WHERE sha256 = ?",
                ((hash_ or None, colour, sha256) for sha256, hash_, colour in rows),
            )
            db.executemany(
                "INSERT OR IGNORE INTO bucket SELECT ?, ?, sha256 FROM file WHERE sha256 = ?",
                ((place, row, sha256) for sha256, hash_, _ in rows if hash_ for place, row in rows_of(hash_)),
            )

    def file(self, sha256: str) -> PhotoFile | None:
        """A kept picture."""
        row = self._db().execute(f"SELECT {_FILE} FROM file f WHERE sha256 = ?", (sha256,)).fetchone()  # noqa: S608
        return _file(row) if row else None

    def files(self, digests: Iterable[str]) -> list[PhotoFile]:
        """Those of many."""
        rows = self._db().execute(
            f"SELECT {_FILE} FROM json_each(?) j CROSS JOIN file f ON f.sha256 = j.value",  # noqa: S608
            (as_json(digests),),
        )
        return [_file(row) for row in rows]

    def same_key(self, sha256: str) -> list[str]:
        """Other files under an outlet's name that this file came under too."""
        rows = self._db().execute(
            "SELECT DISTINCT o.sha256 FROM form f JOIN form o ON o.key = f.key"
            " WHERE f.sha256 = ? AND o.sha256 != ? LIMIT ?",
            (sha256, sha256, MOST),
        )
        return [row[0] for row in rows]

    def under_key(self, key: str) -> list[tuple[PhotoFile, PhotoForm]]:
        """Kept files of a photo by its outlet's name (or an address without scheme), the largest first."""
        rows = self._db().execute(
            f"SELECT {_FILE}, o.id, o.url, o.key, o.width, o.crop FROM form o JOIN file f ON f.sha256 = o.sha256"  # noqa: S608
            " WHERE o.key = ? ORDER BY f.width * f.height DESC, f.sha256, o.url LIMIT ?",
            (key, MOST),
        )
        return [
            (_file(row[:6]), PhotoForm(id=row[6], url=row[7], sha256=row[0], key=row[8], width=row[9], crop=row[10]))
            for row in rows
        ]

    def near(self, hash_: bytes) -> list[tuple[int, str]]:
        """(bits, sha256) of files that look alike, the nearest first."""
        found: dict[str, int] = {}
        for place, row in probes_of(hash_):
            rows = self._db().execute(
                "SELECT f.sha256, f.dhash FROM (SELECT sha256 FROM bucket WHERE place = ? AND row = ? LIMIT ?) b"
                " JOIN file f ON f.sha256 = b.sha256",
                (place, row, _CROWD),
            )
            found.update({sha256: distance(hash_, other) for sha256, other in rows if is_alike(hash_, other)})
        return sorted((bits, sha256) for sha256, bits in found.items())[:MOST]

    def forms(self, digests: Iterable[str]) -> list[PhotoForm]:
        """Addresses that these files came from."""
        rows = self._db().execute(
            "SELECT f.id, f.url, f.sha256, f.key, f.width, f.crop FROM json_each(?) j CROSS JOIN form f"
            " ON f.sha256 = j.value ORDER BY f.width DESC, f.url LIMIT ?",
            (as_json(digests), MOST + 1),
        )
        return [PhotoForm(id=row[0], url=row[1], sha256=row[2], key=row[3], width=row[4], crop=row[5]) for row in rows]

    def uses(self, digests: Iterable[str]) -> list[PhotoUse]:
        """Articles that showed these files, with each caption and credit that they gave."""
        rows = self._db().execute(
            "SELECT t.id, f.sha256, t.url, t.caption, t.credit, t.idx FROM json_each(?) j"
            " CROSS JOIN form f ON f.sha256 = j.value JOIN told t ON t.id = f.id AND t.url = f.url"
            " ORDER BY t.idx, t.url LIMIT ?",
            (as_json(digests), MOST + 1),
        )
        return [
            PhotoUse(id=row[0], sha256=row[1], url=row[2], caption=row[3], credit=row[4], index=row[5]) for row in rows
        ]

    def counts(self) -> tuple[int, int, int]:
        """Files, those that were looked at, photos by the outlets' names."""
        row = self._db().execute(
            "SELECT (SELECT count(*) FROM file), (SELECT count(*) FROM file WHERE seen = 1),"
            " (SELECT count(DISTINCT key) FROM form)"
        )
        files, seen, photos = row.fetchone()
        return int(files), int(seen), int(photos)


def _forget(db: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Deletes articles and what only they showed."""
    for identity in ids:
        digests = [row[0] for row in db.execute("SELECT DISTINCT sha256 FROM form WHERE id = ?", (identity,))]
        db.execute("DELETE FROM form WHERE id = ?", (identity,))
        db.execute("DELETE FROM told WHERE id = ?", (identity,))
        for sha256 in digests:
            if db.execute("SELECT 1 FROM form WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone() is None:
                _drop_file(db, sha256)


def _drop_file(db: sqlite3.Connection, sha256: str) -> None:
    row = db.execute("SELECT dhash FROM file WHERE sha256 = ?", (sha256,)).fetchone()
    if row is not None and row[0]:
        db.executemany(
            "DELETE FROM bucket WHERE place = ? AND row = ? AND sha256 = ?",
            [(place, bits, sha256) for place, bits in rows_of(row[0])],
        )
    db.execute("DELETE FROM file WHERE sha256 = ?", (sha256,))


def _file(row: Sequence[object]) -> PhotoFile:
    sha256, path, width, height, hash_, colour = row
    return PhotoFile(
        sha256=str(sha256),
        path=str(path),
        width=int(str(width)),
        height=int(str(height)),
        dhash=hash_ if isinstance(hash_, bytes) else b"",
        colour=int(str(colour)),
    )
