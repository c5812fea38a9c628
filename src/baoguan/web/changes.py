"""Pages and feed of what outlets changed: the list, both versions side by side, the raw captures behind them."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from baoguan.errors import StoreError
from baoguan.model.change import KINDS, Comparison, Row
from baoguan.model.log import MediaRef
from baoguan.publish.atom import AtomEntry, AtomMeta, change_urn, feed_urn, render_atom
from baoguan.publish.changes import change_html
from baoguan.web import views
from baoguan.web.changes_source import ChangeCard, ChangesSource, Side, capture_text
from baoguan.web.pictures import Shot, picture_html
from baoguan.web.render import Renderer, Ui, style
from baoguan.web.reply import IMMUTABLE, etag_of, matches, not_modified, text_reply
from baoguan.web.safety import FILE_POLICY, policy
from baoguan.web.source import ArchiveInfo, OutletInfo, ReaderSource
from baoguan.web.syndication import base_url

_CURSOR = re.compile(r"(\d{1,15})-(\d{1,15})")
_SHEET = "changes.css"
_FOLD = 3
"""So many unchanged paragraphs in a row, or more, are folded away."""
_VARY = "Accept-Encoding, Accept-Language, Cookie, Host"


class SideView(msgspec.Struct, frozen=True, kw_only=True):
    """A version with its clocks in words."""

    side: Side
    published: views.Moment | None
    kept: views.Moment


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """A change as the list and its page show it."""

    card: ChangeCard
    outlet: str
    lang: str
    kinds: list[tuple[str, str]]
    """(kind, its word)"""
    noticed: views.Moment
    before: SideView | None
    after: SideView | None
    title: str
    was: str
    """The headline before, where it was another one."""
    swaps: list[tuple[Markup, Markup]] = []
    """Pictures before and after, as the page shows them."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that stand together: changed ones, or unchanged ones that may be folded."""

    rows: list[Row]
    fold: bool


class ChangePages:
    """The endpoints over one source of changes. None: nothing is there, the caller answers 404."""

    def __init__(self, changes: ChangesSource, source: ReaderSource, renderer: Renderer) -> None:
        self._changes = changes
        self._source = source
        self._show = renderer

    def endpoints(self) -> list[tuple[str, Callable[[Request], Response | None]]]:
        """(path, what answers there)"""
        return [
            ("/changes", self.listed),
            ("/changes.atom", self.feed),
            ("/change/{index:int}", self.change),
            ("/capture/{index:int}.{form}", self.capture),
        ]

    def listed(self, request: Request) -> Response:
        """/changes: newest first, by outlet and kind."""
        ui = self._show.ui(request)
        outlet, kind = self._asked(request)
        behind = self._changes.behind()
        size = self._show.options.page_size
        cards = self._changes.changes(outlet=outlet, kind=kind, before=_cursor(request), limit=size + 1)
        outlets = list(self._source.outlets())
        names = {one.key: one for one in outlets}
        last = cards[size - 1].row if len(cards) > size else None
        older = [("outlet", outlet), ("kind", kind), ("before", f"{last.at_ms}-{last.index}")] if last else []
        return self._page(
            request,
            ui,
            "changes.html",
            views=[self._view(ui, card, names) for card in cards[:size]],
            outlets=[(one.key, views.outlet_name(one, one.key, ui.t.lang)) for one in outlets],
            kinds=[(name, ui.t(f"change_kind.{name}")) for name in KINDS],
            chosen_outlet=outlet,
            chosen_kind=kind,
            behind=behind,
            older=urlencode([pair for pair in older if pair[1]]),
            feed=_feed_path(outlet, kind),
        )

    def _asked(self, request: Request) -> tuple[str, str]:
        kind = request.query_params.get("kind", "")
        return request.query_params.get("outlet", "")[:100], kind if kind in KINDS else ""

    def _page(self, request: Request, ui: Ui, template: str, **matter: Any) -> Response:
        sheet = Markup(style(_SHEET))  # noqa: S704 - our own file
        reply = self._show.page(request, ui, template, sheet=sheet, **matter)
        sheets = [ui.sheet] if ui.sheet else []
        reply.headers["content-security-policy"] = policy(style(), style(_SHEET), *sheets, script=ui.scripts)
        return reply

    def _view(self, ui: Ui, card: ChangeCard, outlets: Mapping[str, OutletInfo | None]) -> CardView:
        outlet = outlets.get(card.row.outlet)
        t = ui.t
        before, after = self._side(ui, card.before), self._side(ui, card.after)
        title = card.after.title if card.after else card.before.title if card.before else ""
        was = card.before.title if card.before and card.after and "headline" in card.row.kinds else ""
        return CardView(
            card=card,
            outlet=views.outlet_name(outlet, card.row.outlet, t.lang),
            lang=card.lang or (outlet.language if outlet else ""),
            kinds=[(kind, t.either("change_kind", kind, "change_kind.wording")) for kind in card.row.kinds],
            noticed=views.moment(card.row.at_ms, ui.at, t),
            before=before,
            after=after,
            title=title or t("article.untitled"),
            was=was if was != title else "",
            swaps=[
                (_picture(t("changes.before"), one.before), _picture(t("changes.after"), one.after))
                for one in card.swaps
            ],
        )

    def _side(self, ui: Ui, side: Side | None) -> SideView | None:
        if side is None:
            return None
        kept = views.moment(side.captured_ms, ui.at, ui.t)
        return SideView(side=side, published=views.publisher_moment(side.published, ui.t), kept=kept)

    def change(self, request: Request) -> Response | None:
        """/change/<leaf>: both versions side by side."""
        self._changes.behind()
        found = self._changes.change(request.path_params["index"])
        if found is None:
            return None
        ui = self._show.ui(request)
        card, comparison = found
        outlet = self._source.outlet(card.row.outlet)
        return self._page(
            request,
            ui,
            "change.html",
            view=self._view(ui, card, {card.row.outlet: outlet}),
            comparison=comparison,
            stretches=stretches(comparison.rows) if comparison else [],
            safe_url=card.url.lower().startswith(("http://", "https://")),
        )

    def capture(self, request: Request) -> Response | None:
        """/capture/<leaf>.warc.gz and .txt: what the outlet sent, as kept."""
        found = self._changes.capture(request.path_params["index"])
        if found is None:
            return None
        record, member = found
        as_text = request.path_params["form"] == "txt"
        if request.path_params["form"] not in ("txt", "warc.gz"):
            return None
        etag = etag_of(record, as_text)
        if matches(request, etag):
            return not_modified(etag, IMMUTABLE, "Accept-Encoding")
        body = capture_text(member) if as_text else member
        kind = "text/plain; charset=utf-8" if as_text else "application/warc"
        headers = {"content-security-policy": FILE_POLICY, "cache-control": IMMUTABLE, "etag": etag}
        if not as_text:
            name = f"entry-{request.path_params['index']}.warc.gz"
            headers["content-disposition"] = f'attachment; filename="{name}"'
        return Response(body, 200, headers, kind)

    def feed(self, request: Request) -> Response:
        """/changes.atom, of everything, of an outlet, of a kind."""
        ui = self._show.ui(request)
        t = ui.t
        outlet, kind = self._asked(request)
        self._changes.behind()
        base = base_url(request, self._show.options.base_url)
        info = self._source.archive_info()
        cards = self._changes.changes(outlet=outlet, kind=kind, limit=self._show.options.feed_size)
        path = _feed_path(outlet, kind)
        meta = AtomMeta(
            id=feed_urn(info.origin, f"changes/{outlet}/{kind}"),
            title=f"{t('changes.title')} – {t('site.name')}",
            subtitle=" · ".join(
                [
                    *([views.outlet_name(self._source.outlet(outlet), outlet, t.lang)] if outlet else []),
                    *([t(f"change_kind.{kind}")] if kind else []),
                ]
            ),
            lang=t.lang,
            self_url=f"{base}{path}",
            site_url=f"{base}/changes" + path.removeprefix("/changes.atom"),
            updated=views.instant(cards[0].row.at_ms if cards else 0, UTC),
            generator=f"baoguan {info.version}".strip(),
        )
        names = {card.row.outlet: self._source.outlet(card.row.outlet) for card in cards}
        entries = [entry for card in cards if (entry := self._entry(ui, base, info, card, names)) is not None]
        kind_of = "application/atom+xml; charset=utf-8"
        return text_reply(request, render_atom(meta, entries), media_type=kind_of, cache="max-age=300", vary=_VARY)

    def _entry(
        self, ui: Ui, base: str, info: ArchiveInfo, card: ChangeCard, names: Mapping[str, OutletInfo | None]
    ) -> AtomEntry | None:
        view = self._view(ui, card, names)
        try:
            found = self._changes.change(card.row.index)
        except StoreError:
            return None  # one damaged record must not end the feed; `verify` names it
        comparison: Comparison | None = found[1] if found else None
        kinds = ", ".join(word for _, word in view.kinds)
        html = Markup("<p>{} · {}</p>").format(kinds, view.noticed.text)
        body = change_html(comparison, ui.t("changes.more_rows")) if comparison else ""
        for swap in card.swaps:
            body += Markup("\n<p>{}: {}</p>\n<p>{}: {}</p>").format(
                *(ui.t("changes.before"), _picture("", swap.before, base)),
                *(ui.t("changes.after"), _picture("", swap.after, base)),
            )
        return AtomEntry(
            id=change_urn(info.origin, card.row.index),
            title=f"{kinds}: {view.title}",
            url=f"{base}/change/{card.row.index}",
            via=card.url,
            updated=views.instant(card.row.at_ms, UTC),
            authors=(view.outlet,),
            lang=view.lang,
            content_html=f"{html}\n{body}".strip(),
        )


def _picture(words: str, ref: MediaRef, base: str = "") -> Markup:
    shot = Shot(path=ref.path, alt=words, width=ref.width, height=ref.height, base=base)
    return Markup(picture_html(shot))  # noqa: S704 - every value in it is escaped


def stretches(rows: Iterable[Row]) -> list[Stretch]:
    """Rows by turns unchanged and changed; long unchanged turns are folded."""
    found: list[list[Row]] = []
    for row in rows:
        if found and (found[-1][0].kind == "same") == (row.kind == "same"):
            found[-1].append(row)
        else:
            found.append([row])
    return [Stretch(rows=turn, fold=turn[0].kind == "same" and len(turn) >= _FOLD) for turn in found]


def _cursor(request: Request) -> tuple[int, int] | None:
    found = _CURSOR.fullmatch(request.query_params.get("before", ""))
    return (int(found[1]), int(found[2])) if found else None


def _feed_path(outlet: str, kind: str) -> str:
    query = urlencode([pair for pair in (("outlet", outlet), ("kind", kind)) if pair[1]])
    return "/changes.atom" + (f"?{query}" if query else "")
