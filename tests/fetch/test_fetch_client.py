"""HttpFetcher against the newsroom: what comes back, and what a bad server can't do."""

import resource
import threading
import time

import pytest

from baoguan.model.capture import FetchRequest
from newsroom import acts

SLUG = "a-66100001"


def feed(url, **more):
    return FetchRequest(url=url, kind="feed", **more)


def page(url, **more):
    return FetchRequest(url=url, kind="page", **more)


def test_a_feed_and_then_304(room, open_fetcher):
    fetcher = open_fetcher()
    url = room.feed_url("dw")
    first = fetcher.fetch(feed(url)).response
    assert first.status == 200
    assert first.header("content-encoding") == "gzip"
    assert len(first.raw) < len(first.body)
    assert first.body.startswith(b"<?xml")
    assert first.truncated == ""
    again = fetcher.fetch(feed(url, etag=first.header("ETag"), last_modified=first.header("last-modified"), key="k"))
    assert again.response.status == 304
    assert again.response.body == b""
    assert again.request.key == "k"
    sent = room.log[-1].headers
    assert sent["if-none-match"] == first.header("etag")
    assert sent["if-modified-since"] == first.header("last-modified")
    assert "cookie" not in sent


def test_results_come_for_everything_submitted_meanwhile(room, open_fetcher):
    fetcher = open_fetcher()
    fetcher.submit(feed(room.feed_url("dw")))
    seen = []
    for result in fetcher.results():
        seen.append(result.request.url)
        if len(seen) == 1:
            fetcher.submit(page(room.article_url("dw", SLUG)))
            fetcher.submit(feed(room.feed_url("rfi")))
    assert len(seen) == 3
    assert list(fetcher.results()) == []


def test_a_slow_caller_holds_up_the_network_and_loses_nothing(room, open_fetcher):
    fetcher = open_fetcher(queue_results=2, jobs=2, per_host=8)
    for number in range(20):
        fetcher.submit(feed(room.feed_url("dw") + f"?n={number}"))
    time.sleep(0.4)
    assert len(room.log) <= 4
    assert sum(1 for _ in fetcher.results()) == 20


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
@pytest.mark.parametrize("chunked", [False, True])
def test_encodings(room, open_fetcher, encoding, chunked):
    url = room.feed_url("dw")
    plain = open_fetcher().fetch(feed(url)).response.body
    room.act(url, acts.encoded(encoding, chunked=chunked, raw_deflate=chunked))
    response = open_fetcher().fetch(feed(url)).response
    assert response.body == plain
    assert response.raw != plain
    assert response.truncated == ""


def test_a_plain_body_that_claims_gzip(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.claims_gzip(always=False))
    assert open_fetcher().fetch(feed(url)).response.body.startswith(b"<?xml")
    assert [request.headers["accept-encoding"] == "identity" for request in room.log] == [False, True]
    room.behave()
    room.act(url, acts.claims_gzip())
    assert open_fetcher().fetch(feed(url)).response.body.startswith(b"<?xml")


def test_a_bad_header_is_asked_again_plainly(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.bad_header())
    assert open_fetcher().fetch(feed(url)).response.status == 200
    assert len(room.log) == 2


def test_huge_headers_are_refused(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.huge_headers())
    result = open_fetcher().fetch(feed(url))
    assert result.response is None
    assert result.error_kind in ("header", "reset")
    assert "\n" not in result.error


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_bombs_stop_at_the_cap_with_flat_memory(room, open_fetcher, encoding):
    url = room.article_url("dw", SLUG)
    fetcher = open_fetcher(page_bytes=2_000_000, robots=False)
    fetcher.fetch(page(url))
    room.act(url, acts.bomb(encoding, 300_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = fetcher.fetch(page(url))
    assert result.error_kind == "size"
    assert "2.0 MB" in result.error
    assert not result.retryable
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_an_endless_body_stops_at_the_cap(room, open_fetcher):
    url = room.article_url("dw", SLUG)
    room.act(url, acts.endless())
    assert open_fetcher(page_bytes=1_000_000).fetch(page(url)).error_kind == "size"


def test_slow_bytes_and_silence_end_in_time(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.slow(0.1))
    started = time.monotonic()
    response = open_fetcher(timeout_s=0.6).fetch(feed(url)).response
    assert response.truncated == "time"
    assert 0 < len(response.raw) < 20
    room.behave()
    room.act(url, acts.stalled_head())
    assert open_fetcher(idle_s=0.3).fetch(feed(url)).error_kind == "timeout"
    room.behave()
    room.act(url, acts.stalled_body())
    assert open_fetcher(idle_s=0.3).fetch(feed(url)).response.truncated == "time"
    assert time.monotonic() - started < 5


def test_a_cut_body_is_told(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.cut())
    response = open_fetcher().fetch(feed(url)).response
    assert response.truncated == "bytes"
    assert 0 < len(response.body) < int(response.header("content-length"))


def test_one_retry_after_a_reset(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.reset(), times=1)
    assert open_fetcher().fetch(feed(url)).response.status == 200
    assert len(room.log) == 2
    room.act(url, acts.reset())
    result = open_fetcher().fetch(feed(url))
    assert (result.error_kind, result.retryable) == ("reset", True)
    assert len(room.log) == 4


def test_redirects(room, open_fetcher):
    fetcher = open_fetcher()
    room.act("/old", acts.moved("/中 文", 308))
    room.act("/%E4%B8%AD%20%E6%96%87", acts.moved(room.feed_url("rfi"), 302))
    response = fetcher.fetch(feed(room.url("dw", "/old"))).response
    assert response.status == 200
    assert response.url == room.url("dw", "/old")
    assert response.final_url == room.feed_url("rfi")
    assert [hop.status for hop in response.hops] == [308, 302]
    assert response.hops[0].location == room.url("dw", "/%E4%B8%AD%20%E6%96%87")
    room.act("/a", acts.moved("/b"))
    room.act("/b", acts.moved("/a"))
    assert "loop" in fetcher.fetch(feed(room.url("dw", "/a"))).error
    for number in range(12):
        room.act(f"/c{number}", acts.moved(f"/c{number + 1}"))
    many = fetcher.fetch(feed(room.url("dw", "/c0")))
    assert (many.error_kind, "too many" in many.error) == ("redirects", True)
    room.act("/d", acts.moved("javascript:alert(1)"))
    assert fetcher.fetch(feed(room.url("dw", "/d"))).error_kind == "redirects"


def test_a_redirect_into_a_private_network_is_refused(room, open_fetcher):
    for target in ("http://10.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://2130706433:9/", "http://0xa000001/"):
        room.behave()
        room.act("/evil", acts.moved(target))
        result = open_fetcher().fetch(feed(room.url("dw", "/evil")))
        assert (result.error_kind, result.retryable, result.response) == ("address", False, None)


def test_loopback_is_refused_unless_allowed(room, open_fetcher):
    strict = open_fetcher(allow_networks=())
    for host in ("127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "0.0.0.0"):
        result = strict.fetch(feed(f"http://{host}:{room.port}/dw/feed.xml"))
        assert result.error_kind == "address", host
    assert room.log == []


def test_odd_urls_are_errors_and_not_exceptions(open_fetcher):
    fetcher = open_fetcher()
    for url in (
        "",
        "ftp://e.org/",
        "http://",
        "http://[::1",
        "file:///etc/passwd",
        "http://127.0.0.1:22/",
        "http://\ud800.e/",
    ):
        result = fetcher.fetch(feed(url))
        assert result.error_kind in ("address", "dns"), url
        assert result.response is None


def test_no_connection_is_one_line_without_credentials(open_fetcher):
    result = open_fetcher().fetch(feed("http://user:secret@127.0.0.1:39999/feed?x=1"))
    assert result.error_kind == "connect"
    assert "secret" not in result.error
    assert "\n" not in result.error


def test_close_ends_the_thread_even_with_open_requests(room, open_fetcher):
    url = room.feed_url("dw")
    room.act(url, acts.stalled_head())
    fetcher = open_fetcher()
    for _ in range(5):
        fetcher.submit(feed(url))
    time.sleep(0.2)
    fetcher.close()
    fetcher.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "baoguan-fetch"]
