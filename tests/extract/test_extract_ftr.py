"""ftr-site-config -> rules; drafts of rules from pages."""

import tomllib

import pytest

from baoguan.extract.draft import draft_rules
from baoguan.extract.ftr import css_of, read_ftr

FILE = """# a comment
title: //h1[@class='headline']
body: //div[@id='content']/div[contains(@class, 'text')]
body: //article | //div[@itemprop='articleBody']
author: //span[contains(concat(' ', normalize-space(@class), ' '), ' author ')]/a
date: //time/@datetime
strip: //div[starts-with(@id, 'ad_')]
strip: //p[last()]
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
    assert rules.body == ('div[id="content"] > div[class*="text"]', "article", 'div[itemprop="articleBody"]')
    assert rules.author == ('span[class~="author"] > a',)
    assert rules.published == ("time",)
    assert rules.drop == ('div[id^="ad_"]', '[id~="promo"], [class~="promo"]', 'img[src*="/pixel/"]')
    assert rules.replace == (("${formatId}", "906"), ("<b>", ""))
    assert left == ("strip: //p[last()]",)


@pytest.mark.parametrize(
    "xpath", ["", "//", "//div[position()<3]", "//a[text()='x']", "count(//p)", "//div/following-sibling::p", "[["]
)
def test_xpath_beyond_css_is_none(xpath: str) -> None:
    assert css_of(xpath) is None


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
