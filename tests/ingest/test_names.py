"""A known item under a new guid or address: an alias at once, kept by the log, and no leaf for each poll."""

import shutil
from datetime import timedelta

import pytest
from ingest_house import House, item, page, paragraphs

from baoguan.feeds.novelty import MOST_NAMES
from newsroom import acts

TITLE = "旧码头将改建成图书馆"


def serve(house: House, path: str = "/story") -> str:
    url = house.room.url("voa", path)
    house.room.behave(url)
    house.room.act(url, acts.answer(200, page(TITLE, *paragraphs(4)), content_type="text/html"))
    return url


def looks(house: House, path: str = "/story") -> int:
    return sum(request.path == path for request in house.room.log)


def owners(house: House, *keys: str) -> list[str]:
    with house.open() as desk:
        return desk.catalog.find("voa", keys)


def test_a_new_guid_of_an_unchanged_item_is_an_alias_at_once(house: House) -> None:
    url = serve(house)
    house.feed("voa", item(TITLE, url, "g-1"))
    house.sync()
    row = house.row(TITLE)
    house.feed("voa", item(TITLE, url, "g-2"))
    assert house.sync().counts["same"] == 1
    assert owners(house, "g:g-2") == [row.id]
    assert looks(house) == 2
    for turn in range(3):
        house.feed("voa", item(TITLE, url, "g-2"), f"<!--{turn}-->")
        assert house.sync().counts == {"new": 0, "changed": 0, "same": 0, "lost": 0}
    assert [line.guids for line in house.lines("rev", "seen")] == [("g-1",), ("g-2",)]
    shutil.rmtree(house.folder / "index")
    assert owners(house, "g:g-1", "g:g-2") == [row.id]
    # Under the later guid alone, at an address that nobody has met.
    house.feed("voa", item(TITLE, serve(house, "/moved"), "g-2"))
    assert house.sync().counts["new"] == 0
    assert [row.id for row in house.rows()] == [row.id]


def test_a_new_address_of_a_known_guid_is_an_alias_at_once(house: House) -> None:
    house.feed("voa", item(TITLE, serve(house), "g-1"))
    house.sync()
    row = house.row(TITLE)
    moved = serve(house, "/moved")
    house.feed("voa", item(TITLE, moved, "g-1"))
    assert house.sync().counts["same"] == 1
    shutil.rmtree(house.folder / "index")
    house.feed("voa", item(TITLE, moved, "g-9"))
    house.sync()
    assert owners(house, "g:g-9") == [row.id]
    assert looks(house, "/moved") == 2


def test_guids_that_are_new_in_every_answer_say_nothing(house: House) -> None:
    url = serve(house)
    house.feed("voa", item(TITLE, url, "g-0"))
    house.sync()
    for turn in range(1, MOST_NAMES + 6):
        house.feed("voa", item(TITLE, url, f"g-{turn}"))
        house.sync()
    assert looks(house) == 1 + MOST_NAMES
    assert len(house.lines("rev", "seen")) == 1 + MOST_NAMES
    house.feed("voa", item(f"{TITLE}（更新）", url, "g-99"))
    house.sync()
    assert looks(house) == 2 + MOST_NAMES, "a changed item is still looked at"


def test_a_page_that_fails_is_not_asked_for_at_each_poll(house: House) -> None:
    url = serve(house)
    house.feed("voa", item(TITLE, url, "g-1"))
    house.sync()
    house.room.behave(url)
    house.room.act(url, acts.answer(410))
    for turn in range(MOST_NAMES + 3):
        house.feed("voa", item(TITLE, url, "g-2"), f"<!--{turn}-->")
        house.sync()
    assert looks(house) == 1 + MOST_NAMES
    assert len(house.lines("lost")) == 1


STUB = page(TITLE, paragraphs(1)[0][:40])


@pytest.mark.parametrize(
    "answer",
    [acts.answer(404), *(acts.answer(200, body, content_type="text/html") for body in (b"<p>Sign in", STUB))],
)
def test_a_new_address_that_answers_with_nothing_loses_no_article(house: House, answer: acts.Act) -> None:
    house.feed("voa", item(TITLE, serve(house), "g-1"))
    house.sync()
    wrong = house.room.url("voa", "/typo")
    house.room.behave(wrong)
    house.room.act(wrong, answer)
    for turn in range(MOST_NAMES + 3):
        house.feed("voa", item(TITLE, wrong, "g-1"), f"<!--{turn}-->")
        assert house.sync().counts["lost"] == 0
    assert looks(house, "/typo") == MOST_NAMES
    assert house.row(TITLE).lost == ""
    assert house.status().pending == {}
    house.clock.ahead += timedelta(days=2)
    house.sync()
    assert looks(house) > 1, "the kept page is looked at in its turn"
    assert [line.kind for line in house.lines("rev", "lost")] == ["rev"]


def test_guid_and_address_of_two_articles_make_a_third_and_a_line_in_status(house: House) -> None:
    one, other = serve(house, "/one"), serve(house, "/other")
    house.feed("voa", item(TITLE, one, "g-1"), item(TITLE, other, "g-2"))
    assert house.sync().counts["new"] == 2
    house.feed("voa", item(TITLE, one, "g-2"))
    assert house.sync().counts["new"] == 1
    assert any("belong to two articles" in note.text for note in house.status().notes)
    house.clock.ahead += timedelta(minutes=30)
    assert house.sync().counts["new"] == 0


def test_another_outlet_is_another_article(empty_house: House) -> None:
    room = empty_house.room
    feeds = {"voa": (room.feed_url("voa"),), "other": (room.feed_url("voa", "other.xml"),)}
    house = empty_house.make(feeds)
    url = serve(house)
    house.feed("voa", item(TITLE, url, "g-1"))
    house.feed("voa", item(TITLE, url, "g-1"), name="other.xml")
    assert house.sync().counts["new"] == 2
    assert sorted(row.outlet for row in house.rows()) == ["other", "voa"]
