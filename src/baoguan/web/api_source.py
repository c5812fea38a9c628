"""The answers of the API from an opened archive: what /api/v1 sends and `baoguan.open(folder)` gives.

Obeys what readers obey: withdrawn articles are gone, an outlet's `serve` keeps back text or pictures.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from baoguan.archive.proofs import encode_proof, make_proof
from baoguan.desk import Desk
from baoguan.errors import ConfigError, NotFound, Withdrawn, Withheld
from baoguan.finding import Passages, find
from baoguan.media.location import strip_location
from baoguan.model.api import (
    ArchiveSummary,
    ArticleSummary,
    ArticleText,
    ChangeSummary,
    ChangeText,
    Facet,
    FeedStatus,
    Hit,
    Hits,
    NamedArticle,
    OutletSummary,
    Page,
    PictureSummary,
    Piece,
    RevisionSummary,
    VersionSummary,
)
from baoguan.model.change import KINDS
from baoguan.serving import WITH_TEXT, is_served, silent_outlets
from baoguan.text.html import plain_text
from baoguan.text.zones import zone_of
from baoguan.web.api_cursor import ARTICLES, CHANGES, FOUND, read_cursor, write_cursor
from baoguan.web.changes_source import ChangeCard, DeskChanges, Side
from baoguan.web.desk_source import DeskSource
from baoguan.web.safety import public_path
from baoguan.web.source import ArticleCard, ArticlePage, OutletInfo

MOST = 100
"""Items of one page."""
FARTHEST = 10_000
"""Articles into what a search found: who needs more asks by date."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS, _LAST_MS = -62135596800000, 253402300799999  # of the years that a datetime can hold
_PAGE = 200


class DeskReader:
    """The calls of `baoguan.Reader` over a desk; safe from several threads. `close` closes what it opened itself."""

    def __init__(self, desk: Desk, source: DeskSource, changes: DeskChanges) -> None:
        self._desk, self._source, self._changes = desk, source, changes
        self._passages = Passages()

    def archive(self) -> ArchiveSummary:
        """The archive at its checkpoint."""
        info, head = self._source.archive_info(), self._desk.archive.checkpoint()
        verifier = self._desk.archive.verifier
        articles, outlets = self._source.totals()
        return ArchiveSummary(
            origin=info.origin,
            vantage=info.vantage,
            key=verifier.text if verifier else "",
            size=info.size,
            root_sha256=info.root_sha256,
            checkpoint=head.note.decode() if head else "",
            articles=articles,
            outlets=outlets,
            zone=self._desk.settings.zone,
            version=info.version,
        )

    def articles(
        self,
        *,
        outlet: str = "",
        after: str | date = "",
        before: str | date = "",
        order: str = "shown",
        cursor: str = "",
        limit: int = 30,
    ) -> Page[ArticleSummary]:
        """Newest first, by the publisher's clock (order shown) or as they came into the log (kept)."""
        if order not in ("shown", "kept"):
            raise ConfigError(f"order: {order!r} is neither shown nor kept")
        below = _place(cursor, ARTICLES, limit)
        found = self._source.listed(
            by_index=order == "kept",
            start_ms=self._instant(after, _FIRST_MS),
            end_ms=self._instant(before, _LAST_MS + 1),
            outlet=outlet or None,
            below=below,
            limit=limit + 1,
        )
        last = found[limit - 1][1] if len(found) > limit else None
        following = "" if last is None else write_cursor(last.index if order == "kept" else last.shown_ms, last.id)
        return Page(items=tuple(_summary(url, card) for url, card in found[:limit]), next=following)

    def _instant(self, said: str | date, default: int) -> int:
        """Epoch ms of a day (its beginning in the archive's zone) or an instant. Raises ConfigError."""
        text = said.isoformat() if isinstance(said, date) else said
        if not text:
            return default
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(f"{text!r} is no day (2023-07-01) and no instant (2023-07-01T09:00:00Z)") from error
        try:
            aware = at if at.tzinfo else at.replace(tzinfo=zone_of(self._desk.settings.zone))
            return (aware - _EPOCH) // timedelta(milliseconds=1)
        except OverflowError:
            return _FIRST_MS if at.year < 1970 else _LAST_MS

    def article(self, identity: str, rev: int | None = None) -> ArticleText:
        """A revision, the current one by default. Raises NotFound, Withdrawn where it was taken out."""
        return _text(self._page(identity, rev))

    def _page(self, identity: str, rev: int | None) -> ArticlePage:
        page = self._source.article(identity, rev)
        if page is not None:
            return page
        gone = self._source.withdrawn(identity)
        if gone is not None:
            raise Withdrawn(f"article {identity} was withdrawn on {at(gone[0]):%Y-%m-%d}: {gone[1]}")
        which = f"revision {rev} of article {identity}" if rev is not None else f"article {identity}"
        raise NotFound(f"no {which} is kept here")

    def revisions(self, identity: str) -> Page[RevisionSummary]:
        """All revisions, by number. Raises as article."""
        page = self._page(identity, None)
        return Page(
            items=tuple(
                RevisionSummary(
                    rev=one.rev,
                    index=one.index,
                    kept=at(one.captured_ms),
                    title=one.title,
                    cause=one.cause,
                    current=one.current,
                    record_path=one.record_path,
                )
                for one in page.revisions
            )
        )

    def markdown(self, identity: str, rev: int | None = None) -> bytes:
        """The record as kept: the Markdown file. Raises as article, Withheld where the outlet's text isn't served."""
        page = self._page(identity, rev)
        self._refuse_silent(page.outlet)
        line = self._desk.archive.line(page.index)
        if line is None:
            raise NotFound(f"entry {page.index} was withdrawn")
        return self._desk.archive.record(line)

    def _refuse_silent(self, outlet: str) -> None:
        if self._desk.outlet(outlet).serve not in WITH_TEXT:
            raise Withheld(f"the texts of {outlet} are kept here, and not served")

    def proof(self, identity: str, rev: int | None = None, *, media: bool = False) -> bytes:
        """The file that `baoguan prove` writes, judged by `baoguan check`. Raises as markdown."""
        page = self._page(identity, rev)
        self._refuse_silent(page.outlet)
        paths = [ref.path for ref in page.media if ref.path]
        if media and not all(is_served(self._desk, path) for path in paths):
            raise Withheld(f"the pictures of {page.outlet} are kept here, and not served: ask without media")
        return encode_proof(make_proof(self._desk.archive, page.index, media=media))

    def outlets(self) -> Page[OutletSummary]:
        """Every outlet that is set up or of which something is kept, by key."""
        return Page(items=tuple(_outlet(one) for one in self._source.outlets()))

    def outlet(self, key: str) -> OutletSummary:
        """One of them. Raises NotFound."""
        found = self._source.outlet(key)
        if found is None:
            raise NotFound(f"no outlet {key}")
        return _outlet(found)

    def feeds(self, *, outlet: str = "") -> Page[FeedStatus]:
        """Every feed, or those of an outlet, by address."""
        states = sorted(self._source.feed_health(), key=lambda state: state.url)
        return Page(
            items=tuple(
                FeedStatus(
                    url=one.url,
                    outlet=one.outlet,
                    title=one.title,
                    state=one.kind,
                    problem=one.problem,
                    polled=_maybe(one.last_poll_ms),
                    worked=_maybe(one.last_ok_ms),
                    brought=_maybe(one.last_new_ms),
                    next_poll=None if one.stopped else _maybe(max(one.next_ms, one.not_before_ms)),
                    fails=one.fails,
                )
                for one in states
                if not outlet or one.outlet == outlet
            )
        )

    def search(
        self, query: str, *, order: str = "relevance", facets: bool = False, cursor: str = "", limit: int = 30
    ) -> Hits:
        """As `baoguan search`: docs/guide.md tells the language of queries. Raises Withheld where search is off."""
        if self._desk.search is None:
            raise Withheld("this archive has no search: its settings say none")
        if order not in ("relevance", "date"):
            raise ConfigError(f"order: {order!r} is neither relevance nor date")
        place = _place(cursor, FOUND, limit)
        start = place[0] if place else 0
        found = find(
            self._desk,
            query,
            order="date" if order == "date" else "relevance",
            start=start,
            limit=limit,
            facets=facets,
            without=silent_outlets(self._desk),
            passages=self._passages,
        )
        more = start + limit < min(found.total, FARTHEST)
        return Hits(
            query=query,
            total=found.total,
            items=tuple(
                Hit(
                    id=one.id,
                    outlet=one.outlet,
                    url=one.url,
                    title=one.title,
                    lang=one.lang,
                    shown=at(one.shown_ms),
                    snippet=tuple(Piece(text=text, marked=marked) for text, marked in one.snippet),
                )
                for one in found.found
            ),
            next=write_cursor(start + limit) if more else "",
            outlets=tuple(Facet(name=name, articles=n) for name, n in found.outlets),
            months=tuple(Facet(name=name, articles=n) for name, n in found.months),
            notes=found.notes,
        )

    def changes(
        self, *, outlet: str = "", kind: str = "", article: str = "", cursor: str = "", limit: int = 30
    ) -> Page[ChangeSummary]:
        """What outlets changed, newest first. `extraction` (our readings differ) only when asked for by kind."""
        if kind and kind not in KINDS:
            raise ConfigError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
        self._changes.behind()
        place = _place(cursor, CHANGES, limit)
        before = (place[0], int(place[1])) if place else None
        cards = self._changes.changes(outlet=outlet, kind=kind, identity=article, before=before, limit=limit + 1)
        last = cards[limit - 1].row if len(cards) > limit else None
        following = write_cursor(last.at_ms, last.index) if last else ""
        return Page(items=tuple(_change(card) for card in cards[:limit]), next=following)

    def change(self, index: int) -> ChangeText:
        """One change with both versions side by side. Raises NotFound."""
        self._changes.behind()
        found = self._changes.change(index)
        if found is None:
            raise NotFound(f"leaf {index} tells no change")
        return ChangeText(change=_change(found[0]), comparison=found[1])

    def names(self, name: str) -> Page[NamedArticle]:
        """The articles that `name` means: an address at the outlet (any that it had), an id, or the start of one."""
        found = [row for identity in self._source.named(name) if (row := self._source.row(identity)) is not None]
        return Page(
            items=tuple(NamedArticle(id=row.id, outlet=row.outlet, url=row.url, title=row.title) for row in found)
        )

    def export(self, *, outlet: str = "", since: int = 0) -> Iterator[ArticleText]:
        """Every article whose current revision stands at log index `since` or later, in the order of the log.

        Go on later with the last `index` + 1. An article that was revised while this runs comes again at its end.
        """
        while True:
            found = self._source.kept_since(since, outlet=outlet or None, limit=_PAGE)
            for identity, index in found:
                page = self._source.article(identity)
                if page is not None and page.index == index:
                    yield _text(page)
                since = index + 1
            if len(found) < _PAGE:
                return

    def picture(self, path: str) -> bytes:
        """A kept picture by its path, as it is served: without the place where it was taken. Raises NotFound."""
        safe = public_path(path) if path.startswith("media/") else None
        size = None if safe is None else self._source.public_size(path)
        if size is None:
            raise NotFound(f"no picture {path}")
        return strip_location(self._source.read_public(path, 0, size))


def _place(cursor: str, pattern: str, limit: int) -> tuple[int, str] | None:
    if not 1 <= limit <= MOST:
        raise ConfigError(f"limit: {limit} is not from 1 to {MOST}")
    return read_cursor(cursor, pattern)


def at(epoch_ms: int) -> datetime:
    """An instant; those beyond what a datetime can hold are its first or last."""
    return _EPOCH + timedelta(milliseconds=max(_FIRST_MS, min(epoch_ms, _LAST_MS)))


def _maybe(epoch_ms: int) -> datetime | None:
    return at(epoch_ms) if epoch_ms else None


def _summary(url: str, card: ArticleCard) -> ArticleSummary:
    return ArticleSummary(
        id=card.id,
        outlet=card.outlet,
        url=url,
        title=card.title,
        lang=card.lang,
        shown=at(card.shown_ms),
        kept=at(card.captured_ms),
        rev=card.rev,
        index=card.index,
        lead=card.lead,
        lost=card.lost,
    )


def _text(page: ArticlePage) -> ArticleText:
    return ArticleText(
        id=page.id,
        outlet=page.outlet,
        url=page.url,
        title=page.title,
        authors=page.authors,
        lang=page.lang,
        section=page.section,
        published=page.published,
        zone_assumed=page.zone_assumed,
        modified=page.modified,
        kept=at(page.captured_ms),
        rev=page.rev,
        revisions=len(page.revisions),
        index=page.index,
        body_html=page.body_html,
        text=plain_text(page.body_html),
        pictures=tuple(
            PictureSummary(url=ref.url, path=ref.path, sha256=ref.sha256, width=ref.width, height=ref.height)
            for ref in page.media
        ),
        record_path=page.record_path,
        record_sha256=page.record_sha256,
        lost=page.lost,
        lost_at=_maybe(page.lost_ms),
    )


def _outlet(one: OutletInfo) -> OutletSummary:
    return OutletSummary(
        key=one.key,
        name=one.name,
        names=one.names,
        home=one.home,
        language=one.language,
        state=one.state,
        since=one.since,
        articles=one.articles,
        newest=_maybe(one.last_ms),
    )


def _change(card: ChangeCard) -> ChangeSummary:
    return ChangeSummary(
        index=card.row.index,
        id=card.row.id,
        outlet=card.row.outlet,
        url=card.url,
        noticed=at(card.row.at_ms),
        kinds=card.row.kinds,
        reason=card.row.reason,
        before=_side(card.before),
        after=_side(card.after),
    )


def _side(side: Side | None) -> VersionSummary | None:
    if side is None:
        return None
    return VersionSummary(
        index=side.index, rev=side.rev, title=side.title, published=side.published, kept=at(side.captured_ms)
    )
