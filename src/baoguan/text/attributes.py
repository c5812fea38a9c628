"""How many attributes a tag has, told before it is parsed: a parser compares each with all before it."""

import re
from collections.abc import Iterator
from itertools import islice

MAX_ATTRIBUTES = 100
"""Of one element (real pages reach 60); 50,000 took five seconds."""
_LONG, _SHORT = 1000, 200
_LARGE = 1_000_000
"""In pages over a million characters tags of 400 may be cut, in others only those of 2,000: more of them don't fit."""
_BETWEEN = " \t\n\f\r/\"'"
"""One of these stands between two attributes."""
_PAIRS = 20_000_000
"""Comparisons that are no matter: a fifteenth of a second. Data in attributes look like many attributes, too."""
_ATTRIBUTE = re.compile(r"""[^\s"'>/=][^\s>/=]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"']+))?""")
_NAME = re.compile(r"<[a-zA-Z][^\s/>]*")


def limit_attributes(html: str) -> str:
    """Leaves out what stands behind the first hundred attributes of elements where comparing them would take long.

    Only long stretches without `>` are looked at; in common pages those are text, addresses and data.
    """
    found = [(begin, end, count) for begin, end in _stretches(html) if (count := _count(html, begin, end)) > 0]
    if sum(count * count for _, _, count in found) < _PAIRS:
        return html
    kept: list[str] = []
    done = 0
    for begin, end, _ in found:
        name = _NAME.search(html, begin, end)
        attributes = _ATTRIBUTE.finditer(html, name.end() if name else end, end)
        surplus = next(islice(attributes, MAX_ATTRIBUTES, None), None)
        if surplus is not None:
            kept.append(html[done : surplus.start()])
            done = end
    kept.append(html[done:])
    return "".join(kept)


def _stretches(html: str) -> Iterator[tuple[int, int]]:
    """Where no `>` stands for long."""
    step = _LONG if len(html) < _LARGE else _SHORT
    find, place, last = html.find, 0, len(html) - step
    while place <= last:
        if find(">", place, place + step) >= 0:
            place += step
            continue
        begin = html.rfind(">", 0, place) + 1
        end = find(">", place)
        end = len(html) if end < 0 else end
        yield begin, end
        place = end


def _count(html: str, begin: int, end: int) -> int:
    """Attributes in a stretch without `>`, at most; 0 where they are few."""
    name = _NAME.search(html, begin, end)
    if name is None:
        return 0
    count = sum(html.count(char, name.end(), end) for char in _BETWEEN)
    return count if count > MAX_ATTRIBUTES else 0
