"""What the API answers, over HTTP (/api/v1) and in Python (`baoguan.open`): one set of records for both.

Instants are UTC. A picture's `path` and the sources of kept pictures in `body_html` are media/<aa>/<sha256>.<ext>:
below the address of a server, or below public/ of a folder.
"""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from baoguan.model.change import Comparison

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Part of a list."""

    items: tuple[T, ...]
    next: str = ""
    """The cursor that continues the list; empty at its end."""


class ArchiveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The archive as a whole, at its checkpoint."""

    origin: str
    """Name of the log."""
    vantage: str
    key: str
    """Verifier key of the log, as signed-note writes it; empty where it can't be read."""
    size: int
    """Leaves under the checkpoint."""
    root_sha256: str
    """Root hash, hex."""
    checkpoint: str
    """The signed note; empty while the log is."""
    articles: int
    outlets: int
    zone: str
    """Where days begin that are given without an offset."""
    version: str
    """Of the program."""


class ArticleSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An article in a list: its current revision."""

    id: str
    """16 hex digits."""
    outlet: str
    url: str
    """At the outlet."""
    title: str
    lang: str
    """BCP 47; empty when unknown."""
    shown: datetime
    """The publisher's clock where known, else `kept`."""
    kept: datetime
    """When this archive captured the revision."""
    rev: int
    index: int
    """Log index of the revision."""
    lead: str = ""
    """media/ path of the lead picture; empty when none is kept or served."""
    lost: str = ""
    """404, 410, home, stub, error or emptied: why the page is gone at the outlet."""


class PictureSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of an article."""

    url: str
    """At its origin."""
    path: str = ""
    """Empty while it is not kept."""
    sha256: str = ""
    width: int = 0
    """Pixels, 0 when unknown."""
    height: int = 0


class ArticleText(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of an article, whole."""

    id: str
    outlet: str
    url: str
    title: str
    authors: tuple[str, ...]
    lang: str
    section: str
    published: str
    """The publisher's clock, RFC 3339 with its offset; YYYY-MM-DD when only the day is known; empty when unknown."""
    zone_assumed: bool
    """The publisher gave no zone: the outlet's was taken."""
    modified: str
    kept: datetime
    rev: int
    revisions: int
    """How many there are."""
    index: int
    body_html: str
    """Sanitised; empty where the outlet's text is kept but not served."""
    text: str
    """The body as plain text, a line a paragraph."""
    pictures: tuple[PictureSummary, ...]
    record_path: str
    """The Markdown file below public/."""
    record_sha256: str
    lost: str = ""
    lost_at: datetime | None = None


class RevisionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One revision in the list of an article."""

    rev: int
    index: int
    kept: datetime
    title: str
    cause: str
    """outlet, extractor, import or media; empty for the first."""
    current: bool
    record_path: str


class OutletSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An outlet of which something is kept or awaited."""

    key: str
    name: str
    names: dict[str, str]
    """By language."""
    home: str
    language: str
    state: str
    """live, quiet or closed."""
    since: str
    articles: int
    newest: datetime | None
    """`shown` of its newest article."""


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a feed does."""

    url: str
    outlet: str
    title: str
    state: str
    """ok, empty, emptied, stale, moved, gone, blocked, failing or not-a-feed; empty before the first poll."""
    problem: str
    """One line, empty when all is well."""
    polled: datetime | None
    worked: datetime | None
    """The last poll that gave a feed."""
    brought: datetime | None
    """When it last carried an item that was new."""
    next_poll: datetime | None
    fails: int
    """Polls in a row that gave no feed."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A run of text."""

    text: str
    marked: bool = False
    """It is what was asked for."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An article that a search found."""

    id: str
    outlet: str
    url: str
    title: str
    lang: str
    shown: datetime
    snippet: tuple[Piece, ...]


class Facet(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the articles found are of one outlet, or one month (2023-07)."""

    name: str
    articles: int


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found; walking all pages gives exactly `total` articles."""

    query: str
    total: int
    items: tuple[Hit, ...]
    next: str = ""
    outlets: tuple[Facet, ...] = ()
    """Most articles first; with facets only."""
    months: tuple[Facet, ...] = ()
    """Newest first; with facets only."""
    notes: tuple[str, ...] = ()
    """What of the query was not understood: date, field, long, empty."""


class VersionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a change."""

    index: int
    rev: int
    title: str
    published: str
    kept: datetime


class ChangeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A change by the outlet, or a fact about its page (vanished, returned)."""

    index: int
    """Log index of the leaf that tells it."""
    id: str
    """Of the article."""
    outlet: str
    url: str
    noticed: datetime
    kinds: tuple[str, ...]
    """headline, lead, figure, quote, correction, removal, addition, order, picture, date, author, typo, wording,
    rewritten; vanished, returned; extraction."""
    reason: str
    before: VersionSummary | None
    after: VersionSummary | None
    """None for facts."""


class ChangeText(msgspec.Struct, frozen=True, kw_only=True):
    """A change with both versions side by side."""

    change: ChangeSummary
    comparison: Comparison | None
    """None for facts, and where the outlet's text is not served."""


class NamedArticle(msgspec.Struct, frozen=True, kw_only=True):
    """An article that an address or the start of an id means."""

    id: str
    outlet: str
    url: str
    title: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not answered (RFC 9457)."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
