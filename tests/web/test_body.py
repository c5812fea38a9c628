"""Bodies as shown: nothing that runs, nothing asked of another host, whatever stands in the record."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from lxml import html as lxml_html
from markupsafe import Markup, escape

from baoguan.model.log import MediaRef
from baoguan.web import safety
from baoguan.web.body import BodyStyle, show_body
from baoguan.web.safety import clean
from baoguan.web.templating import Templates, text_of

SHA = "ab" + "0" * 62
KEPT = MediaRef(url="https://img.example/a.jpg", sha256=SHA, path=f"media/ab/{SHA}.jpg", width=900, height=600)
STYLE = BodyStyle(no_picture="not kept")


def test_a_kept_picture_comes_from_the_archive_with_its_size() -> None:
    shown = show_body(f'<p>a<img src="../../../../../media/ab/{SHA}.jpg" alt="x &amp; y"></p>', [KEPT], STYLE)
    assert shown.html == (
        f'<p>a<img src="/media/ab/{SHA}.jpg" alt="x &amp; y" width="900" height="600" fetchpriority="high"></p>'
    )
    assert (shown.pictures, shown.missing) == (1, 0)


def test_a_late_picture_takes_the_place_of_its_origin() -> None:
    shown = show_body('<img src="https://img.example/a.jpg">' * 2, [KEPT], STYLE)
    assert shown.html.count(f'src="/media/ab/{SHA}.jpg"') == 2
    assert shown.html.count("loading=") == 1


def test_a_picture_that_is_not_kept_is_a_link() -> None:
    shown = show_body('<img src="https://img.example/b.jpg?a=1&amp;b=2" alt="&lt;b>">', [KEPT], STYLE)
    assert "<img" not in shown.html
    assert '<a href="https://img.example/b.jpg?a=1&amp;b=2" rel="noopener noreferrer nofollow">' in shown.html
    assert "not kept: &lt;b&gt;" in shown.html
    assert shown.missing == 1


def test_no_link_within_a_link() -> None:
    shown = show_body('<a href="https://o.example/"><img src="https://img.example/b.jpg"></a>', [], STYLE)
    assert shown.html.count("<a ") == 1


def test_a_link_to_a_kept_picture_leads_there() -> None:
    html = show_body(f'<a href="../../media/ab/{SHA}.jpg">x</a>', [KEPT], STYLE).html
    assert html.startswith(f'<a href="/media/ab/{SHA}.jpg" ')


def test_feeds_get_absolute_addresses() -> None:
    style = BodyStyle(base="https://r.example", no_picture="-", eager_first=False)
    shown = show_body(f'<img src="../media/ab/{SHA}.jpg">', [KEPT], style)
    assert f'src="https://r.example/media/ab/{SHA}.jpg"' in shown.html


def test_a_second_title_becomes_a_heading() -> None:
    assert show_body('<h1 lang="ja">t</h1>', [], STYLE).html == '<h2 lang="ja">t</h2>'


def test_sizes_of_the_record_serve_where_the_file_has_none() -> None:
    bare = MediaRef(url="", path=KEPT.path)
    assert ' width="3" height="4"' in show_body(f'<img src="{KEPT.path}" width="3" height="4">', [bare], STYLE).html
    assert "width" not in show_body(f'<img src="{KEPT.path}" width="3" height="50%">', [bare], STYLE).html


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    f'<img src="media/ab/{SHA}.jpg" onerror="alert(1)" style="x" srcset="https://e.example/x 2x">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="  java\nscript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src='https://e.example/'></iframe><object data='https://e.example/'></object>",
    "<video src='https://e.example/v' poster='https://e.example/p'></video>",
    "<link rel=stylesheet href='https://e.example/s.css'><style>@import 'https://e.example/s.css'</style>",
    "<form action='https://e.example/'><input name=a></form>",
    "<base href='https://e.example/'><meta http-equiv=refresh content='0;url=https://e.example'>",
    "<a title='<img alt=' href='https://x.example/ onerror=alert(1)>'>x</a>",
    "<td lang='\"><img src=https://e.example/x>'>x",
    "<img src='//e.example/x.png'><img src='/media/../../state/x'><img src='data:image/png;base64,AA'>",
    f"<img src='https://e.example/media/ab/{SHA}.jpg'>",
    f"<img src='//e.example/media/ab/{SHA}.jpg'>",
    f"<img src='javascript:/media/ab/{SHA}.jpg'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><img src=x onerror=alert(1)></template>",
    "<p>" * 3000 + "x",
]


def check(html: str) -> None:
    tree = lxml_html.fragment_fromstring(html, create_parent="div")
    for node in tree.iter():
        assert node.tag not in ("script", "style", "svg", "math", "iframe", "object", "video", "form", "link", "meta")
        for name, value in node.attrib.items():
            assert not name.lower().startswith("on"), html
            assert name not in ("style", "srcset", "poster", "background"), html
            if name == "src":
                assert re.fullmatch(r"/media/[0-9a-f]{2}/[0-9a-f]{64}\.\w+", value), html
            if name == "href":
                assert re.match(r"https?://|mailto:|/media/", value), html


@pytest.mark.parametrize("html", HOSTILE)
def test_hostile_bodies_run_nothing_and_ask_nothing(html: str) -> None:
    check(show_body(html, [KEPT], STYLE).html)


PIECES = st.sampled_from(
    (
        *HOSTILE[:-1],
        *("<", ">", '"', "'", "=", "&quot;", "&lt;img src=https://e.example&gt;", " ", "<p>", "</p>", "<a href='"),
        *(
            "<img src=",
            "<img alt='",
            "https://e.example/x.jpg",
            "</a>",
            "<h1>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "林",
        ),
    )
)


@given(parts=st.lists(PIECES, max_size=12))
def test_no_mixture_of_pieces_gets_through(parts: list[str]) -> None:
    check(show_body("".join(parts), [KEPT], STYLE).html)


@given(
    st.lists(
        st.sampled_from(
            ["<p>", "</p>", "\n", "a", "国", "&amp;", "&nbsp;", "&", "<br>", "<", '"', "\xa0", "\u2028", "\t"]
        )
    )
)
def test_paragraphs_of_words_need_no_parser(pieces: list[str]):
    for html in ("".join(pieces), f"<p>{''.join(pieces)}</p>"):
        assert clean(html) == safety._CLEANER.clean(html)


@pytest.mark.parametrize("value", ["国家", "a<b>&\"'", "", Markup("<b>"), 7, None, 1.5, [1, "<"]])
def test_templates_escape_as_markupsafe_does(value: object):
    assert str(text_of(value)) == str(escape(value))
    templates = Templates(autoescape=True)
    source = "{{ v }}{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{{ m(v) }}{% for one in [v] %}{{ one }}{% endfor %}"
    assert templates.from_string(source).render(v=value) == Environment(autoescape=True).from_string(source).render(
        v=value
    )
