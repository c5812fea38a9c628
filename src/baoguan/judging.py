"""Which items of a feed need work: new ones, edited ones, and those that the log lacks."""

from collections.abc import Sequence

import msgspec

from baoguan.archive.ledger import Ledger
from baoguan.desk import Desk
from baoguan.feeds.novelty import item_print, judge_item
from baoguan.model.capture import Response
from baoguan.model.feed import FeedDoc, FeedState, Item
from baoguan.model.outbox import OutboxRow
from baoguan.model.outlet import Outlet
from baoguan.model.schedule import PendingItem
from baoguan.polling import item_keys
from baoguan.text.identity import keys_of

Row = tuple[str, Item, str, str]
"""(key, item, guid, canonical URL)"""


class News(msgspec.Struct, kw_only=True):
    """A feed that brought items, until it is settled."""

    state: FeedState
    items: list[PendingItem]
    prints: dict[str, bytes]
    row: OutboxRow | None
    """Its response, where a sequencer logs it."""


def judge_items(
    desk: Desk, state: FeedState, doc: FeedDoc, response: Response, news: Sequence[News]
) -> tuple[list[PendingItem], dict[str, bytes]]:
    """Which items need work, and the prints of all. Nothing depends on order, newest id or date.

    `news`: what other feeds of this run brought and is not settled yet.
    """
    outlet = desk.outlet(state.outlet)
    rows = list(item_keys(outlet, doc))
    found = _known(desk, outlet, rows)
    wanted = [*found, *(_names_key(known) for known, _, _ in found.values() if known)]
    held = desk.schedule.prints(wanted)
    waiting = desk.schedule.pending_keys([key for key, _, _, _ in rows])
    for one in news:
        held.update((key, one.prints[key]) for key in wanted if key in one.prints)
        waiting.update(item.key for item in one.items)
    feed_ms = int(response.at.timestamp() * 1000)
    fresh: list[PendingItem] = []
    prints: dict[str, bytes] = {}
    for key, item, guid, url in rows:
        prints[key] = item_print(item)
        known, same_title, same_names = found[key]
        named = int.from_bytes(held.get(_names_key(known), b""), "big")
        verdict = judge_item(
            known=bool(known),
            waiting=key in waiting,
            print_now=prints[key],
            print_then=held.get(key),
            same_title=same_title,
            same_names=same_names,
            named=named,
        )
        if verdict == "named":
            prints[_names_key(known)] = (named + 1).to_bytes(1, "big")
        if verdict != "same":
            fresh.append(
                PendingItem(
                    key=key,
                    outlet=outlet.key,
                    feed=state.url,
                    item=item,
                    guid=guid,
                    url=url,
                    article=known,
                    first_ms=feed_ms,
                    feed_ms=feed_ms,
                )
            )
    return fresh, prints


def _known(desk: Desk, outlet: Outlet, rows: Sequence[Row]) -> dict[str, tuple[str, bool, bool]]:
    """By key: (id of the article that the item speaks of, whether its title is the kept one, whether no key is new)."""
    ledger = Ledger(desk.known)
    ledger.foresee((outlet.key, guid, url, outlet.drop_params) for _, _, guid, url in rows)
    whos = {key: ledger.resolve(outlet.key, guid, url, outlet.drop_params) for key, _, guid, url in rows}
    kept = desk.known.standing({who.id for who in whos.values() if who.standing is not None})
    names = {
        key: keys_of([guid], [whos[key].url], conflict=whos[key].conflict)
        for key, _, guid, _ in rows
        if whos[key].standing is not None
    }
    owners = desk.known.key_owners({(outlet.key, name) for found in names.values() for name in found})
    known: dict[str, tuple[str, bool, bool]] = {}
    for key, item, _, _ in rows:
        who = whos[key]
        if who.standing is None:
            known[key] = ("", False, False)
            continue
        row = kept.get(who.id)
        same_title = row is not None and (not item.title or row.title == item.title)
        known[key] = (who.id, same_title, all(owners.get((outlet.key, name)) == who.id for name in names[key]))
    return known


def _names_key(article: str) -> str:
    """Under which the schedule counts looks at a page because of a new guid or address; `id:` is no identity key."""
    return f"id:{article}\nnames"
