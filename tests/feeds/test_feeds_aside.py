"""Long CDATA sections are kept from the parser: what is read is the same as if they were not."""

import random

import msgspec
import pytest

from baoguan.errors import FeedError
from baoguan.feeds import xmltree
from baoguan.feeds.parse import parse_feed
from baoguan.feeds.xmltree import set_aside

LONG = b"<p>a &amp; b\r\n\xe5\x9b\xbe&#150; <a href='/x'>" * 12
CDATA = b"<![CDATA[" + LONG + b"]]>"
FEED = (
    b"<?xml version='1.0'?><rss xmlns:media='http://search.yahoo.com/mrss/'"
    b" xmlns:c='http://purl.org/rss/1.0/modules/content/'>"
    b"<channel><title>t</title><description>%b</description><item><title>one</title>"
    b"<description>before %b after</description><c:encoded>%b%b</c:encoded></item><item><media:group><media:content url='http://e.org/a.jpg'/><media:description>%b"
    b"</media:description></media:group><guid>%b</guid></item><item>"
    b"<description><div>x %b</div> y %b</description></item></channel></rss>"
) % ((CDATA,) * 8)
ODD = {
    "in a comment that ends in it": FEED.replace(
        b"<item>", b"<item><!-- <![CDATA[" + LONG + b"-->" + LONG + b"]]> -->", 1
    ),
    "in an instruction": FEED.replace(b"<item>", b"<item><?x <![CDATA[" + LONG + b"?>" + LONG + b"]]> ?>", 1),
    "in an attribute": FEED.replace(b"<item>", b"<item a='" + CDATA + b"'>", 1),
    "marks of the feed's own": FEED.replace(b"one", "\ue0000\ue001".encode()).replace(
        b"<p>", "<p>\ue0001\ue001".encode()
    ),
    "marks as numbers": FEED.replace(b"one", b"&#xE000;0&#xE001;&#xE000;99&#xE001;"),
    "a control": FEED.replace(b"<p>a", b"<p>\x07a", 3),
    "a bad byte": FEED.replace(b"<p>a", b"<p>\x97a", 3),
    "no character": FEED.replace(b"<p>a", b"<p>\xef\xbf\xbfa", 3),
    "not closed": FEED[: FEED.rindex(b"]]>")],
    "closed twice": FEED.replace(b"]]>", b"]]>]]>", 1),
}


def whole(data: bytes, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What is read when nothing is set aside."""
    with monkeypatch.context() as patched:
        patched.setattr(xmltree, "set_aside", lambda data: (data, ()))
        return read(data)


def read(data: bytes) -> bytes:
    try:
        return msgspec.json.encode(parse_feed(data, url="http://example.org/feed"))
    except FeedError as error:
        return str(error).encode()


def test_long_texts_are_set_aside_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    short, aside = set_aside(FEED)
    assert len(aside) == 8
    assert len(short) < len(FEED) - 8 * len(LONG) + 200
    assert read(FEED) == whole(FEED, monkeypatch)
    items = parse_feed(FEED).items
    assert items[0].content_html.count("图") == 24
    assert items[1].summary_html.count("图") == items[1].media[0].caption.count("图") == 12
    assert items[2].summary_html.count("图") == 24


@pytest.mark.parametrize("name", ODD)
def test_odd_places(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(ODD[name]) == whole(ODD[name], monkeypatch)


def test_feeds_broken_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random.Random(20261123)
    put = (b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&", b"<", b">", b"?>", b"\x07", b"\xff", b"\xee\x80\x80", b"\r")
    for _ in range(400):
        at = chosen.randrange(len(FEED))
        broken = FEED[:at] + chosen.choice(put) + FEED[at + chosen.randrange(12) :]
        assert read(broken) == whole(broken, monkeypatch)
