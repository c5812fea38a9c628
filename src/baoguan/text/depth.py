"""How deep mark-up nests, told before it is parsed: a tree builder's time grows with the square of the depth."""

import re
from collections import defaultdict

_TAG = re.compile(r"<(/?[a-zA-Z][^\s/>]*)[^>]*>")
_UNCOUNTED_TEXT = """p li dt dd td th tr option br hr img input meta link source wbr embed area base col param track"""
_UNCOUNTED = frozenset(_UNCOUNTED_TEXT.split())
"""Without end tags, or with such as may be left out."""


_ITEMS = {"li": "li", "dd": "dd", "dt": "dd"}
"""Of these one ends another of its kind, but one of the other kind nests in it: `<dd><li>` over and over."""
_LEAF = re.compile(r"<([a-zA-Z][^\s/<>]*+)[^<>]*+>[^<]*+</\1>")
_ODD = re.compile(r"<[a-zA-Z/][^<>]*<")
"""A tag with a `<` in it: what looks like an element may stand in its value."""
_LARGE = 60_000
"""Tags of a page, larger than any that was met, for which leaving leaves out pays."""
_CLOSED, _LAYERS, _SHRUNK = 0.4, 4, 0.7
_ITEM, _TERM = re.compile("<li", re.IGNORECASE), re.compile("<d[dt]", re.IGNORECASE)
_LISTS = frozenset(("ul", "ol", "dl"))
_LISTED = frozenset((*_LISTS, *_ITEMS))


class _Open:
    """The elements that are open, by name. An end tag closes one of its name, and nothing where none is open:
    `<div></b>` a hundred thousand times is as deep as without the `</b>`.
    """

    __slots__ = ("counts", "depth", "item", "items", "known", "lists", "mixed")

    def __init__(self, html: str) -> None:
        self.mixed = _ITEM.search(html) is not None and _TERM.search(html) is not None
        """Whether there are items of both kinds; else none can nest, and they aren't counted."""
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.known: dict[str, tuple[str, bool, bool]] = {}
        self.depth = 0
        self.items = 0
        """Items that opened in one of the other kind, about."""
        self.item = ""
        """The kind of the item that was opened last."""
        self.lists: list[tuple[int, str]] = []
        """Both as they were before each open list."""

    def read(self, name: str) -> tuple[str, bool, bool]:
        """(name, empty where it isn't counted; whether it is an end tag; whether of a list or an item that may nest)
        of a tag as it is written.
        """
        low = name.lower()
        bare = low.removeprefix("/")
        listed = self.mixed and bare in _LISTED
        found = self.known[name] = ("" if bare in _UNCOUNTED and not listed else bare, low != bare, listed)
        return found

    def adds(self, name: str) -> bool:
        """Whether its start tag opens an element in what is open now."""
        kind = _ITEMS.get(name)
        return kind is None or (self.item != "" and kind != self.item)

    def start(self, name: str) -> None:
        """Counts a start tag."""
        kind = _ITEMS.get(name)
        if kind is None:
            self.depth += 1
            if name in _LISTS:
                self.lists.append((self.items, self.item))
                self.item = ""
        elif kind == self.item:
            return
        else:
            self.items += self.item != ""
            self.item = kind
        self.counts[name] += 1

    def end(self, name: str) -> bool:
        """Counts an end tag; whether it closes something."""
        if not self.counts[name]:
            # <dd> ends a <dt> and isn't counted anew.
            return _ITEMS.get(name) == "dd" and bool(self.counts["dd"] or self.counts["dt"])
        self.counts[name] -= 1
        if name in _ITEMS:
            self.items -= self.items > 0
            self.item = ""
            return True
        if name in _LISTS:
            self.items, self.item = self.lists.pop()
        self.depth -= 1
        return True


def is_deeper(html: str, most: int) -> bool:
    """Whether more than `most` elements may be open at once."""
    state = _Open(html)
    tags = html.count("<")
    if tags > _LARGE and not state.mixed and html.count("</") > _CLOSED * tags and _ODD.search(html) is None:
        bare, layers = _without_leaves(html)
        if layers < most and not _is_deeper(bare, most - layers, _Open(bare)):
            return False
    return _is_deeper(html, most, state)


def _without_leaves(html: str) -> tuple[str, int]:
    """A page without elements that hold only text, again and again while there are many; and how often.

    Each time the page is flatter by one level at most, and the pattern does in a fifth of the time what counting does.
    """
    layers = 0
    while layers < _LAYERS:
        # A space, so that what stands on both sides makes no tag.
        bare = _LEAF.sub(" ", html)
        layers += 1
        if len(bare) > _SHRUNK * len(html):
            return bare, layers
        html = bare
    return html, layers


def _is_deeper(html: str, most: int, state: _Open) -> bool:
    """As is_deeper, tag by tag."""
    counts, known, depth = state.counts, state.known, 0
    for tag in _TAG.findall(html, 0, html.rfind(">") + 1):
        name, ends, listed = known.get(tag) or state.read(tag)
        if not name:
            continue
        if listed:
            state.end(name) if ends else state.start(name)
            if depth + state.depth + state.items > most:
                return True
        elif not ends:
            counts[name] += 1
            depth += 1
            if depth + state.depth + state.items > most:
                return True
        elif counts[name]:
            counts[name] -= 1
            depth -= 1
    return False


def limit_depth(html: str, most: int) -> str:
    """Leaves out start tags where `most` elements are open, with as many end tags of their names, and end tags that
    close nothing (each is looked for among all that are open).
    """
    # What follows the last ">" holds no tag; searched for one, each "<" in it would be followed to the end.
    whole = html.rfind(">") + 1
    state = _Open(html)
    dropped = defaultdict[str, int](int)

    def keep(match: re.Match[str]) -> str:
        name, ends, _ = state.known.get(match[1]) or state.read(match[1])
        if not name:
            return match[0]
        if not ends:
            if state.depth + state.items + state.adds(name) <= most:
                state.start(name)
                return match[0]
            dropped[name] += 1
            return ""
        if dropped[name]:
            dropped[name] -= 1
            return ""
        return match[0] if state.end(name) else ""

    return _TAG.sub(keep, html[:whole]) + html[whole:]
