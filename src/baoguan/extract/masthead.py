"""The name of the site in a title: told from the headline by separators, by what the page calls itself, and by what
it shows."""

import re

from baoguan.extract.dom import Page
from baoguan.extract.harvest import Head
from baoguan.extract.likeness import normal

_SITE_TAIL = re.compile(r"\s+[|–—•·»:-]\s+[^|–—•·»]{2,60}$|\s*[|｜_]\s*[^|｜_]{2,40}$|[-－–—]\s*[^-－–—\s]{2,20}$")
_PARTS = re.compile(r"\s+[|–—•·»«:/-]+\s+|\s*[|｜_│]+\s*|\s+»\s*|--+|－")
"""Between the parts of a title: headline, section, site."""
_CJK_TAIL = re.compile(r"(?<=[\u3040-\u9fff？！”」』…])[-_](?=[\w.]{2,20}$)")
_HOST = re.compile(r"(?:https?:)?//([^/?#:@]+)", re.IGNORECASE)
_SHORT = 3
_WHOLE = 16
"""Letters (a CJK character counts 2.5) of what may be a headline, told from a section only by being shown."""
_MANY = 8
_LINKED = 4


def host_of(url: str) -> str:
    """The host of an absolute address without `www.`, else the empty string."""
    match = _HOST.match(url)
    return match[1].lower().removeprefix("www.") if match else ""


def cut_site(title: str, head: Head, url: str = "", names: frozenset[str] = frozenset()) -> str:
    """A title without the name of its site at the end.

    `url` is the page's where it states none, `names` what else the site is known to be called (normal form).
    """
    site = normal(head.meta("og:site_name"))
    host = normal(host_of(head.canonical or head.meta("og:url") or url))
    for _ in range(2):
        match = _last_part(title)
        tail = normal(match[0]) if match else ""
        if match is None or not (
            (site and (site in tail or tail in site)) or (len(tail) > _SHORT and tail in host) or tail in names
        ):
            break
        title = title[: match.start()].strip()
    return title


def _last_part(title: str) -> re.Match[str] | None:
    """What follows the last separator of a title."""
    match = None
    while (found := _SITE_TAIL.search(title, match.start() + 1 if match else 0)) is not None:
        match = found
    return match


def runs(title: str) -> list[str]:
    """The parts of a title and what stands from one to another, longest first, without the whole."""
    cuts = [(match.start(), match.end()) for match in _PARTS.finditer(title)]
    cuts += [(match.start(), match.end()) for match in _CJK_TAIL.finditer(title)]
    cuts = sorted(cuts)[:_MANY]
    begins = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(title)]
    found = [title[begin:end].strip() for i, begin in enumerate(begins) for end in ends[i:]]
    return sorted(found[: len(ends) - 1] + found[len(ends) :], key=len, reverse=True)


def length(key: str) -> float:
    """Letters of a normal form, a CJK character for 2.5."""
    return len(key) if key.isascii() else len(key) + 1.5 * sum("\u3040" <= char <= "\u9fff" for char in key)


def shown_part(page: Page, title: str) -> str:
    """The longest part of a title that the page shows by itself and not as a link; the empty string without one.

    For pages whose headline is no heading (old Chinese portals): what stands beside it is section and site.
    """
    wanted = {key: part for part in reversed(runs(title)) if length(key := normal(part)) >= _WHOLE}
    if not wanted:
        return ""
    longest = 2 * len(title)
    found = ""
    for i, tag in enumerate(page.tags):
        text = page.data[i]
        if tag or not isinstance(text, str) or len(text) > longest:
            continue
        part = wanted.get(normal(text), "")
        if len(part) > len(found) and not _linked(page, i):
            found = part
    return found


def _linked(page: Page, i: int) -> bool:
    """Whether a text stands in a link, an option or the head."""
    for _ in range(_LINKED):
        i = page.parent[i]
        if i < 0 or page.tags[i] in ("p", "div", "td", "li"):
            return False
        if page.tags[i] in ("a", "option", "title", "head", "button"):
            return True
    return False
