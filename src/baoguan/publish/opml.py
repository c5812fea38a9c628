"""OPML: lists of feeds, as readers exchange them."""

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import quoteattr

import msgspec
from lxml import etree

from baoguan.errors import FeedError

MAX_BYTES = 10_000_000
MAX_OUTLINES = 20_000
MAX_DEPTH = 64


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """A feed of an OPML file."""

    feed: str
    """Its http(s) address."""
    title: str = ""
    site: str = ""
    categories: tuple[str, ...] = ()
    """Folders that it lies in, the outermost first, then those of its `category` attribute."""


def read_opml(data: bytes) -> tuple[Outline, ...]:
    """The feeds of an OPML file in its order, each address once.

    Entities are not resolved and nothing is fetched. Raises FeedError for what is no OPML or over a cap: 10 MB,
    20,000 outlines, 64 folders deep.
    """
    if len(data) > MAX_BYTES:
        raise FeedError(f"OPML larger than {MAX_BYTES} bytes")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    try:
        root = etree.fromstring(data.lstrip(b"\xef\xbb\xbf \t\r\n"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedError(f"OPML can't be read: {error}") from error
    if root is None or _name(root) != "opml":
        raise FeedError("not an OPML file: its root is not <opml>")
    found: dict[str, Outline] = {}
    for outline in _outlines(root):
        found.setdefault(outline.feed, outline)
    return tuple(found.values())


def write_opml(outlines: Iterable[Outline], *, title: str) -> bytes:
    """An OPML 2.0 file; feeds lie in folders by their categories. The same outlines give the same bytes."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        f"<head><title>{_text(title)}</title></head>",
        "<body>",
        *_folder(list(outlines), 0),
        "</body>",
        "</opml>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _outlines(root: etree._Element) -> Iterator[Outline]:
    seen = 0
    pending: list[tuple[etree._Element, tuple[str, ...]]] = [(root, ())]
    while pending:
        element, folders = pending.pop()
        children = [child for child in element if isinstance(child.tag, str)]
        seen += len(children)
        if seen > MAX_OUTLINES or len(folders) > MAX_DEPTH:
            raise FeedError(f"OPML with more than {MAX_OUTLINES} outlines or {MAX_DEPTH} folders in each other")
        inner = folders
        if _name(element) == "outline":
            attributes = {str(key).lower(): str(value).strip() for key, value in element.attrib.items()}
            title = attributes.get("title") or attributes.get("text", "")
            feed = attributes.get("xmlurl", "")
            if feed.lower().startswith(("http://", "https://")):
                named = (part.strip("/ ") for part in attributes.get("category", "").split(","))
                categories = tuple(dict.fromkeys((*folders, *(name for name in named if name))))
                yield Outline(feed=feed, title=title, site=_web(attributes.get("htmlurl", "")), categories=categories)
            elif title:
                inner = (*folders, title)
        pending += [(child, inner) for child in reversed(children)]


def _folder(outlines: Sequence[Outline], depth: int) -> Iterator[str]:
    """Feeds of this folder first, then its folders by name in the order met."""
    folders: dict[str, list[Outline]] = {}
    for outline in outlines:
        if depth < min(len(outline.categories), MAX_DEPTH - 1):
            folders.setdefault(outline.categories[depth], []).append(outline)
            continue
        name, site = _quote(outline.title or outline.feed), f" htmlUrl={_quote(outline.site)}" if outline.site else ""
        yield f'<outline type="rss" text={name} title={name} xmlUrl={_quote(outline.feed)}{site}/>'
    for folder, inside in folders.items():
        yield f"<outline text={_quote(folder)} title={_quote(folder)}>"
        yield from _folder(inside, depth + 1)
        yield "</outline>"


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def _web(url: str) -> str:
    return url if url.lower().startswith(("http://", "https://")) else ""


def _legal(text: str) -> str:
    """Without what XML 1.0 can't hold."""
    return "".join(
        char for char in text if char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff"
    )


def _quote(text: str) -> str:
    return quoteattr(_legal(text))


def _text(text: str) -> str:
    return _legal(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
