"""Finding the feeds of a site: the page's own links, common paths, news sitemaps; each is read before it is shown."""

import msgspec

from baoguan.desk import Desk
from baoguan.errors import FeedError
from baoguan.feeds.discover import discover_feeds
from baoguan.feeds.fallback import parse_feed_or_fallback
from baoguan.model.capture import FetchRequest, FetchResult
from baoguan.model.feed import FeedDoc
from baoguan.ports import Fetcher

_HOW = {
    "link": "named by the page",
    "a": "linked by the page",
    "path": "a common path",
    "robots": "named by robots.txt",
}
PROBES = 16
"""Candidates that are tried, the best ranked first."""
ENOUGH = 6


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that answered and was read."""

    url: str
    title: str
    format: str
    items: int
    how: str
    """Why it was tried: named by the page, a common path, a sitemap, the address itself."""


def read_feed(desk: Desk, url: str) -> tuple[Found | None, str]:
    """Fetches one feed and reads it: (what it is, what is wrong)."""
    fetcher = desk.open_fetcher()
    try:
        return _read(fetcher.fetch(FetchRequest(url=url, kind="feed")), "the address itself")
    finally:
        fetcher.close()


def find_feeds(desk: Desk, url: str) -> tuple[list[Found], str]:
    """(the feeds of a page or site, best first, or the address itself when it is one; why there are none)."""
    fetcher = desk.open_fetcher()
    try:
        first = fetcher.fetch(FetchRequest(url=url, kind="feed"))
        found, _why = _read(first, "the address itself")
        if found is not None:
            return [found], ""
        response = first.response
        if response is None:
            return [], first.error or "the host asked to wait"
        page, base = (response.body, response.final_url) if response.status == 200 else (b"", url)
        return _probe(fetcher, page, base), "no feed found; give the feed's own URL, or a page that links to it"
    finally:
        fetcher.close()


def _probe(fetcher: Fetcher, page: bytes, base: str) -> list[Found]:
    found: dict[str, Found] = {}
    for candidate in discover_feeds(page, base)[:PROBES]:
        one, _ = _read(
            fetcher.fetch(FetchRequest(url=candidate.url, kind="feed")), _HOW.get(candidate.source, candidate.source)
        )
        if one is not None and one.url not in found:
            found[one.url] = one
        if len(found) >= ENOUGH:
            break
    return list(found.values())


def _read(result: FetchResult, how: str) -> tuple[Found | None, str]:
    response = result.response
    if response is None:
        return None, result.error or "the host asked to wait"
    if response.status != 200:
        return None, f"HTTP {response.status}"
    try:
        doc: FeedDoc = parse_feed_or_fallback(
            response.body, url=response.final_url, content_type=response.header("content-type")
        )
    except FeedError as error:
        return None, str(error)
    return Found(url=response.url, title=doc.title, format=doc.format, items=len(doc.items), how=how), ""
