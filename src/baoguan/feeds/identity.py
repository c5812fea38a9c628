"""What tells the items of one document apart."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from baoguan.model.feed import FeedDoc


class ItemIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an item that can identify it; empty when they can't."""

    guid: str = ""
    url: str = ""


def identity_keys(doc: FeedDoc) -> tuple[ItemIdentity, ...]:
    """Usable guid and URL of each item of `doc`, in its order.

    A guid that several items with different URLs share says nothing, nor does a URL that several items with different
    guids share, nor the address of the site or the feed itself, which stands in where an item has no link.
    """
    bad_guids = _shared((item.guid, item.url) for item in doc.items)
    bad_urls = _shared((item.url, item.guid) for item in doc.items) | {doc.url, doc.self_url}
    return tuple(
        ItemIdentity(
            guid="" if item.guid in bad_guids else item.guid,
            url="" if item.url in bad_urls else item.url,
        )
        for item in doc.items
    )


def is_same_feed(guids: Iterable[str], doc: FeedDoc) -> bool:
    """Whether `doc` goes on with a feed that had these guids or URLs: half of its items, or of ours, are known."""
    old = set(guids)
    new = {key for item in doc.items for key in (item.guid, item.url) if key}
    return bool(old) and len(old & new) * 2 >= min(len(old), max(1, len(doc.items)))


def _shared(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Keys that stand beside different values."""
    beside: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        if key:
            beside[key].add(value)
    return {key for key, values in beside.items() if len(values) > 1}
