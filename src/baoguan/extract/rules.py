"""Outlet rules: which version holds on a day, and what it takes from a page."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from baoguan.extract.dom import Page
from baoguan.extract.harvest import Head, load_json, strings
from baoguan.model.outlet import Outlet, RuleVersion

_MARKED = ("body", "drop", "lead", "caption", "credit", "title", "author", "published", "modified", "section")
_JSON = ("ld:", "next:")
_JSON_NAMES = ("name", "url", "text", "@value")
_ATTRIBUTE = re.compile(r"^(.*\S)\s+@([\w-]+)$", re.DOTALL)
BODY_ID = "baoguan-json-body"
"""Id of the element that a body from script data is put into."""


def choose_rules(outlet: Outlet, captured: date) -> RuleVersion | None:
    """The version that holds for a page captured on that day; None when the outlet has none for it.

    Where several hold, the one that began last.
    """
    day = captured.isoformat()
    holding = [
        rule for rule in outlet.rules if (not rule.since or rule.since <= day) and (not rule.until or day <= rule.until)
    ]
    return max(holding, key=lambda rule: rule.since, default=None)


def name_of(rules: RuleVersion | None, key: str = "") -> str:
    """How an article names the rules that read it: voa-zh@2023-01-01."""
    return f"{key or 'rules'}@{rules.since or 'start'}" if rules is not None else ""


def marks_of(rules: RuleVersion | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The CSS selectors of a version, for dom.parse_page."""
    if rules is None:
        return ()
    found = []
    for name in _MARKED:
        selectors = selectors_of(rules, name)
        if name == "body" and len(selectors) < len(rules.body):
            selectors = (*selectors, f"#{BODY_ID}")
        if selectors:
            found.append((name, selectors))
    return tuple(found)


def selectors_of(rules: RuleVersion, name: str) -> tuple[str, ...]:
    """The CSS selectors of a field, without the attributes that they read."""
    return tuple(split_attribute(one)[0] for one in getattr(rules, name) if not one.startswith(_JSON))


def split_attribute(selector: str) -> tuple[str, str]:
    """(selector, attribute that is read in place of the text or empty) of `a.byline @title`."""
    match = _ATTRIBUTE.match(selector)
    return (match[1], match[2]) if match else (selector, "")


def marked(page: Page, name: str) -> list[int]:
    """Nodes that the rule `name` matched, in document order, none inside another."""
    key = f"bg-{name}"
    found: list[int] = []
    for i, tag in enumerate(page.tags):
        if tag and key in page.attrs(i) and (not found or i >= page.end[found[-1]]):
            found.append(i)
    return found


def ruled_texts(page: Page, head: Head, rules: RuleVersion | None, name: str) -> list[str]:
    """What the rule `name` reads: texts or datetimes of the marked nodes, else values of its JSON paths."""
    if rules is None or not getattr(rules, name):
        return []
    wanted = [split_attribute(one)[1] for one in getattr(rules, name) if not one.startswith(_JSON)]
    found = []
    for i in marked(page, name):
        own = wanted[int(page.attr(i, f"bg-{name}") or 0)]
        text = page.attr(i, own) if own else page.attr(i, "datetime") or page.attr(i, "content") or page.text(i)
        if text:
            found.append(text)
    return found or json_texts(page, head, getattr(rules, name))


def json_texts(page: Page, head: Head, paths: Sequence[str]) -> list[str]:
    """The strings at the first of the JSON paths that gives some."""
    found: list[str] = []
    for path in paths:
        if found:
            break
        if path.startswith("ld:"):
            things = [head.ld, *head.things]
            found = [text for thing in things for text in strings(follow(thing, path[3:]), *_JSON_NAMES)]
        elif path.startswith("next:"):
            found = strings(follow(next_data(page, head), path[5:]), *_JSON_NAMES)
    return list(dict.fromkeys(found))


def next_data(page: Page, head: Head) -> Any:
    """The page's embedded __NEXT_DATA__, decoded once."""
    if head.next_data is None:
        text = next((text for name, text in page.scripts if name == "__NEXT_DATA__"), "")
        head.next_data = (load_json(text) if text else None) or {}
    return head.next_data


def follow(value: Any, path: str) -> Any:
    """The value at a dotted path; numbers index lists, `*` takes all of a list. None when it isn't there."""
    parts: Sequence[str] = path.split(".") if path else ()
    for n, part in enumerate(parts):
        if isinstance(value, list):
            if part == "*":
                rest = ".".join(parts[n + 1 :])
                return [found for one in value[:500] if (found := follow(one, rest)) is not None]
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value
