"""Relative addresses: joined as urljoin joins them, found in HTML whatever their letter case, up to a cap."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.feeds.limits import MAX_LINKS
from baoguan.feeds.links import resolve, resolve_html
from baoguan.feeds.parse import parse_feed
from baoguan.feeds.texts import first_words

BASE = "https://e.org/a/b"
PARTS = st.text(alphabet="ab0.-_~%/?#=&;:中", max_size=12)


@given(st.sampled_from(["", "/", "/a", "/a/", "/a/b.html", "/a//b", "/a/../b", "/a?q=/x", "/a#f/g", "/a;p/b"]), PARTS)
def test_a_plain_join_is_that_of_urljoin(path: str, url: str) -> None:
    joined = resolve(f"https://e.org{path}", url)
    if not url:
        assert joined == ""
    elif ":" not in url:  # what has a scheme, or a colon that may end one, is left as it is written
        assert joined == urljoin(f"https://e.org{path}", url)


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<a href='c'>", "<a href='https://e.org/a/c'>"),
        ('<A HREF="/c">', '<A HREF="https://e.org/c">'),
        ('<img Src = "c.png">', '<img Src = "https://e.org/a/c.png">'),
        ("<img data-src=c.png>", '<img data-src="https://e.org/a/c.png">'),
        (
            '<img srcset="c.png 1x, https://f.org/d.png 2x">',
            '<img srcset="https://e.org/a/c.png 1x, https://f.org/d.png 2x">',
        ),
        ('<video poster="/p.jpg">', '<video poster="https://e.org/p.jpg">'),
        ('<a href="#n" title="src=x">', '<a href="#n" title="src=x">'),
        ('<a href="mailto:a@e.org">', '<a href="mailto:a@e.org">'),
        ('<img srcset="https://e.org/a.png 1x, https://e.org/b.png 2x">',) * 2,
        ("href='x' is how links are written", "href='x' is how links are written"),
        ("<a hrefx='c' xhref='c'>", "<a hrefx='c' xhref='c'>"),
    ],
)
def test_addresses_in_html(html: str, wanted: str) -> None:
    assert resolve_html(BASE, html) == wanted


def test_links_beyond_the_cap_stay_as_written() -> None:
    html = resolve_html(BASE, "<a href='c'>" * (MAX_LINKS + 2))
    assert html.count("https://e.org/a/c") == MAX_LINKS
    assert html.endswith("<a href='c'><a href='c'>")


@given(st.text(alphabet="ab <>&;中", max_size=3_000), st.integers(min_value=1, max_value=120))
def test_first_words_keep_to_their_limit(html: str, limit: int) -> None:
    words = first_words(html, limit)
    assert len(words) <= limit + len("…")
    assert words == words.strip()


def test_json_feeds_say_who_wrote_and_when_it_changed() -> None:
    doc = parse_feed(
        b'{"version":"https://jsonfeed.org/version/1.1","authors":[{"name":"A","url":"https://e.org/a"}],'
        b'"items":[{"id":"1","date_modified":"2024-01-02T03:04:05Z"},{"id":"2","author":{"url":"https://e.org/b"}}]}'
    )
    first, second = doc.items
    assert (first.authors, first.author_details[0].url) == (("A",), "https://e.org/a")
    assert first.updated_raw == "2024-01-02T03:04:05Z"
    assert second.authors == ("https://e.org/b",)
