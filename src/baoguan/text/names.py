"""How many names of elements and attributes a page invents: the parser keeps those it doesn't know in lists, and looks
each one up from the start. A hundred thousand took five seconds, a million would take ten minutes.
"""

import re
from collections.abc import Iterator
from zlib import crc32

MAX_NAMES = 4_000
"""Real pages have some hundred; 4,000 cost 5 ms."""
_SMALL = 150_000
"""Characters of a page that can't hold so many that it matters."""
_SLOT, _WINDOW, _STRIDE = 32_768, 512, 101
"""A sixty-fourth of a page is looked at first, in a place of each slot that hangs on all of it."""
_SUSPECT = 400
_TAG = re.compile(r"<[a-zA-Z][^>]*")
_NAME = re.compile(r"<([a-zA-Z][^\s/>]*)|[\s\"'/]([^\s\"'<>/=]+)(?=[\s=/>\"']|$)")
_HIDDEN = re.compile(r"""=\s*(?:"[^">]*>[^"]*"|'[^'>]*>[^']*')([^<]*)""")
_OPEN = re.compile(r"<([a-zA-Z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"[\s/]*(?:([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]*))?|=)")


def cut_names(html: str) -> str:
    """The page up to where it has used four thousand names of elements and attributes."""
    if len(html) < _SMALL or not _is_suspect(html):
        return html
    seen: set[str] = set()
    for place, name in _names(html):
        seen.add(name.lower())
        if len(seen) > MAX_NAMES:
            return html[: html.rfind("<", 0, place + 1)]
    return html


def _is_suspect(html: str) -> bool:
    """Whether a sixty-fourth of a page has hundreds of names."""
    seen: set[str] = set()
    seed = crc32(html[::_STRIDE].encode("utf-8", "replace"))
    for slot in range(0, len(html), _SLOT):
        begin = slot + (seed + slot // _SLOT * 2_654_435_761) % (_SLOT - _WINDOW)
        window = html[begin : begin + _WINDOW]
        for tag in _TAG.findall(window):
            seen.update(map("".join, _NAME.findall(tag)))
        # Behind a value with a `>` the pattern above sees no tag.
        for rest in _HIDDEN.findall(window) if '"' in window or "'" in window else ():
            seen.update(rest.split())
    return len(seen) > _SUSPECT


def _names(html: str) -> Iterator[tuple[int, str]]:
    """Names of elements and attributes, with the place of each, values passed over."""
    place = 0
    while (tag := _OPEN.search(html, place)) is not None:
        yield tag.start(), tag[1]
        place = tag.end()
        while (found := _ATTRIBUTE.match(html, place)) is not None and found.end() > place:
            if found[1]:
                yield found.start(), found[1]
            place = found.end()
