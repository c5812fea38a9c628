"""A folder of pages as rows of JSON: the form that extraction is scored in."""

import csv
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

from baoguan.extract.article import Hints, Reading, read_page, stated_pictures

_HEAD = 300_000
_OWN = re.compile(
    r"<(?:link\b[^>]*\brel\s*=\s*[\"']?canonical\b|meta\b[^>]*\bproperty\s*=\s*[\"']?og:url\b)[^>]*>", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?:href|content)\s*=\s*[\"']?(https?://[^\s\"'>]+)", re.IGNORECASE)


def extract_batch(folder: Path) -> Iterator[str]:
    """A JSON line for each *.html in `folder`: {file, text, html, meta: {title, date, author, image, ...}}.

    A page's address is that of index.tsv (columns file and url) in the folder or above it, else what the page states.
    """
    known = _addresses(folder)
    for path in pages_in(folder):
        body = path.read_bytes()
        yield row(path.name, body, known.get(path.name) or stated_url(body))


def pages_in(folder: Path) -> list[Path]:
    """The *.html and *.htm in `folder` and below."""
    return sorted((*folder.rglob("*.html"), *folder.rglob("*.htm")))


def _addresses(folder: Path) -> dict[str, str]:
    """Addresses by file name, from the first index.tsv that is found."""
    for place in (folder, folder.parent):
        index = place / "index.tsv"
        if index.is_file():
            with index.open(encoding="utf-8", errors="replace", newline="") as table:
                rows = csv.DictReader(table, delimiter="\t")
                return {one["file"]: one.get("url") or "" for one in rows if one.get("file")}
    return {}


def stated_url(body: bytes) -> str:
    """The address that a page gives as its own (canonical, og:url), absolute; empty without one."""
    head = body[:_HEAD].decode("utf-8", "replace")
    for tag in _OWN.finditer(head):
        address = _ADDRESS.search(tag[0])
        if address is not None:
            return html.unescape(address[1])
    return ""


def row(name: str, body: bytes, url: str) -> str:
    """One page as a row."""
    fields = fields_of(name, read_page(body, Hints(url=url or "https://page.invalid/")))
    return json.dumps(fields, ensure_ascii=False)


def fields_of(name: str, reading: Reading) -> dict[str, object]:
    """A page that was read, as the fields of a row."""
    article = reading.article
    lead = next((p.url for p in article.pictures if p.lead), "")
    meta = {
        "title": article.title,
        "date": article.published.at.isoformat() if article.published else None,
        "author": ", ".join(article.authors),
        "authors": list(article.authors),
        "image": next(iter(stated_pictures(reading.head)), None) or lead or None,
        "language": article.language,
        "kind": article.kind,
        "confidence": article.confidence,
        "section": article.section,
    }
    return {"file": name, "text": reading.text, "html": article.body_html, "meta": meta}
