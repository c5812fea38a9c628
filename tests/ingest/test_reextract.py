"""Captures read again: a dry run tells, a commit adds revisions that are no edits, what breaks is named."""

from datetime import timedelta

import msgspec
import pytest
from click.testing import CliRunner
from ingest_house import House, item, page, paragraphs

from baoguan import reextracting
from baoguan.archive.batch import Batch
from baoguan.backends.executors import LocalExecutor
from baoguan.cli.read import ls
from baoguan.cli.reextract import reextract as command
from baoguan.errors import StoreError
from baoguan.reextracting import Outcome, Plan, reextract
from baoguan.web.desk_source import DeskSource
from newsroom import acts

BOILER = "本报社的每一篇文章后面都有这一句话，它与文章本身没有任何关系，也不应当被保存下来。"


def publish(house: House, count: int, start: int = 0, *, extra: str = BOILER) -> None:
    """A feed of articles of which each ends with the outlet's sentence."""
    items = []
    for n in range(start, start + count):
        url = house.room.url("voa", f"/voa/a/again{n}.html")
        body = page(f"文章 again{n}", *paragraphs(6, f"号{n}"), extra)
        house.room.act(url, acts.answer(200, body, content_type="text/html"))
        items.append(item(f"文章 again{n}", url, f"again{n}"))
    house.feed("voa", *items)


def again(house: House, **plan: object) -> Outcome:
    """One run in a process that starts anew."""
    with house.open() as desk:
        return reextract(desk, Plan(**plan))  # type: ignore[arg-type]


def rules(house: House, text: str) -> None:
    """Rules for the outlet of the newsroom, in the archive's own folder."""
    folder = house.folder / "outlets"
    folder.mkdir(exist_ok=True)
    (folder / "voa.toml").write_text(f'key = "voa"\nname = "voa"\n{text}', "utf-8")


def test_a_dry_run_tells_and_a_commit_adds_revisions_that_are_no_edits(house: House) -> None:
    publish(house, 5)
    house.sync()
    before = house.public()
    told = again(house)
    assert (told.counts["read"], told.counts["changed"], told.counts["committed"]) == (5, 3, 0)
    change = told.changes[0]
    assert change.what == ("text",)
    assert change.chars[0] - change.chars[1] in (len(BOILER), len(BOILER) + 1)
    assert house.public() == before
    requests = len(house.room.log)
    assert again(house, commit=True).counts["committed"] == 3
    assert len(house.room.log) == requests
    row = house.row("again2")
    assert BOILER not in house.text(row.id)
    line = house.lines("rev")[-1]
    assert (line.cause, line.rev, line.captured_ms) == ("extractor", 1, house.lines("rev")[2].captured_ms)
    assert {path: data for path, data in house.public().items() if path in before and path.startswith("articles/")} == {
        path: data for path, data in before.items() if path.startswith("articles/")
    }
    with house.open() as desk:
        cards = DeskSource(desk).cards(limit=20)
        assert not any(card.edited for card in cards)
    assert " * " not in CliRunner().invoke(ls, ["-C", str(house.folder)]).output
    assert again(house, commit=True).counts["changed"] == 0
    house.clock.ahead = timedelta(hours=2)
    assert house.sync().counts["changed"] == 0


def test_rules_then_and_today(house: House) -> None:
    publish(house, 2, extra="")
    house.sync()
    year = house.clock.now().year
    rules(house, f'[[rules]]\nsince = "{year + 1}-01-01"\ntitle = ["meta[name=none]"]\ndrop = ["p:first-of-type"]\n')
    assert again(house).counts["changed"] == 0
    house.clock.ahead = timedelta(days=400)
    assert again(house, rules="then").counts["changed"] == 0
    told = again(house, rules="today")
    assert told.counts["changed"] == 2
    assert told.changes[0].rules == f"voa@{year + 1}-01-01"
    assert again(house, rules="today", outlet="nobody").counts["read"] == 0
    assert again(house, rules="today", since_ms=1 << 50).counts["read"] == 0


def test_a_page_that_reads_as_less_changes_nothing(house: House) -> None:
    publish(house, 2, extra="")
    house.sync()
    rules(house, '[[rules]]\npatch = [["<p>", "<!--"]]\n')
    told = again(house, commit=True)
    assert (told.counts["kept"], told.counts["changed"]) == (2, 0)


def test_a_capture_that_cannot_be_read_is_named_and_passed_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(house, 5)
    house.sync()
    read = reextracting.captured_page
    broken = house.row("again2").id

    def failing(desk, line):  # type: ignore[no-untyped-def]
        if line.id == broken:
            (path,) = list(desk.archive.objects.list("captures"))[-1:]
            desk.archive.objects.get(path, 1 << 40, 10)
            raise StoreError(f"{path}: can't be read")
        return read(desk, line)

    monkeypatch.setattr(reextracting, "captured_page", failing)
    told = again(house, commit=True)
    assert [identity for identity, _, _ in told.failed] == [broken]
    assert told.counts["committed"] == 2
    result = CliRunner().invoke(command, ["-C", str(house.folder)])
    assert "again2" in result.output


def test_an_interrupted_commit_goes_on_where_it_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(house, 7, extra="")
    house.sync()
    rules(house, '[[rules]]\ndrop = ["p:nth-of-type(2)"]\n')
    monkeypatch.setattr(reextracting, "BATCH", 2)
    commit, left = Batch.commit, [2]

    def crash(self: Batch):  # type: ignore[no-untyped-def]
        left[0] -= 1
        if left[0] < 0:
            raise OSError("the machine stopped")
        return commit(self)

    monkeypatch.setattr(Batch, "commit", crash)
    with pytest.raises(OSError, match="stopped"):
        again(house, commit=True)
    monkeypatch.setattr(Batch, "commit", commit)
    rest = again(house, commit=True)
    assert rest.resumed
    assert (rest.counts["read"], rest.counts["committed"]) == (3, 3)
    assert [line.rev for line in house.lines("rev")].count(1) == 7
    assert not again(house, commit=True).resumed


def test_other_processes_read_the_same(house: House) -> None:
    publish(house, 5)
    house.sync()
    alone = again(house)
    with LocalExecutor(2) as executor, house.open() as desk:
        several = reextracting.reextract(desk, Plan(), executor=executor)
    assert several.changes == alone.changes
    assert several.counts == alone.counts


def test_in_words_and_as_json(house: House) -> None:
    publish(house, 4)
    house.sync()
    words = CliRunner().invoke(command, ["-C", str(house.folder)])
    assert words.exit_code == 0
    assert "4 captures read: 1 the same, 3 otherwise" in words.output
    assert "nothing written; --commit does" in words.output
    lines = CliRunner().invoke(command, ["-C", str(house.folder), "--json"]).stdout.splitlines()
    assert msgspec.json.decode(lines[0])["what"] == ["text"]
    assert msgspec.json.decode(lines[-1])["counts"]["changed"] == 3
