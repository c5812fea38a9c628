"""Authors: names, mail addresses and pages out of Atom persons, RSS addresses and Dublin Core."""

import re
from collections.abc import Iterable
from functools import lru_cache

from baoguan.feeds.limits import MAX_VALUES
from baoguan.feeds.names import Names
from baoguan.feeds.part import Part, all_text, part_of
from baoguan.feeds.texts import collapse, plain
from baoguan.feeds.vocabulary import AUTHORS
from baoguan.model.feed import Author

_MAIL = r"[\w.+%\-]{1,200}@[\w.\-]{1,200}"
_MAIL_FIRST = re.compile(rf"^<?({_MAIL})>?\s*\((.+)\)$", re.DOTALL)
_MAIL_LAST = re.compile(r"^\"?([^<>\"]+?)\"?\s*<([^<>\s]+@[^<>\s]+)>$", re.DOTALL)
_MAIL_BEHIND = re.compile(rf"^([^()]+?)\s*\(({_MAIL})\)$")
_BARE_MAIL = re.compile(rf"^{_MAIL}$")
_FEED = ("author", "atom:author", "dc:creator", "dc:author", "itunes:author", "googleplay:author")
_STAFF = ("managingeditor", "dc:publisher", "webmaster")
_NAME = ("name", "atom:name", "foaf:name", "title")
_EMAIL = ("email", "atom:email", "itunes:email", "foaf:mbox")
_PAGE = ("uri", "url", "homepage", "atom:uri", "atom:url", "foaf:homepage")
_MAX_NAME = 500
_MAX_DEPTH = 8
_Children = dict[str, list[Part]]


def item_people(children: _Children, names: Names, words: Iterable[str] = AUTHORS) -> tuple[Author, ...]:
    """Authors of an item: those of the first vocabulary that names any, for the others repeat them."""
    for word in words:
        found = children.get(word)
        if found and len(found) == 1:
            one = _person(found[0], names)
            if one:
                return (one,)
        elif found:
            people = dict.fromkeys(person for part in found[:MAX_VALUES] if (person := _person(part, names)))
            if people:
                return tuple(people)
    return ()


def feed_people(children: _Children, names: Names) -> tuple[tuple[Author, ...], tuple[Author, ...]]:
    """(authors that hold for items without their own, authors of the feed). An editor or webmaster wrote no article."""
    authors = item_people(children, names, _FEED)
    return authors, authors or item_people(children, names, _STAFF)


def names_of(people: tuple[Author, ...]) -> tuple[str, ...]:
    """What to print of each, once: the name, else the mail address, else the page."""
    if len(people) == 1:
        one = people[0]
        return (one.name or one.email or one.url,)
    return tuple(dict.fromkeys(one.name or one.email or one.url for one in people))


@lru_cache(maxsize=1024)
def read_person(text: str) -> Author | None:
    """An author out of `mail (Name)`, `Name <mail>`, `Name (mail)`, an address or a name; None for an empty text.

    At most 500 characters of it are read.
    """
    text = plain(text) if "&" in text or "</" in text else collapse(text)
    text = text[:_MAX_NAME]
    found = _MAIL_FIRST.match(text)
    if found:
        return Author(name=found[2].strip(), email=found[1])
    found = _MAIL_LAST.match(text) or _MAIL_BEHIND.match(text)
    if found:
        return Author(name=found[1].strip(), email=found[2])
    if not text:
        return None
    return Author(email=text) if _BARE_MAIL.match(text) else Author(name=text)


def _person(part: Part, names: Names, depth: int = 0) -> Author | None:
    if not part.size:
        return read_person(part.text[: 2 * _MAX_NAME])
    parts = names.children(part.element)
    name, email, page = _part(parts, _NAME), _part(parts, _EMAIL), _part(parts, _PAGE)
    read = read_person(name) if name else None
    if read is not None:
        return Author(name=read.name or read.email, email=email or (read.email if read.name else ""), url=page)
    if email or page:
        return Author(email=email, url=page)
    deeper = next((child for child in part.element if isinstance(child.tag, str) and len(child)), None)
    if deeper is not None and depth < _MAX_DEPTH:
        return _person(part_of(deeper), names, depth + 1)
    return read_person(all_text(part)[: 2 * _MAX_NAME])


def _part(parts: _Children, words: tuple[str, ...]) -> str:
    for word in words:
        if word in parts:
            for part in parts[word][:MAX_VALUES]:
                text = all_text(part)
                if text:
                    return text[:_MAX_NAME]
    return ""
