"""Headline, authors and lead picture on pages that say them in several ways."""

import pytest

from baoguan.extract.article import extract_article
from baoguan.model.article import Article

URL = "https://news.example/2024/story"
BODY = "<p>The first sentence of the article, which is long enough to count as one.</p>" * 8


def read(head: str, body: str) -> Article:
    page = f"<html><head>{head}</head><body>{body}</body></html>"
    return extract_article(page.encode(), url=URL)


def told(headline: str, *authors: str) -> str:
    names = ",".join(f'{{"@type":"Person","name":"{name}"}}' for name in authors)
    return (
        '<script type="application/ld+json">{"@type":"NewsArticle",'
        f'"headline":"{headline}","author":[{names}]}}</script>'
    )


def test_a_heading_in_a_breadcrumb_is_no_headline() -> None:
    article = read(
        '<meta property="og:title" content="Outage in Berlin: is our grid safe?">',
        "<nav><ul><li><h1>Outage in Berlin: is our grid safe?</h1></li></ul></nav><article><hgroup><h2>"
        f"Lights out, trains stop: how safe is the grid?</h2></hgroup>{BODY}</article>",
    )
    assert article.title == "Lights out, trains stop: how safe is the grid?"


def test_the_name_of_the_site_is_no_headline() -> None:
    article = read(
        "<title>Files between two computers | My notes</title>",
        f'<h1><a href="/">My notes</a></h1><article><h2>Files between two computers</h2>{BODY}</article>',
    )
    assert article.title == "Files between two computers"


def test_what_stands_behind_the_shown_heading_in_the_title_is_cut() -> None:
    article = read("<title>Vegetarian, or not? | Some long site</title>", f"<h1>Vegetarian, or not?</h1>{BODY}")
    assert article.title == "Vegetarian, or not?"


def test_only_the_last_part_of_a_title_is_the_sites_name() -> None:
    head = '<meta property="og:site_name" content="Gazette">'
    title = "The harbour stays open - the town pays the bill"
    article = read(f"{head}<title>{title} - Gazette</title>", BODY)
    assert article.title == title


def test_a_site_that_does_not_name_itself_is_known_by_its_host() -> None:
    head = '<link rel="canonical" href="https://www.gazette.example/a">'
    article = read(f"{head}<title>The harbour stays open - GAZETTE</title>", BODY)
    assert article.title == "The harbour stays open"


def test_a_second_heading_with_which_the_title_begins_is_the_headline_of_a_page_without_a_first() -> None:
    article = read(
        "<title>The harbour stays open | Notes of a sailor</title>", f"<h2>The harbour stays open</h2>{BODY}"
    )
    assert article.title == "The harbour stays open"


@pytest.mark.parametrize(
    ("title", "shown", "expected"),
    [
        # The headline is no heading: what of <title> the page shows by itself is it.
        ("武汉的声音：有英勇的你！-日报网", "<div>武汉的声音：有英勇的你！</div>", "武汉的声音：有英勇的你！"),
        ("Club - The harbour stays open - News", "<div>The harbour stays open</div>", "The harbour stays open"),
        ("Open harbour: the town pays the bill", "<div>the town pays the bill</div>", ""),
        ("The harbour stays open - Gazette", '<a href="/b">The harbour stays open</a>', ""),
        # A <h1> that names the site or a section, and what the title has beside it.
        ("Baking at home : Muffins", "<h1>Muffins</h1><h2>Baking at home</h2>", "Baking at home"),
        ("The harbour stays open - Notes", '<h1><a href="/">Notes</a></h1>', "The harbour stays open"),
        (
            "gazette: Talks / Boats may come in now",
            "<h1>Skip</h1><h1>Boats may come in now</h1>",
            "Boats may come in now",
        ),
        # The <h1> is in no title, and a second heading gives only a part of it.
        ("Heat pumps - when they pay", "<h1>Does it pay?</h1><h2>Heat pumps</h2>", "Does it pay?"),
    ],
)
def test_a_title_without_what_names_the_site(title: str, shown: str, expected: str) -> None:
    assert read(f"<title>{title}</title>", shown + BODY).title == (expected or title)


def test_a_kicker_that_a_share_title_sets_off_is_no_part_of_the_headline() -> None:
    head = '<meta property="og:title" content="Unit of the week | A pyramid of strokes - Swim">'
    article = read(head + told("A pyramid of strokes"), f"<h1>Unit of the week A pyramid of strokes</h1>{BODY}")
    assert article.title == "A pyramid of strokes"


def test_the_first_of_several_headings_is_believed_against_a_lone_share_title() -> None:
    head = '<meta property="og:title" content="Will you join the testers with me?">'
    shown = f"<h1>Fresh hair in ten steps with one bottle</h1>{BODY}<h1>How to use it</h1>{BODY}"
    assert read(head, shown).title == "Fresh hair in ten steps with one bottle"


@pytest.mark.parametrize(
    ("stated", "shown", "expected"),
    [
        (("Anna Berg",), "", ("Anna Berg",)),
        (
            ("Anna Berg",),
            '<address>Von <a rel="author">Anna Berg</a>, <a rel="author">Ben Cole</a> und Carla Dorn</address>',
            ("Anna Berg", "Ben Cole", "Carla Dorn"),
        ),
        (("https://news.example/authors/anna-berg/", "Anna Berg"), "", ("Anna Berg",)),
        (("news.example",), '<p class="author">von Anna Berg</p>', ("Anna Berg",)),
        (("news.example",), '<p class="author">Agency</p>', ("news.example",)),
        ((), "<p>By Anna Berg, in Travel · 12 March</p>", ("Anna Berg",)),
        ((), "<p>By the end of the year all will be well</p>", ()),
        (("BR24 Redaktion",), "", ("BR24 Redaktion",)),
        ((), "<p>（中央社記者王小明台北5日電）</p>", ()),
        ((), "<p>記者 王小明</p>", ("王小明",)),
        (("Redacci&oacute;n Central",), "", ("Redacción Central",)),
        (("Anna Berg, MA",), "", ("Anna Berg",)),
        ((), '<p class="byline">By Anna Berg May 20, 2016</p>', ("Anna Berg",)),
        ((), '<p class="byline">Written by Anna Berg Edited by Ben Cole</p>', ("Anna Berg",)),
        (("No Author",), "", ()),
        (("Agent 99",), "", ("Agent 99",)),
        (("Anna May Berg",), "", ("Anna May Berg",)),
    ],
)
def test_authors(stated: tuple[str, ...], shown: str, expected: tuple[str, ...]) -> None:
    article = read(told("A headline of this page", *stated), f"<h1>A headline of this page</h1>{shown}{BODY}")
    assert article.authors == expected


IMAGE = '<meta property="og:image" content="https://cdn.example/2024/minister-arrives.jpg">'


@pytest.mark.parametrize(
    "shown",
    [
        '<figure><img src="/2024/minister-arrives-300x200.jpg"></figure><h1>A headline</h1>',
        '<h1>A headline</h1><a href="/2024/minister-arrives-300x200.html"><img src="/2024/minister-arrives.jpg"></a>',
        '<h1>A headline</h1><div style="background: url(https://cdn.example/2024/minister-arrives.jpg)"></div>',
        '<h1>A headline</h1><x-image data-src="https://cdn.example/2024/minister-arrives.jpg"></x-image>',
        '<h1>A headline</h1><div role="button"><img src="/2024/minister-arrives.jpg"></div>',
    ],
)
def test_the_lead_picture_is_found(shown: str) -> None:
    article = read(IMAGE, f"<article>{shown}{BODY}</article>")
    assert [picture.url.rpartition("/")[2].startswith("minister-arrives") for picture in article.pictures] == [True]
    assert article.pictures[0].lead


def test_an_address_that_a_script_fills_in_is_no_picture() -> None:
    image = (
        """<img src="/blank.gif" data-image="{'url':'https://cdn.example/a/picture_w-**width**.jpg'}">"""
        '<noscript><img src="https://cdn.example/a/picture_w-800.jpg"></noscript>'
    )
    article = read("", f"<h1>A headline</h1><article><figure>{image}</figure>{BODY}</article>")
    assert [picture.url for picture in article.pictures] == ["https://cdn.example/a/picture_w-800.jpg"]


def test_the_shown_rendition_wins_over_the_one_for_a_light_box() -> None:
    image = '<img src="https://cdn.example/a/shown.jpg" data-full-src="https://cdn.example/a/other.jpg">'
    article = read("", f"<h1>A headline</h1><article><figure>{image}</figure>{BODY}</article>")
    assert article.pictures[0].url == "https://cdn.example/a/shown.jpg"
    assert article.pictures[0].candidates == ("https://cdn.example/a/other.jpg",)


@pytest.mark.parametrize(
    ("before", "behind"),
    [("", ""), ("/* <![CDATA[ */\n", "\n/* ]]> */"), ("<!--", "-->"), ("// data\n", ";"), ("<![CDATA[", "]]>")],
)
def test_json_is_read_within_the_marks_around_it(before: str, behind: str) -> None:
    data = '{"@type":"NewsArticle","headline":"A headline of this page","author":{"name":"Anna Berg"}}'
    article = read(f'<script type="application/ld+json"> {before} {data} {behind} </script>', BODY)
    assert (article.title, article.authors) == ("A headline of this page", ("Anna Berg",))


@pytest.mark.parametrize(
    ("head", "body", "authors"),
    [
        (
            '<meta name="twitter:label1" content="Verfasst von"><meta name="twitter:data1" content="Anna Berg">',
            f"<h1>T</h1>{BODY}",
            ("Anna Berg",),
        ),
        (
            '<meta name="twitter:label1" content="Est. reading time"><meta name="twitter:data1" content="Six minutes">',
            f"<h1>T</h1>{BODY}",
            (),
        ),
        ("", f'<h1>T</h1><div>{BODY}</div><div class="story-author">Auteur: <a>Anna Berg</a></div>', ("Anna Berg",)),
        ("", f'<div class="author">Anna Berg</div><h1>T</h1>{BODY}', ("Anna Berg",)),
        ("", f"<h1>T</h1><div>Posted on September 21, 2020 by Anna Berg</div>{BODY}", ("Anna Berg",)),
        ("", f'<h1>T</h1><div>{BODY}</div><div class="comments"><b class="author">Anna Berg</b></div>', ()),
        ("", f'<h1>T</h1><div>{BODY}</div><div class="related"><b class="author">Anna Berg</b></div>', ()),
        ("", f'<h1>T</h1><div>{BODY}</div><p class="author">责任编辑：张申</p>', ()),
    ],
)
def test_authors_around_the_article(head: str, body: str, authors: tuple[str, ...]) -> None:
    assert read(head, body).authors == authors


@pytest.mark.parametrize(
    ("first", "authors"),
    [
        ("新华社巴黎12月9日电（记者唐霁）法国9日再次爆发全国跨行业大罢工。", ("唐霁",)),
        ("中新社北京5月1日电 (记者 李明 王小红)多个城市的学校停课。", ("李明", "王小红")),
        ("人民网北京5月1日电 （记者 李　明、王小红）多个城市的学校停课。", ("李明", "王小红")),
        ("长江网5月1日讯（记者陈智 通讯员李小明 整合）多个城市的学校停课。", ("陈智", "李小明")),
        ("本报北京5月1日讯（本报记者张三）多个城市的学校停课。", ("张三",)),
        ("中央社記者李明台北1日電：多個城市的學校停課。", ()),
        ("多个城市的学校停课。他接受电话采访（记者唐霁在场）时说。", ()),
    ],
)
def test_the_reporter_of_a_chinese_agency(first: str, authors: tuple[str, ...]) -> None:
    text = "多个城市的学校和幼儿园发出停课通知，交通、教育等行业都将受到影响，工会号召继续举行罢工。"
    assert (
        read("", f"<h1>大罢工影响交通</h1><div><p>{first}{text}</p><p>{text}</p><p>{text}</p></div>").authors == authors
    )
