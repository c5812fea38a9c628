"""Every field of a rules version changes what is read."""

from datetime import date

import pytest

from baoguan.extract.article import extract_article
from baoguan.extract.profile import MISSED
from baoguan.extract.rules import choose_rules
from baoguan.model.article import Article
from baoguan.model.outlet import Outlet, RuleVersion

TEXT = "".join(
    f"<p>Sentence {n} of the article, long enough to be counted as one, and said nowhere else.</p>" for n in range(8)
)
HEAD = """<script type="application/ld+json">{"@type":"NewsArticle","headline":"Stated title",
"author":{"name":"Stated One"},
"datePublished":"2020-01-01T00:00:00Z","custom":{"by":["Ann Lee","Bo Chi"],"at":"2021-05-06T07:08:09+02:00",
"sec":"World",
"pic":{"url":"https://x.example/ld-picture.jpg"},"text":"Words of the custom caption"}}</script>"""
PAGE = f"""<html><head>{HEAD}</head><body><div class="top">
<img class="hero" src="/pics/hero-photo.jpg?w=${{formatId}}" width="900" height="500">
<div class="under"><span class="words">What the hero shows</span> <em class="by">Photo: Eve</em></div></div>
<h1>Shown title</h1><div class="who">By Real Author</div><div class="day" data-at="2022-03-04T05:06:07Z">March</div>
<div class="story">{TEXT}<div class="plain-box">Join our channel for all the news of the day, every day.</div>
<div class="pic"><img src="/pics/second-photo.jpg"><b class="words">What the second shows</b></div>
<i class="words">Unrelated words</i><p>The last sentence of it all stands here, after the second picture.</p></div>
<footer><span class="desk">Foreign desk</span></footer></body></html>"""


def read(page: str = PAGE, **fields: object) -> Article:
    rules = RuleVersion(since="2020-01-01", **fields)  # type: ignore[arg-type]
    return extract_article(page.encode(), url="https://x.example/a", rules=rules, outlet="sample-zh")


def test_rules_are_named_with_their_outlet() -> None:
    assert read().rules == "sample-zh@2020-01-01"


def test_texts_by_selector_attribute_and_json_path() -> None:
    assert read(title=(".who",)).title == "By Real Author"
    assert read(author=(".who",)).authors == ("Real Author",)
    assert read(author=("ld:custom.by",)).authors == ("Ann Lee", "Bo Chi")
    assert read(author=(".absent", "ld:custom.by.1")).authors == ("Bo Chi",)
    assert read(section=("ld:custom.sec",)).section == "World"
    assert read(section=(".desk",)).section == "Foreign desk"
    for published in (".day @data-at", "ld:custom.at"):
        clock = read(published=(published,)).published
        assert clock is not None
        assert clock.at.isoformat() in ("2022-03-04T05:06:07+00:00", "2021-05-06T07:08:09+02:00")


def test_lead_caption_credit_and_picture_address() -> None:
    article = read(
        lead=("img.hero",), caption=(".words",), credit=(".by",), replace=(("${formatId}", "605"),), body=(".story",)
    )
    lead, second = article.pictures
    assert (lead.url, lead.lead) == ("https://x.example/pics/hero-photo.jpg?w=605", True)
    assert (lead.caption, lead.credit) == ("What the hero shows", "Photo: Eve")
    assert (second.caption, second.lead) == ("What the second shows", False)
    assert article.body_html.count("What the hero shows") == article.body_html.count("What the second shows") == 1
    assert "formatId" not in article.body_html


def test_a_lead_may_stand_anywhere_or_in_json() -> None:
    assert [p.url for p in read(lead=(".pic",), body=(".story",)).pictures if p.lead] == [
        "https://x.example/pics/second-photo.jpg"
    ]
    article = read(lead=("ld:custom.pic",), caption=("ld:custom.text",), body=(".story",))
    assert (article.pictures[0].url, article.pictures[0].lead) == ("https://x.example/ld-picture.jpg", True)
    assert article.pictures[0].caption == "Words of the custom caption"


def test_what_a_rule_reads_is_not_text_too() -> None:
    page = PAGE.replace(
        '<div class="story">', '<div class="story"><div class="sig">Real Author wrote all of this.</div>'
    )
    assert "wrote all of this" in read(page, body=(".story",)).body_html
    assert "wrote all of this" not in read(page, body=(".story",), author=(".sig",)).body_html


def test_drop_and_patch() -> None:
    assert "Join our channel" in read(body=(".story",)).body_html
    assert "Join our channel" not in read(body=(".story",), drop=(".plain-box",)).body_html
    assert "Join our channel" not in read(body=(".story",), patch=(("Join our channel", "Read on"),)).body_html
    assert len(read(patch=(("e", "e" * 100_000),)).body_html) < 1_000_000


def test_a_body_in_script_data() -> None:
    blocks = '{"text":"First block of the story, of some length."},{"text":"Second block, <b>and</b> more of it."}'
    data = f'{{"props":{{"blocks":[{blocks}]}}}}'
    page = f'<h1>Title of it</h1><div>Loading</div><script id="__NEXT_DATA__" type="application/json">{data}</script>'
    body = read(page, body=("next:props.blocks.*.text",)).body_html
    assert body.index("First block of the story") < body.index("Second block")


def test_a_body_rule_that_matches_nothing_is_told() -> None:
    assert MISSED in read(body=(".gone",)).reasons
    assert "Sentence 3" in read(body=(".gone",)).body_html
    assert MISSED not in read(body=(".story",)).reasons


@pytest.mark.parametrize(
    ("day", "since"),
    [
        ("2019-12-31", ""),
        ("2020-01-01", "2020-01-01"),
        ("2021-06-30", "2020-01-01"),
        ("2021-07-01", None),
        ("2023-01-01", "2022-01-01"),
    ],
)
def test_the_version_of_the_day(day: str, since: str | None) -> None:
    versions = (
        RuleVersion(until="2019-12-31"),
        RuleVersion(since="2020-01-01", until="2021-06-30"),
        RuleVersion(since="2022-01-01"),
    )
    chosen = choose_rules(Outlet(key="x", name="x", rules=versions), date.fromisoformat(day))
    assert (chosen.since if chosen else None) == since


def test_a_selector_that_is_none_is_passed_over() -> None:
    article = read(body=("div[", ".story"), drop=("::", "p:nth(", "\x00"), lead=(">>",))
    assert "Sentence 3" in article.body_html
