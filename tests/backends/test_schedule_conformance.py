"""One suite over every crawl state, memory, SQLite, PostgreSQL: claims, leases, validators that never outrun items."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.memory_schedule import MemorySchedule
from baoguan.backends.postgres import Link, schema_of
from baoguan.backends.postgres.schedule import PgSchedule
from baoguan.backends.sqlite.schedule import SqliteSchedule
from baoguan.desk import CrawlState
from baoguan.errors import ConfigError, StoreError
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState, Item
from baoguan.model.schedule import PendingItem
from tests.backends.postgres_server import Postgres

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start("fsync=off")
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def schedule(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CrawlState]:
    schedule: CrawlState
    if request.param == "memory":
        schedule = MemorySchedule()
    elif request.param == "sqlite":
        schedule = SqliteSchedule(tmp_path / "schedule.sqlite")
    else:
        schedule = PgSchedule(Link(request.getfixturevalue("postgres").address, f"test/{next(NUMBERS)}"))
    yield schedule
    schedule.close()


def item(key: str, **more: Any) -> PendingItem:
    return PendingItem(key=key, outlet="a", feed="f", item=Item(title=key), first_ms=1, **more)


def urls(states: list[FeedState]) -> set[str]:
    return {state.url for state in states}


def test_a_claimed_feed_is_held_until_its_lease_ends(schedule: CrawlState) -> None:
    schedule.sync_feeds({"http://f.example/": "a", "http://g.example/": "a"})
    assert urls(schedule.claim(10, limit=10, lease_ms=100)) == {"http://f.example/", "http://g.example/"}
    assert schedule.claim(50, limit=10, lease_ms=100) == []
    assert len(schedule.claim(111, limit=10, lease_ms=100)) == 2
    schedule.settle_feeds([FeedState(url="http://f.example/", outlet="a", next_ms=120)])
    assert urls(schedule.claim(125, limit=10, lease_ms=100)) == {"http://f.example/"}


def test_which_feeds_are_claimed(schedule: CrawlState) -> None:
    feeds: dict[str, dict[str, Any]] = {
        "due": {"next_ms": 5},
        "later": {"next_ms": 500},
        "asked-to-wait": {"next_ms": 500, "not_before_ms": 500},
        "stopped": {"stopped": True},
    }
    schedule.sync_feeds({f"http://{name}.example/": "a" for name in feeds})
    for name, more in feeds.items():
        schedule.settle_feeds([FeedState(url=f"http://{name}.example/", outlet="a", **more)], [], {})
    wanted = {"due": {"due"}, "allowed": {"due", "later"}, "all": {"due", "later", "asked-to-wait"}}
    for which, expected in wanted.items():
        found = urls(schedule.claim(10, limit=9, lease_ms=0, which=which))
        assert found == {f"http://{name}.example/" for name in expected}
    assert schedule.next_due_ms() is not None


def test_validators_and_items_are_kept_together_or_not_at_all(schedule: CrawlState) -> None:
    schedule.sync_feeds({"f": "a"})
    with pytest.raises(Exception, match=r"."):  # each engine's own refusal of a print that is no bytes
        schedule.settle_feeds([FeedState(url="f", outlet="a", etag='"1"')], [item("k1")], {"k1": object()})  # type: ignore[dict-item]
    assert schedule.feeds()[0].etag == ""
    assert schedule.pending(1 << 50, limit=10) == []
    schedule.settle_feeds([FeedState(url="f", outlet="a", etag='W/"1"')], [item("k1"), item("k2")], {"k1": b"1"})
    assert schedule.feeds()[0].etag == 'W/"1"'
    assert schedule.pending_keys(["k1", "k2", "k3"]) == {"k1", "k2"}
    assert schedule.prints(["k1", "k2"]) == {"k1": b"1"}
    assert schedule.pending_counts() == {"f": 2}
    assert {one.key for one in schedule.pending(1 << 50, limit=10)} == {"k1", "k2"}


def test_items_wait_are_skipped_and_settled(schedule: CrawlState) -> None:
    schedule.settle_feeds([FeedState(url="f", outlet="a")], [item("k1"), item("k2"), item("k3", next_ms=500)], {})
    assert {one.key for one in schedule.waiting(limit=9)} == {"k1", "k2", "k3"}
    assert [one.key for one in schedule.pending(10, limit=9, skip=["k1"])] == ["k2"]
    schedule.settle_items(["k1"], [item("k2", next_ms=300, tries=1)], {"id": (1, 200)})
    assert [one.key for one in schedule.pending(299, limit=9)] == []
    assert [(one.key, one.tries) for one in schedule.pending(300, limit=9)] == [("k2", 1)]
    assert schedule.rechecks(199, limit=9) == []
    assert schedule.rechecks(200, limit=9) == [("id", 1)]
    schedule.settle_items([], [], {"id": (2, 900)})
    assert schedule.rechecks(900, limit=9) == [("id", 2)]


def test_hurry_makes_waiting_items_due(schedule: CrawlState) -> None:
    schedule.settle_feeds([FeedState(url="f", outlet="a")], [item("k", next_ms=5000)], {})
    schedule.hurry()
    assert [one.key for one in schedule.pending(10, limit=9)] == ["k"]


def test_items_learn_where_their_feed_is_kept(schedule: CrawlState) -> None:
    schedule.settle_feeds([FeedState(url="f", outlet="a")], [item("k", feed_ms=7), item("other", feed_ms=8)], {})
    schedule.set_feed_captures({("f", 7): CaptureRef(record_id="r", sha256="s")})
    found = {one.key: one.capture for one in schedule.pending(1, limit=10)}
    assert found["other"] is None
    assert found["k"] == CaptureRef(record_id="r", sha256="s")


def test_a_moved_feed_keeps_what_is_known_of_it(schedule: CrawlState) -> None:
    schedule.sync_feeds({"old": "a"})
    schedule.settle_feeds([FeedState(url="old", outlet="a", etag="e", moved_to="new")], [], {})
    schedule.sync_feeds({"new": "b"})
    assert [(state.url, state.outlet, state.etag) for state in schedule.feeds()] == [("new", "b", "e")]


def test_pictures_wait_for_all_their_articles(schedule: CrawlState) -> None:
    schedule.settle_pictures([], [("u", "a1", 0, 10), ("u", "a2", 0, 10), ("v", "a1", 1, 99)])
    assert [row[0] for row in schedule.late_pictures(10, limit=9)] == ["u"]
    assert schedule.awaiting("u") == ["a1", "a2"]
    schedule.settle_pictures(["u"], [])
    assert schedule.awaiting("u") == []
    assert schedule.late_pictures(99, limit=9) == [("v", "a1", 1)]


def test_hosts_notes_and_small_values(schedule: CrawlState) -> None:
    schedule.set_hosts({"a.example": 50, "fails:b.example": 3})
    assert schedule.hosts() == {"a.example": 50, "fails:b.example": 3}
    schedule.note(1, "a", "first")
    schedule.note(2, "a", "second")
    schedule.note(3, "a", "first")
    assert [(one.at_ms, one.text) for one in schedule.notes(limit=9)] == [(3, "first"), (2, "second")]
    assert schedule.get("k") is None
    schedule.put("k", b"1")
    schedule.put("k", b"2")
    assert schedule.get("k") == b"2"


def test_health_is_counted(schedule: CrawlState) -> None:
    schedule.sync_feeds({"http://a.example/": "a", "http://b.example/": "a"})
    state = FeedState(url="http://a.example/", outlet="a", kind="ok", next_ms=400, last_poll_ms=90)
    schedule.settle_feeds([state], [item("k"), item("l")], {})
    schedule.count({"polls": 2, "article_new": 1})
    schedule.count({"polls": 1})
    found = schedule.health(500)
    assert found.kinds == {"ok": 1, "new": 1}
    assert (found.due, found.lag_ms, found.pending, found.oldest_ms, found.polled_ms) == (2, 500, 2, 1, 90)
    assert found.counts == {"polls": 3, "article_new": 1}
    assert schedule.open_work(500) == 4


def test_what_was_withdrawn_is_forgotten(schedule: CrawlState) -> None:
    named = item("o\nu:http://x/")
    schedule.settle_feeds(
        [FeedState(url="f", outlet="a")], [named, item("other")], {"o\nu:http://x/": b"1", "other": b"2"}
    )
    schedule.note(1, "a", "about the secret word")
    schedule.put("kept", b"a secret word")
    schedule.settle_pictures([], [("u", "gone", 0, 1), ("v", "gone", 0, 1), ("v", "stays", 0, 1)])
    plan = Plan(at_ms=1, reason="court", ids=("gone",), outlets=("o",), names=("u:http://x/",))
    assert schedule.forget(plan, [b"secret word"])
    assert [one.key for one in schedule.waiting(limit=9)] == ["other"]
    assert schedule.prints(["o\nu:http://x/", "other"]) == {"other": b"2"}
    assert schedule.notes(limit=9) == []
    assert schedule.get("kept") is None
    assert schedule.awaiting("u") == []
    assert schedule.late_pictures(9, limit=9) == [("v", "stays", 0)]


def test_backup_and_dump_are_whole(schedule: CrawlState, tmp_path: Path) -> None:
    schedule.sync_feeds({"http://f.example/": "a"})
    schedule.settle_feeds([FeedState(url="http://f.example/", outlet="a", etag="e")], [item("k")], {"k": b"1"})
    schedule.set_hosts({"h": 5})
    schedule.put("v", b"\0\xff")
    schedule.backup(tmp_path / "copy.sqlite")
    copy = SqliteSchedule(tmp_path / "copy.sqlite")
    assert [one.key for one in copy.pending(1, limit=5)] == ["k"]
    assert (copy.feeds(), copy.hosts(), copy.get("v")) == (schedule.feeds(), {"h": 5}, b"\0\xff")
    before = sorted(map(repr, schedule.dump()))
    schedule.load(copy.dump())
    assert sorted(map(repr, schedule.dump())) == before
    copy.close()


def pg(postgres: Postgres, name: str) -> PgSchedule:
    return PgSchedule(Link(postgres.address, name))


def test_two_workers_never_hold_the_same(postgres: Postgres) -> None:
    one, other = pg(postgres, "test/two"), pg(postgres, "test/two")
    one.sync_feeds({f"http://h{number}.example/": "a" for number in range(40)})
    one.settle_feeds([FeedState(url="f", outlet="a")], [item(f"k{number}") for number in range(20)], {})
    first, second = one.claim(10, limit=25, lease_ms=1000), other.claim(10, limit=25, lease_ms=1000)
    assert len(first) == 25
    assert len(urls(first) | urls(second)) == len(first) + len(second) == 41
    held = [*one.pending(10, limit=12), *other.pending(10, limit=12)]
    assert len({found.key for found in held}) == len(held) == 20
    one.settle_items([], [], {"r1": (0, 1), "r2": (0, 1)})
    assert sorted([*one.rechecks(5, limit=1), *other.rechecks(5, limit=9)]) == [("r1", 0), ("r2", 0)]
    assert other.rechecks(5, limit=9) == []
    one.close()
    other.close()


def test_one_host_does_not_hold_up_the_others(postgres: Postgres) -> None:
    """A thousand feeds of one host stand before ten others: two of it are claimed at once, the rest is spread."""
    schedule = pg(postgres, "test/share")
    crowd = {f"http://www.crowd.example/{number}": "a" for number in range(1000)}
    schedule.sync_feeds(crowd | {f"http://h{number}.example/": "b" for number in range(10)})
    for url in crowd:
        schedule.settle_feeds([FeedState(url=url, outlet="a", next_ms=1)])
    schedule.settle_feeds([FeedState(url=f"http://h{number}.example/", outlet="b", next_ms=2) for number in range(10)])
    found: set[str] = set()
    schedule.claim(1000, limit=50, lease_ms=60_000)
    assert schedule.open_work(1000) == 1010, "those put behind are due, too"
    for _ in range(40):
        claimed = urls(schedule.claim(1000, limit=50, lease_ms=60_000))
        assert len([url for url in claimed if "crowd" in url]) <= 2
        found |= claimed
    found |= urls(schedule.claim(70_000, limit=50, lease_ms=60_000))
    assert {f"http://h{number}.example/" for number in range(10)} <= found
    later: set[str] = set()
    for second in range(2, 700):
        later |= urls(schedule.claim(1000 * second, limit=50, lease_ms=10_000_000))
    assert set(crowd) <= found | later
    schedule.close()


def test_a_newer_schema_and_wrong_addresses_are_told(postgres: Postgres) -> None:
    link = Link(postgres.address, "test/newer")
    link.prepare()
    link.prepare()
    link.db.execute("INSERT INTO step VALUES (99)")
    with pytest.raises(ConfigError, match="newer"):
        Link(postgres.address, "test/newer").prepare()
    link.drop()
    link.close()
    with pytest.raises(StoreError, match="postgres:"):
        Link("postgres://baoguan@127.0.0.1:1/x", "test/none").prepare()
    assert schema_of("a/b") != schema_of("a-b")
