"""Drafts the rules of a new outlet from a few of its pages, as the TOML that a person then corrects."""

import json
import re
from collections import Counter
from urllib.parse import urlsplit

from baoguan.extract.article import Hints, Reading, read_page
from baoguan.extract.layout import weigh
from baoguan.extract.likeness import hash_text
from baoguan.extract.picture import resolver

_MOST = 0.66
_MAX_DROPS = 8
_SURE = 0.6
_HEADLINE = 20.0
"""Mass of a link's text that may be a headline."""
_BARE = ("p", "li", "h2", "h3", "h4", "blockquote", "td")


def draft_rules(pages: list[tuple[str, bytes]]) -> str:
    """TOML of an outlet with one rules version, from (URL, body) of its pages; three are enough.

    Written are only selectors that hold on most of the pages: the container, elements whose text is repeated on
    other pages. Comments say what was read and what to look at, so that a person can judge it.
    """
    readings = [read_page(body, Hints(url=url)) for url, body in pages]
    if not readings:
        return ""
    host = urlsplit(pages[0][0]).hostname or ""
    bare = host.removeprefix("www.")
    slug = re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:48].strip("-")
    languages = Counter(reading.article.language for reading in readings)
    site = " ".join(readings[0].head.meta("og:site_name").split())
    lines = [
        f"key = {json.dumps(slug or 'outlet')}",
        f"name = {_toml(site or bare or 'outlet')}",
        f"home = {_toml(_front(pages[0][0]))}",
        f"language = {_toml(languages.most_common(1)[0][0])}",
    ]
    if re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", bare):
        lines.append(f"hosts = {_toml([bare])}")
    lines += ["", "[[rules]]"]
    selector, count = _containers(readings).most_common(1)[0]
    if selector and count >= _MOST * len(readings):
        lines.append(f"body = {_toml([selector])}")
    drops, unsure = _repeated(readings)
    if drops:
        lines.append(f"drop = {_toml(drops)}")
    lines += [f"# {_line(text)}" for text in (*_found(readings), *_to_check(readings, count, unsure))]
    return "\n".join(lines) + "\n"


def _front(url: str) -> str:
    """The front page of an address's site: https, but for what stands on a port of its own."""
    parts = urlsplit(url)
    own = parts.scheme == "http" and parts.netloc != parts.hostname
    return f"{'http' if own else 'https'}://{parts.netloc.rpartition('@')[2]}/"


def links_of(url: str, body: bytes, limit: int = 3) -> list[str]:
    """Addresses on a page that may be articles of its host: linked texts of a headline's length, in their order."""
    reading = read_page(body, Hints(url=url))
    page, resolve = reading.layout.page, resolver(url)
    host = urlsplit(url).hostname
    found: list[str] = []
    for i, tag in enumerate(page.tags):
        if tag != "a" or weigh(page.text(i)) < _HEADLINE:
            continue
        target = resolve(page.attr(i, "href")).partition("#")[0]
        if target and urlsplit(target).hostname == host and target != url and urlsplit(target).path.strip("/"):
            found.append(target)
    return list(dict.fromkeys(found))[:limit]


def selector_of(reading: Reading, i: int) -> str:
    """A selector for an element: its id or classes without digits, else its tag under its parent's."""
    page = reading.layout.page
    tag = page.tags[i]
    if tag in ("body", "html"):
        return ""
    ident = page.attr(i, "id")
    if ident and _is_plain(ident):
        return f"{tag}#{ident}"
    classes = [name for name in page.attr(i, "class").split() if _is_plain(name)]
    if classes:
        return tag + "".join(f".{name}" for name in classes[:2])
    above = selector_of(reading, page.parent[i])
    return f"{above} > {tag}" if above else tag


def _is_plain(name: str) -> bool:
    return name.isascii() and name[:1].isalpha() and name.replace("-", "").replace("_", "").isalpha()


def _containers(readings: list[Reading]) -> Counter[str]:
    return Counter(selector_of(reading, reading.main) for reading in readings)


def _repeated(readings: list[Reading]) -> tuple[list[str], list[str]]:
    """(selectors of kept blocks whose text stands on most pages, texts for which no selector is theirs alone)."""
    if len(readings) == 1:
        return [], []
    kept = [(reading, block) for reading in readings for block in reading.blocks if block.keep and len(block.text) > 1]
    seen = Counter(key for reading in readings for key in {hash_text(b.text) for r, b in kept if r is reading})
    often = {key for key, count in seen.items() if count >= max(2.0, _MOST * len(readings))}
    text_too = {selector_of(reading, block.owner) for reading, block in kept if hash_text(block.text) not in often}
    found: list[str] = []
    unsure: list[str] = []
    for reading, block in kept:
        if hash_text(block.text) in often:
            selector = selector_of(reading, block.owner)
            own = ("." in selector or "#" in selector) and selector not in text_too
            (found if own else unsure).append(selector if own else block.text[:60])
    return list(dict.fromkeys(found))[:_MAX_DROPS], list(dict.fromkeys(unsure))[:_MAX_DROPS]


def _found(readings: list[Reading]) -> list[str]:
    """What was read from each page, a line each."""
    lines = []
    for reading in readings:
        article = reading.article
        clock = f"{article.published.at.isoformat()} ({article.published.source})" if article.published else "no clock"
        lines.append(
            f"found {article.url}: {article.kind} {article.confidence:.2f}, {article.title[:60]!r},"
            f" {', '.join(article.authors[:3]) or 'no author'}, {clock}, {len(reading.text)} characters,"
            f" {len(article.pictures)} pictures; body {reading.found_by}"
        )
    return lines


def _to_check(readings: list[Reading], agreeing: int, unsure: list[str]) -> list[str]:
    """What a person should look at."""
    articles = [reading.article for reading in readings]
    count = len(readings)
    told = [
        (count < 3, f"only {count} page{'s' if count > 1 else ''}: name three, of different sections"),
        (agreeing < _MOST * count, "the bodies stand in different places: no body selector was written"),
        (any(a.kind != "article" for a in articles), "not every page is an article"),
        (
            any(a.kind == "article" and a.confidence < _SURE for a in articles),
            "low confidence: read them with --explain",
        ),
        (not any(a.authors for a in articles), "no authors: where does the page name them? author = [...]"),
        (any(a.published is None for a in articles), "a page without a clock: published = [...] and zone = ..."),
        (
            any(a.published is not None and a.published.zone_assumed for a in articles),
            "clocks without a zone: zone = the outlet's IANA zone",
        ),
        (not any(a.pictures for a in articles), "no pictures: lead = [...]"),
    ]
    return [f"check: {text}" for needed, text in told if needed] + [
        f"check: on most pages, but under no name of its own: {text}" for text in unsure
    ]


def _line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
