"""Article: what a page or a feed item says, once boilerplate is gone."""

from datetime import datetime

import msgspec


class Clock(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A publisher's clock: when the outlet says that it published or modified."""

    at: datetime
    """Aware; keeps the publisher's own offset."""
    source: str
    """Where it was read: feed, jsonld, meta, time, text, url, import."""
    zone_assumed: bool = False
    """The publisher gave no zone and the outlet's was taken."""
    precision: str = "second"
    """second, minute or day."""


class Picture(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A picture of an article, by the address at its origin."""

    url: str
    """Absolute; exactly the `src` of this picture in body_html."""
    candidates: tuple[str, ...] = ()
    """Other renditions that the page offers (srcset, lazy attributes), largest first, `url` not among them."""
    alt: str = ""
    caption: str = ""
    credit: str = ""
    width: int | None = None
    height: int | None = None
    lead: bool = False


class Embed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Video, audio or a foreign frame: kept as a link, its bytes are not."""

    kind: str
    """video, audio or frame."""
    url: str
    poster: str = ""
    caption: str = ""


class Article(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One article as read from one page, feed item or imported file."""

    url: str
    canonical_url: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    published: Clock | None = None
    modified: Clock | None = None
    section: str = ""
    language: str = ""
    """BCP 47: zh-Hans, zh-Hant, ja, en; empty when unknown."""
    body_html: str = ""
    """Sanitised and normalised (text.html); links and picture sources absolute, at their origin."""
    pictures: tuple[Picture, ...] = ()
    """Every picture in body_html in reading order, the lead first when there is one."""
    embeds: tuple[Embed, ...] = ()
    kind: str = "article"
    """article, index, consent, error, paywall, login, stub or empty."""
    confidence: float = 1.0
    """0..1"""
    reasons: tuple[str, ...] = ()
    """Why the confidence is what it is; short words, for `--explain` and status."""
    extractor: str = ""
    """Name and version of the code that read it: generic/1, feed/1, import/1."""
    rules: str = ""
    """Outlet rules that were applied and their date: voa-zh@2023-01-01; empty when none."""
