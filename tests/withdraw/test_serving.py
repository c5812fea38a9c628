"""`serve` of an outlet: kept, but not given out; obeyed by the reader, its feeds, its files and exports."""

from datetime import timedelta
from pathlib import Path

import pytest
from ingest_house import House, item, page

from baoguan.exporting import export_markdown
from baoguan.finding import find
from baoguan.indexing import index_new
from baoguan.serving import silent_outlets
from baoguan.web.changes_source import DeskChanges
from baoguan.web.desk_source import DeskSource
from newsroom import acts


def keep_back(house: House, serve: str) -> None:
    path = house.folder / "baoguan.toml"
    path.write_text(path.read_text("utf-8").replace('key = "voa"', f'key = "voa"\nserve = "{serve}"'), "utf-8")


@pytest.mark.parametrize(
    ("serve", "text", "pictures"),
    [("all", True, True), ("no-text", False, True), ("no-pictures", True, False), ("headlines", False, False)],
)
def test_what_is_kept_back_is_not_given_out(
    house: House, tmp_path: Path, serve: str, text: bool, pictures: bool
) -> None:
    story = next(story for story in house.room.desks["voa"].stories if story.photos)
    keep_back(house, serve)
    house.sync()
    row = house.row(story.title)
    with house.open() as desk:
        source = DeskSource(desk)
        page = source.article(row.id)
        assert page is not None
        assert (story.paragraphs[0] in page.body_html) == text
        assert bool(page.media) == pictures
        assert (row.lead in {card.lead for card in source.cards()}) == pictures
        kept = next(media for line in house.lines("rev") if line.id == row.id for media in line.media if media.path)
        assert (source.public_size(kept.path) is not None) == pictures
        assert (source.public_size(page.record_path) is not None) == text
        bundle = next(desk.archive.objects.list("bundle"))
        assert (source.public_size(bundle) is not None) == text
        assert source.public_size("checkpoint")
        source.close()
        changes = DeskChanges(desk)
        held = desk.archive.line(row.index)
        assert held is not None
        assert (changes.capture(row.index) is not None) == text
        changes.close()
        index_new(desk)
        words = story.title
        assert (find(desk, f'"{words}"', without=silent_outlets(desk)).total > 0) == text
        export_markdown(desk, tmp_path / "out")
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "out").rglob("*.md"))
    assert story.title in written
    assert (story.paragraphs[0] in written) == text
    assert (tmp_path / "out" / kept.path).exists() == pictures


@pytest.mark.parametrize(("serve", "text"), [("all", True), ("no-text", False)])
def test_changes_of_what_is_kept_back_show_no_words(house: House, serve: str, text: bool) -> None:
    """A comparison, its versions' records and their captures would give the text out."""
    keep_back(house, serve)
    url = house.room.url("voa", "/story")
    house.feed("voa", item("新码头七月启用", url))
    for said in ("三千", "四千"):
        paragraphs = [
            f"港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客{said}人次，成为本市第三座客运码头。"
            for _ in range(3)
        ]
        house.room.behave(url)
        house.room.act(url, acts.answer(200, page("新码头七月启用", *paragraphs), content_type="text/html"))
        house.clock.ahead += timedelta(hours=3)
        house.sync()
    with house.open() as desk:
        changes = DeskChanges(desk)
        changes.behind()
        cards = [card for card in changes.changes(limit=10) if card.after is not None]
        assert cards
        found = changes.change(cards[0].row.index)
        assert found is not None
        assert (found[1] is not None) == text
        assert cards[0].kept_back != text
        assert cards[0].after is not None
        assert bool(cards[0].after.record_path) == text
        assert cards[0].after.capture == text
        changes.close()
