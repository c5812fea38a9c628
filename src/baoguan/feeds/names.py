"""Element names of feeds: one short word for each, whatever namespace, prefix or letter case a feed writes it in."""

import re
from functools import lru_cache
from typing import Any

from lxml import etree

from baoguan.feeds.limits import MAX_TEXT
from baoguan.feeds.part import MARK, NO_ATTRIBUTES, Aside, Part, attributes_of, part_of

CORE = frozenset(
    (
        "",
        "http://www.w3.org/2005/atom",
        "http://purl.org/atom/ns",
        "http://purl.org/rss/1.0",
        "http://my.netscape.com/rdf/simple/0.9",
        "http://channel.netscape.com/rdf/simple/0.9",
        "http://my.netscape.com/publish/formats/rss-0.91.dtd",
        "http://purl.org/net/rss1.1",
        "http://backend.userland.com/rss",
        "http://backend.userland.com/rss2",
        "http://backend.userland.com/rss091",
        "http://backend.userland.com/rss092",
        "http://backend.userland.com/rss093",
        "http://backend.userland.com/rss20",
        "http://blogs.law.harvard.edu/tech/rss",
        "http://www.rssboard.org/rss-specification",
        "http://cyber.law.harvard.edu/rss/rss.html",
        "http://www.sitemaps.org/schemas/sitemap/0.9",
        "http://www.google.com/schemas/sitemap/0.84",
    )
)
ATOM = ("http://www.w3.org/2005/atom", "http://purl.org/atom/ns")
MODULES = {
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/elements/1.0": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "http://purl.org/rss/1.0/modules/content": "content",
    "http://purl.org/rss/1.0/modules/slash": "slash",
    "http://search.yahoo.com/mrss": "media",
    "http://video.search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://www.google.com/schemas/play-podcasts/1.0": "googleplay",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://wellformedweb.org/commentapi": "wfw",
    "http://purl.org/syndication/thread/1.0": "thr",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns": "rdf",
    "http://purl.org/rss/1.0/modules/syndication": "sy",
    "http://www.google.com/schemas/sitemap-news/0.9": "news",
    "http://www.google.com/schemas/sitemap-image/1.1": "image",
    "http://webns.net/mvcb": "admin",
    "http://xmlns.com/foaf/0.1": "foaf",
}
_OWN_PREFIXES = ("rss", "rss1", "rss2", "r")
_PREFIXES = frozenset(MODULES.values()) | {"atom"}
_LOCAL = re.compile(r"^.*[}:]")
_REMEMBERED_CHARS = 200
_NOTHING = frozenset(("",))
"""What says nothing about news."""
XML = "{http://www.w3.org/XML/1998/namespace}"


class Names:
    """Short names of one document's elements, remembered by tag: `title`, `dc:creator`, `atom:link`.

    The namespace of the root is core too, however odd: feeds are written with invented ones.
    """

    def __init__(self, root: etree._Element, aside: Aside = ()) -> None:
        """`aside` are the long texts that were not given to the parser (xmltree.parse_xml)."""
        self._root_space = _space(str(root.tag))
        self._aside = aside
        self._short: dict[object, str] = {}

    def of(self, element: etree._Element) -> str:
        """The short name; empty for comments, instructions, entities and modules that say nothing about news."""
        tag = element.tag
        short = self._short.get(tag)
        if short is None:
            short = self._shorten(tag) if isinstance(tag, str) else ""
            self._short[tag] = short
        return short

    def children(self, element: etree._Element, *, without: frozenset[str] = _NOTHING) -> dict[str, list[Part]]:
        """The children of `element` by short name, each list in the order of the document; none named in `without`."""
        found: dict[str, list[Part]] = {}
        short, aside, get = self._short, self._aside, found.get
        for child in element:
            name = short.get(child.tag)
            if name is None:
                name = self.of(child)
            if name in without:
                continue
            text = child.text
            if len(child) or (text and ((aside and MARK in text) or len(text) > MAX_TEXT)):
                part = part_of(child, aside)
            else:  # written out: what nearly every child comes down to, in half of the time of the call
                pairs: Any = child.items()
                part = Part(child, dict(pairs) if pairs else NO_ATTRIBUTES, 0, text.strip() if text else "")
            known = get(name)
            if known is None:
                found[name] = [part]
            else:
                known.append(part)
        return found

    def _shorten(self, tag: str) -> str:
        shorten = _shortened if len(tag) + len(self._root_space) < _REMEMBERED_CHARS else _shortened.__wrapped__
        return shorten(tag, self._root_space)


@lru_cache(maxsize=4096)
def _shortened(tag: str, root_space: str) -> str:
    """The short name of a tag in a document whose root is of that namespace: feeds share nearly all of them."""
    space, local = _space(tag), tag.rsplit("}", 1)[-1].lower()
    if ":" in local:  # a prefix that nobody declared
        prefix, local = local.split(":", 1)
        return local if prefix in _OWN_PREFIXES else f"{prefix}:{local}" if prefix in _PREFIXES else ""
    if space in MODULES:
        return f"{MODULES[space]}:{local}"
    if space in ATOM and root_space not in ATOM:
        return f"atom:{local}"
    if space in CORE or space == root_space:
        return local
    return f"dc:{local}" if space.startswith("http://purl.org/dc/") else ""


def local_name(element: etree._Element) -> str:
    """The name without namespace, lower case."""
    tag: object = element.tag
    if not isinstance(tag, str):
        return ""
    return _remembered(tag) if len(tag) < _REMEMBERED_CHARS else _without_space(tag)


def _without_space(tag: str) -> str:
    return _LOCAL.sub("", tag).lower()


_remembered = lru_cache(maxsize=1024)(_without_space)


def attribute(element: etree._Element | Part, name: str) -> str:
    """An attribute whatever its letter case and namespace, stripped; empty when it isn't there."""
    attributes = element.attributes if isinstance(element, Part) else attributes_of(element)
    value = attributes.get(name)
    if value is None:
        for key, other in attributes.items():
            if key.rsplit("}", 1)[-1].lower() == name:
                return other.strip()
        return ""
    return value.strip()


def _space(tag: str) -> str:
    return tag[1:].split("}", 1)[0].strip().lower().rstrip("/#") if tag.startswith("{") else ""
