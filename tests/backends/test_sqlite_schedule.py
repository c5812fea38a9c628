"""The crawl state: claims, leases, and validators that never outrun their items."""

import sqlite3
from pathlib import Path

import pytest

from baoguan.backends.sqlite.schedule import SqliteSchedule
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState, Item
from baoguan.model.schedule import PendingItem


@pytest.fixture
def schedule(tmp_path: Path):
    schedule = SqliteSchedule(tmp_path / "schedule.sqlite")
    yield schedule
    schedule.close()


def item(key: str, **more: object) -> PendingItem:
    return PendingItem(key=key, outlet="a", feed="f", item=Item(title=key), first_ms=1, **more)  # type: ignore[arg-type]


def test_a_claimed_feed_is_held_until_its_lease_ends(schedule: SqliteSchedule) -> None:
    schedule.sync_feeds({"f": "a", "g": "a"})
    assert {state.url for state in schedule.claim(10, limit=10, lease_ms=100)} == {"f", "g"}
    assert schedule.claim(50, limit=10, lease_ms=100) == []
    assert len(schedule.claim(111, limit=10, lease_ms=100)) == 2


def test_which_feeds_are_claimed(schedule: SqliteSchedule) -> None:
    schedule.sync_feeds({"due": "a", "later": "a", "asked-to-wait": "a", "stopped": "a"})
    states = [
        FeedState(url="due", outlet="a", next_ms=5),
        FeedState(url="later", outlet="a", next_ms=500),
        FeedState(url="asked-to-wait", outlet="a", next_ms=500, not_before_ms=500),
        FeedState(url="stopped", outlet="a", next_ms=0, stopped=True),
    ]
    for state in states:
        schedule.settle_feed(state, [], {})
    wanted = {"due": {"due"}, "allowed": {"due", "later"}, "all": {"due", "later", "asked-to-wait"}}
    for which, urls in wanted.items():
        assert {state.url for state in schedule.claim(10, limit=9, lease_ms=0, which=which)} == urls


def test_validators_and_items_are_kept_together_or_not_at_all(schedule: SqliteSchedule) -> None:
    schedule.sync_feeds({"f": "a"})
    bad = item("k2")
    with pytest.raises(sqlite3.Error):
        schedule.settle_feed(FeedState(url="f", outlet="a", etag='"1"'), [item("k1"), bad], {"k1": object()})  # type: ignore[dict-item]
    assert schedule.feeds()[0].etag == ""
    assert schedule.pending(1 << 61, limit=10) == []
    schedule.settle_feed(FeedState(url="f", outlet="a", etag='W/"1"'), [item("k1"), bad], {"k1": b"1"})
    assert schedule.feeds()[0].etag == 'W/"1"'
    assert {one.key for one in schedule.pending(1 << 61, limit=10)} == {"k1", "k2"}


def test_items_learn_where_their_feed_is_kept(schedule: SqliteSchedule) -> None:
    schedule.settle_feed(FeedState(url="f", outlet="a"), [item("k", feed_ms=7), item("other", feed_ms=8)], {})
    schedule.set_feed_capture("f", 7, CaptureRef(record_id="r", sha256="s"))
    found = {one.key: one.capture for one in schedule.pending(1, limit=10)}
    assert found["other"] is None
    assert found["k"] == CaptureRef(record_id="r", sha256="s")


def test_a_moved_feed_keeps_what_is_known_of_it(schedule: SqliteSchedule) -> None:
    schedule.sync_feeds({"old": "a"})
    schedule.settle_feed(FeedState(url="old", outlet="a", etag="e", moved_to="new"), [], {})
    schedule.sync_feeds({"new": "a"})
    assert [(state.url, state.etag) for state in schedule.feeds()] == [("new", "e")]


def test_backup_is_whole(schedule: SqliteSchedule, tmp_path: Path) -> None:
    schedule.settle_feed(FeedState(url="f", outlet="a"), [item("k")], {})
    schedule.backup(tmp_path / "copy.sqlite")
    copy = SqliteSchedule(tmp_path / "copy.sqlite")
    assert [one.key for one in copy.pending(1, limit=5)] == ["k"]
    copy.close()
