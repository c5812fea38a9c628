"""Feed documents as read, and the state of polling one."""

from datetime import datetime

import msgspec

from baoguan.model.capture import CaptureRef


class FeedMedia(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class Author(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person as a feed names one; at least one field is filled."""

    name: str = ""
    email: str = ""
    url: str = ""


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """A text and what it is."""

    type: str
    """text/plain or text/html."""
    value: str


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    """What to print of each author: the name, else the mail address."""
    author_details: tuple[Author, ...] = ()
    published: datetime | None = None
    """Aware, publisher's offset kept."""
    published_raw: str = ""
    """As written; what updated_raw says where no publication is written."""
    updated: datetime | None = None
    updated_raw: str = ""
    zone_assumed: bool = False
    categories: tuple[str, ...] = ()
    language: str = ""
    rights_html: str = ""
    """Licence or copyright line, not sanitised."""
    source_title: str = ""
    """The feed that an aggregated item was taken from."""
    source_url: str = ""
    comments_url: str = ""
    base_url: str = ""
    """xml:base in force at the content."""
    media: tuple[FeedMedia, ...] = ()

    @property
    def title_detail(self) -> Detail:
        """The title as the feed wrote it: HTML where it has tags or entities, else plain text."""
        return _detail(self.title, self.title_html)

    @property
    def author(self) -> str:
        """The first author on one line: `Name (mail)`, or what there is of it."""
        return _author_line(self.author_details, self.authors)


class FeedDoc(msgspec.Struct, frozen=True, kw_only=True):
    """A feed document as understood; unknown or broken parts are named in `warnings`."""

    format: str
    """rss, rdf, atom, json or cdf, with the version when there is one: rss2.0, rss0.91, atom1.0, json1.1."""
    title: str = ""
    """Plain text; the site's URL where the feed has none."""
    title_html: str = ""
    """As of an item."""
    guid: str = ""
    """Atom's id, rdf:about or a guid."""
    url: str = ""
    """The site; the feed's own URL where it names none."""
    self_url: str = ""
    hub_urls: tuple[str, ...] = ()
    description: str = ""
    """HTML, not sanitised."""
    language: str = ""
    encoding: str = ""
    published: datetime | None = None
    published_raw: str = ""
    updated: datetime | None = None
    updated_raw: str = ""
    image_url: str = ""
    authors: tuple[str, ...] = ()
    author_details: tuple[Author, ...] = ()
    rights_html: str = ""
    ttl_s: int | None = None
    skip_hours: tuple[int, ...] = ()
    """0..23, GMT."""
    skip_days: tuple[str, ...] = ()
    """Monday..Sunday, GMT."""
    next_url: str = ""
    """rel=next of a paged feed (RFC 5005)."""
    items: tuple[Item, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def title_detail(self) -> Detail:
        """As of an item."""
        return _detail(self.title, self.title_html)

    @property
    def author(self) -> str:
        """As of an item."""
        return _author_line(self.author_details, self.authors)


def _detail(title: str, title_html: str) -> Detail:
    return Detail(type="text/html", value=title_html) if title_html else Detail(type="text/plain", value=title)


def _author_line(people: tuple[Author, ...], authors: tuple[str, ...]) -> str:
    if people and people[0].name and people[0].email:
        return f"{people[0].name} ({people[0].email})"
    return authors[0] if authors else ""


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
