"""Clocks as outlets show them."""

from zoneinfo import ZoneInfo

import pytest

from baoguan.extract.article import extract_article
from baoguan.extract.clocks import read_clock

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023年7月11日 17:42", "2023-07-11T17:42:00+08:00"),
        ("2023年7月11日 下午5:42", "2023-07-11T17:42:00+08:00"),
        ("令和5年7月11日 17時42分", "2023-07-11T17:42:00+08:00"),
        ("令和元年7月11日", "2019-07-11T00:00:00+08:00"),
        ("11/07/2023 - 09:42", "2023-07-11T09:42:00+08:00"),
        ("2023-07-11T09:42:28Z", "2023-07-11T09:42:28+00:00"),
        ("2023/07/11 17:42", "2023-07-11T17:42:00+08:00"),
        ("2023年07月11日（火） 17:42", "2023-07-11T17:42:00+08:00"),
        ("民國112年7月11日", "2023-07-11T00:00:00+08:00"),
        ("11-07-2023T09:42:28+0200", "2023-07-11T09:42:28+02:00"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    clock = read_clock(text, "text", SHANGHAI)
    assert clock is not None
    assert clock.at.isoformat() == expected


SENTENCE = "A long enough sentence of the article, which says what happened and where it did."


@pytest.mark.parametrize(
    ("page", "url", "source", "day"),
    [
        ('<meta property="article:published_time" content="2021-02-03T04:05:00+01:00">', "", "meta", "2021-02-03"),
        ('<h1>T</h1><time datetime="2021-02-03T04:05:00Z">x</time>', "", "time", "2021-02-03"),
        ("<h1>T</h1><div>发布时间：2021-02-03 04:05</div>", "", "text", "2021-02-03"),
        (
            '<meta property="article:published" itemprop="datePublished dateCreated" content="2021-02-03T04:05:00Z">',
            "",
            "meta",
            "2021-02-03",
        ),
        (
            '<meta property="x" itemprop="datePublished dateCreated" content="2021-02-03T04:05:00Z">',
            "",
            "meta",
            "2021-02-03",
        ),
        ('<meta name="firstpublishedtime" content="2021-02-03-23:59:59">', "", "meta", "2021-02-03"),
        ('<h1>T</h1><abbr class="published" title="2021-02-03T04:05:00+01:00">3. 2.</abbr>', "", "time", "2021-02-03"),
        (
            '<h1>T</h1><span itemprop="datePublished" content="2021-02-03T04:05:00Z">today</span>',
            "",
            "time",
            "2021-02-03",
        ),
        ('<script>var a = 1; var ct = "1612325100";</script><h1>T</h1>', "", "text", "2021-02-03"),
        ("<h1>T</h1>", "/2021/02/03/story.html", "url", "2021-02-03"),
        ("<h1>T</h1>", "/a/20210203-story", "url", "2021-02-03"),
    ],
)
def test_sources(page: str, url: str, source: str, day: str) -> None:
    body = f"{page}<p>{SENTENCE}</p><p>{SENTENCE}</p>".encode()
    article = extract_article(body, url=f"https://x.example{url}", zone="Asia/Shanghai")
    assert article.published is not None
    assert article.published.source == source
    assert article.published.at.date().isoformat() == day
    assert (article.published.precision == "day") == (source == "url")


TEASERS = "".join(f"<div><span>{day}.01.2022</span><h3>Another headline of the day</h3></div>" for day in range(10, 20))


@pytest.mark.parametrize(
    ("before", "behind", "day"),
    [
        ("<p>03.02.2022</p><h1>T</h1>", "", "2022-02-03"),
        ('<div class="pubdate">3. Feb. 2022</div><div>A line</div><h1>T</h1>', TEASERS, "2022-02-03"),
        ("<h1>T</h1>", '<p class="meta">Erstellt am Donnerstag, 3. Februar 2022 um 23:30</p>', "2022-02-03"),
        ("<h1>T</h1>", "<div>发布日期：2022-02-03 14:34:05</div>", "2022-02-03"),
        ("<h1>T</h1>", "<p>입력 2022년 2월 3일</p>", "2022-02-03"),
        # What a sentence tells of another day counts less than the day that stands by itself, and a caption's too.
        (f"<p>03.02.2022</p><h1>T</h1><p>On 5 May 1975 somebody was born. {SENTENCE}</p>", "", "2022-02-03"),
        (
            "<div>03.02.2022</div><h1>T</h1><div>Soldiers in a trench near the town, 24 April 2020</div>",
            "",
            "2022-02-03",
        ),
        # The top of every page shows the day of the visit.
        ('<header><div class="date">03.02.2022</div><a href="/">Gazette</a></header><h1>T</h1>', "", ""),
        ('<div class="topbar"><span class="date">2022-02-03</span></div><h1>T</h1>', "", ""),
        ('<div class="current-date">2022-02-03</div><h1>T</h1>', "", ""),
        ('<header><div class="date">03.02.2022</div><h1>T</h1></header>', "", "2022-02-03"),
        # Comments and footers have their own.
        ("<h1>T</h1>", '<div class="comments"><p class="date">03.02.2022</p></div><footer>2022-02-03</footer>', ""),
    ],
)
def test_around_the_article(before: str, behind: str, day: str) -> None:
    body = f"<body>{before}<div><p>{SENTENCE}</p><p>{SENTENCE}</p></div>{behind}</body>".encode()
    clock = extract_article(body, url="https://x.example/a").published
    assert (clock.at.date().isoformat() if clock else "") == day


@pytest.mark.parametrize(
    ("language", "shown", "day"),
    [
        ("en-US", "03/04/2020", "2020-03-04"),
        ("en-US", "23/04/2020", "2020-04-23"),
        ("en-GB", "03/04/2020", "2020-04-03"),
        ("de", "03.04.2020", "2020-04-03"),
        ("en-US", "03.04.2020", "2020-04-03"),
    ],
)
def test_americans_put_the_month_first(language: str, shown: str, day: str) -> None:
    page = f'<html lang="{language}"><body><h1>T</h1><div>{shown}</div><p>{SENTENCE}</p></body></html>'
    clock = extract_article(page.encode(), url="https://x.example/a").published
    assert clock is not None
    assert clock.at.date().isoformat() == day


def test_the_canonical_address_names_the_day() -> None:
    page = f'<link rel="canonical" href="https://x.example/blog/2021/02/03/t/"><h1>T</h1><p>{SENTENCE}</p>'.encode()
    clock = extract_article(page, url="https://x.example/?p=1").published
    assert clock is not None
    assert (clock.source, clock.precision, clock.at.date().isoformat()) == ("url", "day", "2021-02-03")


@pytest.mark.parametrize("text", ["1988", "2021-03"])
def test_a_year_is_no_day(text: str) -> None:
    assert read_clock(text, "meta", None) is None


def test_no_clock_is_none() -> None:
    assert extract_article(b"<h1>T</h1><p>text</p>", url="https://x.example/a").published is None
