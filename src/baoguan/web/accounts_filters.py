"""Filters: a query of the search language, and what happens to new articles that it finds.

Here the language knows `author:` too: an author whose name holds these characters. It is asked of the lines of the
log, not of the index, which holds no authors.
They act before a list is made, so that apps see the same as the pages; on articles that the search index holds by then.
"""

import re
import unicodedata
from collections.abc import Callable

import msgspec

from baoguan.desk import Desk
from baoguan.errors import ConfigError
from baoguan.model.account import Filter, Mark
from baoguan.search.query import parse_query
from baoguan.text.script import convert_text
from baoguan.text.zones import zone_of
from baoguan.web.accounts_shelf import Item, Shelf
from baoguan.web.accounts_state import Account, relabelled

_MOST = 100
"""Filters of one user."""
_STEP = 2000
_AUTHOR = re.compile(r'(?:(?<=\s)|^)author:(?:"([^"]*)"|(\S+))', re.I)


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
        act(account, one, [item for item in found(desk, shelf, one.query, since=fresh) if item.number <= reached])
        for one in account.filters
    )


def found(desk: Desk, shelf: Shelf, query: str, *, since: int = 0) -> list[Item]:
    """All articles that a query finds, newest first; those that came at log index `since` or later.

    Raises ConfigError where search is off.
    """
    if desk.search is None:
        raise ConfigError('filters need the search index: set search = "fts5" in baoguan.toml')
    authors = [_folded(one[1] if one[1] is not None else one[2]) for one in _AUTHOR.finditer(query)]
    rest = _AUTHOR.sub(" ", query).strip()
    if not authors:
        return [item for item in _searched(desk, shelf, rest) if item.number > since]
    by_author = _written_by(desk, shelf, authors, since)
    if not rest:
        return sorted(by_author.values(), key=lambda item: item.place, reverse=True)
    return [item for item in _searched(desk, shelf, rest) if item.id in by_author]


def _written_by(desk: Desk, shelf: Shelf, authors: list[str], since: int) -> dict[str, Item]:
    """Articles of which every one of these names an author, by the newest version that the log holds."""
    items: dict[str, Item] = {}
    for low in range(since, desk.archive.size, _STEP):
        for _, line in desk.archive.lines(low, min(low + _STEP, desk.archive.size)):
            item = shelf.by_id(line.id) if line is not None and line.kind == "rev" else None
            if line is None or item is None or item.number <= since:
                continue
            names = [_folded(name) for name in line.authors]
            if all(any(one in name for name in names) for one in authors):
                items[item.id] = item
            else:
                items.pop(item.id, None)
    return items


def _folded(name: str) -> str:
    return convert_text(unicodedata.normalize("NFKC", name).casefold(), "hans")


def _searched(desk: Desk, shelf: Shelf, query: str) -> list[Item]:
    assert desk.search is not None
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
