"""Withdrawal over the real pipeline: what goes, what stays, what never comes back."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from ingest_house import LONG, House, item, page, paragraphs
from leftovers import leftovers

from baoguan.app import read_verifier
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.backends.sqlite import search
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.errors import NotFound
from baoguan.importing import import_path
from baoguan.indexing import index_new
from baoguan.upkeep import drop_index
from baoguan.withdrawing import Withdrawal, withdraw
from newsroom import acts


def withdraw_title(house: House, title: str, **options: object) -> Withdrawal:
    identity = house.row(title).id
    with house.open() as desk:
        return withdraw(desk, [identity], reason="privacy", **options)  # type: ignore[arg-type]


def told(house: House, title: str) -> tuple[list[str], list[bytes]]:
    """(texts, pictures) by which an article could be known."""
    row = house.row(title)
    lines = [line for line in house.lines() if line.id == row.id]
    texts = {row.title, row.url, row.url.partition("://")[2], *(guid for line in lines for guid in line.guids)}
    for record in house.records(row.id):
        body = house.text(row.id)
        texts |= {part for part in body.splitlines() if len(part) > 12}
        texts.add(record.title)
    blobs = []
    for line in lines:
        for media in line.media:
            texts |= {media.url, media.sha256} - {""}
            if media.path:
                blobs.append((house.folder / "public" / media.path).read_bytes()[3000:3400])
    return sorted(texts), blobs


def add_feed(house: House, *items: str) -> None:
    house.feed("voa", *items)


def serve(house: House, name: str, title: str, *texts: str) -> str:
    url = house.room.url("voa", f"/voa/a/{name}.html")
    house.room.behave(url)
    house.room.act(url, acts.answer(200, page(title, *texts), content_type="text/html"))
    return url


def test_nothing_of_a_withdrawn_article_is_left(house: House) -> None:
    house.sync()
    story = next(story for story in house.room.desks["voa"].stories if story.photos)
    title = story.title
    house.room.edit("voa", story.slug, paragraphs=[*story.paragraphs, "更正：" + LONG])
    house.clock.ahead += timedelta(hours=2)
    house.sync()
    texts, blobs = told(house, title)
    assert len(house.records(house.row(title).id)) == 2
    assert len({name for name, _ in leftovers(house.folder, texts, blobs)}) >= 6
    others = {row.title for row in house.rows()} - {title}
    report = withdraw_title(house, title, everywhere=True)
    assert report.records == 2
    assert report.finished
    assert leftovers(house.folder, texts, blobs) == []
    assert {row.title for row in house.rows()} == others
    house.verify()
    withheld = verify(FileObjects(house.folder / "public"), read_verifier(house.folder)).withheld
    assert len(withheld) == report.lines
    # The item still stands in the feed, the page still answers.
    for _ in range(2):
        house.clock.ahead += timedelta(hours=30)
        house.room.edit("voa", story.slug, summary=story.summary + "。")
        assert house.sync().counts["new"] == 0
    assert leftovers(house.folder, texts, blobs) == []
    drop_index(house.folder)
    assert {row.title for row in house.rows()} == others
    assert house.sync().counts["new"] == 0
    assert leftovers(house.folder, texts, blobs) == []


def test_the_same_text_does_not_come_back_under_other_names(house: House) -> None:
    texts = paragraphs(5, "甲")
    url = serve(house, "one", "第一个标题", *texts)
    add_feed(house, item("第一个标题", url, "guid-one", content="".join(f"<p>{text}</p>" for text in texts)))
    assert house.sync().counts["new"] == 1
    withdraw_title(house, "第一个标题")
    again = serve(house, "two", "换了标题", *texts, "只有这一句是新的，别的都照旧。")
    add_feed(house, item("换了标题", again, "guid-two", body="<p>短摘要</p>"))
    counts = house.sync().counts
    assert (counts["new"], counts["withdrawn"]) == (0, 1)
    assert leftovers(house.folder, [*texts, again, "换了标题"]) == []
    # By now the new names are known: the page is not even asked for.
    asked = len(house.room.log)
    add_feed(house, item("换了标题", again, "guid-two", body="<p>短摘要二</p>"))
    house.sync()
    assert not [request for request in house.room.log[asked:] if "two.html" in request.path]
    add_feed(house, item("第三个标题", "", "guid-three", content="".join(f"<p>{text}</p>" for text in texts)))
    assert house.sync().counts["new"] == 0
    assert leftovers(house.folder, texts) == []
    other = serve(house, "four", "别的新闻", *paragraphs(5, "乙"))
    add_feed(house, item("别的新闻", other, "guid-four"))
    assert house.sync().counts["new"] == 1


def test_redirects_and_failed_answers_go_too_and_other_captures_keep_their_names(house: House) -> None:
    texts = paragraphs(4, "丙")
    final = serve(house, "final", "跳转的标题", *texts)
    short = house.room.url("voa", "/voa/short")
    house.room.act(short, acts.answer(503, b"later"), times=1)
    other = serve(house, "other", "留下的新闻", *paragraphs(4, "丁"))
    add_feed(house, item("跳转的标题", short, "g1"), item("留下的新闻", other, "g2"))
    house.sync()
    house.room.behave(short)
    house.room.act(short, acts.moved(final))
    house.sync()
    assert {row.title for row in house.rows()} == {"跳转的标题", "留下的新闻"}
    withdraw_title(house, "跳转的标题")
    assert leftovers(house.folder, [short, final, "跳转的标题", *texts]) == []
    house.verify()
    assert leftovers(house.folder, ["留下的新闻"])


def test_a_picture_that_another_article_shows_stays(house: House) -> None:
    from newsroom import Photo

    desk = house.room.desks["voa"]
    first = next(story for story in desk.stories if story.photos)
    shared = first.photos[0]
    house.room.publish(
        "voa", "second", "第二篇用同一张图", "\n\n".join(paragraphs(4, "图")), photos=[Photo(shared.name)]
    )
    house.sync()
    row = house.row("第二篇用同一张图")
    kept = {media.path for line in house.lines("rev") if line.id == row.id for media in line.media if media.path}
    assert kept
    report = withdraw_title(house, first.title)
    assert all((house.folder / "public" / path).exists() for path in kept)
    assert report.pictures == len(first.photos) - 1
    house.verify()
    names = [path.rpartition("/")[2].partition(".")[0] for path in kept]
    withdraw_title(house, "第二篇用同一张图")
    assert (
        leftovers(house.folder, [*names, house.room.picture_url("voa", shared.name).rpartition("?")[0] or "x" * 40])
        == []
    )
    assert not any((house.folder / "public" / path).exists() for path in kept)


def test_a_dry_run_takes_nothing_away_and_an_unknown_id_is_one_line(house: House) -> None:
    house.sync()
    before = house.public()
    title = house.room.desks["voa"].stories[0].title
    report = withdraw_title(house, title, dry_run=True)
    assert report.lines >= 1
    assert house.public() == before
    assert not (house.folder / "private" / "deny.jsonl").exists()
    with house.open() as desk, pytest.raises(NotFound):
        withdraw(desk, ["0123456789abcdef"], reason="error")


def tree(folder: Path, count: int) -> Path:
    place = folder / "tree" / "articles" / "voa"
    place.mkdir(parents=True)
    for number in range(count):
        head = f"<!--16000000{number:05d}-->\n[标题第{number}号文章](https://www.voachinese.com/a/{number}.html)"
        body = "".join(f"<p>{text}</p>" for text in paragraphs(3, f"之{number}"))
        (place / f"{1048000 - number}.md").write_text(f"{head}\n------\n\n{body}\n", "utf-8")
    return folder / "tree"


def test_an_import_does_not_bring_it_back(house: House, tmp_path: Path) -> None:
    source = tree(tmp_path, 300)
    with house.open() as desk:
        assert import_path(desk, source).added == 300
    texts, blobs = told(house, "标题第77号文章")
    identity = house.row("标题第77号文章").id
    withdraw_title(house, "标题第77号文章")
    assert leftovers(house.folder, texts, blobs) == []
    with house.open() as desk:
        report = import_path(desk, source)
        assert (report.added, report.withdrawn, report.known) == (0, 1, 299)
        assert desk.catalog.withdrawn(identity) is not None
    # The same text in a file of another name and URL.
    old = source / "articles" / "voa" / f"{1048000 - 77}.md"
    new = old.with_name("900000.md")
    new.write_text(old.read_text("utf-8").replace("a/77.html", "a/other.html").replace("标题第77号", "别的"), "utf-8")
    with house.open() as desk:
        assert import_path(desk, source).withdrawn == 2
    assert leftovers(house.folder, texts, blobs) == []


def test_lifting_the_ban_restores_nothing_but_lets_it_come_again(house: House, tmp_path: Path) -> None:
    source = tree(tmp_path, 3)
    with house.open() as desk:
        import_path(desk, source)
    identity = house.row("标题第1号文章").id
    withdraw_title(house, "标题第1号文章")
    with house.open() as desk:
        assert desk.denials.lift(identity, desk.now_ms()) == 1
        assert desk.catalog.article(identity) is None
        assert import_path(desk, source).added == 1
    assert house.row("标题第1号文章").id == identity


def test_a_withdrawal_comes_again_while_another_process_reads_the_search_index(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "scrub", partial(search.scrub, wait_s=0.2))
    house.sync()
    title = house.room.desks["voa"].stories[0].title
    with house.open() as desk:
        index_new(desk)
        (path,) = desk.folder.rglob("search.sqlite")
        reader = sqlite3.connect(path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM doc").fetchone()
        report = withdraw(desk, [house.row(title).id], reason="privacy")
    assert not report.finished
    assert (house.folder / "private" / "withdrawing.json").exists()
    reader.close()
    with house.open():
        pass
    assert not (house.folder / "private" / "withdrawing.json").exists()
