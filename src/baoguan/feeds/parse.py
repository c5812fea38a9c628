"""Bytes of a feed to a FeedDoc, whatever format, encoding and state they are in."""

import re
from urllib.parse import urljoin

import msgspec
from lxml import etree

from baoguan.errors import FeedError
from baoguan.feeds.channel import Origin, read_channel
from baoguan.feeds.encoding import decode_document
from baoguan.feeds.jsonfeed import looks_like_json, read_json_feed
from baoguan.feeds.limits import MAX_BYTES, MAX_VALUES
from baoguan.feeds.names import ATOM, attribute, local_name
from baoguan.feeds.sitemap import sitemap_as_feed
from baoguan.feeds.xmltree import Tree, parse_xml
from baoguan.model.feed import FeedDoc

_ROOTS = ("rss", "rdf", "feed", "channel")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_BLANK = b"\x00\t\n\x0b\x0c\r \xef\xbb\xbf"
_RDF_VERSIONS = {
    "http://my.netscape.com/rdf/simple/0.9/": "rss0.90",
    "http://channel.netscape.com/rdf/simple/0.9/": "rss0.90",
}


def parse_feed(
    data: bytes,
    *,
    url: str = "",
    content_type: str = "",
    content_location: str = "",
    content_language: str = "",
    max_bytes: int = MAX_BYTES,
) -> FeedDoc:
    """Reads a feed: RSS 0.90-2.0, RDF, Atom 0.3 and 1.0, JSON Feed, CDF, Google news sitemaps.

    `url` is where it came from (after redirects), the others are values of its response's headers. A feed without items
    is a FeedDoc with a warning. Raises FeedError when the bytes are no feed or exceed `max_bytes`; never anything else.
    """
    if len(data) > max_bytes:
        raise FeedError(f"a feed of {len(data)} bytes is over the cap of {max_bytes}")
    origin = Origin(url=url, location=_location(url, content_location), language=content_language.split(",")[0].strip())
    if not data[:1000].strip(_BLANK) and not data.strip(_BLANK):
        raise FeedError("an empty document, no feed")
    if _may_be_json(data):
        decoded = decode_document(data, content_type)
        if looks_like_json(decoded.text):
            doc = read_json_feed(decoded.text.lstrip("\ufeff"), origin)
            return _finished(doc, decoded.encoding, decoded.warnings)
    tree = parse_xml(data, content_type)
    root = _feed_root(tree, data)
    if local_name(root) == "urlset":
        return _finished(sitemap_as_feed(root, origin, tree.aside), tree.encoding, tree.warnings)
    return _finished(read_channel(root, origin, form=format_of(root), aside=tree.aside), tree.encoding, tree.warnings)


def format_of(root: etree._Element) -> str:
    """The format and its version by the root element: rss2.0, rdf1.0, atom0.3, cdf."""
    name, tag = local_name(root), str(root.tag)
    space = tag[1:].split("}")[0].lower() if tag.startswith("{") else ""
    if name == "feed":
        old = space.startswith(ATOM[1]) or (space != ATOM[0] and attribute(root, "version").startswith("0."))
        return "atom0.3" if old else "atom1.0"
    if name == "rss":
        version = attribute(root, "version").lower().removeprefix("rss").strip()
        return f"rss{version[:8]}" if version else "rss"
    if name == "rdf":
        spaces = {str(child.tag)[1:].split("}")[0].lower() for child in root if str(child.tag).startswith("{")}
        return next((_RDF_VERSIONS[space] for space in spaces if space in _RDF_VERSIONS), "rdf1.0")
    return "rss" if any(local_name(child) == "link" or local_name(child) == "description" for child in root) else "cdf"


def _may_be_json(data: bytes) -> bool:
    return b"{" in data[:64] and b"<" not in data[: data.index(b"{")]


def _location(url: str, content_location: str) -> str:
    """Content-Location as an absolute http(s) URL; empty when there is none that can be used."""
    if not content_location.strip():
        return ""
    try:
        absolute = urljoin(url, content_location.strip())
    except ValueError:
        return ""
    return absolute if absolute.startswith(("http://", "https://")) else ""


def _feed_root(tree: Tree, data: bytes) -> etree._Element:
    """The root, or the feed inside a wrapper that is no HTML page. Raises FeedError when there is none."""
    root = tree.root
    if root is None:
        raise FeedError("no XML element and no JSON in it, no feed")
    name = local_name(root)
    if name in _ROOTS or name == "urlset":
        return root
    if name == "sitemapindex":
        raise FeedError("an index of sitemaps, no feed")
    if name == "html" or _HTML.search(data[:2000]):
        raise FeedError("an HTML page, no feed")
    for element in root.iter():
        if local_name(element) in _ROOTS[:3]:
            return element
    if name in ("item", "entry") or any(local_name(child) in ("item", "entry") for child in root):
        return root
    raise FeedError(f"XML of another kind, no feed: its root is {name[:60]}")


def _finished(doc: FeedDoc, encoding: str, warnings: tuple[str, ...]) -> FeedDoc:
    found = (*warnings, *doc.warnings, *(() if doc.items else ("no items",)))
    return msgspec.structs.replace(doc, encoding=encoding, warnings=found[:MAX_VALUES])
