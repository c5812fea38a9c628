"""Depth of mark-up before it is parsed."""

import pytest

from baoguan.text.depth import is_deeper, limit_depth


@pytest.mark.parametrize(
    ("html", "depth"),
    [
        ("<div>" * 9 + "</div>" * 9, 9),
        ("<div></a>" * 9, 9),
        ('<div title="</div>">' * 9, 9),
        ("<DIV></div>" * 9, 1),
        ("<ul><li>a<li>b</ul>" * 9, 1),
        ("<p>a<br><img src=x>" * 9, 0),
        ("<span><b>x</b></span>" * 9, 2),
        ("a < b <" * 9, 0),
        ("", 0),
    ],
)
def test_depth(html: str, depth: int) -> None:
    assert not is_deeper(html, depth)
    assert depth == 0 or is_deeper(html, depth - 1)
    assert limit_depth(html, max(depth, 1)) == html


def test_deeper_start_tags_go_with_their_end_tags() -> None:
    assert limit_depth("<a><b><c>x</c></b>y</a>z", 2) == "<a><b>x</b>y</a>z"
    assert limit_depth("<div><div><div>x</b></div></div>y</div><i>z</i>", 2) == "<div><div>x</b></div>y</div><i>z</i>"
    assert not is_deeper(limit_depth("<div></a>" * 1000, 50), 50)
