"""The second opinion on feeds that our reader finds nothing in: feedparser, in a child with little CPU and memory.

Run as `python -m baoguan.feeds.fallback`, this module is that child: bytes on stdin, a FeedDoc in JSON on stdout.
"""

import resource
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import msgspec

from baoguan.errors import FeedError
from baoguan.feeds.limits import CHILD_CPU_S, CHILD_MEMORY_BYTES, MAX_BYTES, MAX_ITEMS, MAX_MEDIA, MAX_VALUES
from baoguan.feeds.links import resolve
from baoguan.feeds.media import media_kind, whole_number
from baoguan.feeds.parse import parse_feed
from baoguan.feeds.texts import plain
from baoguan.model.feed import FeedDoc, FeedMedia, Item
from baoguan.text.dates import parse_date

_SIGNS = (b"<item", b"<entry", b":item", b":entry")
_Entry = Mapping[str, Any]


def parse_feed_or_fallback(
    data: bytes, *, url: str = "", content_type: str = "", content_location: str = "", max_bytes: int = MAX_BYTES
) -> FeedDoc:
    """As parse_feed; where that finds no items and the bytes seem to hold some, feedparser is asked (when installed).

    Raises FeedError when neither finds a feed.
    """
    try:
        doc = parse_feed(
            data, url=url, content_type=content_type, content_location=content_location, max_bytes=max_bytes
        )
    except FeedError as error:
        found = None if len(data) > max_bytes else _second_opinion(data, url, content_type)
        if found is None:
            raise error from None
        return found
    if doc.items:
        return doc
    return _second_opinion(data, url, content_type) or doc


def _second_opinion(data: bytes, url: str, content_type: str) -> FeedDoc | None:
    lowered = data.lower()
    if not any(sign in lowered for sign in _SIGNS) or find_spec("feedparser") is None:
        return None
    command = [sys.executable, "-m", "baoguan.feeds.fallback", url, content_type]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=3 * CHILD_CPU_S, check=False)  # noqa: S603
    except (subprocess.TimeoutExpired, OSError):
        return None
    if done.returncode:
        return None
    try:
        doc = msgspec.json.decode(done.stdout, type=FeedDoc)
    except msgspec.DecodeError:
        return None
    return doc if doc.items else None


def convert(parsed: _Entry, *, url: str) -> FeedDoc:
    """feedparser's result as a FeedDoc."""
    feed: _Entry = parsed.get("feed") or {}
    site = resolve(url, _text(feed, "link")) or url
    return FeedDoc(
        format=_text(parsed, "version") or "unknown",
        title=plain(_text(feed, "title")) or site,
        url=site,
        self_url=url,
        description=_text(feed, "subtitle"),
        language=_text(feed, "language").lower(),
        encoding=_text(parsed, "encoding"),
        items=tuple(_item(entry, site) for entry in parsed.get("entries", ())[:MAX_ITEMS]),
        warnings=("read by feedparser: our own reader found no items",),
    )


def _item(entry: _Entry, base: str) -> Item:
    contents = [_text(content, "value") for content in entry.get("content", ())]
    link, raw = resolve(base, _text(entry, "link")), _text(entry, "published")
    published, updated = parse_date(raw), parse_date(_text(entry, "updated"))
    read = published or updated
    people = [_text(person, "name") or _text(person, "email") for person in entry.get("authors", ())[:MAX_VALUES]]
    tags = [_text(tag, "label") or _text(tag, "term") for tag in entry.get("tags", ())[:MAX_VALUES]]
    return Item(
        guid=_text(entry, "id"),
        url=link,
        title=plain(_text(entry, "title")) or link,
        summary_html=_text(entry, "summary"),
        content_html=max(contents, key=len, default=""),
        authors=tuple(dict.fromkeys(name for name in people if name)),
        published=published.at if published else None,
        published_raw=raw,
        updated=updated.at if updated else None,
        zone_assumed=bool(read and read.zone_assumed),
        categories=tuple(dict.fromkeys(tag for tag in tags if tag)),
        media=_media(entry, base),
    )


def _media(entry: _Entry, base: str) -> tuple[FeedMedia, ...]:
    found: dict[str, FeedMedia] = {}
    for key in ("enclosures", "media_content", "media_thumbnail"):
        for one in entry.get(key, ())[:MAX_MEDIA]:
            url, mime = resolve(base, _text(one, "href") or _text(one, "url")), _text(one, "type")
            if url:
                size = whole_number(_text(one, "length"))
                kind = media_kind(_text(one, "medium"), mime, url)
                found.setdefault(url, FeedMedia(url=url, kind=kind, type=mime, size_bytes=size))
    return tuple(found.values())


def _text(row: _Entry, key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def main(url: str, content_type: str) -> None:
    """The child: limits itself, reads, parses, answers."""
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_CPU_S, CHILD_CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY_BYTES, CHILD_MEMORY_BYTES))
    import feedparser

    data = sys.stdin.buffer.read(MAX_BYTES + 1)[:MAX_BYTES]
    headers = {"content-type": content_type, "content-location": url} if content_type else {"content-location": url}
    parsed = feedparser.parse(data, response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    sys.stdout.buffer.write(msgspec.json.encode(convert(parsed, url=url)))


if __name__ == "__main__":
    main(*sys.argv[1:3])
