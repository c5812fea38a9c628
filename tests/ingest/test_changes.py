"""What outlets edit, through the whole pipeline: the list, the diff, vanished and returned pages."""

import gzip
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from ingest_house import House, item, page

from baoguan.backends.sqlite.changes import SqliteChanges
from baoguan.changing import catch_up_changes
from baoguan.cli.main import main
from baoguan.model.change import ChangeRow
from baoguan.web.desk_source import open_reader
from newsroom import acts
from tests.web.conftest import asker

FIRST = (
    "港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客 3,000 人次，成为本市第三座客运码头。",
    "局长林海在记者会上说：“我们会按时完工，绝不超出预算，也绝不降低标准。”",
    "工程自去年春天开始，历时十八个月，共有四百名工人参与建设，总投资约 2.4 亿元。",
    "附近居民对噪音表示担忧，当局承诺夜间不再施工，并将在周边种植树木作为隔音带。",
)


def changes(house: House, **wanted: object) -> list[tuple[ChangeRow, str, str]]:
    with house.open() as desk:
        store = SqliteChanges(desk.folder / "index" / "catalogue.sqlite")
        try:
            catch_up_changes(desk.archive, store)
            assert catch_up_changes(desk.archive, store) == 0
            return store.changes(**wanted)  # type: ignore[arg-type]
        finally:
            store.close()


def run(house: House, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as done:
        main(["-C", str(house.folder), "changes", *words])
    assert done.value.code == 0
    return capsys.readouterr().out


def serve(house: House, *paragraphs: str, title: str = "新码头七月启用", extra: str = "") -> None:
    url = house.room.url("voa", "/story")
    house.room.behave(url)
    house.room.act(url, acts.answer(200, page(title, *paragraphs, extra=extra), content_type="text/html"))


def vanish(house: House, status: int) -> None:
    url = house.room.url("voa", "/story")
    house.room.behave(url)
    house.room.act(url, acts.answer(status))


def look_again(house: House, hours: float = 2) -> dict[str, int]:
    house.clock.ahead += timedelta(hours=hours)
    return house.sync().counts


@pytest.fixture
def edited(house: House) -> House:
    """An article that was kept once."""
    serve(house, *FIRST)
    house.feed("voa", item("新码头七月启用", house.room.url("voa", "/story"), "g-1"))
    assert house.sync().counts["new"] == 1
    return house


def test_a_silent_edit_is_listed_and_shown(edited: House, capsys: pytest.CaptureFixture[str]) -> None:
    serve(edited, FIRST[0], FIRST[1].replace("绝不超出", "尽量控制"), FIRST[2].replace("四百", "三百"), FIRST[3])
    assert look_again(edited)["changed"] == 1
    ((row, before, after),) = changes(edited)
    assert (row.cause, row.kinds) == ("outlet", ("figure", "quote", "wording"))
    assert before == after == "新码头七月启用"
    listed = run(edited, capsys)
    assert row.id in listed
    assert "figure, quote, wording" in listed
    shown = run(edited, capsys, row.id[:8])
    assert "[尽量控制]" in shown
    assert "[四百]" in shown
    assert "\x1b[" not in shown
    told = json.loads(run(edited, capsys, row.id, "--json"))
    assert told["kinds"] == ["figure", "quote", "wording"]
    assert [one["kind"] for one in told["rows"]] == ["same", "changed", "changed", "same"]


def test_filters(edited: House, capsys: pytest.CaptureFixture[str]) -> None:
    serve(edited, *FIRST, title="新码头推迟启用")
    look_again(edited)
    assert "新码头推迟启用" in run(edited, capsys, "--kind", "headline", "--outlet", "voa", "--since", "3d")
    for words in (["--kind", "figure"], ["--outlet", "bbc"], ["--until", "2020-01-01"], ["--since", "2999-01-01"]):
        assert "no change is known" in run(edited, capsys, *words)
    for words in (["--kind", "nonsense"], ["--since", "soon"]):
        with pytest.raises(SystemExit) as done:
            main(["-C", str(edited.folder), "changes", *words])
        assert done.value.code == 2


def test_colour_only_where_wanted(
    edited: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(edited, *FIRST[:3])
    look_again(edited)
    ((row, _, _),) = changes(edited)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in run(edited, capsys, row.id)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(edited, capsys, row.id)


def test_vanished_and_returned(edited: House, capsys: pytest.CaptureFixture[str]) -> None:
    vanish(edited, 404)
    assert look_again(edited)["lost"] == 1
    serve(edited, *FIRST)
    assert look_again(edited, 24)["same"] == 1
    found = [(row.kinds, row.reason) for row, _, _ in changes(edited)]
    assert found == [(("returned",), ""), (("vanished",), "404")]
    assert "vanished (404)" in run(edited, capsys)
    assert "新码头七月启用" in run(edited, capsys)


def test_returned_with_another_text(edited: House) -> None:
    vanish(edited, 410)
    look_again(edited)
    serve(edited, *FIRST[:2], FIRST[2].replace("四百", "三百"), FIRST[3])
    look_again(edited, 24)
    (back, _, _), (gone, _, _) = changes(edited)
    assert (gone.kinds, gone.reason) == (("vanished",), "410")
    assert "returned" in back.kinds
    assert "figure" in back.kinds
    look_again(edited, 24 * 9)
    assert len(changes(edited)) == 2


def test_a_rebuilt_index_tells_the_same(edited: House) -> None:
    serve(edited, *FIRST[:3])
    look_again(edited)
    vanish(edited, 404)
    look_again(edited, 24)
    told = changes(edited)
    assert [row.kinds for row, _, _ in told] == [("vanished",), ("removal",)]
    shutil.rmtree(edited.folder / "index")
    assert changes(edited) == told


def test_imported_versions_are_labelled(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "old" / "articles" / "voa"
    folder.mkdir(parents=True)
    for number, (epoch, title, text) in enumerate(
        [
            (1_600_000_000_000, "新码头七月启用", FIRST),
            (1_600_007_200_000, "新码头推迟启用", FIRST[1:]),
            (1_600_003_600_000, "新码头七月启用", ("加载中",)),
        ]
    ):
        body = "".join(f"<p>{line}</p>" for line in text * 2)
        file = folder / f"{1_000_000 - number}.md"
        file.write_text(f"<!--{epoch}-->\n[{title}](https://voa.example/a/1)\n------\n\n{body}\n", "utf-8")
    with pytest.raises(SystemExit):
        main(["-C", str(house.folder), "import", str(tmp_path / "old")])
    told = changes(house, kind="extraction")
    assert [row.reason for row, _, _ in told] == ["stub", "stub"]
    assert {row.cause for row, _, _ in told} == {"import"}
    assert changes(house) == []
    late = folder / "999000.md"
    late.write_text((folder / "999998.md").read_text("utf-8").replace("1600003600000", "1500000000000"), "utf-8")
    shutil.copy(folder / "1000000.md", folder / "999001.md")
    text = (folder / "999999.md").read_text("utf-8")
    (folder / "998000.md").write_text(text.replace("1600007200000", "1600000001000"), "utf-8")
    with pytest.raises(SystemExit):
        main(["-C", str(house.folder), "import", str(tmp_path / "old")])
    ((_, before, after),) = changes(house)
    assert (before, after) == ("新码头七月启用", "新码头推迟启用")
    assert "seen by an imported archive" in run(house, capsys)


def test_the_reader_shows_edit_and_raw_captures(edited: House) -> None:
    serve(edited, *FIRST[:2], FIRST[2].replace("四百", "三百"), FIRST[3], extra="<script>evil()</script>")
    look_again(edited)
    vanish(edited, 404)
    look_again(edited, 24)
    (gone, _, _), (row, _, _) = changes(edited)
    with edited.open() as desk:
        ask = asker(open_reader(desk))
        listed = ask("/changes?lang=en").text
        assert f'href="/change/{row.index}"' in listed
        assert listed.index(f"/change/{gone.index}") < listed.index(f"/change/{row.index}")
        shown = ask(f"/change/{row.index}").text
        assert "<del>四百</del>" in shown
        assert "<ins>三百</ins>" in shown
        assert "<del>四百</del><ins>三百</ins>" in ask("/changes.atom").text.replace("&lt;", "<").replace("&gt;", ">")
        raw = ask(f"/capture/{row.index}.txt")
        assert raw.headers["content-type"] == "text/plain; charset=utf-8"
        assert "sandbox" in raw.headers["content-security-policy"]
        assert "三百" in raw.text
        assert "<script>evil()" in raw.text, "raw is raw; nothing of it runs as text/plain under a sandbox"
        member = ask(f"/capture/{row.index}.warc.gz", headers={"accept-encoding": "identity"})
        assert member.headers["content-disposition"].startswith("attachment")
        assert gzip.decompress(member.body).startswith(b"WARC/1.")
        assert "HTTP 404" in ask(f"/capture/{gone.index}.txt").text
        assert "WARC-Type: response" in raw.text
        fact = ask(f"/change/{gone.index}?lang=en").text
        assert "no longer shows this page" in fact
        assert f'href="/change/{row.index}"' in ask(f"/article/{row.id}").text
        assert ask("/change/0").status == 404, "a first version has nothing to be compared with"


def test_an_edit_keeps_what_only_the_feed_said(house: House) -> None:
    """A page without clock and byline: a look at it finds the edit, and neither date nor author goes."""
    serve(house, *FIRST)
    url = house.room.url("voa", "/story")
    told = item("新码头七月启用", url, "g-1").replace("</item>", "<author>林海</author></item>")
    house.feed("voa", told)
    house.sync()
    (first,) = house.lines("rev")
    assert (first.published[:10], first.published_from, first.authors) == ("2026-09-01", "feed", ("林海",))
    assert look_again(house)["same"] == 1
    serve(house, *FIRST[:2], FIRST[2].replace("四百", "三百"), FIRST[3])
    assert look_again(house, 24)["changed"] == 1
    last = house.lines("rev")[-1]
    assert (last.published, last.published_from, last.authors) == (first.published, "feed", first.authors)
    assert [row.kinds for row, _, _ in changes(house)] == [("figure",)]
    assert look_again(house, 24)["same"] == 1
