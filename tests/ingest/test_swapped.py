"""Pictures that the outlet swaps under the same address, over HTTP on loopback."""

import io
import random
from datetime import timedelta

import pytest
from ingest_house import House, item, page, paragraphs
from PIL import Image, ImageDraw, ImageFilter

from baoguan.backends.sqlite.changes import SqliteChanges
from baoguan.backends.thumbs import can_decode
from baoguan.changing import catch_up_changes
from baoguan.cli.main import main
from baoguan.web.desk_source import open_reader
from newsroom import acts
from newsroom.room import _conditional
from newsroom.wire import Act, Exchange, Reply
from tests.web.conftest import asker

TITLE = "旧码头将改建成图书馆"
needs_decoder = pytest.mark.skipif(not can_decode(), reason="the extra `images` is not installed")


def view(seed: int) -> Image.Image:
    """A made-up photo with light and shade; every seed another one."""
    rng = random.Random(seed)
    image = Image.linear_gradient("L").resize((640, 400)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for _ in range(25):
        x, y = rng.randint(0, 600), rng.randint(0, 360)
        colour = tuple(rng.randint(0, 255) for _ in range(3))
        draw.ellipse((x, y, x + rng.randint(40, 160), y + rng.randint(40, 120)), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(1))


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def picture(data: bytes, etag: str = "") -> Act:
    """A picture whose server knows validators where it has an etag."""

    async def act(exchange: Exchange) -> bool:
        fields = [("Content-Type", "image/jpeg")]
        if etag:
            fields += [("ETag", f'"{etag}"'), ("Last-Modified", "Tue, 01 Sep 2026 08:00:00 GMT")]
        await exchange.answer(_conditional(Reply(200, fields, data), exchange.request))
        return True

    return act


class Story:
    """An article with pictures, and what its outlet does to them."""

    def __init__(self, house: House, pictures: int = 1, path: str = "/story", title: str = TITLE) -> None:
        self.house, self.path, self.title = house, path, title
        self.paths = [f"{path}-{number}.jpg" for number in range(pictures)]
        for number, _ in enumerate(self.paths):
            self.show(number, jpeg(view(number)), "one")
        self.write()

    @property
    def url(self) -> str:
        return self.house.room.url("voa", self.path)

    def item(self) -> str:
        return item(self.title, self.url, self.path)

    def write(self, *more: str) -> None:
        base = self.house.room.base("voa")
        first = f'<meta property="og:image" content="{base}{self.paths[0]}">'
        figures = "".join(
            f'<figure><img src="{base}{path}" width="640" height="400" alt="图{number}"></figure>'
            for number, path in enumerate(self.paths)
        )
        body = page(self.title, *paragraphs(4), *more, head=first, extra=figures)
        self.house.room.behave(self.path)
        self.house.room.act(self.path, acts.answer(200, body, content_type="text/html"))

    def show(self, number: int, data: bytes, etag: str = "") -> None:
        self.house.room.behave(self.paths[number])
        self.house.room.act(self.paths[number], picture(data, etag))

    def asked(self) -> list[str]:
        return [request.path for request in self.house.room.log if request.path in self.paths]


def look_again(house: House, hours: float = 2, **options: object) -> dict[str, int]:
    house.clock.ahead += timedelta(hours=hours)
    return house.sync(**options).counts


def kinds(house: House) -> list[tuple[str, ...]]:
    with house.open() as desk:
        store = SqliteChanges(desk.folder / "index" / "catalogue.sqlite")
        try:
            catch_up_changes(desk.archive, store)
            return [row.kinds for row, _, _ in store.changes()]
        finally:
            store.close()


@pytest.fixture
def story(house: House) -> Story:
    """Kept once, with one picture."""
    story = Story(house)
    house.feed("voa", story.item())
    assert house.sync().counts["new"] == 1
    assert len(story.asked()) == 1
    return story


def test_an_unchanged_picture_is_asked_for_politely_and_is_no_leaf(house: House, story: Story) -> None:
    before = house.public()
    assert look_again(house)["same"] == 1
    request = [one for one in house.room.log if one.path == story.paths[0]][-1]
    assert request.headers["if-none-match"] == '"one"'
    assert request.headers["if-modified-since"] == "Tue, 01 Sep 2026 08:00:00 GMT"
    assert [line.kind for line in house.lines("rev", "seen", "late", "lost")] == ["rev", "seen"]
    kept = [path for path in house.public() if path.startswith("media/")]
    assert kept == [path for path in before if path.startswith("media/")]


def test_a_swapped_lead_is_an_edit(house: House, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    old = house.row(TITLE)
    story.show(0, jpeg(view(77)), "two")
    assert look_again(house)["changed"] == 1
    first, second = house.lines("rev")
    assert (second.cause, second.rev, second.content_sha256) == ("outlet", 1, first.content_sha256)
    (ref,) = second.media
    assert ref.url == first.media[0].url
    assert ref.sha256 != first.media[0].sha256
    assert ref.replaces == first.media[0].path
    assert ref.capture is not None
    assert {ref.path, ref.replaces} <= house.public().keys()
    assert house.row(TITLE).lead == ref.path != old.lead
    assert kinds(house) == [("picture",)]
    with pytest.raises(SystemExit) as done:
        main(["-C", str(house.folder), "changes", "--kind", "picture", second.id])
    assert done.value.code == 0
    told = capsys.readouterr().out
    assert ref.path in told
    assert ref.replaces in told
    assert look_again(house, 24)["same"] == 1, "the next look finds the same photo"
    assert kinds(house) == [("picture",)]


def test_reader_and_feed_show_both_pictures(house: House, story: Story) -> None:
    story.show(0, jpeg(view(77)), "two")
    look_again(house)
    line = house.lines("rev")[-1]
    new, old = line.media[0].path, line.media[0].replaces
    with house.open() as desk:
        index = desk.catalog.article(line.id).index
        ask = asker(open_reader(desk))
        for lang in ("zh-Hans", "zh-Hant", "ja", "en"):
            shown = ask(f"/change/{index}?lang={lang}").text
            assert shown.index(f"/{old}") < shown.index(f"/{new}")
        feed = ask("/changes.atom").text
        assert feed.index(f"/{old}") < feed.index(f"/{new}")
        assert ask(f"/{old}").status == ask(f"/{new}").status == 200
        assert f"/{old}" in ask(f"/article/{line.id}/0").text
        assert f"/{new}" in ask(f"/article/{line.id}").text


@needs_decoder
def test_the_same_photo_encoded_anew_is_kept_and_no_edit(house: House, story: Story) -> None:
    story.show(0, jpeg(view(0), quality=50), "two")
    assert look_again(house)["same"] == 1
    assert kinds(house) == []
    (late,) = house.lines("late")
    assert late.media[0].path in house.public()
    assert look_again(house, 24)["same"] == 1
    assert len(house.lines("late")) == 1, "the newer bytes are known by their own validators"
    story.show(0, jpeg(view(0), quality=50))
    assert look_again(house, 24 * 8)["same"] == 1
    assert len(house.lines("late")) == 1
    story.write("第五段：" + "新的一段文字，讲述工程的进展情况。" * 3)
    assert look_again(house, 24 * 40)["changed"] == 1
    assert "picture" not in kinds(house)[0]


@needs_decoder
def test_who_was_painted_out_is_seen(house: House, story: Story) -> None:
    image = view(0)
    image.paste(image.crop((0, 0, 160, 120)), (300, 200))
    story.show(0, jpeg(image), "two")
    assert look_again(house)["changed"] == 1
    assert kinds(house) == [("picture",)]


def test_text_and_picture_in_one_revision(house: House, story: Story) -> None:
    story.show(0, jpeg(view(77)), "two")
    story.write("第五段：" + "新的一段文字，讲述工程的进展情况。" * 3)
    assert look_again(house)["changed"] == 1
    assert len(house.lines("rev")) == 2
    ((first, second),) = [kinds(house)[0]]
    assert (first, second) == ("addition", "picture")


@pytest.mark.parametrize("act", [acts.answer(404), acts.answer(200, b"<html>no</html>"), acts.unavailable()])
def test_a_picture_that_fails_is_no_edit(house: House, story: Story, act: Act) -> None:
    house.room.behave(story.paths[0])
    house.room.act(story.paths[0], act)
    assert look_again(house)["same"] == 1
    assert len(house.lines("rev", "late")) == 1


def test_swapped_back_and_forth_keeps_two_files(house: House, story: Story) -> None:
    for turn, seed in enumerate((77, 0, 77)):
        story.show(0, jpeg(view(seed)), f"turn-{turn}")
        assert look_again(house, 24 * 410)["changed"] == 1
    assert kinds(house) == [("picture",)] * 3
    assert len([path for path in house.public() if path.startswith("media/")]) == 2


def test_a_picture_that_always_changes_does_not_make_its_article_fresh(house: House, story: Story) -> None:
    for turn, hours in enumerate((2, 8, 30, 90)):
        story.show(0, jpeg(view(100 + turn)), f"turn-{turn}")
        assert look_again(house, hours)["changed"] == 1
        story.show(0, jpeg(view(200 + turn)), f"other-{turn}")
        assert look_again(house, 1.2)["changed"] == 0, "its next look is later each time"


def test_others_come_in_turn_and_the_budget_holds(house: House) -> None:
    story = Story(house, pictures=9)
    house.feed("voa", story.item())
    house.sync()
    assert len(story.asked()) == 9
    for hours, budget, expected in ((2, 40, 4), (8, 40, 4), (30, 2, 2), (24 * 5, 0, 0), (24 * 10, 40, 4)):
        before = len(story.asked())
        look_again(house, hours, recheck_pictures=budget)
        asked = story.asked()[before:]
        assert len(asked) == expected
        assert expected == 0 or asked[0] == story.paths[0], "the lead comes first"
    later = [*story.asked()[9:13], *story.asked()[13:17]]
    assert len(set(later)) == 7, "the lead twice, three others and the next three"


def test_leads_of_all_come_before_others(house: House) -> None:
    stories = [Story(house, 4, f"/story{number}", f"{TITLE}{number}") for number in range(3)]
    house.feed("voa", *(story.item() for story in stories))
    assert house.sync().counts["new"] == 3
    before = len(house.room.log)
    look_again(house, recheck_pictures=4)
    asked = [request.path for request in house.room.log[before:] if request.path.endswith(".jpg")]
    assert len(asked) == 4
    assert {story.paths[0] for story in stories} <= set(asked)


def test_a_picture_that_two_articles_show_is_asked_once_and_told_for_both(house: House) -> None:
    one = Story(house)
    other = Story(house, path="/other", title="另一篇文章")
    other.paths = one.paths
    other.write()
    house.feed("voa", one.item(), other.item())
    assert house.sync().counts["new"] == 2
    one.show(0, jpeg(view(77)), "two")
    assert look_again(house)["changed"] == 2
    assert len(one.asked()) == 2
    assert kinds(house) == [("picture",), ("picture",)]


def test_a_late_picture_that_is_swapped(house: House) -> None:
    story = Story(house)
    house.room.behave(story.paths[0])
    house.room.act(story.paths[0], acts.answer(503))
    house.feed("voa", story.item())
    house.sync()
    story.show(0, jpeg(view(0)), "one")
    look_again(house, 0.9)
    (late,) = house.lines("late")
    story.show(0, jpeg(view(77)), "two")
    assert look_again(house, 24)["changed"] == 1
    line = house.lines("rev")[-1]
    assert line.media[0].replaces == late.media[0].path
    assert kinds(house) == [("picture",)]
    with house.open() as desk:
        old = asker(open_reader(desk))(f"/article/{line.id}/0").text
    assert late.media[0].path in old
    assert line.media[0].path not in old
