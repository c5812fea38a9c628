"""Feed documents as read, and the state of polling one."""

from datetime import datetime

import msgspec

from baoguan.model.capture import CaptureRef


class FeedMedia(msgspec.Struct, frozen=True, kw_only=True):
    """An enclosure, media:content or media:thumbnail of an item."""

    url: str
    kind: str = ""
    """image, video, audio or empty when it can't be told."""
    type: str = ""
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    title: str = ""
    caption: str = ""
    credit: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a feed, text decoded, URLs absolute where the feed let us know how."""

    guid: str = ""
    guid_is_permalink: bool = False
    url: str = ""
    title: str = ""
    """Plain text: entities and mark-up resolved, whitespace collapsed."""
    title_html: str = ""
    """The title as HTML where it has tags or entities (emphasis, ruby, &amp;); empty otherwise. Not sanitised."""
    summary_html: str = ""
    content_html: str = ""
    """The longest full text that the item carries; not sanitised."""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    """Aware, publisher's offset kept."""
    published_raw: str = ""
    updated: datetime | None = None
    zone_assumed: bool = False
    categories: tuple[str, ...] = ()
    language: str = ""
    comments_url: str = ""
    base_url: str = ""
    """xml:base in force at the content."""
    media: tuple[FeedMedia, ...] = ()


class FeedDoc(msgspec.Struct, frozen=True, kw_only=True):
    """A feed document as understood; unknown or broken parts are named in `warnings`."""

    format: str
    """rss, rdf, atom, json or cdf, with the version when there is one: rss2.0, rss0.91, atom1.0, json1.1."""
    title: str = ""
    """Plain text; the site's URL where the feed has none."""
    title_html: str = ""
    """As of an item."""
    url: str = ""
    """The site; the feed's own URL where it names none."""
    self_url: str = ""
    hub_urls: tuple[str, ...] = ()
    description: str = ""
    """HTML, not sanitised."""
    language: str = ""
    encoding: str = ""
    updated: datetime | None = None
    image_url: str = ""
    authors: tuple[str, ...] = ()
    ttl_s: int | None = None
    skip_hours: tuple[int, ...] = ()
    """0..23, GMT."""
    skip_days: tuple[str, ...] = ()
    """Monday..Sunday, GMT."""
    next_url: str = ""
    """rel=next of a paged feed (RFC 5005)."""
    items: tuple[Item, ...] = ()
    warnings: tuple[str, ...] = ()


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered between two polls of a feed. Owned by the schedule; never news, only politeness."""

    url: str
    outlet: str
    title: str = ""
    etag: str = ""
    """The exact string as received, W/ included."""
    last_modified: str = ""
    next_ms: int = 0
    """Epoch of the next poll."""
    not_before_ms: int = 0
    """The host asked for no poll before this epoch (Retry-After)."""
    lease_ms: int = 0
    """A worker holds it until then."""
    interval_s: int = 0
    """The interval in force, 0 before the first poll."""
    fails: int = 0
    """Polls in a row that gave no feed."""
    last_ok_ms: int = 0
    last_poll_ms: int = 0
    last_new_ms: int = 0
    """When it last carried an item that was new to us."""
    last_status: int = 0
    problem: str = ""
    """One line in words for `status`; empty when all is well."""
    kind: str = ""
    """ok, empty, emptied, stale, moved, gone, blocked, failing, not-a-feed; empty before the first poll."""
    body_sha256: str = ""
    """Of the decoded feed body last parsed: the same body again is not parsed."""
    items: int = 0
    """Items in the last good document."""
    moved_to: str = ""
    address: str = ""
    """Where it is polled since it moved for good; empty: at url."""
    capture: CaptureRef | None = None
    """Of the last whole body: the same body again is kept as a revisit of it."""
    moved_seen: int = 0
    """Permanent redirects to moved_to seen in a row."""
    stopped: bool = False
    """410 was answered: polled no more until the operator says so."""
