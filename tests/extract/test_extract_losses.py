"""Text and pictures that were lost, or boxes of others that were kept, each as the smallest page that shows it."""

import pytest

from baoguan.extract.article import extract_article
from baoguan.extract.tokens import JUNK, verdict_of
from baoguan.model.article import Article

ONE = "The first sentence of the article, which says what happened, and where it did."
TWO = "The second paragraph tells what was said of it by those who should know, at length."
THREE = "The third one tells what had happened before, and what is expected to come of it."
BODY = f"<p>{ONE}</p><p>{TWO}</p><p>{THREE}</p>"


def read(body: str, head: str = "") -> Article:
    page = f"<html><head>{head}</head><body>{body}</body></html>"
    return extract_article(page.encode(), url="https://news.example/a")


@pytest.mark.parametrize("name", ["block-id-n1AuAdJlVL", "x3ad91c4", "c9e8ad2f"])
def test_names_drawn_by_lot_say_nothing(name: str) -> None:
    assert not verdict_of(name) & JUNK
    assert TWO in read(f'<h1>T</h1><div class="article-body"><p>{ONE}</p><p id="{name}">{TWO}</p></div>').body_html


@pytest.mark.parametrize("name", ["ad", "topAd", "div-gpt-ad-1234", "ad300x250", "sidebarAdSlot", "mpu-2", "js-cta"])
def test_short_words_of_junk_still_do(name: str) -> None:
    assert verdict_of(name) & JUNK


def test_what_follows_the_editors_name_is_of_others() -> None:
    story = "<p>码头将改建成图书馆，工程预计历时两年，费用由市政府承担。</p>" * 6
    teaser = "<h3>另一篇文章的标题</h3><p><img src=/other_w600.jpg></p>"
    teaser += "<p>昨天的另一件事情，与这篇文章没有任何关系，读者可以不看。</p>"
    article = read(f'<h1>旧码头改建</h1><div class="article-content">{story}<p>责任编辑：李明</p>{teaser * 2}</div>')
    assert "工程预计" in article.body_html
    assert "另一件事情" not in article.body_html
    assert not article.pictures
    above = read(f'<h1>旧码头改建</h1><div class="article-content"><p>责任编辑：李明</p>{story}</div>')
    assert "工程预计" in above.body_html


def test_a_summary_under_the_headline_is_not_the_article() -> None:
    deck = "There are more devices, platforms and services to choose from than ever before; a guide. " * 2
    page = (
        f'<article><header class="article_header"><div class="headline-wrap"><h1>T</h1><h2>{deck}</h2></div></header>'
    )
    article = read(f'{page}<div class="snippet-body"><p>{ONE}</p><p>{TWO}</p></div></article>')
    assert ONE in article.body_html
    assert TWO in article.body_html


def test_a_summary_beside_the_headline_is_not_all() -> None:
    box = f'<div class="StoryBox"><h1>T</h1><p class="intro">{ONE} {TWO} {THREE}</p></div>'
    story = "A sentence of the body, of some length. " * 12
    article = read(f'<article><div>{box}<div class="StoryBody"><p>{story}</p></div></div></article>')
    assert "A sentence of the body" in article.body_html


def test_a_summary_that_is_called_a_teaser_is_known_by_its_description() -> None:
    deck = "What the town wants to build in place of the harbour, and who shall pay."
    article = read(
        f'<article><header><h1>T</h1><p class="Teaser_text">{deck}</p></header>'
        f'<div class="article-body">{BODY}</div></article>',
        f'<meta name="description" content="{deck}">',
    )
    assert deck in article.body_html


def test_headings_that_begin_with_the_time_stay() -> None:
    heading = '<h5 class="component time">11.04 Uhr: The harbour is closed, says the town</h5>'
    article = read(f'<h1>T</h1><div class="article-body"><p>{ONE}</p>{heading}<p>{TWO}</p></div>')
    assert "11.04 Uhr" in article.body_html


def test_what_only_a_paywall_hides_stays() -> None:
    article = read(
        f'<h1>T</h1><div class="article-body"><p>{ONE}</p><p class="paywall" aria-hidden="true">{TWO}</p></div>'
    )
    assert TWO in article.body_html
    box = f'<div class="teaser-content"><div class="article-body"><p>{ONE}</p></div></div>'
    rest = "".join(f'<div class="article-body"><p>{one}</p></div>' for one in (TWO, THREE))
    article = read(f'<h1>T</h1><article><div class="metered">{box}{rest}</div></article>')
    assert ONE in article.body_html


def test_a_picture_in_a_box_of_share_tools_that_holds_the_article() -> None:
    text = f"<p>{ONE} {TWO}</p><p>{THREE} {TWO}</p>"
    picture = '<div style="text-align: center"><img src="/2020/a_w606_h412.png"></div>'
    box = f'<div class="img_share_area"><div class="main_content">{text}{picture}{text}</div></div>'
    article = read(f"<h1>T</h1>{box}")
    assert [one.url for one in article.pictures] == ["https://news.example/2020/a_w606_h412.png"]


def test_a_picture_that_only_an_attribute_of_its_figure_names() -> None:
    figure = '<figure itemid="https://static.example/a-articleLarge.jpg?q=90"><figcaption>Steam</figcaption></figure>'
    article = read(f'<h1>T</h1><div class="article-body"><p>{ONE}</p>{figure}<p>{TWO}</p></div>')
    assert [(one.url, one.caption) for one in article.pictures] == [
        ("https://static.example/a-articleLarge.jpg?q=90", "Steam")
    ]
    other = '<figure data-link="https://news.example/other"><figcaption>Steam</figcaption></figure>'
    assert not read(f'<h1>T</h1><div class="article-body"><p>{ONE}</p>{other}<p>{TWO}</p></div>').pictures


def test_comments_that_are_longer_than_the_article() -> None:
    said = "A reader says at length what he thinks of the harbour, the town and the others. " * 4
    comments = "".join(f'<li class="member"><p>{said}</p></li>' for _ in range(14))
    body = f'<div class="page first"><article itemprop="articleBody"><h1>T</h1>{BODY * 3}</article></div>'
    article = read(f'{body}<div class="full community page"><span class="body"><ul>{comments}</ul></span></div>')
    assert ONE in article.body_html
    assert "A reader says" not in article.body_html


def test_teasers_that_are_longer_than_the_article() -> None:
    teaser = '<article><h3><a href="/{n}">Another headline of the same day, {n}</a></h3><p>{text}</p></article>'
    teasers = "".join(teaser.format(n=n, text=TWO.replace("The", f"Number {n}")) for n in range(30))
    slider = f'<div class="content-slider-inner">{teasers}</div>'
    article = read(
        f'<div class="entry-content"><h1>T</h1><section><div class="text">{BODY}</div></section>{slider}</div>'
    )
    assert ONE in article.body_html
    assert "Number 7" not in article.body_html


def test_posts_of_a_forum_are_no_teasers() -> None:
    post = '<article><h4><a href="/members/7">Anna</a></h4><div class="message-body"><p>{text}</p></div></article>'
    posts = "".join(
        post.format(text=f"{text} Number {n}.") for n, text in enumerate((ONE, TWO, THREE, ONE, TWO, THREE))
    )
    assert "Number 3." in read(f'<h1>T</h1><div class="block-body">{posts}</div>').body_html


def test_a_body_in_numbered_boxes() -> None:
    box = '<div class="supplemental"><div class="story-body story-body-{n}">{text}</div></div>'
    boxes = box.format(n=1, text=BODY * 3) + '<div class="ad">x</div>' + box.format(n=2, text=f"<p>The end. {ONE}</p>")
    assert "The end." in read(f"<h1>T</h1><article>{boxes}</article>").body_html
