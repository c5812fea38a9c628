"""Where the article's text stands: one container, or several of one signature."""

import re

from baoguan.extract.blocks import Layout
from baoguan.extract.harvest import Head
from baoguan.extract.likeness import normal
from baoguan.extract.profile import Profile
from baoguan.extract.tokens import BODY, TEASER

_DESCEND = 0.72
_BODY_SHARE = 0.55
_PROBE = 40
_LONG_TEXT = 400
_TAGS = re.compile(r"<[^>]+>")


def find_roots(layout: Layout, head: Head, ruled: list[int], profile: Profile | None) -> tuple[list[int], str]:
    """The smallest elements that hold the article's text, and how they were found."""
    if ruled:
        return ruled, "rules"
    del profile
    stated = _by_article_body(layout, head)
    if stated >= 0:
        return [stated], "JSON-LD articleBody"
    anchored = _by_anchor(layout)
    if anchored >= 0:
        return [anchored], "named as the body"
    total = layout.mass.get(layout.top, 0.0)
    articles = [i for i in layout.page.found["article"] if layout.mass.get(i, 0.0) >= _BODY_SHARE * total]
    top = min(articles, key=lambda i: layout.page.end[i] - i) if articles else layout.top
    return [_descend(layout, top)], "most sentences"


def _descend(layout: Layout, i: int) -> int:
    """Goes down while one child holds nearly all sentences."""
    page, mass = layout.page, layout.mass
    while True:
        here = mass.get(i, 0.0)
        best, most = -1, 0.0
        j, stop = i + 1, page.end[i]
        while j < stop:
            if page.tags[j] and (m := mass.get(j, 0.0)) > most:
                best, most = j, m
            j = page.end[j]
        if best < 0 or most < _DESCEND * here or page.tags[best] in ("p", "td", "li", "blockquote"):
            return i
        i = best


def _by_anchor(layout: Layout) -> int:
    """An element that names itself the article's body and holds most of the sentences; the smallest such."""
    page, mass = layout.page, layout.mass
    total = mass.get(layout.top, 0.0)
    best, smallest = -1, 0.0
    for i, here in mass.items():
        if here < _BODY_SHARE * total or i <= layout.top:
            continue
        item = page.attr(i, "itemprop").lower()
        named = "articlebody" in item or (layout.verdict[i] & BODY and not layout.verdict[i] & TEASER)
        if named and (
            best < 0 or here >= 0.97 * smallest and i > best or here < smallest and i > best and here >= 0.8 * smallest
        ):
            best, smallest = i, here
    return _widen(layout, best) if best >= 0 else -1


def _widen(layout: Layout, i: int) -> int:
    """Up again while a parent adds sentences of the same article (text split over several wrappers)."""
    page, mass = layout.page, layout.mass
    limit = page.parent[i]
    for _ in range(3):
        if limit <= layout.top or page.tags[limit] == "body":
            break
        kin = [j for j in page.children(limit) if page.tags[j] and j != i and page.tags[j] == page.tags[i]
               and page.attr(j, "class") == page.attr(i, "class") and mass.get(j, 0.0) > 0]  # fmt: skip
        if kin and page.attr(i, "class"):
            return limit
        limit = page.parent[limit]
    return i


def _by_article_body(layout: Layout, head: Head) -> int:
    """The smallest element that holds the blocks whose text JSON-LD quotes as articleBody."""
    stated = head.ld.get("articleBody")
    if not isinstance(stated, str) or len(stated) < _LONG_TEXT:
        return -1
    whole = normal(_TAGS.sub(" ", stated))
    hits: list[int] = []
    held = 0.0
    for n, block in enumerate(layout.blocks):
        if block.good and not block.junk:
            text = normal(block.text)
            if text[:_PROBE] in whole or text[-_PROBE:] in whole:
                hits.append(n)
                held += block.good
    if held < 0.6 * len(whole):
        return -1
    page = layout.page
    i = layout.blocks[hits[0]].owner
    if page.tags[i] in ("p", "li", "span"):
        i = page.parent[i]
    while i > layout.top:
        inside = sum(layout.blocks[n].good for n in hits if page.inside(layout.blocks[n].owner, i))
        if inside >= 0.95 * held:
            return i
        i = page.parent[i]
    return -1
