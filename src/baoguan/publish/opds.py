"""OPDS 1.2 catalogues (specs.opds.io/opds-1.2): Atom feeds by which e-readers browse books and fetch them; pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from lxml import etree

_ATOM = "http://www.w3.org/2005/Atom"
_DC = "http://purl.org/dc/terms/"
_SPACES: dict[str | None, str] = {None: _ATOM, "dc": _DC}
_OPEN = "http://opds-spec.org/acquisition/open-access"
_EPUB = "application/epub+zip"


class CatalogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A shelf to go on to, or a book to fetch."""

    id: str
    """A URN."""
    title: str
    updated: datetime
    """Aware."""
    href: str
    """Of the next feed, or of the book; absolute or absolute by path."""
    is_book: bool
    summary: str = ""
    lang: str = ""
    authors: tuple[str, ...] = ()


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """One feed of a catalogue."""

    id: str
    title: str
    updated: datetime
    author: str
    self_href: str
    start_href: str
    has_books: bool
    """Whether its entries are books (kind=acquisition) or shelves (kind=navigation)."""
    entries: tuple[CatalogEntry, ...] = ()


def catalog_type(*, has_books: bool) -> str:
    """The media type of a catalogue feed."""
    return f"application/atom+xml;profile=opds-catalog;kind={'acquisition' if has_books else 'navigation'}"


def render_catalog(catalog: Catalog) -> bytes:
    """The feed document, UTF-8. What XML cannot carry is left out of texts."""
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap=_SPACES)  # type: ignore[arg-type]  # the stubs forget the default namespace
    _texts(feed, (("id", catalog.id), ("title", catalog.title), ("updated", _stamp(catalog.updated))))
    _author(feed, (catalog.author,))
    _link(feed, "self", catalog.self_href, catalog_type(has_books=catalog.has_books))
    _link(feed, "start", catalog.start_href, catalog_type(has_books=False))
    for entry in catalog.entries:
        _entry(etree.SubElement(feed, f"{{{_ATOM}}}entry"), entry)
    return etree.tostring(feed, encoding="utf-8", xml_declaration=True)


def _entry(element: etree._Element, entry: CatalogEntry) -> None:
    _texts(element, (("id", entry.id), ("title", entry.title), ("updated", _stamp(entry.updated))))
    _author(element, entry.authors)
    if entry.lang:
        etree.SubElement(element, f"{{{_DC}}}language").text = _plain(entry.lang)
    content = etree.SubElement(element, f"{{{_ATOM}}}content", type="text")
    content.text = _plain(entry.summary)
    kind = _EPUB if entry.is_book else catalog_type(has_books=True)
    _link(element, _OPEN if entry.is_book else "subsection", entry.href, kind)


def _author(element: etree._Element, names: Iterable[str]) -> None:
    for name in names:
        etree.SubElement(etree.SubElement(element, f"{{{_ATOM}}}author"), f"{{{_ATOM}}}name").text = _plain(name)


def _texts(element: etree._Element, texts: Iterable[tuple[str, str]]) -> None:
    for name, text in texts:
        etree.SubElement(element, f"{{{_ATOM}}}{name}").text = _plain(text)


def _link(element: etree._Element, rel: str, href: str, kind: str) -> None:
    etree.SubElement(element, f"{{{_ATOM}}}link", rel=rel, href=_plain(href), type=kind)


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
