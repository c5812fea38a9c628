"""Whether an outlet's rules can be used, and read their golden pages: one for each version, page and record."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from baoguan.extract.article import extract_article
from baoguan.extract.rules import choose_rules, selectors_of
from baoguan.model.article import Article
from baoguan.model.outlet import Outlet

_LISTS = ("body", "drop", "lead", "caption", "credit", "title", "author", "published", "modified", "section")
_PROBE = "<html><body><p>x</p></body></html>"


def selector_problems(outlet: Outlet) -> Iterator[str]:
    """Selectors of the rules that no parser takes, a line each."""
    page = LexborHTMLParser(_PROBE)
    for rule in outlet.rules:
        for name in _LISTS:
            for selector in selectors_of(rule, name):
                try:
                    page.css(selector)
                except (ValueError, SelectolaxError):
                    yield f"rules since {rule.since or 'the start'}: {name}: {selector!r} is no CSS selector"


def golden_problems(outlet: Outlet, folder: Path) -> Iterator[str]:
    """Versions without a golden in folder/KEY/SINCE.html with .json beside it, and goldens that read otherwise."""
    for rule in outlet.rules:
        name = rule.since or "start"
        page = folder / outlet.key / f"{name}.html"
        if not page.is_file() or not page.with_suffix(".json").is_file():
            yield f"rules since {name}: no golden ({page} and .json)"
            continue
        try:
            expected = json.loads(page.with_suffix(".json").read_text("utf-8"))
            captured = date.fromisoformat(expected["captured"])
        except (ValueError, KeyError, TypeError) as error:
            yield f"{page.with_suffix('.json')}: {error!r}"
            continue
        chosen = choose_rules(outlet, captured)
        if chosen is not rule:
            yield f"{page}: captured {captured}, which is not a day of the rules since {name}"
            continue
        article = extract_article(
            page.read_bytes(),
            url=str(expected.get("url", outlet.home)),
            rules=rule,
            language=outlet.language,
            zone=outlet.zone,
            outlet=outlet.key,
        )
        yield from (f"{page}: {problem}" for problem in _compare(article, expected))


def _compare(article: Article, expected: dict[str, Any]) -> Iterator[str]:
    """null in a record: the mark-up doesn't tell, nothing is asked."""
    if article.title != expected.get("title", article.title):
        yield f"title {article.title!r}, expected {expected['title']!r}"
    for name in ("first", "last"):
        if expected.get(name) and expected[name] not in article.body_html:
            yield f"the {name} words are missing: {expected[name]!r}"
    yield from (f"junk is kept: {junk!r}" for junk in expected.get("absent") or () if junk in article.body_html)
    if expected.get("authors") is not None and list(article.authors) != expected["authors"]:
        yield f"authors {list(article.authors)}, expected {expected['authors']}"
    pictures = [picture.url for picture in article.pictures]
    if expected.get("pictures") is not None and pictures != expected["pictures"]:
        yield f"pictures {pictures}, expected {expected['pictures']}"
    if expected.get("published") is not None and not _same_clock(article, str(expected["published"])):
        yield f"published {article.published and article.published.at}, expected {expected['published']}"


def _same_clock(article: Article, wanted: str) -> bool:
    if article.published is None:
        return False
    if len(wanted) == len("YYYY-MM-DD"):
        return article.published.at.date().isoformat() == wanted
    return article.published.at == datetime.fromisoformat(wanted)


def write_golden(folder: Path, outlet: Outlet, *, url: str, body: bytes, captured: date) -> Path:
    """Writes a page as the golden of that day's version, with what is read from it now: for a person to correct."""
    rule = choose_rules(outlet, captured)
    page = folder / outlet.key / f"{rule.since if rule and rule.since else 'start'}.html"
    article = extract_article(body, url=url, rules=rule, language=outlet.language, zone=outlet.zone, outlet=outlet.key)
    lines = [line for line in LexborHTMLParser(article.body_html).text(separator="\n").splitlines() if line.strip()]
    record = {
        "captured": captured.isoformat(),
        "url": url,
        "title": article.title,
        "authors": list(article.authors),
        "published": article.published.at.isoformat() if article.published else None,
        "first": _inside(lines, article, first=True),
        "last": _inside(lines, article, first=False),
        "absent": [],
        "pictures": [picture.url for picture in article.pictures],
    }
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_bytes(body)
    page.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    return page


def _inside(lines: list[str], article: Article, *, first: bool) -> str:
    """The first or last line that stands in the mark-up as it is."""
    ordered = lines if first else reversed(lines)
    return next((line.strip()[:80] for line in ordered if line.strip()[:80] in article.body_html), "")
