"""A folder of pages as rows of JSON: the form that extraction is scored in."""

import json
from collections.abc import Iterator
from pathlib import Path

from baoguan.extract.article import Hints, read_page, stated_pictures


def extract_batch(folder: Path) -> Iterator[str]:
    """A JSON line for each *.html in `folder`: {file, text, html, meta: {title, date, author, image, ...}}."""
    for path in sorted(folder.rglob("*.html")):
        yield row(path.name, path.read_bytes(), "")


def row(name: str, body: bytes, url: str) -> str:
    """One page as a row."""
    reading = read_page(body, Hints(url=url or "https://page.invalid/"))
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
    return json.dumps({"file": name, "text": reading.text, "html": article.body_html, "meta": meta}, ensure_ascii=False)
