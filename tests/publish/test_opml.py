"""OPML in and out."""

import pytest

from baoguan.errors import FeedError
from baoguan.publish.opml import OpmlFeed, read_opml, write_opml

FEEDS = [
    OpmlFeed(
        feed_url="https://a.example/feed?x=1&y=2", site_url="https://a.example/", title="甲 & 乙", category="中文"
    ),
    OpmlFeed(feed_url="https://b.example/rss", title="b"),
]


def test_round_trip() -> None:
    assert read_opml(write_opml(FEEDS, title="list")) == FEEDS


def test_nested_broken_and_doubled_outlines_are_read() -> None:
    text = (
        b'\n<?xml version="1.0"?><opml version="1.0"><body><outline text="x"><outline title="y">'
        b'<outline xmlUrl="https://a.example/1" text="one & only"/><outline xmlUrl="https://a.example/1"/>'
        b'<outline xmlUrl="javascript:alert(1)"/></outline></outline></body></opml>'
    )
    feeds = read_opml(text)
    assert [(feed.feed_url, feed.category) for feed in feeds] == [("https://a.example/1", "x/y")]


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"\x00\xff", b"<!DOCTYPE a [<!ENTITY b 'c'>]><rss/>"])
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(FeedError):
        read_opml(data)
