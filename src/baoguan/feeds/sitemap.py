"""Sitemaps: lists of pages, Google's news sitemaps among them, which outlets without a feed have."""

from datetime import datetime

import msgspec
from lxml import etree

from baoguan.errors import FeedError
from baoguan.feeds.channel import Origin
from baoguan.feeds.elements import dated, language_tag, read_at
from baoguan.feeds.limits import MAX_BYTES, MAX_ITEMS
from baoguan.feeds.links import resolve
from baoguan.feeds.media import read_media
from baoguan.feeds.names import Names, local_name
from baoguan.feeds.part import Aside, Part, all_text
from baoguan.feeds.texts import collapse
from baoguan.feeds.xmltree import parse_xml
from baoguan.model.feed import FeedDoc, FeedMedia, Item
from baoguan.text.dates import ReadDate


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page that a sitemap names."""

    url: str
    title: str = ""
    published: datetime | None = None
    modified: datetime | None = None
    raw: str = ""
    zone_assumed: bool = False
    language: str = ""
    outlet: str = ""
    categories: tuple[str, ...] = ()
    media: tuple[FeedMedia, ...] = ()
    is_news: bool = False
    """It carries a news:news element."""


class Sitemap(msgspec.Struct, frozen=True, kw_only=True):
    """A sitemap, or an index of sitemaps."""

    pages: tuple[Page, ...] = ()
    sitemaps: tuple[str, ...] = ()
    """Sitemaps that an index names."""
    warnings: tuple[str, ...] = ()


def parse_sitemap(data: bytes, *, url: str = "", content_type: str = "", max_bytes: int = MAX_BYTES) -> Sitemap:
    """Reads a sitemap or sitemap index, at most MAX_ITEMS pages. Raises FeedError when it is neither, or too large."""
    if len(data) > max_bytes:
        raise FeedError(f"a sitemap of {len(data)} bytes is over the cap of {max_bytes}")
    tree = parse_xml(data, content_type)
    if tree.root is None or local_name(tree.root) not in ("urlset", "sitemapindex"):
        raise FeedError("no sitemap: its root is neither urlset nor sitemapindex")
    return read_sitemap(tree.root, url, tree.warnings, tree.aside)


def read_sitemap(root: etree._Element, url: str, warnings: tuple[str, ...] = (), aside: Aside = ()) -> Sitemap:
    """A parsed sitemap."""
    names = Names(root, aside)
    rows = [names.children(row) for row in root if local_name(row) in ("url", "sitemap")]
    if local_name(root) == "sitemapindex":
        found = [resolve(url, all_text(row["loc"][0])) for row in rows[:MAX_ITEMS] if row.get("loc")]
        return Sitemap(sitemaps=tuple(dict.fromkeys(found)), warnings=warnings)
    pages = tuple(_page(row, names, url) for row in rows[:MAX_ITEMS] if row.get("loc"))
    more = len(rows) - MAX_ITEMS
    return Sitemap(
        pages=pages, warnings=(*warnings, f"{more} pages beyond the cap of {MAX_ITEMS}") if more > 0 else warnings
    )


def sitemap_as_feed(root: etree._Element, origin: Origin, aside: Aside = ()) -> FeedDoc:
    """A news sitemap as a feed, format `sitemap`. Raises FeedError for a sitemap whose pages carry no news."""
    sitemap = read_sitemap(root, origin.url, aside=aside)
    if not any(page.is_news for page in sitemap.pages):
        raise FeedError("a sitemap without news: a list of pages, no feed")
    outlet = next((page.outlet for page in sitemap.pages if page.outlet), "")
    return FeedDoc(
        format="sitemap",
        title=outlet or origin.url,
        url=origin.url,
        self_url=origin.url,
        language=next((page.language for page in sitemap.pages if page.language), origin.language),
        items=tuple(_item(page) for page in sitemap.pages),
        warnings=sitemap.warnings,
    )


def _item(page: Page) -> Item:
    return Item(
        guid=page.url,
        guid_is_permalink=True,
        url=page.url,
        title=page.title or page.url,
        published=page.published,
        published_raw=page.raw,
        updated=page.modified,
        zone_assumed=page.zone_assumed,
        language=page.language,
        categories=page.categories,
        media=page.media,
    )


def _page(row: dict[str, list[Part]], names: Names, base: str) -> Page:
    news = names.children(row["news:news"][0].element) if "news:news" in row else {}
    publication = names.children(news["news:publication"][0].element) if "news:publication" in news else {}
    published, raw = dated(news, ("news:publication_date",))
    modified, raw_modified = dated(row, ("lastmod",))
    read: ReadDate | None = published or modified
    keywords = f"{_text(news, 'news:keywords')},{_text(news, 'news:genres')}".replace("，", ",")
    return Page(
        url=resolve(base, all_text(row["loc"][0])),
        title=collapse(_text(news, "news:title")),
        published=read_at(published),
        modified=read_at(modified),
        raw=raw or raw_modified,
        zone_assumed=bool(read and read.zone_assumed),
        language=language_tag(_text(publication, "news:language")),
        outlet=collapse(_text(publication, "news:name")),
        categories=tuple(dict.fromkeys(word for part in keywords.split(",") if (word := collapse(part)))),
        media=read_media({key: row[key] for key in ("image:image",) if key in row}, (), names, base),
        is_news=bool(news),
    )


def _text(children: dict[str, list[Part]], word: str) -> str:
    return all_text(children[word][0]) if word in children else ""
