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


def test_no_clock_is_none() -> None:
    assert extract_article(b"<h1>T</h1><p>text</p>", url="https://x.example/a").published is None
