"""How deep mark-up nests, told before it is parsed: a tree builder's time grows with the square of the depth."""

import re
from collections import defaultdict

_TAG = re.compile(r"<(/?[a-zA-Z][^\s/>]*)[^>]*>")
_UNCOUNTED_TEXT = """p li dt dd td th tr option br hr img input meta link source wbr embed area base col param track"""
_UNCOUNTED = frozenset(_UNCOUNTED_TEXT.split())
"""Without end tags, or with such as may be left out."""


class _Open:
    """The elements that are open, by name. An end tag closes one of its name, and nothing where none is open:
    `<div></b>` a hundred thousand times is as deep as without the `</b>`.
    """

    __slots__ = ("counts", "known")

    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.known: dict[str, tuple[str, bool]] = {}

    def read(self, name: str) -> tuple[str, bool]:
        """(name, empty where it isn't counted; whether it is an end tag) of a tag as it is written."""
        low = name.lower()
        bare = low.removeprefix("/")
        found = self.known[name] = ("" if bare in _UNCOUNTED else bare, low != bare)
        return found


def is_deeper(html: str, most: int) -> bool:
    """Whether more than `most` elements may be open at once."""
    state = _Open()
    counts, known, depth = state.counts, state.known, 0
    for tag in _TAG.findall(html, 0, html.rfind(">") + 1):
        name, ends = known.get(tag) or state.read(tag)
        if not name:
            continue
        if not ends:
            counts[name] += 1
            depth += 1
            if depth > most:
                return True
        elif counts[name]:
            counts[name] -= 1
            depth -= 1
    return False


def limit_depth(html: str, most: int) -> str:
    """Leaves out start tags where `most` elements are open, with as many end tags of their names."""
    # What follows the last ">" holds no tag; searched for one, each "<" in it would be followed to the end.
    whole = html.rfind(">") + 1
    state = _Open()
    counts, dropped = state.counts, defaultdict[str, int](int)
    depth = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal depth
        name, ends = state.known.get(match[1]) or state.read(match[1])
        if not name:
            return match[0]
        if not ends:
            if depth < most:
                counts[name] += 1
                depth += 1
                return match[0]
            dropped[name] += 1
            return ""
        if dropped[name]:
            dropped[name] -= 1
            return ""
        if counts[name]:
            counts[name] -= 1
            depth -= 1
        return match[0]

    return _TAG.sub(keep, html[:whole]) + html[whole:]
