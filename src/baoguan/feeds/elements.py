"""What feed and item have in common: links, dates, categories, the base address and language in force."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import msgspec

from baoguan.feeds.limits import MAX_VALUES
from baoguan.feeds.links import resolve
from baoguan.feeds.names import XML, attribute
from baoguan.feeds.part import Part, all_text, part_of
from baoguan.feeds.texts import plain
from baoguan.feeds.vocabulary import CATEGORIES, LINKS
from baoguan.text.dates import ReadDate, parse_date

Children = dict[str, list[Part]]
_BASE, _LANG = XML + "base", XML + "lang"
_REMEMBERED_CHARS = 100
_PAGE_TYPES = ("", "text/html", "application/xhtml+xml")


class Link(msgspec.Struct, frozen=True, gc=False):
    """A link in Atom's form."""

    rel: str
    """alternate when none is written."""
    type: str
    href: str
    part: Part


def base_of(part: Part, outer: str) -> str:
    """The xml:base in force at `part`."""
    own = part.attributes.get(_BASE) if part.attributes else None
    return resolve(outer, own) if own else outer


def language_of(part: Part, outer: str) -> str:
    """The xml:lang in force at `part`; a blank one ends what was inherited."""
    own = part.attributes.get(_LANG) if part.attributes else None
    return outer if own is None else language_tag(own)


def language_tag(text: str) -> str:
    """A language tag in lower case with hyphens, so that zh_CN and zh-cn are one; at most 40 characters."""
    return text.strip().replace("_", "-").lower()[:40]


def link_elements(children: Children, words: Iterable[str] = LINKS) -> list[Link]:
    """The links that have an address in an attribute."""
    found = []
    for word in words:
        for part in children.get(word, ())[:MAX_VALUES]:
            href = attribute(part, "href") if part.attributes else ""
            if href:
                get = part.attributes.get
                rel = (get("rel") or "alternate").strip().lower().rsplit("/", 1)[-1]
                found.append(Link(rel, (get("type") or "").strip().lower(), href, part))
    return found


def alternate(links: Iterable[Link]) -> str:
    """The link to the page itself: rel=alternate, an HTML one before others."""
    pages = [link for link in links if link.rel == "alternate"]
    return next((link.href for link in pages if link.type in _PAGE_TYPES), pages[0].href if pages else "")


def dated(children: Children, words: Iterable[str]) -> tuple[ReadDate | None, str]:
    """The first date that can be read under one of the names, and its text (the first text when none can)."""
    first = ""
    for word in words:
        for part in children.get(word, ())[:MAX_VALUES]:
            text = all_text(part)
            if text:
                first = first or text[:200]
                read = parse_date(text)
                if read:
                    return read, text
    return None, first


def read_at(read: ReadDate | None) -> datetime | None:
    """The instant of a date that may be missing."""
    return read.at if read else None


def category_names(children: Children, words: Iterable[str] = CATEGORIES) -> tuple[str, ...]:
    """Categories of an item or a feed: text, Atom's label or term, iTunes' text, Media RSS labels; each once."""
    found: dict[str, None] = {}
    for word in words:
        for part in children.get(word, ())[:MAX_VALUES]:
            if word == "media:category":
                names = [part.attributes.get("label", "").strip()]
            elif word == "itunes:category":
                names = [_category_name(part_of(one)) for one in part.element.iter(part.element.tag)]
            else:
                names = [_category_name(part)]
            for name in names:
                if name:
                    found[name] = None
    return tuple(found)


def _category_name(part: Part) -> str:
    text = part.text
    if part.attributes:
        get = part.attributes.get
        text = get("label") or get("term") or get("text") or text
    return (_remembered(text) if len(text) < _REMEMBERED_CHARS else plain(text)) if text else ""


_remembered = lru_cache(maxsize=2048)(plain)
"""Items of a feed share their categories."""
