"""Reads ftr-site-config files (FiveFilters' site rules, CC0): one directive a line -> rules and an outlet file.

XPath is turned into CSS where CSS can say it. What is left out is never lost in silence: each such line is returned
with the reason, and stands as a comment in the outlet file.
"""

import json
import re

import msgspec
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from baoguan.extract.rules import split_attribute
from baoguan.extract.xpath import css_of, selection_of
from baoguan.model.outlet import RuleVersion

__all__ = ["FtrFile", "css_of", "outlet_toml", "parse_ftr", "read_ftr"]

_LINE = re.compile(r"^\s*([a-z_]+)\s*(?:\((.*)\))?\s*:(.*)$", re.IGNORECASE)
_FIELDS = {"title": "title", "body": "body", "author": "author", "date": "published", "strip": "drop"}
_TOKEN = re.compile(r"^[^\s\"'\\]+$")
_GENERIC = "the generic reader does this by itself"
_NOT_FETCHED = "pages are fetched one by one: further pages of an article are not"
_NOTED = {
    **dict.fromkeys(
        ("prune", "tidy", "autodetect_on_failure", "parser", "convert_double_br_tags", "strip_comments",
         "strip_attr", "post_strip_attr", "dissolve", "src_lazy_load_attr", "insert_detected_image", "skip_json_ld",
         "footnotes", "autodetect_next_page", "native_ad_clue", "skip_id_or_class", "wrap_in"),
        _GENERIC,
    ),
    **dict.fromkeys(
        ("single_page_link", "next_page_link", "single_page_link_in_feed", "if_page_contains"), _NOT_FETCHED
    ),
    **dict.fromkeys(("http_header", "user_agent"), "requests carry the archive's own headers alone"),
    **dict.fromkeys(
        ("requires_login", "login_uri", "login_username_field", "login_password_field", "login_extra_fields",
         "not_logged_in_xpath"),
        "the archive logs in nowhere",
    ),
}  # fmt: skip
"""Directives that carry nothing over, and why."""
_TESTS = ("test_url", "test_contains", "test_strip", "test_title", "test_author", "test_date")
_PROBE = LexborHTMLParser("<p>")
_MAX_LINES, _MAX_LINE = 5000, 4000


class FtrFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says, and what it says that can't be carried over."""

    rules: RuleVersion
    left: tuple[tuple[str, str], ...] = ()
    """(line, why it was left out): what is asked for and not done."""
    noted: tuple[tuple[str, str], ...] = ()
    """(line, why nothing is needed)."""
    tests: tuple[str, ...] = ()
    """Addresses of pages that it was made for."""


class _Found:
    """What was read so far."""

    def __init__(self) -> None:
        self.selectors: dict[str, list[str]] = {name: [] for name in _FIELDS.values()}
        self.patch: list[tuple[str, str]] = []
        self.wanted: list[str] = []
        self.left: list[tuple[str, str]] = []
        self.noted: list[tuple[str, str]] = []
        self.tests: list[str] = []


def read_ftr(text: str) -> tuple[RuleVersion, tuple[str, ...]]:
    """The rules of one file, and the lines that were left out (unknown directives, XPath beyond CSS)."""
    found = parse_ftr(text)
    return found.rules, tuple(line for line, _ in found.left)


def parse_ftr(text: str) -> FtrFile:
    """All that a file says. Never raises: lines that can't be read are among `left`."""
    found = _Found()
    for line in text.lstrip("\ufeff").splitlines()[:_MAX_LINES]:
        line = line.strip()
        if line and not line.startswith("#"):
            _read_line(found, line[:_MAX_LINE])
    found.left += [(f"find_string: {wanted}", "no replace_string follows") for wanted in found.wanted]
    lists = {name: tuple(dict.fromkeys(values)) for name, values in found.selectors.items()}
    rules = msgspec.structs.replace(RuleVersion(patch=tuple(pair for pair in found.patch if pair[0])), **lists)
    return FtrFile(rules=rules, left=tuple(found.left), noted=tuple(found.noted), tests=tuple(found.tests))


def _read_line(found: _Found, line: str) -> None:
    match = _LINE.match(line)
    if match is None:
        found.left.append((line, "no directive"))
        return
    name, argument, value = match[1].lower(), match[2], match[3].strip()
    if name in ("find_string", "replace_string"):
        _replacement(found, name, argument, "" if value in ("''", '""') else value)
    elif name in _NOTED:
        found.noted.append((line, _NOTED[name]))
    elif name in _TESTS:
        found.tests += [value] if name == "test_url" and value else []
    elif name in _FIELDS or name in ("strip_id_or_class", "strip_image_src"):
        selectors = _selectors(name, value)
        if selectors is None or not all(_is_css(one) for one in selectors):
            found.left.append((line, "CSS can't say this XPath" if name in _FIELDS else "no plain word"))
        else:
            found.selectors[_FIELDS.get(name, "drop")] += selectors
    else:
        found.left.append((line, "unknown directive"))


def _is_css(selector: str) -> bool:
    try:
        _PROBE.css(split_attribute(selector)[0])
    except (ValueError, SelectolaxError):
        return False
    return True


def _replacement(found: _Found, name: str, argument: str | None, value: str) -> None:
    """`find_string` waits for the next `replace_string`, which may name its own in brackets."""
    if name == "find_string":
        if value:
            found.wanted.append(value)
    elif argument is not None:
        found.patch.append((argument, value))
    elif found.wanted:
        found.patch.append((found.wanted.pop(0), value))
    else:
        found.left.append((f"replace_string: {value}", "no find_string before it"))


def _selectors(name: str, value: str) -> list[str] | None:
    """CSS for one directive; None when it can't be said."""
    if not value:
        return []
    if name == "strip_id_or_class":
        value = value.strip("'\"")
        return [f'[id~="{value}"], [class~="{value}"]'] if _TOKEN.match(value) else None
    if name == "strip_image_src":
        value = value.strip("'\"")
        return None if '"' in value or "\\" in value else [f'img[src*="{value}"]']
    selection = selection_of(value)
    if selection is None:
        return None
    attribute = selection.attribute if _FIELDS[name] in ("title", "author", "published") else ""
    if attribute in ("", "content", "datetime"):
        return [selection.css]
    return [f"{selection.css} @{attribute}"] if "," not in selection.css else None


def outlet_toml(file_name: str, text: str) -> str:
    """An outlet file for the host that a site file is named after (`.host.txt`: its sub-domains)."""
    read = parse_ftr(text)
    host = file_name.removesuffix(".txt")
    below = host.startswith(".")
    host = host.strip(".").strip().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", host).strip("-")[:48].strip("-") or "outlet"
    is_host = re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", host) is not None
    lines = [
        "# From ftr-site-config (CC0); see what it does to a page: `baoguan extract URL --outlet-file FILE --explain`",
        f"key = {_toml(slug + '-sub' if below else slug)}",
        f"name = {_toml(host or 'outlet')}",
    ]
    if is_host:
        lines += [f"home = {_toml(f'https://{host}/')}", f"hosts = {_toml([host])}"]
    lines += [_comment("made for", url) for url in read.tests]
    lines += [_comment("left out", f"{line}  ({why})") for line, why in read.left]
    lines += [_comment("not needed", f"{line}  ({why})") for line, why in read.noted]
    lines += ["", "[[rules]]"]
    for name in ("body", "drop", "title", "author", "published", "patch"):
        values = getattr(read.rules, name)
        if values:
            lines.append(f"{name} = {_toml(values)}")
    return "\n".join(lines) + "\n"


def _comment(word: str, text: str) -> str:
    return f"# {word}: " + "".join(char if char.isprintable() else " " for char in text)


def _toml(value: object) -> str:
    """A value of strings and lists, which JSON writes as TOML reads it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
