"""Filters: a query of the search language, and what happens to new articles that it finds.

They act before a list is made, so that apps see the same as the pages; on articles that the search index holds by then.
"""

from collections.abc import Callable

import msgspec

from baoguan.desk import Desk
from baoguan.errors import ConfigError
from baoguan.model.account import Filter, Mark
from baoguan.search.query import parse_query
from baoguan.text.zones import zone_of
from baoguan.web.accounts_shelf import Item, Shelf
from baoguan.web.accounts_state import Account, relabelled

_MOST = 100
"""Filters of one user."""
_STEP = 2000


def run_filters(desk: Desk, shelf: Shelf, account: Account, size: int) -> int:
    """Lets the filters act on articles that came since they last did; returns how many marks they set."""
    if not account.filters or desk.search is None:
        return 0
    reached = min(size, desk.search.size())
    if account.filtered < 0:
        # Made just now: they act on what comes from here on; `filter run` does the rest.
        account.set_filtered(reached)
        return 0
    if reached <= account.filtered:
        return 0
    fresh = account.filtered
    account.set_filtered(reached)
    return sum(
        act(account, one, [item for item in found(desk, shelf, one.query) if fresh < item.number <= reached])
        for one in account.filters
    )


def found(desk: Desk, shelf: Shelf, query: str) -> list[Item]:
    """All articles that a query finds, newest first. Raises ConfigError where search is off."""
    if desk.search is None:
        raise ConfigError('filters need the search index: set search = "fts5" in baoguan.toml')
    parsed = parse_query(query, zone_of(desk.settings.zone))
    items: list[Item] = []
    start = 0
    while True:
        page = desk.search.search(parsed, order="date", start=start, limit=_STEP)
        items += [item for identity in page.ids if (item := shelf.by_id(identity)) is not None]
        start += _STEP
        if start >= page.total or not page.ids:
            return items


def act(account: Account, one: Filter, items: list[Item]) -> int:
    """Does to these articles what the filter says."""
    changes: dict[str, Callable[[Mark], Mark]] = {
        "read": lambda mark: msgspec.structs.replace(mark, read=True),
        "star": lambda mark: msgspec.structs.replace(mark, starred_ms=mark.starred_ms or 1),
        "later": lambda mark: msgspec.structs.replace(mark, later_ms=mark.later_ms or 1),
        "hide": lambda mark: msgspec.structs.replace(mark, hidden=True),
        "label": lambda mark: relabelled(mark, add=(one.label,)),
    }
    account.mark(items, changes[one.action])
    return len(items)


def add_filter(account: Account, one: Filter) -> None:
    """Adds a filter, or replaces that of the same name. Raises ConfigError for one that is of no use."""
    if not one.query.strip() or not one.name.strip():
        raise ConfigError("a filter needs a name and a query")
    if (one.action == "label") != bool(one.label.strip()):
        raise ConfigError("the action label needs a label, the others take none")
    others = [old for old in account.filters if old.name != one.name]
    if len(others) >= _MOST:
        raise ConfigError(f"{_MOST} filters are the most: delete one")
    account.set_filters([*others, one])
