"""The crawl state in PostgreSQL, for many workers: claims with FOR UPDATE SKIP LOCKED, leases instead of locks.

`at_ms` is when a feed may be claimed next: its own next poll, the end of its lease, or the time when its host is free
again. Claims read that one index from its front, so that their cost doesn't grow with the table. Whoever dies holds
nothing longer than its lease.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.postgres import Link, guarded
from baoguan.backends.postgres.claims import CLAIM, CLAIM_ANY, HEALTH, PENDING
from baoguan.backends.postgres.forgetting import forget_rows, rewrite_tables
from baoguan.backends.postgres.settling import (
    ITEM,
    STATE,
    put_feeds,
    put_items,
    put_prints,
    set_captures,
    settle_items,
)
from baoguan.backends.sqlite.schedule import STOPPED_MS, SqliteSchedule, crawl_health
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState
from baoguan.model.schedule import CrawlHealth, Note, PendingItem

_AHEAD_MS = 5_000
"""A host that is free within this time may be claimed: the worker waits for its place."""
HANDED_MS = 1 << 61
"""Lease of an item that lies in the outbox: nobody is given it, the sequencer's checkpoint takes it away."""
_A_HOST = 2
"""Feeds of one host that one claim takes; the others of it are put behind, each by a second."""
TABLES = ("feed", "host", "pending", "print", "recheck", "note", "picture", "awaited", "kv", "counter")


class PgSchedule:
    """The crawl state of one archive; see ports.Schedule for the contract."""

    def __init__(self, link: Link, *, lease_ms: int = 600_000) -> None:
        """`lease_ms`: items, re-checks and late pictures that were handed out are another's after so long."""
        self._link, self._lease_ms = link, lease_ms
        link.prepare()

    def close(self) -> None:
        """Ends the connection."""
        self._link.close()

    @guarded
    def backup(self, destination: Path) -> None:
        """A copy of the whole state as SQLite, which `restore` and `migrate` read."""
        destination.unlink(missing_ok=True)
        copy = SqliteSchedule(destination)
        try:
            copy.load(self.dump())
        finally:
            copy.close()

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """(table, row) of everything, as SqliteSchedule.load takes it: one snapshot."""
        columns = {
            "feed": "url, outlet, next_ms, not_before_ms, 0, state",
            "host": "key, not_before_ms",
            # What lies in the outbox stays there: its item is fetched again where the state goes.
            "pending": f"key, feed, feed_ms, CASE WHEN lease_ms >= {HANDED_MS} THEN 0 ELSE next_ms END, item",
        }
        db = self._link.db
        with db.transaction():
            db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for table in TABLES:
                with db.cursor(f"dump_{table}") as rows:
                    rows.execute(f"SELECT {columns.get(table, '*')} FROM {table}".encode())  # noqa: S608 - our own names
                    yield from ((table, tuple(row)) for row in rows)

    @guarded
    def load(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Takes what another schedule dumped, in place of what is here."""
        db = self._link.db
        with db.transaction():
            db.execute("DELETE FROM outbox")  # of an earlier stay here: its items were fetched again since
            for table in TABLES:
                db.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - our own names
            for table, row in rows:
                if table == "feed":
                    put_feeds(db, [STATE.decode(row[5])])
                elif table == "host":
                    db.execute("INSERT INTO host (key, not_before_ms) VALUES (%s, %s)", row)
                elif table == "pending":
                    db.execute("INSERT INTO pending VALUES (%s, %s, %s, %s, 0, %s)", row)
                elif table in TABLES:
                    marks = ", ".join(["%s"] * len(row))
                    db.execute(f"INSERT INTO {table} VALUES ({marks})".encode(), row)  # noqa: S608 - our own names

    @guarded
    def feeds(self) -> list[FeedState]:
        """Every feed, by outlet and URL."""
        rows = self._link.db.execute('SELECT state FROM feed ORDER BY outlet COLLATE "C", url COLLATE "C"')
        return [STATE.decode(row[0]) for row in rows]

    @guarded
    def sync_feeds(self, wanted: Mapping[str, str]) -> None:
        """Makes the table hold exactly the feeds `wanted` (URL to outlet); what is known of those that stay stays."""
        with self._link.db.transaction():
            self._link.db.execute("LOCK TABLE feed IN SHARE ROW EXCLUSIVE MODE")
            held = {
                state.url: state for state in (STATE.decode(row[0]) for row in self._rows("SELECT state FROM feed"))
            }
            moved = {state.moved_to: state for state in held.values() if state.moved_to}
            self._link.db.cursor().executemany(
                "DELETE FROM feed WHERE url = %s", [(url,) for url in held.keys() - wanted.keys()]
            )
            fresh: list[FeedState] = []
            for url, outlet in wanted.items():
                state = held.get(url) or FeedState(url=url, outlet=outlet)
                if url not in held and url in moved:
                    state = msgspec.structs.replace(moved[url], url=url, moved_to="", moved_seen=0)
                if url not in held or state.outlet != outlet:
                    fresh.append(msgspec.structs.replace(state, outlet=outlet))
            for start in range(0, len(fresh), 10_000):
                put_feeds(self._link.db, fresh[start : start + 10_000])

    def _rows(self, sql: str, given: Any = ()) -> list[tuple[Any, ...]]:
        return self._link.db.execute(sql.encode(), given).fetchall()

    @guarded
    def claim(self, now_ms: int, *, limit: int, lease_ms: int, which: str = "due") -> list[FeedState]:
        """Up to `limit` feeds, each held by a lease until it is settled or the lease ends; no other worker gets them.

        `which` "due": at their own pace and that of their hosts, at most two of a host; "allowed" and "all" as the
        port says. Feeds of hosts that are busy are put behind the others.
        """
        until = now_ms + lease_ms
        if which != "due":
            column = {"allowed": "not_before_ms", "all": "0"}[which]
            given: dict[str, Any] = {"now": now_ms, "until": until, "stopped": STOPPED_MS, "limit": limit}
            return _in_order(row[0] for row in self._rows(CLAIM_ANY.format(column=column), given))
        given = {
            "now": now_ms,
            "until": until,
            "limit": limit,
            "window": min(2 * limit, 20_000),
            "a_host": _A_HOST,
            "ahead": now_ms + _AHEAD_MS,
        }
        return _in_order(state for fits, state in self._rows(CLAIM, given) if fits)

    def release(self) -> None:
        """Leases end by themselves: another worker may hold them."""

    @guarded
    def hurry(self) -> None:
        """Makes every waiting item due now, those under a lease excepted."""
        self._link.db.execute("UPDATE pending SET next_ms = 0 WHERE next_ms > 0 AND lease_ms = 0")

    @guarded
    def next_due_ms(self) -> int | None:
        """When the next feed or pending item may be claimed."""
        rows = self._rows(
            "SELECT least((SELECT min(at_ms) FROM feed WHERE at_ms < %s), (SELECT min(next_ms) FROM pending))",
            (STOPPED_MS,),
        )
        return None if rows[0][0] is None else int(rows[0][0])

    @guarded
    def open_work(self, now_ms: int) -> int:
        """Feeds and items that are due, or held by a lease; those put behind since their host is busy are due, too."""
        rows = self._rows(
            "SELECT (SELECT count(*) FROM feed WHERE next_ms <= %s OR lease_ms > 0)"
            " + (SELECT count(*) FROM pending WHERE next_ms <= %s OR lease_ms > 0)"
            " + (SELECT count(*) FROM outbox WHERE failed = '')",
            (now_ms, now_ms),
        )
        return int(rows[0][0])

    @guarded
    def settle_feeds(
        self, states: Iterable[FeedState], items: Iterable[PendingItem] = (), prints: Mapping[str, bytes] | None = None
    ) -> None:
        """Keeps the states (validators too), the items that the log lacks and the prints of all: all or nothing."""
        with self._link.db.transaction():
            put_feeds(self._link.db, states)
            put_items(self._link.db, items)
            put_prints(self._link.db, prints or {})

    @guarded
    def settle_items(
        self,
        done: Iterable[str],
        retry: Iterable[PendingItem] = (),
        recheck: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        """After a checkpoint: `done` keys are in the log, `retry` wait on; `recheck` is id to (step, next_ms)."""
        with self._link.db.transaction():
            settle_items(self._link.db, done, retry, recheck or {}, handed_ms=HANDED_MS)

    @guarded
    def pending(self, now_ms: int, *, limit: int, skip: Iterable[str] = ()) -> list[PendingItem]:
        """Items that are due, oldest first, without those in `skip`; they are this worker's until their lease ends."""
        rows = self._rows(
            "UPDATE pending SET next_ms = %s, lease_ms = %s WHERE key IN (SELECT key FROM pending WHERE next_ms <= %s"
            " AND key <> ALL (%s) ORDER BY next_ms, key LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING item",
            (now_ms + self._lease_ms, now_ms + self._lease_ms, now_ms, list(skip), limit),
        )
        found = [ITEM.decode(row[0]) for row in rows]
        return sorted(found, key=lambda item: (item.next_ms, item.key))

    @guarded
    def count(self, more: Mapping[str, int]) -> None:
        """Adds to the counters."""
        with self._link.db.transaction(), self._link.db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO counter AS c VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET n = c.n + excluded.n",
                sorted(more.items()),
            )

    @guarded
    def health(self, now_ms: int) -> CrawlHealth:
        """The crawl in numbers: reads every feed's row once."""
        kinds = self._rows(HEALTH, {"now": now_ms})
        pending = self._rows(PENDING)[0]
        counts = {str(name): int(n) for name, n in self._rows("SELECT name, n FROM counter")}
        return crawl_health(now_ms, kinds, pending[0], pending[1], counts)

    @guarded
    def waiting(self, *, limit: int) -> list[PendingItem]:
        """Items that wait, whoever works on them: for `status`."""
        rows = self._rows("SELECT item FROM pending ORDER BY next_ms, key LIMIT %s", (limit,))
        return [ITEM.decode(row[0]) for row in rows]

    @guarded
    def pending_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that wait already."""
        return {str(row[0]) for row in self._rows("SELECT key FROM pending WHERE key = ANY (%s)", (list(keys),))}

    @guarded
    def pending_counts(self) -> dict[str, int]:
        """How many items wait, by feed."""
        rows = self._rows("SELECT feed, count(*) FROM pending GROUP BY feed")
        return {str(feed): int(count) for feed, count in rows}

    @guarded
    def set_feed_captures(self, captures: Mapping[tuple[str, int], CaptureRef], done: Sequence[str] = ()) -> None:
        """As ports.Schedule."""
        with self._link.db.transaction():
            set_captures(self._link.db, captures, done)

    @guarded
    def prints(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The fingerprints of items as last seen in a feed."""
        rows = self._rows("SELECT key, print FROM print WHERE key = ANY (%s)", (list(keys),))
        return {str(key): bytes(value) for key, value in rows}

    @guarded
    def rechecks(self, now_ms: int, *, limit: int) -> list[tuple[str, int]]:
        """(article id, step) of pages that are due to be looked at again; this worker's until their lease ends."""
        rows = self._rows(
            "UPDATE recheck SET next_ms = %s FROM (SELECT id, next_ms FROM recheck WHERE next_ms <= %s"
            " ORDER BY next_ms, id LIMIT %s FOR UPDATE SKIP LOCKED) due WHERE recheck.id = due.id"
            " RETURNING due.next_ms, due.id, step",
            (now_ms + self._lease_ms, now_ms, limit),
        )
        return [(str(identity), int(step)) for _, identity, step in sorted(rows)]

    @guarded
    def hosts(self) -> dict[str, int]:
        """Hosts that want no request before an epoch (ms)."""
        rows = self._rows("SELECT key, not_before_ms FROM host WHERE not_before_ms > 0")
        return {str(key): int(at) for key, at in rows}

    @guarded
    def set_hosts(self, hosts: Mapping[str, int]) -> None:
        """Adds what this worker was told; what others were told stays. Failures in a row are the latest word."""
        with self._link.db.transaction(), self._link.db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO host AS h (key, not_before_ms) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET"
                " not_before_ms = CASE WHEN h.key LIKE 'fails:%%' THEN excluded.not_before_ms"
                " ELSE greatest(h.not_before_ms, excluded.not_before_ms) END",
                sorted(hosts.items()),
            )

    @guarded
    def late_pictures(self, now_ms: int, *, limit: int) -> list[tuple[str, str, int]]:
        """(URL, article id, tries) of pictures that are not kept yet and due; this worker's until their lease ends."""
        rows = self._rows(
            "UPDATE picture SET next_ms = %s FROM (SELECT url, next_ms FROM picture WHERE next_ms <= %s"
            " ORDER BY next_ms, url LIMIT %s FOR UPDATE SKIP LOCKED) due WHERE picture.url = due.url"
            " RETURNING due.next_ms, due.url, article, tries",
            (now_ms + self._lease_ms, now_ms, limit),
        )
        return [(str(url), str(article), int(tries)) for _, url, article, tries in sorted(rows)]

    @guarded
    def settle_pictures(self, kept: Iterable[str], missing: Iterable[tuple[str, str, int, int]]) -> None:
        """`kept` URLs wait no more; `missing` are (URL, article id, tries, next_ms)."""
        gone, rows = [(url,) for url in sorted(kept)], sorted(missing)
        with self._link.db.transaction(), self._link.db.cursor() as cursor:
            cursor.executemany("DELETE FROM picture WHERE url = %s", gone)
            cursor.executemany("DELETE FROM awaited WHERE url = %s", gone)
            cursor.executemany("INSERT INTO awaited VALUES (%s, %s) ON CONFLICT DO NOTHING", [row[:2] for row in rows])
            cursor.executemany(
                "INSERT INTO picture VALUES (%s, %s, %s, %s) ON CONFLICT (url) DO UPDATE SET"
                " article = excluded.article, tries = excluded.tries, next_ms = excluded.next_ms",
                rows,
            )

    @guarded
    def awaiting(self, url: str) -> list[str]:
        """Ids of all the articles that wait for a picture."""
        return [str(row[0]) for row in self._rows("SELECT article FROM awaited WHERE url = %s ORDER BY 1", (url,))]

    @guarded
    def forget(self, plan: Plan, needles: Sequence[bytes]) -> bool:
        """Deletes what waits for, or remembers, a withdrawn article, and rewrites the tables that held its words."""
        forget_rows(self._link.db, plan, needles)
        cut = {one.record_id for one in plan.cuts}
        with self._link.db.transaction():
            for state in self.feeds():
                if state.capture is not None and state.capture.record_id in cut:
                    put_feeds(self._link.db, [msgspec.structs.replace(state, capture=None, body_sha256="")])
        rewrite_tables(self._link.db)
        return True

    @guarded
    def note(self, at_ms: int, outlet: str, text: str) -> None:
        """Keeps a line for `status`; the same line again only moves its time."""
        self._link.db.execute(
            "INSERT INTO note VALUES (%s, %s, %s) ON CONFLICT (outlet, text) DO UPDATE SET at_ms = excluded.at_ms",
            (at_ms, outlet, text.replace("\0", "")),
        )

    @guarded
    def notes(self, *, limit: int = 50) -> list[Note]:
        """The newest lines for `status`."""
        rows = self._rows("SELECT at_ms, outlet, text FROM note ORDER BY at_ms DESC LIMIT %s", (limit,))
        return [Note(at_ms=int(at), outlet=str(outlet), text=str(text)) for at, outlet, text in rows]

    @guarded
    def get(self, key: str) -> bytes | None:
        """A small value that must outlive a run: learned profiles, export ids."""
        rows = self._rows("SELECT value FROM kv WHERE key = %s", (key,))
        return bytes(rows[0][0]) if rows else None

    @guarded
    def put(self, key: str, value: bytes) -> None:
        """Keeps a small value."""
        self._link.db.execute(
            "INSERT INTO kv VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )


def _in_order(states: Iterable[bytes]) -> list[FeedState]:
    """The longest due first, as the embedded engine gives them: the order of a log may depend on it."""
    return sorted(map(STATE.decode, states), key=lambda state: (state.next_ms, state.url))
