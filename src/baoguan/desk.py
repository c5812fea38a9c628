"""The news desk: everything that the joiners of one archive work with. Built by app.py."""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from baoguan.archive.ledger import Ledger
from baoguan.archive.store import Archive, Batch
from baoguan.archive.withdraw_deny import Denials
from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.sqlite.catalogue import SqliteCatalog
from baoguan.capture.read import WarcRecord, iter_members, parse_record, status_of, to_response
from baoguan.config import Settings
from baoguan.errors import DiskFull, FeedError
from baoguan.feeds.fallback import parse_feed_or_fallback
from baoguan.model.catalog import CaptureRow
from baoguan.model.feed import FeedDoc, FeedState
from baoguan.model.outbox import OutboxHealth, OutboxRow, TakenRow
from baoguan.model.outlet import Outlet
from baoguan.model.schedule import CrawlHealth, Note, PendingItem
from baoguan.ports import Accounts, Catalog, Clock, Entropy, Fetcher, Forgets, Schedule, SearchIndex
from baoguan.text.identity import keys_of
from baoguan.text.urls import canonical_url

_FEED_TYPE = re.compile(rb"\ncontent-type:[^\r]*(?:xml|rss|atom|rdf|json)")


class CrawlState(Schedule, Protocol):
    """What the joiners, `status`, backups and withdrawals ask of the crawl state: SQLite's or PostgreSQL's."""

    def feeds(self) -> list[FeedState]:
        """Every feed, by outlet and URL."""
        ...

    def sync_feeds(self, wanted: Mapping[str, str]) -> None:
        """Makes the table hold exactly the feeds `wanted` (URL to outlet)."""
        ...

    def release(self) -> None:
        """Gives back leases of a dead process, where only one can live."""
        ...

    def next_due_ms(self) -> int | None:
        """When the next feed or item is due."""
        ...

    def open_work(self, now_ms: int) -> int:
        """Feeds and items that are due, or held by a lease."""
        ...

    def count(self, more: Mapping[str, int]) -> None:
        """Adds to the counters."""
        ...

    def health(self, now_ms: int) -> CrawlHealth:
        """The crawl in numbers."""
        ...

    def waiting(self, *, limit: int) -> list[PendingItem]:
        """Items that wait."""
        ...

    def pending_counts(self) -> dict[str, int]:
        """How many items wait, by feed."""
        ...

    def notes(self, *, limit: int = 50) -> list[Note]:
        """The newest lines for `status`."""
        ...

    def forget(self, plan: Plan, needles: Sequence[bytes]) -> bool:
        """Deletes what waits for, or remembers, a withdrawn article; False: again later."""
        ...

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """(table, row) of everything, as `load` takes it."""
        ...

    def load(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Takes what another one dumped, in place of what is here."""
        ...

    def backup(self, destination: Path) -> None:
        """A consistent copy of the whole state, as a SQLite file."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class KeptAccounts(Accounts, Protocol):
    """Accounts that can be moved to another engine."""

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """(table, row) of everything."""
        ...

    def load(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Takes what others dumped, in place of what is here."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class SharedCatalog(Catalog, Protocol):
    """A catalogue beside the own one, for workers that keep none."""

    def forget(self, plan: Plan) -> bool:
        """Deletes what a withdrawal names, bytes and all."""
        ...

    def reset(self) -> None:
        """Empties it: the next catch_up fills it from the log."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class Outbox(Protocol):
    """What workers finished and no checkpoint covers yet. A row goes with the head that covers it, never before."""

    def put(self, rows: Sequence[OutboxRow]) -> int:
        """Takes rows; in the same transaction the leases of their items end and nobody is given them any more.

        Rows of items that this worker doesn't hold any more are left out: another one has them. Returns rows taken.
        """
        ...

    def waiting(self) -> int:
        """How many rows wait to be logged; those set aside don't."""
        ...

    def health(self) -> OutboxHealth:
        """In numbers, for metrics."""
        ...

    def elect(self) -> bool:
        """Whether this process is the sequencer: it stays it until it dies or loses the database."""
        ...

    def take(self, *, limit: int, size_bytes: int) -> list[TakenRow]:
        """The oldest rows, at least one where there is one; they stay. For the sequencer, under the write lock."""
        ...

    def part(self, n: int, sha256: str) -> bytes:
        """The bytes of a picture of row `n`. Raises NotFound."""
        ...

    def committing(self, taken: Sequence[int], settle: Callable[[Schedule], None]) -> AbstractContextManager[None]:
        """The head that moves inside takes these rows with it, and what `settle` changes: all or nothing.

        Where no head moves, that is done on leaving. Raises Conflict where a row is gone already.
        """
        ...

    def set_aside(self, n: int, problem: str) -> None:
        """A row that can't be logged: kept for a person, taken no more; its item is tried again in a day."""
        ...


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One archive, opened."""

    folder: Path
    settings: Settings
    outlets: dict[str, Outlet]
    feeds: dict[str, str]
    """URL to key of the outlet, as baoguan.toml wants them polled."""
    archive: Archive
    catalog: SqliteCatalog
    schedule: CrawlState
    search: SearchIndex | None
    """None where the settings want none."""
    clock: Clock
    entropy: Entropy
    open_fetcher: Callable[[], Fetcher]
    sync_lock: Callable[[], AbstractContextManager[object]]
    """One sync at a time."""

    denials: Denials
    """What was withdrawn: no way into the archive lets it in again."""
    indexes: tuple[Forgets, ...] = ()
    """Other derived indexes that hold text of articles: search."""
    outbox: Outbox | None = None
    """Where workers leave what they finished; None where there is one process."""
    spool_name: str = "spool"
    """Of the folder in state/; one for each worker where several write."""

    shared: SharedCatalog | None = None
    """The catalogue of all workers, where the settings want one; the own one stands beside it."""
    lean: bool = False
    """Asks the shared catalogue alone: the own one is not brought up to the log, and may not even be there."""

    @property
    def known(self) -> Catalog:
        """The catalogue that says what is known: the shared one where only that is kept up."""
        return self.shared if self.shared is not None and self.lean else self.catalog

    @property
    def spool(self) -> Path:
        """Bytes on their way into a batch; emptied by whoever holds the sync lock."""
        return self.folder / "state" / self.spool_name

    def now_ms(self) -> int:
        """Epoch ms by the desk's clock."""
        return int(self.clock.now().timestamp() * 1000)

    def outlet(self, key: str) -> Outlet:
        """The outlet of that key; one that is no longer listed keeps its key and nothing else."""
        return self.outlets.get(key) or Outlet(key=key, name=key)

    def commit(self, batch: Batch, ledger: Ledger) -> None:
        """The checkpoint, then the catalogue; nothing when the batch is empty."""
        head = batch.commit()
        if head is None or head.size == batch.first:
            return
        rows = [
            CaptureRow(record_id=place[0], file=place[1], offset=place[2], length=place[3]) for place in batch.places
        ]
        if batch.revisits or batch.sightings:
            self.catalog.add_traces(batch.revisits, batch.sightings)
        kept = {path: [row for row in rows if row.file == path] for path in batch.capture_paths}
        for path in batch.capture_paths:
            self.catalog.add_captures(path, kept[path])
        # The batch adds a line for what no article names; nothing in it depends on the order of the others.
        rest = [(index, line) for index, line in batch.lines if line.kind in ("cap", "gone")]
        self.catalog.apply([*ledger.lines, *rest], size=head.size)
        if self.shared is not None and self.shared.size() == batch.first:  # else the next catch_up brings it up
            for path, places in kept.items():
                self.shared.add_captures(path, places)
            self.shared.apply([*ledger.lines, *rest], size=head.size)

    def exports(self) -> list[dict[str, Any]]:
        """What was exported, packed or backed up from here: {at_ms, kind, place}, one a place."""
        return list(msgspec.json.decode(self.schedule.get("exports") or b"[]"))

    def note_export(self, kind: str, place: str) -> None:
        """Remembers an export, so that a withdrawal can say where copies stand."""
        others = [one for one in self.exports() if one["place"] != place]
        row = {"at_ms": self.now_ms(), "kind": kind, "place": place}
        self.schedule.put("exports", msgspec.json.encode([*others[-999:], row]))

    def check_disk(self) -> None:
        """Raises DiskFull below the floor of the settings, in one line."""
        free = shutil.disk_usage(self.folder).free // 1_000_000
        if free < self.settings.min_free_mb:
            raise DiskFull(
                f"{self.folder}: {free} MB free, the floor is {self.settings.min_free_mb} MB (min_free_mb): stopped"
            )


def catch_up(desk: Desk, *, chunk: int = 4096) -> int:
    """Brings the catalogue up to the head of the log, from manifest and captures alone; returns lines applied."""
    if desk.lean:
        return 0
    size = desk.archive.size
    own = _bring_up(desk, desk.catalog, size, chunk)
    if own + (_bring_up(desk, desk.shared, size, chunk) if desk.shared is not None else 0):
        index_captures(desk)
    return own


def _bring_up(desk: Desk, catalog: Catalog, size: int, chunk: int) -> int:
    start = catalog.size()
    for low in range(start, size, chunk):
        high = min(low + chunk, size)
        catalog.apply(desk.archive.lines(low, high), size=high)
    return max(size - start, 0)


def index_captures(desk: Desk) -> None:
    """Remembers where the records of every WARC file lie that is not known yet."""
    for path in desk.archive.objects.list("captures"):
        lacking = [one for one in (desk.catalog, desk.shared) if one is not None and not one.has_captures(path)]
        # Read before the rows' own transaction: what they refer to is kept first.
        rows = list(scan_rows(desk, path)) if lacking else []
        for one in lacking:
            one.add_captures(path, rows)


def scan_rows(desk: Desk, path: str) -> Iterator[CaptureRow]:
    """The places of the records of one WARC file; what they refer to and which items they carried goes with them."""
    revisits: list[tuple[str, str]] = []
    sightings: list[tuple[str, int, list[str]]] = []
    feeds = set(desk.feeds)
    for offset, length, content in iter_members(desk.archive.objects.get(path)):
        record = parse_record(content)
        yield CaptureRow(record_id=record.record_id, file=path, offset=offset, length=length)
        target = record.header("WARC-Refers-To").strip("<>")
        if target:
            revisits.append((target, record.record_id))
        if record.kind == "response" and status_of(record) == 200:
            keys = _carried(desk, record, known=record.url in feeds)
            if keys:
                sightings.append((record.url, record.at_ms, keys))
    if revisits or sightings:
        desk.catalog.add_traces(revisits, sightings)


def _carried(desk: Desk, record: WarcRecord, *, known: bool) -> list[str]:
    """Identity keys of the items in a captured feed; empty for anything else."""
    head = record.block[: record.block.find(b"\r\n\r\n") + 4].lower()
    if not known and not _FEED_TYPE.search(head):
        return []
    response = to_response(record)
    try:
        kind = response.header("content-type")
        doc = parse_feed_or_fallback(response.body, url=response.final_url, content_type=kind)
    except FeedError:
        return []
    return carried_keys(desk.outlet(desk.feeds.get(record.url, "")), doc)


def carried_keys(outlet: Outlet, doc: FeedDoc) -> list[str]:
    """Identity keys of every item of a feed: what a withdrawal asks captures of feeds by."""
    urls = [canonical_url(item.url, drop_params=outlet.drop_params) for item in doc.items if item.url]
    return keys_of([item.guid for item in doc.items], [*urls, *(item.url for item in doc.items)])


@contextmanager
def exclusive(desk: Desk) -> Iterator[None]:
    """One sync at a time: takes the lock, frees what a dead one left."""
    with desk.sync_lock():
        shutil.rmtree(desk.spool, ignore_errors=True)
        desk.spool.mkdir(parents=True, exist_ok=True)
        desk.schedule.release()
        yield
