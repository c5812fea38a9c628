"""A child of a feed or an item as the reader uses it: what lxml holds, taken out once."""

import re
from collections.abc import Sequence
from typing import cast

import msgspec
from lxml import etree

from baoguan.feeds.limits import MAX_TEXT

MARK = "\ue000"
_ASIDE = re.compile("\ue000(\\d{1,9})\ue001")
NO_ATTRIBUTES: dict[str, str] = {}

Aside = Sequence[str]
"""Long texts that were cut out of a document before it was parsed; `MARK`, their number and U+E001 stand for them."""


class Part(msgspec.Struct, frozen=True, gc=False):
    """An element with what is asked of it again and again."""

    element: etree._Element
    attributes: dict[str, str]
    size: int
    """Elements in it."""
    text: str
    """Its text, stripped, at most MAX_TEXT characters; empty when it has elements in it."""


def part_of(element: etree._Element, aside: Aside = ()) -> Part:
    """An element as a part, its texts in place again."""
    size = len(element)
    attributes = attributes_of(element)
    if size:
        if aside:
            _restore(element, aside)
        return Part(element, attributes, size, "")
    text = element.text
    if not text:
        return Part(element, attributes, 0, "")
    if MARK in text:
        text = restored(text, aside)
    return Part(element, attributes, 0, text[:MAX_TEXT].strip())


def all_text(part: Part) -> str:
    """All character data of a part, stripped."""
    if part.size:
        return "".join(map(str, part.element.itertext()))[:MAX_TEXT].strip()
    return part.text


def begun_text(part: Part) -> str:
    """All character data of a part that begins with some; empty when elements come first."""
    return all_text(part) if part.size and part.element.text else part.text


def head_of(element: etree._Element) -> Part:
    """An element of which only the attributes are asked."""
    return Part(element, attributes_of(element), 0, "")


def attributes_of(element: etree._Element) -> dict[str, str]:
    """Attributes by name; one empty dictionary for all elements without any."""
    found = cast("list[tuple[str, str]]", element.items())
    return dict(found) if found else NO_ATTRIBUTES


def restored(text: str, aside: Aside) -> str:
    """A text with what was cut out of it."""
    inner = text[1:-1]
    if inner.isdigit() and text[0] == MARK:  # nothing but what was cut out
        return aside[int(inner)]

    def put(found: re.Match[str]) -> str:
        number = int(found[1])
        return aside[number] if number < len(aside) else found[0]

    return _ASIDE.sub(put, text)


def _restore(element: etree._Element, aside: Aside) -> None:
    """Puts the texts of a whole element in place, where mark-up and text are mixed."""
    for inner in element.iter():
        if inner.text and MARK in inner.text:
            inner.text = restored(inner.text, aside)
        if inner is not element and inner.tail and MARK in inner.tail:
            inner.tail = restored(inner.tail, aside)
