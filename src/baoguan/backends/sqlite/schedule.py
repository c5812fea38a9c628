"""The crawl state in SQLite: feeds, hosts, pending items, re-checks, notes.

Safety: the validators of a feed and a pending row for each item that the log lacks are kept in one transaction
(`settle_feeds`); a pending row goes only after the checkpoint that covers its article (`settle_items`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.sqlite import connect, transaction
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.slack import scrub
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState
from baoguan.model.schedule import CrawlHealth, Note, PendingItem

SCHEMA = """
CREATE TABLE IF NOT EXISTS feed (url TEXT PRIMARY KEY, outlet TEXT, next_ms INTEGER, not_before_ms INTEGER,
  lease_ms INTEGER, state BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS feed_next ON feed (next_ms);
CREATE TABLE IF NOT EXISTS host (key TEXT PRIMARY KEY, not_before_ms INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (key TEXT PRIMARY KEY, feed TEXT, feed_ms INTEGER, next_ms INTEGER, item BLOB)
  WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pending_next ON pending (next_ms);
CREATE TABLE IF NOT EXISTS print (key TEXT PRIMARY KEY, print BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recheck (id TEXT PRIMARY KEY, step INTEGER, next_ms INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recheck_next ON recheck (next_ms);
CREATE TABLE IF NOT EXISTS note (at_ms INTEGER, outlet TEXT, text TEXT, UNIQUE (outlet, text));
CREATE TABLE IF NOT EXISTS picture (url TEXT PRIMARY KEY, article TEXT, tries INTEGER, next_ms INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS awaited (url TEXT, article TEXT, PRIMARY KEY (url, article)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""
STOPPED_MS = 1 << 60
TABLES = ("feed", "host", "pending", "print", "recheck", "note", "picture", "awaited", "kv", "counter")
_STATE = msgspec.json.Decoder(FeedState)
_ITEM = msgspec.json.Decoder(PendingItem)
_encode = msgspec.json.encode


class SqliteSchedule:
    """The crawl state of one archive; see ports.Schedule for the contract."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = connect(path, SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def backup(self, destination: Path) -> None:
        """A consistent copy of the whole state, by SQLite's own backup."""
        with sqlite3.connect(destination) as copy:
            self._db.backup(copy)
        copy.close()

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """(table, row) of everything, as `load` takes it."""
        for table in TABLES:
            for row in self._db.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):  # noqa: S608 - our own names
                yield table, row

    def load(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Takes what another schedule dumped, in place of what is here."""
        with self._transaction() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            for table, row in rows:
                if table in TABLES:
                    marks = ",".join("?" * len(row))
                    db.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - our own names

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._db)

    def feeds(self) -> list[FeedState]:
        """Every feed, by outlet and URL."""
        return [_STATE.decode(row[0]) for row in self._db.execute("SELECT state FROM feed ORDER BY outlet, url")]

    def sync_feeds(self, wanted: Mapping[str, str]) -> None:
        """Makes the table hold exactly the feeds `wanted` (URL to outlet); what is known of those that stay stays."""
        held = {state.url: state for state in self.feeds()}
        moved = {state.moved_to: state for state in held.values() if state.moved_to}
        with self._transaction() as db:
            for url in held.keys() - wanted.keys():
                db.execute("DELETE FROM feed WHERE url = ?", (url,))
            for url, outlet in wanted.items():
                state = held.get(url) or FeedState(url=url, outlet=outlet)
                if url not in held and url in moved:
                    state = msgspec.structs.replace(moved[url], url=url, moved_to="", moved_seen=0)
                _put_feed(db, msgspec.structs.replace(state, outlet=outlet))

    def claim(self, now_ms: int, *, limit: int, lease_ms: int, which: str = "due") -> list[FeedState]:
        """Up to `limit` feeds, each held by a lease until it is settled or the lease ends.

        `which`: "due" at their own pace; "allowed", all that didn't ask to be left alone; "all" but the stopped ones.
        """
        column = {"due": "next_ms", "allowed": "not_before_ms", "all": "0"}[which]
        with self._transaction() as db:
            rows = db.execute(
                f"SELECT url, state FROM feed WHERE {column} <= ? AND lease_ms <= ? AND next_ms < {STOPPED_MS}"  # noqa: S608
                " ORDER BY next_ms, url LIMIT ?",
                (now_ms, now_ms, limit),
            ).fetchall()
            db.executemany("UPDATE feed SET lease_ms = ? WHERE url = ?", [(now_ms + lease_ms, url) for url, _ in rows])
        return [_STATE.decode(state) for _, state in rows]

    def release(self) -> None:
        """Gives back every lease: only the one process that holds the sync lock calls it, at its start."""
        self._db.execute("UPDATE feed SET lease_ms = 0")

    def hurry(self) -> None:
        """Makes every waiting item due now."""
        self._db.execute("UPDATE pending SET next_ms = 0 WHERE next_ms > 0")

    def next_due_ms(self) -> int | None:
        """When the next feed or pending item is due."""
        row = self._db.execute(
            "SELECT min(m) FROM (SELECT min(next_ms) m FROM feed WHERE next_ms < ?"
            " UNION ALL SELECT min(next_ms) FROM pending)",
            (STOPPED_MS,),
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def settle_feeds(
        self, states: Iterable[FeedState], items: Iterable[PendingItem] = (), prints: Mapping[str, bytes] | None = None
    ) -> None:
        """Keeps the states (validators too), the items that the log lacks and the prints of all: all or nothing."""
        with self._transaction() as db:
            for state in states:
                _put_feed(db, state)
            for item in items:
                db.execute(
                    "INSERT INTO pending VALUES (?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET"
                    " feed = excluded.feed, feed_ms = excluded.feed_ms, item = excluded.item",
                    (item.key, item.feed, item.feed_ms, item.next_ms, _encode(item)),
                )
            db.executemany("INSERT OR REPLACE INTO print VALUES (?,?)", list((prints or {}).items()))

    def settle_items(
        self,
        done: Iterable[str],
        retry: Iterable[PendingItem] = (),
        recheck: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        """After a checkpoint: `done` keys are in the log, `retry` wait on; `recheck` is id to (step, next_ms)."""
        with self._transaction() as db:
            db.executemany("DELETE FROM pending WHERE key = ?", [(key,) for key in done])
            db.executemany(
                "UPDATE pending SET next_ms = ?, item = ? WHERE key = ?",
                [(item.next_ms, _encode(item), item.key) for item in retry],
            )
            db.executemany(
                "INSERT OR REPLACE INTO recheck VALUES (?,?,?)",
                [(identity, step, at) for identity, (step, at) in (recheck or {}).items()],
            )

    def pending(self, now_ms: int, *, limit: int, skip: Iterable[str] = ()) -> list[PendingItem]:
        """Items that are due, oldest first, without those in `skip`."""
        skipped = set(skip)
        rows = self._db.execute(
            "SELECT key, item FROM pending WHERE next_ms <= ? ORDER BY next_ms LIMIT ?", (now_ms, limit + len(skipped))
        )
        return [_ITEM.decode(item) for key, item in rows if key not in skipped][:limit]

    def open_work(self, now_ms: int) -> int:
        """Feeds and items that are due, or held by a lease."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM feed WHERE next_ms <= ?1 OR lease_ms > ?1)"
            " + (SELECT count(*) FROM pending WHERE next_ms <= ?1)",
            (now_ms,),
        ).fetchone()
        return int(row[0])

    def count(self, more: Mapping[str, int]) -> None:
        """Adds to the counters."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n", more.items()
            )

    def health(self, now_ms: int) -> CrawlHealth:
        """The crawl in numbers: reads every feed's row once."""
        kind = "json_extract(CAST(state AS TEXT), '$.kind')"
        kinds = self._db.execute(
            f"SELECT {kind}, count(*), sum(next_ms <= ?1), min(next_ms),"  # noqa: S608 - fixed words
            " max(json_extract(CAST(state AS TEXT), '$.last_poll_ms')) FROM feed GROUP BY 1",
            (now_ms,),
        ).fetchall()
        first = "json_extract(CAST(item AS TEXT), '$.first_ms')"
        pending, oldest = self._db.execute(f"SELECT count(*), min({first}) FROM pending").fetchone()  # noqa: S608
        return crawl_health(now_ms, kinds, pending, oldest, dict(self._db.execute("SELECT * FROM counter")))

    def waiting(self, *, limit: int) -> list[PendingItem]:
        """Items that wait: for `status`."""
        return [_ITEM.decode(row[0]) for row in self._db.execute("SELECT item FROM pending LIMIT ?", (limit,))]

    def pending_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that wait already."""
        found: set[str] = set()
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            rows = self._db.execute(f"SELECT key FROM pending WHERE key IN ({marks})", part)  # noqa: S608
            found.update(row[0] for row in rows)
        return found

    def pending_counts(self) -> dict[str, int]:
        """How many items wait, by feed."""
        return dict(self._db.execute("SELECT feed, count(*) FROM pending GROUP BY feed").fetchall())

    def set_feed_captures(self, captures: Mapping[tuple[str, int], CaptureRef], done: Sequence[str] = ()) -> None:
        """Tells the items that came with feed responses where those responses are kept; by (feed, epoch ms)."""
        del done  # they are settled next
        with self._transaction() as db:
            for (feed, feed_ms), capture in captures.items():
                _set_feed_capture(db, feed, feed_ms, capture)

    def prints(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The fingerprints of items as last seen in a feed."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            found.update(self._db.execute(f"SELECT key, print FROM print WHERE key IN ({marks})", part))  # noqa: S608
        return found

    def rechecks(self, now_ms: int, *, limit: int) -> list[tuple[str, int]]:
        """(article id, step) of pages that are due to be looked at again, the longest overdue first."""
        rows = self._db.execute(
            "SELECT id, step FROM recheck WHERE next_ms <= ? ORDER BY next_ms, id LIMIT ?", (now_ms, limit)
        )
        return rows.fetchall()

    def hosts(self) -> dict[str, int]:
        """Hosts that want no request before an epoch (ms)."""
        return dict(self._db.execute("SELECT key, not_before_ms FROM host").fetchall())

    def set_hosts(self, hosts: Mapping[str, int]) -> None:
        """Replaces the table of hosts."""
        with self._transaction() as db:
            db.execute("DELETE FROM host")
            db.executemany("INSERT INTO host VALUES (?,?)", list(hosts.items()))

    def late_pictures(self, now_ms: int, *, limit: int) -> list[tuple[str, str, int]]:
        """(URL, article id, tries) of pictures that are not kept yet and due."""
        rows = self._db.execute(
            "SELECT url, article, tries FROM picture WHERE next_ms <= ? ORDER BY next_ms, url LIMIT ?", (now_ms, limit)
        )
        return rows.fetchall()

    def settle_pictures(self, kept: Iterable[str], missing: Iterable[tuple[str, str, int, int]]) -> None:
        """`kept` URLs wait no more; `missing` are (URL, article id, tries, next_ms)."""
        with self._transaction() as db:
            gone, rows = [(url,) for url in kept], list(missing)
            db.executemany("DELETE FROM picture WHERE url = ?", gone)
            db.executemany("DELETE FROM awaited WHERE url = ?", gone)
            db.executemany("INSERT OR IGNORE INTO awaited VALUES (?,?)", [row[:2] for row in rows])
            db.executemany("INSERT OR REPLACE INTO picture VALUES (?,?,?,?)", rows)

    def awaiting(self, url: str) -> list[str]:
        """Ids of all the articles that wait for a picture."""
        return [row[0] for row in self._db.execute("SELECT article FROM awaited WHERE url = ?", (url,))]

    def forget(self, plan: Plan, needles: Sequence[bytes]) -> bool:
        """Deletes what waits for, or remembers, a withdrawn article; False while a reader holds old pages.

        Feeds that kept the body of a response which is cut out are read anew.
        """
        names = [f"{outlet}\n{name}" for outlet in plan.outlets for name in plan.names]
        names += [f"{outlet}\nagain:{identity}" for outlet in plan.outlets for identity in plan.ids]
        cut = {one.record_id for one in plan.cuts}
        with self._transaction() as db:
            for table in ("pending", "print"):
                db.executemany(f"DELETE FROM {table} WHERE key = ?", [(name,) for name in names])  # noqa: S608
            db.executemany("DELETE FROM recheck WHERE id = ?", [(identity,) for identity in plan.ids])
            db.executemany("DELETE FROM awaited WHERE article = ?", [(identity,) for identity in plan.ids])
            for identity in plan.ids:
                # Another article may wait for the same picture.
                db.execute(
                    "UPDATE picture SET article = (SELECT min(a.article) FROM awaited a WHERE a.url = picture.url)"
                    " WHERE article = ? AND url IN (SELECT url FROM awaited)",
                    (identity,),
                )
            db.executemany("DELETE FROM picture WHERE article = ?", [(identity,) for identity in plan.ids])
            for table, column in (("note", "text"), ("pending", "CAST(item AS TEXT)"), ("kv", "CAST(value AS TEXT)")):
                for needle in needles:
                    text = needle.decode("utf-8", "replace")
                    db.execute(f"DELETE FROM {table} WHERE instr({column}, ?)", (text,))  # noqa: S608 - fixed words
            for state in self.feeds():
                if state.capture is not None and state.capture.record_id in cut:
                    _put_feed(db, msgspec.structs.replace(state, capture=None, body_sha256=""))
        return scrub(self._path)

    def note(self, at_ms: int, outlet: str, text: str) -> None:
        """Keeps a line for `status`; the same line again only moves its time."""
        self._db.execute(
            "INSERT INTO note VALUES (?,?,?) ON CONFLICT (outlet, text) DO UPDATE SET at_ms = excluded.at_ms",
            (at_ms, outlet, text),
        )

    def notes(self, *, limit: int = 50) -> list[Note]:
        """The newest lines for `status`."""
        rows = self._db.execute("SELECT * FROM note ORDER BY at_ms DESC LIMIT ?", (limit,))
        return [Note(at_ms=row[0], outlet=row[1], text=row[2]) for row in rows]

    def get(self, key: str) -> bytes | None:
        """A small value that must outlive a run: learned profiles, export ids."""
        row = self._db.execute("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: str, value: bytes) -> None:
        """Keeps a small value."""
        self._db.execute("INSERT OR REPLACE INTO kv VALUES (?,?)", (key, value))


def crawl_health(
    now_ms: int, kinds: Sequence[tuple[Any, ...]], pending: int, oldest: int | None, counts: dict[str, int]
) -> CrawlHealth:
    """From rows of (kind, feeds, those due, earliest next_ms, last poll)."""
    return CrawlHealth(
        kinds={str(row[0] or "new"): int(row[1]) for row in kinds},
        due=sum(int(row[2] or 0) for row in kinds),
        lag_ms=max(0, now_ms - min((int(row[3]) for row in kinds), default=now_ms)),
        pending=int(pending),
        oldest_ms=int(oldest or 0),
        polled_ms=max((int(row[4] or 0) for row in kinds), default=0),
        counts=counts,
    )


def _put_feed(db: sqlite3.Connection, state: FeedState) -> None:
    due = STOPPED_MS if state.stopped else state.next_ms
    db.execute(
        "INSERT OR REPLACE INTO feed VALUES (?,?,?,?,0,?)",
        (state.url, state.outlet, due, state.not_before_ms, _encode(state)),
    )


def _set_feed_capture(db: sqlite3.Connection, feed: str, feed_ms: int, capture: CaptureRef) -> None:
    rows = db.execute("SELECT key, item FROM pending WHERE feed = ? AND feed_ms = ?", (feed, feed_ms)).fetchall()
    for key, data in rows:
        item = msgspec.structs.replace(_ITEM.decode(data), capture=capture)
        db.execute("UPDATE pending SET item = ? WHERE key = ?", (_encode(item), key))
    row = db.execute("SELECT state FROM feed WHERE url = ?", (feed,)).fetchone()
    if row is not None:
        state = msgspec.structs.replace(_STATE.decode(row[0]), capture=capture)
        db.execute("UPDATE feed SET state = ? WHERE url = ?", (_encode(state), feed))
