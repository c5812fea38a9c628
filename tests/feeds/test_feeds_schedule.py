"""The poll decider and the identity of items."""

from datetime import UTC, datetime

import msgspec
import pytest

from baoguan.feeds.identity import identity_keys, is_same_feed
from baoguan.feeds.schedule import PollFact, PollSettings, fact_of, next_poll
from baoguan.model.feed import FeedDoc, FeedState, Item

NOW = int(datetime(2024, 5, 6, 10, 30, tzinfo=UTC).timestamp() * 1000)  # a Monday
SETTINGS = PollSettings()
START = FeedState(url="https://e.org/feed", outlet="e")
GOOD = PollFact(status=200, items=20, etag='W/"a"')


def waited_s(state: FeedState, now_ms: int = NOW) -> float:
    return (state.next_ms - now_ms) / 1000


def poll(state: FeedState, fact: PollFact, jitter: float = 0.0, now_ms: int = NOW) -> FeedState:
    return next_poll(state, fact, now_ms, SETTINGS, jitter)


def test_news_shortens_the_interval_and_silence_lengthens_it_within_bounds() -> None:
    busy = quiet = poll(START, GOOD)
    assert waited_s(busy) == SETTINGS.default_interval_s
    for _ in range(40):
        busy = poll(busy, msgspec.structs.replace(GOOD, new_items=8))
        quiet = poll(quiet, PollFact(status=304))
    assert waited_s(busy) == 300
    assert waited_s(quiet) == 86_400
    assert quiet.kind == "ok"
    assert quiet.etag == 'W/"a"'


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"ttl_s": 7200}, 7200),
        ({"cache_max_age_s": 10_000}, 10_000),
        ({"expires_ms": NOW + 9_000_000}, 9000),
        ({"expires_ms": NOW + 9_000_000, "cache_max_age_s": 60}, 2700),
        ({"ttl_s": 10**9}, 86_400),
        ({"retry_after_ms": NOW + 20_000_000}, 20_000),
    ],
)
def test_the_longest_pause_asked_for_is_kept_up_to_a_day(asked: dict[str, int], seconds: int) -> None:
    assert waited_s(poll(START, msgspec.structs.replace(GOOD, **asked))) == seconds


def test_skipped_hours_and_days_are_skipped() -> None:
    hours = poll(START, msgspec.structs.replace(GOOD, skip_hours=(11, 12)))
    assert datetime.fromtimestamp(hours.next_ms / 1000, UTC) == datetime(2024, 5, 6, 13, tzinfo=UTC)
    days = poll(START, msgspec.structs.replace(GOOD, skip_days=("Monday", "Tuesday")))
    assert datetime.fromtimestamp(days.next_ms / 1000, UTC) == datetime(2024, 5, 8, tzinfo=UTC)
    everything = poll(START, msgspec.structs.replace(GOOD, skip_hours=tuple(range(24))))
    assert waited_s(everything) == SETTINGS.default_interval_s


def test_failures_back_off_for_days_but_never_stop() -> None:
    state, waits = poll(START, GOOD), []
    for _ in range(30):
        state = poll(state, PollFact(status=500), jitter=0.5)
        waits.append(waited_s(state))
    assert waits == sorted(waits)
    assert waits[-1] == 3 * 86_400
    assert not state.stopped
    assert state.kind == "failing"
    assert "HTTP 500" in state.problem
    assert "30 times" in state.problem
    assert state.etag == 'W/"a"'
    assert poll(state, GOOD).problem == ""


def test_those_that_failed_together_are_not_tried_together() -> None:
    fact = PollFact(error="connection refused", error_kind="connect")
    assert waited_s(poll(START, fact, 0.0)) < waited_s(poll(START, fact, 1.0))


def test_retry_after_of_an_error_is_obeyed_up_to_a_day() -> None:
    assert waited_s(poll(START, PollFact(status=429, retry_after_ms=NOW + 30_000_000))) == 30_000
    assert waited_s(poll(START, PollFact(status=503, retry_after_ms=NOW + 10**12))) == 86_400
    assert poll(START, PollFact(status=429)).kind == "blocked"


def test_410_stops() -> None:
    state = poll(START, PollFact(status=410))
    assert (state.stopped, state.kind) == (True, "gone")
    assert "410" in state.problem


def test_a_feed_moves_only_after_four_sightings_of_the_same_feed() -> None:
    moved = msgspec.structs.replace(GOOD, moved_to="https://new.org/feed")
    state = START
    for _ in range(3):
        state = poll(state, moved)
        assert state.url == START.url
    assert poll(state, moved).url == "https://new.org/feed"
    assert poll(poll(state, GOOD), moved).url == START.url
    assert poll(state, msgspec.structs.replace(moved, moved_to="https://other.org/")).url == START.url
    for _ in range(9):
        state = poll(state, msgspec.structs.replace(moved, moved_is_same=False))
    assert state.url == START.url
    assert "another feed" in state.problem


def test_an_emptied_feed_is_told_from_an_empty_one_and_stays_so() -> None:
    none = PollFact(status=200, items=0)
    assert poll(START, none).kind == "empty"
    state = poll(poll(START, GOOD), none)
    assert state.kind == "emptied"
    assert "20 items" in state.problem
    assert poll(poll(state, none), PollFact(status=304)).kind == "emptied"
    assert poll(state, GOOD).kind == "ok"


def test_a_feed_without_news_for_long_is_stale() -> None:
    state = poll(START, msgspec.structs.replace(GOOD, new_items=1))
    late = poll(state, PollFact(status=304), now_ms=NOW + 100 * 86_400_000)
    assert late.kind == "stale"
    assert "100 days" in late.problem


def test_no_feed_is_said_in_words() -> None:
    state = poll(START, PollFact(status=200, error="an HTML page, no feed", error_kind="feed"))
    assert (state.kind, state.problem) == ("not-a-feed", "an HTML page, no feed")


def test_deferred_changes_nothing_but_the_time() -> None:
    state = poll(START, PollFact(deferred_ms=NOW + 5000))
    assert state == msgspec.structs.replace(START, next_ms=NOW + 5000, not_before_ms=NOW + 5000)


def items(*pairs: tuple[str, str]) -> FeedDoc:
    rows = tuple(Item(guid=guid, url=url) for guid, url in pairs)
    return FeedDoc(format="rss2.0", url="https://e.org/", self_url="https://e.org/feed", items=rows)


def test_shared_guids_and_urls_identify_nothing() -> None:
    doc = items(("1", "u/1"), ("x", "u/2"), ("x", "u/3"), ("4", "u/4"), ("5", "u/4"), ("6", "https://e.org/"))
    keys = [(one.guid, one.url) for one in identity_keys(doc)]
    assert keys == [("1", "u/1"), ("", "u/2"), ("", "u/3"), ("4", ""), ("5", ""), ("6", "")]
    assert [(one.guid, one.url) for one in identity_keys(items(("1", "u"), ("1", "u")))] == [("1", "u")] * 2


def test_the_same_feed_shares_half_of_its_items() -> None:
    doc = items(("1", "u/1"), ("2", "u/2"), ("3", "u/3"), ("4", "u/4"))
    assert is_same_feed(["1", "2", "9", "8"], doc)
    assert not is_same_feed(["1", "7", "9", "8"], doc)
    assert not is_same_feed([], doc)
    assert fact_of(doc, PollFact(status=200), new_items=1).items == 4
