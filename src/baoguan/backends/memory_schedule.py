"""The crawl state in memory, with faults on demand: the port in the plainest words, for tests of every write path."""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.memory import BEFORE, Fault
from baoguan.backends.sqlite.schedule import STOPPED_MS, SqliteSchedule, crawl_health
from baoguan.errors import StoreError
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState
from baoguan.model.schedule import CrawlHealth, Note, PendingItem

_encode = msgspec.json.encode
_STATE = msgspec.json.Decoder(FeedState)
_ITEM = msgspec.json.Decoder(PendingItem)


class _Tables(msgspec.Struct, kw_only=True):
    """All of it; a method changes a copy, which takes the place of the old one as a whole."""

    feeds: dict[str, FeedState] = {}
    leases: dict[str, int] = {}
    hosts: dict[str, int] = {}
    pending: dict[str, PendingItem] = {}
    prints: dict[str, bytes] = {}
    rechecks: dict[str, tuple[int, int]] = {}
    """id to (step, epoch ms)"""
    notes: dict[tuple[str, str], int] = {}
    pictures: dict[str, tuple[str, int, int]] = {}
    """URL to (article, tries, epoch ms)"""
    awaited: set[tuple[str, str]] = set()
    counts: dict[str, int] = {}
    kv: dict[str, bytes] = {}

    def copied(self) -> "_Tables":
        return _Tables(**{name: copy.copy(getattr(self, name)) for name in self.__struct_fields__})


class MemorySchedule:
    """desk.CrawlState in dicts, for one process. `fault` is asked before each write, by the method's name."""

    def __init__(self) -> None:
        self._held = _Tables()
        self.fault: Fault = lambda _operation, _path: ""

    def close(self) -> None:
        """Nothing to close."""

    @contextmanager
    def _write(self, name: str) -> Iterator[_Tables]:
        kind = self.fault(name, "")
        if kind == BEFORE:
            raise StoreError(f"schedule.{name}: injected failure before keeping")
        tables = self._held.copied()
        yield tables
        self._held = tables
        if kind:
            raise StoreError(f"schedule.{name}: injected failure, {kind}")

    def feeds(self) -> list[FeedState]:
        """As desk.CrawlState."""
        return sorted(self._held.feeds.values(), key=lambda state: (state.outlet, state.url))

    def sync_feeds(self, wanted: Mapping[str, str]) -> None:
        """As desk.CrawlState."""
        with self._write("sync_feeds") as t:
            moved = {state.moved_to: state for state in t.feeds.values() if state.moved_to}
            held, t.feeds = t.feeds, {}
            for url, outlet in wanted.items():
                state = held.get(url) or FeedState(url=url, outlet=outlet)
                if url not in held and url in moved:
                    state = msgspec.structs.replace(moved[url], url=url, moved_to="", moved_seen=0)
                t.feeds[url] = msgspec.structs.replace(state, outlet=outlet)

    def claim(self, now_ms: int, *, limit: int, lease_ms: int, which: str = "due") -> list[FeedState]:
        """As ports.Schedule."""
        since: Callable[[FeedState], int] = {
            "due": lambda state: state.next_ms,
            "allowed": lambda state: state.not_before_ms,
            "all": lambda _: 0,
        }[which]
        with self._write("claim") as t:
            free = [
                state
                for state in t.feeds.values()
                if since(state) <= now_ms and t.leases.get(state.url, 0) <= now_ms and not state.stopped
            ]
            found = sorted(free, key=lambda state: (state.next_ms, state.url))[:limit]
            t.leases.update((state.url, now_ms + lease_ms) for state in found)
        return found

    def release(self) -> None:
        """As desk.CrawlState."""
        with self._write("release") as t:
            t.leases.clear()

    def hurry(self) -> None:
        """As ports.Schedule."""
        with self._write("hurry") as t:
            t.pending = {key: msgspec.structs.replace(item, next_ms=0) for key, item in t.pending.items()}

    def next_due_ms(self) -> int | None:
        """As desk.CrawlState."""
        due = [state.next_ms for state in self._held.feeds.values() if not state.stopped]
        return min([*due, *(item.next_ms for item in self._held.pending.values())], default=None)

    def open_work(self, now_ms: int) -> int:
        """As desk.CrawlState."""
        t = self._held
        feeds = [
            state
            for state in t.feeds.values()
            if (state.next_ms <= now_ms and not state.stopped) or t.leases.get(state.url, 0) > now_ms
        ]
        return len(feeds) + sum(item.next_ms <= now_ms for item in t.pending.values())

    def settle_feeds(
        self, states: Iterable[FeedState], items: Iterable[PendingItem] = (), prints: Mapping[str, bytes] | None = None
    ) -> None:
        """As ports.Schedule."""
        with self._write("settle_feeds") as t:
            for state in states:
                t.feeds[state.url] = state
                t.leases.pop(state.url, None)
            for item in items:
                held = t.pending.get(item.key)
                t.pending[item.key] = item if held is None else msgspec.structs.replace(item, next_ms=held.next_ms)
            t.prints.update((key, bytes(memoryview(value))) for key, value in (prints or {}).items())

    def settle_items(
        self,
        done: Iterable[str],
        retry: Iterable[PendingItem] = (),
        recheck: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        """As ports.Schedule."""
        with self._write("settle_items") as t:
            for key in done:
                t.pending.pop(key, None)
            t.pending.update((item.key, item) for item in retry if item.key in t.pending)
            t.rechecks.update(recheck or {})

    def pending(self, now_ms: int, *, limit: int, skip: Iterable[str] = ()) -> list[PendingItem]:
        """As ports.Schedule."""
        skipped = set(skip)
        due = [item for key, item in self._held.pending.items() if item.next_ms <= now_ms and key not in skipped]
        return sorted(due, key=lambda item: (item.next_ms, item.key))[:limit]

    def waiting(self, *, limit: int) -> list[PendingItem]:
        """As desk.CrawlState."""
        return list(self._held.pending.values())[:limit]

    def pending_keys(self, keys: Sequence[str]) -> set[str]:
        """As ports.Schedule."""
        return {key for key in keys if key in self._held.pending}

    def pending_counts(self) -> dict[str, int]:
        """As desk.CrawlState."""
        return dict(Counter(item.feed for item in self._held.pending.values()))

    def prints(self, keys: Sequence[str]) -> dict[str, bytes]:
        """As ports.Schedule."""
        return {key: self._held.prints[key] for key in keys if key in self._held.prints}

    def set_feed_captures(self, captures: Mapping[tuple[str, int], CaptureRef], done: Sequence[str] = ()) -> None:
        """As ports.Schedule."""
        del done
        with self._write("set_feed_captures") as t:
            for (feed, _), capture in captures.items():
                if feed in t.feeds:
                    t.feeds[feed] = msgspec.structs.replace(t.feeds[feed], capture=capture)
            for key, item in t.pending.items():
                capture_of = captures.get((item.feed, item.feed_ms))
                if capture_of is not None:
                    t.pending[key] = msgspec.structs.replace(item, capture=capture_of)

    def rechecks(self, now_ms: int, *, limit: int) -> list[tuple[str, int]]:
        """As ports.Schedule."""
        due = sorted((at, identity, step) for identity, (step, at) in self._held.rechecks.items() if at <= now_ms)
        return [(identity, step) for _, identity, step in due[:limit]]

    def late_pictures(self, now_ms: int, *, limit: int) -> list[tuple[str, str, int]]:
        """As ports.Schedule."""
        due = sorted((at, url, article, n) for url, (article, n, at) in self._held.pictures.items() if at <= now_ms)
        return [(url, article, tries) for _, url, article, tries in due[:limit]]

    def awaiting(self, url: str) -> list[str]:
        """As ports.Schedule."""
        return sorted(article for awaited, article in self._held.awaited if awaited == url)

    def settle_pictures(self, kept: Iterable[str], missing: Iterable[tuple[str, str, int, int]]) -> None:
        """As ports.Schedule."""
        gone = set(kept)
        with self._write("settle_pictures") as t:
            t.pictures = {url: row for url, row in t.pictures.items() if url not in gone}
            t.awaited = {row for row in t.awaited if row[0] not in gone}
            for url, article, tries, at in missing:
                t.awaited.add((url, article))
                t.pictures[url] = (article, tries, at)

    def hosts(self) -> dict[str, int]:
        """As ports.Schedule."""
        return dict(self._held.hosts)

    def set_hosts(self, hosts: Mapping[str, int]) -> None:
        """As ports.Schedule."""
        with self._write("set_hosts") as t:
            t.hosts = dict(hosts)

    def note(self, at_ms: int, outlet: str, text: str) -> None:
        """As ports.Schedule."""
        with self._write("note") as t:
            t.notes[outlet, text] = at_ms

    def notes(self, *, limit: int = 50) -> list[Note]:
        """As desk.CrawlState."""
        found = [Note(at_ms=at, outlet=outlet, text=text) for (outlet, text), at in self._held.notes.items()]
        return sorted(found, key=lambda note: -note.at_ms)[:limit]

    def get(self, key: str) -> bytes | None:
        """As ports.Schedule."""
        return self._held.kv.get(key)

    def put(self, key: str, value: bytes) -> None:
        """As ports.Schedule."""
        with self._write("put") as t:
            t.kv[key] = value

    def count(self, more: Mapping[str, int]) -> None:
        """As desk.CrawlState."""
        with self._write("count") as t:
            t.counts = dict(Counter(t.counts) + Counter(more))

    def health(self, now_ms: int) -> CrawlHealth:
        """As desk.CrawlState."""
        kinds: dict[str, list[FeedState]] = {}
        for state in self._held.feeds.values():
            kinds.setdefault(state.kind, []).append(state)
        rows = [
            (
                kind,
                len(states),
                sum(not one.stopped and one.next_ms <= now_ms for one in states),
                min(STOPPED_MS if one.stopped else one.next_ms for one in states),
                max(one.last_poll_ms for one in states),
            )
            for kind, states in kinds.items()
        ]
        oldest = min((item.first_ms for item in self._held.pending.values()), default=None)
        return crawl_health(now_ms, rows, len(self._held.pending), oldest, dict(self._held.counts))

    def forget(self, plan: Plan, needles: Sequence[bytes]) -> bool:
        """As desk.CrawlState."""
        names = {f"{outlet}\n{name}" for outlet in plan.outlets for name in plan.names}
        names |= {f"{outlet}\nagain:{identity}" for outlet in plan.outlets for identity in plan.ids}
        ids, cut = set(plan.ids), {one.record_id for one in plan.cuts}

        def told(data: bytes) -> bool:
            return any(needle in data for needle in needles)

        with self._write("forget") as t:
            t.pending = {k: item for k, item in t.pending.items() if k not in names and not told(_encode(item))}
            t.prints = {key: value for key, value in t.prints.items() if key not in names}
            t.rechecks = {identity: row for identity, row in t.rechecks.items() if identity not in ids}
            t.awaited = {row for row in t.awaited if row[1] not in ids}
            t.notes = {row: at for row, at in t.notes.items() if not told(row[1].encode())}
            t.kv = {key: value for key, value in t.kv.items() if not told(value)}
            left: dict[str, tuple[str, int, int]] = {}
            for url, (article, tries, at) in t.pictures.items():
                owner = article if article not in ids else min((a for u, a in t.awaited if u == url), default="")
                left |= {url: (owner, tries, at)} if owner else {}
            t.pictures = left
            for url, state in t.feeds.items():
                if state.capture is not None and state.capture.record_id in cut:
                    t.feeds[url] = msgspec.structs.replace(state, capture=None, body_sha256="")
        return True

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """As desk.CrawlState."""
        t = self._held
        for state in t.feeds.values():
            due = STOPPED_MS if state.stopped else state.next_ms
            yield "feed", (state.url, state.outlet, due, state.not_before_ms, 0, _encode(state))
        for item in t.pending.values():
            yield "pending", (item.key, item.feed, item.feed_ms, item.next_ms, _encode(item))
        for name, table in (("host", t.hosts), ("print", t.prints), ("counter", t.counts), ("kv", t.kv)):
            yield from ((name, row) for row in table.items())
        yield from (("recheck", (identity, *row)) for identity, row in t.rechecks.items())
        yield from (("note", (at, *row)) for row, at in t.notes.items())
        yield from (("picture", (url, *row)) for url, row in t.pictures.items())
        yield from (("awaited", row) for row in t.awaited)

    def load(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """As desk.CrawlState."""
        with self._write("load") as held:
            t = _Tables()
            for table, row in rows:
                _load_row(t, table, row)
            for name in t.__struct_fields__:
                setattr(held, name, getattr(t, name))

    def backup(self, destination: Path) -> None:
        """As desk.CrawlState."""
        destination.unlink(missing_ok=True)
        kept = SqliteSchedule(destination)
        try:
            kept.load(self.dump())
        finally:
            kept.close()


def _load_row(t: _Tables, table: str, row: tuple[Any, ...]) -> None:
    simple: dict[str, dict[str, Any]] = {"host": t.hosts, "print": t.prints, "counter": t.counts, "kv": t.kv}
    if table in simple:
        simple[table][row[0]] = row[1]
    elif table == "feed":
        t.feeds[row[0]] = _STATE.decode(row[5])
    elif table == "pending":
        t.pending[row[0]] = msgspec.structs.replace(_ITEM.decode(row[4]), next_ms=row[3])
    elif table == "recheck":
        t.rechecks[row[0]] = (row[1], row[2])
    elif table == "note":
        t.notes[row[1], row[2]] = row[0]
    elif table == "picture":
        t.pictures[row[0]] = (row[1], row[2], row[3])
    elif table == "awaited":
        t.awaited.add((row[0], row[1]))
