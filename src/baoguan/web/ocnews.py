"""The part of Nextcloud News v1-2 that newsboat and its like speak: feeds, folders, items, marks."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from baoguan.web.accounts_desk import AppDesk, Entry, FeedInfo
from baoguan.web.accounts_http import Call, Endpoint, Handle, Refused, basic_user, endpoint, json_refusal
from baoguan.web.accounts_shelf import FAR, Item
from baoguan.web.accounts_state import Wanted
from baoguan.web.miniflux_shapes import categories, category_number, folder_of

_ROOTS = ("/index.php/apps/news/api/v1-2", "/index.php/apps/news/api/v1-3", "/apps/news/api/v1-2")
_TYPES = {0: "feed", 1: "folder", 2: "starred", 3: "all"}


class _Many(msgspec.Struct):
    items: list[int | dict[str, int | str]] = []
    itemIds: list[int] = []  # noqa: N815 - the API's name


class OwncloudNews:
    """The endpoints over one AppDesk."""

    def __init__(self, apps: AppDesk, base_of: Callable[[Request], str]) -> None:
        self._apps, self._base_of = apps, base_of

    def routes(self) -> list[BaseRoute]:
        """Below the path of the Nextcloud app."""
        table: dict[tuple[str, str], Handle] = {
            ("GET", "status"): lambda call: call.reply({"version": "25.0.0", "warnings": {}}),
            ("GET", "version"): lambda call: call.reply({"version": "25.0.0"}),
            ("GET", "folders"): self.folders,
            ("GET", "feeds"): self.feeds,
            ("GET", "items"): self.items,
            ("GET", "items/updated"): self.items,
            ("PUT", "items/read"): self.read_everything,
            ("PUT", "feeds/{feed:int}/read"): self.read_feed,
            ("PUT", "folders/{folder:int}/read"): self.read_folder,
            ("PUT", "items/{item:int}/{action:str}"): self.mark,
            ("PUT", "items/{feed:int}/{hash:str}/{action:str}"): self.mark,
            ("PUT", "items/{action:str}/multiple"): self.mark_many,
        }
        return [
            Route(f"{root}/{path}", self._open(handle), methods=[method])
            for root in _ROOTS
            for (method, path), handle in table.items()
        ]

    def _open(self, handle: Handle) -> Endpoint:
        def checked(call: Call) -> Response:
            user = basic_user(self._apps, call)
            if user is None:
                raise Refused(401, "Unauthorized", {"www-authenticate": 'Basic realm="baoguan"'})
            call.account = self._apps.account(user)
            with call.account.lock:
                return handle(call)

        return endpoint(checked, self._base_of, json_refusal)

    def folders(self, call: Call) -> Response:
        """Folders."""
        rows = [{"id": one.id, "name": one.title} for one in categories(call.account) if folder_of(one)]
        return call.reply({"folders": rows})

    def feeds(self, call: Call) -> Response:
        """Outlets as feeds."""
        counts = self._apps.unread(call.account)
        feeds = self._apps.feeds(call.account)
        starred = sum(bool(mark.starred_ms) for mark in call.account.marks.values())
        newest = max((item.number for item in self._newest(call)), default=0)
        rows = [self._feed(call, feed, counts[feed.key]) for feed in feeds]
        return call.reply({"feeds": rows, "starredCount": starred, "newestItemId": newest})

    def _newest(self, call: Call) -> list[Item]:
        return call.account.select(Wanted(outlets=tuple(self._apps.numbers())), limit=1)[0]

    def _feed(self, call: Call, feed: FeedInfo, unread: int) -> dict[str, object]:
        return {
            "id": feed.number,
            "url": feed.url,
            "title": feed.title,
            "link": feed.site_url,
            "faviconLink": f"{call.base}/icon.svg",
            "added": self._apps.shelf.oldest_ms(feed.key) // 1000,
            "folderId": category_number(feed.folder) if feed.folder else 0,
            "unreadCount": unread,
            "ordering": 0,
            "pinned": False,
            "updateErrorCount": 0,
            "lastUpdateError": "",
        }

    def items(self, call: Call) -> Response:
        """A feed, a folder, the stars or all; batchSize -1: all of them. offset: below that number."""
        kind, number = _TYPES.get(call.number("type", 3), "all"), call.number("id")
        feeds = self._apps.feeds(call.account)
        if kind == "feed":
            feeds = [feed for feed in feeds if feed.number == number]
        elif kind == "folder":
            feeds = [feed for feed in feeds if (category_number(feed.folder) if feed.folder else 0) == number]
        has = {"starred"} if kind == "starred" else set()
        if call.one("getRead") == "false":
            has.add("unread")
        since = call.number("lastModified")
        wanted = Wanted(
            outlets=tuple(feed.key for feed in feeds),
            has=frozenset(has),
            start_ms=(since // 1000 if since >= 10**14 else since * 1000) or -FAR,
        )
        size = min(call.number("batchSize", 500, 2000) or 500, 2000)
        offset = self._apps.shelf.by_number(call.number("offset"))
        items, _ = call.account.select(
            wanted,
            limit=size,
            newest_first=call.one("oldestFirst") != "true",
            beyond=offset.place if offset is not None else None,
        )
        return call.reply({"items": [self._item(call, one) for one in self._apps.entries(items, call.base)]})

    def _item(self, call: Call, entry: Entry) -> dict[str, object]:
        url, kind = entry.pictures[0] if entry.pictures else (None, None)
        return {
            "id": entry.item.number,
            "guid": entry.item.id,
            "guidHash": entry.item.id,
            "url": entry.url,
            "title": entry.title,
            "author": entry.author,
            "pubDate": entry.published_ms // 1000,
            "body": entry.html,
            "enclosureMime": kind,
            "enclosureLink": url,
            "feedId": self._apps.numbers()[entry.item.outlet],
            "unread": not call.account.is_read(entry.item),
            "starred": call.account.has(entry.item, "starred"),
            "rtl": False,
            "lastModified": entry.updated_ms // 1000,
            "fingerprint": entry.page.record_sha256[:32],
            "contentHash": entry.page.record_sha256[:32],
        }

    # Marks

    def mark(self, call: Call) -> Response:
        """read, unread, star, unstar of one item."""
        params = call.request.path_params
        shelf = self._apps.shelf
        item = shelf.by_id(params["hash"]) if "hash" in params else shelf.by_number(params["item"])
        if item is None:
            raise Refused(404, "no such item")
        self._apply(call, [item], params["action"])
        return Response(status_code=200)

    def mark_many(self, call: Call) -> Response:
        """The same of many."""
        asked: _Many = call.json(_Many)
        items = []
        for one in [*asked.items, *asked.itemIds]:
            shelf = self._apps.shelf
            item = shelf.by_id(str(one.get("guidHash", ""))) if isinstance(one, dict) else shelf.by_number(one)
            items += [item] if item is not None else []
        self._apply(call, items, call.request.path_params["action"])
        return Response(status_code=200)

    def _apply(self, call: Call, items: list[Item], action: str) -> None:
        fields: dict[str, dict[str, object]] = {
            "read": {"read": True},
            "unread": {"read": False},
            "star": {"starred_ms": self._apps.door.now_ms()},
            "unstar": {"starred_ms": 0},
        }
        if action not in fields:
            raise Refused(404, "read, unread, star and unstar are known")
        call.account.mark(items, lambda mark: msgspec.structs.replace(mark, **fields[action]))

    def read_everything(self, call: Call) -> Response:
        """All, up to newestItemId."""
        return self._read(call, [feed.key for feed in self._apps.feeds(call.account)])

    def read_feed(self, call: Call) -> Response:
        """A feed, up to newestItemId."""
        number = call.request.path_params["feed"]
        return self._read(call, [one.key for one in self._apps.feeds(call.account) if one.number == number])

    def read_folder(self, call: Call) -> Response:
        """A folder, up to newestItemId."""
        number = call.request.path_params["folder"]
        feeds = self._apps.feeds(call.account)
        return self._read(call, [one.key for one in feeds if one.folder and category_number(one.folder) == number])

    def _read(self, call: Call, keys: list[str]) -> Response:
        """newestItemId beyond all numbers (newsboat sends 2^63 - 1) means all."""
        newest = call.number("newestItemId") or int(call.json(dict).get("newestItemId") or 0)
        item = self._apps.shelf.by_number(newest)
        call.account.mark_all(keys, item.kept_ms if item is not None else FAR)
        return Response(status_code=200)
