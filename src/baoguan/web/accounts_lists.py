"""What an account reads: lists of articles with buttons, and what the buttons do."""

import re
from functools import partial
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from baoguan.errors import NotFound
from baoguan.web import views
from baoguan.web.accounts_desk import AppDesk, FeedInfo
from baoguan.web.accounts_http import Refused
from baoguan.web.accounts_pages import Door, Visit, local, seen
from baoguan.web.accounts_state import Account, Wanted

SHOWS = ("unread", "all", "starred", "later")
AGES = (0, 1, 7, 30)
"""Days: what is older than that is marked as read."""
_DAY_MS = 86_400_000
_PLACE = re.compile(r"(-?\d{1,15})-(\d{1,12})")
_ID = re.compile(r"[0-9a-f]{16}")
_MOST = 500
"""Articles that one form may name."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is of: an outlet, a folder, a label, or everything that is in the mixed lists."""

    outlet: str = ""
    folder: str = ""
    label: str = ""

    @property
    def query(self) -> list[tuple[str, str]]:
        """As parameters of an address."""
        return [(name, value) for name in ("outlet", "folder", "label") if (value := getattr(self, name))]

    def link(self, **more: str) -> str:
        """The address of the list."""
        pairs = [*self.query, *((name, value) for name, value in more.items() if value)]
        return "/my" + (f"?{urlencode(pairs)}" if pairs else "")


class Lists:
    """/my and the marks."""

    def __init__(self, apps: AppDesk) -> None:
        self._apps = apps

    def doors(self) -> list[Door]:
        """Their addresses."""
        return [
            Door("/my", self.page),
            Door("/my/mark", None, self.mark),
            Door("/my/mark-all", None, self.mark_all),
            Door("/my/marks/{identity}", self.buttons),
        ]

    def _scope(self, visit: Visit) -> Scope:
        """Raises NotFound for what this account has not."""
        account = visit.mine.account
        asked = Scope(**{name: visit.call.one(name)[:200] for name in ("outlet", "folder", "label")})
        known = (
            (asked.outlet, self._apps.numbers()),
            (asked.folder, account.all_folders()),
            (asked.label, account.labels()),
        )
        if any(name and name not in names for name, names in known):
            raise NotFound("no such list")
        return asked

    def _keys(self, account: Account, scope: Scope, show: str) -> tuple[str, ...]:
        if scope.outlet:
            return (scope.outlet,)
        feeds = self._apps.feeds(account)
        if scope.folder:
            return tuple(feed.key for feed in feeds if feed.folder == scope.folder)
        everything = scope.label or show in ("starred", "later")
        return tuple(self._apps.numbers()) if everything else self._apps.mixed(account)

    def page(self, visit: Visit) -> Response:
        """A list, newest first or last, and the lists beside it."""
        account, ui, t = visit.mine.account, visit.ui, visit.ui.t
        scope = self._scope(visit)
        asked = visit.call.one("show")
        show = asked if asked in SHOWS else "all" if scope.label else "unread"
        oldest = visit.call.one("order") == "oldest"
        has = ({show} if show != "all" else set()) | ({f"label:{scope.label}"} if scope.label else set())
        wanted = Wanted(outlets=self._keys(account, scope, show), has=frozenset(has))
        place = _PLACE.fullmatch(visit.call.one("beyond"))
        beyond = (int(place[1]), int(place[2])) if place else None
        size = visit.show.options.page_size
        items, more = account.select(wanted, limit=size, newest_first=not oldest, beyond=beyond)
        cards = self._apps.source.cards_of([item.id for item in items])
        outlets = {card.outlet: self._apps.source.outlet(card.outlet) for card in cards}
        order = "oldest" if oldest else ""
        named = {"show": show if asked or show != "unread" else "", "order": order}
        feeds = self._apps.feeds(account)
        return visit.page(
            "my_list.html",
            scope=scope,
            show=show,
            oldest=oldest,
            name=self._name(visit, scope, show, feeds),
            views=views.card_views(cards, outlets, ui.at, t, pictures=0 if ui.tap else 5, with_day=True),
            shows=[(one, scope.link(show=one if one != "unread" or scope.label else "", order=order)) for one in SHOWS],
            other_order=scope.link(show=named["show"], order="" if oldest else "oldest"),
            following=scope.link(**named, beyond=f"{items[-1].kept_ms}-{items[-1].number}") if more else "",
            now_ms=self._apps.door.now_ms(),
            ages=AGES,
            beside=self._beside(account, feeds),
        )

    def _name(self, visit: Visit, scope: Scope, show: str, feeds: list[FeedInfo]) -> str:
        if scope.outlet:
            titles = {feed.key: feed.title for feed in feeds}
            return titles.get(scope.outlet) or self._apps.feed(visit.mine.account, scope.outlet).title
        return scope.folder or scope.label or visit.ui.t(f"my.show_{show}")

    def _beside(
        self, account: Account, feeds: list[FeedInfo]
    ) -> list[tuple[str, str, int, list[tuple[str, str, int]]]]:
        """(folder, its link, unread in it, its feeds as (title, link, unread)); feeds without a folder come last."""
        counts = self._apps.unread(account)
        groups = []
        for folder in [*account.all_folders(), ""]:
            inside = [
                (feed.title, Scope(outlet=feed.key).link(), counts.get(feed.key, 0))
                for feed in feeds
                if feed.folder == folder
            ]
            if folder or inside:
                link = Scope(folder=folder).link() if folder else ""
                groups.append((folder, link, sum(one[2] for one in inside), inside))
        return groups

    # Marks

    def mark(self, visit: Visit) -> Response:
        """Each button is named after what it does, and its value is the article."""
        account, now = visit.mine.account, self._apps.door.now_ms()
        changes: dict[str, dict[str, object]] = {
            "read": {"read": True},
            "unread": {"read": False},
            "star": {"starred_ms": now},
            "unstar": {"starred_ms": 0},
            "later": {"later_ms": now},
            "unlater": {"later_ms": 0},
        }
        named = [(name, identity) for name in changes for identity in visit.call.all(name)]
        if len(named) > _MOST:
            raise Refused(400, f"more than {_MOST} articles at once")
        last = ""
        for name, identity in named:
            item = self._apps.shelf.by_id(identity) if _ID.fullmatch(identity) else None
            if item is None:
                raise NotFound("no such article")
            account.mark([item], partial(msgspec.structs.replace, **changes[name]))
            last = identity
        back = local(visit.call.one("back"))
        if back.startswith("/article/"):  # opened again it would be read again
            page = back.partition("?")[0]
            return seen(f"{page}?unread=1" if visit.call.has("unread") else page)
        return seen(back, fragment=f"a{last}" if last else "")

    def buttons(self, visit: Visit) -> Response:
        """The buttons of one article alone: what the script asks for after a mark."""
        identity = visit.call.request.path_params["identity"]
        if self._apps.shelf.by_id(identity) is None:
            raise NotFound("no such article")
        return visit.call.text(str(visit.mine.buttons(identity, visit.ui.t)), "text/html; charset=utf-8")

    def mark_all(self, visit: Visit) -> Response:
        """All of a list that was kept until then; what came while the page was read stays unread."""
        account, scope = visit.mine.account, self._scope(visit)
        now = self._apps.door.now_ms()
        days = visit.call.number("age", 0, 10_000)
        until = min(visit.call.number("until", now, now), now - days * _DAY_MS)
        if scope.label:
            items, _ = account.select(
                Wanted(
                    outlets=tuple(self._apps.numbers()),
                    has=frozenset(("unread", f"label:{scope.label}")),
                    end_ms=until + 1,
                ),
                limit=10_000,
            )
            account.mark(items, partial(msgspec.structs.replace, read=True))
        else:
            account.mark_all(self._keys(account, scope, "unread"), until)
        return seen(scope.link())
