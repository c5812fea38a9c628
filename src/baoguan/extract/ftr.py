"""Reads ftr-site-config files (FiveFilters' site rules, CC0): one directive a line -> RuleVersion.

XPath of the forms that those files use is turned into CSS; what can't be said in CSS is left out and told.
"""

import re

from baoguan.model.outlet import RuleVersion

_LINE = re.compile(r"^\s*([a-z_]+)(?:\(([^)]*)\))?\s*:\s*(.+?)\s*$")
_FIELDS = {"title": "title", "body": "body", "author": "author", "date": "published", "strip": "drop"}
_STEP = re.compile(r"(//|/)((?:@?[\w*-]+|@\*))((?:\[[^\]]*\])*)")
_PREDICATE = re.compile(r"\[([^\]]*)\]")
_EQUALS = re.compile(r"^@([\w-]+)\s*=\s*['\"]([^'\"]*)['\"]$")
_CONTAINS = re.compile(r"^contains\(\s*@([\w-]+)\s*,\s*['\"]([^'\"]*)['\"]\s*\)$")
_CONTAINS_WORD = re.compile(
    r"^contains\(\s*concat\(\s*['\"] ['\"]\s*,\s*(?:normalize-space\()?@([\w-]+)\)?\s*,\s*['\"] ['\"]\s*\)"
    r"\s*,\s*['\"] ?([^'\"]*?) ?['\"]\s*\)$"
)
_STARTS = re.compile(r"^starts-with\(\s*@([\w-]+)\s*,\s*['\"]([^'\"]*)['\"]\s*\)$")
_HAS = re.compile(r"^@([\w-]+)$")
_NAME = re.compile(r"^[\w-]+$")


def read_ftr(text: str) -> tuple[RuleVersion, tuple[str, ...]]:
    """The rules of one file, and the lines that were left out (unknown directives, XPath beyond CSS).

    Read: title, body, author, date, strip, strip_id_or_class, strip_image_src, find_string with replace_string.
    `test_url`, `prune`, `tidy` and the like say nothing about reading and are passed over.
    """
    found: dict[str, list[str]] = {name: [] for name in ("title", "body", "author", "published", "drop")}
    replace: list[tuple[str, str]] = []
    left: list[str] = []
    wanted = ""
    for line in text.splitlines():
        match = _LINE.match(line) if not line.lstrip().startswith("#") else None
        if match is None:
            continue
        name, argument, value = match[1], match[2], match[3]
        if name == "find_string":
            wanted = value
        elif name == "replace_string":
            replace.append((argument if argument is not None else wanted, "" if value == "''" else value))
        elif (selectors := _selectors(name, value)) is None:
            left.append(line.strip())
        elif selectors:
            found[_FIELDS.get(name, "drop")] += selectors
    rules = RuleVersion(
        title=tuple(found["title"]),
        body=tuple(found["body"]),
        author=tuple(found["author"]),
        published=tuple(found["published"]),
        drop=tuple(found["drop"]),
        replace=tuple((old, new) for old, new in replace if old),
    )
    return rules, tuple(left)


def _selectors(name: str, value: str) -> list[str] | None:
    """CSS for one directive: empty when it says nothing about reading, None when it can't be said."""
    if name == "strip_id_or_class":
        value = value.strip("'\"")
        return [f'[id~="{value}"], [class~="{value}"]'] if _NAME.match(value) else None
    if name == "strip_image_src":
        value = value.strip("'\"")
        return None if '"' in value else [f'img[src*="{value}"]']
    if name not in _FIELDS:
        return []
    parts = [css_of(part) for part in value.split(" | ")]
    return None if None in parts else [part for part in parts if part]


def css_of(xpath: str) -> str | None:
    """The CSS selector of an XPath of steps with attribute tests; None when it says more than that."""
    xpath = xpath.strip()
    if not xpath.startswith("/") and re.match(r"^[\w*]", xpath):
        xpath = "//" + xpath
    css, at = "", 0
    for step in _STEP.finditer(xpath):
        if step.start() != at:
            return None
        at = step.end()
        if step[2].startswith("@"):
            break
        tests = [_test_of(one.strip()) for one in _PREDICATE.findall(step[3])]
        if None in tests:
            return None
        css += (" " if step[1] == "//" else " > ") if css else ""
        css += step[2] + "".join(test for test in tests if test)
    return css if at == len(xpath) and css else None


def _test_of(text: str) -> str | None:
    """The CSS of one predicate."""
    if " and " in text:
        parts = [_test_of(part.strip()) for part in text.split(" and ")]
        return None if None in parts else "".join(part for part in parts if part)
    if text == "1":
        return ":first-of-type"
    for pattern, sign in ((_EQUALS, "="), (_CONTAINS_WORD, "~="), (_CONTAINS, "*="), (_STARTS, "^=")):
        if match := pattern.match(text):
            return f'[{match[1]}{sign}"{match[2]}"]'
    match = _HAS.match(text)
    return f"[{match[1]}]" if match else None
