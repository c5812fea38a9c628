"""The list of changes in SQLite, beside the catalogue and derived like it. It holds kinds and places, never text."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from baoguan.backends.sqlite import connect
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.slack import COUNTS, counted
from baoguan.model.change import ChangeRow

SCHEMA = f"""
{COUNTS}
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change (
  idx INTEGER PRIMARY KEY, id TEXT, outlet TEXT, at_ms INTEGER, cause TEXT, kinds TEXT, before_idx INTEGER,
  reason TEXT);
CREATE INDEX IF NOT EXISTS change_at ON change (at_ms DESC, idx DESC);
CREATE INDEX IF NOT EXISTS change_outlet ON change (outlet, at_ms DESC, idx DESC);
CREATE INDEX IF NOT EXISTS change_id ON change (id);
"""
_COLUMNS = "c.idx, c.id, c.outlet, c.at_ms, c.cause, c.kinds, c.before_idx, c.reason"
_TITLE = "(SELECT title FROM revision r WHERE r.id = c.id AND r.idx = {})"


class SqliteChanges:
    """Changes in index/catalogue.sqlite, which must exist. Used from several threads: each has its own connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self.writing = threading.Lock()
        """Held by whoever brings the list up to date."""

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect(self._path, SCHEMA)
            self._open.append(db)
        return db

    def close(self) -> None:
        """Closes the connections of all threads."""
        for db in self._open:
            db.close()
        self._open.clear()
        self._local = threading.local()

    def size(self) -> int:
        """How many leaves of the log the list tells of."""
        row = self._db().execute("SELECT value FROM meta WHERE key = 'changes'").fetchone()
        return int(row[0]) if row else 0

    def versions(self, identity: str) -> list[tuple[int, int, str]]:
        """(log index, captured_ms, cause) of an article's revisions, by the time of their capture."""
        return (
            self._db()
            .execute("SELECT idx, captured_ms, cause FROM revision WHERE id = ? ORDER BY captured_ms, idx", (identity,))
            .fetchall()
        )

    def pairs(self, identity: str) -> dict[int, int]:
        """Index of the earlier version by that of the later one, for those compared already."""
        rows = self._db().execute("SELECT idx, before_idx FROM change WHERE id = ? AND cause != ''", (identity,))
        return dict(rows.fetchall())

    def vanished(self) -> set[str]:
        """Ids of the articles whose last fact is that they vanished."""
        rows = self._db().execute(
            "SELECT id, kinds FROM change WHERE instr(kinds, ' vanished ') OR instr(kinds, ' returned ') ORDER BY idx"
        )
        last = dict(rows.fetchall())
        return {identity for identity, kinds in last.items() if " vanished " in kinds}

    def store(
        self, rows: Iterable[ChangeRow], *, drop: Iterable[str] = (), stale: Iterable[int] = (), size: int
    ) -> None:
        """One transaction: forgets the articles `drop` and the rows `stale`, adds rows, moves the size."""
        with counted(self._db()) as db:
            db.executemany("DELETE FROM change WHERE id = ?", [(identity,) for identity in drop])
            db.executemany("DELETE FROM change WHERE idx = ?", [(index,) for index in stale])
            db.executemany("INSERT OR REPLACE INTO change VALUES (?,?,?,?,?,?,?,?)", [_values(row) for row in rows])
            db.execute("INSERT OR REPLACE INTO meta VALUES ('changes', ?)", (size,))

    def changes(
        self,
        *,
        outlet: str = "",
        kind: str = "",
        identity: str = "",
        since_ms: int | None = None,
        until_ms: int | None = None,
        before: tuple[int, int] | None = None,
        limit: int = 30,
    ) -> list[tuple[ChangeRow, str, str]]:
        """(change, headline before, headline after) by (at_ms, index) descending.

        Without a `kind` those of kind `extraction` are left out. `before` is the (at_ms, index) of the last one seen.
        """
        tests: Sequence[tuple[bool, str, tuple[object, ...]]] = (
            (bool(outlet), "c.outlet = ?", (outlet,)),
            (bool(identity), "c.id = ?", (identity,)),
            (bool(kind), "instr(c.kinds, ?) > 0", (f" {kind} ",)),
            (not kind, "c.kinds != ' extraction '", ()),
            (since_ms is not None, "c.at_ms >= ?", (since_ms,)),
            (until_ms is not None, "c.at_ms < ?", (until_ms,)),
            (before is not None, "(c.at_ms, c.idx) < (?, ?)", before or ()),
        )
        where = " AND ".join(sql for wanted, sql, _ in tests if wanted)
        values = [value for wanted, _, some in tests if wanted for value in some]
        title_before, title_after = _TITLE.format("c.before_idx"), _TITLE.format("c.idx")
        rows = self._db().execute(
            f"SELECT {_COLUMNS}, {title_before}, {title_after} FROM change c"  # noqa: S608 - fixed words only
            f" WHERE {where} ORDER BY c.at_ms DESC, c.idx DESC LIMIT ?",
            (*values, limit),
        )
        return [(_row(row), row[8] or "", row[9] or "") for row in rows]

    def change(self, index: int) -> ChangeRow | None:
        """The change that a leaf tells."""
        row = self._db().execute(f"SELECT {_COLUMNS} FROM change c WHERE c.idx = ?", (index,)).fetchone()  # noqa: S608
        return _row(row) if row else None


def _values(row: ChangeRow) -> tuple[object, ...]:
    kinds = f" {' '.join(row.kinds)} "
    return (row.index, row.id, row.outlet, row.at_ms, row.cause, kinds, row.before, row.reason)


def _row(row: Sequence[object]) -> ChangeRow:
    index, identity, outlet, at_ms, cause, kinds, before, reason = row[:8]
    return ChangeRow(
        index=int(str(index)),
        id=str(identity),
        outlet=str(outlet),
        at_ms=int(str(at_ms)),
        cause=str(cause),
        kinds=tuple(str(kinds).split()),
        before=int(str(before)),
        reason=str(reason),
    )
