"""What crawling remembers between runs: items and pages that are waited for. Its loss costs politeness, never news."""

import msgspec

from baoguan.model.capture import CaptureRef
from baoguan.model.feed import Item


class PendingItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a feed that is not in the log yet, or a known article whose page is to be looked at again."""

    key: str
    """outlet, newline, the item's first identity key."""
    outlet: str
    feed: str = ""
    item: Item
    guid: str = ""
    """As it identifies; empty where the feed uses it for several items."""
    url: str = ""
    """Canonical, as it identifies; empty where the feed uses it for several items."""
    article: str = ""
    """Id of the known article that is looked at again; empty for a new one."""
    first_ms: int
    next_ms: int = 0
    tries: int = 0
    problem: str = ""
    feed_ms: int = 0
    """When the feed that carried it was fetched: the capture time of a text that is the feed's own."""
    capture: CaptureRef | None = None
    """Of that feed, once it is in the log."""


class CrawlHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The crawl in numbers, for metrics and readiness."""

    kinds: dict[str, int]
    """Feeds by kind of health; `new` before their first poll."""
    due: int
    """Feeds whose time has come."""
    lag_ms: int
    """How long the longest overdue feed is overdue."""
    pending: int
    """Items that wait for their page."""
    oldest_ms: int
    """When the oldest of them was first seen (epoch); 0: none waits."""
    polled_ms: int
    """When a feed was last polled (epoch); 0: never."""
    counts: dict[str, int]
    """Since the archive began: polls, `poll_KIND` that gave no feed, `article_OUTCOME`."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A line for `status`: identity conflicts, clocks that differ, layouts that drift."""

    at_ms: int
    outlet: str
    text: str
