"""Entries of the Miniflux API: lists with all their filters, one entry, marks."""

from collections.abc import Callable

import msgspec
from starlette.responses import Response

from baoguan.model.account import Mark
from baoguan.text.html import plain_text
from baoguan.web.accounts_desk import AppDesk, Entry
from baoguan.web.accounts_filters import found
from baoguan.web.accounts_http import Call, Handle, Refused
from baoguan.web.accounts_shelf import FAR, Item
from baoguan.web.accounts_state import Wanted
from baoguan.web.miniflux_shapes import feed_json, find_category, folder_of, stamp

_MOST = 1000
_SORTED = (
    "id",
    "published_at",
    "created_at",
    "status",
    "category_id",
    "category_title",
    "changed_at",
    "title",
    "author",
    "",
)


class _Status(msgspec.Struct):
    entry_ids: list[int]
    status: str


class _Changes(msgspec.Struct):
    title: str | None = None
    content: str | None = None


class Entries:
    """The endpoints over one AppDesk; each is called under the account's lock."""

    def __init__(self, apps: AppDesk) -> None:
        self._apps = apps

    def table(self) -> dict[tuple[str, str], Handle]:
        """By method and path below /v1/."""
        routes: dict[tuple[str, str], Handle] = {
            ("PUT", "entries"): self.set_status,
            ("PUT", "entries/{entry:int}"): self.change,
            ("PUT", "entries/{entry:int}/bookmark"): self.bookmark,
            ("PUT", "entries/{entry:int}/star"): self.bookmark,
            ("POST", "entries/{entry:int}/save"): self.save,
            ("GET", "entries/{entry:int}/fetch-content"): self.content,
        }
        for place in ("", "feeds/{feed:int}/", "categories/{category:int}/"):
            routes["GET", f"{place}entries"] = self.listed
            routes["GET", f"{place}entries/{{entry:int}}"] = self.one
        return routes

    # Lists

    def listed(self, call: Call) -> Response:
        """Entries by status, starred, folder, feed, time, number and search; newest first unless asked otherwise."""
        order, newest_first = call.one("order"), call.one("direction", "desc") != "asc"
        if order not in _SORTED or call.one("direction", "asc") not in ("asc", "desc"):
            raise Refused(400, "order or direction is not known")
        limit, skip = call.number("limit", 100, _MOST), call.number("offset", 0, 10_000_000)
        wanted, fits = self._wanted(call), self._fits(call)
        if call.one("search"):
            items = [item for item in found(self._apps.desk, self._apps.shelf, call.one("search")) if fits(item)]
            inside = set(call.account.select(wanted, limit=1 << 30)[0])
            chosen = [item for item in items if item in inside]
        elif any(call.has(name) for name in _BY_NUMBER):
            chosen = [item for item in call.account.select(wanted, limit=1 << 30)[0] if fits(item)]
        else:
            total = call.account.count(wanted)
            page, _ = call.account.select(wanted, limit=limit, skip=skip, newest_first=newest_first)
            return self._reply(call, total, page)
        chosen.sort(key=lambda item: item.place, reverse=newest_first)
        return self._reply(call, len(chosen), chosen[skip : skip + limit])

    def _reply(self, call: Call, total: int, items: list[Item]) -> Response:
        entries = [self._json(call, entry) for entry in self._apps.entries(items, call.base)]
        return call.reply({"total": total, "entries": entries})

    def _wanted(self, call: Call) -> Wanted:
        has: set[str] = set()
        statuses = set(call.all("status")) - {""}
        if statuses - {"read", "unread", "removed"}:
            raise Refused(400, "status is read, unread or removed")
        if len(statuses - {"removed"}) == 1:
            has |= statuses - {"removed"}
        outlets = self._outlets(call) if statuses != {"removed"} else ()
        starred = call.one("starred").lower()
        if starred in ("1", "true"):
            has.add("starred")
        lacks = frozenset(("starred",)) if starred in ("0", "false") else frozenset()
        after = max(call.number("after"), call.number("published_after"), call.number("changed_after"))
        before = min(call.number(name) or FAR for name in ("before", "published_before", "changed_before"))
        return Wanted(
            outlets=outlets,
            has=frozenset(has),
            lacks=lacks,
            start_ms=after * 1000 + 1 if after else -FAR,
            end_ms=before * 1000 if before < FAR else FAR,
        )

    def _outlets(self, call: Call) -> tuple[str, ...]:
        params = call.request.path_params
        if "feed" in params or call.number("feed_id"):
            key = self._apps.find_outlet(str(params.get("feed") or call.number("feed_id")))
            if key is None:
                raise Refused(404, "no such feed")
            return (key,)
        number = params.get("category") or call.number("category_id")
        if number:
            folder = folder_of(find_category(call.account, number))
            return tuple(feed.key for feed in self._apps.feeds(call.account) if feed.folder == folder)
        if call.one("globally_visible") == "true":
            return self._apps.mixed(call.account)
        return tuple(feed.key for feed in self._apps.feeds(call.account))

    def _fits(self, call: Call) -> Callable[[Item], bool]:
        low, high = call.number("after_entry_id"), call.number("before_entry_id") or FAR
        return lambda item: low < item.number < high

    # One entry

    def _item(self, call: Call) -> Item:
        item = self._apps.shelf.by_number(call.request.path_params["entry"])
        if item is None:
            raise Refused(404, "no such entry")
        return item

    def _entry(self, call: Call) -> Entry:
        entry = self._apps.entry(self._item(call), call.base)
        if entry is None:
            raise Refused(404, "no such entry")
        return entry

    def one(self, call: Call) -> Response:
        """One entry, with its neighbours' numbers left to the app."""
        entry = self._entry(call)
        if ("feed" in call.request.path_params or "category" in call.request.path_params) and entry.item.outlet not in (
            self._outlets(call)
        ):
            raise Refused(404, "no such entry")
        return call.reply(self._json(call, entry))

    def content(self, call: Call) -> Response:
        """The text, which is whole already."""
        entry = self._entry(call)
        return call.reply({"content": entry.html, "reading_time": _minutes(entry)})

    def change(self, call: Call) -> Response:
        """Refused: what is archived stays as it is."""
        self._item(call)
        call.json(_Changes)
        raise Refused(403, "articles of an archive can't be changed")

    def set_status(self, call: Call) -> Response:
        """Read, unread, or removed (hidden from this user's lists)."""
        asked: _Status = call.json(_Status)
        if asked.status not in ("read", "unread", "removed") or len(asked.entry_ids) > 100_000:
            raise Refused(400, "status is read, unread or removed")
        items = [item for number in asked.entry_ids if (item := self._apps.shelf.by_number(number)) is not None]
        if asked.status == "removed":
            call.account.mark(items, lambda mark: msgspec.structs.replace(mark, hidden=True))
        else:
            read = asked.status == "read"
            call.account.mark(items, lambda mark: msgspec.structs.replace(mark, read=read))
        return Response(status_code=204)

    def bookmark(self, call: Call) -> Response:
        """Turns the star on or off."""
        now = self._apps.door.now_ms()

        def turned(mark: Mark) -> Mark:
            return msgspec.structs.replace(mark, starred_ms=0 if mark.starred_ms else now)

        call.account.mark([self._item(call)], turned)
        return Response(status_code=204)

    def save(self, call: Call) -> Response:
        """To read later."""
        now = self._apps.door.now_ms()
        call.account.mark([self._item(call)], lambda mark: msgspec.structs.replace(mark, later_ms=now))
        return Response(status_code=202)

    def _json(self, call: Call, entry: Entry) -> dict[str, object]:
        account, item = call.account, entry.item
        mark = account.marks.get(item.id)
        number, user = self._apps.numbers()[item.outlet], account.user.id
        status = "removed" if mark and mark.hidden else "read" if account.is_read(item) else "unread"
        enclosures = [
            {"id": item.number, "user_id": user, "entry_id": item.number, "url": url, "mime_type": kind, "size": 0}
            for url, kind in entry.pictures[:1]
        ]
        return {
            "id": item.number,
            "user_id": user,
            "feed_id": number,
            "status": status,
            "hash": item.id,
            "title": entry.title,
            "url": entry.url,
            "comments_url": "",
            "published_at": stamp(entry.published_ms),
            "created_at": stamp(item.kept_ms),
            "changed_at": stamp(entry.updated_ms),
            "content": entry.html,
            "author": entry.author,
            "share_code": "",
            "starred": bool(mark and mark.starred_ms),
            "reading_time": _minutes(entry),
            "enclosures": enclosures,
            "tags": list(mark.labels) if mark else [],
            "feed": feed_json(self._apps, call, self._apps.feed(account, item.outlet)),
        }


_BY_NUMBER = ("after_entry_id", "before_entry_id")


def _minutes(entry: Entry) -> int:
    """500 CJK characters, or 265 words, a minute."""
    text = plain_text(entry.html)
    wide = sum(char >= "\u2e80" for char in text)
    return max(1, round(wide / 500 + (len(text) - wide) / 6 / 265))
