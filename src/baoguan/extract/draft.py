"""Drafts the rules of a new outlet from a few of its pages, as the TOML that a person then corrects."""

import json
from collections import Counter
from urllib.parse import urlsplit

from baoguan.extract.article import Hints, Reading, read_page
from baoguan.extract.likeness import hash_text

_MOST = 0.66
_MAX_DROPS = 8


def draft_rules(pages: list[tuple[str, bytes]]) -> str:
    """TOML of an outlet with one rules version, from (URL, body) of its pages; three are enough.

    Written are only selectors that hold on most of the pages: the container, elements whose text is repeated on
    other pages, the headline where it isn't the <h1>. Comments say what was read, so that a person can judge it.
    """
    readings = [read_page(body, Hints(url=url)) for url, body in pages]
    if not readings:
        return ""
    host = urlsplit(pages[0][0]).hostname or ""
    languages = Counter(reading.article.language for reading in readings)
    bodies = Counter(selector_of(reading, reading.main) for reading in readings)
    lines = [
        f"key = {json.dumps(host.removeprefix('www.').split('.')[0] or 'outlet')}",
        f"name = {json.dumps(readings[0].head.meta('og:site_name') or host, ensure_ascii=False)}",
        f"home = {json.dumps(f'https://{host}/')}",
        f"language = {json.dumps(languages.most_common(1)[0][0])}",
        f"hosts = {json.dumps([host.removeprefix('www.')])}",
        "",
        "[[rules]]",
    ]
    selector, count = bodies.most_common(1)[0]
    if selector and count >= _MOST * len(readings):
        lines.append(f"body = {json.dumps([selector])}")
    if drops := _repeated(readings):
        lines.append(f"drop = {json.dumps(drops)}")
    for reading in readings:
        article = reading.article
        clock = article.published.at.isoformat() if article.published else "no clock"
        said = f"{article.kind}, {article.title[:60]!r}, {clock}, {len(reading.text)} characters"
        lines.append(f"# {article.url}: {said}".replace("\n", " "))
    return "\n".join(lines) + "\n"


def selector_of(reading: Reading, i: int) -> str:
    """A selector for an element: its id or classes without digits, else its tag under its parent's."""
    page = reading.layout.page
    tag = page.tags[i]
    if tag in ("body", "html"):
        return ""
    ident = page.attr(i, "id")
    if ident and ident.replace("-", "").replace("_", "").isalpha():
        return f"{tag}#{ident}"
    classes = [name for name in page.attr(i, "class").split() if name.replace("-", "").replace("_", "").isalpha()]
    if classes:
        return tag + "".join(f".{name}" for name in classes[:2])
    above = selector_of(reading, page.parent[i])
    return f"{above} > {tag}" if above else tag


def _repeated(readings: list[Reading]) -> list[str]:
    """Selectors of kept blocks whose text stands on most of the pages."""
    if len(readings) == 1:
        return []
    seen = Counter(
        key for reading in readings for key in {hash_text(b.text) for b in reading.blocks if b.keep and len(b.text) > 1}
    )
    often = {key for key, count in seen.items() if count >= max(2.0, _MOST * len(readings))}
    first = readings[0]
    found = [selector_of(first, block.owner) for block in first.blocks if block.keep and hash_text(block.text) in often]
    return [selector for selector in dict.fromkeys(found) if "." in selector or "#" in selector][:_MAX_DROPS]
