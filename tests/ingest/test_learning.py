"""What sync learns of an outlet: its boilerplate goes, a changed layout is told and takes no text away."""

from datetime import timedelta

import msgspec
from click.testing import CliRunner
from ingest_house import House, item, page, paragraphs

from baoguan.cli.read import status as status_command
from newsroom import acts

BOILER = "本报社的每一篇文章后面都有这一句话，它与文章本身没有任何关系，也不应当被保存下来。"


def put(house: House, name: str, *texts: str, extra: str = "") -> str:
    """Serves a page from now on; returns its URL."""
    url = house.room.url("voa", f"/voa/a/{name}.html")
    house.room.behave(url)
    house.room.act(url, acts.answer(200, page(f"文章 {name}", *texts, extra=extra), content_type="text/html"))
    return url


def publish(house: House, names: list[str], extra: str = "") -> None:
    """A feed of so many articles that end with the outlet's sentence."""
    items = []
    for name in names:
        items.append(item(f"文章 {name}", put(house, name, *paragraphs(6, name), BOILER, extra=extra), name))
    house.feed("voa", *items)


def test_what_an_outlet_repeats_is_learned_and_left_out(house: House) -> None:
    publish(house, [f"early{n}" for n in range(5)])
    house.sync()
    assert BOILER in house.text(house.row("文章 early0").id)
    publish(house, [f"late{n}" for n in range(3)])
    house.sync()
    text = house.text(house.row("文章 late1").id)
    assert BOILER not in text
    assert "第6段late1" in text
    (line,) = [line for line in house.lines("rev") if line.title == "文章 late1"]
    assert any(flag.startswith("profile:5-") for flag in line.flags) or any("profile:" in flag for flag in line.flags)


def test_what_was_learned_is_no_edit_of_the_outlet(house: House) -> None:
    publish(house, [f"early{n}" for n in range(5)])
    house.sync()
    house.clock.ahead = timedelta(hours=2)
    report = house.sync()
    assert report.counts["changed"] == 0
    assert report.counts["same"] == 5
    put(house, "early2", *paragraphs(6, "改"), BOILER)
    house.clock.ahead = timedelta(days=2)
    assert house.sync().counts["changed"] == 1
    line = house.lines("rev")[-1]
    assert (line.title, line.cause, line.rev) == ("文章 early2", "outlet", 1)


def test_a_changed_layout_is_told_and_the_old_text_kept(house: House) -> None:
    names = [f"early{n}" for n in range(10)]
    publish(house, names)
    house.sync()
    before = house.text(house.row("文章 early3").id)
    assert house.status().layouts == []
    broken = (
        "<p>请用新的应用程序阅读，本站的版式已经全部改变了，敬请谅解，谢谢。正文由程序载入，这里没有其他的内容。</p>"
    )
    for name in names:
        put(house, name, extra=broken * 1)
    house.clock.ahead = timedelta(hours=3)
    report = house.sync()
    assert (report.counts["changed"], report.counts["lost"]) == (0, 10)
    assert house.text(house.row("文章 early3").id) == before
    (told,) = house.status().layouts
    assert (told.outlet, told.pages) == ("voa", 10)
    assert told.reason
    words = CliRunner().invoke(status_command, ["-C", str(house.folder)])
    assert "10 pages depart from its habit" in words.output
    assert told.url in words.output
    out = CliRunner().invoke(status_command, ["-C", str(house.folder), "--json"])
    assert msgspec.json.decode(out.stdout_bytes)["layouts"][0]["pages"] == 10
    publish(house, names)
    house.clock.ahead = timedelta(days=30)
    house.sync()
    assert house.status().layouts == []
    assert house.row("文章 early3").lost == ""


def test_a_page_out_of_habit_that_says_half_as_much_takes_nothing_away(house: House) -> None:
    """No stub by length alone: a teaser in an unknown place, a third of the text."""
    names = [f"early{n}" for n in range(10)]
    publish(house, names)
    house.sync()
    before = house.text(house.row("文章 early4").id)
    short = "".join(f"<p>{text}</p>" for text in paragraphs(2, "短"))
    url = put(house, "early4")
    house.room.behave(url)
    shell = f'<h1>文章 early4</h1><div class="shell"><div class="fresh">{short}</div></div>'
    house.room.act(url, acts.answer(200, shell.encode(), content_type="text/html; charset=utf-8"))
    house.clock.ahead = timedelta(hours=3)
    house.sync()
    row = house.row("文章 early4")
    assert row.lost == "drift"
    assert house.text(row.id) == before
    assert [line.reason for line in house.lines("lost")] == ["drift"]


def test_losing_the_profile_costs_nothing_that_is_kept(house: House) -> None:
    publish(house, [f"early{n}" for n in range(4)])
    house.sync()
    with house.open() as desk:
        assert len(desk.schedule.get("profile/1:voa") or b"") > 100
        desk.schedule.put("profile/1:voa", b"\xff not a profile")
    house.clock.ahead = timedelta(hours=2)
    assert house.sync().counts["same"] == 4
