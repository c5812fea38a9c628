"""What is kept of many feeds and items at once: one statement a table, its rows as arrays in binary.

Rows are sorted by their keys' bytes, so that two processes never wait for each other; feeds first, items, then prints.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg

from baoguan.backends.sqlite.schedule import STOPPED_MS
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState
from baoguan.model.schedule import PendingItem
from baoguan.text.urls import host_of, registrable_domain

STATE = msgspec.json.Decoder(FeedState)
ITEM = msgspec.json.Decoder(PendingItem)
encode = msgspec.json.encode
_PUT_FEEDS = """
INSERT INTO feed SELECT url, outlet, host, due, due, not_before, 0, state FROM unnest(
  %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bytea[])
  AS r (url, outlet, host, due, not_before, state)
ON CONFLICT (url) DO UPDATE SET outlet = excluded.outlet, host = excluded.host, at_ms = excluded.at_ms,
  next_ms = excluded.next_ms, not_before_ms = excluded.not_before_ms, lease_ms = 0, state = excluded.state
"""
_PUT_ITEMS = """
INSERT INTO pending SELECT key, feed, feed_ms, next_ms, 0, item FROM unnest(
  %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bytea[]) AS r (key, feed, feed_ms, next_ms, item)
ON CONFLICT (key) DO UPDATE SET feed = excluded.feed, feed_ms = excluded.feed_ms, item = excluded.item
"""
_PUT_PRINTS = """
INSERT INTO print SELECT * FROM unnest(%b::text[], %b::bytea[])
ON CONFLICT (key) DO UPDATE SET print = excluded.print
"""
_RETRY = """
UPDATE pending AS p SET next_ms = r.next_ms, lease_ms = 0, item = r.item
  FROM unnest(%b::text[], %b::bigint[], %b::bytea[]) AS r (key, next_ms, item)
  WHERE p.key = r.key AND p.lease_ms < %s
"""
_RECHECK = """
INSERT INTO recheck SELECT * FROM unnest(%b::text[], %b::integer[], %b::bigint[])
ON CONFLICT (id) DO UPDATE SET step = excluded.step, next_ms = excluded.next_ms
"""


def host_key(url: str) -> str:
    """What the pace of a feed hangs on: its registrable domain."""
    return registrable_domain(host_of(url))


def run_rows(db: psycopg.Connection, sql: str, rows: Sequence[tuple[Any, ...]], *more: object) -> None:
    """The statement with the columns of the rows as arrays; nothing without rows."""
    if rows:
        db.execute(sql.encode(), (*map(list, zip(*rows, strict=True)), *more))


def put_feeds(db: psycopg.Connection, states: Iterable[FeedState]) -> None:
    """Keeps the states, and ends their leases."""
    last = {state.url: state for state in states}
    rows = [
        (
            url,
            state.outlet,
            host_key(url),
            STOPPED_MS if state.stopped else state.next_ms,
            state.not_before_ms,
            encode(state),
        )
        for url, state in sorted(last.items())
    ]
    run_rows(db, _PUT_FEEDS, rows)


def put_items(db: psycopg.Connection, items: Iterable[PendingItem]) -> None:
    """Items that wait; of those that wait already the lease stays."""
    last = {item.key: item for item in items}
    rows = [(key, item.feed, item.feed_ms, item.next_ms, encode(item)) for key, item in sorted(last.items())]
    run_rows(db, _PUT_ITEMS, rows)


def put_prints(db: psycopg.Connection, prints: Mapping[str, bytes]) -> None:
    """Fingerprints of items as last seen."""
    run_rows(db, _PUT_PRINTS, sorted(prints.items()))


def settle_items(
    db: psycopg.Connection,
    done: Iterable[str],
    retry: Iterable[PendingItem],
    recheck: Mapping[str, tuple[int, int]],
    *,
    handed_ms: int,
) -> None:
    """After a checkpoint; `handed_ms`: lease of items that lie in the outbox, which are tried by nobody."""
    keys = sorted(done)
    if keys:
        db.execute(
            "DELETE FROM pending WHERE key IN"
            ' (SELECT key FROM pending WHERE key = ANY (%s) ORDER BY key COLLATE "C" FOR UPDATE)',
            (keys,),
        )
    last = {item.key: item for item in retry}
    run_rows(db, _RETRY, [(key, item.next_ms, encode(item)) for key, item in sorted(last.items())], handed_ms)
    run_rows(db, _RECHECK, sorted((identity, step, at) for identity, (step, at) in recheck.items()))


def set_captures(
    db: psycopg.Connection, captures: Mapping[tuple[str, int], CaptureRef], done: Sequence[str] = ()
) -> None:
    """Tells feeds, and items other than `done`, where the responses that carried them are kept."""
    feeds = sorted({feed for feed, _ in captures})
    newest = {feed: capture for (feed, _), capture in sorted(captures.items(), key=lambda one: one[0])}
    sql = 'SELECT url, state FROM feed WHERE url = ANY (%s) ORDER BY url COLLATE "C" FOR UPDATE'
    rows = [
        (url, encode(msgspec.structs.replace(STATE.decode(data), capture=newest[url])))
        for url, data in db.execute(sql, (feeds,)).fetchall()
    ]
    run_rows(
        db,
        "UPDATE feed SET state = r.state FROM unnest(%b::text[], %b::bytea[]) AS r (url, state) WHERE feed.url = r.url",
        rows,
    )
    sql = (
        "SELECT key, feed, feed_ms, item FROM pending WHERE feed = ANY (%s) AND key <> ALL (%s)"
        ' ORDER BY key COLLATE "C" FOR UPDATE'
    )
    items = [
        (key, encode(msgspec.structs.replace(ITEM.decode(data), capture=captures[feed, feed_ms])))
        for key, feed, feed_ms, data in db.execute(sql, (feeds, list(done))).fetchall()
        if (feed, feed_ms) in captures
    ]
    run_rows(
        db,
        "UPDATE pending SET item = r.item FROM unnest(%b::text[], %b::bytea[]) AS r (key, item)"
        " WHERE pending.key = r.key",
        items,
    )
