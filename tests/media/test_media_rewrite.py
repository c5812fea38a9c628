"""Kept pictures take the place of their origin, and nothing else moves."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.media.rewrite import substitute_sources

ORIGIN = "https://img.example/a.jpg?w=1&h=2"
KEPT = "../../media/ab/abcd.jpg"


def test_src_and_poster_are_replaced() -> None:
    body = '<p>x</p><img src="{0}" alt="y"><video poster="{0}"></video>'
    assert substitute_sources(body.format(ORIGIN.replace("&", "&amp;")), {ORIGIN: KEPT}) == body.format(KEPT)


def test_an_ampersand_left_bare_is_the_same_address() -> None:
    assert substitute_sources(f"<img src='{ORIGIN}'/>", {ORIGIN: KEPT}) == f'<img src="{KEPT}"/>'


def test_what_only_looks_like_a_source_stays() -> None:
    url = "https://img.example/a.jpg"
    for body in (
        f'<a href="{url}">{url}</a>',
        f'<!-- <img src="{url}"> -->',
        f'<img alt=\' src="{url}"\' src="https://other.example/b.jpg">',
        f'<img data-src="{url}" src="https://other.example/b.jpg">',
        f"<p title=\"<img src='{url}'>\">text</p>",
        f'<img src="{url}x">',
        f'<imgx src="{url}">',
        f'<img src="https://other.example/b.jpg" src="{url}">',
        f'src="{url}" <img',
        f'<audio src="{url}"></audio>',
    ):
        assert substitute_sources(body, {url: KEPT}) == body, body


def test_a_path_with_quotes_is_escaped() -> None:
    assert substitute_sources('<img src="u">', {"u": 'a"b&c'}) == '<img src="a&quot;b&amp;c">'


def test_without_mapping_the_very_same_body() -> None:
    body = '<img src="u">'
    assert substitute_sources(body, {}) is body


@given(st.text(alphabet="<>/img src=\"'ua&;!- \n", max_size=80))
def test_any_text_around_a_picture_stays(text: str) -> None:
    """A mapping that holds nothing of the body changes no byte of it; one pass puts nothing in twice."""
    assert substitute_sources(text, {"https://absent.example/": "x"}) == text
    once = substitute_sources(text, {"u": "kept"})
    assert len(once) >= len(text) or "kept" in once or once == text
    assert unescape(once).count("kept") <= text.count("u")


@pytest.mark.parametrize("piece", ['<img src="', "<img ", "<!--", "<img src='", '<a "', "<", '"'])
def test_what_never_closes_takes_one_pass(piece: str) -> None:
    """Tags, quotes and comments without an end must not be tried again and again."""
    body = '<img src="' + "a" * 100_000 + piece * 50_000
    assert substitute_sources(body, {"u": "kept"}) == body
