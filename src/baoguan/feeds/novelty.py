"""Which items of a feed are worth a look at their page: pure decisions, never by newest id or date."""

import hashlib

from baoguan.model.feed import Item


def item_print(item: Item) -> bytes:
    """Eight bytes that change when the outlet changes title, clocks or text of the item."""
    parts = (
        item.title,
        item.published_raw,
        item.updated.isoformat() if item.updated else "",
        item.summary_html,
        item.content_html,
    )
    return hashlib.sha256("\x1e".join(parts).encode("utf-8", "surrogatepass")).digest()[:8]


MOST_NAMES = 5
"""Looks at one page because a feed gave it a new guid or address: who writes others into every answer says nothing."""


def judge_item(
    *,
    known: bool,
    waiting: bool,
    print_now: bytes,
    print_then: bytes | None,
    same_title: bool,
    same_names: bool = True,
    named: int = 0,
) -> str:
    """new (the log lacks it), changed or named (its page is to be looked at again), or same; what waits is the same.

    `print_then` is None when the crawl state was lost: then only a changed title counts, so that a rebuilt archive
    finds no new article and doesn't fetch every page again. `same_names`: the article owns the item's guid and URL;
    else the look makes them aliases, `named` tells how many such looks there were.
    """
    if waiting and print_now == print_then:
        return "same"
    if not known:
        return "new"
    if not same_names and named < MOST_NAMES:
        return "named"
    changed = not same_title if print_then is None else print_now != print_then
    return "changed" if changed else "same"
