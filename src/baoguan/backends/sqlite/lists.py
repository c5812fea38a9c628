"""The lists that readers ask of the catalogue. Read-only, from several threads: each has a connection of its own."""

import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from baoguan.backends.sqlite.engine import sqlite3
from baoguan.model.catalog import ArticleRow, RevisionRow
from baoguan.text.urls import identity_key

COLUMNS = (
    "a.id, a.outlet, a.url, a.title, a.lang, a.rev, a.idx, a.captured_ms, a.shown_ms, a.content_sha256, a.confidence,"
    " a.extractor, a.lead, a.lead_width, a.lead_height, a.lost, a.checked_ms"
)
_NAMES = [name.strip().removeprefix("a.").replace("idx", "index") for name in COLUMNS.split(",")]
_EDITED = "EXISTS (SELECT 1 FROM revision r WHERE r.id = a.id AND r.rev > 0 AND r.cause = 'outlet')"
_FOREVER = 1 << 62
_NAMED = (  # outlet by outlet, for keys are sorted below their outlet
    "WITH RECURSIVE o(k) AS (SELECT min(outlet) FROM alias UNION ALL"
    " SELECT (SELECT min(outlet) FROM alias WHERE outlet > k) FROM o WHERE k IS NOT NULL)"
    " SELECT DISTINCT a.id FROM o JOIN alias a ON a.outlet = o.k AND a.key = ? LIMIT 10"
)


class SqliteLists:
    """Lists over index/catalogue.sqlite, which must exist."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []

    def _run(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            db = sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)
            self._local.db = db
            self._open.append(db)
        return db.execute(sql, values).fetchall()

    def close(self) -> None:
        """Closes the connections of all threads."""
        for db in self._open:
            db.close()
        self._open.clear()

    def cards(
        self, *, start_ms: int, end_ms: int | None, outlet: str | None, before: tuple[int, str] | None, limit: int
    ) -> list[tuple[ArticleRow, bool]]:
        """(article, whether the outlet edited it), by (shown_ms, id) descending."""
        where, values = "a.shown_ms >= ? AND a.shown_ms < ?", [start_ms, _FOREVER if end_ms is None else end_ms]
        arguments: list[object] = list(values)
        if outlet is not None:
            where += " AND a.outlet = ?"
            arguments.append(outlet)
        if before is not None:
            where += " AND (a.shown_ms, a.id) < (?, ?)"
            arguments += before
        rows = self._run(
            f"SELECT {COLUMNS}, {_EDITED} FROM article a WHERE {where}"  # noqa: S608 - fixed words only
            " ORDER BY a.shown_ms DESC, a.id DESC LIMIT ?",
            *arguments,
            limit,
        )
        return [_card(row) for row in rows]

    def listed(
        self,
        *,
        by_index: bool,
        start_ms: int,
        end_ms: int,
        outlet: str | None,
        below: tuple[int, str] | None,
        limit: int,
    ) -> list[tuple[ArticleRow, bool]]:
        """As cards; `by_index` sorts by log index of the current revision instead, `below` is (index or ms, id)."""
        if not by_index:
            return self.cards(start_ms=start_ms, end_ms=end_ms, outlet=outlet, before=below, limit=limit)
        where, values = "a.shown_ms >= ? AND a.shown_ms < ? AND a.idx < ?", [start_ms, end_ms, _FOREVER]
        if below is not None:
            values[2] = below[0]
        rows = self._run(
            f"SELECT {COLUMNS}, {_EDITED} FROM article a WHERE {where}"  # noqa: S608 - fixed words only
            f"{' AND a.outlet = ?' if outlet is not None else ''} ORDER BY a.idx DESC LIMIT ?",
            *values,
            *([outlet] if outlet is not None else []),
            limit,
        )
        return [_card(row) for row in rows]

    def kept_since(self, index: int, *, outlet: str | None, limit: int) -> list[tuple[str, int]]:
        """(id, log index) of current revisions from `index` on, ascending."""
        where = " AND outlet = ?" if outlet is not None else ""
        more = [outlet] if outlet is not None else []
        sql = f"SELECT id, idx FROM article WHERE idx >= ?{where} ORDER BY idx LIMIT ?"  # noqa: S608 - fixed words
        return [(str(row[0]), int(str(row[1]))) for row in self._run(sql, index, *more, limit)]

    def named(self, name: str) -> list[str]:
        """As Catalog.named."""
        if "://" in name:
            rows = self._run(_NAMED, f"u:{identity_key(name)}")
        elif len(name) >= 4 and all(char in "0123456789abcdef" for char in name):
            rows = self._run("SELECT id FROM article WHERE id >= ? AND id < ? LIMIT 10", name, name + "g")
        else:
            return []
        return [str(row[0]) for row in rows]

    def withdrawn(self, identity: str) -> tuple[int, str] | None:
        """(when, reason) of an article that was withdrawn here."""
        rows = self._run("SELECT at_ms, reason FROM withdrawn WHERE id = ?", identity)
        return (int(str(rows[0][0])), str(rows[0][1])) if rows else None

    def newest_kept(self, *, outlet: str | None, limit: int) -> list[tuple[ArticleRow, bool]]:
        """The same, by log index of the current revision."""
        where = "WHERE a.outlet = ?" if outlet is not None else ""
        rows = self._run(
            f"SELECT {COLUMNS}, {_EDITED} FROM article a {where} ORDER BY a.idx DESC LIMIT ?",  # noqa: S608
            *([outlet] if outlet is not None else []),
            limit,
        )
        return [_card(row) for row in rows]

    def neighbours(self, start_ms: int, end_ms: int, outlet: str | None) -> tuple[int | None, int | None]:
        """shown_ms of the newest article before start_ms and of the oldest at or after end_ms."""
        where = " AND outlet = ?" if outlet is not None else ""
        more = [outlet] if outlet is not None else []
        older = self._run(f"SELECT max(shown_ms) FROM article WHERE shown_ms < ?{where}", start_ms, *more)  # noqa: S608
        newer = self._run(f"SELECT min(shown_ms) FROM article WHERE shown_ms >= ?{where}", end_ms, *more)  # noqa: S608
        return _number(older[0][0]), _number(newer[0][0])

    def counts(self, start_ms: int, end_ms: int) -> list[tuple[str, int]]:
        """(outlet, articles) of a span, most first."""
        rows = self._run(
            "SELECT outlet, count(*) c FROM article WHERE shown_ms >= ? AND shown_ms < ? GROUP BY outlet"
            " ORDER BY c DESC, outlet",
            start_ms,
            end_ms,
        )
        return [(str(row[0]), int(str(row[1]))) for row in rows]

    def tally(self, bounds: Sequence[int]) -> list[int]:
        """Articles between each bound and the next."""
        sql = "SELECT count(*) FROM article WHERE shown_ms >= ? AND shown_ms < ?"
        return [int(str(self._run(sql, low, high)[0][0])) for low, high in pairwise(bounds)]

    def beside(
        self, outlet: str, shown_ms: int, identity: str
    ) -> tuple[tuple[ArticleRow, bool] | None, tuple[ArticleRow, bool] | None]:
        """The article of an outlet just below, and just above, a place in its list."""
        found = []
        for sign, order in (("<", "DESC"), (">", "ASC")):
            rows = self._run(
                f"SELECT {COLUMNS}, 0 FROM article a WHERE a.outlet = ? AND a.shown_ms {sign}= ?"  # noqa: S608 - fixed words
                f" AND (a.shown_ms, a.id) {sign} (?, ?) ORDER BY a.shown_ms {order}, a.id {order} LIMIT 1",
                outlet,
                shown_ms,
                shown_ms,
                identity,
            )
            found.append(_card(rows[0]) if rows else None)
        return found[0], found[1]

    def outlets(self) -> dict[str, tuple[int, int]]:
        """By outlet: articles, newest shown_ms."""
        rows = self._run("SELECT outlet, count(*), max(shown_ms) FROM article GROUP BY outlet")
        return {str(row[0]): (int(str(row[1])), int(str(row[2]))) for row in rows}

    def outlet(self, key: str) -> tuple[int, int]:
        """(articles, newest shown_ms) of one outlet; zeros where it has none."""
        rows = self._run("SELECT count(*), coalesce(max(shown_ms), 0) FROM article WHERE outlet = ?", key)
        return int(str(rows[0][0])), int(str(rows[0][1]))

    def article(self, identity: str) -> tuple[ArticleRow, bool] | None:
        """One article."""
        rows = self._run(f"SELECT {COLUMNS}, {_EDITED} FROM article a WHERE a.id = ?", identity)  # noqa: S608
        return _card(rows[0]) if rows else None

    def revisions(self, identity: str) -> list[RevisionRow]:
        """Its revisions by number."""
        rows = self._run("SELECT * FROM revision WHERE id = ? ORDER BY rev", identity)
        names = ("id", "rev", "index", "captured_ms", "title", "cause", "path", "legacy_path")
        return [RevisionRow(**dict(zip(names, row, strict=True))) for row in rows]  # type: ignore[arg-type]

    def kept_paths(self, urls: tuple[str, ...]) -> dict[str, tuple[str, int, int]]:
        """URL to (media path, width, height) of those that are kept, late ones too."""
        if not urls:
            return {}
        marks = ",".join("?" * len(urls))
        rows = self._run(f"SELECT url, path, width, height FROM media WHERE url IN ({marks})", *urls)  # noqa: S608
        return {str(row[0]): (str(row[1]), int(str(row[2])), int(str(row[3]))) for row in rows}

    def version(self) -> int:
        """Moves when another connection has written; comparable within one thread only."""
        return int(str(self._run("PRAGMA data_version")[0][0]))

    def arrivals(self) -> list[tuple[str, int, int, str]]:
        """(id, log index and capture time of the first revision, outlet) of every article, in the order of the log."""
        # min() makes SQLite take captured_ms from the row of that minimum.
        rows = self._run(
            "SELECT a.id, r.first, r.captured_ms, a.outlet FROM"
            " (SELECT id, min(idx) AS first, captured_ms FROM revision GROUP BY id) r JOIN article a ON a.id = r.id"
            " ORDER BY r.first"
        )
        return [(str(row[0]), int(str(row[1])), int(str(row[2])), str(row[3])) for row in rows]

    def total(self) -> int:
        """How many articles there are."""
        return int(str(self._run("SELECT count(*) FROM article")[0][0]))


def _card(row: tuple[object, ...]) -> tuple[ArticleRow, bool]:
    return ArticleRow(**dict(zip(_NAMES, row[:-1], strict=True))), bool(row[-1])  # type: ignore[arg-type]


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
