"""The index against brute force: a count equals its list, recall and precision are 1, what is forgotten is gone."""

import itertools
import os
import random
import re
from datetime import UTC
from pathlib import Path

import msgspec
import pytest

from baoguan.backends.sqlite import search, slack
from baoguan.backends.sqlite.search import SqliteSearch
from baoguan.backends.sqlite.slack import dirty_gaps
from baoguan.backends.tantivy.search import TantivySearch
from baoguan.model.search import SearchDoc
from baoguan.ports import SearchIndex
from baoguan.search.analyse import CJK, fold, variants
from baoguan.search.query import parse_query

WORDS = [
    "拜登",
    "關稅",
    "关税",
    "網路",
    "网络",
    "峰会",
    "G7",
    "trade war",
    "lawyer",
    "law",
    "的",
    "在",
    "長",
    "霸权",
    "テレビ",
    "，",
    "。",
    " ",
]


def docs(count: int, seed: int = 1) -> list[SearchDoc]:
    dice = random.Random(seed)

    def words(most: int) -> str:
        return "".join(dice.choice(WORDS) for _ in range(dice.randint(0, most)))

    return [
        SearchDoc(
            id=f"{number:016x}",
            index=number,
            outlet=dice.choice(["voa-zh", "dw-zh"]),
            lang=dice.choice(["zh-Hans", "zh-Hant", "ja"]),
            title=words(4),
            text=words(25),
            shown_ms=dice.randint(0, 10**12),
            picture=dice.random() < 0.5,
            changed_ms=dice.choice([0, 0, 5 * 10**11]),
        )
        for number in range(count)
    ]


@pytest.fixture(params=["fts5", "tantivy"])
def index(request: pytest.FixtureRequest, tmp_path: Path):
    """Both engines give the same answers."""
    index: SearchIndex = (
        SqliteSearch(tmp_path / "search.sqlite", zone=UTC)
        if request.param == "fts5"
        else TantivySearch(tmp_path / "tantivy", zone=UTC)
    )
    yield index
    index.close()


def holds(doc: SearchDoc, query: str, *, title: bool = False) -> bool:
    """Brute force: the query's runs in order with anything but letters between them, letters as whole words."""
    text = fold(doc.title) if title else f"{fold(doc.title)}\0\0{fold(doc.text)}"
    for form in variants(query):
        runs = re.findall(f"[{CJK}]+|[^\\W_{CJK}]+", form)
        parts = [run if run >= "\u2e80" else rf"(?<![^\W_{CJK}]){run}(?![^\W_{CJK}])" for run in runs]
        if re.search(r"[^\w\0]*".join(parts), text):
            return True
    return False


def found(index: SearchIndex, query: str) -> set[str]:
    page = index.search(parse_query(query, UTC), limit=10_000)
    assert page.total == len(page.ids) == len(set(page.ids))
    return set(page.ids)


QUERIES = [
    "拜登",
    "登",
    "的",
    "长",
    "关税",
    "關稅",
    "網路",
    "网络",
    "网路",
    "税网",
    "在G7",
    "G7峰会",
    "law",
    "LAWYER",
    "trade war",
    "权",
    "霸",
    "テレビ",
    "レビ",
]


def test_every_query_finds_what_brute_force_finds(index: SearchIndex):
    held = docs(400)
    index.put(held, size=400, old={})
    for query in QUERIES:
        quoted = f'"{query}"'
        assert found(index, quoted) == {doc.id for doc in held if holds(doc, query)}, query
        assert found(index, f"title:{quoted}") == {doc.id for doc in held if holds(doc, query, title=True)}, query


def test_operators_and_fields(index: SearchIndex):
    held = docs(400)
    index.put(held, size=400, old={})

    def where(test) -> set[str]:
        return {doc.id for doc in held if test(doc)}

    for one, other in itertools.permutations(["拜登", "的", "law", "关税"], 2):
        assert found(index, f"{one} {other}") == where(lambda doc: holds(doc, one) and holds(doc, other))  # noqa: B023
        assert found(index, f"{one} OR {other}") == where(lambda doc: holds(doc, one) or holds(doc, other))  # noqa: B023
        assert found(index, f"{one} -{other}") == where(lambda doc: holds(doc, one) and not holds(doc, other))  # noqa: B023
    assert found(index, "-拜登") == where(lambda doc: not holds(doc, "拜登"))
    assert found(index, "-(拜登 OR 的)") == where(lambda doc: not holds(doc, "拜登") and not holds(doc, "的"))
    assert found(index, "outlet:voa-zh 拜登") == where(lambda doc: doc.outlet == "voa-zh" and holds(doc, "拜登"))
    assert found(index, "lang:zh") == where(lambda doc: doc.lang.startswith("zh"))
    assert found(index, "has:picture changed:yes") == where(lambda doc: doc.picture and doc.changed_ms > 0)
    assert found(index, "changed:1985") == where(lambda doc: doc.changed_ms > 0)
    assert found(index, "after:1980 before:1990") == where(
        lambda doc: 315_532_800_000 <= doc.shown_ms < 631_152_000_000
    )
    assert found(index, "") == where(lambda _: True)


def test_pages_walk_the_whole_list(index: SearchIndex):
    held = docs(120)
    index.put(held, size=120, old={})
    for order in ("date", "relevance"):
        for text in ("拜登", "的", "", "峰会 OR law"):
            query = parse_query(text, UTC)
            whole = index.search(query, order=order, limit=1000)
            walked = [
                one for start in range(0, 130, 7) for one in index.search(query, order=order, start=start, limit=7).ids
            ]
            assert walked == list(whole.ids)
            assert whole.total == len(walked)
    shown = {doc.id: doc.shown_ms for doc in held}
    newest = [shown[one] for one in index.search(parse_query("", UTC), order="date", limit=1000).ids]
    assert newest == sorted(newest, reverse=True)


def test_facets_count_what_is_listed(index: SearchIndex):
    held = docs(200)
    index.put(held, size=200, old={})
    page = index.search(parse_query("拜登", UTC), limit=1000, facets=True)
    assert sum(count for _, count in page.outlets) == sum(count for _, count in page.months) == page.total
    for month, count in page.months:
        assert len(found(index, f"拜登 after:{month}") - found(index, f"拜登 -before:{month}")) == 0
        inside = found(index, f"拜登 after:{month}") - {one for one in found(index, "拜登") if one not in page.ids}
        assert count <= len(inside)


def test_times_beyond_the_calendar_are_counted_too(index: SearchIndex):
    times = [0, -(10**15), 10**17, 253_402_214_400_000, 1_600_000_000_000]
    held = [msgspec.structs.replace(doc, title="拜登", shown_ms=ms) for doc, ms in zip(docs(5), times, strict=True)]
    index.put(held, size=5, old={})
    months = index.search(parse_query("拜登", UTC), facets=True).months
    assert months == (("9998-12", 2), ("2020-09", 1), ("1970-01", 1), ("0005-04", 1))


def test_titles_come_first(index: SearchIndex):
    plain = docs(1)[0]

    def doc(number: int, title: str, text: str, shown: int) -> SearchDoc:
        return SearchDoc(
            id=f"{number:016x}", index=number, outlet=plain.outlet, lang="zh", title=title, text=text, shown_ms=shown
        )

    index.put(
        [
            doc(1, "别的", "峰会 " * 30, 9),
            doc(2, "峰会", "x", 1),
            doc(3, "今天的峰会开了很久很久", "x", 5),
            doc(4, "无", "峰会", 10),
        ],
        size=4,
        old={},
    )
    assert index.search(parse_query("峰会", UTC)).ids[:2] == (f"{2:016x}", f"{3:016x}")


def test_a_new_revision_takes_the_place_of_the_old(index: SearchIndex):
    old, other = docs(2)
    new = SearchDoc(id=old.id, index=9, outlet=old.outlet, lang="zh", title="完全不同", text="崭新", shown_ms=1)
    index.put([old, other], size=2, old={})
    index.put([new], size=10, old={old.id: old})
    assert found(index, "崭新") == {old.id}
    assert found(index, "") == {old.id, other.id}
    assert index.held([old.id, "f" * 16]) == {old.id: 9}
    index.put([new], size=10, old={})
    assert found(index, "完全不同") == {old.id}


def test_what_is_forgotten_is_nowhere_in_the_files(index: SearchIndex, tmp_path: Path):
    held = docs(50)
    words = {"title": "罄竹难书", "text": "魑魅魍魉 zyzzyva", "id": "f00d0000000000aa"}
    secret = msgspec.structs.replace(held[0], **words)
    index.put([secret, *held], size=51, old={})
    index.forget([secret])
    assert found(index, "zyzzyva") == set()
    index.close()
    data = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for token in ("zyzzyva", "罄竹", "魑魅", "魅魍", "魉"):
        assert token.encode() not in data


def test_between_the_cells_of_pages_nothing_is_left_of_what_was_forgotten(tmp_path: Path):
    path = tmp_path / "search.sqlite"
    index = SqliteSearch(path, zone=UTC)
    held = docs(4000, seed=9)
    for start in range(0, 4000, 400):
        index.put(held[start : start + 400], size=start + 400, old={})
    file = os.open(path, os.O_RDONLY)
    try:
        index.forget(held[7::500])
        assert list(dirty_gaps(file, 16384)) == []
    finally:
        index.close()
        os.close(file)
    index = SqliteSearch(path, zone=UTC)
    assert found(index, "") == {doc.id for number, doc in enumerate(held) if number % 500 != 7}
    index.close()


@pytest.mark.parametrize(("then", "now"), [(False, True), (True, False)])
def test_an_index_of_an_older_or_newer_sqlite_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: bool, now: bool
):
    """An older one's keeps words of earlier revisions, a newer one's can't be read."""
    path, configure = tmp_path / "search.sqlite", search._configure

    def without(db: object, **values: int) -> None:
        configure(db, **{name: value for name, value in values.items() if name != "secure-delete"})

    monkeypatch.setattr(search, "_configure", without)  # this machine's may be either
    for is_secure in (then, now):
        monkeypatch.setattr(search, "SECURE", (0, 0, 0) if is_secure else (99, 0, 0))
        index = SqliteSearch(path, zone=UTC)
        assert index.size() == 0
        index.put(docs(5), size=5, old={})
        index.close()
        again = SqliteSearch(path, zone=UTC)
        assert again.size() == 5
        again.close()


def test_an_index_whose_making_was_cut_off_is_made_anew(tmp_path: Path):
    path = tmp_path / "search.sqlite"
    statements = [one for one in search.SCHEMA.split(";") if one.strip()]
    for count in range(1, len(statements) + 1):
        db = search.sqlite3.connect(path)
        db.executescript("PRAGMA journal_mode=WAL;" + ";".join(statements[:count]) + ";")
        db.close()
        index = SqliteSearch(path, zone=UTC)
        index.put(docs(3), size=3, old={})
        assert found(index, "") == {doc.id for doc in docs(3)}
        index.close()
        path.unlink()


def test_after_the_first_time_a_withdrawal_reads_changed_pages_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "search.sqlite"
    index = SqliteSearch(path, zone=UTC)
    held = docs(1500, seed=5)
    for start in range(0, 1500, 300):
        index.put(held[start : start + 300], size=start + 300, old={})
    index.close()
    index = SqliteSearch(path, zone=UTC)
    read: list[object] = []
    whole = slack.zero_gaps
    monkeypatch.setattr(slack, "zero_gaps", lambda *given: (read.append(given[2]), whole(*given)))
    for number in (7, 707):
        assert index.forget([held[number]])
    assert all(pages is not None for pages in read), "only what changed"
    file = os.open(path, os.O_RDONLY)
    try:
        assert list(dirty_gaps(file, 16384)) == []
    finally:
        os.close(file)
    index.close()


def test_an_article_without_text_is_dropped_and_the_index_made_anew(tmp_path: Path):
    index = SqliteSearch(tmp_path / "search.sqlite", zone=UTC)
    index.put(docs(5), size=5, old={})
    index.drop([docs(5)[0].id])
    assert docs(5)[0].id not in found(index, "")
    index.close()
    index = SqliteSearch(tmp_path / "search.sqlite", zone=UTC)
    assert index.size() == 0
    index.close()


def test_more_articles_than_a_block_of_bitmaps(index: SearchIndex):
    held = docs(5000, seed=7)
    index.put(held[:3000], size=3000, old={})
    index.put(held[3000:], size=5000, old={})
    index.finish()
    for query in ("的", "在", "长", "拜登 的", "-的"):
        want = {
            doc.id for doc in held if all(holds(doc, part.strip("-")) != part.startswith("-") for part in query.split())
        }
        assert found(index, query) == want, query


def test_what_is_asked_again_is_complete_after_articles_came_and_went(index: SearchIndex):
    """FTS5 keeps the rows of what was asked before: they grow with the index, and shrink."""
    held = docs(300, seed=3)
    for low in range(0, 300, 60):
        index.put(held[low : low + 60], size=low + 60, old={})
        gone = held[low]
        replaced = msgspec.structs.replace(gone, text="拜登 崭新", title="关税", index=1000 + low)
        index.put([replaced], size=low + 60, old={gone.id: gone})
        held[low] = replaced
        for query in ("拜登", "law", "拜登 law", "关税 拜登", "title:关税", "拜登 峰会 的", "长 law"):
            parts = [part.removeprefix("title:") for part in query.split()]
            want = {
                doc.id
                for doc in held[: low + 60]
                if all(holds(doc, part, title=query.startswith("title:")) for part in parts)
            }
            for _ in range(3):
                assert found(index, query) == want, query
