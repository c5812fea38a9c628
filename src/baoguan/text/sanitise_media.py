"""Pictures, their captions, video, audio and foreign frames."""

import re
from collections.abc import Mapping

from baoguan.model.article import Embed
from baoguan.text.escape import clean_value
from baoguan.text.pictures import choose_source, size_of
from baoguan.text.sanitise_state import Exit, Node, Writer

_CAPTION_CLASS = re.compile(r"caption|legend|wsw__cap|图注|圖說")
_PIXEL = 2
_EMOJI = 2
_TRACKER = re.compile(
    r"https?://(?:[^/]*\.)?(?:doubleclick\.net|scorecardresearch\.com|feedburner\.com/~|pixel\.wp\.com|"
    r"google-analytics\.com|facebook\.com/tr|stats\.wordpress\.com)"
)


def is_caption(writer: Writer, tag: str, node: Node) -> bool:
    """The ancestors' caption: a lone <small> in a <div> after a picture; or a class that says so."""
    if writer.captionless() is None:
        return False
    first = node.first_child
    if tag == "div" and first is not None and first.tag == "small" and first.next is None:
        return True
    classes = node.attributes.get("class")
    return bool(classes) and _CAPTION_CLASS.search(classes or "") is not None


def on_figure(writer: Writer, _tag: str, _node: Node) -> tuple[bool, Exit]:
    """Pictures stand alone anyway; a caption in here belongs to the one in here."""
    writer.flush()
    writer.fig = None
    return True, Writer.flush


def on_figcaption(writer: Writer, _tag: str, _node: Node) -> tuple[bool, Exit]:
    """Goes to the picture that it follows, or that it holds."""
    writer.flush()
    if writer.caption:
        return True, Writer.flush
    return True, writer.enter_caption()


def on_image(writer: Writer, _tag: str, node: Node) -> tuple[bool, Exit]:
    """img, amp-img."""
    attributes = node.attributes
    width, height = size_of(attributes.get("width")), size_of(attributes.get("height"))
    alt = clean_value(attributes.get("alt") or "")
    if _is_small(writer, attributes, width, height, alt):
        return False, None
    extra: list[str] = []
    parent = node.parent
    if parent is not None and parent.tag == "picture":
        extra = [
            s for n in parent.css("source") if (s := n.attributes.get("srcset") or n.attributes.get("data-srcset"))
        ]
    url, candidates = choose_source(attributes, extra, writer.source)
    if url and not _TRACKER.match(url):
        writer.figure(url, candidates, alt, (width, height))
    return False, None


def _is_pixel(size: int | None) -> bool:
    return size is not None and size <= _PIXEL


def _is_small(
    writer: Writer, attributes: Mapping[str, str | None], width: int | None, height: int | None, alt: str
) -> bool:
    """Trackers vanish; pictures that stand for a character become it."""
    if _is_pixel(width) or _is_pixel(height):
        return True
    if (
        len(alt) <= _EMOJI
        and alt
        and not alt.isalnum()
        and "emoji" in (attributes.get("class") or "") + (attributes.get("src") or "")
    ):
        writer.text(alt)
        return True
    return False


def on_media(writer: Writer, tag: str, node: Node) -> tuple[bool, Exit]:
    """video, audio: a link to the file, under its poster where it has one."""
    attributes = node.attributes
    sources = [attributes.get("src"), attributes.get("data-src")]
    sources += [source.attributes.get("src") for source in node.css("source")]
    url = next((found for value in sources if value and (found := writer.link(value))), "")
    poster_value = attributes.get("poster") or attributes.get("data-poster") or ""
    poster = writer.source(poster_value) if poster_value else ""
    kind = tag.removeprefix("amp-")
    if url:
        writer.embeds.append(Embed(kind=kind, url=url, poster=poster))
    if poster:
        writer.figure(poster, (), "", (size_of(attributes.get("width")), size_of(attributes.get("height"))), url)
    elif url:
        writer.link_block(url, url.partition("?")[0].rpartition("/")[2] or url)
    return False, None


def on_frame(writer: Writer, _tag: str, node: Node) -> tuple[bool, Exit]:
    """A foreign frame becomes a link to it."""
    writer.flush()
    attributes = node.attributes
    width, height = size_of(attributes.get("width")), size_of(attributes.get("height"))
    value = attributes.get("src") or attributes.get("data-src") or ""
    url = writer.link(value) if value else ""
    if url and not _is_pixel(width) and not _is_pixel(height):
        writer.flags.add("frames")
        writer.embeds.append(Embed(kind="frame", url=url))
        writer.link_block(url, url.split("/", 3)[2])
    return False, None
