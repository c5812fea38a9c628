"""Every version of an outlet's rules reads a page in that outlet's mark-up: made-up text in the real tags.

golden/<outlet>/<since>.html with the expected record beside it; a version without one fails.
"""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from baoguan.extract.article import extract_article
from baoguan.extract.rules import choose_rules
from baoguan.model.article import Article
from baoguan.outlets.registry import load_outlets

GOLDEN = Path(__file__).parent / "golden"
OUTLETS = load_outlets()
VERSIONS = [(key, rule.since or "start") for key, outlet in OUTLETS.items() for rule in outlet.rules]


def read(key: str, since: str) -> tuple[Article, dict[str, Any]]:
    """The article that the rules of the day read, and the record that is expected."""
    outlet = OUTLETS[key]
    page = GOLDEN / key / f"{since}.html"
    assert page.is_file(), f"{key}@{since} has no golden"
    expected = json.loads(page.with_suffix(".json").read_text("utf-8"))
    rules = choose_rules(outlet, date.fromisoformat(expected["captured"]))
    assert rules is not None
    assert (rules.since or "start") == since
    article = extract_article(
        page.read_bytes(), url=expected["url"], rules=rules, language=outlet.language, zone=outlet.zone
    )
    return article, expected


@pytest.mark.parametrize(("key", "since"), VERSIONS)
def test_the_rules_of_the_day_read_the_text(key: str, since: str) -> None:
    article, expected = read(key, since)
    assert article.kind == "article"
    assert article.title == expected["title"]
    assert article.language == OUTLETS[key].language
    assert article.body_html.index(expected["first"]) < article.body_html.index(expected["last"])
    assert [junk for junk in expected["absent"] if junk in article.body_html] == []


@pytest.mark.parametrize(("key", "since"), VERSIONS)
def test_the_rules_of_the_day_read_authors_and_clock(key: str, since: str) -> None:
    """null in a record: the mark-up doesn't tell, so nothing is asked."""
    article, expected = read(key, since)
    if expected["authors"] is not None:
        assert list(article.authors) == expected["authors"]
    if expected["published"] is not None:
        assert article.published is not None
        wanted = expected["published"]
        if len(wanted) == len("YYYY-MM-DD"):
            assert article.published.at.date().isoformat() == wanted
        else:
            assert article.published.at == datetime.fromisoformat(wanted)


@pytest.mark.parametrize(("key", "since"), VERSIONS)
def test_the_rules_of_the_day_keep_the_pictures(key: str, since: str) -> None:
    article, expected = read(key, since)
    if expected["pictures"] is not None:
        assert [picture.url for picture in article.pictures] == expected["pictures"]


def test_no_golden_is_left_without_rules() -> None:
    kept = {(page.parent.name, page.stem) for page in GOLDEN.glob("*/*.html")}
    assert kept == set(VERSIONS)
