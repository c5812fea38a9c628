"""One suite over every outbox, memory and PostgreSQL: a row waits or is in the log, never both, never neither."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from baoguan.backends.memory import MemoryHead
from baoguan.backends.memory_outbox import MemoryOutbox
from baoguan.backends.postgres import Link
from baoguan.backends.postgres.head import PgHead, PgLock
from baoguan.backends.postgres.outbox import PgOutbox
from baoguan.backends.postgres.schedule import PgSchedule
from baoguan.backends.sqlite.schedule import SqliteSchedule
from baoguan.desk import CrawlState, Outbox
from baoguan.errors import Conflict, NotFound, StoreError
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState, Item
from baoguan.model.outbox import OutboxHealth, OutboxRow
from baoguan.model.schedule import PendingItem
from baoguan.ports import Head, Schedule
from tests.backends.postgres_server import Postgres

NUMBERS = itertools.count()
FAR = 1 << 50


class Place(NamedTuple):
    """An outbox, the crawl state of its workers and the head of its log."""

    outbox: Outbox
    schedule: CrawlState
    head: Head


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start("fsync=off")
    yield server
    server.stop()


def of_postgres(postgres: Postgres, name: str) -> Place:
    durable = Link(postgres.address, name)
    durable.prepare()
    head = PgHead(durable, MemoryHead(), PgLock(durable))
    return Place(PgOutbox(Link(postgres.address, name), head), PgSchedule(Link(postgres.address, name)), head)


@pytest.fixture(params=["memory", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "memory":
        schedule = SqliteSchedule(tmp_path / "schedule.sqlite")
        found = Place(MemoryOutbox(schedule), schedule, MemoryHead())
    else:
        found = of_postgres(request.getfixturevalue("postgres"), f"test/outbox{next(NUMBERS)}")
    yield found
    found.schedule.close()


def wait_for(schedule: CrawlState, *keys: str) -> None:
    items = [PendingItem(key=key, outlet="o", feed="f", feed_ms=7, item=Item(title=key), first_ms=1) for key in keys]
    schedule.settle_feeds([FeedState(url="f", outlet="o")], items, {})
    assert {one.key for one in schedule.pending(10, limit=99)} >= set(keys)


def row(key: str = "", body: bytes = b"body", **parts: bytes) -> OutboxRow:
    return OutboxRow(key=key, body=body, parts=parts)


def settling(*keys: str) -> Callable[[Schedule], None]:
    return lambda schedule: schedule.settle_items(keys, (), {"article": (1, 50)})


def test_rows_leave_with_the_head_and_their_items_with_them(place: Place) -> None:
    outbox, schedule, head = place
    wait_for(schedule, "k1", "k2")
    assert outbox.put([row(body=b"response"), row("k1", b"one", aa=b"bytes"), row("k2", b"two")]) == 3
    assert outbox.elect()
    taken = outbox.take(limit=10, size_bytes=1000)
    assert [one.body for one in taken] == [b"response", b"one", b"two"]
    assert outbox.part(taken[1].n, "aa") == b"bytes"
    with pytest.raises(NotFound, match="no picture bb"):
        outbox.part(taken[1].n, "bb")
    with outbox.committing([taken[0].n, taken[1].n], settling("k1")):
        head.replace(None, b"head")
    assert outbox.waiting() == 1
    assert [one.body for one in outbox.take(limit=10, size_bytes=1000)] == [b"two"]
    assert {one.key for one in schedule.waiting(limit=9)} == {"k2"}
    assert schedule.rechecks(50, limit=9) == [("article", 1)]
    with pytest.raises(NotFound):
        outbox.part(taken[1].n, "aa")


def test_nothing_leaves_when_the_batch_fails(place: Place) -> None:
    outbox, schedule, head = place
    wait_for(schedule, "k1")
    outbox.put([row("k1")])
    (taken,) = outbox.take(limit=10, size_bytes=1000)
    with pytest.raises(StoreError, match="disk"), outbox.committing([taken.n], settling("k1")):
        raise StoreError("the disk broke")
    with pytest.raises(Conflict), outbox.committing([taken.n], settling("k1")):
        head.replace(b"other", b"head")
    assert outbox.waiting() == 1
    assert {one.key for one in schedule.waiting(limit=9)} == {"k1"}
    assert head.read() is None


def test_where_nothing_is_to_be_logged_the_rows_leave_too(place: Place) -> None:
    outbox, schedule, head = place
    wait_for(schedule, "k1")
    outbox.put([row("k1")])
    (taken,) = outbox.take(limit=10, size_bytes=1000)
    with outbox.committing([taken.n], settling("k1")):
        pass
    assert outbox.waiting() == 0
    assert schedule.waiting(limit=9) == []
    with pytest.raises(Conflict), outbox.committing([taken.n], settling()):
        head.replace(None, b"twice")
    assert head.read() is None or isinstance(outbox, MemoryOutbox)


def test_an_item_is_handed_over_once(place: Place) -> None:
    outbox, schedule, _ = place
    wait_for(schedule, "k1")
    assert outbox.put([row("k1", b"first")]) == 1
    assert outbox.put([row("k1", b"late worker"), row(body=b"free")]) == 1
    assert [one.body for one in outbox.take(limit=9, size_bytes=999)] == [b"first", b"free"]


def test_take_is_bounded_but_never_empty(place: Place) -> None:
    outbox = place.outbox
    outbox.put([row(body=bytes(100)), row(body=bytes(100), aa=bytes(500)), row(body=bytes(100))])
    assert len(outbox.take(limit=2, size_bytes=10_000)) == 2
    assert len(outbox.take(limit=9, size_bytes=1)) == 1
    assert len(outbox.take(limit=9, size_bytes=101)) == 2
    assert len(outbox.take(limit=9, size_bytes=10_000)) == 3


def test_a_row_that_is_set_aside_stops_nobody(place: Place) -> None:
    outbox = place.outbox
    outbox.put([row(body=b"bad"), row(body=b"good")])
    outbox.set_aside(outbox.take(limit=1, size_bytes=9)[0].n, "breaks")
    assert [one.body for one in outbox.take(limit=9, size_bytes=99)] == [b"good"]
    assert outbox.waiting() == 1


def test_handed_over_items_are_nobody_elses(postgres: Postgres) -> None:
    """Not when leases end, not by a late retry, and not by `hurry`; where the state goes elsewhere they are due."""
    outbox, schedule, _ = of_postgres(postgres, "test/handed")
    wait_for(schedule, "k1", "o\nagain:a1")
    outbox.put([row("k1"), row("o\nagain:a1")])
    late = schedule.waiting(limit=9)
    schedule.settle_items([], [one for one in late if one.key == "k1"], {})
    schedule.hurry()
    assert "k1" not in {one.key for one in schedule.pending(FAR, limit=9)}
    assert schedule.open_work(10) >= 2
    dumped: dict[str, Any] = {values[0]: values[3] for table, values in schedule.dump() if table == "pending"}
    assert dumped["k1"] == 0
    outbox.set_aside(outbox.take(limit=1, size_bytes=9)[0].n, "breaks")
    assert "k1" in {one.key for one in schedule.pending(FAR, limit=9)}


def test_a_guid_that_looks_like_a_recheck_is_an_item(postgres: Postgres) -> None:
    outbox, schedule, _ = of_postgres(postgres, "test/guid")
    key = "o\ng:x\nagain:a1"
    wait_for(schedule, key)
    schedule.settle_items([], (), {"a1": (0, 5)})
    assert [outbox.put([row(key)]), outbox.put([row(key)])] == [1, 0]
    assert schedule.rechecks(5, limit=9) == [("a1", 0)]


def test_a_feed_that_is_logged_meanwhile_tells_its_items(postgres: Postgres) -> None:
    outbox, schedule, _ = of_postgres(postgres, "test/meanwhile")
    wait_for(schedule, "k1")
    outbox.put([row("k1")])
    schedule.set_feed_captures({("f", 7): CaptureRef(record_id="r", sha256="s")})
    assert outbox.take(limit=9, size_bytes=9)[0].capture == CaptureRef(record_id="r", sha256="s")


def test_health_is_counted(place: Place) -> None:
    outbox, schedule, _ = place
    wait_for(schedule, "k1", "k2")
    assert outbox.health() == OutboxHealth(waiting=0, set_aside=0, size_bytes=0, age_s=0)
    outbox.put([row("k1", b"123"), row(a=b"12345"), row("k2")])
    outbox.set_aside(outbox.take(limit=9, size_bytes=1000)[2].n, "broken")
    found = outbox.health()
    assert (found.waiting, found.set_aside, found.size_bytes) == (2, 1, 3 + 4 + 5)
    assert 0 <= found.age_s < 60


def test_one_is_elected_and_another_when_it_dies(postgres: Postgres) -> None:
    one, other = (of_postgres(postgres, "test/elect") for _ in range(2))
    assert one.outbox.elect()
    assert one.outbox.elect()
    assert not other.outbox.elect()
    assert isinstance(one.head, PgHead)
    one.head.link.close()
    deadline = time.monotonic() + 20  # the server frees the lock when it notices
    while not other.outbox.elect():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not one.outbox.elect()


def test_two_sequencers_never_log_a_row_twice(postgres: Postgres) -> None:
    one, other = (of_postgres(postgres, "test/rivals") for _ in range(2))
    one.outbox.put([row(body=b"x")])
    (taken,) = one.outbox.take(limit=9, size_bytes=9)
    with one.outbox.committing([taken.n], settling()):
        one.head.replace(None, b"1")
    with pytest.raises(Conflict, match="another sequencer"), other.outbox.committing([taken.n], settling()):
        other.head.replace(b"1", b"2")
    assert one.head.read() == b"1"
