"""Text blocks of a page: the runs of text between block-level tags, with their weight and their links."""

import re

from baoguan.extract.dom import Page
from baoguan.extract.junk import guard, set_aside, weigh_tree
from baoguan.extract.layout import Block, Layout, weigh
from baoguan.extract.tokens import JUNK, verdict_of

INLINE_TEXT = """a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q rb rp rt ruby s
    samp small span strike strong sub sup time tt u var wbr br img amp-img picture source nobr output
    svg"""
INLINE = frozenset(INLINE_TEXT.split())
_JUNK_TAGS_TEXT = """nav footer button form dialog menu aside style script template svg select textarea noscript input
    object embed canvas amp-ad amp-social-share amp-sidebar amp-analytics amp-consent"""
_JUNK_TAGS = frozenset(_JUNK_TAGS_TEXT.split())
_JUNK_ROLES_TEXT = """navigation contentinfo complementary dialog alertdialog search menu menubar toolbar tablist banner
    alert button"""
_JUNK_ROLES = frozenset(_JUNK_ROLES_TEXT.split())
_STATES = frozenset(("hidden", "aria-hidden", "bg-drop", "role", "style"))
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_STOPS = re.compile(r"[.!?…。！？；;:：,，、」”\"؟।။]")
_GOOD_LENGTH = 40
_GOOD_LINKS = 0.4


def is_hidden(attrs: dict[str, str | None]) -> bool:
    """Whether role or state say that an element holds no article text, or an outlet's rule does."""
    if "hidden" in attrs or attrs.get("aria-hidden") == "true" or "bg-drop" in attrs:
        return True
    role = attrs.get("role")
    if role and role in _JUNK_ROLES:
        return True
    style = attrs.get("style")
    return bool(style) and _HIDDEN.search(style) is not None  # type: ignore[arg-type]


class _Run:
    """Collects text nodes into blocks."""

    __slots__ = ("block", "blocks", "breaks", "pieces")

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.block: Block | None = None
        self.pieces: list[str] = []
        self.breaks = 0

    def add(self, i: int, text: str, owner: int, *, linked: bool) -> None:
        """One more text node, which stands under the block-level element `owner`."""
        block = self.block
        if block is None or block.owner != owner or self.breaks > 1:
            self.end()
            self.block = block = Block(i, owner)
            self.blocks.append(block)
        self.breaks = 0
        self.pieces.append(text)
        mass = weigh(text.strip())
        block.mass += mass
        if linked:
            block.linked += mass
        block.last = i

    def end(self) -> None:
        """Ends the block that is being collected."""
        block = self.block
        if block is not None:
            block.text = text = " ".join("".join(self.pieces).split())
            if block.mass >= _GOOD_LENGTH and block.linked < _GOOD_LINKS * block.mass and _STOPS.search(text):
                block.good = block.mass
        self.pieces = []


def scan(page: Page, heading: int = -1) -> Layout:
    """Finds the blocks of the body and which elements are junk. Nothing round the `heading` is."""
    layout = Layout(page)
    tags, data, parents = page.tags, page.data, page.parent
    size = len(tags)
    layout.verdict = [0] * size
    owner, link = [0] * size, [False] * size
    start = next((i for i in range(size) if tags[i] == "body"), 0)
    layout.top = owner[start] = start
    run = _Run()
    for i in range(start + 1, size):
        tag = tags[i]
        parent = parents[i]
        if not tag:
            text: str = data[i]  # type: ignore[assignment]
            if text.isspace():
                run.pieces.append(" ")
            else:
                run.add(i, text, owner[parent], linked=link[parent])
            continue
        if tag == "br":
            run.breaks += 1
            run.pieces.append(" ")
            continue
        owner[i] = owner[parent] if tag in INLINE else i
        link[i] = tag == "a" or link[parent]
        if data[i] or tag in _JUNK_TAGS:
            _judge(layout, i, tag, data[i])  # type: ignore[arg-type]
    run.end()
    layout.blocks = run.blocks
    for block in layout.blocks:
        if tags[block.owner] == "h1":
            # A headline of a sentence's length is no text: a box of headline and summary isn't the article.
            block.good = 0.0
    layout.heading = heading
    layout.index()
    guard(layout)
    set_aside(layout)
    weigh_tree(layout)
    return layout


def _judge(layout: Layout, i: int, tag: str, attrs: dict[str, str | None]) -> None:
    """Notes what the names of an element say, and whether it is junk."""
    bits = 0
    if name := attrs.get("class"):
        bits = verdict_of(name)
    if name := attrs.get("id"):
        bits |= verdict_of(name)
    if bits:
        layout.verdict[i] = bits
    if bits & JUNK or tag in _JUNK_TAGS or (not _STATES.isdisjoint(attrs) and is_hidden(attrs)):
        layout.junk.add(i)
