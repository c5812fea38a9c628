"""Every page in every language: well formed, escaped, small, without scripts and without other hosts."""

import base64
import hashlib
import random
import re
from collections.abc import Iterator
from datetime import timedelta

import brotli
import msgspec
import pytest
from isal import igzip
from lxml import etree
from lxml import html as lxml_html

from baoguan.model.feed import FeedState
from baoguan.web.words import LANGUAGES, words
from tests.web.conftest import Ask, MakeReader
from tests.web.sample_reader import NOON, SampleReader, body_of

BUDGET = 14_336
"""Bytes of HTML with its style as sent: one first flight of a connection."""
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}</title>&amp;\x00\u202e"
VOID = {"meta", "link", "img", "br", "hr", "input", "source", "wbr", "col"}


def paths(source: SampleReader) -> list[str]:
    first = next(iter(source.history))
    return [
        "/",
        "/day/2026-03-14",
        "/day/2026-03-14?by=outlet",
        "/day/2026-03-14?outlet=haibin",
        "/day/2020-01-01",
        "/outlets",
        "/outlet/haibin",
        "/outlet/minato",
        f"/article/{first}",
        f"/article/{first}/0",
        "/status",
        "/about",
        "/offline",
        "/settings",
        "/calendar",
        "/calendar/2026-02",
        "/missing",
    ]


def check_page(text: str, policy: str) -> None:
    """A page as a strict reader sees it: every element closed, nothing active, nothing foreign."""
    open_tags: list[str] = []
    assert text.startswith("<!doctype html>\n<html lang=")
    for closing, name in re.findall(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*?(?:\"[^\"]*\"[^<>]*?)*)?>", text):
        if closing:
            assert open_tags.pop() == name
        elif name not in VOID:
            open_tags.append(name)
    assert open_tags == []
    assert text.rstrip().endswith("</html>")
    tree = lxml_html.document_fromstring(text)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for script in tree.xpath("//script"):  # the one that the policy names by its hash, and no other
        assert (script.get("src"), script.text) == ("/reader.js", None)
        assert f"script-src '{script.get('integrity')}';" in policy
    assert not tree.xpath("//iframe | //object | //base | //@style | //form[@method='post']")
    assert all(re.match(r"/(?!/)", str(action)) for action in tree.xpath("//form/@action"))
    for name, value in (
        (str(key), str(value)) for node in tree.iter(etree.Element) for key, value in node.attrib.items()
    ):
        assert not name.startswith("on")
        if name == "src":
            assert value == "/reader.js" or value.startswith("/media/"), value
    for link in tree.xpath("//link"):
        assert not str(link.get("href")).startswith(("http", "//")), "a page asks for nothing elsewhere"
    for href in tree.xpath("//a/@href"):
        assert re.match(r"https?://|/(?!/)|\?|#", str(href)), href
    sheets = [str(css) for css in tree.xpath("//style/text()")]
    digests = [base64.b64encode(hashlib.sha256(css.encode()).digest()).decode() for css in sheets]
    assert set(re.findall(r"'sha256-([^']+)'", policy.partition("script-src")[0])) == set(digests)
    assert len(sheets) == len(tree.xpath("//style")) > 0
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"url\(|@import", "".join(sheets))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_in_every_language(source: SampleReader, ask: Ask, lang: str) -> None:
    for path in paths(source):
        got = ask(path, headers={"accept-language": lang})
        assert got.status == (404 if path == "/missing" else 200), path
        check_page(got.text, got.headers["content-security-policy"])
        tree = lxml_html.document_fromstring(got.text)
        assert tree.get("lang") == lang == got.headers["content-language"]
        assert len(tree.xpath("//h1")) == 1
        assert words(lang)("nav.about") in got.text
        for other in set(LANGUAGES) - {lang, "en"}:
            assert words(other)("nav.status") not in got.text or words(other)("nav.status") == words(lang)("nav.status")
        assert got.wire <= BUDGET, f"{path}: {got.wire} bytes"


def test_a_long_article_is_sent_as_small_as_the_browser_can_take_it(reader: MakeReader) -> None:
    source, ask = reader()
    draw = random.Random(2)
    text = "".join(chr(draw.randrange(0x4E00, 0x5600)) if draw.random() < 0.5 else "新聞報導" for _ in range(9000))
    path = f"/article/{source.add(outlet='haibin', title='長', body=f'<p>{text}</p>')}"
    plain = ask(path, headers={"accept-encoding": "identity"})
    quick = len(igzip.compress(plain.body, 2))
    best = ask(path)
    assert (best.body, best.headers["content-encoding"]) == (plain.body, "gzip")
    assert BUDGET < best.wire < quick
    brotlied = ask(path, headers={"accept-encoding": "gzip, deflate, br"})
    assert brotlied.headers["content-encoding"] == "br"
    assert brotli.decompress(brotlied.body) == plain.body
    assert brotlied.wire < best.wire
    assert brotlied.headers["etag"] == best.headers["etag"] == plain.headers["etag"]
    assert ask(path, headers={"accept-encoding": "gzip, br;q=0"}).headers["content-encoding"] == "gzip"
    assert ask(path, headers={"accept-encoding": "br"}).body == plain.body, "nothing is promised by br alone"
    small = ask("/outlets", headers={"accept-encoding": "gzip, br"})
    assert small.headers["content-encoding"] == "gzip", "what fits is compressed quickly"


def test_an_article_carries_no_style_of_lists(source: SampleReader, ask: Ask) -> None:
    assert ".lead" not in ask(f"/article/{next(iter(source.history))}").text
    assert ".lead" in ask("/").text


def test_a_language_that_is_asked_for_is_remembered(ask: Ask) -> None:
    first = ask("/?lang=ja", headers={"accept-language": "en"})
    assert '<html lang="ja">' in first.text
    assert first.cookies[0].startswith("lang=ja;")
    assert "HttpOnly" in first.cookies[0]
    then = ask("/", headers={"accept-language": "en", "cookie": "lang=ja"})
    assert '<html lang="ja">' in then.text
    assert then.cookies == ()


def test_language_links_keep_the_rest_of_the_address(ask: Ask) -> None:
    got = ask("/day/2026-03-14?outlet=haibin&lang=en")
    assert 'href="?outlet=haibin&amp;lang=zh-Hant"' in got.text


def test_the_article_shows_both_clocks_and_its_proof(source: SampleReader, ask: Ask) -> None:
    first = next(iter(source.history))
    got = ask(f"/article/{first}", headers={"accept-language": "en"}).text
    rows = source.history[first]
    assert "Published by the outlet" in got
    assert "Kept by this archive" in got
    assert f'<time datetime="{rows[1].page.published}">' in got
    assert '<time datetime="2026-03-14T14:00:00+08:00">14 March 2026 14:00 (UTC+8)</time>' in got
    assert (
        f'Entry {rows[1].page.index} of the signed log · <a href="/about">what this proves, how far the log reaches</a>'
        in got
    )
    assert f'href="/archive/{rows[1].page.record_path}"' in got
    assert f'href="{rows[1].page.url}" rel="noopener noreferrer external"' in got
    assert '<article lang="zh-Hans">' in got
    assert 'class="nopic"' in got
    assert f"/article/{first}/0" in got
    old = ask(f"/article/{first}/0", headers={"accept-language": "en"}).text
    assert "You are reading an older version" in old
    assert rows[0].page.title in old
    assert "You are reading an older version" not in got


def test_a_title_is_in_its_own_language(ask: Ask) -> None:
    assert '<h2 lang="zh-Hant">' in ask("/day/2026-03-14?lang=ja").text


def test_first_start_says_what_to_do(reader: MakeReader) -> None:
    _, ask_empty = reader()
    got = ask_empty("/?lang=en")
    assert got.status == 200
    assert "Nothing is kept yet" in got.text
    assert "baoguan sync" in got.text
    check_page(got.text, got.headers["content-security-policy"])
    for path in ("/outlets", "/status", "/about", "/feed.atom", "/day/2026-01-01"):
        assert ask_empty(path).status == 200


def test_days_follow_the_zone_and_skip_empty_ones(reader: MakeReader) -> None:
    source, ask_zone = reader(zone="UTC")
    for days, hour in ((0, 0), (0, 23), (9, 12)):
        at = (NOON.replace(hour=hour) - timedelta(days=days)).isoformat()
        source.add(outlet="haibin", title=f"n{days}-{hour}", body="<p>x</p>", published=at)
    got = ask_zone("/day/2026-03-14?lang=en").text
    assert "n0-0" in got
    assert "n0-23" in got
    assert 'href="/day/2026-03-05" rel="prev"' in got
    empty = ask_zone("/day/2026-03-10?lang=en")
    assert empty.status == 200
    assert "No article is kept for this day." in empty.text
    assert 'href="/day/2026-03-05" rel="prev"' in empty.text
    assert 'href="/day/2026-03-14" rel="next"' in empty.text
    source_cn, ask_cn = reader(zone="Asia/Shanghai")
    source_cn.add(outlet="haibin", title="Abendausgabe", body="<p>x</p>", published="2026-03-14T16:00:00+00:00")
    assert "Abendausgabe" in ask_cn("/day/2026-03-15").text
    assert "Abendausgabe" not in ask_cn("/day/2026-03-14").text


def test_an_article_dated_into_the_future_does_not_take_the_front_page(reader: MakeReader) -> None:
    source, ask_it = reader()
    source.add(outlet="haibin", title="today", body="<p>x</p>", published=NOON.isoformat())
    source.add(outlet="haibin", title="tomorrow", body="<p>x</p>", published="9998-12-31T23:00:00+00:00")
    assert "today" in ask_it("/").text
    assert ask_it("/day/9998-12-31").status == 200
    assert ask_it("/day/9999-01-01").status == 404


def walk(ask_it: Ask, path: str) -> Iterator[str]:
    """All article ids of a list and its following pages."""
    while path:
        text = ask_it(path).text
        yield from re.findall(r'<h\d[^>]*><a href="/article/([0-9a-f]{16})"', text)
        following = re.search(r'href="([^"]*before=[^"]*)" rel="next"', text)
        path = following[1].replace("&amp;", "&") if following else ""


@pytest.mark.parametrize("path", ["/outlet/haibin", "/day/2026-03-14", "/day/2026-03-14?outlet=haibin"])
def test_pages_of_a_list_hold_every_article_once(reader: MakeReader, path: str) -> None:
    source, ask_it = reader(page_size=7)
    chance = random.Random(4)
    ids = [
        source.add(
            outlet="haibin",
            title=f"t{number}",
            body="<p>x</p>",
            # several share one second: the cursor must not lose or repeat them
            published=(NOON + timedelta(minutes=chance.randrange(5))).isoformat(),
        )
        for number in range(40)
    ]
    found = list(walk(ask_it, path))
    assert sorted(found) == sorted(ids)


def test_everything_hostile_is_escaped(reader: MakeReader) -> None:
    source, ask_it = reader()
    key = 'x"><b>'
    from baoguan.web.source import OutletInfo

    source.outlet_table[key] = OutletInfo(
        key=key, name=HOSTILE, home="javascript:alert(1)", language='"><x>', state=HOSTILE, since=HOSTILE
    )
    identity = source.add(
        outlet=key,
        title=HOSTILE,
        body=HOSTILE,
        url="javascript:alert(1)//",
        authors=(HOSTILE,),
        section=HOSTILE,
        lang='"><x>',
        published=HOSTILE,
        modified="2026-99-99",
        lost=HOSTILE,
    )
    source.add(outlet=key, title=HOSTILE + "2", body="", url="javascript:alert(1)//", cause=HOSTILE)
    source.feeds.append(
        FeedState(url=HOSTILE, outlet=key, title=HOSTILE, kind=HOSTILE, problem=HOSTILE, moved_to=HOSTILE)
    )
    day = "/day/2026-03-14"
    for path in ("/", day, f"{day}?by=outlet", "/outlets", "/outlet/x%22%3E%3Cb%3E", "/status", "/about"):
        got = ask_it(path)
        assert got.status == 200, path
        check_page(got.text, got.headers["content-security-policy"])
    for path in (f"/article/{identity}", f"/article/{identity}/0", f"/{HOSTILE[:20].encode().hex()}?x=%3Cscript%3E"):
        got = ask_it(path)
        check_page(got.text, got.headers["content-security-policy"])
    assert ask_it("/feed.atom").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/article/xyz",
        "/article/0123456789ABCDEF",
        "/article/0123456789abcdef",
        "/article/0123456789abcdef/99999999999999999999999",
        "/outlet/none",
        "/outlet/none/feed.atom",
        "/outlet/",
        "/day/2026-13-01",
        "/day/2026-3-1",
        "/day/20260314",
        "/day/0001-01-01",
        "/%00",
        "/%ff",
        "//e.example/",
    ],
)
def test_unknown_addresses_are_404_pages(ask: Ask, path: str) -> None:
    got = ask(path, headers={"accept-language": "ja"})
    assert got.status == 404
    assert words("ja")("error.404") in got.text
    assert "location" not in got.headers


@pytest.mark.parametrize("query", ["?before=x", "?before=9-0", "?before=999999999999999-ffffffffffffffff", "?page=-1"])
def test_odd_queries_are_no_error(ask: Ask, query: str) -> None:
    for path in ("/", "/outlet/haibin", "/status"):
        assert ask(path + query).status == 200


def test_other_methods_are_refused_in_words(ask: Ask) -> None:
    got = ask("/", method="POST")
    assert got.status == 405
    assert got.headers["allow"] == "GET, HEAD"
    assert words("en")("error.405") in got.text
    assert ask("/about", method="HEAD").status == 200


def test_an_error_is_a_constant_page(reader: MakeReader, caplog: pytest.LogCaptureFixture) -> None:
    source, ask_it = reader()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret path /srv/state")

    source.cards = source.archive_info = broken
    for path in ("/", "/about", "/outlet/haibin"):
        got = ask_it(path, headers={"accept-language": "zh-CN"})
        assert got.status == 500
        assert words("zh-Hans")("error.500") in got.text
        assert "secret" not in got.text
        assert got.headers["cache-control"] == "no-store"
        assert "content-security-policy" in got.headers
    assert "RuntimeError: secret path" in caplog.text


def test_pages_are_not_sent_twice(source: SampleReader, ask: Ask) -> None:
    for path in [*paths(source)[:-1], "/feed.atom", "/icon.svg"]:
        first = ask(path)
        assert "etag" in first.headers, path
        for tag in (first.headers["etag"], f'"x", {first.headers["etag"]}', first.headers["etag"][2:], "*"):
            again = ask(path, headers={"if-none-match": tag})
            assert (again.status, again.wire) == (304, 0)
            assert again.headers["etag"] == first.headers["etag"]
        assert ask(path, headers={"if-none-match": 'W/"other"'}).status == 200
        assert ask(path, headers={"accept-encoding": "identity"}).body == first.body
    assert ask("/", headers={"if-none-match": ask("/").headers["etag"], "cookie": "lang=ja"}).status == 200


def test_every_answer_has_the_headers(source: SampleReader, ask: Ask) -> None:
    for path in [*paths(source), "/feed.atom", "/archive/checkpoint", "/robots.txt", "/icon.svg", "/archive/nope"]:
        got = ask(path).headers
        assert got["x-content-type-options"] == "nosniff"
        assert got["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in got["content-security-policy"]


def test_save_data_leaves_pictures_out_of_lists(ask: Ask) -> None:
    assert "<img" in ask("/").text
    assert "<img" not in ask("/", headers={"save-data": "on"}).text


def test_noindex(reader: MakeReader) -> None:
    _, ask_it = reader(noindex=True)
    assert "Disallow: /\n" in ask_it("/robots.txt").text
    assert ask_it("/").headers["x-robots-tag"] == "noindex"


def test_status_tells_every_state_in_words(ask: Ask) -> None:
    text = ask("/status?lang=en").text
    assert "2 of 4 feeds are well." in text
    for said in ("failing", "gone", "not polled yet", "connection refused", "stopped until the operator restarts it"):
        assert said in text
    assert text.index("failing") < text.index("not polled yet"), "problems come first"


def test_page_sizes_on_long_texts_and_full_lists(reader: MakeReader) -> None:
    source, ask_it = reader()
    chance = random.Random(8)
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 1800)]

    def made_up(length: int) -> str:
        # Zipf-like, as real text is: a few hundred signs make most of it
        return "".join(signs[min(int(chance.paretovariate(0.6)) - 1, 1799)] for _ in range(length))

    ref = source.add_picture(b"\xff\xd8\xff", width=900, height=600)
    for number in range(40):
        body = body_of("zh", ref, made_up(30)) + "".join(f"<p>{made_up(120)}</p>" for _ in range(16))
        identity = source.add(
            outlet="haibin",
            title=made_up(28),
            body=body,
            lang="zh-Hans",
            media=(ref,),
            published=NOON.isoformat(),
            url=f"https://haibin.example/{number}",
        )
    assert ask_it(f"/article/{identity}").wire <= BUDGET
    for path in ("/", "/outlet/haibin"):
        got = ask_it(path)
        assert got.text.count('<a href="/article/') >= 30
        assert got.wire <= BUDGET


def test_a_sparse_day_is_followed_by_earlier_ones_on_the_front_page(reader: MakeReader) -> None:
    source, ask_it = reader()
    for days in (0, 1, 1, 4):
        source.add(
            outlet="haibin", title=f"n{days}", body="<p>x</p>", published=(NOON - timedelta(days=days)).isoformat()
        )
    front = ask_it("/").text
    assert [f">n{days}<" in front for days in (0, 1, 4)] == [True] * 3
    assert '<a href="/day/2026-03-13"><time' in front
    only = ask_it("/day/2026-03-14").text
    assert ">n0<" in only
    assert ">n1<" not in only


def test_chinese_in_the_other_script_is_marked_and_the_record_stays(source: SampleReader, ask: Ask) -> None:
    first = next(iter(source.history))
    kept = ask(f"/article/{first}?lang=en").text
    assert 'href="?script=hant"' in kept
    other = ask(f"/article/{first}?script=hant&lang=en")
    assert "圖書館" in other.text
    assert '<article lang="zh-Hant">' in other.text
    assert "Converted from the other script" in other.text
    check_page(other.text, other.headers["content-security-policy"])
    assert ask(f"/article/{first}?script=hans&lang=en").text.count("Converted from") == 0
    japanese = next(name for name, rows in source.history.items() if rows[0].page.lang == "ja")
    assert "script=" not in ask(f"/article/{japanese}").text
    assert ask(f"/article/{japanese}?script=hant").status == 200


def test_conversion_leaves_tags_alone() -> None:
    from baoguan.text.script import convert_html, other_script

    html = '<p><a href="https://x.example/图书">图书</a> &lt;图&gt; <img src="/media/图" alt="图"></p>'
    assert convert_html(html, "hant") == html.replace(">图书<", ">圖書<").replace(";图&", ";圖&")
    assert [other_script(tag) for tag in ("zh-Hans", "zh-Hant", "zh-TW", "zh", "ja", "")] == [
        "hant",
        "hans",
        "hans",
        "hant",
        "",
        "",
    ]


def test_the_script_is_small_one_file_and_optional(reader: MakeReader, ask: Ask) -> None:
    got = ask("/reader.js")
    assert len(got.body) <= 5000
    digest = base64.b64encode(hashlib.sha256(got.body).digest()).decode()
    assert f'<script src="/reader.js" integrity="sha256-{digest}" defer></script>' in ask("/").text
    assert got.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "connect-src 'self'" in got.headers["content-security-policy"]
    source, without = reader(script=False)
    source.add(outlet="haibin", title="x", body="<p>x</p>")
    assert "<script" not in without("/").text
    assert "script-src" not in without("/").headers["content-security-policy"]
    assert [without(path).status for path in ("/reader.js", "/offline")] == [404, 404]


def test_the_calendar_counts_what_its_days_hold(source: SampleReader, ask: Ask) -> None:
    got = ask("/calendar?lang=en").text
    assert '<h1><time datetime="2026-03">March 2026</time></h1>' in got
    days = re.findall(r'<a href="/day/(2026-03-\d\d)">(\d+)<small>(\d+)</small>', got)
    assert sum(int(n) for *_, n in days) == len(source.history) == int(re.findall(r"Articles kept (\d+)", got)[0])
    for day, number, n in days:
        assert int(day[-2:]) == int(number)
        assert sum(len(set(re.findall(r"/article/(\w{16})", ask(f"/day/{day}").text))) for _ in "x") == int(n)
    assert [ask(path).status for path in ("/calendar/2026-13", "/calendar/x", "/calendar/9999-12")] == [404] * 3
    assert ask("/calendar/2026-12").status == 200


def test_the_reader_chooses_a_zone(source: SampleReader, ask: Ask) -> None:
    first = ask("/settings?zone=America/New_York&lang=en")
    assert any("zone=" in cookie and "America/New_York" in cookie for cookie in first.cookies)
    there = ask("/", headers={"cookie": "zone=America/New_York", "accept-language": "en"})
    assert "Days and times are shown in America/New_York." in there.text
    assert '-04:00"' in there.text
    assert there.text != ask("/", headers={"accept-language": "en"}).text
    for bad in ("Mars/Olympus", "../../etc/passwd", "%3Cscript%3E"):
        got = ask(f"/settings?zone={bad}&lang=en")
        assert got.status == 200
        assert "This time zone is not known" in got.text
        assert not any(cookie.startswith("zone=") for cookie in got.cookies)
    assert "in Asia/Shanghai" in ask("/", headers={"cookie": "zone=Mars/Olympus", "accept-language": "en"}).text
    back = ask("/settings?zone=", headers={"cookie": "zone=America/New_York", "accept-language": "en"})
    assert any(cookie.startswith("zone=outlet;") for cookie in back.cookies)
    assert "in Asia/Shanghai" in back.text


def test_pages_of_an_outlet_are_in_its_zone(reader: MakeReader) -> None:
    source, ask_it = reader()
    source.outlet_table["harbour"] = msgspec.structs.replace(source.outlet_table["harbour"], zone="Europe/London")
    one = source.add(outlet="harbour", title="x", body="<p>x</p>", published=NOON.isoformat())
    for path in ("/outlet/harbour", f"/article/{one}"):
        assert "in Europe/London" in ask_it(path, headers={"accept-language": "en"}).text
        own = ask_it(path, headers={"accept-language": "en", "cookie": "zone=Asia/Tokyo"}).text
        assert "in Asia/Tokyo" in own
    assert "in Asia/Shanghai" in ask_it("/", headers={"accept-language": "en"}).text


def test_articles_lead_to_their_neighbours(reader: MakeReader) -> None:
    source, ask_it = reader()
    ids = [
        source.add(outlet="haibin", title=f"n{n}", body="<p>x</p>", published=(NOON + timedelta(hours=n)).isoformat())
        for n in range(3)
    ]
    source.add(outlet="minato", title="other", body="<p>x</p>", published=(NOON + timedelta(hours=1)).isoformat())
    middle = ask_it(f"/article/{ids[1]}").text
    assert f'href="/article/{ids[0]}" rel="next"' in middle
    assert f'href="/article/{ids[2]}" rel="prev"' in middle
    assert "other" not in middle
    assert 'rel="prev"' not in ask_it(f"/article/{ids[2]}").text
    assert 'rel="next"' not in ask_it(f"/article/{ids[0]}").text


def test_ink_screens_get_columns(ask: Ask) -> None:
    plain, ink = ask("/"), ask("/", headers={"cookie": "view=eink"})
    assert "columns:34em" in ink.text
    assert "columns:34em" not in plain.text
    check_page(ink.text, ink.headers["content-security-policy"])
    assert any(cookie.startswith("view=eink;") for cookie in ask("/about?view=eink").cookies)


def test_troubled_feeds_are_a_feed(ask: Ask) -> None:
    got = ask("/status.atom", headers={"accept-language": "en"})
    tree = etree.fromstring(got.body)
    entries = tree.findall("{http://www.w3.org/2005/Atom}entry")
    assert len(entries) == 2, "2 of 4 feeds are well"
    assert "connection refused" in got.text
    assert len({entry.findtext("{http://www.w3.org/2005/Atom}id") for entry in entries}) == 2


def test_articles_are_the_same_wherever_they_are_made(reader: MakeReader):
    pages = {}
    for inline in (True, False):
        source, ask_one = reader(inline=inline)
        short = source.add(outlet="haibin", title="短", body="<p>国家的</p>", lang="zh-Hans")
        long = source.add(outlet="haibin", title="长", body=f"<p>{'国' * 50_000}</p>", lang="zh-Hans")
        asked = [short, long, f"{short}?script=hant", f"{long}?script=hant", f"{short}/7", "0" * 16, "x"]
        answers = [ask_one(f"/article/{one}") for one in asked]
        pages[inline] = [(one.status, one.headers, one.body) for one in answers]
        assert [one.status for one in answers] == [200, 200, 200, 200, 404, 404, 404]
        assert "國家的" in answers[2].text
    assert pages[True] == pages[False]
