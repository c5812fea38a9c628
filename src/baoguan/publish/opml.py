"""OPML 2.0: lists of feeds in and out (http://opml.org/spec2.opml)."""

from collections.abc import Iterable

import msgspec
from lxml import etree

from baoguan.errors import FeedError

MAX_BYTES = 20_000_000
MAX_FEEDS = 100_000


class OpmlFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed of a list."""

    feed_url: str
    site_url: str = ""
    title: str = ""
    category: str = ""
    """Titles of the outlines above it, joined by `/`."""


def read_opml(data: bytes) -> list[OpmlFeed]:
    """The feeds of an OPML file, nested outlines too, each address once. Raises FeedError when it is none."""
    if len(data) > MAX_BYTES:
        raise FeedError(f"an OPML file of {len(data)} bytes is over the cap of {MAX_BYTES}")
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedError(f"no OPML: {error}") from error
    if root is None or root.tag != "opml":
        raise FeedError("no OPML: the root element is not <opml>")
    feeds: dict[str, OpmlFeed] = {}
    for outline in root.iter("outline"):
        url = _value(outline, "xmlUrl", "xmlurl", "xmlURL")
        if url.startswith(("http://", "https://")) and url not in feeds and len(feeds) < MAX_FEEDS:
            feeds[url] = OpmlFeed(
                feed_url=url,
                site_url=_value(outline, "htmlUrl", "htmlurl", "htmlURL"),
                title=_value(outline, "title", "text"),
                category="/".join(_folders(outline)),
            )
    return list(feeds.values())


def write_opml(feeds: Iterable[OpmlFeed], *, title: str) -> bytes:
    """An OPML 2.0 file, a folder a category."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    folders: dict[str, etree._Element] = {"": body}
    for feed in feeds:
        if feed.category not in folders:
            folders[feed.category] = etree.SubElement(body, "outline", text=feed.category, title=feed.category)
        outline = etree.SubElement(folders[feed.category], "outline", type="rss", text=feed.title, title=feed.title)
        outline.set("xmlUrl", feed.feed_url)
        if feed.site_url:
            outline.set("htmlUrl", feed.site_url)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))


def _value(outline: etree._Element, *names: str) -> str:
    return next((value.strip() for name in names if (value := outline.get(name))), "")


def _folders(outline: etree._Element) -> list[str]:
    names = [_value(parent, "title", "text") for parent in outline.iterancestors("outline")]
    return [name for name in reversed(names) if name]
