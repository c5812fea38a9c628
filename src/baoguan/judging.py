"""Which items of a feed need work: new ones, edited ones, and those that the log lacks."""

from collections.abc import Sequence

import msgspec

from baoguan.archive.ledger import Ledger
from baoguan.desk import Desk
from baoguan.feeds.novelty import item_print, judge_item
from baoguan.model.capture import Response
from baoguan.model.feed import FeedDoc, FeedState
from baoguan.model.outbox import OutboxRow
from baoguan.model.outlet import Outlet
from baoguan.model.schedule import PendingItem
from baoguan.polling import item_keys
from baoguan.text.identity import keys_of


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
    found = {key: _known(desk, outlet, guid, url, item.title) for key, item, guid, url in rows}
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


def _known(desk: Desk, outlet: Outlet, guid: str, url: str, title: str) -> tuple[str, bool, bool]:
    """(id of the article that the item speaks of, whether its title is the kept one, whether no key is new)."""
    who = Ledger(desk.catalog).resolve(outlet.key, guid, url, outlet.drop_params)
    if who.standing is None:
        return "", False, False
    row = desk.catalog.article(who.id)
    keys = keys_of([guid], [who.url], conflict=who.conflict)
    owned = all(desk.catalog.find(outlet.key, [key]) == [who.id] for key in keys)
    return who.id, row is not None and (row.title == title or not title), owned


def _names_key(article: str) -> str:
    """Under which the schedule counts looks at a page because of a new guid or address; `id:` is no identity key."""
    return f"id:{article}\nnames"
