"""The outbox: rows of finished items between the worker that made them and the checkpoint that covers them.

A worker puts rows on its own session, in one transaction with the end of its leases. The sequencer takes them away in
the very transaction that moves the head, so that a row is either waiting or in the log, whoever dies when.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg

from baoguan.backends.postgres import Link, guarded, translated
from baoguan.backends.postgres.head import PgHead
from baoguan.backends.postgres.schedule import HANDED_MS, PgSchedule
from baoguan.errors import Conflict, NotFound
from baoguan.model.outbox import OutboxHealth, OutboxRow, TakenRow
from baoguan.model.schedule import PendingItem
from baoguan.ports import Schedule

_ITEM = msgspec.json.Decoder(PendingItem)
_AGAIN = "again:"
_PUT = """
INSERT INTO outbox (key, size, body)
SELECT key, size, body FROM unnest(%b::text[], %b::integer[], %b::bytea[]) WITH ORDINALITY AS r (key, size, body, place)
ORDER BY place RETURNING n
"""
"""Numbered in the order of the rows."""
_DAY_MS = 86_400_000
_HEALTH = """
SELECT count(*) FILTER (WHERE failed = ''), count(*) FILTER (WHERE failed <> ''),
  coalesce(sum(size) FILTER (WHERE failed = ''), 0),
  coalesce(greatest(extract(epoch FROM clock_timestamp() - min(made) FILTER (WHERE failed = '')), 0), 0) FROM outbox
"""
_TAKE = """
SELECT o.n, o.body, p.item FROM (
  SELECT n, key, body, sum(size) OVER (ORDER BY n) - size AS before FROM (
    SELECT * FROM outbox WHERE failed = '' ORDER BY n LIMIT %s) first) o
LEFT JOIN pending p ON p.key = o.key WHERE o.before < %s ORDER BY o.n
"""
_HAND_OVER = """
UPDATE pending SET next_ms = %s, lease_ms = %s WHERE key IN
  (SELECT key FROM pending WHERE key = ANY (%s) AND lease_ms < %s ORDER BY key COLLATE "C" FOR UPDATE)
RETURNING key
"""
"""Locked in one order, as everywhere: two workers never wait for each other."""


class PgOutbox:
    """The outbox of one archive; see desk.Outbox for the contract."""

    def __init__(self, link: Link, head: PgHead) -> None:
        """`link`: of the worker; the sequencer's part is done on the session of the head."""
        self._link, self._head = link, head
        self._elected: psycopg.Connection | None = None
        self._schedule: PgSchedule | None = None

    def close(self) -> None:
        """Ends the worker's connection."""
        self._link.close()

    @guarded
    def put(self, rows: Sequence[OutboxRow]) -> int:
        """As desk.Outbox."""
        db = self._link.db
        with db.transaction():
            held = self._hand_over([row.key for row in rows if row.key])
            taken = [row for row in rows if not row.key or row.key in held]
            if taken:
                sizes = [len(row.body) + sum(map(len, row.parts.values())) for row in taken]
                found = db.execute(_PUT, ([row.key for row in taken], sizes, [row.body for row in taken])).fetchall()
                numbers = sorted(n for (n,) in found)
                with db.cursor() as cursor:
                    cursor.executemany(
                        "INSERT INTO part VALUES (%s, %s, %b)",
                        [
                            (n, sha256, data)
                            for n, row in zip(numbers, taken, strict=True)
                            for sha256, data in sorted(row.parts.items())
                        ],
                    )
        return len(taken)

    def _hand_over(self, keys: list[str]) -> set[str]:
        """Ends the leases of these items; returns those that nobody else has handed over or settled meanwhile."""
        if not keys:
            return set()
        db = self._link.db
        again = {key: _looked_at(key) for key in keys if _looked_at(key)}
        waiting = [key for key in keys if key not in again]
        rows = db.execute(_HAND_OVER, (HANDED_MS, HANDED_MS, waiting, HANDED_MS)).fetchall() if waiting else []
        if again:
            ids = list(again.values())
            db.execute("UPDATE recheck SET next_ms = next_ms + %s WHERE id = ANY (%s)", (_DAY_MS, ids))
        return {str(row[0]) for row in rows} | again.keys()

    @guarded
    def waiting(self) -> int:
        """As desk.Outbox."""
        row = self._link.db.execute("SELECT count(*) FROM outbox WHERE failed = ''").fetchone()
        return int(row[0]) if row else 0

    @guarded
    def health(self) -> OutboxHealth:
        """As desk.Outbox, by the clock of the database."""
        row = self._link.db.execute(_HEALTH).fetchone()
        assert row is not None
        return OutboxHealth(waiting=int(row[0]), set_aside=int(row[1]), size_bytes=int(row[2]), age_s=float(row[3]))

    @guarded
    def elect(self) -> bool:
        """An advisory lock of the session that holds the head: free again when that session ends."""
        db = self._head.link.db
        if self._elected is not db:
            row = db.execute("SELECT pg_try_advisory_lock(%s)", (self._head.link.lock_key("sequencer"),)).fetchone()
            self._elected = db if row is not None and row[0] else None
        elif db.execute("SELECT 1").fetchone() is None:  # asked so that a lost session is told at once
            self._elected = None
        return self._elected is not None

    @guarded
    def take(self, *, limit: int, size_bytes: int) -> list[TakenRow]:
        """As desk.Outbox."""
        rows = self._head.link.db.cursor(binary=True).execute(_TAKE, (limit, size_bytes)).fetchall()
        return [
            TakenRow(n=int(n), body=bytes(body), capture=_ITEM.decode(item).capture if item is not None else None)
            for n, body, item in rows
        ]

    @guarded
    def part(self, n: int, sha256: str) -> bytes:
        """As desk.Outbox."""
        cursor = self._head.link.db.cursor(binary=True)
        row = cursor.execute("SELECT data FROM part WHERE n = %s AND sha256 = %s", (n, sha256)).fetchone()
        if row is None:
            raise NotFound(f"outbox {n}: no picture {sha256}")
        return bytes(row[0])

    @contextmanager
    def committing(self, taken: Sequence[int], settle: Callable[[Schedule], None]) -> Iterator[None]:
        """As desk.Outbox; `settle` is given a schedule on the session of the head, inside its transaction."""
        done = False
        schedule = self._schedule = self._schedule or PgSchedule(self._head.link)

        def also() -> None:
            nonlocal done
            rows = self._head.link.db.execute("DELETE FROM outbox WHERE n = ANY (%s)", (list(taken),))
            if rows.rowcount != len(taken):
                raise Conflict("postgres: rows of the outbox were settled by another sequencer")
            settle(schedule)
            done = True

        self._head.also = also
        try:
            yield
        finally:
            self._head.also = None
        if not done:
            with translated(), self._head.link.db.transaction():
                also()

    @guarded
    def set_aside(self, n: int, problem: str) -> None:
        """As desk.Outbox."""
        db = self._head.link.db
        with db.transaction():
            row = db.execute("UPDATE outbox SET failed = %s WHERE n = %s RETURNING key", (problem, n)).fetchone()
            if row is not None:
                db.execute(
                    "UPDATE pending SET lease_ms = 0, next_ms = (extract(epoch FROM now()) * 1000)::bigint + %s"
                    " WHERE key = %s",
                    (_DAY_MS, row[0]),
                )


def _looked_at(key: str) -> str:
    """Id of the known article whose page is looked at again; empty for an item of a feed, whatever its guid says."""
    name = key.partition("\n")[2]
    return name.removeprefix(_AGAIN) if name.startswith(_AGAIN) else ""
