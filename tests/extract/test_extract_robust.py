"""Whatever the bytes: an Article comes back, in bounded work."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baoguan.extract.article import MAX_BODY, extract_article
from baoguan.extract.dom import MAX_DEPTH, MAX_READ, parse_page
from baoguan.model.article import Article
from baoguan.text.html import gate

URL = "https://x.example/a"
PIECES = st.sampled_from(
    [
        b"<div class='article-body'>",
        b"</div>",
        b"<p>",
        b"</p>",
        b"<figure>",
        b"</figure>",
        b"<figcaption>",
        b"<img src=/a.jpg>",
        b"<img srcset='a 1x, b' data-src=http://[::1>",
        b"<script type='application/ld+json'>",
        b"</script>",
        b'{"@type":"Article"',
        b'{"@graph":[{"@type":["NewsArticle"],"datePublished":[{}],"author":{"@id":1},"headline":7,"image":[[]]}]}',
        b"<table><tr><td>",
        b"<h1>Title here</h1>",
        b"<article>",
        b"</article>",
        b"<nav><ul><li>",
        b"<noscript>",
        b"<template>",
        b"<svg><a>",
        b"<br><br>",
        b"<time datetime='99999-99-99T99:99'>",
        b"<meta property=og:title content='x'>",
        b"<base href='http://['>",
        b"<!--",
        b"-->",
        b"A sentence, which is long enough to be taken for one of an article.",
        "句子，足够长的一个句子，用来测试。".encode(),
        b"\xff\xfe\x00",
        b"<a href='//'>",
        b"<iframe src=javascript:1>",
        b"<video poster=x><source src=y>",
        b"&#0;&#xD800;&nbsp",
        b"<meta charset=utf-7>",
        b"2023\xe5\xb9\xb499\xe6\x9c\x8899\xe6\x97\xa5 99:99",
        b"<p class='",
        b"'>",
        b"<body>",
        b"<html lang='\xe4'>",
        b"<select><p>",
    ]
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=60))
def test_mutated_pages_never_raise(pieces: list[bytes]) -> None:
    article = extract_article(b"".join(pieces), url=URL)
    assert isinstance(article, Article)
    assert gate(article.body_html) == article.body_html


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(["", "text/html; charset=x", "charset=utf-16", "text/html;charset=hex", "charset=idna"]),
)
def test_any_bytes_under_any_header(body: bytes, content_type: str) -> None:
    extract_article(body, url=URL, content_type=content_type)


HOSTILE = {
    "100k deep": b"<div>" * 100_000 + b"hello",
    "deep, ends of others": b"<div></a>" * 100_000 + b"hello",
    "deep, ends in values": b'<div title="</div>">' * 100_000 + b"hello",
    "deep inline": b"<b><i><p>" * 40_000,
    "200k paragraphs": b"<p>hello world, this is a sentence that counts as one.</p>" * 200_000,
    "10 MB text": b"<p>" + b"lorem ipsum, dolor " * 500_000,
    "10 MB attribute": b'<p class="' + b"a b-c " * 1_700_000 + b'">x</p>',
    "nested JSON": b'<script type="application/ld+json">' + b'{"a":[' * 200_000 + b"</script><p>x",
    "nested figures": b"<h1>T</h1>" + b"<figure><img src=/a.jpg><p>A sentence, number one.</p>" * 5_000,
    "30k pictures": b"<h1>T</h1>" + b"<div><img src=/abcdef.jpg></div>" * 30_000,
    "many articles": b"<h1>T</h1>"
    + b"<article><h2>a</h2><p>A sentence that counts, number one of many here.</p></article>" * 20_000,
    "JSON in comments": b'<script type="application/ld+json">{"a":"' + b"/* x */ // y" * 12_500 + b"</script><p>x",
    "texts of one parent": b"<h1>T</h1><div>" + b"2024 <b>x1234</b> " * 20_000 + b"</div><p>A sentence, of words.",
    "one address": b"<h1>T</h1><address>" + b"<a rel=author>Anna Berg</a>" * 20_000 + b"</address><p>A sentence.",
    "names in names": b"<h1>T</h1>" + b"<span rel=author>a" * 20_000,
    "a long title": b"<title>" + b"a | b - c : " * 100_000 + b"</title><div>A sentence, of words.",
    "a list of names": b'<meta name=author content="' + b"Anna and Ben, " * 100_000 + b'">',
    "open comment": b"<!--" * 300_000,
    "open scripts": b"<script " * 200_000,
    "open drawings": b"<svg><svg>" * 100_000,
    "many states": b"<h1>t</h1>" + b"<script>window.__INITIAL_STATE__ = {}</script>" * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_are_bounded(name: str) -> None:
    start = time.process_time()
    article = extract_article(HOSTILE[name], url=URL)
    # 0.3 s alone on a quiet core; the worst of them took from ten seconds to minutes.
    assert time.process_time() - start < 3
    assert len(article.body_html) <= 2 * MAX_BODY


def test_caps_are_told() -> None:
    article = extract_article(b"<h1>T</h1>" + HOSTILE["200k paragraphs"], url=URL)
    assert "page cut at its cap" in article.reasons
    links = extract_article(b"<h1>T</h1>" + b"<div><a href=/b>link</a></div>" * 110_000, url=URL)
    assert links.kind != "article"
    assert "page cut at its cap" in links.reasons


def test_parser_caps() -> None:
    page = parse_page("<div>" * 100_000 + "<p>x</p>" * 300_000)
    assert page.cut
    assert len(page.tags) <= MAX_READ + 2
    depth = 0
    i = len(page.tags) - 1
    while i >= 0:
        depth, i = depth + 1, page.parent[i]
    assert depth <= MAX_DEPTH + 5


SENTENCE = "A sentence of the article, which is long enough to be taken for one; it goes on for a while. "
ARTICLE = f"<article><h1>The harbour stays open</h1>{f'<p>{SENTENCE * 3}</p>' * 9}</article>"
MANY = {
    "links": "<div><a href=/b>link</a></div>" * 90_000,
    "cells": f"<table>{'<tr><td>1</td><td>2</td></tr>' * 60_000}</table>",
    "spans": f"<div>{'<span class=x>w </span>' * 190_000}</div>",
    "headlines": f"<ul>{'<li><a href=/x>A headline of an item</a></li>' * 90_000}</ul>",
    "pictures": "<p><img src=/a-picture.jpg></p>" * 90_000,
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("before", [True, False])
def test_an_article_beside_a_hundred_thousand_elements_is_found_whole(name: str, before: bool) -> None:
    page = MANY[name] + ARTICLE if before else ARTICLE + MANY[name]
    start = time.process_time()
    article = extract_article(f"<html><body>{page}</body></html>".encode(), url=URL)
    # 0.3 s alone on a quiet core; instrumented or shared ones take longer.
    assert time.process_time() - start < 1.5
    assert article.title == "The harbour stays open"
    assert article.body_html.count(SENTENCE.strip()) == 27
    assert "page cut at its cap" not in article.reasons


def test_what_was_passed_over_in_the_article_is_told() -> None:
    page = f"<h1>T</h1><article><p>{SENTENCE * 3}</p>{'<p>a line</p>' * 40_000}<p>{SENTENCE * 3}</p></article>"
    assert "page cut at its cap" in extract_article(page.encode(), url=URL).reasons
