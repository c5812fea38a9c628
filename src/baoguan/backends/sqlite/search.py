"""SearchIndex in SQLite FTS5: a contentless table of bigrams with positions, so that phrases are exact.

The body is the first column and the pages are of 16 kB, for FTS5 spends two bytes more on each entry of a later column:
1.46 of the text became 0.99. Characters that stand in a great part of all articles have a bitmap for each block of
articles, because a prefix over all their bigrams takes up to 240 ms. Other characters that only end runs of a text are
kept in a table without positions: one byte each where the table of bigrams takes five. What is asked beside the text
(outlet, time, language, pictures, edits) lies in a table of its own that is held in memory.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import tzinfo
from pathlib import Path

from baoguan.backends.sqlite.engine import SECURE, sqlite3
from baoguan.backends.sqlite.search_columns import Columns
from baoguan.backends.sqlite.search_match import Matcher, score_expression
from baoguan.backends.sqlite.search_postings import Postings
from baoguan.backends.sqlite.slack import COUNTS, counted, scrub
from baoguan.errors import StoreError
from baoguan.model.search import Order, Query, SearchDoc, SearchPage
from baoguan.search.analyse import COMMON, VERSION, analyse, fold, id_number, index_text, tokens

LAYOUT = 3
BLOCK = 4096
"""Articles that share a bitmap: 512 bytes a character."""
PAGE, LEAF = 16384, 16336
"""Bytes of a page of the file, and of FTS5's within it: a row of one leaf fills the page."""
TEXTS = ("text", "ends")
RANKED = 1500
"""Up to so many articles are ranked by BM25; more are newest first, for then the words tell little."""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
{COUNTS}
CREATE TABLE IF NOT EXISTS doc (
  n INTEGER PRIMARY KEY, id, idx INTEGER, outlet INTEGER, lang INTEGER, shown_ms INTEGER, changed_ms INTEGER,
  picture INTEGER, title_tokens INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS doc_id ON doc (id);
CREATE TABLE IF NOT EXISTS name (n INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS dead (at INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE IF NOT EXISTS common (char TEXT, block INTEGER, bits BLOB, PRIMARY KEY (block, char)) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS text USING fts5(body, title, content='', tokenize='ascii');
CREATE VIRTUAL TABLE IF NOT EXISTS ends USING fts5(
  chars, content='', detail=none, columnsize=0, tokenize='ascii');
"""


class SqliteSearch:
    """The index of one archive. One writer, readers from any thread; see ports.SearchIndex for the contract."""

    together = 5000  # some 15 s: another process that wants to write waits for 30

    def __init__(self, path: Path, *, zone: tzinfo) -> None:
        self._path = path
        self._db = _open(path)
        self._changes = self._db.total_changes
        self._lock = threading.Lock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._columns = Columns(zone)
        self._postings = Postings()

    def close(self) -> None:
        """Closes the connections of all threads; after writing, gaps are zeroed, so that no withdrawal waits for it."""
        with suppress(sqlite3.Error):  # closed already; or another process reads or writes: when it matters
            if self._db.total_changes > self._changes:
                scrub(self._path, is_counted=True, wait_s=0)
        for db in [self._db, *self._readers]:
            db.close()
        self._readers.clear()

    def size(self) -> int:
        """How many leaves of the log are indexed."""
        return _meta(self._db, "size")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, counted(self._db):
            yield self._db

    def held(self, ids: Iterable[str]) -> Mapping[str, int]:
        """Log index of the revision that is indexed, of those articles that are."""
        wanted = {id_number(one): one for one in ids}
        keys, found = list(wanted), dict[str, int]()
        for low in range(0, len(keys), 500):
            some = keys[low : low + 500]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(f"SELECT id, idx FROM doc WHERE id IN ({marks})", some)  # noqa: S608
            found.update((wanted[key], index) for key, index in rows)
        return found

    def put(self, docs: Iterable[SearchDoc], *, size: int, old: Mapping[str, SearchDoc]) -> None:
        """One transaction: rows, bitmaps and `size`."""
        with self._transaction() as db:
            for doc in old.values():
                _remove(db, doc)
            number = _meta(db, "last")
            common: dict[tuple[str, int], int] = {}
            for doc in docs:
                if _stands(db, doc):
                    continue
                number += 1
                words = _Words(doc)
                db.execute("INSERT INTO text (rowid, body, title) VALUES (?,?,?)", (number, words.body, words.title))
                db.execute("INSERT INTO ends (rowid, chars) VALUES (?,?)", (number, words.ends))
                db.execute(
                    "INSERT INTO doc VALUES (?,?,?,?,?,?,?,?,?)",
                    (
                        number,
                        id_number(doc.id),
                        doc.index,
                        _name(db, doc.outlet),
                        _name(db, doc.lang),
                        doc.shown_ms,
                        doc.changed_ms,
                        doc.picture,
                        words.title_tokens,
                    ),
                )
                block, bit = divmod(number, BLOCK)
                for char in words.common:
                    common[char, block] = common.get((char, block), 0) | 1 << bit
            _mark(db, common)
            _set_meta(db, last=number, size=max(size, _meta(db, "size")))

    def forget(self, docs: Iterable[SearchDoc]) -> bool:
        """Removes the entries themselves where SQLite can (3.42); else the segments are written anew without them."""
        with self._transaction() as db:
            for doc in docs:
                _remove(db, doc)
        with self._lock:
            if sqlite3.sqlite_version_info < SECURE:
                self._merge()
            return scrub(self._path, is_counted=True)

    def drop(self, ids: Iterable[str]) -> None:
        """The rows go now, their tokens when the index is next opened."""
        with self._transaction() as db:
            for identity in ids:
                if _retire(db, identity) is not None:
                    _set_meta(db, layout=0)

    def finish(self) -> None:
        """Merges the segments into one and gives the room back."""
        with self._lock:
            self._merge()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            free, pages = (int(self._db.execute(f"PRAGMA {name}").fetchone()[0]) for name in _PAGES)
            if free > pages // 100:
                self._db.execute("VACUUM")
                self._db.execute("DELETE FROM scrub")  # every page is another one now
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _merge(self) -> None:
        with counted(self._db) as db:
            for table in TEXTS:
                db.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 - fixed words

    def search(
        self, query: Query, *, order: Order = "relevance", start: int = 0, limit: int = 30, facets: bool = False
    ) -> SearchPage:
        """The articles that match; relevance: those with the query in the title first."""
        db = self._reader()
        columns = self._columns.refreshed(db)
        matcher = Matcher(db, columns, self._postings, BLOCK)
        hits = matcher.match(query.root)
        ranked = self._rank(db, matcher, query, hits, start + limit) if order == "relevance" else None
        if ranked is None:
            ranked = columns.newest(hits, start + limit)
        ids = columns.ids(db, ranked[start : start + limit])
        if not facets:
            return SearchPage(total=len(hits), ids=ids)
        return SearchPage(total=len(hits), ids=ids, outlets=columns.by_outlet(hits), months=columns.by_month(hits))

    def _rank(
        self, db: sqlite3.Connection, matcher: Matcher, query: Query, hits: Sequence[int], wanted: int
    ) -> list[int] | None:
        """Titles first, whole titles before longer ones; then the texts by BM25. None where no text is asked for."""
        columns = self._columns
        titled, length = matcher.titled(query.root)
        if titled is None:
            return None
        inside = set(hits)
        first = columns.closest([number for number in titled if number in inside], length)
        if len(first) >= wanted:
            return first
        held = set(first)
        rest = [number for number in hits if number not in held]
        expression = score_expression(query.root)
        if expression is None or len(rest) > RANKED:
            return first + columns.newest(rest, wanted)
        scores = dict(db.execute("SELECT rowid, bm25(text, 1.0, 6.0) FROM text WHERE text MATCH ?", (expression,)))
        return first + sorted(columns.newest(rest, len(rest)), key=lambda number: scores.get(number, 0.0))

    def _reader(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            db = sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)
            self._local.db = db
            self._readers.append(db)
        return db


_PAGES = ("freelist_count", "page_count")


def _open(path: Path) -> sqlite3.Connection:
    """The index file; one of another layout or analyser is made anew, for it is derived.

    So is one of a SQLite before SECURE by a later one, for it holds the words of earlier revisions; and the other way
    round, for the older one can't read it.
    """
    is_secure = sqlite3.sqlite_version_info >= SECURE
    made = {"layout": LAYOUT, "analyser": VERSION, "secure": int(is_secure)}
    for _ in range(2):
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        db.execute(f"PRAGMA page_size={PAGE}")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("PRAGMA secure_delete=ON")
        fresh = not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if fresh:
            db.executescript(SCHEMA)
            _configure(db, pgsz=LEAF, hashsize=16 << 20, automerge=8)
            if is_secure:
                _configure(db, **{"secure-delete": 1})
            _set_meta(db, **made)
        if all(_meta(db, key) == value for key, value in made.items()):
            return db
        db.close()
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    raise StoreError(f"{path}: the search index can't be made")


def _configure(db: sqlite3.Connection, **values: int) -> None:
    for table in TEXTS:
        for name, value in values.items():
            db.execute(f"INSERT INTO {table} ({table}, rank) VALUES (?, ?)", (name, value))  # noqa: S608


def _meta(db: sqlite3.Connection, key: str) -> int:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else 0


def _set_meta(db: sqlite3.Connection, **values: int) -> None:
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", values.items())


def _name(db: sqlite3.Connection, name: str) -> int:
    """The number of an outlet or a language."""
    row = db.execute("SELECT n FROM name WHERE name = ?", (name,)).fetchone()
    if row is None:
        row = db.execute("INSERT INTO name (name) VALUES (?) RETURNING n", (name,)).fetchone()
    return int(row[0])


class _Words:
    """What the index holds of a document's words."""

    def __init__(self, doc: SearchDoc) -> None:
        title = fold(doc.title)
        self.body, in_body, ends = analyse(fold(doc.text))
        self.title = index_text(title)
        self.title_tokens = len(tokens(title))
        self.common = in_body | analyse(title)[1]
        self.ends = " ".join(sorted(ends - COMMON))


def _stands(db: sqlite3.Connection, doc: SearchDoc) -> bool:
    """Whether another process has put this revision meanwhile; one of another revision goes, the index is remade."""
    row = db.execute("SELECT idx FROM doc WHERE id = ?", (id_number(doc.id),)).fetchone()
    if row is None or row[0] == doc.index:
        return row is not None
    _retire(db, doc.id)
    _set_meta(db, layout=0)
    return False


def _retire(db: sqlite3.Connection, identity: str) -> int | None:
    """Removes the row of an article and its bits; returns its number, None where it has none."""
    row = db.execute("SELECT n FROM doc WHERE id = ?", (id_number(identity),)).fetchone()
    if row is None:
        return None
    db.execute("DELETE FROM doc WHERE n = ?", row)
    db.execute("INSERT INTO dead (n) VALUES (?)", row)
    return int(row[0])


def _remove(db: sqlite3.Connection, doc: SearchDoc) -> None:
    """Takes back what `put` has written for the same document: FTS5 wants the very tokens."""
    number = _retire(db, doc.id)
    if number is None:
        return
    words = _Words(doc)
    gone = (number, words.body, words.title)
    db.execute("INSERT INTO text (text, rowid, body, title) VALUES ('delete',?,?,?)", gone)
    db.execute("INSERT INTO ends (ends, rowid, chars) VALUES ('delete',?,?)", (number, words.ends))
    block, bit = divmod(number, BLOCK)
    for char in words.common:
        held = db.execute("SELECT bits FROM common WHERE char = ? AND block = ?", (char, block)).fetchone()
        bits = int.from_bytes(held[0], "little") & ~(1 << bit) if held else 0
        db.execute("INSERT OR REPLACE INTO common VALUES (?,?,?)", (char, block, bits.to_bytes(BLOCK // 8, "little")))


def _mark(db: sqlite3.Connection, common: dict[tuple[str, int], int]) -> None:
    """Sets the bits of this batch in the bitmaps of its blocks."""
    rows = []
    for (char, block), bits in common.items():
        held = db.execute("SELECT bits FROM common WHERE char = ? AND block = ?", (char, block)).fetchone()
        if held is not None:
            bits |= int.from_bytes(held[0], "little")
        rows.append((char, block, bits.to_bytes(BLOCK // 8, "little")))
    db.executemany("INSERT OR REPLACE INTO common VALUES (?,?,?)", rows)
