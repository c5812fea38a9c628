"""Where the article's text stands: one container, or several of one signature."""

import re

from baoguan.extract.harvest import Head
from baoguan.extract.layout import Layout
from baoguan.extract.likeness import normal
from baoguan.extract.profile import Profile, path_of
from baoguan.extract.tokens import BODY, BYLINE, CAPTION, CREDIT, DECK, TEASER

_DESCEND = 0.72
_BODY_SHARE = 0.55
_NEAR_SHARE = 0.2
_NAMED_SHARE = 0.05
_NEAR_LEAST = 150.0
_HABIT = 3
_PARTS = frozenset(("tr", "tbody", "ul", "ol", "li", "p", "span", "dl", "a"))
_PROBE = 40
_DECK_LEAST = 40.0
_DECKS = 8
_FIRST = 12
_LONG_TEXT = 400
_NUMBER = re.compile(r"(?<=[a-z][-_])\d{1,2}(?![\w-])", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]+>")


def find_roots(layout: Layout, head: Head, ruled: list[int], profile: Profile | None) -> tuple[list[int], str]:
    """The smallest elements that hold the article's text, and how they were found."""
    if ruled:
        return ruled, "rules"
    stated = _by_article_body(layout, head)
    if stated >= 0:
        return [_block_of(layout, stated)], "JSON-LD articleBody"
    top = _surroundings(layout)
    learned = _by_habit(layout, top, profile) if profile is not None else -1
    if learned >= 0:
        return [learned], "where this outlet's bodies stood"
    anchored = _by_anchor(layout, top)
    if anchored >= 0:
        return [_block_of(layout, anchored)], "named as the body"
    articles = [
        i for i in layout.page.found["article"] if layout.mass.get(i, 0.0) >= _BODY_SHARE * layout.mass.get(top, 0.0)
    ]
    inner = [i for i in articles if layout.page.inside(i, top)]
    top = min(inner, key=lambda i: layout.page.end[i] - i) if inner else top
    return [_block_of(layout, _descend(layout, top))], "most sentences"


def _block_of(layout: Layout, i: int) -> int:
    """The container round a lone row, list or paragraph."""
    page = layout.page
    while page.tags[i] in _PARTS and page.parent[i] > layout.top:
        i = page.parent[i]
    return i


def _surroundings(layout: Layout) -> int:
    """The smallest element round the headline with a fair share of the page's sentences: what lies outside it
    (consent dialogs, footers, the next article) is no candidate.
    """
    page, mass = layout.page, layout.mass
    total = mass.get(layout.top, 0.0)
    i = page.parent[layout.heading] if layout.heading > layout.top else layout.top
    while i > layout.top:
        here = mass.get(i, 0.0)
        share = _NAMED_SHARE if here >= _LONG_TEXT and _is_named(layout, i) else _NEAR_SHARE
        if here >= share * total and here >= _NEAR_LEAST and page.tags[i] != "header":
            here -= _deck_under(layout, i)
            if here >= share * total and here >= _NEAR_LEAST:
                return i
        i = page.parent[i]
    return layout.top


def _is_named(layout: Layout, i: int) -> bool:
    """Whether an element round the headline says that it is the article; comments may be five times as long."""
    return layout.page.tags[i] == "article" or "articlebody" in layout.page.attr(i, "itemprop").lower()


def _deck_under(layout: Layout, i: int) -> float:
    """Good mass of the summaries under the headline, in the first blocks of an element: alone they are no article."""
    return sum(b.good for b in layout.blocks_under(i)[:_FIRST] if b.good and layout.verdict[b.owner] & DECK)


def _by_habit(layout: Layout, top: int, profile: Profile) -> int:
    """The element at the path from which this outlet's articles were read before."""
    for path, count in sorted(profile.paths.items(), key=lambda pair: -pair[1]):
        if count < _HABIT:
            return -1
        for i, here in layout.mass.items():
            if here >= _BODY_SHARE * layout.mass.get(top, 0.0) and i > layout.top and path_of(layout, i) == path:
                return i
    return -1


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


def _by_anchor(layout: Layout, top: int) -> int:
    """An element that names itself the article's body and holds most of the sentences; the smallest such."""
    page, mass = layout.page, layout.mass
    total = mass.get(top, 0.0)
    best, smallest = -1, 0.0
    for i, here in mass.items():
        if here < _BODY_SHARE * total or i <= layout.top or not page.inside(i, top):
            continue
        item = page.attr(i, "itemprop").lower()
        named = "articlebody" in item or (layout.verdict[i] & BODY and not layout.verdict[i] & TEASER)
        if named and (
            best < 0
            or (here >= 0.97 * smallest and i > best)
            or (here < smallest and i > best and here >= 0.8 * smallest)
        ):
            best, smallest = i, here
    return _widen(layout, best) if best >= 0 else -1


def _widen(layout: Layout, i: int) -> int:
    """Up again while a parent adds sentences of the same article (text split over several wrappers)."""
    page, mass = layout.page, layout.mass
    name = page.attr(i, "class")
    parts = _numbered_like(layout, i)
    limit = page.parent[i]
    for _ in range(3 if name else 0):
        if limit <= layout.top or page.tags[limit] == "body":
            break
        kin = [j for j in page.children(limit) if page.tags[j] and j != i and page.tags[j] == page.tags[i]
               and page.attr(j, "class") == name and mass.get(j, 0.0) > 0]  # fmt: skip
        if kin or any(page.inside(j, limit) for j in parts):
            return limit
        limit = page.parent[limit]
    return i


def _numbered_like(layout: Layout, i: int) -> list[int]:
    """Elements with text whose class is that of `i` but for a number: story-body-1, story-body-2."""
    page = layout.page
    name = page.attr(i, "class")
    if not _NUMBER.search(name):
        return []
    plain = _NUMBER.sub("", name)
    return [j for j in layout.mass
            if (other := page.attr(j, "class")) != name and page.tags[j] == page.tags[i]
            and len(other) <= len(name) + 1 and _NUMBER.sub("", other) == plain and not page.inside(i, j)]  # fmt: skip


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


def find_decks(layout: Layout, head: Head, root: int) -> list[int]:
    """Elements between headline and container that hold the summary under the headline."""
    page = layout.page
    if not layout.top < layout.heading < root:
        return []
    stated = normal(" ".join([head.meta("og:description", "description"), str(head.ld.get("description") or "")]))
    found: list[int] = []
    for block in layout.blocks:
        if not page.end[layout.heading] <= block.first < root or page.inside(root, block.owner):
            continue
        if block.mass < _DECK_LEAST or block.linked > 0.3 * block.mass:
            continue
        own = layout.verdict[block.owner] | layout.verdict[page.parent[block.owner]]
        text = normal(block.text)
        named = own & DECK and not own & (BYLINE | CAPTION | CREDIT) and not block.junk
        said = len(text) > _DECK_LEAST and (text[:_PROBE] in stated or text[-_PROBE:] in stated)
        if said and block.junk and layout.only_junk(block.owner):
            block.junk = False
            layout.junk.discard(block.owner)
        if named or said:
            found.append(block.owner)
    return list(dict.fromkeys(found))[:_DECKS]
