"""Pages whose body stands in script data alone."""

import json

import pytest

from baoguan.extract.article import extract_article

SENTENCES = [f"Sentence number {n} of the story, which a script would write into the page." for n in range(12)]
HTML = "".join(f"<p>{text}</p>" for text in SENTENCES)
SHAPES = {
    "next": '<script id="__NEXT_DATA__" type="application/json">'
    + json.dumps({"props": {"pageProps": {"article": {"body": HTML, "teasers": ["a", "b"]}}}}),
    "fusion": "<script>window.Fusion=window.Fusion||{};Fusion.globalContent="
    + json.dumps({"content_elements": [{"type": "text", "content": text} for text in SENTENCES]})
    + ";Fusion.x=1",
    "state": "<script>window.__INITIAL_STATE__ = "
    + json.dumps({"blocks": [{"model": {"blocks": [{"model": {"text": text}}]}} for text in SENTENCES]}),
    "ld": '<script id="ld" type="application/ld+json">'
    + json.dumps({"@type": "NewsArticle", "articleBody": "\n".join(SENTENCES)}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_body_is_read_from_script_data(shape: str) -> None:
    page = f'<html><body><div id="app"></div><h1>A headline of this page</h1>{SHAPES[shape]}</script></body></html>'
    article = extract_article(page.encode(), url="https://news.example/a")
    assert article.title == "A headline of this page"
    assert [text for text in SENTENCES if text not in article.body_html] == []


def test_script_data_never_replace_a_body() -> None:
    shown = "".join(f"<p>Shown sentence {n}, which readers of the page see as its text.</p>" for n in range(12))
    page = f"<html><body><h1>A headline</h1><article>{shown}</article>{SHAPES['next']}</script></body></html>"
    article = extract_article(page.encode(), url="https://news.example/a")
    assert "Shown sentence 11" in article.body_html
    assert SENTENCES[0] not in article.body_html


@pytest.mark.parametrize(
    "broken",
    [
        "<script>window.__INITIAL_STATE__ = " + '{"a":[' * 5000,
        '<script id="__NEXT_DATA__" type="application/json">{"a":',
        "<script>window.__DATA__ = {};</script><script type=application/json>[[[[1",
        "<!-- <script> --><p>text</p><script><style></script>",
    ],
)
def test_broken_data_are_passed_over(broken: str) -> None:
    extract_article(f"<h1>A</h1>{broken}</script>".encode(), url="https://news.example/a")


def test_news_that_something_does_not_exist_is_no_error_page() -> None:
    text = "外交部发言人星期一表示，有关说法纯属捏造，所谓的问题根本不存在。双方将继续就此保持沟通。" * 3
    title = "发言人：问题不存在"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    assert extract_article(page.encode(), url="https://news.example/a").kind == "article"
    gone = "<html><head><title>页面不存在</title></head><body><p>您访问的页面不存在。</p></body></html>"
    assert extract_article(gone.encode(), url="https://news.example/a").kind == "error"
