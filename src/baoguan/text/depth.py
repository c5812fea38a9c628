"""How deep mark-up nests, told before it is parsed: a tree builder's time grows with the square of the depth."""

import re
from collections import defaultdict

_TAG = re.compile(r"<(/?[a-zA-Z][^\s/>]*)[^>]*>")
_UNCOUNTED_TEXT = """p li dt dd td th tr option br hr img input meta link source wbr embed area base col param track"""
_UNCOUNTED = frozenset(_UNCOUNTED_TEXT.split())
"""Without end tags, or with such as may be left out."""


_ITEMS = {"li": "li", "dd": "dd", "dt": "dd"}
"""Of these one ends another of its kind, but one of the other kind nests in it: `<dd><li>` over and over."""
_LISTS = frozenset(("ul", "ol", "dl"))
_LISTED = frozenset((*_LISTS, *_ITEMS))


class _Open:
    """The elements that are open, by name. An end tag closes one of its name, and nothing where none is open:
    `<div></b>` a hundred thousand times is as deep as without the `</b>`.
    """

    __slots__ = ("counts", "depth", "item", "items", "known", "lists")

    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.known: dict[str, tuple[str, bool]] = {}
        self.depth = 0
        self.items = 0
        """Items that opened in one of the other kind, about."""
        self.item = ""
        """The kind of the item that was opened last."""
        self.lists: list[tuple[int, str]] = []
        """Both as they were before each open list."""

    def read(self, name: str) -> tuple[str, bool]:
        """(name, empty where it isn't counted; whether it is an end tag) of a tag as it is written."""
        low = name.lower()
        bare = low.removeprefix("/")
        found = self.known[name] = ("" if bare in _UNCOUNTED and bare not in _ITEMS else bare, low != bare)
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
    state = _Open()
    counts, known, depth = state.counts, state.known, 0
    for tag in _TAG.findall(html, 0, html.rfind(">") + 1):
        name, ends = known.get(tag) or state.read(tag)
        if not name:
            continue
        if name in _LISTED:
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
    state = _Open()
    dropped = defaultdict[str, int](int)

    def keep(match: re.Match[str]) -> str:
        name, ends = state.known.get(match[1]) or state.read(match[1])
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
