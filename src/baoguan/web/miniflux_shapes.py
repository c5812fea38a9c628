"""Records of the Miniflux API: categories with numbers, feeds, times."""

import hashlib
from datetime import UTC, datetime

import msgspec

from baoguan.web.accounts_desk import AppDesk, FeedInfo
from baoguan.web.accounts_http import Call, Refused
from baoguan.web.accounts_state import Account


class Category(msgspec.Struct, frozen=True):
    """A folder with its number."""

    id: int
    title: str


ALL = Category(1, "All")
"""What is in no folder."""


def categories(account: Account) -> list[Category]:
    """All folders, the one for none first. A number is made of the title, so that it needs no table."""
    return [ALL, *(Category(category_number(name), name) for name in account.all_folders())]


def category_number(name: str) -> int:
    """31 bits of the title's digest; 1 for no folder."""
    if not name:
        return ALL.id
    return max(2, int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:4], "big") >> 1)


def find_category(account: Account, number: int) -> Category:
    """The category of that number. Raises Refused (404)."""
    found = next((one for one in categories(account) if one.id == number), None)
    if found is None:
        raise Refused(404, "no such category")
    return found


def folder_of(category: Category) -> str:
    """The folder's name, empty for ALL."""
    return "" if category.id == ALL.id else category.title


def stamp(epoch_ms: int) -> str:
    """RFC 3339 with microseconds, as Go writes it."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def feed_json(apps: AppDesk, call: Call, feed: FeedInfo) -> dict[str, object]:
    """A feed as Miniflux shows it."""
    states = {state.url: state for state in apps.source.feed_health()} if feed.urls else {}
    state = states.get(feed.url)
    return {
        "id": feed.number,
        "user_id": call.account.user.id,
        "feed_url": feed.url,
        "site_url": feed.site_url,
        "title": feed.title,
        "description": "",
        "checked_at": stamp(state.last_poll_ms if state else 0),
        "next_check_at": stamp(state.next_ms if state else 0),
        "etag_header": "",
        "last_modified_header": "",
        "parsing_error_message": state.problem if state else "",
        "parsing_error_count": state.fails if state else 0,
        "disabled": bool(state and state.stopped),
        "hide_globally": feed.hidden,
        "crawler": True,
        "category": {
            "id": category_number(feed.folder),
            "title": feed.folder or ALL.title,
            "user_id": call.account.user.id,
            "hide_globally": False,
        },
        "icon": {"feed_id": feed.number, "icon_id": 1},
    }
