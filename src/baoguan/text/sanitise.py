"""One walk over a parsed page that writes the small set of elements that an article is kept in.

Written: p h2-h6 ul ol li blockquote pre hr table caption thead tbody tr td th figure figcaption img, and inside text
a em strong b i u s sub sup small code time ruby rt rp br. Attributes: a[href] img[src alt width height] time[datetime]
td,th[colspan rowspan]. Nothing of the source is copied through: every tag is written here and every text and value
escaped, so that what a page holds besides can't reach the output, however it is broken. Elements nest as HTML's
content model wants them, so that a second parser reads the same tree (no mutation XSS); text.html proves it.
"""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborNode

from baoguan.text import sanitise_blocks as blocks
from baoguan.text import sanitise_media as media
from baoguan.text.escape import clean_value, escape_value
from baoguan.text.sanitise_state import Exit, Node, Writer

Enter = Callable[[Writer, str, Node], tuple[bool, Exit]]
"""Handles a start tag: whether to go on into the element, and what to do after its last child."""

_INLINE = {
    **{name: name for name in ("em", "strong", "b", "i", "u", "s", "sub", "sup", "small", "code", "ruby")},
    **dict.fromkeys(("kbd", "samp", "tt"), "code"),
    **dict.fromkeys(("strike", "del"), "s"),
    **dict.fromkeys(("cite", "dfn"), "i"),
}
_OPENED = {name: f"<{name}>" for name in _INLINE.values()}
_BLOCK = """
    div p section article main header footer aside nav address center dl dt dd details summary hgroup fieldset
    dialog search menu dir amp-carousel multicol
"""
_SKIP = """
    script style template textarea select option optgroup datalist button input label legend output progress meter
    object embed applet param svg math canvas map area frame frameset noframes noembed title head meta link base
    track colgroup col xmp plaintext portal bgsound -comment marquee blink
    amp-ad amp-analytics amp-pixel amp-social-share amp-sidebar
"""
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_JUNK_CLASS = re.compile(
    r"(?:^|[\s_-])(?:sharedaddy|jp-relatedposts|addtoany\w*|a2a_kit|sharethis|adsbygoogle|print-link|selfpromo"
    r"|share-?(?:bar|box|buttons?|links?|tools?|widget)|social-?(?:share|links?|buttons?|media|bar))(?:$|[\s_-])",
    re.IGNORECASE,
)
_ADVERT = ("广告", "廣告", "advert", "Advert")


def walk(writer: Writer, root: LexborNode) -> None:
    """Writes the children of `root`. No recursion: depth costs memory only."""
    node = root.first_child
    exits: list[tuple[LexborNode, Exit]] = []
    while True:
        while node is None:
            if not exits:
                writer.flush()
                return
            parent, leave = exits.pop()
            if leave is not None:
                leave(writer)
            node = parent.next
        number = node.tag_id
        if number == _TEXT:
            writer.text(node.text_content or "")
            node = node.next
            continue
        tag, handler = (_KNOWN[number] if number < _FIXED else None) or _look_up(node, number)
        child = node.first_child
        if handler is _block and child is not None and child.tag_id == _TEXT and _is_paragraph(writer, node, child):
            # Most of what news is made of: a paragraph of nothing but text, written without the detours.
            writer.paragraph(child.text_content or "")
            node = node.next
            continue
        descend, leave = handler(writer, tag, node) if handler else (True, None)
        if descend and child is not None:
            exits.append((node, leave))
            node = child
            continue
        if descend and leave is not None:
            leave(writer)
        node = node.next


def _look_up(node: LexborNode, number: int) -> tuple[str, Enter | None]:
    """(tag, handler) of an element; asked once for each number that is fixed."""
    tag = node.tag or ""
    found = tag, _HANDLERS.get(tag)
    if 0 <= number < _FIXED:
        _KNOWN[number] = found
    return found


def _is_paragraph(writer: Writer, node: Node, child: Node) -> bool:
    """Whether the block `node` is a paragraph of the text `child` alone: no caption, nothing hidden."""
    return not (child.next is not None or writer.pre or writer.fig or (writer.attributes and _is_junk(node)))


def enter(writer: Writer, tag: str, node: Node) -> tuple[bool, Exit]:
    """Writes a start tag: whether to go on into the element, and what to do after its last child."""
    handler = _HANDLERS.get(tag)
    return handler(writer, tag, node) if handler else (True, None)


def _skip(_writer: Writer, _tag: str, _node: Node) -> tuple[bool, Exit]:
    return False, None


def _block(writer: Writer, tag: str, node: Node) -> tuple[bool, Exit]:
    if writer.attributes and _is_junk(node):
        return False, None
    if writer.buf:
        if writer.pre:
            writer.text("\n")
            return True, None
        writer.flush()
    if writer.fig is not None and not writer.caption and media.is_caption(writer, tag, node):
        return True, writer.enter_caption()
    return True, Writer.flush


def _is_junk(node: Node) -> bool:
    """Share widgets, adverts and what a style sheet hides."""
    attributes = node.attributes
    if not attributes:
        return False
    style, label, classes = attributes.get("style"), attributes.get("aria-label"), attributes.get("class")
    return bool(
        "hidden" in attributes
        or "data-selfpromo" in attributes
        or (style and _HIDDEN_STYLE.search(style))
        or (label and label.startswith(_ADVERT))
        or (classes and _JUNK_CLASS.search(classes))
    )


def _inline(writer: Writer, tag: str, _node: Node) -> tuple[bool, Exit]:
    name = _INLINE[tag]
    return writer.open_inline(name, _OPENED[name])


def _span(writer: Writer, _tag: str, node: Node) -> tuple[bool, Exit]:
    return not (writer.attributes and _is_junk(node)), None


def _link(writer: Writer, _tag: str, node: Node) -> tuple[bool, Exit]:
    if writer.href or (writer.attributes and _is_junk(node)):
        return bool(writer.href), None
    href = node.attributes.get("href")
    url = writer.link(href) if href else ""
    if not url:
        return True, None
    writer.href = url
    return writer.open_inline("a", f'<a href="{escape_value(url)}">')


def _time(writer: Writer, tag: str, node: Node) -> tuple[bool, Exit]:
    value = clean_value(node.attributes.get("datetime") or "")
    return writer.open_inline(tag, f'<time datetime="{escape_value(value)}">' if value else "<time>")


def _ruby_part(writer: Writer, tag: str, _node: Node) -> tuple[bool, Exit]:
    if writer.opened and writer.opened[-1][0] == "ruby":
        return writer.open_inline(tag, f"<{tag}>")
    return True, None


def _br(writer: Writer, _tag: str, _node: Node) -> tuple[bool, Exit]:
    writer.line_break()
    return False, None


_HANDLERS: dict[str | None, Enter] = {
    **dict.fromkeys(_SKIP.split(), _skip),
    **dict.fromkeys(_BLOCK.split(), _block),
    **dict.fromkeys(_INLINE, _inline),
    "span": _span,
    "ins": _span,
    "a": _link,
    "time": _time,
    **dict.fromkeys(("rt", "rp"), _ruby_part),
    "br": _br,
    "hr": blocks.on_hr,
    **dict.fromkeys(blocks.HEADINGS, blocks.on_heading),
    "pre": blocks.on_pre,
    "form": blocks.on_form,
    **dict.fromkeys(("ul", "ol", "blockquote"), blocks.on_container),
    "li": blocks.on_li,
    "table": blocks.on_table,
    **dict.fromkeys(("caption", "thead", "tbody", "tfoot", "tr", "td", "th"), blocks.on_table_part),
    "figure": media.on_figure,
    "figcaption": media.on_figcaption,
    **dict.fromkeys(("img", "amp-img", "amp-anim"), media.on_image),
    **dict.fromkeys(("video", "audio", "amp-video", "amp-audio"), media.on_media),
    **dict.fromkeys(("iframe", "amp-iframe"), media.on_frame),
}
_TEXT, _FIXED = 2, 200
"""Lexbor's number of a text; its numbers of the tags that it knows are smaller than 200, others are made for a page."""
_KNOWN: list[tuple[str, Enter | None] | None] = [None] * _FIXED
