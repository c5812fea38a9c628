"""Feeds that want to hang, fill or read the machine: each ends within its caps."""

import json
import resource
import subprocess
import sys
import time

import pytest

from baoguan.errors import FeedError
from baoguan.feeds import limits
from baoguan.feeds.discover import discover_feeds
from baoguan.feeds.parse import parse_feed
from baoguan.model.feed import FeedDoc

HEAD = b"<rss version='2.0'><channel><title>t</title>"
ITEM = b"<item><title>a</title><link>http://e.org/a</link></item>"
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
BOMBS = {
    "billion laughs": b"<!DOCTYPE r [<!ENTITY l0 'ha'>" + LAUGHS + b"]>" + HEAD + b"<item><title>&l11;</title></item>",
    "laughs in an attribute": b"<!DOCTYPE r [<!ENTITY l0 'ha'>"
    + LAUGHS
    + b"]>"
    + HEAD
    + b"<item><link href='&l11;'/></item>",
    "quadratic": b"<!DOCTYPE r [<!ENTITY a '" + b"a" * 900 + b"'>]>" + HEAD + b"<item><title>" + b"&a;" * 20_000,
    "endless doctype": b"<!DOCTYPE r [" + b"<!ENTITY a 'b'>" * 200_000 + HEAD + ITEM,
    "unclosed tags": HEAD + b"<item><a>" * 200_000,
    "deep nesting": HEAD + b"<item><description>" + b"<b>" * 500_000,
    "attributes": HEAD + b"<item " + b" ".join(b"a%d='x'" % n for n in range(200_000)) + b"/>",
    "namespaces": b"<rss " + b" ".join(b"xmlns:n%d='u%d'" % (n, n) for n in range(200_000)) + b"><channel/></rss>",
    "same attribute": HEAD + b"<item " + b"a='x' " * 400_000 + b"/>",
    "many items": HEAD + ITEM * 250_000,
    "many tags": HEAD + b"<a/>" * 3_000_000,
    "long text": HEAD + b"<item><title>" + b"x" * 14_000_000 + b"</title></item>",
    "angle brackets": HEAD + b"<item><title>" + b"<" * 200_000,
    "ampersands": HEAD + b"<item><title>" + b"&" * 2_000_000,
    "open CDATA": HEAD + b"<item><title>" + b"<![CDATA[" * 500_000,
    "open comments": HEAD + b"<item>" + b"<!--" * 500_000,
    "quotes in a title": HEAD + b"<item><title>" + b"&lt;script " * 300_000 + b"</title></item></channel></rss>",
    "links in text": HEAD
    + b"<item><description>"
    + b"href='x' src='y' " * 300_000
    + b"</description></item></channel></rss>",
    "broken tags in text": HEAD
    + b"<item><description>"
    + b"&lt;a href='" * 400_000
    + b"</description></item></channel></rss>",
    "categories": HEAD + b"<item>" + b"<category>%d</category>" * 150_000 + b"</item></channel></rss>",
    "media": HEAD.replace(b"<rss", b"<rss xmlns:media='http://search.yahoo.com/mrss/'")
    + b"<item>"
    + b"".join(b"<media:content url='http://e.org/%d'/>" % n for n in range(100_000))
    + b"</item></channel></rss>",
    "long date": HEAD + b"<item><pubDate>" + b"1 " * 1_000_000 + b"</pubDate></item></channel></rss>",
    "deep JSON": b'{"version":"https://jsonfeed.org/version/1","items":' + b"[" * 1_000_000,
    "JSON objects": b'{"version":"https://jsonfeed.org/version/1","items":[' + b"{}," * 3_000_000 + b"{}]}",
    "huge JSON numbers": b'{"version":"https://jsonfeed.org/version/1","items":[{"id":' + b"9" * 5_000_000 + b"}]}",
    "a JSON number beyond floats": b'{"version":"https://jsonfeed.org/version/1","items":[{"id":1e99999}]}',
    "gigantic guid": HEAD + b"<item><guid>" + b"g" * 9_000_000 + b"</guid></item></channel></rss>",
    "attribute of a megabyte": HEAD + b"<item><link href='" + b"h" * 1_000_000 + b"'/></item></channel></rss>",
    "5 MB of HTML": HEAD
    + b"<item><description>"
    + b"&lt;a href='x y' src = y srcset=\"a 1x, b 2x\"&gt; = " * 80_000
    + b"</description></item></channel></rss>",
    "C2 A0": HEAD + b"<item><title>" + b"\xc2\xa0" * 2_500_000 + b"</title></item></channel></rss>",
    "equals signs": HEAD + b"<item><description>" + b"src=" * 1_000_000 + b"</description></item></channel></rss>",
    "nulls": b"\x00" * 5_000_000,
    "high bytes": b"<rss>" + b"\xff\xfe\x80" * 1_000_000,
}


def attempt(data: bytes) -> FeedDoc | None:
    try:
        return parse_feed(data, url="http://e.org/feed")
    except FeedError:
        return None


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_soon(name: str) -> None:
    start = time.process_time()
    doc = attempt(BOMBS[name])
    assert time.process_time() - start < 4.0  # a second on an idle machine; the caps, not the clock, are what is tested
    if doc is not None:
        assert len(doc.items) <= limits.MAX_ITEMS
        assert sum(len(item.title) + len(item.content_html) + len(item.summary_html) for item in doc.items) < 40_000_000


def test_bombs_stay_below_half_a_gigabyte() -> None:
    code = (
        "import resource,sys;from pathlib import Path;from tests.feeds.test_feeds_hostile import *\n"
        "resource.setrlimit(resource.RLIMIT_AS,(1_500_000_000,)*2)\n"
        "[attempt(data) for data in BOMBS.values()]\n"
        "print(*[line.split()[1] for line in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in line])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 600_000  # kB, the bombs (150 MB) among them; ru_maxrss would begin with what pytest holds


def test_a_file_is_never_read(tmp_path: object) -> None:
    doc = attempt(
        b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>"
        + HEAD
        + b"<item><title>[&x;]</title></item></channel></rss>"
    )
    assert doc is not None
    assert doc.items[0].title == "[&x;]"


def test_items_beyond_the_cap_are_counted() -> None:
    doc = attempt(HEAD + ITEM * (limits.MAX_ITEMS + 5) + b"</channel></rss>")
    assert doc is not None
    assert len(doc.items) == limits.MAX_ITEMS
    assert any("5 items beyond" in warning for warning in doc.warnings)


def test_what_came_before_an_overlong_tag_is_read() -> None:
    doc = attempt(HEAD + ITEM + BOMBS["attributes"][len(HEAD) :])
    assert doc is not None
    assert [item.url for item in doc.items] == ["http://e.org/a"]
    assert any("tag longer" in warning for warning in doc.warnings)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(FeedError, match="over the cap"):
        parse_feed(HEAD + ITEM, max_bytes=50)


def test_a_page_full_of_links_is_searched_soon() -> None:
    start = time.process_time()
    found = discover_feeds(
        b"<a href='/rss/%d'>" * 1 + b'<a href="' * 300_000 + b"<link rel='alternate" * 100_000, "http://e.org/"
    )
    assert len(found) <= 60
    assert time.process_time() - start < 3.0


def test_the_fallback_is_caged() -> None:
    """feedparser needs half a minute for these attributes; its process is ended long before."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "baoguan.feeds.fallback", "http://e.org/feed", ""],
        input=BOMBS["attributes"],
        capture_output=True,
        check=False,
        timeout=300,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of the processor: a busy machine gives a process what it likes of the clock.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3 * limits.CHILD_CPU_S + 5
    assert done.returncode != 0 or json.loads(done.stdout)["format"] is not None
