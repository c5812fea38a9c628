"""Sync over HTTP on loopback: what outlets do, and what the archive makes of it. Every scenario ends with a verify."""

import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from ingest_house import LONG, House, item, page, paragraphs
from warcio.archiveiterator import ArchiveIterator

from baoguan.desk import exclusive
from baoguan.errors import DiskFull
from baoguan.exporting import export_markdown
from baoguan.ingest import sync
from baoguan.web.desk_source import DeskSource
from newsroom import Newsroom, Photo, acts
from newsroom.shapes import picture_path

NOTHING = {"new": 0, "changed": 0, "same": 0, "lost": 0}


def serve(house: House, name: str, *texts: str, title: str = "") -> str:
    """A page of its own; returns its URL."""
    url = house.room.url("voa", f"/voa/a/{name}.html")
    house.room.behave(url)
    house.room.act(
        url, acts.answer(200, page(title or f"文章 {name}", *(texts or paragraphs(4, name))), content_type="text/html")
    )
    return url


def asked(room: Newsroom, path: str) -> list[int]:
    """Statuses of the answers to requests for a path."""
    return [request.status for request in room.log if request.path.partition("?")[0] == path]


def captured(house: House) -> list[tuple[str, str, str]]:
    """(type, URL, HTTP status) of every record of every WARC file."""
    found = []
    for path in sorted((house.folder / "public" / "captures").rglob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests="raise"):
                status = record.http_headers.get_statuscode() if record.http_headers else ""
                record.content_stream().read()
                found.append((record.rec_type, record.rec_headers.get_header("WARC-Target-URI") or "", status))
    return found


def test_an_unchanged_feed_answers_304_and_brings_nothing(house: House) -> None:
    assert house.sync().counts["new"] == len(house.room.desks["voa"].stories)
    size = house.status().log_size
    assert house.sync().counts == NOTHING
    assert asked(house.room, "/voa/feed.xml") == [200, 304]
    assert house.status().log_size <= size + 1


def test_robots_and_304_are_captured_and_other_tools_read_them(house: House) -> None:
    house.sync()
    house.sync()
    records = captured(house)
    feed = house.room.feed_url("voa")
    assert ("response", house.room.url("voa", "/robots.txt"), "404") in records
    assert [status for _, url, status in records if url == feed] == ["200", "304"]
    files = [str(path) for path in (house.folder / "public" / "captures").rglob("*.warc.gz")]
    check = subprocess.run([sys.executable, "-m", "warcio.cli", "check", *files], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout


def test_pages_that_answer_503_wait_and_no_304_hides_them(house: House) -> None:
    room = house.room
    stories = room.desks["voa"].stories
    for story in stories[:2]:
        room.act(room.article_url("voa", story.slug), acts.unavailable(), times=2)
    report = house.sync()
    assert report.counts["new"] == len(stories) - 2
    assert report.waiting == {"HTTP 503": 2}
    told = house.status()
    assert list(told.pending.values()) == [2]
    assert list(told.problems.values()) == ["HTTP 503"]
    assert house.sync().counts == NOTHING
    assert house.sync().counts["new"] == 2
    assert asked(room, "/voa/feed.xml") == [200, 304, 304]
    assert {row.title for row in house.rows()} == {story.title for story in stories}
    assert house.status().pending == {}
    assert all(row.extractor.startswith("generic/") for row in house.rows())


def test_a_page_that_never_comes_is_archived_from_its_feed(house: House) -> None:
    story = house.room.desks["voa"].stories[0]
    house.room.act(house.room.article_url("voa", story.slug), acts.answer(500))
    for _ in range(5):
        house.sync()
    row = house.row(story.title)
    assert row.extractor.startswith("feed/")
    (line,) = [line for line in house.lines("rev") if line.id == row.id]
    assert {"from-feed", "page: HTTP 500"} <= set(line.flags)
    assert story.summary in house.text(row.id)


def test_a_feed_that_asks_for_patience_is_left_and_status_says_so(house: House) -> None:
    house.sync()
    feed = house.room.feed_url("voa")
    house.room.act(feed, acts.too_many(3600))
    house.sync()
    (state,) = house.status().feeds
    assert state.last_status == 429
    assert "fewer requests" in state.problem
    assert state.not_before_ms >= house.clock.now().timestamp() * 1000 + 3500_000
    asked_then = len(house.room.log)
    assert house.sync("allowed").feeds == []
    assert house.sync("all").counts == NOTHING
    assert len(house.room.log) == asked_then, "nobody asks before"
    house.room.behave(feed)


NASTY = {
    "redirect-loop": None,
    "gzip-bomb": acts.bomb("gzip", 200_000_000),
    "zstd-bomb": acts.bomb("zstd", 200_000_000),
    "cut-body": acts.cut(),
    "slow-bytes": acts.slow(0.3),
    "stalled-head": acts.stalled_head(),
    "endless": acts.endless(),
    "reset": acts.reset(),
    "no-http": acts.raw(b"\x00\x01\x02\r\n\r\n"),
    "huge-headers": acts.huge_headers(),
    "claims-gzip": acts.claims_gzip(),
}


def test_what_misbehaves_ends_within_caps_and_holds_up_nobody(tmp_path: Path) -> None:
    """All at once, on one outlet; the other outlets come through whole, and every item of the bad one by its feed."""
    with Newsroom("voa", "dw", "nhk") as room:
        house = House(tmp_path / "archive", room).make(timeout_s=1.5, page_mb=2.0, page_tries=1)
        items = []
        for name, act in NASTY.items():
            url = room.publish("voa", name, f"坏页 {name}", "\n\n".join(paragraphs(5, name)))
            room.act(url, act or acts.moved(url))
            items.append(item(f"坏页 {name}", url, name, content=f"<p>{LONG}{name}</p>"))
        house.feed("voa", *items)
        started = time.monotonic()
        house.sync()
        assert time.monotonic() - started < 15
        for key in ("dw", "nhk"):
            assert {row.title for row in house.rows(key)} == {story.title for story in room.desks[key].stories}
        for _ in range(3):
            house.sync()
        assert sorted(row.title for row in house.rows("voa")) == sorted(f"坏页 {name}" for name in NASTY)
        for record in house.records():
            assert record.body_html.strip()
        house.verify()


@pytest.mark.parametrize(
    "act", [acts.cut(), acts.raw(b"nothing"), acts.bomb("gzip", 60_000_000), acts.answer(200, b"<html>no feed")]
)
def test_a_feed_that_is_none_keeps_its_items_and_its_validators(house: House, act: acts.Act) -> None:
    house.sync()
    (before,) = house.status().feeds
    house.room.publish("voa", "behind", "坏的一轮之后", "\n\n".join(paragraphs(4)))
    house.room.act(house.room.feed_url("voa"), act, times=2)
    house.sync()
    (state,) = house.status().feeds
    assert state.problem
    assert (state.etag, state.items) == (before.etag, before.items)
    for _ in range(2):
        house.sync()
    assert house.row("坏的一轮之后")


@pytest.mark.parametrize("charset", ["gb18030", "big5"])
def test_a_wrong_charset_is_seen_through(house: House, charset: str) -> None:
    text = "河灣市政府星期三宣布，舊碼頭將改建成圖書館，費用由市民基金承擔，工程預計歷時兩年。"
    html = page("舊碼頭改建", *(f"第{number}段，{text}" for number in "一二三四五")).decode()
    url = house.room.url("voa", "/voa/a/charset.html")
    body = html.replace('charset="utf-8"', f'charset="{charset}"').encode(charset)
    house.room.act(url, acts.answer(200, body, content_type="text/html; charset=utf-8"))
    house.feed("voa", item("舊碼頭改建", url, "a"))
    house.sync()
    assert text in house.text(house.row("舊碼頭改建").id)


def test_a_page_that_is_404_from_the_start_is_kept_as_its_feed_has_it(house: House) -> None:
    house.feed("voa", item("已经不在的一页", house.room.url("voa", "/voa/a/nowhere.html"), "a", body=LONG))
    assert house.sync().counts["new"] == 1
    (line,) = house.lines("rev")
    assert {"from-feed", "page: HTTP 404"} <= set(line.flags)


def test_an_article_kept_from_its_feed_follows_the_feeds_edits(house: House) -> None:
    """Its page is closed to us for good, so that the feed is all there is; an emptied item takes nothing away."""
    house.room.robots("voa", "User-agent: *\nDisallow: /voa/a/\n")
    link = house.room.url("voa", "/voa/a/closed.html")
    for title, content in (("初稿", f"<p>{LONG}</p>"), ("定稿", f"<p>{LONG}</p><p>补充一段。</p>"), ("定稿（空）", "")):
        house.feed("voa", item(title, link, "a", content=content))
        house.sync()
    (row,) = house.rows()
    assert [record.title for record in house.records(row.id)] == ["初稿", "定稿"]
    assert (row.title, row.lost) == ("定稿", "empty")


def test_new_items_whose_pages_lead_home_are_two_articles_from_their_feed(house: House) -> None:
    """The front page that answers in their place is neither the text of one nor an alias that joins them."""
    room = house.room
    links = [room.url("voa", f"/voa/a/closed-{number}.html") for number in range(2)]
    for link in links:
        room.act(link, acts.moved(room.url("voa"), 302))
    house.feed(
        "voa", *(item(f"旧链接 {link[-6]}", link, link[-6], content=f"<p>{LONG}{link[-6]}</p>") for link in links)
    )
    assert house.sync().counts["new"] == 2
    for line in house.lines("rev"):
        assert {"from-feed", "page: home"} <= set(line.flags)
        assert line.aliases == ()
        assert LONG in house.text(line.id)


def test_a_swapped_picture_does_not_change_what_is_kept(house: House) -> None:
    house.sync()
    photo = house.room.desks["voa"].stories[0].photos[0]
    media = {path: data for path, data in house.public().items() if path.startswith("media/")}
    house.room.swap_picture("voa", photo.name, "another photo")
    house.room.edit("voa", house.room.desks["voa"].stories[0].slug, title="图片被换之后")
    assert house.sync().counts["changed"] == 1
    assert media.items() <= house.public().items()


def test_a_silent_edit_is_found_by_looking_again(house: House) -> None:
    """Feed, title and summary stay as they are; only the page says something else."""
    house.sync()
    story = house.room.desks["voa"].stories[0]
    row = house.row(story.title)
    house.room.edit("voa", story.slug, paragraphs=[*story.paragraphs[:-1], "悄悄换掉的最后一段，和原来说的不一样。"])
    assert house.sync().counts == NOTHING, "it is not yet due"
    house.clock.ahead = timedelta(hours=2)
    counts = house.sync().counts
    assert (counts["new"], counts["changed"]) == (0, 1)
    assert counts["same"] == len(house.rows()) - 1
    first, second = house.records(row.id)
    assert story.paragraphs[-1] not in first.body_html
    assert "悄悄换掉" in second.body_html
    assert {line.kind for line in house.lines("seen")} == {"seen"}
    assert house.sync().counts == NOTHING, "the next look is later"


def test_a_guid_shared_by_several_items_joins_nothing(house: House) -> None:
    house.feed("voa", *(item(f"新闻 {name}", serve(house, name), "the-same") for name in ("a", "b", "c")))
    assert house.sync().counts["new"] == 3
    assert house.sync().counts == NOTHING
    assert len(house.rows()) == 3


def test_one_url_under_different_guids_is_one_article(tmp_path: Path, room: Newsroom) -> None:
    house = House(tmp_path / "archive", room).make({"voa": (room.feed_url("voa"), room.feed_url("voa", "full.xml"))})
    url = serve(house, "twice")
    house.feed("voa", item("同一篇", url + "?utm_source=rss", "guid-1"))
    house.feed("voa", item("同一篇", url + "#top", "guid-2"), name="full.xml")
    house.sync()
    (row,) = house.rows()
    house.feed("voa", item("同一篇，改了标题", url, "guid-3"))
    house.sync()
    house.feed("voa", item("同一篇，搬了家", serve(house, "moved"), "guid-3"))
    assert house.sync().counts["new"] == 0, "the guid is an alias of the article"
    assert [one.id for one in house.rows()] == [row.id]
    house.verify()


def test_guid_and_url_of_two_articles_make_a_third_and_a_note(house: House) -> None:
    one, two = serve(house, "one"), serve(house, "two")
    house.feed("voa", item("一", one, "guid-1"), item("二", two, "guid-2"))
    house.sync()
    before = {row.id for row in house.rows()}
    house.feed("voa", item("三", two, "guid-1"))
    assert house.sync().counts["new"] == 1
    after = {row.id for row in house.rows()}
    assert before < after
    assert len(after) == 3
    assert any("two articles" in note.text for note in house.status().notes)
    assert house.sync().counts["new"] == 0, "and it stays one"


def test_a_feed_that_moved_for_good_goes_on_with_its_articles(house: House) -> None:
    house.sync()
    feed, atom = house.room.feed_url("voa"), house.room.feed_url("voa", "full.xml")
    house.room.act(feed, acts.moved(atom))
    for number in range(4):
        house.room.publish("voa", f"move-{number}", f"搬家 {number}", "\n\n".join(paragraphs(4, str(number))))
        assert house.sync().counts["new"] == 1
    (state,) = house.status().feeds
    assert state.address == atom
    requests = len(asked(house.room, "/voa/feed.xml"))
    house.room.publish("voa", "after", "搬家之后", "\n\n".join(paragraphs(4, "after")))
    assert house.sync().counts["new"] == 1
    assert len(asked(house.room, "/voa/feed.xml")) == requests, "the old address is asked no more"
    assert len(house.rows()) == len(house.room.desks["voa"].stories)


def test_items_without_link_and_with_only_a_title_are_kept(house: House) -> None:
    house.feed("voa", item("没有链接", guid="a", content=f"<p>{LONG}</p>"), item("只有标题", date=None))
    assert house.sync().counts["new"] == 2
    assert {row.title for row in house.rows()} == {"没有链接", "只有标题"}
    house.feed("voa", item("没有链接（更正）", guid="a", content=f"<p>{LONG}更正。</p>"), item("只有标题", date=None))
    counts = house.sync().counts
    assert (counts["new"], counts["changed"]) == (0, 1)


@pytest.mark.parametrize("folder", ["index", "state"])
def test_after_its_loss_a_sync_finds_no_new_article(house: House, folder: str) -> None:
    house.sync()
    house.room.edit("voa", house.room.desks["voa"].stories[0].slug, title="改过一次的标题")
    house.sync()
    rows = house.rows()
    for path in sorted((house.folder / folder).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    counts = house.sync().counts
    assert (counts["new"], counts["changed"]) == (0, 0)
    assert [row.id for row in house.rows()] == [row.id for row in rows]
    assert [row.index for row in house.rows()] == [row.index for row in rows]


def test_a_picture_that_comes_late_is_mapped_by_a_leaf_of_its_own(house: House, tmp_path: Path) -> None:
    desk = house.room.desks["voa"]
    photo = Photo("0f000000-0aff-0242-8a3f-08dbe1a0f001", caption="迟到的图片")
    url = house.room.publish("voa", "late", "图片迟到的文章", "\n\n".join(paragraphs(5)), photos=[photo])
    paths = [picture_path(desk, photo, width) for width in (250, 300, 408, 650, 900, 1023, 1200)]
    for path in paths:
        house.room.act(path, acts.answer(404))
    house.sync()
    row = house.row("图片迟到的文章")
    (line,) = [line for line in house.lines("rev") if line.id == row.id]
    assert [media.path for media in line.media] == [""]
    record = house.public()[line.record.path]
    assert re.search(rf'<img src="{house.room.base("voa")}/voa/gdb/', record.decode())
    house.room.behave()
    house.clock.ahead = timedelta(minutes=30)
    house.sync()
    (late,) = house.lines("late")
    assert (late.id, late.prev) == (row.id, row.index)
    assert (house.folder / "public" / late.media[0].path).read_bytes()[:2] == b"\xff\xd8"
    assert house.public()[line.record.path] == record, "the record never changes"
    with house.open() as opened:
        export_markdown(opened, tmp_path / "out")
        shown = DeskSource(opened).article(row.id)
    assert shown is not None
    assert late.media[0].path in shown.body_html
    assert (tmp_path / "out" / late.media[0].path).exists()
    assert any(late.media[0].path in path.read_text("utf-8") for path in (tmp_path / "out").rglob("*.md"))
    assert url


def test_nothing_private_lies_below_public(house: House) -> None:
    house.sync()
    secret = (house.folder / "private" / "key").read_text().strip()
    agent = f"{house.room.log[0].headers['user-agent']}"
    for path, data in house.public().items():
        assert path.partition("/")[0] in (
            "format",
            "key",
            "checkpoint",
            "tile",
            "manifest",
            "articles",
            "media",
            "captures",
            "bundle",
        )
        assert secret.encode() not in data
        assert agent.encode() not in data
    for kind, _, _ in captured(house):
        assert kind in ("warcinfo", "response", "revisit", "resource"), "requests are not kept"


def test_at_the_floor_of_the_disk_sync_stops_in_one_line(house: House) -> None:
    with pytest.raises(DiskFull, match="the floor is 900000000 MB") as raised:
        house.sync(min_free_mb=900_000_000)
    assert "\n" not in str(raised.value)
    assert house.room.log == []
    assert house.public() == {}
    house.sync()


def test_a_second_sync_at_once_says_so(house: House) -> None:
    house.sync()
    with house.open() as desk, exclusive(desk):
        command = [sys.executable, "-m", "baoguan", "sync", "-C", str(house.folder)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode not in (0, 3, 4, 5)
    assert len(second.stderr.strip().splitlines()) == 1
    assert "lock" in second.stderr
    assert "Traceback" not in second.stderr


def test_one_broken_outlet_never_stops_the_others(tmp_path: Path) -> None:
    with Newsroom("voa", "dw") as room:
        house = House(tmp_path / "archive", room).make()
        room.act(room.feed_url("voa"), acts.reset())
        with house.open() as desk:
            report = sync(desk)
        assert [feed.outlet for feed in report.failed] == ["voa"]
        assert len(house.rows()) == len(room.desks["dw"].stories)
        house.verify()


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ("3分钟前", "2小时前", "same"),
        ("阅读 1,234", "阅读 5,678", "same"),
        ("5 minutes ago", "3 hours ago", "same"),
        ("更新于 12 分钟前", "更新于 58 分钟前", "same"),
        ("共有三百名工人参加了码头的建设。", "共有四百名工人参加了码头的建设。", "changed"),
        ("局长说，码头在3分钟前开放。", "局长说，码头在5分钟前开放。", "changed"),
    ],
)
def test_clocks_and_counters_are_no_edits(house: House, before: str, after: str, outcome: str) -> None:
    url = house.room.url("voa", "/counted")
    house.feed("voa", item("新码头七月启用", url))
    text = "港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客三千人次，成为本市第三座客运码头。"
    counts = []
    for said in (before, after):
        house.room.behave(url)
        body = page("新码头七月启用", text, said, text[:30] + "。", text)
        house.room.act(url, acts.answer(200, body, content_type="text/html"))
        house.clock.ahead += timedelta(hours=3)
        counts.append(house.sync().counts)
    assert counts[0]["new"] == 1
    assert [name for name in ("same", "changed") if counts[1][name]] == [outcome]
