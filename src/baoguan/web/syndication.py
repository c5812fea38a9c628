"""Atom feeds of everything and of one outlet: what entered the log last, with full text and absolute addresses."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

from baoguan.errors import StoreError
from baoguan.publish.atom import AtomEntry, AtomMeta, article_urn, feed_urn, render_atom
from baoguan.web import views
from baoguan.web.body import BodyStyle, show_body
from baoguan.web.render import Renderer
from baoguan.web.reply import etag_of, text_reply
from baoguan.web.source import ArchiveInfo, ArticlePage, OutletInfo, ReaderSource
from baoguan.web.words import Words

_HOST = re.compile(r"(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?", re.I)
_KEPT = 16
_TYPE = "application/atom+xml; charset=utf-8"


class Feeds:
    """The Atom endpoints. A rendered feed is kept while the log does not grow; the lock guards that store."""

    def __init__(self, source: ReaderSource, renderer: Renderer) -> None:
        self._source = source
        self._show = renderer
        self._lock = Lock()
        self._rendered: dict[tuple[str, str, str], tuple[str, bytes, str]] = {}

    def everything(self, request: Request) -> Response:
        """/feed.atom"""
        return self._feed(request, None)

    def outlet(self, request: Request) -> Response | None:
        """/outlet/<key>/feed.atom; None for an outlet that is not known."""
        outlet = self._source.outlet(request.path_params["key"])
        return None if outlet is None else self._feed(request, outlet)

    def health(self, request: Request) -> Response:
        """/status.atom: an entry for each feed that needs somebody, a new one when its trouble is another."""
        ui = self._show.ui(request)
        base, info = base_url(request, self._show.options.base_url), self._source.archive_info()
        feeds = self._source.feed_health()
        outlets = {key: self._source.outlet(key) for key in {feed.outlet for feed in feeds}}
        shown = [view for view in views.feed_views(feeds, outlets, ui.at, ui.t) if not view.well]
        entries = [_trouble(ui.t, base, info.origin, view) for view in shown]
        meta = AtomMeta(
            id=feed_urn(info.origin, "status"),
            title=f"{ui.t('status.title')} – {ui.t('site.name')}",
            lang=ui.t.lang,
            self_url=f"{base}/status.atom",
            site_url=f"{base}/status",
            updated=max((entry.updated for entry in entries), default=views.instant(0, UTC)),
            generator=f"baoguan {info.version}".strip(),
        )
        vary = "Accept-Encoding, Accept-Language, Cookie, Host"
        return text_reply(request, render_atom(meta, entries), media_type=_TYPE, cache="no-cache", vary=vary)

    def _feed(self, request: Request, outlet: OutletInfo | None) -> Response:
        t = self._show.ui(request).t
        base = base_url(request, self._show.options.base_url)
        info = self._source.archive_info()
        key = (outlet.key if outlet else "", t.lang, base)
        state = f"{info.size}/{info.root_sha256}"
        with self._lock:
            kept = self._rendered.get(key)
        if kept is None or kept[0] != state:
            body = render_atom(self._meta(t, base, info, outlet), self._entries(t, base, outlet))
            kept = (state, body, etag_of(body))
            with self._lock:
                self._rendered.pop(key, None)
                while len(self._rendered) >= _KEPT:
                    del self._rendered[next(iter(self._rendered))]
                self._rendered[key] = kept
        return text_reply(
            request,
            kept[1],
            media_type=_TYPE,
            etag=kept[2],
            cache="max-age=300",
            vary="Accept-Encoding, Accept-Language, Cookie, Host",
        )

    def _meta(self, t: Words, base: str, info: ArchiveInfo, outlet: OutletInfo | None) -> AtomMeta:
        newest = self._source.newest_kept(outlet=outlet.key if outlet else None, limit=1)
        path = f"/outlet/{outlet.key}" if outlet else ""
        name = views.outlet_name(outlet, outlet.key, t.lang) if outlet else ""
        return AtomMeta(
            id=feed_urn(info.origin, outlet.key if outlet else ""),
            title=f"{name} – {t('site.name')}" if outlet else t("site.name"),
            subtitle=t("site.tagline"),
            lang=t.lang,
            self_url=f"{base}{path}/feed.atom",
            site_url=f"{base}{path or '/'}",
            updated=views.instant(newest[0].captured_ms if newest else 0, UTC),
            generator=f"baoguan {info.version}".strip(),
        )

    def _entries(self, t: Words, base: str, only: OutletInfo | None) -> Iterator[AtomEntry]:
        outlets: dict[str, OutletInfo | None] = {}
        limit = self._show.options.feed_size
        for card in self._source.newest_kept(outlet=only.key if only else None, limit=limit):
            try:
                page = self._source.article(card.id)
            except StoreError:
                continue  # one damaged record must not end the feed; `verify` names it
            if page is not None:
                if page.outlet not in outlets:
                    outlets[page.outlet] = self._source.outlet(page.outlet)
                yield _entry(t, base, page, outlets[page.outlet])


def _trouble(t: Words, base: str, origin: str, view: views.FeedView) -> AtomEntry:
    feed = view.feed
    lines = [view.kind, feed.problem, f"{t('status.moved')} {feed.moved_to}" if feed.moved_to else "", feed.url]
    last = f"{t('status.last_ok')}: {view.last_ok.text if view.last_ok else t('status.never')}"
    return AtomEntry(
        id=feed_urn(origin, f"status/{feed.url}/{feed.kind}/{feed.problem}"),
        title=f"{view.outlet}: {view.kind}",
        url=f"{base}/status",
        updated=views.instant(feed.last_ok_ms or feed.last_poll_ms, UTC),
        authors=(t("site.name"),),
        lang=t.lang,
        content_html="".join(f"<p>{escape(line)}</p>" for line in (*lines, last) if line),
    )


def atom_entry(source: ReaderSource, t: Words, base: str, identity: str) -> AtomEntry | None:
    """An article as an entry with its full text; None where it is gone or damaged: `verify` names it."""
    try:
        page = source.article(identity)
    except StoreError:
        return None
    return None if page is None else _entry(t, base, page, source.outlet(page.outlet))


def _entry(t: Words, base: str, page: ArticlePage, outlet: OutletInfo | None) -> AtomEntry:
    style = BodyStyle(base=base, no_picture=t("article.no_picture"), eager_first=False)
    return AtomEntry(
        id=article_urn(page.id),
        title=page.title or t("article.untitled"),
        url=f"{base}/article/{page.id}",
        via=page.url,
        updated=views.instant(page.captured_ms, UTC),
        published=_full_time(page.published),
        authors=page.authors or (views.outlet_name(outlet, page.outlet, t.lang),),
        section=page.section,
        lang=views.body_lang(page, outlet),
        content_html=show_body(page.body_html, page.media, style).html,
    )


def _full_time(stamp: str) -> datetime | None:
    """A publisher's clock known to the second and with its zone; a bare day would be a time that nobody said."""
    try:
        at = datetime.fromisoformat(stamp) if len(stamp) > 10 else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def base_url(request: Request, configured: str) -> str:
    """Scheme and host of absolute addresses: as configured, else as asked; a Host that is none becomes localhost."""
    if configured:
        return configured.rstrip("/")
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host if _HOST.fullmatch(host) else 'localhost'}"
