"""The Miniflux API v1: who asks, feeds, categories, counters, icons, OPML. Entries: miniflux_entries.

Feeds and users are the operator's: what would add or delete one is refused in words (403), never half done.
"""

import base64
import re
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from baoguan import __version__
from baoguan.web.accounts_desk import AppDesk, FeedInfo
from baoguan.web.accounts_http import Call, Endpoint, Handle, Refused, basic_user, check_secret, endpoint, json_refusal
from baoguan.web.accounts_opml import opml_of
from baoguan.web.accounts_shelf import FAR
from baoguan.web.greader import opml_into
from baoguan.web.miniflux_entries import Entries
from baoguan.web.miniflux_shapes import ALL, Category, categories, feed_json, find_category, folder_of, stamp
from baoguan.web.render import icon

Table = dict[tuple[str, str], Handle]


class _Named(msgspec.Struct):
    title: str


class _FeedChanges(msgspec.Struct):
    title: str | None = None
    category_id: int | None = None
    hide_globally: bool | None = None


class _Address(msgspec.Struct):
    url: str = ""
    feed_url: str = ""
    category_id: int | None = None


class Miniflux:
    """The endpoints over one AppDesk."""

    def __init__(self, apps: AppDesk, base_of: Callable[[Request], str]) -> None:
        self._apps, self._base_of = apps, base_of
        self._entries = Entries(apps)

    def routes(self) -> list[BaseRoute]:
        """/v1/... and what stands beside it."""
        table: Table = {
            ("GET", "me"): self.me,
            ("GET", "version"): self.version,
            ("GET", "export"): self.export,
            ("POST", "import"): self.import_,
            ("POST", "discover"): self.discover,
            ("GET", "integrations/status"): lambda call: call.reply({"has_integrations": False}),
            ("PUT", "flush-history"): lambda _: Response(status_code=202),
            ("DELETE", "flush-history"): lambda _: Response(status_code=202),
            ("GET", "categories"): self.categories,
            ("POST", "categories"): self.make_category,
            ("PUT", "categories/{category:int}"): self.rename_category,
            ("DELETE", "categories/{category:int}"): self.delete_category,
            ("GET", "categories/{category:int}/feeds"): self.feeds,
            ("PUT", "categories/{category:int}/mark-all-as-read"): self.read_category,
            ("PUT", "categories/{category:int}/refresh"): _nothing,
            ("GET", "feeds"): self.feeds,
            ("POST", "feeds"): self.subscribe,
            ("PUT", "feeds/refresh"): _nothing,
            ("GET", "feeds/counters"): self.counters,
            ("GET", "feeds/{feed:int}"): self.feed,
            ("PUT", "feeds/{feed:int}"): self.change_feed,
            ("DELETE", "feeds/{feed:int}"): self.unsubscribe,
            ("PUT", "feeds/{feed:int}/refresh"): _nothing,
            ("GET", "feeds/{feed:int}/icon"): self.icon,
            ("GET", "icons/{icon:int}"): self.icon,
            ("PUT", "feeds/{feed:int}/mark-all-as-read"): self.read_feed,
            ("PUT", "users/{user:int}/mark-all-as-read"): self.read_all,
            **self._entries.table(),
        }
        routes: list[BaseRoute] = [
            Route(f"/v1/{path}", self._open(handle), methods=[method]) for (method, path), handle in table.items()
        ]
        everything = ["GET", "POST", "PUT", "DELETE"]
        routes.append(Route("/v1/{rest:path}", self._open(_refused), methods=everything))
        routes.append(Route("/version", self._open(lambda call: call.text(_VERSION)), methods=["GET"]))
        routes.append(Route("/healthcheck", endpoint(lambda call: call.text("OK"), self._base_of, json_refusal)))
        return routes

    def _open(self, handle: Handle) -> Endpoint:
        def checked(call: Call) -> Response:
            key = call.request.headers.get("x-auth-token", "")
            user = check_secret(self._apps, call, key, "app", "token") if key else basic_user(self._apps, call)
            if user is None:
                raise Refused(401, "Access Unauthorized", {"www-authenticate": 'Basic realm="baoguan"'})
            call.account = self._apps.account(user)
            with call.account.lock:
                return handle(call)

        return endpoint(checked, self._base_of, json_refusal)

    def me(self, call: Call) -> Response:
        """Who asks."""
        user = call.account.user
        return call.reply(
            {
                "id": user.id,
                "username": user.name,
                "is_admin": False,
                "theme": "system_serif",
                "language": "en_US",
                "timezone": self._apps.desk.settings.zone,
                "entry_sorting_direction": "desc",
                "entries_per_page": 100,
                "last_login_at": stamp(self._apps.door.now_ms()),
            }
        )

    def version(self, call: Call) -> Response:
        """The version of the API that this is a part of, and whose it is."""
        return call.reply({"version": _VERSION, "commit": f"baoguan {__version__}", "build_date": "", "go_version": ""})

    def export(self, call: Call) -> Response:
        """OPML."""
        return call.text(opml_of(self._apps, call.account).decode(), "text/xml; charset=utf-8")

    def import_(self, call: Call) -> Response:
        """OPML."""
        return call.reply({"message": opml_into(self._apps, call)}, 201)

    def discover(self, call: Call) -> Response:
        """Feeds of the outlet of an address, where this archive keeps it."""
        key = self._apps.find_outlet(call.json(_Address).url)
        if key is None:
            raise Refused(404, "no outlet of this archive; its operator adds feeds")
        feed = self._apps.feed(call.account, key)
        return call.reply([{"url": url, "title": feed.title, "type": "rss"} for url in feed.urls or (feed.url,)])

    # Categories

    def categories(self, call: Call) -> Response:
        """Folders, and one for what is in none."""
        counts = self._apps.unread(call.account)
        feeds = self._apps.feeds(call.account)
        rows = []
        for one in categories(call.account):
            inside = [feed.key for feed in feeds if feed.folder == folder_of(one)]
            more = {"feed_count": len(inside), "total_unread": sum(counts[key] for key in inside)}
            rows.append({**_category(call, one), **(more if call.one("counts") == "true" else {})})
        return call.reply(rows)

    def _category(self, call: Call) -> Category:
        return find_category(call.account, call.request.path_params["category"])

    def make_category(self, call: Call) -> Response:
        """An empty folder."""
        title = call.json(_Named).title.strip()[:200]
        if not title or title in [one.title for one in categories(call.account)]:
            raise Refused(400, "this category is empty or there already")
        call.account.set_folders([*call.account.all_folders(), title])
        return call.reply(_category(call, next(one for one in categories(call.account) if one.title == title)), 201)

    def rename_category(self, call: Call) -> Response:
        """Another title; the number goes with the title, as the feeds do."""
        one, title = self._category(call), call.json(_Named).title.strip()[:200]
        if one.id == ALL.id or not title:
            raise Refused(400, "this category keeps its title")
        call.account.rename_folder(one.title, title)
        return call.reply(_category(call, next(new for new in categories(call.account) if new.title == title)), 201)

    def delete_category(self, call: Call) -> Response:
        """Its feeds are in none then."""
        one = self._category(call)
        if one.id != ALL.id:
            call.account.rename_folder(one.title, "")
        return Response(status_code=204)

    def read_category(self, call: Call) -> Response:
        """All of its feeds are read."""
        folder = folder_of(self._category(call))
        call.account.mark_all([feed.key for feed in self._apps.feeds(call.account) if feed.folder == folder], FAR)
        return Response(status_code=204)

    # Feeds

    def _feed(self, call: Call) -> FeedInfo:
        key = self._apps.find_outlet(str(call.request.path_params["feed"]))
        if key is None:
            raise Refused(404, "no such feed")
        return self._apps.feed(call.account, key)

    def feeds(self, call: Call) -> Response:
        """All, or those of a category."""
        feeds = self._apps.feeds(call.account)
        if "category" in call.request.path_params:
            folder = folder_of(self._category(call))
            feeds = [feed for feed in feeds if feed.folder == folder]
        return call.reply([feed_json(self._apps, call, feed) for feed in feeds])

    def feed(self, call: Call) -> Response:
        """One."""
        return call.reply(feed_json(self._apps, call, self._feed(call)))

    def counters(self, call: Call) -> Response:
        """Read and unread articles by feed."""
        unread = self._apps.unread(call.account)
        numbers = self._apps.numbers()
        reads = {str(numbers[key]): self._apps.shelf.count(key) - count for key, count in unread.items()}
        unreads = {str(numbers[key]): count for key, count in unread.items()}
        return call.reply({"reads": reads, "unreads": unreads})

    def subscribe(self, call: Call) -> Response:
        """An outlet of this archive again."""
        asked: _Address = call.json(_Address)
        key = self._apps.find_outlet(asked.feed_url)
        if key is None:
            raise Refused(403, "no feed of this archive; its operator adds feeds")
        changes: dict[str, object] = {"unsubscribed": False}
        if asked.category_id is not None:
            changes["folder"] = folder_of(find_category(call.account, asked.category_id))
        call.account.subscribe({key: changes})
        return call.reply({"feed_id": self._apps.numbers()[key]}, 201)

    def change_feed(self, call: Call) -> Response:
        """Title, folder, and whether it stays out of the mixed list."""
        feed, asked = self._feed(call), call.json(_FeedChanges)
        changes: dict[str, object] = {}
        if asked.title:
            changes["title"] = asked.title[:500]
        if asked.category_id is not None:
            changes["folder"] = folder_of(find_category(call.account, asked.category_id))
        if asked.hide_globally is not None:
            changes["hidden"] = asked.hide_globally
        call.account.subscribe({feed.key: changes})
        return call.reply(feed_json(self._apps, call, self._feed(call)), 201)

    def unsubscribe(self, call: Call) -> Response:
        """The user reads it no more; the archive keeps it."""
        call.account.subscribe({self._feed(call).key: {"unsubscribed": True}})
        return Response(status_code=204)

    def read_feed(self, call: Call) -> Response:
        """All of it is read."""
        call.account.mark_all([self._feed(call).key], FAR)
        return Response(status_code=204)

    def read_all(self, call: Call) -> Response:
        """Everything is read."""
        if call.request.path_params["user"] != call.account.user.id:
            raise Refused(403, "another user's")
        call.account.mark_all(self._apps.numbers(), FAR)
        return Response(status_code=204)

    def icon(self, call: Call) -> Response:
        """One for all feeds: the archive's."""
        data = base64.b64encode(icon()).decode()
        return call.reply({"id": 1, "mime_type": "image/svg+xml", "data": f"image/svg+xml;base64,{data}"})


_VERSION = "2.2.0"


def _category(call: Call, one: Category) -> dict[str, object]:
    return {"id": one.id, "title": one.title, "user_id": call.account.user.id, "hide_globally": False}


def _nothing(_: Call) -> Response:
    """The archive polls at its own pace."""
    return Response(status_code=204)


def _refused(call: Call) -> Response:
    if re.match(r"/v1/(users|api-keys)", call.request.url.path):
        raise Refused(403, "accounts are the operator's matter: `baoguan user`")
    raise Refused(404, "Resource Not Found")
