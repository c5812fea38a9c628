"""`serve` of an outlet: kept, but not given out; obeyed by the reader, its feeds, its files and exports."""

from pathlib import Path

import pytest
from ingest_house import House

from baoguan.exporting import export_markdown
from baoguan.web.desk_source import DeskSource


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
        export_markdown(desk, tmp_path / "out")
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "out").rglob("*.md"))
    assert story.title in written
    assert (story.paragraphs[0] in written) == text
    assert (tmp_path / "out" / kept.path).exists() == pictures
