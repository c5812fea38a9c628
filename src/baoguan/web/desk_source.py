"""An opened archive as the reader's source: the catalogue's lists, records and manifest lines by need."""

import posixpath
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

import msgspec

from baoguan import __version__
from baoguan.archive.mirror_witness import Cosigner, cosignatures
from baoguan.backends.sqlite.lists import SqliteLists
from baoguan.desk import Desk
from baoguan.errors import NotFound, VerifyError
from baoguan.model.catalog import ArticleRow, RevisionRow
from baoguan.model.feed import FeedState
from baoguan.model.log import Checkpoint, ManifestLine, MediaRef
from baoguan.model.schedule import Note
from baoguan.publish.markdown import parse_record
from baoguan.serving import WITH_PICTURES, is_served, served_body
from baoguan.web.options import WebOptions
from baoguan.web.source import (
    ArchiveInfo,
    ArticleCard,
    ArticleFacts,
    ArticlePage,
    Cursor,
    OutletInfo,
    RevisionInfo,
    beside,
)

if TYPE_CHECKING:
    from starlette.applications import Starlette


class DeskSource:
    """ReaderSource over a desk. Holds nothing of its own but connections and the last counts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lists = SqliteLists(desk.folder / "index" / "catalogue.sqlite")
        self._counted: tuple[int, tuple[int, int]] = (-1, (0, 0))
        self._kept: dict[str, tuple[int, tuple[int, int]]] = {}
        """By outlet: the log size at which it was counted, its articles, its newest."""
        self._witnesses = [Cosigner.parse(text) for text in desk.settings.witness_keys]

    def cards(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        outlet: str | None = None,
        before: Cursor | None = None,
        limit: int = 30,
    ) -> Sequence[ArticleCard]:
        """By (shown_ms, id) descending."""
        found = self._lists.cards(
            start_ms=-(1 << 62) if start_ms is None else start_ms,
            end_ms=end_ms,
            outlet=outlet,
            before=(before.shown_ms, before.id) if before else None,
            limit=limit,
        )
        return [self._card(row, edited) for row, edited in found]

    def cards_of(self, ids: Sequence[str]) -> Sequence[ArticleCard]:
        """In the order of `ids`."""
        return [self._card(*found) for one in ids if (found := self._lists.article(one)) is not None]

    def neighbours(self, start_ms: int, end_ms: int, outlet: str | None = None) -> tuple[int | None, int | None]:
        """shown_ms of the nearest articles outside of the span."""
        return self._lists.neighbours(start_ms, end_ms, outlet)

    def counts(self, start_ms: int, end_ms: int) -> Sequence[tuple[str, int]]:
        """(outlet, articles) of the span."""
        return self._lists.counts(start_ms, end_ms)

    def listed(
        self,
        *,
        by_index: bool,
        start_ms: int,
        end_ms: int,
        outlet: str | None,
        below: tuple[int, str] | None,
        limit: int,
    ) -> list[tuple[str, ArticleCard]]:
        """(URL, card) as the API lists them: by log index or by (shown_ms, id), both descending."""
        found = self._lists.listed(
            by_index=by_index, start_ms=start_ms, end_ms=end_ms, outlet=outlet, below=below, limit=limit
        )
        return [(row.url, self._card(row, edited)) for row, edited in found]

    def kept_since(self, index: int, *, outlet: str | None, limit: int) -> list[tuple[str, int]]:
        """(id, log index) of the current revisions from `index` on, in the order of the log."""
        return self._lists.kept_since(index, outlet=outlet, limit=limit)

    def named(self, name: str) -> list[str]:
        """Ids that an address, an id or the start of one (4 digits or more) means; at most 10."""
        return self._lists.named(name)

    def row(self, identity: str) -> ArticleRow | None:
        """The catalogue's row of an article."""
        found = self._lists.article(identity)
        return found[0] if found else None

    def withdrawn(self, identity: str) -> tuple[int, str] | None:
        """(when, reason) of an article that was withdrawn here."""
        return self._lists.withdrawn(identity)

    def tally(self, bounds: Sequence[int]) -> Sequence[int]:
        """Articles between each bound and the next."""
        return self._lists.tally(bounds)

    def newest_kept(self, *, outlet: str | None = None, limit: int = 30) -> Sequence[ArticleCard]:
        """By log index, descending."""
        return [self._card(row, edited) for row, edited in self._lists.newest_kept(outlet=outlet, limit=limit)]

    def article(self, identity: str, rev: int | None = None) -> ArticlePage | None:
        """One revision, whole."""
        told = self._told(identity, rev)
        if told is None or told.line.record is None:
            return None
        line, row, kept = told.line, told.row, told.line.record
        record = parse_record(self._desk.archive.record(line))
        serve = self._desk.outlet(line.outlet).serve
        return ArticlePage(
            id=identity,
            rev=line.rev,
            index=told.index,
            outlet=line.outlet,
            url=line.url or row.url,
            title=line.title,
            authors=line.authors,
            lang=line.lang,
            section=line.section,
            published=line.published,
            zone_assumed=line.zone_assumed,
            modified=line.modified,
            captured_ms=line.captured_ms,
            body_html=served_body(record.body_html, serve, {ref.url: ref.path for ref in told.media if ref.path}),
            media=told.media,
            revisions=tuple(_revision(one, row) for one in told.revisions),
            record_path=kept.path,
            record_sha256=kept.sha256,
            lost=row.lost,
            lost_ms=row.checked_ms if row.lost else 0,
            older=_card(*told.older) if told.older else None,
            newer=_card(*told.newer) if told.newer else None,
        )

    def facts(self, identity: str, rev: int | None = None) -> ArticleFacts | None:
        """From the catalogue and the manifest line; the record is not read."""
        told = self._told(identity, rev)
        if told is None or told.line.record is None:
            return None
        row = told.row
        return ArticleFacts(
            index=told.index,
            url=told.line.url or row.url,
            lost=row.lost,
            lost_ms=row.checked_ms if row.lost else 0,
            revisions=tuple(_revision(one, row) for one in told.revisions),
            media=told.media,
            older=beside(_card(*told.older)) if told.older else None,
            newer=beside(_card(*told.newer)) if told.newer else None,
        )

    def _told(self, identity: str, rev: int | None) -> "_Told | None":
        found = self._lists.article(identity)
        if found is None:
            return None
        row = found[0]
        revisions = self._lists.revisions(identity)
        index = row.index if rev is None else next((one.index for one in revisions if one.rev == rev), None)
        line = None if index is None else self._desk.archive.line(index)
        if index is None or line is None:
            return None
        older, newer = self._lists.beside(row.outlet, row.shown_ms, row.id)
        media = self._media(line) if self._desk.outlet(line.outlet).serve in WITH_PICTURES else ()
        return _Told(index, row, line, revisions, media, older, newer)

    def _card(self, row: ArticleRow, edited: bool) -> ArticleCard:
        card = _card(row, edited)
        shown = self._desk.outlet(row.outlet).serve in WITH_PICTURES
        return card if shown else msgspec.structs.replace(card, lead="", lead_width=0, lead_height=0)

    def _media(self, line: ManifestLine) -> tuple[MediaRef, ...]:
        late = self._lists.kept_paths(tuple(ref.url for ref in line.media if not ref.path))
        if late:
            late |= self._replaced_since(line, late)
        return tuple(
            MediaRef(url=ref.url, path=late[ref.url][0], width=late[ref.url][1], height=late[ref.url][2])
            if ref.url in late
            else ref
            for ref in line.media
        )

    def _replaced_since(self, line: ManifestLine, late: Container[str]) -> dict[str, tuple[str, int, int]]:
        """Of late pictures: what stood under their address before a later revision had another photo there."""
        found: dict[str, tuple[str, int, int]] = {}
        for one in self._lists.revisions(line.id):
            later = self._desk.archive.line(one.index) if one.rev > line.rev else None
            for ref in later.media if later is not None else ():
                if ref.replaces and ref.url in late:
                    found.setdefault(ref.url, (ref.replaces, 0, 0))
        return found

    def outlets(self) -> Sequence[OutletInfo]:
        """Set up, or with something kept."""
        kept = self._lists.outlets()
        return [self._outlet(key, kept) for key in sorted(kept.keys() | set(self._desk.feeds.values()))]

    def masthead(self, key: str) -> OutletInfo:
        """What its settings say."""
        return self._outlet(key, {})

    def _outlet(self, key: str, kept: dict[str, tuple[int, int]]) -> OutletInfo:
        outlet = self._desk.outlet(key)
        articles, last_ms = kept.get(key, (0, 0))
        return OutletInfo(
            key=key,
            name=outlet.name,
            names=outlet.names,
            home=outlet.home,
            language=outlet.language,
            zone=outlet.zone,
            state=outlet.state,
            since=outlet.since,
            articles=articles,
            last_ms=last_ms,
        )

    def outlet(self, key: str) -> OutletInfo | None:
        """One of them."""
        size = self._desk.archive.size
        held, kept = self._kept.get(key, (-1, (0, 0)))
        if held != size:
            kept = self._lists.outlet(key)
            self._kept[key] = (size, kept)
        return self._outlet(key, {key: kept}) if kept[0] or key in self._desk.feeds.values() else None

    def feed_health(self) -> Sequence[FeedState]:
        """Every feed."""
        return self._desk.schedule.feeds()

    def notes(self, limit: int = 20) -> Sequence[Note]:
        """Newest first."""
        return self._desk.schedule.notes(limit=limit)

    def state(self) -> int:
        """Moves with each batch that the catalogue takes in."""
        return self._lists.version()

    def archive_info(self) -> ArchiveInfo:
        """At the current checkpoint."""
        head = self._desk.archive.checkpoint()
        return ArchiveInfo(
            origin=self._desk.archive.origin,
            vantage=self._desk.settings.vantage,
            size=head.size if head else 0,
            root_sha256=head.root.hex() if head else "",
            version=__version__,
            witnesses=self._cosigned(head),
        )

    def _cosigned(self, head: Checkpoint | None) -> int:
        if head is None or not self._witnesses:
            return 0
        try:
            return len(cosignatures(head.note, self._witnesses))
        except VerifyError:
            return 0  # `verify` names it

    def totals(self) -> tuple[int, int]:
        """Counted once a log size."""
        size = self._desk.archive.size
        if self._counted[0] != size:
            self._counted = (size, (self._lists.total(), len(self._lists.outlets())))
        return self._counted[1]

    def public_size(self, path: str) -> int | None:
        """Bytes of a file of public/."""
        if posixpath.normpath(path) != path or path.startswith(("/", "..")) or not is_served(self._desk, path):
            return None
        if path == "checkpoint":
            note = self._desk.archive.head.read()
            return None if note is None else len(note)
        try:
            return self._desk.archive.objects.size(path)
        except NotFound:
            return None

    def read_public(self, path: str, start: int, size: int) -> bytes:
        """Part of a file of public/."""
        return self._desk.archive.objects.get(path, start, size)

    def close(self) -> None:
        """Closes the connections."""
        self._lists.close()


def _card(row: ArticleRow, edited: bool) -> ArticleCard:
    return ArticleCard(
        id=row.id,
        outlet=row.outlet,
        title=row.title,
        lang=row.lang,
        shown_ms=row.shown_ms,
        by_outlet=row.shown_ms != row.captured_ms,
        captured_ms=row.captured_ms,
        rev=row.rev,
        index=row.index,
        edited=edited,
        lead=row.lead,
        lead_width=row.lead_width,
        lead_height=row.lead_height,
        lost=row.lost,
    )


def _revision(one: RevisionRow, row: ArticleRow) -> RevisionInfo:
    return RevisionInfo(
        rev=one.rev,
        captured_ms=one.captured_ms,
        title=one.title,
        cause=one.cause,
        index=one.index,
        record_path=one.path,
        current=one.index == row.index,
    )


class _Told(msgspec.Struct, frozen=True):
    """What catalogue and log tell of a revision."""

    index: int
    row: ArticleRow
    line: ManifestLine
    revisions: list[RevisionRow]
    media: tuple[MediaRef, ...]
    older: tuple[ArticleRow, bool] | None
    newer: tuple[ArticleRow, bool] | None


def open_reader(desk: Desk, *, warm: bool = False) -> "Starlette":
    """The reader's application over an opened archive; `warm`: what takes time to begin is begun at once."""
    from baoguan.web.accounts_app import open_apps
    from baoguan.web.api_source import DeskReader
    from baoguan.web.app import create_app
    from baoguan.web.changes_source import DeskChanges
    from baoguan.web.desk_search import DeskSearch
    from baoguan.web.images_open import open_images
    from baoguan.web.operation import Operation
    from baoguan.web.photos_source import DeskPhotos

    settings, source, images = desk.settings, DeskSource(desk), open_images(desk, warm=warm)
    options = WebOptions(
        zone=settings.zone,
        noindex=settings.noindex,
        script=settings.script,
        inline=not settings.objects,
        threads=8 if settings.objects else 2,
        base_url=settings.base_url,
        searches_a_second=max(0.01, settings.searches_a_second),
        asks_a_second=max(0.01, settings.asks_a_second),
        variants=images is not None,
    )
    search = DeskSearch(desk) if desk.search else None
    changes = DeskChanges(desk)
    return create_app(
        source,
        options,
        changes=changes,
        search=search,
        photos=DeskPhotos(desk),
        apps=open_apps(desk, source),
        images=images,
        api=DeskReader(desk, source, changes),
        operation=Operation(desk),
    )
