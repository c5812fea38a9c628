"""The clean body that is written straight from the flat page is the one that the kept mark-up, sanitised, gives."""

import pytest

from baoguan.extract.article import MAX_BODY, Hints, read_page
from baoguan.text.html import clean_body

URL = "https://x.example/a"
LONG = "A sentence of the article, which is long enough to be taken for one; it goes on for a while. "
PARTS = {
    "inline": f"<p>{LONG}<b>bold <i>both</i></b> <a href='/b?utm_source=x'>link</a> &amp; &lt;x&gt; a&nbsp;b</p>",
    "left out": f"<p>{LONG} before<span class='newsletter'>sign up</span> after <button>x</button> the end.</p>",
    "picture in a paragraph": f"<p>{LONG}<img src=/one-photo.jpg alt=A width=640 height=400> and more {LONG}</p>",
    "caption": "<figure><img src=/two-photo.jpg><figcaption>What it shows. Photo: Reuters</figcaption></figure>",
    "lone small": "<div><img src=/three-photo.jpg></div><div><small>Small print beside it</small></div>",
    "list": f"<ul><li>{LONG}</li><li><p>{LONG}</p><ol start=3><li>deep</li></ol></li></ul>",
    "table": f"<table><tr><th colspan=2>head</th></tr><tr><td>{LONG}</td><td>two</td></tr></table>",
    "film": "<video src=/film.mp4 poster=/film.jpg><source src=/other.mp4>none</video>"
    "<iframe src=//v.example/e></iframe>",
    "quote": f"<blockquote><p>{LONG}</p></blockquote><pre>\n  code  here\n</pre><hr><h1>again</h1><h3>Heading</h3>",
    "ruby": f"<p>{LONG}<ruby>漢<rt>kan</rt></ruby><br><br>{LONG}<time datetime=2024-01-01>day</time></p>",
    "controls": f"<p>{LONG}a&#1;b\x7f</p><p><a href='/x&#2;y'>{LONG}</a> {LONG}</p>",
    "own elements": f"<x-wrap><x-part>{LONG}</x-part></x-wrap>{LONG}",
}


@pytest.mark.parametrize("name", [*PARTS, "all"])
def test_written_as_sanitised(name: str) -> None:
    part = "".join(PARTS.values()) if name == "all" else PARTS[name]
    page = f"<html><body><h1>T</h1><article><p>{LONG * 3}</p>{part}<p>{LONG * 3}</p></article></body></html>"
    reading = read_page(page.encode(), Hints(url=URL))
    again = clean_body(reading.raw, URL)
    assert (reading.article.body_html, reading.text) == (again.html, again.text)
    assert reading.article.embeds == again.embeds


def test_a_picture_out_of_a_tables_row_goes_before_the_table() -> None:
    row = "<tr><td><img src=/big-photo.jpg></td><td>words beside</td></tr>"
    page = (
        f"<h1>T</h1><article><p>{LONG * 3}</p><table>{row * 2}<tr><td>{LONG}</td></tr></table><p>{LONG}</p></article>"
    )
    article = read_page(page.encode(), Hints(url=URL)).article
    assert [picture.url for picture in article.pictures] == ["https://x.example/big-photo.jpg"]
    assert article.body_html.index("<figure>") < article.body_html.index("words beside")


def test_a_long_body_is_cut_and_says_so() -> None:
    page = f"<h1>T</h1><article>{f'<p>{LONG}</p>' * 6000}</article>"
    article = read_page(page.encode(), Hints(url=URL)).article
    assert "page cut at its cap" in article.reasons
    assert len(article.body_html) <= MAX_BODY + 1000
