"""What stands on a page besides the article and looks like it: copies for machines, headlines of other sites."""

from baoguan.extract.article import extract_article

TEXT = [
    f"The council of town number {n} voted on Monday to keep its harbour open, after months of argument in the hall,"
    f" and set aside {n} million crowns for the quay, which has not been repaired since the war."
    for n in range(2, 6)
]
BODY = "".join(f"<p>{text}</p>" for text in TEXT)


def page(body: str, head: str = "") -> bytes:
    return (
        f"<html><head><title>Harbours stay open</title>{head}</head><body><div class=post>{body}</div></body></html>"
    ).encode()


def test_a_copy_of_the_article_in_one_block_is_not_read_again() -> None:
    copy = f"<div>https://gazette.example/logo.png</div><div>{' '.join(TEXT)}</div>"
    article = extract_article(page(f"<h1>Harbours stay open</h1>{BODY}{copy}{copy}"), url="https://gazette.example/a")
    assert [article.body_html.count(text) for text in TEXT] == [1, 1, 1, 1]
    assert "logo.png" not in article.body_html


def test_a_paragraph_that_comes_twice_stays() -> None:
    article = extract_article(
        page(f"<h1>Harbours stay open</h1>{BODY}<p>{TEXT[1]}</p>"), url="https://gazette.example/a"
    )
    assert article.body_html.count(TEXT[1]) == 2


def test_a_headline_that_links_to_another_site_is_not_this_page_s() -> None:
    teaser = (
        '<article><h1><a href="https://other.example/x">Why nobody sails any more</a></h1><p>Elsewhere.</p></article>'
    )
    head = (
        '<link rel=canonical href="https://gazette.example/a"><meta property=og:title content="Harbours stay open - G">'
    )
    article = extract_article(page(f"<h2>Harbours stay open</h2>{BODY}{teaser}", head), url="https://gazette.example/a")
    assert article.title == "Harbours stay open"
    assert TEXT[0] in article.body_html


def test_the_caption_of_a_short_article_is_not_its_text() -> None:
    short = TEXT[0]
    figure = "<div><img data-src=/quay.jpg alt=Quay></div>"
    body = f"<h1>Harbours stay open</h1>{figure}<div class=article-body><p>{short}</p></div>"
    head = '<meta property=og:image content="/quay.jpg">'
    article = extract_article(page(body, head), url="https://gazette.example/a")
    assert article.body_html.count(short) == 1
    assert [picture.caption for picture in article.pictures] == [""]
