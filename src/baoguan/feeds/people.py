"""Authors: names out of Atom persons, RSS addresses and Dublin Core."""

import re

from lxml import etree

from baoguan.feeds.limits import MAX_VALUES
from baoguan.feeds.names import Names
from baoguan.feeds.texts import collapse, plain, raw_text

_MAIL_FIRST = re.compile(r"^<?[\w.+%\-]+@[\w.\-]+>?\s*\((.+)\)$", re.DOTALL)
_MAIL_LAST = re.compile(r"^\"?([^<>\"]+?)\"?\s*<[^<>\s]+@[^<>\s]+>$", re.DOTALL)
_ITEM = (
    "author",
    "dc:creator",
    "dc:author",
    "atom:author",
    "itunes:author",
    "googleplay:author",
    "dc:contributor",
    "creator",
)
_FEED = ("author", "atom:author", "dc:creator", "dc:author", "itunes:author", "googleplay:author")
_STAFF = ("managingeditor", "dc:publisher", "webmaster")


def item_authors(children: dict[str, list[etree._Element]], names: Names) -> tuple[str, ...]:
    """Authors of an item: those of the first vocabulary that names any, for the others repeat them."""
    return _first(children, names, _ITEM)


def feed_authors(children: dict[str, list[etree._Element]], names: Names) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(authors that hold for items without their own, authors of the feed). An editor or webmaster wrote no article."""
    authors = _first(children, names, _FEED)
    return authors, authors or _first(children, names, _STAFF)


def person_name(text: str) -> str:
    """A name out of `mail (Name)` and `Name <mail>`; anything else as it stands."""
    text = plain(text) if "&" in text or "</" in text else collapse(text)
    found = _MAIL_FIRST.match(text) or _MAIL_LAST.match(text)
    return found[1].strip() if found else text


def _first(children: dict[str, list[etree._Element]], names: Names, words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        found = children.get(word)
        if found:
            people = dict.fromkeys(name for element in found[:MAX_VALUES] if (name := _name(element, names)))
            if people:
                return tuple(people)
    return ()


def _name(element: etree._Element, names: Names) -> str:
    if not len(element):
        return person_name(raw_text(element))
    parts = names.children(element)
    for word in ("name", "atom:name", "foaf:name", "title", "email", "atom:email", "uri", "url", "homepage"):
        for part in parts.get(word, ()):
            text = raw_text(part)
            if text:
                return person_name(text)
    deeper = next((child for child in element if isinstance(child.tag, str) and len(child)), None)
    return _name(deeper, names) if deeper is not None else person_name(raw_text(element))
