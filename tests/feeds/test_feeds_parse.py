"""Reading of feeds: encodings, dates, pictures, links, discovery, the JSON form."""

import json
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from baoguan.errors import FeedError
from baoguan.feeds.describe import describe_feed, summarise_feed
from baoguan.feeds.discover import discover_feeds, robots_sitemaps
from baoguan.feeds.fallback import parse_feed_or_fallback
from baoguan.feeds.links import resolve_html
from baoguan.feeds.parse import parse_feed
from baoguan.feeds.sitemap import parse_sitemap
from baoguan.text.dates import parse_date

TEXTS = {
    "gb2312": "美国之音中文网：最新消息和时事",
    "gbk": "美國之音：鎔基、喆",
    "gb18030": "𠮷野家的新闻",
    "big5": "中央社即時新聞與評論",
    "shift_jis": "日本放送協会のニュース①",
    "euc-jp": "日本放送協会のニュース",
    "iso-2022-jp": "日本放送協会のニュース",
    "euc-kr": "대한민국의 새로운 소식",
    "windows-1252": "Café “quoted” – naïve",
    "utf-16": "联合早报 ニュース",
    "utf-8": "联合早报 ニュース",
}


def rss(title: str, *, prolog: str = "", inside: str = "") -> str:
    item = f"<item><title>{title}</title><link>https://e.org/1</link>{inside}</item>"
    return f"{prolog}<rss version='2.0'><channel><title>{title}</title>{item}</channel></rss>"


def packed(text: str, label: str) -> bytes:
    codec = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc-kr": "cp949"}.get(label, label)
    return text.encode(codec)


@pytest.mark.parametrize("label", TEXTS)
def test_an_encoding_is_read_from_the_prolog_or_the_header(label: str) -> None:
    text = TEXTS[label]
    prolog = f'<?xml version="1.0" encoding="{label}"?>'
    assert parse_feed(packed(rss(text, prolog=prolog), label)).items[0].title == text
    assert parse_feed(packed(rss(text), label), content_type=f"text/xml; charset={label}").items[0].title == text


@pytest.mark.parametrize("label", ["gb2312", "big5", "shift_jis", "euc-jp", "euc-kr", "windows-1252"])
def test_an_encoding_that_is_declared_as_utf8_is_found_out(label: str) -> None:
    text = TEXTS[label] * 3
    doc = parse_feed(packed(rss(text, prolog='<?xml version="1.0" encoding="utf-8"?>'), label))
    assert doc.items[0].title == text
    assert doc.warnings


def test_utf8_that_is_declared_as_something_else_is_found_out() -> None:
    text = "中华人民共和国新闻" * 3
    doc = parse_feed(rss(text, prolog='<?xml version="1.0" encoding="iso-8859-1"?>').encode())
    assert doc.items[0].title == text


def test_one_illegal_byte_costs_one_character() -> None:
    data = rss("中文新闻" * 30 + "X" + "报道" * 30).encode().replace(b"X", b"\xff")
    assert parse_feed(data).items[0].title == "中文新闻" * 30 + "\ufffd" + "报道" * 30


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("AT&amp;amp;T", "AT&T"),
        ("a &nbsp; b &eacute;", "a \xa0 b é"),
        ("R&D at 5 < 6 & more", None),
        ("<![CDATA[<b>Bold</b> &amp; plain]]>", "Bold & plain"),
        ("List&lt;T&gt; in Java", "List<T> in Java"),
        ("a\x0bb\x00c", "abc"),
        ("It&#146;s", "It’s"),
        ("  two\n lines ", "two lines"),
    ],
)
def test_titles_are_plain_text(raw: str, title: str | None) -> None:
    read = parse_feed(rss(raw).encode()).items[0].title
    assert read == title if title is not None else read.startswith("R&D at 5")


def test_junk_before_the_prolog_and_a_cut_end_are_survived() -> None:
    whole = rss("one", prolog='<?xml version="1.0"?>')
    for text in (
        "\n\n  " + whole,
        "<br />\n Notice: undefined\n".replace("<br />", "") + whole,
        whole[:-15],
        whole[:-30],
    ):
        assert parse_feed(text.encode()).items[0].title == "one"


def test_pictures_keep_captions_credits_and_sizes() -> None:
    inside = (
        "<media:content url='/a.jpg' medium='image' width='900' height='600' type='image/jpeg'>"
        "<media:description>A &amp;amp; B at work</media:description><media:credit>AFP</media:credit>"
        "<media:thumbnail url='/a-small.jpg'/></media:content>"
        "<enclosure url='http://e.org/b.mp3' length='123' type='audio/mpeg'/>"
    )
    text = rss("t", inside=inside).replace("<rss", "<rss xmlns:media='http://search.yahoo.com/mrss/'")
    sound, picture, small = parse_feed(text.encode(), url="https://e.org/feed").items[0].media
    assert (sound.kind, sound.size_bytes) == ("audio", 123)
    assert (picture.url, picture.kind, picture.width, picture.height) == ("https://e.org/a.jpg", "image", 900, 600)
    assert (picture.caption, picture.credit) == ("A & B at work", "AFP")
    assert small.url == "https://e.org/a-small.jpg"


def test_links_in_html_are_made_absolute_and_text_is_left_alone() -> None:
    html = (
        '<a href=\'b\'>x</a> <img src=/c.png srcset="d 1x, //e.org/f 2x"> href=\'g\' <a href="#h"><a href="mailto:i">'
    )
    assert resolve_html("https://e.org/a/", html) == (
        "<a href='https://e.org/a/b'>x</a> <img src=\"https://e.org/c.png\" "
        'srcset="https://e.org/a/d 1x, https://e.org/f 2x"> href=\'g\' <a href="#h"><a href="mailto:i">'
    )


def test_pace_hubs_and_pages_of_a_feed() -> None:
    head = (
        "<ttl>30</ttl><skipHours><hour>0</hour><hour>24</hour><hour>5</hour></skipHours>"
        "<skipDays><day>sunday</day></skipDays>"
        "<atom:link rel='hub' href='https://hub.org/'/><atom:link rel='self' href='/feed'/>"
        "<atom:link rel='next' href='?p=2'/>"
    )
    channel = f"<channel><link>https://e.org/</link>{head}</channel>"
    text = f"<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'>{channel}</rss>"
    doc = parse_feed(text.encode(), url="https://e.org/rss")
    assert (doc.ttl_s, doc.skip_hours, doc.skip_days) == (1800, (0, 5), ("Sunday",))
    assert (doc.hub_urls, doc.self_url, doc.next_url) == (
        ("https://hub.org/",),
        "https://e.org/feed",
        "https://e.org/rss?p=2",
    )
    assert doc.items == ()
    assert "no items" in doc.warnings


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"hello",
        b"<!DOCTYPE html><html><body><item>x</item></body></html>",
        b"{}",
        b'{"a":',
        b"<note/>",
        b"\xff\xfe",
    ],
)
def test_what_is_no_feed_is_refused(data: bytes) -> None:
    with pytest.raises(FeedError):
        parse_feed(data)


SHANGHAI, EAST = ZoneInfo("Asia/Shanghai"), timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "expected", "assumed"),
    [
        ("Tue, 11 Jul 2023 09:42:28 GMT", "2023-07-11T09:42:28+00:00", False),
        ("Sat, 07 Sep 2002 00:00:01 +0800", "2002-09-07T00:00:01+08:00", False),
        ("07 Sep 02 0:00 EST", "2002-09-07T00:00:00-05:00", False),
        ("2020-07-17 05:10:23", "2020-07-17T05:10:23+08:00", True),
        ("2025-03-03T06:20:26.212Z", "2025-03-03T06:20:26.212000+00:00", False),
        ("13/10/2022 - 14:29", "2022-10-13T14:29:00+08:00", True),
        ("2020年 7月 20日", "2020-07-20T00:00:00+08:00", True),
        ("2020年7月20日 下午3:05", "2020-07-20T15:05:00+08:00", True),
        ("Wed, 5 Jan 2011 09:00:00 CST", "2011-01-05T09:00:00+08:00", False),
        ("Sun Jan 04 16:29:06 PST 2004", "2004-01-04T16:29:06-08:00", False),
        ("Κυρ, 11 Ιούλ 2004 12:00:00 EST", "2004-07-11T12:00:00-05:00", False),
        ("2004-július-13T9:15-05:00", "2004-07-13T09:15:00-05:00", False),
        ("2004-05-25 오후 11:23:17", "2004-05-25T23:23:17+08:00", True),
        ("Fri, 2006/09/15 08:19:53 EDT", "2006-09-15T08:19:53-04:00", False),
        ("2003-12-31T23:59:60Z", "2004-01-01T00:00:00+00:00", False),
    ],
)
def test_dates_keep_the_publishers_offset(text: str, expected: str, assumed: bool) -> None:
    read = parse_date(text, zone=SHANGHAI)
    assert read is not None
    assert (read.at.isoformat(), read.zone_assumed) == (expected, assumed)


@pytest.mark.parametrize("text", ["", "NaN", "yesterday", "0000-00-00 00:00:00", "30 Feb 2020", "25:00", "99"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_a_news_sitemap_is_a_feed_and_a_plain_one_is_not() -> None:
    page = "<url><loc>https://e.org/1</loc>{}</url>"
    news = (
        "<news:news><news:publication><news:name>E</news:name><news:language>zh</news:language></news:publication>"
        "<news:publication_date>2024-05-06T10:00:00+08:00</news:publication_date><news:title>标题</news:title></news:news>"
    )
    space = "xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'"
    doc = parse_feed(f"<urlset {space}>{page.format(news)}</urlset>".encode())
    assert (doc.format, doc.items[0].title, doc.items[0].language) == ("sitemap", "标题", "zh")
    assert doc.items[0].published == datetime(2024, 5, 6, 10, tzinfo=EAST)
    plain = f"<urlset {space}>{page.format('')}</urlset>".encode()
    assert [page.url for page in parse_sitemap(plain).pages] == ["https://e.org/1"]
    with pytest.raises(FeedError, match="without news"):
        parse_feed(plain)
    index = b"<sitemapindex><sitemap><loc>https://e.org/s.xml</loc></sitemap></sitemapindex>"
    assert parse_sitemap(index).sitemaps == ("https://e.org/s.xml",)


def test_feeds_of_a_page_are_found_and_ranked() -> None:
    page = b"""<html><head><base href="/news/">
      <!-- <link rel="alternate" type="application/rss+xml" href="/old.xml"> -->
      <link rel="alternate" type="application/rss+xml" title="Comments" href="comments.xml">
      <link rel='alternate' type='application/atom+xml' title='News &amp; more' href='all.atom'>
      <link rel="alternate" hreflang="en" href="/en/">
      <link rel=alternate type=application/feed+json href=//cdn.e.org/f.json>
      </head><a href="/rss/world.xml">World</a><a href="/press">Press</a><a href="x.jpg">rss</a></html>"""
    found = discover_feeds(page, "https://e.org/")
    assert [(one.url, one.kind, one.source) for one in found[:4]] == [
        ("https://e.org/news/all.atom", "atom", "link"),
        ("https://cdn.e.org/f.json", "json", "link"),
        ("https://e.org/news/comments.xml", "rss", "link"),
        ("https://e.org/rss/world.xml", "rss", "a"),
    ]
    assert found[0].title == "News & more"
    assert found[4].source == "path"
    assert len({one.url for one in found}) == len(found)
    robots = robots_sitemaps(
        b"User-agent: *\nSitemap: /a.xml\nsitemap: https://e.org/news.xml", "https://e.org/robots.txt"
    )
    assert [one.url for one in robots] == ["https://e.org/news.xml", "https://e.org/a.xml"]


def test_the_json_form_holds_every_field() -> None:
    inside = "<pubDate>Tue, 11 Jul 2023 09:42:28 +0800</pubDate>"
    doc = parse_feed(rss("t", inside=inside).encode())
    described = json.loads(json.dumps(describe_feed(doc)))
    assert set(described) == {*doc.__struct_fields__, "title_detail", "author"}
    assert set(described["items"][0]) == {*doc.items[0].__struct_fields__, "title_detail", "author"}
    assert described["items"][0]["published"] == "2023-07-11T09:42:28+08:00"
    assert "t  (rss2.0, 1 items)" in summarise_feed(doc)


def test_feedparser_is_asked_when_our_reader_finds_nothing() -> None:
    pytest.importorskip("feedparser")
    odd = b"<x><y><z><item><title>t</title><link>http://e.org/1</link></item></z></y></x>"
    with pytest.raises(FeedError):
        parse_feed(odd)
    doc = parse_feed_or_fallback(odd, url="http://e.org/feed")
    assert [item.url for item in doc.items] == ["http://e.org/1"]
    assert "feedparser" in doc.warnings[0]
    with pytest.raises(FeedError, match="HTML page"):
        parse_feed_or_fallback(b"<html><body>no feed</body></html>")
