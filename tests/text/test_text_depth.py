"""Depth of mark-up before it is parsed."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from baoguan.text.depth import _ODD, _is_deeper, _Open, _without_leaves, is_deeper, limit_depth


@pytest.mark.parametrize(
    ("html", "depth"),
    [
        ("<div>" * 9 + "</div>" * 9, 9),
        ("<div></a>" * 9, 9),
        ('<div title="</div>">' * 9, 9),
        ("<DIV></div>" * 9, 1),
        ("<ul><li>a<li>b</ul>" * 9, 1),
        ("<dl><dt>a<dd>b<ul><li>c<li>d</ul><dt>e<dd>f</dl>" * 9, 2),
        ("<dl><dt>a</dt><dd><ul><li>c</li><li>d</li></ul></dd></dl>" * 9, 2),
        ("<dd><li>" * 5, 9),
        ("<dd><li></ul>" * 5, 9),
        ("<p>a<br><img src=x>" * 9, 0),
        ("<span><b>x</b></span>" * 9, 2),
        ("a < b <" * 9, 0),
        ("", 0),
    ],
)
def test_depth(html: str, depth: int) -> None:
    assert not is_deeper(html, depth)
    assert depth == 0 or is_deeper(html, depth - 1)
    # End tags that close nothing go.
    assert limit_depth(html, max(depth, 1)) == html.replace("</a>", "").replace(
        "</ul>" if "<ul" not in html else "</x>", ""
    ).replace("</dt>" if "<dt" not in html else "</x>", "")


def test_deeper_start_tags_go_with_their_end_tags() -> None:
    assert limit_depth("<a><b><c>x</c></b>y</a>z", 2) == "<a><b>x</b>y</a>z"
    assert limit_depth("<div><div><div>x</b></div></div>y</div><i>z</i>", 2) == "<div><div>x</div>y</div><i>z</i>"
    assert not is_deeper(limit_depth("<div></a>" * 1000, 50), 50)


@pytest.mark.parametrize(
    "unit",
    [
        "<dd><li>",
        "<dd><li></dt>",
        "<dd><ul><li></ul><li>",
        "<dd><li></li><li>",
        "<b></b><dd><li>",
        "<form><dd></picture><tr><math>",
        "<dt><li><dd><li></dt></li>",
    ],
)
def test_items_in_items_and_ends_of_nothing_are_parsed_in_bounded_time(unit: str) -> None:
    page = limit_depth(unit * 20_000, 400)
    start = time.process_time()
    LexborHTMLParser(page or " ")
    # `<dd><li>` 20,000 times took four seconds, 100,000 times minutes.
    assert time.process_time() - start < 0.5


TAGS = st.sampled_from(
    "<div> </div> <b> </b> <ul> <li> </ul> </li> <dd> <p>x</p> <i_t='<b>'> <br> x < > /div> </ <b>x</b> <div>y</div>"
    " <b_x ' <!-- </B> <b/> </b_>".replace("_", "\n").split(" ")
)


@settings(max_examples=500, deadline=None)
@given(st.lists(TAGS, max_size=40), st.integers(1, 8))
@example(["<div>", "<", "<b>x</b>", "/div>"] * 9, 5)
@example(['<i title="<b">x</b>'] * 9, 5)
def test_leaving_leaves_out_hides_no_depth(tags: list[str], most: int) -> None:
    html = "".join(tags)
    bare, layers = _without_leaves(html)
    if _ODD.search(html) is None and not _Open(html).mixed and not _is_deeper(bare, max(0, most - layers), _Open(bare)):
        assert not _is_deeper(html, most, _Open(html))


def test_depth_is_told_in_linear_time() -> None:
    start = time.process_time()
    for unit in ("<a ", "<a <", "<b>x</b", "<div>", "<div>x</", "<b>x</b>", "<b><i>x</b></i>", "<a x='"):
        is_deeper(unit * 100_000 + ">", 100_001)
    assert time.process_time() - start < 3
