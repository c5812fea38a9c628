"""Search: the page of what was found, its Atom feed, and the limit for each address."""

import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC
from html import escape
from math import ceil
from threading import Lock
from typing import Protocol
from urllib.parse import quote_plus, urlencode

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from baoguan.finding import Findings, Found
from baoguan.publish.atom import AtomEntry, AtomMeta, feed_urn, render_atom
from baoguan.web import views
from baoguan.web.limits import RateLimit, network_of
from baoguan.web.render import Renderer, Ui
from baoguan.web.reply import text_reply
from baoguan.web.source import OutletInfo, ReaderSource
from baoguan.web.syndication import atom_entry, base_url

ASKED = 400
"""Characters of a query that are read."""
FACETS = 12
"""Outlets, and months, listed beside what was found."""
_FARTHEST = 10_000  # articles into a list: nobody reads on, but a crawler would
_KEPT = 512  # answers, of some 10 kB
_SPECIAL = re.compile("[&<>\"']")
NOTES = ("date", "field", "long", "empty")


class Search(Protocol):
    """Asks the index of an archive; safe from several threads."""

    def __call__(self, text: str, *, by_date: bool, start: int, limit: int, facets: bool) -> Findings:
        """What `text` finds. Raises ConfigError where search is off."""
        ...

    def size(self) -> int:
        """Leaves of the log that the index tells of: what was found before it grew may be old."""
        ...


class FoundView(msgspec.Struct, frozen=True, kw_only=True):
    """An article that was found, in words."""

    found: Found
    outlet: str
    lang: str
    at: views.Moment
    snippet: Markup


class SearchPages:
    """/search and /search.atom. Answers are kept while the log does not grow; the lock guards that store."""

    def __init__(self, search: Search, source: ReaderSource, renderer: Renderer) -> None:
        self._search, self._source, self._show = search, source, renderer
        self._limit = RateLimit(renderer.options.searches_a_second, 20)
        self._lock = Lock()
        self._answers: dict[tuple[object, ...], Findings] = {}

    def endpoints(self) -> list[tuple[str, Callable[[Request], Response]]]:
        """(path, what answers there)"""
        return [("/search", self.page), ("/search.atom", self.feed)]

    def _find(self, text: str, *, by_date: bool, start: int, facets: bool) -> Findings:
        limit = self._show.options.search_size
        key = (self._source.archive_info().size, self._search.size(), text, by_date, start, facets)
        with self._lock:
            kept = self._answers.pop(key, None)
        found = kept or self._search(text, by_date=by_date, start=start, limit=limit, facets=facets)
        with self._lock:
            self._answers[key] = found
            while len(self._answers) > _KEPT:
                del self._answers[next(iter(self._answers))]
        return found

    def _refused(self, request: Request, ui: Ui) -> Response | None:
        address = network_of(request.client.host if request.client else "")
        wait = self._limit.wait_s(address, time.monotonic())
        if not wait:
            return None
        reply = self._show.page(request, ui, "error.html", status=429, code="429")
        reply.headers["retry-after"] = str(ceil(wait))
        return reply

    def page(self, request: Request) -> Response:
        """/search?q=: what was found, with facets as links; without a query, how to ask."""
        ui = self._show.ui(request)
        text = asked(request)
        if text and (refused := self._refused(request, ui)) is not None:
            return refused
        by_date = request.query_params.get("order") == "date"
        start = _start(request)
        found = (
            self._find(text, by_date=by_date, start=start, facets=True)
            if text
            else Findings(query="", total=0, found=())
        )
        size = self._show.options.search_size
        narrower, order = "/search?q=" + quote_plus(text), "&order=date" if by_date else ""
        more = start + size < min(found.total, _FARTHEST)
        names = {
            key: self._source.masthead(key)
            for key in {one.outlet for one in found.found} | {k for k, _ in found.outlets}
        }
        return self._show.page(
            request,
            ui,
            "search.html",
            asked=text,
            total=found.total,
            by_date=by_date,
            views=[self._view(ui, one, names.get(one.outlet)) for one in found.found],
            notes=[f"note_{name}" for name in NOTES if text and name in found.notes],
            outlets=self._outlets(ui, text, found, names, by_date=by_date),
            months=[
                (month, n, f"{narrower}+after%3A{month}+before%3A{_next(month)}{order}")
                for month, n in found.months[:FACETS]
            ],
            other_order=link(text, not by_date),
            previous=link(text, by_date, max(0, start - size)) if start else "",
            following=link(text, by_date, start + size) if more else "",
            first=start + 1,
            feed="/search.atom?" + urlencode({"q": text}),
        )

    def _outlets(
        self, ui: Ui, text: str, found: Findings, names: dict[str, OutletInfo | None], *, by_date: bool
    ) -> list[tuple[str, int, str]]:
        return [
            (views.outlet_name(names.get(key), key, ui.t.lang), n, link(f"{text} outlet:{key}", by_date))
            for key, n in found.outlets[:FACETS]
        ]

    def _view(self, ui: Ui, found: Found, outlet: OutletInfo | None) -> FoundView:
        return FoundView(
            found=found,
            outlet=views.outlet_name(outlet, found.outlet, ui.t.lang),
            lang=found.lang or (outlet.language if outlet else ""),
            at=views.moment(found.shown_ms, ui.at, ui.t),
            snippet=marked_html(found.snippet),
        )

    def feed(self, request: Request) -> Response:
        """/search.atom?q=: a saved search, newest first, with full text."""
        ui = self._show.ui(request)
        if (refused := self._refused(request, ui)) is not None:
            return refused
        text, t = asked(request), ui.t
        found = self._find(text, by_date=True, start=0, facets=False) if text else Findings(query="", total=0, found=())
        base = base_url(request, self._show.options.base_url)
        info = self._source.archive_info()
        entries: list[AtomEntry] = []
        for one in found.found:
            entry = atom_entry(self._source, t, base, one.id)
            if entry is not None:
                entries.append(entry)
        query = urlencode({"q": text})
        meta = AtomMeta(
            id=feed_urn(info.origin, f"search/{text}"),
            title=f"{text} – {t('site.name')}",
            subtitle=t("search.title"),
            lang=t.lang,
            self_url=f"{base}/search.atom?{query}",
            site_url=f"{base}/search?{query}",
            updated=max((entry.updated for entry in entries), default=views.instant(0, UTC)),
            generator=f"baoguan {info.version}".strip(),
        )
        return text_reply(
            request,
            render_atom(meta, entries),
            media_type="application/atom+xml; charset=utf-8",
            cache="max-age=300",
            vary="Accept-Encoding, Accept-Language, Cookie, Host",
        )


def marked_html(parts: Iterable[tuple[str, bool]]) -> Markup:
    """A snippet with its marks; one piece of text for the template instead of dozens."""
    parts = list(parts)
    if _SPECIAL.search("".join([text for text, _ in parts])):
        parts = [(escape(text), marked) for text, marked in parts]
    return Markup("".join([f"<mark>{text}</mark>" if marked else text for text, marked in parts]))  # noqa: S704


def asked(request: Request) -> str:
    """The query, on one line."""
    return re.sub(r"[\x00-\x20]+", " ", request.query_params.get("q", "")[:ASKED]).strip()


def link(text: str, by_date: bool, start: int = 0) -> str:
    """The address of a search."""
    pairs = [("q", text), *([("order", "date")] if by_date else []), *([("start", str(start))] if start else [])]
    return "/search?" + urlencode(pairs)


def _start(request: Request) -> int:
    text = request.query_params.get("start", "")
    return min(int(text), _FARTHEST) if re.fullmatch(r"\d{1,5}", text) else 0


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"
