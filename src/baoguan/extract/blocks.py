"""Text blocks of a page: the runs of text between block-level tags, with their weight, their links and where they stand."""

import re

from baoguan.extract.dom import Page
from baoguan.extract.junk import guard, set_aside, weigh_tree
from baoguan.extract.layout import Block, Layout, weigh
from baoguan.extract.tokens import JUNK, verdict_of

INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q rb rp rt ruby s samp small span strike "
    "strong sub sup time tt u var wbr br img amp-img picture source nobr output svg".split()
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


def is_hidden(attrs: dict[str, str | None]) -> bool:
    """Whether role or state say that an element holds no article text, or an outlet's rule does."""
    if "hidden" in attrs or attrs.get("aria-hidden") == "true" or "bg-drop" in attrs:
        return True
    role = attrs.get("role")
    if role and role in _JUNK_ROLES:
        return True
    style = attrs.get("style")
    return bool(style) and _HIDDEN.search(style) is not None  # type: ignore[arg-type]


def scan(page: Page, heading: int = -1) -> Layout:
    """Finds the blocks of the body and which elements are junk. Nothing round the `heading` is."""
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
            if tag in INLINE:
                owner[i] = owner[parent]
                if tag == "br":
                    breaks += 1
                    pieces.append(" ")
                    continue
            else:
                owner[i] = i
            link[i] = tag == "a" or link[parent]
            attrs: dict[str, str | None] = data[i]  # type: ignore[assignment]
            if tag in _JUNK_TAGS:
                junk.add(i)
            if attrs:
                name, ident = attrs.get("class"), attrs.get("id")
                if name or ident:
                    verdict[i] = own = verdict_of(f"{name} {ident}" if name and ident else name or ident or "")
                    if own & JUNK:
                        junk.add(i)
                if len(attrs) > (name is not None) + (ident is not None) and is_hidden(attrs):
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
    layout.heading = heading
    layout.index()
    guard(layout)
    set_aside(layout)
    weigh_tree(layout)
    return layout
