"""The query language: words, "phrases", AND, OR, NOT or -, parentheses, fields. Never raises: notes what it ignores.

    拜登 关税            both            outlet:voa-zh,dw-zh     of one of these outlets
    "wall street"        in this order   lang:zh lang:ja         zh means zh-Hans and zh-Hant
    拜登 OR 特朗普       one of both     after:2023-07-01        from that day on (also 2023-07, 2023)
    拜登 -关税           not 关税        before:2023-08          before that month
    title:峰会           in the title    has:picture changed:yes changed:2023-07
Full-width signs mean the same; 「」『』“” quote.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, tzinfo

from baoguan.model.search import All, Any, Field, Node, Not, Query, Span, Text
from baoguan.search.analyse import tokens

LONGEST = 400
"""Characters of a query that are read."""
MOST_TERMS = 24
_QUOTES = {"“": "”", "「": "」", "『": "』", "《": "》", '"': '"', "„": "“"}
_TOKEN = re.compile(
    r"(?P<not>-(?=[^\s]))?(?:(?P<field>[A-Za-z]+):)?(?:(?P<quote>[“「『《\"„])|(?P<sign>[()|])|(?P<word>[^\s()|\"“”「」『』]+))"
)
_FIELDS = frozenset(("outlet", "lang", "before", "after", "has", "changed", "title", "intitle"))
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?\Z")


def parse_query(text: str, zone: tzinfo) -> Query:
    """What the reader asks for; days are those of `zone`."""
    notes = ["long"] if len(text) > LONGEST else []
    parser = _Parser(unicodedata.normalize("NFKC", text[:LONGEST]), zone, notes)
    root = parser.any_of()
    marks = tuple(dict.fromkeys(parser.marks))
    return Query(root=root, marks=marks, notes=tuple(dict.fromkeys(notes)))


class _Parser:
    """Recursive descent over the tokens; each method takes as much as it understands."""

    def __init__(self, text: str, zone: tzinfo, notes: list[str]) -> None:
        self.text, self.zone, self.notes = text, zone, notes
        self.at = 0
        self.marks: list[str] = []
        self.terms = 0
        self.depth = 0

    def peek(self) -> re.Match[str] | None:
        while self.at < len(self.text):
            match = _TOKEN.match(self.text, self.at)
            if match:
                return match
            self.at += 1
        return None

    def any_of(self) -> Node:
        parts = [self.all_of()]
        while (match := self.peek()) and (match["word"] == "OR" or match["sign"] == "|"):
            self.at = match.end()
            parts.append(self.all_of())
        parts = [part for part in parts if part != All()] or [All()]
        return parts[0] if len(parts) == 1 else Any(parts=tuple(parts))

    def all_of(self) -> Node:
        parts: list[Node] = []
        while match := self.peek():
            if match["word"] == "OR" or match["sign"] in ("|", ")"):
                if match["sign"] == ")" and not self.depth:
                    self.at = match.end()
                    continue
                break
            part = self.term(match)
            if part is not None and part != All():
                parts.append(part)
        return parts[0] if len(parts) == 1 else All(parts=tuple(parts))

    def term(self, match: re.Match[str]) -> Node | None:
        if match["word"] in ("AND", "NOT") and not match["not"] and not match["field"]:
            self.at = match.end()
            after = self.peek() if match["word"] == "NOT" else None
            if after is None or after["word"] == "OR" or after["sign"] in ("|", ")"):
                return None
            return _negated(self.unmarked(after))
        return _negated(self.unmarked(match)) if match["not"] else self.positive(match)

    def unmarked(self, match: re.Match[str]) -> Node | None:
        """A term whose text is not wanted: nothing of it is marked in snippets."""
        held = list(self.marks)
        part = self.positive(match)
        self.marks = held
        return part

    def positive(self, match: re.Match[str]) -> Node | None:
        if match["sign"] == "(":
            self.at = match.end()
            return self.group()
        if match["sign"]:
            self.at = match.end()
            return None
        name = (match["field"] or "").lower()
        if match["quote"]:
            end = self.text.find(_QUOTES[match["quote"]], match.end())
            value = self.text[match.end() : end if end >= 0 else len(self.text)]
            self.at = end + 1 if end >= 0 else len(self.text)
        else:
            value = match["word"]
            self.at = match.end()
        if name and name not in _FIELDS:
            value, name = f"{match['field']}:{value}", ""
        return self.field(name, value) if name not in ("", "title", "intitle") else self.words(value, title=bool(name))

    def group(self) -> Node:
        self.depth += 1
        part = self.any_of() if self.depth <= 8 else All()
        self.depth -= 1
        match = self.peek()
        if match and match["sign"] == ")":
            self.at = match.end()
        return part

    def words(self, value: str, *, title: bool) -> Node | None:
        self.terms += 1
        if self.terms > MOST_TERMS:
            self.notes.append("long")
            return None
        if not tokens(value.casefold()):
            return None
        self.marks.append(value)
        return Text(text=value, title=title)

    def field(self, name: str, value: str) -> Node | None:
        value = value.strip().lower()
        if name in ("before", "after") or (name == "changed" and value[:1].isdigit()):
            return self.span(name, value)
        known = {"has": ("picture", "pictures", "image"), "changed": ("", "yes", "no")}.get(name)
        if known is not None and value not in known:
            self.notes.append("field")
            return None
        if name in ("outlet", "lang"):
            values = [one for one in value.split(",") if one]
            parts = tuple(Field(name=name, value=one) for one in values)
            return parts[0] if len(parts) == 1 else Any(parts=parts) if parts else None
        return Field(name=name, value="picture" if name == "has" else value or "yes")

    def span(self, name: str, value: str) -> Node | None:
        days = _span(value, self.zone)
        if days is None:
            self.notes.append("date")
            return None
        if name == "changed":
            return Span(start_ms=days[0], end_ms=days[1], edited=True)
        return Span(start_ms=days[0]) if name == "after" else Span(end_ms=days[0])


def _negated(part: Node | None) -> Node | None:
    return None if part is None or part == All() else Not(part=part)


def _span(value: str, zone: tzinfo) -> tuple[int, int] | None:
    """Epoch ms of the begin and the end of a year, month or day; None where it is none."""
    match = _DATE.match(value)
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    after = (year + 1, 1, 1) if not match[2] else (year + month // 12, month % 12 + 1, 1)
    try:
        start = _epoch_ms((year, month, day), zone)
        return start, _epoch_ms(after, zone) if not match[3] else start + 86_400_000
    except (ValueError, OverflowError):
        return None


def _epoch_ms(day: tuple[int, int, int], zone: tzinfo) -> int:
    return int(datetime(*day, tzinfo=zone).timestamp() * 1000)


def walk(node: Node, visit: Callable[[Node], None]) -> None:
    """Calls `visit` for a node and all below it."""
    visit(node)
    if isinstance(node, All | Any):
        for part in node.parts:
            walk(part, visit)
    elif isinstance(node, Not):
        walk(node.part, visit)
