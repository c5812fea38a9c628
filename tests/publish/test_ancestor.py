"""Every file of both real trees: read, written back byte for byte, its clock and outlet right."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.publish.ancestor import parse_ancestor, render_ancestor, to_article

FRAME = re.compile(rb"<!--(\d+|NaN)-->\n\[(.*)\]\((\S*)\)\n------\n\n[^\n]", re.DOTALL)


def read_files(files: Iterable[tuple[str, bytes]]) -> Counter[str]:
    seen: Counter[str] = Counter()
    for path, data in files:
        if not path.endswith(".md") or path.startswith("lists/") or path == "README.md":
            continue
        file = parse_ancestor(data, path)
        assert render_ancestor(file) == data, path
        seen["files"] += 1
        seen[file.form] += 1
        seen[f"outlet {file.outlet}"] += 1
        assert file.url, path
        if match := FRAME.match(data):
            assert file.epoch == match[1].decode()
        if file.clock and file.epoch_ms and file.outlet != "economist":
            assert file.clock.at.timestamp() * 1000 <= file.epoch_ms, path
    return seen


def test_all_of_2020(ancestors_2020: dict[str, bytes]) -> None:
    seen = read_files(ancestors_2020.items())
    assert (seen["files"], seen["comment"], seen["dated"]) == (4470, 4305, 165)
    assert sum(name.startswith("outlet ") for name in seen) == 9


def test_all_of_waimei(waimei: Iterator[tuple[str, bytes]]) -> None:
    seen = read_files(waimei)
    assert (seen["files"], seen["yaml"]) == (64542, 64542)
    assert sum(name.startswith("outlet ") for name in seen) == 19


def file_of(body: str, *, folder: str = "voa", url: str = "https://x.example/1", epoch: str = "1600000000000") -> bytes:
    return f"<!--{epoch}-->\n[T]({url})\n------\n\n{body}\n".encode()


@pytest.mark.parametrize(
    ("folder", "line", "at", "assumed", "precision"),
    [
        ("voa", "<div><i>Tue, 11 Jul 2023 09:42:28 GMT</i></div>", "2023-07-11T09:42:28+00:00", False, "second"),
        ("dw", "<div><i><br>2020-07-20T13:15:05.103Z</i></div>", "2020-07-20T13:15:05.103000+00:00", False, "second"),
        ("nyt", "<div><i>A B<br>2020-07-20 09:58:59</i></div>", "2020-07-20T01:58:59+00:00", True, "second"),
        ("reuters", "<div><i>2020-07-20T07:55:20</i></div>", "2020-07-20T07:55:20+00:00", True, "second"),
        ("rfi", "<div>20/07/2020 - 16:29</div>", "2020-07-20T14:29:00+00:00", True, "minute"),
        ("bbc", "<div><i>2020年 7月 19日</i></div>", "2020-07-18T23:00:00+00:00", True, "day"),
    ],
)
def test_date_lines(folder: str, line: str, at: str, assumed: bool, precision: str) -> None:
    file = parse_ancestor(file_of(line + "<p>text</p>", epoch="1700000000000"), f"articles/{folder}/1.md")
    assert file.clock is not None
    assert file.clock.at.astimezone(UTC) == datetime.fromisoformat(at)
    assert (file.clock.zone_assumed, file.clock.precision) == (assumed, precision)
    assert to_article(file)[1] == "text"


def test_times_are_never_guessed() -> None:
    relative = parse_ancestor(file_of("<div><i>19 分钟前</i></div><p>x</p>"), "articles/bbc/1.md")
    assert (relative.clock, relative.flags) == (None, ("relative-time",))
    unknown = parse_ancestor(file_of("<p>x</p>", epoch="NaN"), "articles/rfa/1.md")
    assert (unknown.epoch_ms, unknown.clock) == (None, None)


def test_authors_of_the_date_line() -> None:
    file = parse_ancestor(
        file_of("<div><i>SAMMI ZHENG,SAMMI ZHENG<br>2020-07-20 09:58:59</i></div>"), "articles/nyt/1.md"
    )
    assert file.authors == ("SAMMI ZHENG",)


def test_unknown_outlets_get_a_key_of_their_own() -> None:
    assert parse_ancestor(file_of("<p>x</p>"), "articles/My Site/1.md").outlet == "my-site"
    assert parse_ancestor(file_of("<p>x</p>"), "articles/报/1.md").outlet.startswith("x-")


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_are_read_and_written_back(data: bytes, path: str) -> None:
    file = parse_ancestor(data, path)
    assert render_ancestor(file) == data
    to_article(file)


PARTS = [
    "---\n",
    "title: x\n",
    "date: Invalid\n",
    "<!--NaN-->\n",
    "<!--12-->\n",
    "[a](b)",
    "\n------\n",
    "\n",
    "日期：x\n",
    "<div>\n",
    "\n</div>\n",
]


@given(st.lists(st.sampled_from(PARTS), max_size=10))
def test_pieces_of_the_frame_in_any_order(parts: list[str]) -> None:
    data = "".join(parts).encode()
    file = parse_ancestor(data, "articles/voa/1.md")
    assert render_ancestor(file) == data
    to_article(file)
