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
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_GOOD_LENGTH = 40
_GOOD_LINKS = 0.4


def is_hidden(attrs: dict[str, str | None]) -> bool:
    """Whether role or state say that an element holds no article text, or an outlet's rule does."""
    if "hidden" in attrs or "bg-drop" in attrs:
        return True
    if attrs.get("aria-hidden") == "true" and "paywall" not in (attrs.get("class") or ""):
        return True
    role = attrs.get("role")
    if role and role in _JUNK_ROLES:
        return True
    style = attrs.get("style")
    return bool(style) and _HIDDEN.search(style) is not None  # type: ignore[arg-type]


class _Run:
    """Collects text nodes into blocks."""

    __slots__ = ("block", "blocks", "breaks", "owner", "pieces")

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.block = Block(0, 0)
        self.owner = -1
        """Of the block that is being collected; -1 before the first."""
        self.pieces: list[str] = []
        self.breaks = 0

    def add(self, i: int, text: str, said: str, owner: int, *, linked: bool) -> None:
        """One more text node, which says `said`, under the block-level element `owner`."""
        if self.owner != owner or self.breaks > 1:
            self.end()
            self.block = block = Block(i, owner)
            self.owner = owner
            self.blocks.append(block)
        else:
            block = self.block
        self.breaks = 0
        self.pieces.append(text)
        mass = len(said) if said.isascii() else weigh(said)
        block.mass += mass
        if linked:
            block.linked += mass
        block.last = i

    def end(self) -> None:
        """Ends the block that is being collected."""
        block = self.block
        if self.owner >= 0:
            text = self.pieces[0] if len(self.pieces) == 1 else "".join(self.pieces)
            block.text = text = " ".join(text.split())
            if block.mass >= _GOOD_LENGTH and block.linked < _GOOD_LINKS * block.mass and _STOPS.search(text):
                block.good = block.mass
        self.pieces = []


def scan(page: Page, heading: int = -1) -> Layout:
    """Finds the blocks of the body and which elements are junk. Nothing round the `heading` is."""
    layout = Layout(page)
    tags = page.tags
    layout.top = tags.index("body") if "body" in tags else 0
    layout.heading = heading
    _judge(layout)
    layout.blocks = _collect(layout)
    for block in layout.blocks:
        if tags[block.owner] in _HEADINGS:
            # A headline of a sentence's length is no text: a box of headline and summary isn't the article.
            block.good = 0.0
    layout.index()
    guard(layout)
    set_aside(layout)
    weigh_tree(layout)
    return layout


def _judge(layout: Layout) -> None:
    """Notes what the names of the body's elements say, and which are junk."""
    tags, data, junk = layout.page.tags, layout.page.data, layout.junk
    layout.verdict = verdict = [0] * len(tags)
    for i in range(layout.top + 1, len(tags)):
        tag = tags[i]
        if not tag:
            continue
        if tag in _JUNK_TAGS:
            junk.add(i)
        attrs: dict[str, str | None] = data[i]  # type: ignore[assignment]
        if not attrs:
            continue
        bits = 0
        if name := attrs.get("class"):
            bits = verdict_of(name)
        if name := attrs.get("id"):
            bits |= verdict_of(name)
        if bits:
            verdict[i] = bits
        if bits & JUNK or (not _STATES.isdisjoint(attrs) and is_hidden(attrs)):
            junk.add(i)


def _collect(layout: Layout) -> list[Block]:
    """The runs of text under the body."""
    tags, data, parents = layout.page.tags, layout.page.data, layout.page.parent
    owner, link = list(range(len(tags))), [False] * len(tags)
    run = _Run()
    for i in range(layout.top + 1, len(tags)):
        tag = tags[i]
        parent = parents[i]
        if not tag:
            text: str = data[i]  # type: ignore[assignment]
            said = text.strip()
            if said:
                run.add(i, text, said, owner[parent], linked=link[parent])
            else:
                run.pieces.append(" ")
        elif tag in INLINE:
            if tag == "br":
                run.breaks += 1
                run.pieces.append(" ")
                continue
            owner[i] = owner[parent]
            link[i] = tag == "a" or link[parent]
        elif link[parent]:
            link[i] = True
    run.end()
    return run.blocks
