"""What the templates show: days, cards, clocks and feed states, from records and words alone; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import msgspec

from baoguan.model.feed import FeedState
from baoguan.model.photo import Look
from baoguan.web.source import ArticleCard, ArticlePage, OutletInfo
from baoguan.web.words import Words

_DAY_MS = 86_400_000
LAST_YEAR = 9998
_LAST_MS = 253_402_214_400_000  # 9999-12-31: a feed may claim any year


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An instant in words and for machines."""

    iso: str
    text: str


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """A card as a list shows it."""

    card: ArticleCard
    outlet: str
    lang: str
    time: str
    iso: str
    picture: bool
    """Show its lead picture."""
    look: Look | None = None
    variants: bool = False
    """Renditions of it are served."""


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """A feed as the health page shows it."""

    feed: FeedState
    outlet: str
    well: bool
    kind: str
    last_ok: Moment | None
    last_new: Moment | None
    next_try: Moment | None


def instant(ms: int, zone: tzinfo) -> datetime:
    """An epoch in a zone; beyond the calendar's end its last day."""
    return datetime.fromtimestamp(max(0, min(ms, _LAST_MS)) / 1000, zone)


@lru_cache(1024)  # a page names the same moment twice: as its own and as that of its newest revision
def moment(ms: int, zone: tzinfo, words: Words) -> Moment:
    """This archive's clock."""
    at = instant(ms, zone)
    return Moment(iso=at.isoformat(timespec="seconds"), text=words.moment(at))


def publisher_moment(stamp: str, words: Words) -> Moment | None:
    """The publisher's clock in its own offset; None when there is none. What can't be read is shown as it stands."""
    if not stamp:
        return None
    try:
        if len(stamp) == 10:
            return Moment(iso=stamp, text=words.day(date.fromisoformat(stamp), "date.short"))
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return Moment(iso="", text=stamp)
    return Moment(iso=stamp, text=words.moment(at) if at.tzinfo else f"{words.day(at, 'date.short')} {at:%H:%M}")


def day_bounds(day: date, zone: tzinfo) -> tuple[int, int]:
    """Epoch ms at which a day of the zone begins and ends; 23 or 25 hours where clocks are changed."""
    start = datetime.combine(day, time.min, zone)
    after = day + timedelta(days=1) if day < date.max else day
    end = datetime.combine(after, time.min, zone)
    first, last = int(start.astimezone(UTC).timestamp() * 1000), int(end.astimezone(UTC).timestamp() * 1000)
    return first, last if after != day else first + _DAY_MS


def day_of(ms: int, zone: tzinfo) -> date:
    """The day of the zone in which an epoch lies."""
    return instant(ms, zone).date()


def parse_day(text: str) -> date | None:
    """YYYY-MM-DD between 1970 and 9998, else None."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day and 1970 <= day.year <= LAST_YEAR else None


def outlet_name(outlet: OutletInfo | None, key: str, lang: str) -> str:
    """An outlet's name in the UI language; its own name, or its key, where it has none."""
    if outlet is None:
        return key
    other = {"zh-Hans": "zh-Hant", "zh-Hant": "zh-Hans"}.get(lang, "")
    return outlet.names.get(lang) or outlet.names.get(other) or outlet.name or key


def card_views(
    cards: Iterable[ArticleCard],
    outlets: Mapping[str, OutletInfo | None],
    zone: tzinfo,
    words: Words,
    *,
    pictures: int,
    with_day: bool,
) -> list[CardView]:
    """Cards with names and times; the first `pictures` of those that have a lead picture show it."""
    views = []
    for card in cards:
        at = instant(card.shown_ms, zone)
        text = f"{words.day(at.date(), 'date.short')} {at:%H:%M}" if with_day else f"{at:%H:%M}"
        outlet = outlets.get(card.outlet)
        picture = bool(card.lead) and pictures > 0
        pictures -= picture
        views.append(
            CardView(
                card=card,
                outlet=outlet_name(outlet, card.outlet, words.lang),
                lang=body_lang(card, outlet),
                time=text if card.by_outlet else words("card.kept", time=text),
                iso=at.isoformat(timespec="seconds"),
                picture=picture,
            )
        )
    return views


def lead_first(views: Sequence[CardView]) -> list[CardView]:
    """The same cards with the newest one that shows a picture in front: the page's lead."""
    lead = next((view for view in views if view.picture), None)
    return list(views) if lead is None else [lead, *(view for view in views if view is not lead)]


def body_lang(page: ArticlePage | ArticleCard, outlet: OutletInfo | None) -> str:
    """The language of an article's text: its own, else its outlet's, else none."""
    return page.lang or (outlet.language if outlet else "")


def feed_views(
    feeds: Iterable[FeedState], outlets: Mapping[str, OutletInfo | None], zone: tzinfo, words: Words
) -> list[FeedView]:
    """Feeds with their state in words: those with a problem first, then by outlet and address."""

    def at(ms: int) -> Moment | None:
        return moment(ms, zone, words) if ms else None

    views = [
        FeedView(
            feed=feed,
            outlet=outlet_name(outlets.get(feed.outlet), feed.outlet, words.lang),
            well=is_well(feed),
            kind=words.either("kind", feed.kind or "new", "kind.unknown"),
            last_ok=at(feed.last_ok_ms),
            last_new=at(feed.last_new_ms),
            next_try=None if feed.stopped else at(max(feed.next_ms, feed.not_before_ms)),
        )
        for feed in feeds
    ]
    return sorted(views, key=lambda view: (view.well, view.feed.outlet, view.feed.url))


def is_well(feed: FeedState) -> bool:
    """Whether a feed needs nobody's attention. One that was never polled is no problem yet."""
    return feed.kind in ("", "ok", "moved") and not feed.problem and not feed.stopped
