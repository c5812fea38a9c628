"""Pages and feed of changes over a made-up source, in four languages, and over a real archive."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from baoguan.insight.change import compare_versions
from baoguan.model.change import KINDS, ChangeRow, Comparison, Version
from baoguan.web.app import create_app
from baoguan.web.changes import stretches
from baoguan.web.changes_source import ChangeCard, Side
from baoguan.web.options import WebOptions
from baoguan.web.words import LANGUAGES
from tests.web.conftest import NOW_MS, Ask, asker
from tests.web.sample_reader import SampleReader
from tests.web.test_pages import check_page

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
BEFORE = Version(
    title="海堤步道完工，全长 12.5 公里",
    text=f"首段不变。\n第二段不变。\n第三段不变。\n工程共有四百名工人参与。\n{EVIL}\n这一段将被删去，因为它说了不该说的话。",
)
AFTER = Version(
    title="海堤步道完工，全长 21.5 公里",
    text=f"首段不变。\n第二段不变。\n第三段不变。\n工程共有三百名工人参与。\n{EVIL}又\n全新的一段，写在最后的地方，之前没有。",
)


def side(index: int, version: Version) -> Side:
    return Side(
        index=index,
        rev=index,
        title=version.title,
        published="2026-03-14T08:00:00+08:00",
        captured_ms=NOW_MS - 1000 + index,
        record_path=f"articles/haibin/2026/03/14/{index}.md",
        capture=True,
    )


class SampleChanges:
    """One edit and one vanished page for every index; the list holds 70."""

    def __init__(self) -> None:
        self.comparison = compare_versions(BEFORE, AFTER)
        self.left = 0

    def _card(self, index: int) -> ChangeCard:
        is_fact = index % 2 == 0
        row = ChangeRow(
            index=index,
            id=f"{index:016x}",
            outlet="haibin" if index % 3 else "minato",
            at_ms=NOW_MS - 1_000_000 + index,
            cause="" if is_fact else "import" if index % 5 == 0 else "outlet",
            kinds=("vanished",) if is_fact else self.comparison.kinds,
            before=0,
            reason="404" if is_fact else "",
        )
        after = None if is_fact else side(index, AFTER)
        return ChangeCard(
            row=row,
            lang="zh-Hans",
            url="https://haibin.example/1",
            before=side(0, BEFORE),
            after=after,
            has_capture=is_fact,
        )

    def changes(
        self, *, outlet: str = "", kind: str = "", identity: str = "", before: tuple[int, int] | None = None, limit: int
    ) -> Sequence[ChangeCard]:
        cards = [self._card(index) for index in range(70, 0, -1)]
        return [
            card
            for card in cards
            if outlet in ("", card.row.outlet)
            and (not kind or kind in card.row.kinds)
            and (before is None or (card.row.at_ms, card.row.index) < before)
        ][:limit]

    def change(self, index: int) -> tuple[ChangeCard, Comparison | None] | None:
        if not 0 < index <= 70:
            return None
        return self._card(index), self.comparison if index % 2 else None

    def behind(self) -> int:
        return self.left

    def capture(self, index: int) -> tuple[str, bytes] | None:
        return None


@pytest.fixture(scope="module")
def edits() -> SampleChanges:
    return SampleChanges()


@pytest.fixture(scope="module")
def visit(source: SampleReader, edits: SampleChanges) -> Ask:
    return asker(create_app(source, WebOptions(), changes=edits, now_ms=lambda: NOW_MS))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "path", ["/changes", "/changes?kind=figure&outlet=haibin", "/change/1", "/change/2", "/change/5"]
)
def test_pages_in_every_language(visit: Ask, path: str, lang: str) -> None:
    reply = visit(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert reply.status == 200
    check_page(reply.text, reply.headers["content-security-policy"])
    assert reply.wire < 14_000


def test_both_versions_are_marked_and_nothing_of_them_runs(visit: Ask) -> None:
    text = visit("/change/1").text
    assert re.search(r"<del>四百</del>", text)
    assert re.search(r"<ins>三百</ins>", text)
    assert re.findall("<script[^>]*", text) == re.findall(r'<script src="/reader.js"[^>]*', text)
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    for link in ("/article/0000000000000001/0", "/article/0000000000000001/1", "/capture/0.txt", "/capture/1.warc.gz"):
        assert f'href="{link}"' in text
    assert "<details>" in text, "three unchanged paragraphs are folded"


def test_the_list_goes_on_and_holds_every_change_once(visit: Ask) -> None:
    path, seen = "/changes", []
    while path:
        text = visit(path).text
        seen += [int(found) for found in re.findall(r'href="/change/(\d+)"', text)]
        older = re.search(r'href="(/changes\?[^"]+)" rel="next"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == list(range(70, 0, -1))


def test_filters_stay_chosen(visit: Ask) -> None:
    text = visit("/changes?kind=vanished&outlet=haibin").text
    assert 'value="vanished" selected' in text
    assert 'value="haibin" selected' in text
    assert 'href="/changes.atom?outlet=haibin&amp;kind=vanished"' in text
    assert all(f'value="{kind}"' in text for kind in KINDS)


@pytest.mark.parametrize("query", ["?kind=%00", "?before=x", "?before=9-9", "?outlet=<b>", "?kind=headline&before=1-1"])
def test_odd_queries(visit: Ask, query: str) -> None:
    assert visit(f"/changes{query}").status == 200
    assert visit(f"/changes.atom{query}").status == 200


@pytest.mark.parametrize(
    "path", ["/change/0", "/change/99999999999999999999", "/change/x", "/capture/1.txt", "/capture/1.exe"]
)
def test_nothing_there(visit: Ask, path: str) -> None:
    assert visit(path).status == 404


def test_a_list_that_is_being_made_says_so(source: SampleReader) -> None:
    edits = SampleChanges()
    edits.left = 4711
    text = asker(create_app(source, WebOptions(), changes=edits, now_ms=lambda: NOW_MS))("/changes?lang=en").text
    assert "4711 entries" in text


def test_feed(visit: Ask) -> None:
    reply = visit("/changes.atom?kind=figure&lang=en")
    assert reply.headers["content-type"].startswith("application/atom+xml")
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ET.fromstring(reply.body)
    entries = feed.findall(f"{atom}entry")
    assert entries
    ids = [entry.findtext(f"{atom}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    content = entries[0].findtext(f"{atom}content") or ""
    assert "<del>四百</del><ins>三百</ins>" in content
    assert "<script" not in content
    other = ET.fromstring(visit("/changes.atom?lang=en").body)
    assert other.findtext(f"{atom}id") != feed.findtext(f"{atom}id")


def test_without_a_source_nothing_links_to_changes(ask: Ask) -> None:
    assert "/changes" not in ask("/").text
    assert ask("/changes").status == 404


def test_unchanged_paragraphs_fold_from_three() -> None:
    turns = stretches(compare_versions(BEFORE, AFTER).rows)
    assert [turn.fold for turn in turns][:2] == [True, False]
