"""Text blocks of a page: the runs of text between block-level tags, with their weight, their links and where they stand."""

import re

from baoguan.extract.dom import Page
from baoguan.extract.tokens import JUNK, verdict_of

INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q rb rp rt ruby s samp small span strike "
    "strong sub sup time tt u var wbr br img amp-img picture source nobr output".split()
)
_JUNK_TAGS = frozenset(
    "nav footer button form dialog menu aside style script template svg select textarea noscript input object embed canvas "
    "amp-ad amp-social-share amp-sidebar amp-analytics amp-consent".split()
)
_JUNK_ROLES = frozenset(
    "navigation contentinfo complementary dialog alertdialog search menu menubar toolbar tablist banner alert button".split()
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_STOPS = re.compile(r"[.!?…。！？；;:：,，、」”\"؟।။]")
_GOOD_LENGTH = 40
_GOOD_LINKS = 0.4
_GUARD_SHARE = 0.3
_NEVER_BODY = frozenset("nav footer button select textarea script style template svg menu".split())


class Block:
    """One run of text. `first` and `last` are its text nodes; `owner` its nearest block-level element."""

    __slots__ = ("first", "good", "junk", "keep", "last", "linked", "mass", "owner", "text", "why")

    def __init__(self, first: int, owner: int) -> None:
        self.first = first
        self.last = first
        self.owner = owner
        self.mass = 0.0
        """Characters, a CJK one counted as 2.5."""
        self.linked = 0.0
        """Mass inside links."""
        self.text = ""
        self.good = 0.0
        """Mass when it reads like a sentence, else 0."""
        self.junk = False
        self.keep = False
        self.why = ""


class Layout:
    """What the scan of a page found."""

    __slots__ = ("blocks", "junk", "links", "mass", "page", "top", "verdict")

    def __init__(self, page: Page) -> None:
        self.page = page
        self.top = 0
        self.blocks: list[Block] = []
        self.verdict: list[int] = []
        """Bits of tokens.verdict_of for each element."""
        self.junk: set[int] = set()
        """Elements that hold no article text, guard applied."""
        self.links: set[int] = set()
        self.mass: dict[int, float] = {}
        """Good mass under each element that has some, junk left out."""


def weigh(text: str) -> float:
    """Characters of `text`, CJK ones counted as 2.5."""
    size = len(text)
    if text.isascii():
        return float(size)
    return size + 0.75 * max(0, len(text.encode("utf-8", "replace")) - size - 0.35 * size)


def is_junk_element(tag: str, attrs: dict[str, str | None], verdict: int) -> bool:
    """Whether tag, role, state or names say that an element holds no article text."""
    if tag in _JUNK_TAGS or verdict & JUNK:
        return True
    if not attrs:
        return False
    if "hidden" in attrs or attrs.get("aria-hidden") == "true" or "bg-drop" in attrs:
        return True
    role = attrs.get("role")
    if role and role in _JUNK_ROLES:
        return True
    style = attrs.get("style")
    return bool(style) and "n" in style and _HIDDEN.search(style) is not None  # type: ignore[arg-type,operator]


def scan(page: Page) -> Layout:
    """Finds the blocks of the body and which elements are junk."""
    layout = Layout(page)
    tags, data, parents = page.tags, page.data, page.parent
    size = len(tags)
    layout.verdict = verdict = [0] * size
    owner, link = [0] * size, [False] * size
    junk, blocks = layout.junk, layout.blocks
    start = next((i for i in range(size) if tags[i] == "body"), 0)
    layout.top = start
    owner[start] = start
    block: Block | None = None
    breaks = 0
    pieces: list[str] = []
    for i in range(start + 1, size):
        tag = tags[i]
        parent = parents[i]
        if tag:
            attrs: dict[str, str | None] = data[i]  # type: ignore[assignment]
            if tag in INLINE:
                owner[i] = owner[parent]
                link[i] = link[parent] or tag == "a"
                if tag == "br":
                    breaks += 1
                    pieces.append(" ")
                    continue
            else:
                owner[i] = i
                link[i] = link[parent]
            if attrs:
                name = attrs.get("class") or ""
                if ident := attrs.get("id"):
                    name = f"{name} {ident}"
                if name:
                    verdict[i] = verdict_of(name)
            if (attrs or tag in _JUNK_TAGS) and is_junk_element(tag, attrs, verdict[i]):
                junk.add(i)
            continue
        text: str = data[i]  # type: ignore[assignment]
        if text.isspace():
            pieces.append(" ")
            continue
        if block is None or block.owner != owner[parent] or breaks > 1:
            if block is not None:
                block.text = "".join(pieces)
            pieces = []
            block = Block(i, owner[parent])
            blocks.append(block)
        breaks = 0
        pieces.append(text)
        mass = weigh(text.strip())
        block.mass += mass
        if link[parent]:
            block.linked += mass
        block.last = i
    if block is not None:
        block.text = "".join(pieces)
    for block in blocks:
        block.text = " ".join(block.text.split())
        if block.mass >= _GOOD_LENGTH and block.linked < _GOOD_LINKS * block.mass and _STOPS.search(block.text):
            block.good = block.mass
    _guard(layout)
    _weigh_tree(layout)
    return layout


def _guard(layout: Layout) -> None:
    """A name whose elements hold much of the page's sentences isn't junk (body wrappers called sidebar-grid, paywall)."""
    page, junk = layout.page, layout.junk
    total = sum(block.good for block in layout.blocks)
    held: dict[str, float] = {}
    for block in layout.blocks:
        if not block.good:
            continue
        seen = set()
        i = block.owner
        while i > layout.top:
            if i in junk:
                key = _name(page, i)
                if key not in seen:
                    seen.add(key)
                    held[key] = held.get(key, 0.0) + block.good
            i = page.parent[i]
    large = {key for key, mass in held.items() if mass >= _GUARD_SHARE * total}
    if large:
        junk.difference_update([i for i in junk if page.tags[i] not in _NEVER_BODY and _name(page, i) in large])


def _name(page: Page, i: int) -> str:
    return f"{page.tags[i]} {page.attr(i, 'class')}"


def _weigh_tree(layout: Layout) -> None:
    """Sums good mass up the tree and marks the blocks under junk."""
    page, mass, junk = layout.page, layout.mass, layout.junk
    parents = page.parent
    known: dict[int, bool] = {}
    for block in layout.blocks:
        path = []
        i = block.owner
        while i >= 0 and i not in known:
            path.append(i)
            i = parents[i]
        state = known.get(i, False)
        for j in reversed(path):
            state = state or j in junk
            known[j] = state
        block.junk = known[block.owner]
        if block.good and not block.junk:
            i = block.owner
            while i >= 0:
                mass[i] = mass.get(i, 0.0) + block.good
                i = parents[i]
