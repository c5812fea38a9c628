"""The sanitiser: nothing active gets out, a second parser agrees, and the news stays."""

import os
import random
import re
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from baoguan.publish.ancestor import parse_ancestor
from baoguan.text import html as subject
from baoguan.text import sanitise
from baoguan.text.html import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, clean_body, gate, is_proven, plain_text
from baoguan.unpacking import legacy_path, walk_tar

BASE = "https://news.example/a/1.html"
HOSTILE = [
    "<script>alert(1)</script>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--",
    "<img src=javascript:alert(1)>",
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    "<iframe srcdoc='<script>x</script>'></iframe>",
    "<object data=x>y</object>",
    "<form><input value=x><p>q</p></form>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<p style='background:url(javascript:x)'>z</p>",
    '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
    "<template><script>x</script></template>",
    "<!--><img src=x onerror=y>-->",
    "<textarea></textarea><img src=x onerror=y>",
    "<table><a href=//e.example>x<tr><td>y",
    "<b><p>a<i>b</b>c</i>",
    "<pre>\n\na</pre>",
    "<ruby>漢<rt>かん</rt></ruby>",
    "<ul>x<li>a<ul><li>b</ul></ul>",
    "<figure><figcaption>c</figcaption><img src=/a.jpg></figure>",
    "<h2><img src=/b.jpg>t</h2>",
    "&#0;&#13;&nbsp;&lt;script&gt;",
    "<a href=//e.example><a href=/x>y</a>",
    "<dl><dt>a<dd>b</dl>",
]
ACTIVE = re.compile(
    r"<(?:script|style|svg|math|iframe|object|form|input|template)|\son\w+=|(?:src|href)=\"(?!https?://)"
)


def ungated(pieces: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patch:
        patch.setattr(subject, "gate", lambda html: html)
        return clean_body(pieces, BASE).html


@pytest.mark.parametrize("piece", HOSTILE)
def test_nothing_active_gets_out(piece: str) -> None:
    assert not ACTIVE.search(re.sub(r">[^<]*<", "><", clean_body(f"<p>x</p>{piece}<p>y</p>", BASE).html))


@settings(max_examples=300)
@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(alphabet="<>/abp \n\"'=&字", max_size=12)), max_size=12))
def test_a_second_parser_reads_the_same(pieces: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        html = ungated("".join(pieces), patch)
    assert gate(html) == html
    again = clean_body("".join(pieces), BASE)
    assert again == clean_body("".join(pieces), BASE)
    assert plain_text(again.html) == again.text
    assert all(picture.url.startswith("https://") for picture in again.pictures)


_DAMAGE = [
    *("<", ">", "</p>", "<p>", "<b>", "</b>", "<div>", "</div>", '<div class="caption">', "<small>", "<br>", "<o:p>"),
    *(
        "&",
        "&#0;",
        "&#x1f;",
        "&nbsp;",
        "&lt;",
        "&#10;",
        "\x00",
        "\x0b",
        "\x0c",
        "\r",
        "\n",
        "\t",
        "  ",
        "\xa0",
        "\u3000",
    ),
    *("<!--", "-->", "<![CDATA[", "]]>", "<script>", "</script>", "<svg>", "<style>", "<template>", "<plaintext>"),
    *("<table>", "<tr>", "<td>", "<pre>", "<li>", "<ul>", "<h2>", "<figure>", "<figcaption>", "<img src=x.jpg>"),
    *(
        '<p style="display:none">',
        "<p hidden>",
        '<p class="share-bar">',
        "<a href=javascript:x>",
        "<a href=/x>",
        "\ufffe",
    ),
]


def damaged(html: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(html) + 1)
        html = html[:at] + chance.choice([*_DAMAGE, html[at : at + 60]]) + html[at + chance.choice((0, 0, 0, 5)) :]
    return html


def assert_no_short_cut(html: str) -> None:
    """A paragraph that is written at once has the same bytes as one that is opened, filled and closed."""
    quick = clean_body(html, BASE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sanitise, "_is_paragraph", lambda *_: False)
        assert clean_body(html, BASE) == quick


def test_paragraphs_at_once_are_as_by_the_long_way() -> None:
    chance = random.Random(2020)
    pieces = [
        *HOSTILE,
        *(
            "<p>字 a</p>",
            "<p class=x> b  c</p>",
            "<div><p>e\nf</p></div>",
            "<div>g</div>",
            "<p>\xa0</p>",
            "<p>h<b>i</b></p>",
        ),
        *("<img src=/j.jpg>", "<div class=caption>k</div>", "<div><small>l</small></div>", "<h2><div>m</div></h2>"),
        *(
            "<b><p>n</p><p>o</p></b>",
            "<li><p>q</p><p>r</p></li>",
            "<pre><p>s</p>  t</pre>",
            "<figcaption><p>u</p></figcaption>",
        ),
    ]
    for _ in range(1_500):
        assert_no_short_cut(damaged("".join(chance.choices(pieces, k=chance.randint(1, 9))), chance))


def test_paragraphs_at_once_in_real_bodies() -> None:
    source = Path(os.environ.get("BAOGUAN_SHARED", "../shared")) / "data/records/waimei-64542.tar.zst"
    if not source.exists():
        pytest.skip("needs BAOGUAN_SHARED")
    chance = random.Random(64542)
    files = ((kept, data) for name, data in walk_tar(source) if (kept := legacy_path(name)) and isinstance(data, bytes))
    for kept, data in islice(files, 0, 6_000, 15):
        body = parse_ancestor(data, kept).body_html
        assert_no_short_cut(body)
        assert_no_short_cut(damaged(body[:5_000], chance))


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ('<img src="https://images.weserv.nl?url=h.example/a.jpg">', "https://h.example/a.jpg"),
        ('<img src="https://images.weserv.nl/?url=h.example/a.jpg">', "https://h.example/a.jpg"),
        ('<img src="/img/a.jpg">', "https://news.example/img/a.jpg"),
        ('<img src="data:image/gif;base64,R0" data-src="//h.example/a.jpg">', "https://h.example/a.jpg"),
        ('<img class=lazy src=/blank.gif data-original="/a.jpg">', "https://news.example/a.jpg"),
        ('<amp-img src="/a.jpg" width=3 height=4></amp-img>', "https://news.example/a.jpg"),
        ('<noscript><img src="/a.jpg"></noscript>', "https://news.example/a.jpg"),
        ('<picture><source srcset="/s.webp 300w, /l.webp 900w"><img></picture>', "https://news.example/l.webp"),
    ],
)
def test_pictures_are_resolved(image: str, url: str) -> None:
    body = clean_body(f"<div>{image}</div>", BASE)
    assert [picture.url for picture in body.pictures] == [url]
    assert f'src="{url}"' in body.html


def test_captions_of_the_ancestors() -> None:
    body = clean_body('<img src="/a.jpg"><div><small style="color: #999;">说明 &amp; x</small></div><p>文</p>', BASE)
    assert body.html.startswith(
        '<figure><img src="https://news.example/a.jpg" alt=""><figcaption>说明 &amp; x</figcaption></figure>'
    )
    assert (body.pictures[0].caption, body.pictures[0].lead, body.text) == ("说明 & x", True, "文")


def test_junk_is_dropped() -> None:
    source = (
        '<img src="//h.example/t.gif" width=1 height=1><p> </p><p>&nbsp;</p>'
        '<div class="sharedaddy">share</div><p>news</p>'
        '<br><hr><div>获取更多RSS：<br><a href="https://feedx.net">https://feedx.net</a></div>'
    )
    assert clean_body(source, BASE).html == "<p>news</p>"


def test_words_do_not_fuse_and_cjk_lines_join() -> None:
    assert clean_body("<div>one</div><div>two<p>three</div>four", BASE).text == "one\ntwo\nthree\nfour"
    assert clean_body("<p>中\n 文 and\nmore</p>", BASE).text == "中文 and more"


def test_frames_and_films_become_links() -> None:
    body = clean_body(
        '<iframe src="https://v.example/1"></iframe><video poster=/p.jpg src=/v.mp4></video><p>x</p>', BASE
    )
    assert [(embed.kind, embed.url) for embed in body.embeds] == [
        ("frame", "https://v.example/1"),
        ("video", "https://news.example/v.mp4"),
    ]
    assert body.pictures[0].url == "https://news.example/p.jpg"
    assert body.text == "x"


def test_tracking_parameters_leave_links() -> None:
    assert (
        'href="https://e.example/a?id=1#f"'
        in clean_body('<a href="https://e.example/a?id=1&utm_source=x#f">y</a>', BASE).html
    )


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 100_000 + "x",
        "<b><p>" * 20_000,
        "<table><tr><td>" * 20_000,
        "<ul><li>" * 50_000 + "x",
        "x" * 5_000_000,
    ],
)
def test_hostile_sizes_end(source: str) -> None:
    body = clean_body(source, BASE)
    assert len(body.html) < 2 * len(source) + 100
    assert gate(body.html) == body.html


_PARTS = [
    *(
        "<p>",
        "</p>",
        '<a href="https://a.example/?q=1&amp;b">',
        "</a>",
        "<b>",
        "</b>",
        "<li>",
        "<h2>",
        "<br>",
        "&lt;script&gt;",
    ),
    *(
        '<img src="https://a.example/x.jpg" alt="1 &quot; 2" width="3">',
        '<time datetime="2020-11-17T00:00:00+01:00">',
        "</time>",
        "</p>\n<p>",
        "<ul>",
        "</ul>",
        "<blockquote>",
        "字",
        "\n",
        "&nbsp;",
    ),
    *("<", ">", "&", '"', "<script>", "<!--", "-->", "<svg>", "javascript:", " onclick=x", "<style>", "<a href='x'>"),
    *("</script", "<img src=x onerror=y>", "<title>", "<textarea>", "\x00", '<a href="javascript:x">', '<p style="x">'),
]


@given(st.lists(st.one_of(st.sampled_from(_PARTS), st.text(max_size=4)), max_size=10))
@settings(max_examples=400, deadline=None)
def test_in_what_is_proven_no_parser_finds_anything_else(parts: list[str]) -> None:
    html = "".join(parts)
    if not is_proven(html):
        return
    body = LexborHTMLParser(f"<body>{html}").body
    assert body is not None
    for node in body.traverse(include_text=False):
        if node is not body and node.tag != "body":
            assert node.tag in ALLOWED_TAGS
            assert set(node.attributes) <= ALLOWED_ATTRIBUTES.get(node.tag or "", set())
    assert "<script" not in gate(html)
    assert not re.search("javascript:|onerror|onclick", " ".join(re.findall("<[^>]*>", gate(html))))


@pytest.mark.parametrize(
    "html",
    [
        *(one for one in HOSTILE if "=" in one or not set(re.findall(r"</?(\w+)", one)) <= ALLOWED_TAGS),
        '<a href="https://a.example" onclick="x">',
        '<a href="//a.example">',
        '<a href="data:text/html,x">',
        '<img src="https://a.example/" alt="a" onerror="x">',
        '<img src="https://user@a.example/" alt="">',
        '<a href="https://xn--a.example/">',
        '<a href="https://1.2.3.999/">',
        "<P>",
        "<p >",
        "a\x00b",
        "a & b",
        '<time id="x">',
        '<time datetime="&quot;x">',
        '<time datetime="2020"onclick=x>',
    ],
)
def test_anything_odd_is_not_proven(html: str) -> None:
    assert not is_proven(html)
