"""EPUB 3 from articles: one book that opens on any reader, offline; pure but for the file that it writes to."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from html import escape
from typing import IO
from uuid import UUID

import msgspec
from lxml import etree
from lxml import html as lxml_html

_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}
"""Pictures that EPUB 3.3 lets a book hold without a fallback."""
_CSS = """body{line-height:1.7}h1{font-size:1.4em;line-height:1.35}.meta{font-size:.85em;color:#555}
img{max-width:100%;height:auto}figure{margin:1em 0}
blockquote{margin:1em;padding-left:.8em;border-left:3px solid #aaa}"""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STAMP = (1980, 1, 1, 0, 0, 0)  # the same articles make the same bytes


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """One article in a book."""

    name: str
    """Of its file: letters and digits."""
    title: str
    lang: str = ""
    lines: tuple[str, ...] = ()
    """Below the title: outlet, clocks, proof."""
    url: str = ""
    body_html: str
    """Sanitised; pictures as media/<aa>/<sha256>.<ext>."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """The book as a whole."""

    id: UUID
    title: str
    lang: str
    modified: str
    """YYYY-MM-DDThh:mm:ssZ"""
    contents: str
    """The heading of the table of contents."""


def write_epub(
    out: IO[bytes], book: Book, chapters: Iterable[tuple[Chapter, Iterable[tuple[str, bytes]]]]
) -> tuple[int, int]:
    """Writes `book` with each chapter and its pictures (path, bytes); returns (chapters, pictures) written."""
    names: list[tuple[str, str, str]] = []
    pictures: dict[str, str] = {}
    with zipfile.ZipFile(out, "w") as archive:
        _put(archive, "mimetype", b"application/epub+zip", stored=True)
        _put(archive, "META-INF/container.xml", _CONTAINER.encode())
        _put(archive, "OEBPS/style.css", _CSS.encode())
        for chapter, files in chapters:
            for path, data in files:
                kind = _TYPES.get(path.rpartition(".")[2], "")
                if kind and path not in pictures:
                    pictures[path] = kind
                    _put(archive, f"OEBPS/{path}", data, stored=True)
            _put(archive, f"OEBPS/{chapter.name}.xhtml", _page(chapter, pictures.keys()))
            names.append((chapter.name, chapter.title, chapter.lang))
        _put(archive, "OEBPS/nav.xhtml", _nav(book, names).encode())
        _put(archive, "OEBPS/book.opf", _package(book, [name for name, _, _ in names], pictures).encode())
    return len(names), len(pictures)


def _put(archive: zipfile.ZipFile, name: str, data: bytes, *, stored: bool = False) -> None:
    info = zipfile.ZipInfo(name, _STAMP)
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def _page(chapter: Chapter, kept: Iterable[str]) -> bytes:
    lang = _lang(chapter.lang)
    link = ""
    if chapter.url.lower().startswith(("http://", "https://")):
        link = f'<p class="meta"><a href="{_safe(chapter.url)}">{_safe(chapter.url)}</a></p>'
    lines = "".join(f'<p class="meta">{_safe(line)}</p>' for line in chapter.lines)
    return (
        f'{_HEAD}<html xmlns="http://www.w3.org/1999/xhtml"{lang}><head><title>{_safe(chapter.title)}</title>'
        f'<link rel="stylesheet" href="style.css"/></head><body><h1>{_safe(chapter.title)}</h1>{lines}'
        f"{as_xhtml(chapter.body_html, set(kept))}{link}</body></html>"
    ).encode()


def as_xhtml(body: str, kept: set[str]) -> str:
    """Sanitised HTML as well-formed XHTML; a picture that the book doesn't hold leaves its description."""
    root = lxml_html.fragment_fromstring(_NOT_XML.sub("", body) or " ", create_parent="div")
    for image in list(root.iter("img")):
        if image.get("src", "").lstrip("/") in kept:
            image.set("src", image.get("src", "").lstrip("/"))
            for name in ("loading", "decoding", "fetchpriority"):
                image.attrib.pop(name, None)
            image.set("alt", image.get("alt", ""))
        else:
            image.tag = "span"
            image.text = image.get("alt", "")
            image.attrib.clear()
    for link in root.iter("a"):
        if not link.get("href", "").startswith(("http://", "https://", "mailto:")):
            link.attrib.pop("href", None)
    return etree.tostring(root, encoding="unicode", method="xml")


def _nav(book: Book, names: list[tuple[str, str, str]]) -> str:
    rows = "".join(f'<li><a href="{name}.xhtml"{_lang(lang)}>{_safe(title)}</a></li>' for name, title, lang in names)
    return (
        f'{_HEAD}<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"{_lang(book.lang)}>'
        f"<head><title>{_safe(book.title)}</title></head><body>"
        f'<nav epub:type="toc"><h1>{_safe(book.contents)}</h1><ol>{rows}</ol></nav></body></html>'
    )


def _package(book: Book, names: list[str], pictures: dict[str, str]) -> str:
    items = "".join(_items(names, pictures))
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(names)))
    return (
        f'{_HEAD}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"{_lang(book.lang)}>'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">{book.id.urn}</dc:identifier><dc:title>{_safe(book.title)}</dc:title>'
        f"<dc:language>{_safe(book.lang)}</dc:language>"
        f'<meta property="dcterms:modified">{_safe(book.modified)}</meta></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )


def _items(names: list[str], pictures: dict[str, str]) -> Iterator[str]:
    yield '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    yield '<item id="css" href="style.css" media-type="text/css"/>'
    for number, name in enumerate(names):
        yield f'<item id="c{number}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
    for number, (path, kind) in enumerate(pictures.items()):
        yield f'<item id="p{number}" href="{_safe(path)}" media-type="{kind}"/>'


def _lang(tag: str) -> str:
    return f' lang="{_safe(tag)}" xml:lang="{_safe(tag)}"' if tag else ""


def _safe(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_CONTAINER = (
    f'{_HEAD}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
