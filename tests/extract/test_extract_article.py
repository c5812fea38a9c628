"""Made-up pages in the shapes that outlets use -> the Article that a reader would see."""

from datetime import date, timedelta

import pytest

from baoguan.extract.article import Hints, explain, extract_article, raw_body
from baoguan.extract.rules import choose_rules
from baoguan.model.outlet import Outlet, RuleVersion
from baoguan.text.html import clean_body

TEXT = [
    "The council voted on Monday to keep the old harbour open, after months of argument in the town hall.",
    "Fishermen who had feared for their berths said that they were relieved, but that the details mattered more.",
    "A second vote, on the money for the new quay, is due in the spring; the mayor expects that it will be close.",
]
FIGURE = (
    '<figure><img src="data:image/gif;base64,AA" data-src="/img/harbour.jpg" width="900" height="600" alt="Harbour">'
    '<figcaption>Boats in the old harbour <span class="credit">Photo: A. Nn</span></figcaption></figure>'
)
PAGE = f"""<!doctype html><html lang="en"><head><title>Harbour stays open | The Gazette</title>
<meta property="og:title" content="Harbour stays open"><meta property="og:site_name" content="The Gazette">
<meta property="og:type" content="article"><link rel="canonical" href="https://gazette.example/harbour">
<script type="application/ld+json">{{"@graph":[{{"@type":"NewsArticle","headline":"Harbour stays open",
"datePublished":"2023-07-11T17:42:00+08:00",
"dateModified":"2023-07-11T19:00:00+08:00","articleSection":"Local",
"author":[{{"@type":"Person","name":"Ann Example"}},
{{"@id":"#b"}}]}},{{"@type":"Person","@id":"#b","name":"Ben Other"}}]}}
</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport</a></li></ul></nav>
<div class="cookie-consent"><p>{"We use cookies, as all sites do, and ask you to agree to all of them. " * 30}</p></div>
<main><article><h1>Harbour stays open</h1><p class="standfirst">Councillors vote for the boats after a long night.</p>
{FIGURE}<div class="article-body"><p>{TEXT[0]} <a href="/earlier?utm_source=x">Earlier report</a></p>
<div class="related-articles"><h3>Related</h3><a href="/a">
<img src="/img/other.jpg" width="300" height="200">Other story</a></div>
<p>{TEXT[1]}</p><aside class="newsletter"><p>Sign up for our newsletter, it is free and comes each day.</p></aside>
<p onclick="x()">{TEXT[2]}</p><video src="/v.mp4"></video></div></article></main>
<article><h2><a href="/next">Next article</a></h2>
<p>{"Another story that stands below the first one, and is longer. " * 6}</p></article>
<footer><p>Copyright The Gazette, all rights reserved, since 1900.</p></footer></body></html>"""


def read(page: str, **more: object):
    return extract_article(page.encode(), url="https://gazette.example/2023/07/11/harbour", **more)  # type: ignore[arg-type]


def test_whole_article() -> None:
    article = read(PAGE)
    assert article.kind == "article"
    assert article.confidence > 0.6
    assert article.title == "Harbour stays open"
    assert article.authors == ("Ann Example", "Ben Other")
    assert article.section == "Local"
    assert article.language == "en"
    assert article.canonical_url == "https://gazette.example/harbour"
    assert article.published is not None
    assert article.published.at.isoformat() == "2023-07-11T17:42:00+08:00"
    assert (article.published.source, article.published.zone_assumed) == ("jsonld", False)
    assert article.modified is not None
    for sentence in (*TEXT, "Councillors vote for the boats"):
        assert sentence in article.body_html
    for junk in ("cookies", "newsletter", "Other story", "Another story", "Copyright", "Sport", "onclick"):
        assert junk not in article.body_html


def test_pictures_captions_embeds() -> None:
    article = read(PAGE)
    lead = article.pictures[0]
    assert lead.url == "https://gazette.example/img/harbour.jpg"
    assert lead.lead
    assert lead.caption.startswith("Boats in the old harbour")
    assert "A. Nn" in lead.credit
    assert not any("other.jpg" in picture.url for picture in article.pictures)
    assert f'src="{lead.url}"' in article.body_html
    assert [embed.url for embed in article.embeds] == ["https://gazette.example/v.mp4"]


def test_body_is_in_normal_form() -> None:
    article = read(PAGE)
    assert clean_body(article.body_html, article.url).html == article.body_html
    assert read(PAGE) == article


def test_short_chinese_flash_is_an_article() -> None:
    flash = (
        "新华社北京7月11日电，据中国地震台网测定，今日17时42分在四川某地发生5.1级地震，"
        "震源深度10千米，目前暂无人员伤亡报告，救援队伍已经出发前往震中。"
    )
    head = "<title>四川发生5.1级地震</title><h1>四川发生5.1级地震</h1>"
    page = f"{head}<div>2023年7月11日 17:42</div><div class=content>{flash}</div>"
    article = read(page, zone="Asia/Shanghai")
    assert article.kind == "article"
    assert flash in article.body_html
    assert article.language == "zh-Hans"
    assert article.published is not None
    assert article.published.at.strftime("%Y-%m-%d %H:%M") == "2023-07-11 17:42"
    assert article.published.at.utcoffset() == timedelta(hours=8)
    assert article.published.zone_assumed


LINKS = "".join(f'<li><a href="/{n}">Headline number {n} of the day, in a few words</a></li>' for n in range(60))

ROW = f"<article><h2><a href=/a>A headline of a story</a></h2><p>{TEXT[1]}</p></article>"


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("empty", "<html><body></body></html>"),
        ("empty", ""),
        ("index", f"<title>The Gazette</title><h1>Today</h1><ul>{LINKS}</ul>"),
        (
            "consent",
            "<title>Before you continue</title><p>We value your privacy. Accept all cookies?</p><button>OK</button>",
        ),
        (
            "error",
            "<title>404 Not Found</title><h1>Page not found</h1><p>Sorry, this page does not exist any more.</p>",
        ),
        ("error", "<title>页面不存在</title><h1>页面没有找到</h1>"),
        ("error", "<title>Wartungsarbeiten</title><h1>Wartungsarbeiten</h1><p>Bitte versuchen Sie es später.</p>"),
        (
            "paywall",
            "<h1>港口保持开放</h1><p>这是文章的一个句子。</p><div>本文为付费内容，订阅后阅读全文。已是会员？请登录</div>",
        ),
        ("empty", "%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj " + "lorem ipsum, dolor. " * 100),
        ("empty", "<p>" + "lor\ufffdm \x07i\ufffdsum, \ufffdolor. " * 100),
        ("index", "<?xml version='1.0'?>\n<rss><channel><title>Feed</title>" + "<item>A story, of words. </item>" * 90),
        ("index", f"<title>x</title><h1>Search results</h1>{'<p>A sentence that was found, a long one. </p>' * 90}"),
        ("index", f"<h1>Harbour</h1>{ROW * 9}"),
        ("article", f"<h1>The harbour stays open</h1>{TEXT[1] * 9}{ROW * 9}"),
        ("login", "<title>Sign in</title><form><p>Log in to go on</p><input></form><p>Password forgotten?</p>"),
    ],
)
def test_what_is_no_article_says_so(kind: str, page: str) -> None:
    article = read(page)
    assert article.kind == kind
    assert article.reasons


def test_paywalled_stub() -> None:
    page = PAGE.replace(f"<p>{TEXT[1]}</p>", "<p>Already a subscriber? Log in to continue reading.</p>").replace(
        TEXT[2], ""
    )
    assert read(page).kind == "paywall"


def test_soup_of_line_breaks() -> None:
    lines = "<br><br>".join(TEXT)
    article = read(f"<title>T</title><table><tr><td>Menu</td><td><font>{lines}</font></td></tr></table>")
    assert all(sentence in article.body_html for sentence in TEXT)


def test_gallery_in_one_figure_keeps_each_picture() -> None:
    both = "<figure><img src=/one-picture.jpg><img src=/two-picture.jpg><figcaption>Both of them</figcaption></figure>"
    article = read(PAGE.replace(FIGURE, both))
    assert [p.url.rsplit("/", 1)[1] for p in article.pictures[:2]] == ["one-picture.jpg", "two-picture.jpg"]


RULES = RuleVersion(
    since="2023-01-01",
    body=(".x9",),
    drop=(".promo9",),
    title=("h2.t",),
    author=(".who",),
    published=("ld:dateCreated",),
    section=("next:props.section",),
    replace=(("${formatId}", "906"),),
)
RULED = f"""<title>x</title><script type="application/ld+json">{{"@type":"Thing",
"dateCreated":"2020-01-02T03:04:00Z"}}</script>
<script id="__NEXT_DATA__" type="application/json">{{"props":{{"section":"World"}}}}</script>
<h2 class=t>The title</h2><p class=who>By Carl Third</p><div class=x9><p>{TEXT[0]}</p><p class=promo9>{TEXT[1]}</p>
<img src="/i/${{formatId}}.jpg" width=800 height=600><p>{TEXT[2]}</p></div><div>{" ".join(TEXT * 5)}</div>"""


def test_rules_say_only_what_generic_reading_gets_wrong() -> None:
    article = read(RULED, rules=RULES)
    assert article.title == "The title"
    assert article.authors == ("Carl Third",)
    assert article.section == "World"
    assert article.published is not None
    assert article.published.at.year == 2020
    assert TEXT[1] not in article.body_html
    assert article.pictures[0].url.endswith("/i/906.jpg")
    assert article.rules.endswith("@2023-01-01")


def test_rules_of_the_day() -> None:
    old, new = RuleVersion(until="2022-12-31"), RuleVersion(since="2023-01-01")
    outlet = Outlet(key="o", name="O", rules=(old, new))
    assert choose_rules(outlet, date(2022, 12, 31)) is old
    assert choose_rules(outlet, date(2023, 1, 1)) is new
    assert choose_rules(Outlet(key="o", name="O"), date(2023, 1, 1)) is None


def test_explain_and_raw_body() -> None:
    hints = Hints(url="https://gazette.example/harbour")
    lines = explain(PAGE.encode(), hints)
    assert any(line.startswith("+") and TEXT[0][:40] in line for line in lines)
    assert any(line.startswith("-") and "[" in line for line in lines)
    assert TEXT[0] in raw_body(PAGE.encode(), hints)
