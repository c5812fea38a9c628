"""Finds the feeds of a site: what its page says, what its links look like, and where feeds usually lie. Pure."""

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import urljoin, urlsplit

import msgspec

from baoguan.feeds.encoding import decode_document
from baoguan.feeds.links import is_web, resolve
from baoguan.feeds.texts import plain

_TYPES = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/rdf+xml": "rss",
    "application/feed+json": "json",
    "application/x-rss+xml": "rss",
    "application/x-atom+xml": "atom",
    "text/rss+xml": "rss",
    "text/atom+xml": "atom",
}
_LOOSE_TYPES = {"application/json": "json", "text/xml": "rss", "application/xml": "rss"}
_TAG = re.compile(r"<(link|a|base)\b([^<>]{0,3000})>(?:([^<]{0,200})</a)?", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z\-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_SKIPPED = (
    (re.compile("<!--"), re.compile("-->")),
    (re.compile(r"<script\b", re.IGNORECASE), re.compile(r"</script\s*>", re.IGNORECASE)),
)
_FEEDISH = re.compile(
    r"(?:^|[/._\-?=&])(?:rss|atom|feeds?|rdf|xml)(?:$|[/._\-?=&\d])|\.(?:rss|atom|rdf)$", re.IGNORECASE
)
_FEED_HOSTS = ("feeds.", "feed.", "rss.", "feeds2.", "feedx.", "feedproxy.")
_NOT_FEEDS = re.compile(
    r"\.(?:jpe?g|png|gif|webp|svg|css|js|pdf|mp[34]|zip)$|^(?:mailto|javascript|tel|data):", re.IGNORECASE
)
_PATHS = (
    "/feed",
    "/rss",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/feed/",
    "/rss/",
    "/feeds/posts/default",
    "/feed.json",
    "/index.rss",
    "/feeds",
    "/rss/news.xml",
    "/news/rss.xml",
    "/?feed=rss2",
    "/blog/feed",
    "/sitemap_news.xml",
    "/news-sitemap.xml",
)
_MAX_PAGE = 3_000_000
_MAX_CANDIDATES = 60
_SITEMAP = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An address that may be a feed."""

    url: str
    title: str = ""
    kind: str = ""
    """rss, atom, json or sitemap; empty when nothing tells."""
    source: str
    """link (the page declares it), a (the page links to it), path (where feeds usually lie) or robots."""
    rank: int
    """0 is best: declared feeds of articles, then of comments, then links, then usual paths."""


def discover_feeds(html: bytes, url: str, *, content_type: str = "") -> tuple[Candidate, ...]:
    """Candidates in the order in which they are worth trying, each address once; the page itself is not among them.

    `url` is the page's own, after redirects. Only the first 3 MB are looked at. Never raises.
    """
    text = decode_document(html[:_MAX_PAGE], content_type).text
    for opening, closing in _SKIPPED:
        text = _without(text, opening, closing)
    base, found = url, []
    for tag in _TAG.finditer(text):
        name, attributes = tag[1].lower(), _attributes(tag[2])
        if name == "base" and attributes.get("href"):
            base = resolve(url, attributes["href"])
        elif name == "link":
            found.append(_declared(attributes, base))
        elif name == "a":
            found.append(_linked(attributes, base, tag[3] or ""))
    return _ranked([candidate for candidate in found if candidate], url)


def robots_sitemaps(robots: bytes, url: str) -> tuple[Candidate, ...]:
    """Sitemaps that a robots.txt names; those that speak of news first."""
    text = robots[:500_000].decode("utf-8", "replace")
    found = [resolve(url, address) for address in _SITEMAP.findall(text)]
    return tuple(
        Candidate(url=address, kind="sitemap", source="robots", rank=0 if "news" in address.lower() else 1)
        for address in sorted(dict.fromkeys(found), key=lambda address: "news" not in address.lower())
        if is_web(address)
    )[:_MAX_CANDIDATES]


def usual_places(url: str) -> tuple[Candidate, ...]:
    """Where feeds of a site usually lie: below the page's own path first, then below the root."""
    path = urlsplit(url).path
    below = (
        [path.rstrip("/") + place for place in ("/feed", "/rss", "/rss.xml", "/feed.xml")] if path.strip("/") else []
    )
    places = dict.fromkeys(urljoin(url, place) for place in (*below, *_PATHS))
    return tuple(
        Candidate(url=place, kind="sitemap" if "sitemap" in place else "", source="path", rank=30 + number)
        for number, place in enumerate(places)
    )


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """The text without what stands between opening and closing; linear, whatever is left open."""
    parts, at = [], 0
    while (start := opening.search(text, at)) and (end := closing.search(text, start.end())):
        parts.append(text[at : start.start()])
        at = end.end()
    return " ".join([*parts, text[at:]])


def _ranked(found: Iterable[Candidate], url: str) -> tuple[Candidate, ...]:
    best: dict[str, Candidate] = {}
    own = url.split("#")[0]
    for candidate in sorted([*found, *usual_places(url)], key=lambda one: one.rank):
        if candidate.url != own and is_web(candidate.url):
            best.setdefault(candidate.url, candidate)
    return tuple(best.values())[:_MAX_CANDIDATES]


def _declared(attributes: dict[str, str], base: str) -> Candidate | None:
    rels = attributes.get("rel", "").lower().split()
    mime = attributes.get("type", "").lower().split(";")[0].strip()
    kind = _TYPES.get(mime) or (_LOOSE_TYPES.get(mime) if "alternate" in rels else None)
    href = attributes.get("href", "")
    if not href or not (kind or "feed" in rels) or not {"alternate", "feed"} & set(rels):
        return None
    title = plain(attributes.get("title", ""))
    loose = mime in _LOOSE_TYPES and not _FEEDISH.search(href)
    if loose and ("oembed" in href or "wp-json" in href):
        return None
    rank = 4 if _is_minor(href, title) else (3 if loose else 0)
    return Candidate(url=_address(base, href), title=title, kind=kind or "", source="link", rank=rank)


def _linked(attributes: dict[str, str], base: str, text: str) -> Candidate | None:
    href = attributes.get("href", "")
    mime = attributes.get("type", "").lower()
    if not href or _NOT_FEEDS.search(href.split("?")[0]):
        return None
    address = _address(base, href)
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    title = plain(text or attributes.get("title", ""))
    named = _FEEDISH.search(f"{parts.path}?{parts.query}") or (parts.hostname or "").startswith(_FEED_HOSTS)
    if not (named or mime in _TYPES or "rss" in title.lower()):
        return None
    rank = 20 if _is_minor(href, title) else (10 if parts.hostname == urlsplit(base).hostname else 12)
    kind = _TYPES.get(mime, "atom" if "atom" in parts.path else "rss" if "rss" in parts.path else "")
    return Candidate(url=address, title=title, kind=kind, source="a", rank=rank)


def _is_minor(href: str, title: str) -> bool:
    """Feeds of comments, of one tag or of a search, which are not the news."""
    words = f"{href} {title}".lower()
    return any(word in words for word in ("comment", "评论", "評論", "コメント", "/tag/", "/search", "replies"))


def _address(base: str, href: str) -> str:
    href = href.strip()
    if href.startswith("feed:"):
        href = href.removeprefix("feed:")
        href = href if href.startswith("http") else "https:" + href
    return resolve(base, href).split("#")[0]


def _attributes(text: str) -> dict[str, str]:
    return {
        name.lower(): unescape(double or single or bare).strip()
        for name, double, single, bare in _ATTRIBUTE.findall(text[:4_000])
    }
