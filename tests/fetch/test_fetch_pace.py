"""Politeness, measured from the newsroom's own log."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

from baoguan.model.capture import FetchRequest
from newsroom import acts

SLUGS = ("a-66100001", "a-66100002")


def starts(room, host):
    return [request.at for request in room.log if request.host == host]


def test_pace_by_host_while_hosts_run_in_parallel(room, open_fetcher):
    fetcher = open_fetcher(pace_s=0.25)
    started = time.monotonic()
    for number in range(4):
        for key in ("dw", "rfi"):
            fetcher.submit(FetchRequest(url=room.feed_url(key) + f"?{number}", kind="feed"))
    assert all(result.response.status == 200 for result in fetcher.results())
    for host in ("127.0.0.2", "127.0.0.3"):
        times = [at - started for at in starts(room, host)]
        assert len(times) == 4
        # Places are counted from where a request starts; a busy machine may bring one later to the host, none earlier.
        assert all(0.25 * number - 0.02 < at < 1.5 for number, at in enumerate(times)), times
    assert time.monotonic() - started < 1.5


def test_waiting_for_pace_holds_no_global_slot(room, open_fetcher):
    fetcher = open_fetcher(pace_s=0.4, jobs=1)
    for number in range(3):
        fetcher.submit(FetchRequest(url=room.feed_url("dw") + f"?{number}", kind="feed"))
    fetcher.submit(FetchRequest(url=room.feed_url("rfi"), kind="feed", key="other"))
    order = [result.request.key for result in fetcher.results()]
    assert order.index("other") <= 1


def test_a_slow_host_keeps_to_its_slots(room, open_fetcher):
    room.act(room.feed_url("dw"), acts.stalled_head())
    fetcher = open_fetcher(timeout_s=1.5, jobs=3)
    for number in range(6):
        fetcher.submit(FetchRequest(url=room.feed_url("dw") + f"?{number}", kind="feed"))
    started = time.monotonic()
    for number in range(6):
        fetcher.submit(FetchRequest(url=room.feed_url("rfi") + f"?{number}", kind="feed"))
    good = 0
    for result in fetcher.results():
        good += result.response is not None
        if good == 6:
            break
    assert time.monotonic() - started < 1.0
    assert len(starts(room, "127.0.0.2")) <= 2


def test_retry_after_defers_what_follows_and_survives_the_run(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.too_many(90), times=1)
    fetcher = open_fetcher(pace_s=0.05)
    results = []
    for number in range(3):
        fetcher.submit(FetchRequest(url=url, kind="feed", key=str(number)))
    results = list(fetcher.results())
    assert sum(1 for one in results if one.response and one.response.status == 429) == 1
    left = [one for one in results if one.deferred_ms]
    assert left
    assert all(one.response is None and one.error == "" for one in left)
    state = fetcher.host_state()
    assert state["127.0.0.2"] == left[0].deferred_ms
    assert 80 < state["127.0.0.2"] / 1000 - time.time() < 91
    asked = len(room.log)
    assert open_fetcher(hosts=state).fetch(FetchRequest(url=url, kind="feed")).deferred_ms == state["127.0.0.2"]
    assert len(room.log) == asked


def test_a_short_retry_after_is_waited_for(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.unavailable(format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)), times=1)
    fetcher = open_fetcher(max_wait_s=5)
    assert fetcher.fetch(FetchRequest(url=url, kind="feed")).response.status == 503
    assert fetcher.fetch(FetchRequest(url=url, kind="feed")).response.status == 200
    assert room.log[1].at - room.log[0].at > 0.9


def test_a_dead_host_is_left_after_some_failures(open_fetcher):
    fetcher = open_fetcher()
    request = FetchRequest(url="http://127.0.0.9:39999/", kind="feed")
    assert [fetcher.fetch(request).error_kind for _ in range(3)] == ["connect"] * 3
    assert fetcher.fetch(request).deferred_ms > 0
    assert fetcher.host_state()["fails:127.0.0.9"] == 3


def page(room, slug, key="dw"):
    return FetchRequest(url=room.article_url(key, slug), kind="page")


def test_robots_is_asked_once_captured_once_and_obeyed(room, open_fetcher):
    room.robots("dw", "User-agent: *\nDisallow: /dw/zh/a-66100002\n")
    fetcher = open_fetcher()
    good, bad = fetcher.fetch(page(room, SLUGS[0])), fetcher.fetch(page(room, SLUGS[1]))
    assert good.response.status == 200
    assert [response.final_url for response in good.extra] == [room.url("dw", "/robots.txt")]
    assert (bad.error_kind, bad.retryable, bad.extra) == ("robots", False, ())
    assert fetcher.fetch(FetchRequest(url=room.article_url("dw", SLUGS[1]), kind="picture")).response.status == 200
    assert [request.path for request in room.log].count("/robots.txt") == 1


def test_robots_group_of_our_own_name_and_crawl_delay(room, open_fetcher):
    room.robots("dw", "User-agent: baoguan\nCrawl-delay: 0.5\nAllow: /\n\nUser-agent: *\nDisallow: /\n")
    fetcher = open_fetcher()
    for number in range(3):
        fetcher.submit(FetchRequest(url=room.article_url("dw", SLUGS[0]) + f"?{number}", kind="page"))
    assert all(result.response for result in fetcher.results())
    pages = [request.at for request in room.log if request.path != "/robots.txt"]
    assert min(later - earlier for earlier, later in pairwise(pages)) > 0.45


def test_robots_that_fails_disallows_and_may_be_tried_again(room, open_fetcher):
    room.act(room.url("dw", "/robots.txt"), acts.answer(500))
    result = open_fetcher().fetch(page(room, SLUGS[0]))
    assert (result.error_kind, result.retryable) == ("robots", True)
    assert [response.status for response in result.extra] == [500]
    assert open_fetcher(robots=False).fetch(page(room, SLUGS[0])).response.status == 200
