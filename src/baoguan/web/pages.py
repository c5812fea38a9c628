"""The pages: each asks the source, shapes the answer and renders it. Plain functions, run in threads by app.py."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from baoguan.model.photo import Look
from baoguan.text.script import convert_html, convert_text, other_script
from baoguan.web import views
from baoguan.web.body import BodyStyle, show_body
from baoguan.web.facts import PageFacts
from baoguan.web.kept import FACTS
from baoguan.web.photos_source import PhotosSource
from baoguan.web.pictures import colour_sheet, digest_of
from baoguan.web.render import Renderer, Ui
from baoguan.web.source import ArticleCard, ArticlePage, Cursor, OutletInfo, ReaderSource

_CURSOR = re.compile(r"(\d{1,15})-([0-9a-f]{16})")
_ID = re.compile(r"[0-9a-f]{16}")
_FEEDS = 30  # on one health page
_FRONT = 15  # articles on the front page, or earlier days stand below the newest one
_LIST_PICTURES = 9  # originals are heavy: a list shows the first few, others have their words


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Cards under one heading of a day."""

    day: date | None = None
    """An earlier day, below the one that the page is of."""
    key: str = ""
    """Outlet; empty for the mixed list."""
    name: str = ""
    total: int = 0
    views: list[views.CardView]


class Pages:
    """The page endpoints over one source. Methods return None where nothing is kept: the caller answers 404."""

    def __init__(
        self,
        source: ReaderSource,
        renderer: Renderer,
        now_ms: Callable[[], int],
        photos: PhotosSource | None = None,
    ) -> None:
        self._source = source
        self._photos = photos
        self.facts = PageFacts(source, photos)
        self._show = renderer
        self._now_ms = now_ms
        self._size = renderer.options.page_size

    def front(self, request: Request) -> Response | None:
        """The newest day that has begun; what an outlet dates into the future waits for its day."""
        cards = self._source.cards(end_ms=self._now_ms() + 1, limit=1) or self._source.cards(limit=1)
        if not cards:
            return self._show.page(request, self._show.ui(request), "empty.html")
        return self._day(request, views.day_of(cards[0].shown_ms, self._show.ui(request).at), full=True)

    def day(self, request: Request) -> Response | None:
        """One day, mixed or by outlet."""
        day = views.parse_day(request.path_params["day"])
        return self._day(request, day) if day else None

    def _day(self, request: Request, day: date, *, full: bool = False) -> Response:
        ui = self._show.ui(request)
        start, end = views.day_bounds(day, ui.at)
        counts = self._source.counts(start, end)
        outlets = self._outlets(key for key, _ in counts)
        chosen = request.query_params.get("outlet", "")
        by_outlet = request.query_params.get("by") == "outlet" and not chosen
        older = ""
        if by_outlet:
            groups = self._by_outlet(ui, start, end, counts[: self._size // 3], outlets)
        else:
            before = _cursor(request)
            cards = self._source.cards(
                start_ms=start, end_ms=end, outlet=chosen or None, before=before, limit=self._size + 1
            )
            older = _older(cards, self._size, outlet=chosen)
            shown = self._cards(ui, cards[: self._size], outlets)
            groups = [Group(views=shown if before else views.lead_first(shown))] if shown else []
        if full and not by_outlet and sum(n for _, n in counts) < _FRONT:
            groups += self._days_before(ui, start, _FRONT - sum(n for _, n in counts), outlets)
        earlier_ms, later_ms = self._source.neighbours(start, end)
        zone = ui.at
        return self._show.page(
            request,
            ui,
            "front.html",
            day=day,
            earlier=None if earlier_ms is None else views.day_of(earlier_ms, zone),
            later=None if later_ms is None else views.day_of(later_ms, zone),
            counts=[(key, views.outlet_name(outlets.get(key), key, ui.t.lang), n) for key, n in counts],
            chosen=chosen,
            by_outlet=by_outlet,
            groups=groups,
            older=older,
        )

    def _days_before(self, ui: Ui, end_ms: int, wanted: int, outlets: dict[str, OutletInfo | None]) -> list[Group]:
        """What stood before a day that is sparse, by days, so that no front page is almost empty."""
        cards = self._source.cards(end_ms=end_ms, limit=wanted)
        outlets.update(self._outlets({card.outlet for card in cards} - outlets.keys()))
        days: dict[date, list[ArticleCard]] = {}
        for card in cards:
            days.setdefault(views.day_of(card.shown_ms, ui.at), []).append(card)
        return [Group(day=day, views=self._cards(ui, some, outlets, pictures=3)) for day, some in days.items()]

    def _by_outlet(
        self,
        ui: Ui,
        start: int,
        end: int,
        counts: Iterable[tuple[str, int]],
        outlets: Mapping[str, OutletInfo | None],
    ) -> list[Group]:
        groups = []
        for key, total in counts:
            cards = self._source.cards(start_ms=start, end_ms=end, outlet=key, limit=3)
            name = views.outlet_name(outlets.get(key), key, ui.t.lang)
            groups.append(Group(key=key, name=name, total=total, views=self._cards(ui, cards, outlets, pictures=1)))
        return groups

    def _cards(
        self,
        ui: Ui,
        cards: Iterable[ArticleCard],
        outlets: Mapping[str, OutletInfo | None],
        *,
        pictures: int = _LIST_PICTURES,
        with_day: bool = False,
    ) -> list[views.CardView]:
        wanted = 0 if ui.tap else pictures
        shown = views.card_views(cards, outlets, ui.at, ui.t, pictures=wanted, with_day=with_day)
        looks = self._looks(digest_of(view.card.lead) for view in shown if view.picture)
        ui.sheet += colour_sheet(look.colour for look in looks.values())
        return [
            msgspec.structs.replace(
                view, look=looks.get(digest_of(view.card.lead)), variants=self._show.options.variants
            )
            if view.picture
            else view
            for view in shown
        ]

    def _looks(self, digests: Iterable[str]) -> Mapping[str, Look]:
        """Of pictures, as far as they are known; nobody waits for them."""
        return self._photos.looks(digests) if self._photos is not None else {}

    def _outlets(self, keys: Iterable[str]) -> dict[str, OutletInfo | None]:
        return {key: self._source.masthead(key) for key in set(keys)}

    def outlet(self, request: Request) -> Response | None:
        """The articles of an outlet, newest first, by pages."""
        key = request.path_params["key"]
        outlet = self._source.outlet(key)
        if outlet is None:
            return None
        ui = self._show.ui(request)
        ui.use_zone(outlet.zone)
        before = _cursor(request)
        cards = self._source.cards(outlet=key, before=before, limit=self._size + 1)
        shown = self._cards(ui, cards[: self._size], {key: outlet}, with_day=True)
        return self._show.page(
            request,
            ui,
            "outlet.html",
            outlet=outlet,
            name=views.outlet_name(outlet, key, ui.t.lang),
            safe_home=outlet.home.lower().startswith(("http://", "https://")),
            before=before,
            views=shown if before else views.lead_first(shown),
            older=_older(cards, self._size),
        )

    def outlets(self, request: Request) -> Response:
        """All outlets by name."""
        ui = self._show.ui(request)
        rows = [
            (
                outlet,
                views.outlet_name(outlet, outlet.key, ui.t.lang),
                views.moment(outlet.last_ms, ui.at, ui.t) if outlet.last_ms else None,
            )
            for outlet in self._source.outlets()
        ]
        return self._show.page(request, ui, "outlets.html", rows=rows)

    def find_article(self, request: Request) -> ArticlePage | None:
        """The current revision, or the one that the address names."""
        identity, rev = request.path_params["identity"], request.path_params.get("rev")
        if not _ID.fullmatch(identity) or (rev is not None and rev > 1_000_000):
            return None
        return self._source.article(identity, rev)

    def article(self, request: Request, page: ArticlePage) -> Response:
        """Its page."""
        ui = self._show.ui(request)
        outlet = self._source.masthead(page.outlet)
        if outlet is not None:
            ui.use_zone(outlet.zone)
        zone = ui.at
        looks = self.facts.looks(page.media)
        request.scope[FACTS] = self.facts.of(page, looks)
        style = BodyStyle(
            no_picture=ui.t("article.no_picture"),
            photo=ui.t("photo.mark") if self._photos is not None else "",
            tap=ui.t("article.show_picture") if ui.tap else "",
            variants=self._show.options.variants,
            looks=looks,
        )
        shown = show_body(page.body_html, page.media, style)
        ui.sheet = colour_sheet(look.colour for look in looks.values())
        lang = views.body_lang(page, outlet)
        script = other_script(lang)
        converted = script != "" and request.query_params.get("script") == script
        title, html = page.title, shown.html
        if converted:
            title, html = convert_text(title, script), convert_html(html, script)
        return self._show.page(
            request,
            ui,
            "article.html",
            page=page,
            name=views.outlet_name(outlet, page.outlet, ui.t.lang),
            title=title,
            lang=f"zh-{script.title()}" if converted else lang,
            script=script,
            to_script=f"to_{script}",
            converted=converted,
            current=all(revision.current for revision in page.revisions if revision.rev == page.rev),
            published=views.publisher_moment(page.published, ui.t),
            modified=views.publisher_moment(page.modified, ui.t),
            kept=views.moment(page.captured_ms, zone, ui.t),
            lost=views.moment(page.lost_ms, zone, ui.t),
            body=Markup(html) if html.strip() else "",  # noqa: S704 - sanitised by show_body
            safe_url=page.url.lower().startswith(("http://", "https://")),
            revisions=[(row, views.moment(row.captured_ms, zone, ui.t)) for row in page.revisions],
        )

    def status(self, request: Request) -> Response:
        """Health of every feed in words, those with a problem first."""
        ui = self._show.ui(request)
        zone = ui.at
        feeds = self._source.feed_health()
        text = request.query_params.get("page", "1")
        number = int(text) if re.fullmatch(r"[1-9]\d{0,3}", text) else 1
        outlets = self._outlets(feed.outlet for feed in feeds)
        shown = views.feed_views(feeds, outlets, zone, ui.t)
        notes = self._source.notes(20) if number == 1 else ()
        return self._show.page(
            request,
            ui,
            "status.html",
            cache="no-cache",
            total=len(feeds),
            good=sum(view.well for view in shown),
            views=shown[(number - 1) * _FEEDS : number * _FEEDS],
            page=number,
            next_page=number + 1 if len(shown) > number * _FEEDS else 0,
            notes=[(note, views.moment(note.at_ms, zone, ui.t), note.outlet) for note in notes],
        )

    def about(self, request: Request) -> Response:
        """What this archive is, proves and does not prove."""
        info, totals = self._source.archive_info(), self._source.totals()
        return self._show.page(request, self._show.ui(request), "about.html", info=info, totals=totals)


def _cursor(request: Request) -> Cursor | None:
    found = _CURSOR.fullmatch(request.query_params.get("before", ""))
    return Cursor(shown_ms=int(found[1]), id=found[2]) if found else None


def _older(cards: Iterable[ArticleCard], size: int, outlet: str = "") -> str:
    """The query of the next page; empty when `cards`, asked for one more than `size`, are all."""
    rows = list(cards)
    if len(rows) <= size:
        return ""
    last = rows[size - 1]
    return urlencode(([("outlet", outlet)] if outlet else []) + [("before", f"{last.shown_ms}-{last.id}")])
