"""ftr-site-config -> rules; drafts of rules from pages."""

import tomllib

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from baoguan.extract.draft import draft_rules
from baoguan.extract.ftr import css_of, outlet_toml, parse_ftr, read_ftr
from baoguan.outlets.checks import check_outlet
from baoguan.outlets.registry import read_outlet

FILE = """# a comment
title: //h1[@class='headline']
body: //div[@id='content']/div[contains(@class, 'text')]
body: //article | //div[@itemprop='articleBody']
author: //span[contains(concat(' ', normalize-space(@class), ' '), ' author ')]/a
date: //time/@datetime
strip: //div[starts-with(@id, 'ad_')]
strip: //p[last()]
strip: //p[.='Ad']
strip_id_or_class: promo
strip_image_src: /pixel/
find_string: ${formatId}
replace_string: 906
replace_string(<b>): ''
prune: no
test_url: http://example.com/a
"""


def test_directives() -> None:
    rules, left = read_ftr(FILE)
    assert rules.title == ('h1[class="headline"]',)
    assert rules.body == ('div[id="content"] > div[class*="text"]', 'article, div[itemprop="articleBody"]')
    assert rules.author == ('span[class~="author"] > a',)
    assert rules.published == ("time",)
    last = "p:nth-last-of-type(1)"
    assert rules.drop == ('div[id^="ad_"]', last, '[id~="promo"], [class~="promo"]', 'img[src*="/pixel/"]')
    assert rules.patch == (("${formatId}", "906"), ("<b>", ""))
    assert left == ("strip: //p[.='Ad']",)


@pytest.mark.parametrize(
    "xpath",
    [
        "",
        "//",
        "/",
        ".",
        "//p[position() mod 2]",
        "//a[text()='x']",
        "count(//p)",
        "//p/following::p",
        "[[",
        "//p[",
        "(" * 3000,
        "//a[" * 400,
        "//p[string-length(.)<9]",
        "(//p)[2]",
        "//p[not(node())]",
        "id('x')",
        '"',
        "//p[@a=1]",
    ],
)
def test_xpath_beyond_css_is_none(xpath: str) -> None:
    assert css_of(xpath) is None


PAGE = """<html><body><div id="top" class="wrap a b"><h1 class="t">One</h1><h2>Related news</h2><p class="x">first</p>
<p>second
<a href="/tag/x" title="A">tag</a></p><ul class="l"><li><a rel="tag" href="u">in list</a></li><li>two</li></ul>
<p class="x y">third</p>
<div class="box"><p>in box</p><img src="/pixel/1.gif"><p class="x">box x</p></div><hr>
<p data-k="v">after <b>rule</b></p></div>
<footer class="wrap"><p>foot</p><table><tr><td>c</td><td><b>d</b></td></tr></table></footer>
<aside>end</aside></body></html>"""

SAYABLE = """//p
//div[@id='top']/p[1]
//p[@class='x'][2]
//p[contains(concat(' ', normalize-space(@class), ' '), ' x ')]
//p[contains(@class,'x') and not(contains(@class,'y'))]
//p[last()]
//p[position()>1]
//p[position()<=2]
//p[2]
//*[@class]
//li[a]/..
//a/parent::li
//div//a/parent::p
//hr/following-sibling::p
//h2/following-sibling::*[1]
//h2/following-sibling::*[1][self::p]
//h2/following-sibling::p[1]
//p/preceding-sibling::h1
//hr/preceding-sibling::*[1]
//p[following-sibling::hr]
//p[preceding-sibling::hr]
//b[ancestor::table]
//img[parent::div[@class='box']]
//div[h2[contains(text(),'Related')]]
//div[contains(.,'box x')]
//p[a[starts-with(@href,'/tag')]]
//footer | //aside
(//footer)[1]
//footer/self::footer | //footer/following-sibling::*
//*[self::h1 or self::h2]
//tr[td[2]/b]
//ul[li/a[@rel='tag']]
/html/body/footer/p
//p[@class!='x']
//div[@id='top']/*[position()>3]
//p[.//b or @class='x']
//div[(@id='top' or @class='box') and p]
//a/@title
//div[@class='box']/descendant::p
//img[contains(@src,'/pixel/')]/ancestor::div[@id]""".splitlines()


@pytest.mark.parametrize("xpath", SAYABLE)
def test_css_selects_what_the_xpath_selects(xpath: str) -> None:
    """Judged by lxml's XPath on the same page."""
    css = css_of(xpath)
    assert css is not None
    bare = xpath.removesuffix("/@title")
    tree = lxml.html.document_fromstring(PAGE)
    order = {node: number for number, node in enumerate(tree.iter("*"))}
    wanted = [(node.tag, node.text_content()) for node in sorted(tree.xpath(bare), key=order.__getitem__)]
    found = [(node.tag, node.text(deep=True)) for node in LexborHTMLParser(PAGE).css(css)]
    assert sorted(found) == sorted(wanted)


EVERY = """title: //h1
body://article
author: //a[@class='by']/@title
date: //time/@datetime
strip: //aside
strip_id_or_class: x
strip_image_src: /p/
single_page_link: //a
next_page_link: //a[@rel='next']
http_header(user-agent): Mozilla/5.0 (x)
prune: no
tidy: yes
parser: html5php
autodetect_on_failure: no
replace_string(<p style="color: red">): <p>
replace_string(x):
find_string: lonely
dissolve: //h2
frobnicate: yes
test http://no.directive
test_url: http://x.example/a
test_contains: words
\x00\x01: ?
: empty
title:
"""


def test_every_directive_is_read_noted_or_named() -> None:
    read = parse_ftr(EVERY)
    assert read.rules.author == ('a[class="by"] @title',)
    assert read.rules.patch == (('<p style="color: red">', "<p>"), ("x", ""))
    assert read.tests == ("http://x.example/a",)
    assert [line.partition(":")[0] for line, _ in read.noted] == [
        "single_page_link", "next_page_link", "http_header(user-agent)", "prune", "tidy", "parser",
        "autodetect_on_failure", "dissolve"]  # fmt: skip
    assert [line for line, _ in read.left] == [
        "frobnicate: yes", "test http://no.directive", "\x00\x01: ?", ": empty", "find_string: lonely"
    ]  # fmt: skip
    text = outlet_toml(".x.example.txt", EVERY)
    outlet = read_outlet(text, "x")
    check_outlet(outlet, "x")
    assert (outlet.key, outlet.hosts, outlet.rules) == ("x-example-sub", ("x.example",), (read.rules,))
    assert "# left out: frobnicate: yes  (unknown directive)" in text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abt/:[]()@=.*|'\" \n,<>!#\t{}\\\x00é", max_size=120))
def test_no_file_raises_and_all_become_outlet_files(text: str) -> None:
    for line in ("", "body: ", "strip: //", "replace_string(", "strip_id_or_class: ", "strip_image_src: "):
        toml = outlet_toml(f"{text[:10]}.txt", line + text)
        check_outlet(read_outlet(toml, "fuzz"), "fuzz")
        for name in ("body", "drop"):
            for selector in getattr(parse_ftr(line + text).rules, name):
                LexborHTMLParser(PAGE).css(selector)


def test_draft_is_toml_that_names_the_container() -> None:
    def page(n: int) -> bytes:
        text = "".join(f"<p>Sentence {k} of page {n}, which is long enough to be counted as one.</p>" for k in range(9))
        extra = "<div class='push-box'>The same words on every page of it.</div>"
        return f"<h1>Title {n}</h1><div class='main-text'>{text}{extra}</div>".encode()

    drafted = tomllib.loads(draft_rules([(f"https://www.x.example/{n}", page(n)) for n in range(3)]))
    assert drafted["hosts"] == ["x.example"]
    assert drafted["rules"][0]["body"] == ["div.main-text"]
    assert drafted["rules"][0]["drop"] == ["div.push-box"]
    assert draft_rules([]) == ""
