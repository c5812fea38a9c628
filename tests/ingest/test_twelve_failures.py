"""The twelve ways in which the ancestors lost news (DESIGN.md), each impossible here, through the whole pipeline."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ingest_house import LONG, House, item, page, paragraphs

from baoguan.exporting import export_markdown
from baoguan.importing import import_path
from baoguan.text.html import plain_text
from newsroom import Newsroom, Photo, acts


def serve_page(room: Newsroom, path: str, html: bytes) -> str:
    """Puts a page on the outlet's server, in place of what was there."""
    room.behave(path)
    room.act(path, acts.answer(200, html, content_type="text/html; charset=utf-8"))
    return room.url("voa", path)


def exported(house: House, folder: Path) -> dict[str, bytes]:
    """The ancestors' tree of the archive."""
    with house.open() as desk:
        export_markdown(desk, folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.md")}


def test_failure_01_ids_that_get_shorter_overwrite_nothing(house: House, tmp_path: Path) -> None:
    """The ancestor's ids count down; at 1000000 -> 999999 a new file took the name of an old one."""
    tree = tmp_path / "old" / "articles" / "voa"
    tree.mkdir(parents=True)
    for number in (1000001, 1000000, 999999):
        text = f"<!--{number}000-->\n[旧文{number}](https://www.voachinese.com/a/{number}.html)\n------\n\n<p>正文{number}</p>\n"
        (tree / f"{number}.md").write_text(text, "utf-8")
    house.sync()
    with house.open() as desk:
        assert import_path(desk, tmp_path / "old").added == 3
    first = exported(house, tmp_path / "one")
    for number in range(3):
        house.room.publish(
            "voa", f"late-{number}", f"越过位数边界的新闻{number}", "\n\n".join(paragraphs(5, str(number)))
        )
    assert house.sync().counts["new"] == 3
    second = exported(house, tmp_path / "two")
    old = {path: data for path, data in first.items() if path.startswith("articles/")}
    new = {path: data for path, data in second.items() if path.startswith("articles/")}
    assert old.items() <= new.items()
    assert len(new) == len(old) + 3 == len(house.rows())
    made = [Path(path).stem for path in new if "旧文" not in new[path].decode()]
    assert {len(name) for name in made} == {7}
    house.verify()


def test_failure_02_late_and_same_second_items_are_kept(house: House) -> None:
    """New is what the log lacks; no newest id, date or order in the feed says so."""
    house.sync()
    now = max(story.published for story in house.room.desks["voa"].stories)
    for slug, published in (
        ("same-second-a", now),
        ("same-second-b", now),
        ("back-dated", datetime(2019, 1, 1, tzinfo=UTC)),
        ("from-tomorrow", now + timedelta(days=400)),
    ):
        house.room.publish("voa", slug, f"新闻 {slug}", "\n\n".join(paragraphs(4, slug)), published=published)
        assert house.sync().counts["new"] == 1, slug
    house.room.publish(
        "voa", "after-all", "最后一条", "\n\n".join(paragraphs(4, "last")), published=now - timedelta(days=9)
    )
    assert house.sync().counts["new"] == 1
    assert house.row("back-dated").shown_ms == int(datetime(2019, 1, 1, tzinfo=UTC).timestamp() * 1000)
    tomorrow = house.row("from-tomorrow")
    assert tomorrow.shown_ms == tomorrow.captured_ms, "a date from the future would stand first for ever"
    assert house.sync().counts == {"new": 0, "changed": 0, "same": 0, "lost": 0}


def test_failure_03_an_edited_headline_is_a_revision_of_the_same_article(house: House) -> None:
    house.sync()
    story = house.room.desks["voa"].stories[0]
    before, old_title = house.row(story.title), story.title
    files = house.public()
    house.room.edit("voa", story.slug, title="彻底改写的另一个标题")
    counts = house.sync().counts
    assert (counts["new"], counts["changed"]) == (0, 1)
    after = house.row("彻底改写的另一个标题")
    assert (after.id, after.rev) == (before.id, 1)
    assert [record.title for record in house.records(before.id)] == [old_title, "彻底改写的另一个标题"]
    assert [line.cause for line in house.lines("rev") if line.id == before.id] == ["outlet", "outlet"]
    records = {path: data for path, data in files.items() if path.endswith(".md")}
    assert records.items() <= house.public().items(), "records are never rewritten"


def test_failure_04_pictures_stay_when_their_host_is_gone(house: House, tmp_path: Path) -> None:
    house.sync()
    wanted = sum(len(story.photos) for story in house.room.desks["voa"].stories)
    house.room.close()
    with house.open() as desk:
        export_markdown(desk, tmp_path / "out")
    kept = [path for path in house.public() if path.startswith("media/")]
    assert len(kept) == wanted > 0
    for record in house.records():
        sources = re.findall(r'<img src="([^"]*)"', record.body_html)
        assert sources
        assert all(source in record.media for source in sources), "every picture of the record has a file"
    for path in (tmp_path / "out" / "articles").rglob("*.md"):
        for source in re.findall(r'<img src="([^"]*)"', path.read_text("utf-8")):
            assert (path.parent / source).read_bytes()[:2] == b"\xff\xd8"
    house.verify()


def test_failure_05_relative_srcset_poster_and_lazy_addresses_work(house: House) -> None:
    """Two photos behind every kind of address; all come out absolute, and their files are kept."""
    room = house.room
    photos = [Photo(f"05000000-0aff-0242-8a3f-08dbe1a0000{number}") for number in range(4)]
    room.publish("voa", "addresses", "图片地址", LONG, photos=photos)
    small, large = ([room.picture_url("voa", photo.name, width) for photo in photos] for width in (300, 900))
    path = [url.partition("/voa/")[2] for url in small]
    html = page(
        "图片地址",
        *paragraphs(3),
        f'<img src="../{path[0]}" alt="相对地址的图片">',
        LONG,
        f'<img src="{small[1]}" srcset="{small[1]} 300w, {large[1]} 900w" alt="有多种尺寸的图片">',
        LONG,
        f'<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="/voa/{path[2]}" alt="延迟载入">',
        LONG + '<a href="../s/topic?x=1#y">相关专题</a>',
        extra=f'<video poster="/voa/{path[3]}" src="../clip.mp4"></video>',
    )
    link = room.article_url("voa", "addresses")
    serve_page(room, link, html)
    house.feed("voa", item("图片地址", link, "a"))
    house.sync()
    (record,) = house.records()
    addresses = re.findall(r'(?:src|href|poster)="([^"]*)"', record.body_html)
    assert addresses
    assert all(address.startswith(room.base("voa") + "/voa/") for address in addresses), addresses
    assert f"{room.base('voa')}/voa/s/topic?x=1#y" in addresses
    assert "srcset" not in record.body_html
    kept = {photo.name for photo in photos for url in record.media if photo.name in url}
    assert {photo.name for photo in photos[:3]} <= kept
    sizes = {media.url: media.width for line in house.lines("rev") for media in line.media}
    assert max(width for url, width in sizes.items() if photos[1].name in url) == 900, "the largest rendition is kept"


@pytest.mark.parametrize(
    ("state", "reasons"),
    [
        ("stub", {"stub", "empty"}),
        ("consent", {"consent", "stub", "empty"}),
        ("home", {"home", "index"}),
        ("gone", {"410"}),
        ("missing", {"404"}),
    ],
)
def test_failure_06_what_is_no_article_never_replaces_text(house: House, state: str, reasons: set[str]) -> None:
    house.sync()
    story = house.room.desks["voa"].stories[0]
    row = house.row(story.title)
    text = house.text(row.id)
    house.room.edit("voa", story.slug, state=state, summary="另一个摘要")
    counts = house.sync().counts
    assert (counts["changed"], counts["lost"]) == (0, 1)
    assert house.row(story.title).rev == 0
    assert house.text(row.id) == text
    assert house.row(story.title).lost in reasons
    (lost,) = house.lines("lost")
    assert lost.id == row.id
    house.room.edit("voa", story.slug, state="live", summary="又一个摘要")
    house.sync()
    assert house.row(story.title).lost == "", "it came back"
    house.verify()


def test_failure_06_an_emptied_page_is_a_loss(house: House) -> None:
    """A page with its frame and one sentence left, as outlets leave them behind."""
    house.sync()
    story = house.room.desks["voa"].stories[0]
    row = house.row(story.title)
    text = house.text(row.id)
    house.room.edit("voa", story.slug, paragraphs=["本文已撤。"], summary="撤")
    assert house.sync().counts["lost"] == 1
    assert house.text(row.id) == text


@pytest.mark.parametrize("date", ["26 分钟前", "NaN", "NaN-NaN-NaN", "昨天", "Invalid Date", ""])
def test_failure_07_no_clock_is_made_up_and_the_two_are_apart(house: House, date: str) -> None:
    link = serve_page(house.room, "/voa/a/untimed.html", page("没有时间的文章", *paragraphs(4)))
    house.feed("voa", item("没有时间的文章", link, "a", date=date))
    before = house.clock.now().timestamp() * 1000
    house.sync()
    (line,) = house.lines("rev")
    assert (line.published, line.published_from) == ("", "")
    assert before - 1000 <= line.captured_ms <= house.clock.now().timestamp() * 1000
    (record,) = house.records()
    assert record.published == ""
    assert record.epoch_ms == line.captured_ms


def test_failure_07_the_publishers_clock_keeps_its_zone(house: House) -> None:
    house.sync()
    story = house.room.desks["voa"].stories[0]
    (line,) = [line for line in house.lines("rev") if line.title == story.title]
    assert datetime.fromisoformat(line.published) == story.published
    assert line.published_from
    assert line.captured_ms != int(story.published.timestamp() * 1000)


HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror=pwned()><p onclick=pwned()>点我</p>"
    '<a href="javascript:pwned()">链接</a><a href="JaVa&#10;script:pwned()">链接</a><svg onload=pwned()></svg>'
    '<iframe srcdoc="<script>pwned()</script>"></iframe><math><mtext><table><mglyph><style><img src=x onerror=pwned()>'
    "<object data=x></object><form action=x><input onfocus=pwned() autofocus></form><base href=//evil.invalid/>"
)
BAD = re.compile(
    r"<(script|iframe|object|embed|form|input|style|base|svg|math)\b|\son\w+\s*=|=.?javascript:|srcdoc", re.I
)


def test_failure_08_scripts_and_handlers_never_reach_a_record(house: House) -> None:
    room = house.room
    on_page = serve_page(room, "/voa/a/hostile.html", page("<script>pwned()</script>标题", *paragraphs(4), HOSTILE))
    house.feed(
        "voa",
        item("页面有脚本", on_page, "a"),
        item("<img src=x onerror=pwned()>摘要有脚本", "", "b", content=f"<p>{LONG}</p>" + HOSTILE),
    )
    house.sync()
    records = house.records()
    assert len(records) == 2
    for record in records:
        assert LONG[:20] in plain_text(record.body_html)
        assert not BAD.search(record.body_html)
    for path, data in house.public().items():
        if path.endswith(".md"):
            body = data.decode().partition("------")[2]
            assert not BAD.search(body), path


def test_failure_09_words_are_not_fused_where_lines_were_joined(house: House) -> None:
    body = [
        "<p>The first line ends here<br>and the second begins</p><p>One<b>bold</b> word,\nand a line\nbreak.</p>",
        "<ul><li>alpha item</li><li>beta item</li></ul><table><tr><td>left cell</td><td>right cell</td></tr></table>",
        "<div>block one</div><div>block two</div>" + "".join(f"<p>{text}</p>" for text in paragraphs(3)),
    ]
    link = serve_page(house.room, "/voa/a/fused.html", page("Words in lines", extra="".join(body)))
    house.feed("voa", item("Words in lines", link, "a"))
    house.sync()
    (row,) = house.rows()
    words = house.text(row.id).split()
    for fused in ("hereand", "itembeta", "cellright", "oneblock", "lineand", "linebreak."):
        assert not any(fused in word for word in words), fused
    assert "Onebold" in "".join(words), "what stood together stays together"


def test_failure_10_no_wide_folder_and_no_rewritten_record(house: House) -> None:
    house.sync()
    before = house.public()
    for number in range(6):
        house.room.publish("voa", f"day-{number}", f"第{number}天的新闻", "\n\n".join(paragraphs(4, str(number))))
        house.sync()
    after = house.public()
    kept = {path: data for path, data in before.items() if path.startswith(("articles/", "captures/", "media/"))}
    assert kept.items() <= after.items()
    records = [path for path in after if path.startswith("articles/")]
    assert len(records) == len(house.rows())
    assert all(re.fullmatch(r"articles/voa/\d{4}/\d\d/\d\d/\d+-[0-9a-f]{16}(-r\d+)?\.md", path) for path in records)
    assert not any(path.startswith(".git") for path in after)


def test_failure_11_full_text_comes_from_the_pages_themselves(house: House) -> None:
    """The feed carries only summaries; nobody's full-text service is asked."""
    house.sync()
    for story in house.room.desks["voa"].stories:
        text = re.sub(r"\s", "", house.text(house.row(story.title).id))
        for paragraph in story.paragraphs:
            assert re.sub(r"\s", "", paragraph) in text
    assert {request.host for request in house.room.log} == {house.room.base("voa")[7:].partition(":")[0]}


def test_failure_11_without_the_page_the_feeds_own_text_is_kept(house: House) -> None:
    room = house.room
    room.robots("voa", "User-agent: *\nDisallow: /voa/a/\n")
    story = room.desks["voa"].stories[0]
    house.feed(
        "voa", item(story.title, room.article_url("voa", story.slug), "a", content=f"<p>{LONG}</p><p>第二段</p>")
    )
    house.sync()
    (line,) = house.lines("rev")
    assert "from-feed" in line.flags
    assert line.extractor.startswith("feed/")
    assert line.capture is not None, "the capture is the feed's"
    assert house.text(line.id).split() == [LONG, "第二段"]
    house.verify()


def test_failure_12_an_emptied_or_closed_outlet_empties_nothing(house: House) -> None:
    house.sync()
    rows, files = house.rows(), house.public()
    house.room.empty_feed("voa")
    house.sync()
    (feed,) = house.status().feeds
    assert feed.kind == "emptied"
    assert "none now" in feed.problem
    house.room.act(house.room.feed_url("voa"), acts.answer(410))
    house.sync()
    (feed,) = house.status().feeds
    assert (feed.kind, feed.stopped) == ("gone", True)
    assert "410" in feed.problem
    assert house.sync().feeds == [], "it is asked no more"
    assert house.rows() == rows
    kept = {path: data for path, data in files.items() if path.startswith(("articles/", "media/", "captures/"))}
    assert kept.items() <= house.public().items()
    house.verify()
