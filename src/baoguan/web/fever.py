"""The Fever API: one address, a key that is md5 of name:app password, everything else in parameters."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from baoguan.web.accounts_desk import AppDesk, Entry
from baoguan.web.accounts_http import Call, check_secret, endpoint, plain_refusal
from baoguan.web.accounts_shelf import FAR, Item
from baoguan.web.accounts_state import Wanted
from baoguan.web.miniflux_shapes import ALL, category_number

_PAGE = 50
_MOMENT = 10**14
"""A since_id from here on is a time in microseconds: ids of FreshRSS are, and its clients make some up from dates."""

_TOLD = {"read": "unread_item_ids", "unread": "unread_item_ids", "saved": "saved_item_ids", "unsaved": "saved_item_ids"}
"""What is told after a mark."""


class Fever:
    """The endpoint over one AppDesk."""

    def __init__(self, apps: AppDesk, base_of: Callable[[Request], str]) -> None:
        self._apps, self._base_of = apps, base_of

    def routes(self) -> list[BaseRoute]:
        """/fever/, and the place where FreshRSS has it."""
        handle = endpoint(self.answer, self._base_of, plain_refusal)
        paths = ("/fever", "/fever/", "/fever.php", "/api/fever.php")
        return [Route(path, handle, methods=["GET", "POST"]) for path in paths]

    def answer(self, call: Call) -> Response:
        """auth 0 for who isn't known, as the API wants it; else what was asked for, all in one object."""
        user = check_secret(self._apps, call, call.one("api_key").lower(), "app")
        if user is None:
            return call.reply({"api_version": 3, "auth": 0})
        call.account = self._apps.account(user)
        with call.account.lock:
            self._mark(call)
            return call.reply(self._parts(call))

    def _parts(self, call: Call) -> dict[str, object]:
        feeds = self._apps.feeds(call.account)
        newest = max((self._apps.shelf.newest_ms(feed.key) for feed in feeds), default=0)
        parts: dict[str, object] = {"api_version": 3, "auth": 1, "last_refreshed_on_time": newest // 1000}
        if call.has("feeds"):
            parts["feeds"] = [
                {
                    "id": feed.number,
                    "favicon_id": 0,
                    "title": feed.title,
                    "url": feed.url,
                    "site_url": feed.site_url,
                    "is_spark": int(feed.hidden),
                    "last_updated_on_time": self._apps.shelf.newest_ms(feed.key) // 1000,
                }
                for feed in feeds
            ]
        told = _TOLD.get(call.one("as"), "") if call.one("mark") else ""
        groups: dict[str, list[int]] = {}
        for feed in feeds:
            groups.setdefault(feed.folder, []).append(feed.number)
        if call.has("groups"):
            parts["groups"] = [{"id": category_number(name), "title": name or ALL.title} for name in groups]
        if call.has("groups") or call.has("feeds"):
            parts["feeds_groups"] = [
                {"group_id": category_number(name), "feed_ids": ",".join(map(str, numbers))}
                for name, numbers in groups.items()
            ]
        if call.has("favicons"):
            parts["favicons"] = []
        if call.has("links"):
            parts["links"] = []
        if call.has("items"):
            parts |= self._items(call)
        for name, state in (("unread_item_ids", "unread"), ("saved_item_ids", "starred")):
            if call.has(name) or name == told:
                parts[name] = ",".join(str(number) for number in self._numbers(call, state))
        return parts

    def _outlets(self, call: Call) -> tuple[str, ...]:
        return tuple(feed.key for feed in self._apps.feeds(call.account))

    def _numbers(self, call: Call, state: str) -> list[int]:
        wanted = Wanted(outlets=self._outlets(call), has=frozenset((state,)))
        return sorted(item.number for item in call.account.select(wanted, limit=1 << 30)[0])

    def _items(self, call: Call) -> dict[str, object]:
        """Fifty articles: by number, above since_id, below max_id."""
        wanted = Wanted(outlets=self._outlets(call))
        total = call.account.count(wanted)
        if call.one("with_ids"):
            numbers = [int(part) for part in call.one("with_ids").split(",")[:_PAGE] if part.strip().isdecimal()]
            items = [item for number in numbers if (item := self._apps.shelf.by_number(number)) is not None]
        else:
            items = self._between(call, wanted)
        return {"total_items": total, "items": [self._json(call, one) for one in self._apps.entries(items, call.base)]}

    def _between(self, call: Call, wanted: Wanted) -> list[Item]:
        since, below = call.number("since_id"), call.number("max_id") or FAR
        if since >= _MOMENT:
            wanted = msgspec.structs.replace(wanted, start_ms=since // 1000)
        if _MOMENT <= below < FAR:
            wanted, below = msgspec.structs.replace(wanted, end_ms=below // 1000), FAR
        low = 0 if since >= _MOMENT else since
        everything = call.account.select(wanted, limit=1 << 30)[0]
        chosen = sorted((item for item in everything if low < item.number < below), key=lambda item: item.number)
        return chosen[-_PAGE:][::-1] if call.one("max_id") and not since else chosen[:_PAGE]

    def _json(self, call: Call, entry: Entry) -> dict[str, object]:
        return {
            "id": entry.item.number,
            "feed_id": self._apps.numbers()[entry.item.outlet],
            "title": entry.title,
            "author": entry.author,
            "html": entry.html,
            "url": entry.url,
            "is_saved": int(call.account.has(entry.item, "starred")),
            "is_read": int(call.account.is_read(entry.item)),
            "created_on_time": entry.published_ms // 1000,
        }

    def _mark(self, call: Call) -> None:
        kind, how, number = call.one("mark"), call.one("as"), call.number("id")
        if kind == "item":
            item = self._apps.shelf.by_number(number)
            changes: dict[str, dict[str, object]] = {"read": {"read": True}, "unread": {"read": False}}
            changes |= {"saved": {"starred_ms": self._apps.door.now_ms()}, "unsaved": {"starred_ms": 0}}
            if item is not None and how in changes:
                call.account.mark([item], lambda mark: msgspec.structs.replace(mark, **changes[how]))
        elif kind in ("feed", "group") and how == "read":
            feeds = self._apps.feeds(call.account)
            if kind == "feed":
                feeds = [feed for feed in feeds if feed.number == number]
            elif number > 0:  # group 0 is everything
                feeds = [feed for feed in feeds if category_number(feed.folder) == number]
            call.account.mark_all([feed.key for feed in feeds], call.number("before") * 1000 or FAR)
