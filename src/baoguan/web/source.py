"""What the reader asks of an archive: a Protocol and the records in its answers. Nothing here knows an engine."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from baoguan.model.feed import FeedState
from baoguan.model.log import MediaRef
from baoguan.model.schedule import Note


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a list that is sorted by (shown_ms, id), both descending."""

    shown_ms: int
    id: str


class ArticleCard(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list: the current revision of an article."""

    id: str
    outlet: str
    title: str
    lang: str = ""
    shown_ms: int
    """The publisher's clock where known, else this archive's: what lists are sorted by."""
    by_outlet: bool = True
    """False: shown_ms is this archive's clock, because the outlet gave none."""
    captured_ms: int = 0
    rev: int = 0
    index: int = 0
    """Log index of the current revision."""
    edited: bool = False
    """The outlet changed it since it was first kept."""
    lead: str = ""
    """media/ path of the lead picture, empty when none is kept."""
    lead_width: int = 0
    lead_height: int = 0
    lost: str = ""
    """Why the page is gone at the outlet, empty otherwise."""


class RevisionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One revision in the list below an article."""

    rev: int
    captured_ms: int
    title: str
    cause: str
    """outlet, extractor, import or media; empty for the first."""
    index: int
    record_path: str
    current: bool = False


class ArticlePage(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of an article, whole."""

    id: str
    rev: int
    index: int
    outlet: str
    url: str
    title: str
    authors: tuple[str, ...] = ()
    lang: str = ""
    section: str = ""
    published: str = ""
    """The publisher's clock, RFC 3339 with its offset; YYYY-MM-DD when only the day is known; empty when unknown."""
    zone_assumed: bool = False
    modified: str = ""
    captured_ms: int
    """This archive's clock, of this revision."""
    body_html: str
    """As in the record. Sources of kept pictures end in media/<aa>/<sha256>.<ext>, others are origin URLs."""
    media: tuple[MediaRef, ...] = ()
    """Pictures of this revision, late ones with their path."""
    revisions: tuple[RevisionInfo, ...] = ()
    """All of them, by number."""
    record_path: str = ""
    record_sha256: str = ""
    lost: str = ""
    """404, 410, home, stub, error or emptied: why the page is gone at the outlet."""
    lost_ms: int = 0
    older: "ArticleCard | None" = None
    """The article of this outlet that was shown just before; None: the first."""
    newer: "ArticleCard | None" = None


class ArticleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What may change of an article's page while its revision stays, and the revision: equal facts, equal pages."""

    index: int
    url: str
    lost: str
    lost_ms: int
    revisions: tuple[RevisionInfo, ...]
    media: tuple[MediaRef, ...]
    older: tuple[str, str, str] | None
    """(id, title, language) of the article beside it."""
    newer: tuple[str, str, str] | None


def facts_of(page: ArticlePage) -> ArticleFacts:
    """As ReaderSource.facts told when the page was read."""
    return ArticleFacts(
        index=page.index,
        url=page.url,
        lost=page.lost,
        lost_ms=page.lost_ms,
        revisions=page.revisions,
        media=page.media,
        older=beside(page.older),
        newer=beside(page.newer),
    )


def beside(card: ArticleCard | None) -> tuple[str, str, str] | None:
    """What a page tells of its neighbour."""
    return None if card is None else (card.id, card.title, card.lang)


class OutletInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An outlet of which something is kept or awaited."""

    key: str
    name: str
    names: dict[str, str] = {}
    """Name by UI language."""
    home: str = ""
    language: str = ""
    zone: str = ""
    """IANA name of the zone of its clocks, empty when unknown."""
    state: str = "live"
    """live, quiet or closed."""
    since: str = ""
    articles: int = 0
    last_ms: int = 0
    """shown_ms of its newest article, 0 when there is none."""


class ArchiveInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The archive as a whole, at its current checkpoint."""

    origin: str = ""
    vantage: str = ""
    size: int = 0
    """Leaves under the checkpoint."""
    root_sha256: str = ""
    """Root hash, hex."""
    version: str = ""
    """Of the program."""
    witnesses: int = 0
    """Known witnesses whose cosignature of this checkpoint holds."""


class ReaderSource(Protocol):
    """Read-only view of one archive. Called from several threads at once; every answer is of the last batch applied.

    None means that nothing is there; damaged or missing files raise StoreError.
    """

    def cards(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        outlet: str | None = None,
        before: Cursor | None = None,
        limit: int = 30,
    ) -> Sequence[ArticleCard]:
        """Articles with start_ms <= shown_ms < end_ms that stand below `before`, by (shown_ms, id) descending."""
        ...

    def cards_of(self, ids: Sequence[str]) -> Sequence[ArticleCard]:
        """Those of these articles that there are, in the order of `ids`."""
        ...

    def neighbours(self, start_ms: int, end_ms: int, outlet: str | None = None) -> tuple[int | None, int | None]:
        """shown_ms of the newest article before start_ms, and of the oldest one at or after end_ms."""
        ...

    def counts(self, start_ms: int, end_ms: int) -> Sequence[tuple[str, int]]:
        """(outlet key, articles) with start_ms <= shown_ms < end_ms, most articles first, then by key."""
        ...

    def tally(self, bounds: Sequence[int]) -> Sequence[int]:
        """How many articles are shown from each of `bounds` (epoch ms, ascending) up to the next."""
        ...

    def newest_kept(self, *, outlet: str | None = None, limit: int = 30) -> Sequence[ArticleCard]:
        """Articles by log index of their current revision, descending: late and edited ones come first too."""
        ...

    def article(self, identity: str, rev: int | None = None) -> ArticlePage | None:
        """A revision, the current one by default. None where there is none, or where it was withdrawn."""
        ...

    def facts(self, identity: str, rev: int | None = None) -> ArticleFacts | None:
        """What `facts_of` makes of `article`, for a fraction of its work: the text is not read."""
        ...

    def outlets(self) -> Sequence[OutletInfo]:
        """Every outlet that is set up or of which something is kept, by key."""
        ...

    def outlet(self, key: str) -> OutletInfo | None:
        """One of them."""
        ...

    def masthead(self, key: str) -> OutletInfo | None:
        """As `outlet`, for pages that name it: nothing is counted, and whether anything is kept isn't asked."""
        ...

    def feed_health(self) -> Sequence[FeedState]:
        """The state of every feed, in any order."""
        ...

    def notes(self, limit: int = 20) -> Sequence[Note]:
        """Lines for `status` that are no feed's, newest first."""
        ...

    def state(self) -> int:
        """Another number whenever the answers to the questions above may be others; cheap, asked from one thread."""
        ...

    def archive_info(self) -> ArchiveInfo:
        """The archive at its checkpoint."""
        ...

    def totals(self) -> tuple[int, int]:
        """(articles, outlets) that are kept; counted, so for few pages alone."""
        ...

    def public_size(self, path: str) -> int | None:
        """Bytes of a file of public/, None when there is none. `path` is already free of dot segments."""
        ...

    def read_public(self, path: str, start: int, size: int) -> bytes:
        """At most `size` bytes from `start`. Raises NotFound."""
        ...
