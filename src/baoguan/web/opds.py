"""The catalogue for e-readers: OPDS 1.2 feeds of days and outlets, and a book (EPUB 3) of each day, made when asked."""

import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, timedelta
from itertools import islice
from math import ceil
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response

from baoguan.publish.atom import feed_urn
from baoguan.publish.epub import Book, Chapter, write_epub
from baoguan.publish.opds import Catalog, CatalogEntry, catalog_type, render_catalog
from baoguan.web import views
from baoguan.web.books import chapter_of, pages_of
from baoguan.web.limits import RateLimit, network_of
from baoguan.web.render import Renderer, Ui
from baoguan.web.reply import etag_of, matches, not_modified, text_reply
from baoguan.web.source import OutletInfo, ReaderSource
from baoguan.web.syndication import base_url

DAYS = 31
"""Days of which the catalogue names books; those before are fetched by their address."""
ARTICLES = 200
"""Articles in one book, the newest of the day."""
PICTURE_BYTES = 20_000_000
"""Bytes of pictures in one book; those beyond leave their description."""
_VARY = "Accept-Encoding, Accept-Language, Cookie, Host"
_BOOKS_A_SECOND, _BOOKS_AT_ONCE = 0.2, 10


class Opds:
    """/opds and what hangs on it. Days begin and end in the zone of the page."""

    def __init__(self, source: ReaderSource, renderer: Renderer, now_ms: Callable[[], int]) -> None:
        self._source, self._show, self._now_ms = source, renderer, now_ms
        self._limit = RateLimit(_BOOKS_A_SECOND, _BOOKS_AT_ONCE)

    def endpoints(self) -> list[tuple[str, Callable[[Request], Response | None]]]:
        """(path, what answers there)"""
        return [
            ("/opds", self.root),
            ("/opds/days", self.days),
            ("/opds/outlet/{key}", self.outlet),
            ("/opds/book/{day}.epub", self.book),
            ("/opds/book/{key}/{day}.epub", self.book),
        ]

    def root(self, request: Request) -> Response:
        """/opds: a shelf of days, and one for each outlet of which something is kept."""
        ui = self._show.ui(request)
        held = dict(self._source.counts(0, self._now_ms()))
        shelves = [("", "/opds/days", ui.t("nav.calendar"), sum(held.values()))]
        for outlet in self._source.outlets():
            if held.get(outlet.key):
                name = views.outlet_name(outlet, outlet.key, ui.t.lang)
                shelves.append((outlet.key, f"/opds/outlet/{outlet.key}", name, held[outlet.key]))
        base, origin = base_url(request, self._show.options.base_url), self._source.archive_info().origin
        entries = tuple(
            CatalogEntry(
                id=feed_urn(origin, f"opds/{key}"),
                title=title,
                updated=views.instant(self._newest_ms(key), UTC),
                href=base + path,
                is_book=False,
                summary=ui.t("search.total", n=count),
            )
            for key, path, title, count in shelves
        )
        return self._catalog(request, ui, "/opds", ui.t("site.name"), entries, has_books=False)

    def days(self, request: Request) -> Response:
        """/opds/days: a book of each of the last days."""
        ui = self._show.ui(request)
        return self._shelf(request, ui, None)

    def outlet(self, request: Request) -> Response | None:
        """/opds/outlet/<key>: the same of one outlet; None for an outlet that is not known."""
        outlet = self._source.outlet(request.path_params["key"])
        return None if outlet is None else self._shelf(request, self._show.ui(request), outlet)

    def _shelf(self, request: Request, ui: Ui, outlet: OutletInfo | None) -> Response:
        base, origin = base_url(request, self._show.options.base_url), self._source.archive_info().origin
        name = views.outlet_name(outlet, outlet.key, ui.t.lang) if outlet else ""
        part = f"{outlet.key}/" if outlet else ""
        now = self._now_ms()
        entries = tuple(
            CatalogEntry(
                id=feed_urn(origin, f"opds/{part}{day}"),
                title=_title(ui, name, day),
                updated=views.instant(min(now, views.day_bounds(day, ui.at)[1]), UTC),
                href=f"{base}/opds/book/{part}{day}.epub",
                is_book=True,
                summary=ui.t("search.total", n=count),
                lang=outlet.language if outlet else "",
                authors=(name,) if name else (),
            )
            for day, count in self._days(ui, outlet)
        )
        path = f"/opds/outlet/{outlet.key}" if outlet else "/opds/days"
        return self._catalog(request, ui, path, name or ui.t("nav.calendar"), entries, has_books=True)

    def _days(self, ui: Ui, outlet: OutletInfo | None) -> Iterator[tuple[date, int]]:
        """(day, articles) of the last DAYS days that hold any, counted from the newest article, newest first."""
        newest = views.day_of(self._newest_ms(outlet.key if outlet else ""), ui.at)
        for back in range(DAYS):
            day = newest - timedelta(days=back)
            if day.year < 1970:
                return
            counts = dict(self._source.counts(*views.day_bounds(day, ui.at)))
            count = counts.get(outlet.key, 0) if outlet else sum(counts.values())
            if count:
                yield day, count

    def _newest_ms(self, key: str) -> int:
        cards = self._source.cards(end_ms=self._now_ms(), outlet=key or None, limit=1)
        return cards[0].shown_ms if cards else 0

    def _catalog(
        self, request: Request, ui: Ui, path: str, title: str, entries: tuple[CatalogEntry, ...], *, has_books: bool
    ) -> Response:
        base, info = base_url(request, self._show.options.base_url), self._source.archive_info()
        catalog = Catalog(
            id=feed_urn(info.origin, path),
            title=title if title == ui.t("site.name") else f"{title} – {ui.t('site.name')}",
            updated=max((entry.updated for entry in entries), default=views.instant(0, UTC)),
            author=ui.t("site.name"),
            self_href=base + path,
            start_href=f"{base}/opds",
            has_books=has_books,
            entries=entries,
        )
        kind = f"{catalog_type(has_books=has_books)};charset=utf-8"
        return text_reply(request, render_catalog(catalog), media_type=kind, cache="no-cache", vary=_VARY)

    def book(self, request: Request) -> Response | None:
        """/opds/book/[<key>/]YYYY-MM-DD.epub: the articles of a day. None where none is kept, 429 for who asks on."""
        day = views.parse_day(request.path_params["day"])
        key = request.path_params.get("key", "")
        outlet = self._source.outlet(key) if key else None
        if day is None or (key and outlet is None):
            return None
        ui, info = self._show.ui(request), self._source.archive_info()
        etag = etag_of("book", info.origin, info.root_sha256, key, day, ui.t.lang, str(ui.at))
        if matches(request, etag):
            return not_modified(etag, "no-cache", _VARY)
        wait = self._limit.wait_s(network_of(request.client.host if request.client else ""), time.monotonic())
        if wait:
            return Response(status_code=429, headers={"retry-after": str(ceil(wait)), "cache-control": "no-store"})
        name = views.outlet_name(outlet, key, ui.t.lang) if outlet else ""
        data = self._made(ui, day, key, _title(ui, name, day))
        if data is None:
            return None
        headers = {"etag": etag, "cache-control": "no-cache", "vary": _VARY}
        headers["content-disposition"] = f'attachment; filename="{f"{key}-" if key else ""}{day}.epub"'
        return Response(data, headers=headers, media_type="application/epub+zip")

    def _made(self, ui: Ui, day: date, key: str, title: str) -> bytes | None:
        start, end = views.day_bounds(day, ui.at)
        pages = islice(pages_of(self._source, key, start, min(end, self._now_ms())), ARTICLES)
        chapters = [chapter_of(self._source, page, lang=ui.t.lang, zone=ui.at) for page in pages]
        if not chapters:
            return None
        info = self._source.archive_info()
        book = Book(
            id=uuid5(NAMESPACE_URL, f"opds/{info.origin}/{key}/{day}/{ui.t.lang}"),
            title=f"{title} – {ui.t('site.name')}",
            lang=ui.t.lang,
            modified=views.instant(min(end, self._now_ms()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            contents=ui.t("nav.front"),
        )
        out = io.BytesIO()
        write_epub(out, book, _within(chapters, PICTURE_BYTES))
        return out.getvalue()


_Chapters = list[tuple[Chapter, Iterator[tuple[str, bytes]]]]


def _within(chapters: _Chapters, limit: int) -> Iterator[tuple[Chapter, list[tuple[str, bytes]]]]:
    """The chapters, with pictures until they come to `limit` bytes."""
    left = limit
    for chapter, pictures in chapters:
        kept: list[tuple[str, bytes]] = []
        for path, data in pictures if left > 0 else ():
            left -= len(data)
            if left < 0:
                break
            kept.append((path, data))
        yield chapter, kept


def _title(ui: Ui, name: str, day: date) -> str:
    return f"{name}, {ui.t.day(day)}" if name else ui.t.day(day)
