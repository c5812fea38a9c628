"""The Google Reader API, as 17 of 19 apps speak it: login, lists of feeds and tags, marks. Streams: greader_streams.

Asked by GET and POST alike; parameters may stand in the query or in a form. `GoogleLogin auth=` in a header says who
asks; on POST the token T alone does, too. An app that sends a wrong T besides is told so and fetches another.
"""

import hmac
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from baoguan.errors import FeedError
from baoguan.model.account import Mark, User
from baoguan.web.accounts_desk import AppDesk, FeedInfo
from baoguan.web.accounts_http import (
    Call,
    Endpoint,
    Handle,
    Refused,
    check_password,
    check_secret,
    endpoint,
    plain_refusal,
)
from baoguan.web.accounts_opml import opml_of, take_opml
from baoguan.web.accounts_shelf import FAR, Item
from baoguan.web.accounts_state import relabelled
from baoguan.web.greader_ids import STATES, find_item, parse_stream
from baoguan.web.greader_streams import Streams

_TOKEN_S = 1800
_STATE = "user/-/state/com.google/"
_LABEL = "user/-/label/"
_METHODS = ["GET", "POST"]


class GoogleReader:
    """The endpoints over one AppDesk."""

    def __init__(self, apps: AppDesk, base_of: Callable[[Request], str]) -> None:
        self._apps, self._base_of = apps, base_of
        self._streams = Streams(apps)

    def routes(self) -> list[BaseRoute]:
        """/accounts/ClientLogin and /reader/..., also below the prefix of FreshRSS."""
        table: dict[str, Handle] = {
            "token": self.token,
            "user-info": self.user_info,
            "tag/list": self.tag_list,
            "subscription/list": self.subscription_list,
            "subscription/edit": self.subscription_edit,
            "subscription/quickadd": self.quickadd,
            "subscription/export": self.export,
            "subscription/import": self.import_,
            "unread-count": self.unread_count,
            "stream/contents": self._streams.contents,
            "stream/contents/{stream:path}": self._streams.contents,
            "stream/items/ids": self._streams.ids,
            "stream/items/count": self._streams.count,
            "stream/items/contents": self._streams.by_ids,
            "edit-tag": self.edit_tag,
            "mark-all-as-read": self.mark_all_as_read,
            "rename-tag": self.rename_tag,
            "disable-tag": self.disable_tag,
            "preference/list": lambda call: call.reply({"prefs": []}),
            "preference/stream/list": lambda call: call.reply({"streamprefs": {}}),
            "friend/list": lambda call: call.reply({"friends": []}),
            "{rest:path}": lambda call: call.reply([]),
        }
        routes: list[BaseRoute] = []
        for prefix in ("", "/api/greader.php"):
            routes.append(Route(f"{prefix}/accounts/ClientLogin", self._open(self.client_login), methods=_METHODS))
            routes += [
                Route(f"{prefix}/reader/api/0/{path}", self._open(self._known(handle)), methods=_METHODS)
                for path, handle in table.items()
            ]
            atom = self._open(self._known(self._streams.atom))
            routes.append(Route(f"{prefix}/reader/atom/{{stream:path}}", atom, methods=_METHODS))
        return routes

    def _open(self, handle: Handle) -> Endpoint:
        return endpoint(handle, self._base_of, plain_refusal)

    def _known(self, handle: Handle) -> Handle:
        def checked(call: Call) -> Response:
            call.account = self._apps.account(self._who(call))
            with call.account.lock:
                return handle(call)

        return checked

    # Login

    def client_login(self, call: Call) -> Response:
        """Auth= a token of 90 days."""
        user = check_password(self._apps, call, call.one("Email"), call.one("Passwd"))
        if user is None:
            raise Refused(401, "Error=BadAuthentication")
        auth = f"{user.name}/{self._apps.door.issue(user, 'token')}"
        if call.one("output") == "json":
            return call.reply({"SID": auth, "LSID": auth, "Auth": auth})
        return call.text(f"SID={auth}\nLSID={auth}\nAuth={auth}\n")

    def _who(self, call: Call) -> User:
        header = call.request.headers.get("authorization", "")
        kind, _, rest = header.partition(" ")
        plain = rest.strip().removeprefix("auth=").strip("\"' ") if kind.lower() in ("googlelogin", "bearer") else ""
        user = check_secret(self._apps, call, plain.rpartition("/")[2], "token", "app") if plain else None
        given = call.one("T")
        if call.method == "POST" and given:
            by_token = self._by_token(given)
            if by_token is None or (user is not None and by_token.id != user.id):
                raise Refused(401, "Error=BadToken", {"x-reader-google-bad-token": "true"})
            user = user or by_token
        if user is None:
            raise Refused(401, "Unauthorized", {"www-authenticate": 'GoogleLogin realm="baoguan"'})
        return user

    def token(self, call: Call) -> Response:
        """T: who, until when, and a seal that ends with the user's password."""
        user = call.account.user
        end = self._apps.door.now_ms() // 1000 + _TOKEN_S
        return call.text(f"{user.id}.{end}.{self._seal(user, end)}\n")

    def _seal(self, user: User, end: int) -> str:
        return self._apps.seal("token", f"{user.id}\0{end}\0{user.password}")

    def _by_token(self, text: str) -> User | None:
        number, _, rest = text.strip().partition(".")
        end, _, seal = rest.partition(".")
        if not (number.isdecimal() and end.isdecimal()) or len(end) > 12 or int(end) * 1000 < self._apps.door.now_ms():
            return None
        user = next((one for one in self._apps.accounts.users() if str(one.id) == number), None)
        same = user is not None and hmac.compare_digest(
            seal.encode("utf-8", "surrogatepass"), self._seal(user, int(end)).encode()
        )
        return user if same else None

    def user_info(self, call: Call) -> Response:
        """Names that are made of the one name."""
        user = call.account.user
        return call.reply(
            {
                "userId": str(user.id),
                "userName": user.name,
                "userProfileId": str(user.id),
                "userEmail": "",
                "isBloggerUser": False,
                "signupTimeSec": user.created_ms // 1000,
            }
        )

    # Feeds and tags

    def tag_list(self, call: Call) -> Response:
        """States, folders, labels."""
        folders = call.account.all_folders()
        tags = [{"id": f"{_STATE}{name}"} for name in ("starred", "read-later")]
        tags += [{"id": f"{_LABEL}{name}", "type": "folder"} for name in folders]
        tags += [{"id": f"{_LABEL}{name}", "type": "tag"} for name in call.account.labels() if name not in folders]
        return call.reply({"tags": [{**tag, "sortid": f"{n:08X}"} for n, tag in enumerate(tags, 1)]})

    def subscription_list(self, call: Call) -> Response:
        """Outlets as feeds."""
        feeds = self._apps.feeds(call.account)
        return call.reply({"subscriptions": [self._subscription(call, feed) for feed in feeds]})

    def _subscription(self, call: Call, feed: FeedInfo) -> dict[str, object]:
        folder = [{"id": f"{_LABEL}{feed.folder}", "label": feed.folder}] if feed.folder else []
        return {
            "id": f"feed/{feed.number}",
            "title": feed.title,
            "categories": folder,
            "sortid": f"{feed.number:08X}",
            "firstitemmsec": str(self._apps.shelf.oldest_ms(feed.key)),
            "url": feed.url,
            "htmlUrl": feed.site_url,
            "iconUrl": f"{call.base}/icon.svg",
        }

    def subscription_edit(self, call: Call) -> Response:
        """Title, folder, and whether an outlet is read at all. New outlets are the operator's matter: `baoguan add`."""
        action = call.one("ac", "edit")
        for name, title in zip(call.all("s"), [*call.all("t"), *[""] * len(call.all("s"))], strict=False):
            key = self._apps.find_outlet(name.removeprefix("feed/"))
            if key is None:
                raise Refused(404, f"{name}: no feed of this archive; its operator adds feeds")
            changes: dict[str, object] = {}
            if action != "edit":
                changes["unsubscribed"] = action == "unsubscribe"
            if title:
                changes["title"] = title[:500]
            gone = [_label(tag) for tag in call.all("r")]
            if call.account.folder(key) in gone:
                changes["folder"] = ""
            for folder in filter(None, map(_label, call.all("a"))):
                changes["folder"] = folder
            call.account.subscribe({key: changes})
        return call.text("OK")

    def quickadd(self, call: Call) -> Response:
        """Subscribes to a feed of this archive again."""
        asked = call.one("quickadd").removeprefix("feed/")
        key = self._apps.find_outlet(asked)
        if key is None:
            return call.reply({"numResults": 0, "query": asked, "error": "no feed of this archive"})
        call.account.subscribe({key: {"unsubscribed": False}})
        feed = self._apps.feed(call.account, key)
        return call.reply(
            {"numResults": 1, "query": asked, "streamId": f"feed/{feed.number}", "streamName": feed.title}
        )

    def export(self, call: Call) -> Response:
        """OPML."""
        return call.text(opml_of(self._apps, call.account).decode(), "text/x-opml; charset=utf-8")

    def import_(self, call: Call) -> Response:
        """OPML: folders and titles of feeds of this archive."""
        return call.text(f"OK: {opml_into(self._apps, call)}")

    def unread_count(self, call: Call) -> Response:
        """By feed, by folder, and of all."""
        account, shelf = call.account, self._apps.shelf
        counts = self._apps.unread(account)
        rows: dict[str, tuple[int, int]] = {}
        for feed in self._apps.feeds(account):
            one = (counts[feed.key], shelf.newest_ms(feed.key))
            names = [f"feed/{feed.number}"]
            names += [] if feed.hidden else [f"{_STATE}reading-list"]
            names += [f"{_LABEL}{feed.folder}"] if feed.folder else []
            for name in names:
                before = rows.get(name, (0, 0))
                rows[name] = (before[0] + one[0], max(before[1], one[1]))
        empty = call.one("allcomments") or call.one("all")
        listed = [
            {"id": name, "count": count, "newestItemTimestampUsec": str(newest * 1000)}
            for name, (count, newest) in rows.items()
            if count or empty or name.startswith("user/")
        ]
        return call.reply({"max": 1_000_000, "unreadcounts": listed})

    # Marks

    def edit_tag(self, call: Call) -> Response:
        """Adds (a) and removes (r) tags of articles (i). Unknown tags and articles are ignored: apps send their own."""
        names = call.all("i")
        if len(names) > 10_000:
            raise Refused(400, "more than 10,000 articles at once")
        items = [item for name in names if (item := find_item(self._apps, name)) is not None]
        added, removed = call.all("a"), call.all("r")
        now = self._apps.door.now_ms()
        call.account.mark(items, lambda mark: _tagged(mark, added, removed, now))
        return call.text("OK")

    def mark_all_as_read(self, call: Call) -> Response:
        """A stream, up to ts (microseconds; an app that sends seconds, ms or ns is understood)."""
        stream = parse_stream(self._apps, call.account, call.one("s", f"{_STATE}reading-list"))
        if stream is None:
            raise Refused(404, "no such stream")
        until = _instant_ms(call.number("ts"))
        if stream.outlet or stream.name.endswith("reading-list"):
            call.account.mark_all(stream.outlets, until)
            return call.text("OK")
        mark_stream(self._apps, call, stream.has, until)
        return call.text("OK")

    def rename_tag(self, call: Call) -> Response:
        """A folder or label gets another name."""
        old, new = _label(call.one("s") or f"{_LABEL}{call.one('t')}"), _label(call.one("dest"))
        if not old or not new:
            raise Refused(400, "s and dest must be labels")
        call.account.rename_folder(old, new)
        return call.text("OK")

    def disable_tag(self, call: Call) -> Response:
        """Removes a folder or label; its feeds and articles stay."""
        for name in call.all("s") or [f"{_LABEL}{name}" for name in call.all("t")]:
            if _label(name):
                call.account.rename_folder(_label(name), "")
        return call.text("OK")


def mark_stream(apps: AppDesk, call: Call, has: frozenset[str], until_ms: int) -> None:
    """Reads a folder by the watermarks of its outlets, and the articles that bear the label."""
    labels = {name.removeprefix("label:") for name in has if name.startswith("label:")}
    keys = [key for key in apps.numbers() if call.account.folder(key) in labels]
    call.account.mark_all(keys, until_ms)
    chosen: list[Item] = []
    for identity in list(call.account.marks):
        item = apps.shelf.by_id(identity)
        if item is not None and item.kept_ms <= until_ms and all(call.account.has(item, name) for name in has):
            chosen.append(item)
    call.account.mark(chosen, lambda mark: msgspec.structs.replace(mark, read=True))


def _tagged(mark: Mark, added: list[str], removed: list[str], now_ms: int) -> Mark:
    # In this order: newsboat removes kept-unread and adds read in one call, and the other way round.
    for name, on in [(name, False) for name in removed] + [(name, True) for name in added]:
        if _label(name):
            mark = relabelled(mark, add=[_label(name)] if on else (), drop=() if on else [_label(name)])
            continue
        state = STATES.get(name.rpartition("/state/com.google/")[2]) if "/state/com.google/" in name else None
        if state in ("read", "unread"):
            if on or state == "read":
                mark = msgspec.structs.replace(mark, read=(state == "read") == on)
        elif state == "starred":
            mark = msgspec.structs.replace(mark, starred_ms=now_ms if on else 0)
        elif state == "later":
            mark = msgspec.structs.replace(mark, later_ms=now_ms if on else 0)
    return mark


def _label(tag: str) -> str:
    head, found, name = tag.partition("/label/")
    return name[:200].strip() if found and head.startswith("user/") else ""


def _instant_ms(ts: int) -> int:
    """An epoch in seconds, ms, microseconds or ns as ms; FAR for 0."""
    if not ts:
        return FAR
    for unit in (10**17, 10**14, 10**11):
        if ts >= unit:
            return ts * 1000 // (unit // 10**8)
    return ts * 1000


def opml_into(apps: AppDesk, call: Call) -> str:
    """Takes OPML from the body of a request; says how much of it is of this archive."""
    try:
        known, total = take_opml(apps, call.account, call.body)
    except FeedError as error:
        raise Refused(400, str(error)) from error
    return f"{known} of {total} feeds are of this archive"
