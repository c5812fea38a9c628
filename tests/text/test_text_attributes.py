"""What an element with tens of thousands of attributes costs, and that common pages stay as they are."""

import time

import pytest

from baoguan.extract.article import extract_article
from baoguan.text.attributes import MAX_ATTRIBUTES, limit_attributes
from baoguan.text.html import clean_body
from baoguan.text.names import cut_names

MANY = " ".join(f"a{i}=x" for i in range(50_000))


@pytest.mark.parametrize(
    "tag",
    [f"<div {MANY}>", f"<div {MANY}", "<div " + "/".join(f"a{i}" for i in range(50_000)) + ">"],
    ids=["closed", "open", "slashes"],
)
def test_attributes_beyond_the_hundredth_are_left_out(tag: str) -> None:
    cut = limit_attributes(f"<p>before</p>{tag}<p>after</p>")
    assert cut.startswith("<p>before</p><div a0")
    assert f"a{MAX_ATTRIBUTES - 1}" in cut
    assert f"a{MAX_ATTRIBUTES}" not in cut
    assert cut.endswith("<p>after</p>") or not tag.endswith(">")


@pytest.mark.parametrize(
    "html",
    [
        "<p>" + "A sentence, with words. " * 5_000,
        "<div data-x='" + '{"a": "b c"}, ' * 200 + "'>text</div>",
        '<p class="' + "a b-c " * 5_000 + '">text</p>',
        "<p>less < than</p>" * 1_000,
        "",
    ],
)
def test_pages_with_long_texts_and_values_stay(html: str) -> None:
    assert limit_attributes(html) == html


def test_many_attributes_are_read_in_bounded_time() -> None:
    page = f"<h1>T</h1><div {MANY}><p>{'A sentence of the article, long enough. ' * 9}</p></div>"
    start = time.process_time()
    article = extract_article(page.encode(), url="https://x.example/a")
    assert "A sentence" in clean_body(page, "https://x.example/a").html
    # Each took five seconds.
    assert time.process_time() - start < 1
    assert "A sentence" in article.body_html


@pytest.mark.parametrize(
    "piece",
    [
        "<x-{}>w</x-{}>",
        "<p a{}=b>w</p>",
        "<p a{}>w",
        "<p x='>' a{}>w",
        '<p title="a>b" a{}=1>w',
        "<p " + " ".join(f"b{n}c{{}}" for n in range(40)) + ">",
    ],
)
def test_a_page_is_cut_where_it_has_invented_thousands_of_names(piece: str) -> None:
    page = "".join(piece.replace("{}", str(i)) for i in range(30_000))
    cut = cut_names(page)
    assert cut
    assert page.startswith(cut)
    assert len(cut) < len(page) / 4
    assert cut_names(page[:50_000]) == page[:50_000]


def test_a_long_page_with_few_names_stays() -> None:
    page = "<p class=x data-y='1'>A sentence, with <b>words</b> and more {}.</p>"
    page = "".join(page.replace("{}", f"w{i}") for i in range(20_000))
    assert cut_names(page) is page
    # Suspect, but fewer than the limit.
    page = "".join(f"<p a{i % 3_000}=x>w" for i in range(20_000))
    assert cut_names(page) is page


def test_what_is_cut_is_told() -> None:
    page = "<h1>T</h1>" + "".join(f"<x-{i}>w</x-{i}>" for i in range(30_000))
    start = time.process_time()
    assert "page cut at its cap" in extract_article(page.encode(), url="https://x.example/a").reasons
    assert "truncated" in clean_body(page, "https://x.example/a").flags
    assert time.process_time() - start < 1
