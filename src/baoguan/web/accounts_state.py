"""What one user has read, starred, sorted and subscribed to; decides what a list of the apps holds.

Reading is a watermark an outlet (all that was kept until then is read) and marks on single articles that differ from
it; marks that the watermark has caught up with are taken away, so that the table stays small.
"""

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from baoguan.model.account import Filter, Mark, Passkey, Subscription, User
from baoguan.ports import Accounts
from baoguan.web.accounts_shelf import FAR, Item, Shelf

COMPACT = 200
"""Marks of read articles of an outlet, above which its watermark is moved."""
Row = tuple[str, str, bytes | None]
Change = Callable[[Mark], Mark]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which articles a list holds."""

    outlets: tuple[str, ...]
    has: frozenset[str] = frozenset()
    """All of: read, unread, starred, later, label:NAME (a label of the article, or the folder of its outlet)."""
    lacks: frozenset[str] = frozenset()
    """None of them."""
    start_ms: int = -FAR
    """Kept then or later."""
    end_ms: int = FAR
    """Kept before."""


class Account:
    """A user's rows, in memory while their version stands. Methods are called under `lock` by one request at a time."""

    def __init__(self, accounts: Accounts, shelf: Shelf, user: User) -> None:
        self.user = user
        self.lock = threading.RLock()
        self._accounts, self._shelf = accounts, shelf
        self._version = -2
        self.marks: dict[str, Mark] = {}
        self.read_until: dict[str, int] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.folders: list[str] = []
        """Folders that were made, in order; one that outlets are in exists anyway."""
        self.filters: list[Filter] = []
        self.passkeys: dict[str, Passkey] = {}
        """By id, in base64url."""
        self.filtered = -1
        """The log size up to which filters have acted; -1: not yet."""

    def load(self) -> None:
        """Reads the rows again when another process, or another copy, has changed them."""
        version = self._accounts.version(self.user.id)
        if version == self._version:
            return
        table: dict[str, dict[str, bytes]] = {}
        for kind, key, value in self._accounts.rows(self.user.id):
            table.setdefault(kind, {})[key] = value
        self.marks = {key: msgspec.json.decode(value, type=Mark) for key, value in table.get("mark", {}).items()}
        self.read_until = {key: int(value) for key, value in table.get("until", {}).items()}
        subscriptions = table.get("feed", {}).items()
        self.subscriptions = {key: msgspec.json.decode(value, type=Subscription) for key, value in subscriptions}
        self.passkeys = {key: msgspec.json.decode(v, type=Passkey) for key, v in table.get("passkey", {}).items()}
        settings = table.get("set", {})
        self.folders = msgspec.json.decode(settings.get("folders", b"[]"), type=list[str])
        self.filters = msgspec.json.decode(settings.get("filters", b"[]"), type=list[Filter])
        self.filtered = int(settings.get("filtered", b"-1"))
        self._version = version

    def _put(self, rows: Iterable[Row]) -> None:
        given = list(rows)
        if given:
            version = self._accounts.put(self.user.id, given)
            # Another process wrote in between: what it wrote is read by the next load.
            self._version = version if version == self._version + 1 else -2

    # What is read, and how much is not

    def is_read(self, item: Item) -> bool:
        """By the article's own mark, else by the outlet's watermark. What is hidden counts as read."""
        mark = self.marks.get(item.id)
        if mark is not None and (mark.hidden or mark.read is not None):
            return bool(mark.hidden or mark.read)
        return item.kept_ms <= self.read_until.get(item.outlet, -FAR)

    def _marked(self) -> Iterator[tuple[Item, Mark]]:
        for identity, mark in self.marks.items():
            item = self._shelf.by_id(identity)
            if item is not None:
                yield item, mark

    def unread(self) -> dict[str, int]:
        """Unread articles by outlet, of every outlet that has any article."""
        counts = {key: self._shelf.count(key, self.read_until.get(key, -FAR)) for key in self._shelf.outlets()}
        for item, _ in self._marked():
            below = item.kept_ms <= self.read_until.get(item.outlet, -FAR)
            if below != self.is_read(item):
                counts[item.outlet] += 1 if below else -1
        return counts

    def has(self, item: Item, name: str) -> bool:
        """Whether an article is read, unread, starred, later or label:NAME."""
        if name in ("read", "unread"):
            return self.is_read(item) == (name == "read")
        mark = self.marks.get(item.id)
        if name.startswith("label:"):
            label = name.removeprefix("label:")
            return self.folder(item.outlet) == label or (mark is not None and label in mark.labels)
        return mark is not None and bool(mark.starred_ms if name == "starred" else mark.later_ms)

    # Lists

    def select(
        self,
        wanted: Wanted,
        *,
        limit: int,
        newest_first: bool = True,
        beyond: tuple[int, int] | None = None,
        skip: int = 0,
    ) -> tuple[list[Item], bool]:
        """(the first `limit` articles beyond that place, after `skip` of them; whether more follow)."""
        found: list[Item] = []
        for item in self._candidates(wanted, newest_first, beyond):
            if item.kept_ms < wanted.start_ms:
                if newest_first:
                    break
                continue
            if item.kept_ms >= wanted.end_ms or not self._fits(item, wanted):
                continue
            if len(found) == limit + skip:
                return found[skip:], True
            found.append(item)
        return found[skip:], False

    def count(self, wanted: Wanted) -> int:
        """How many articles a list holds in all."""
        if not wanted.has and not wanted.lacks and wanted.start_ms == -FAR and wanted.end_ms == FAR:
            hidden = sum(mark.hidden and item.outlet in wanted.outlets for item, mark in self._marked())
            return sum(self._shelf.count(key) for key in wanted.outlets) - hidden
        return len(self.select(wanted, limit=1 << 30)[0])

    def _fits(self, item: Item, wanted: Wanted) -> bool:
        mark = self.marks.get(item.id)
        if mark is not None and mark.hidden:
            return False
        return all(self.has(item, name) for name in wanted.has) and not any(
            self.has(item, name) for name in wanted.lacks
        )

    def _candidates(self, wanted: Wanted, newest_first: bool, beyond: tuple[int, int] | None) -> Iterator[Item]:
        """A superset of the list, in order, that leaves out much of what is not in it."""
        unread = "unread" in wanted.has or "read" in wanted.lacks
        by_mark = {"starred", "later"} & wanted.has
        labels = {name.removeprefix("label:") for name in wanted.has if name.startswith("label:")}
        keys = wanted.outlets
        if labels:
            keys = tuple(key for key in keys if labels == {self.folder(key)})
        if not by_mark and not unread and not labels:
            return self._shelf.walk(keys, newest_first=newest_first, beyond=beyond)
        inside = frozenset(wanted.outlets)
        some = sorted(
            (
                item
                for item, _ in self._marked()
                if item.outlet in inside and _follows(item.place, beyond, newest_first)
            ),
            key=lambda item: item.place,
            reverse=newest_first,
        )
        if by_mark:
            return iter(some)
        floors = self.read_until if unread else None
        walked = self._shelf.walk(keys, newest_first=newest_first, beyond=beyond, floors=floors)
        return _once(heapq.merge(walked, some, key=lambda item: item.place, reverse=newest_first))

    # Marks

    def mark(self, items: Iterable[Item], change: Change) -> None:
        """Changes the marks of articles; what a mark no longer says beside the watermark is dropped."""
        rows: list[Row] = []
        touched: set[str] = set()
        for item in items:
            old = self.marks.get(item.id, Mark())
            new = self._lean(item, change(old))
            if new != old:
                rows.append(self._keep(item.id, new))
                touched.add(item.outlet)
        for key in touched:
            rows += self._compacted(key)
        self._put(rows)

    def _keep(self, identity: str, mark: Mark) -> Row:
        if mark == Mark():
            self.marks.pop(identity, None)
            return ("mark", identity, None)
        self.marks[identity] = mark
        return ("mark", identity, msgspec.json.encode(mark))

    def _lean(self, item: Item, mark: Mark) -> Mark:
        if mark.read is not None and mark.read == (item.kept_ms <= self.read_until.get(item.outlet, -FAR)):
            return msgspec.structs.replace(mark, read=None)
        return mark

    def mark_all(self, keys: Iterable[str], until_ms: int) -> None:
        """Reads everything of these outlets that was kept until then."""
        rows: list[Row] = []
        for key in dict.fromkeys(keys):
            newest = self._shelf.newest_ms(key)
            # Never beyond the newest: what comes late but was kept in the same second is new.
            rows += self._raise(key, min(until_ms, newest))
        self._put(rows)

    def _raise(self, key: str, until_ms: int, *, but_unread: bool = False) -> list[Row]:
        """Moves the watermark of an outlet up to `until_ms`; marks of older articles that say unread go or stay."""
        rows: list[Row] = []
        if until_ms > self.read_until.get(key, -FAR):
            self.read_until[key] = until_ms
            rows.append(("until", key, b"%d" % until_ms))
        for item, mark in list(self._marked()):
            caught = item.outlet == key and mark.read is not None and item.kept_ms <= until_ms
            if caught and (mark.read or not but_unread):
                rows.append(self._keep(item.id, msgspec.structs.replace(mark, read=None)))
        return rows

    def _compacted(self, key: str) -> list[Row]:
        """The watermark up to the oldest unread article above it, once many marks say read."""
        if sum(item.outlet == key and mark.read is True for item, mark in self._marked()) < COMPACT:
            return []
        above = self._shelf.walk([key], newest_first=False, floors=self.read_until)
        unread = next((item for item in above if not self.is_read(item)), None)
        reached = self._shelf.newest_ms(key) if unread is None else unread.kept_ms - 1
        return self._raise(key, reached, but_unread=True)

    # Subscriptions and folders

    def subscription(self, key: str) -> Subscription:
        """The user's settings of an outlet."""
        return self.subscriptions.get(key, Subscription())

    def folder(self, key: str) -> str:
        """The folder of an outlet, empty for none."""
        return self.subscription(key).folder

    def subscribe(self, changes: Mapping[str, Mapping[str, object]]) -> None:
        """Changes fields of subscriptions, by outlet."""
        rows: list[Row] = []
        for key, fields in changes.items():
            new = msgspec.structs.replace(self.subscription(key), **fields)
            self.subscriptions[key] = new
            rows.append(("feed", key, None if new == Subscription() else msgspec.json.encode(new)))
        self._put(rows)

    def all_folders(self) -> list[str]:
        """Those that were made and those that outlets are in, in a fixed order."""
        used = sorted({one.folder for one in self.subscriptions.values() if one.folder})
        return list(dict.fromkeys([*self.folders, *used]))

    def set_folders(self, names: Iterable[str]) -> None:
        """Replaces the list of folders that were made."""
        self.folders = [name for name in dict.fromkeys(names) if name]
        self._put([("set", "folders", msgspec.json.encode(self.folders))])

    def rename_folder(self, old: str, new: str) -> None:
        """Renames a folder and the label of articles of that name; an empty new name removes both."""
        self.subscribe({key: {"folder": new} for key, one in self.subscriptions.items() if one.folder == old})
        self.set_folders(new if name == old else name for name in self.all_folders())
        marked = [item for item, mark in self._marked() if old in mark.labels]
        self.mark(marked, lambda mark: relabelled(mark, add=(new,) if new else (), drop=(old,)))

    def labels(self) -> list[str]:
        """Labels of articles, sorted."""
        return sorted({label for mark in self.marks.values() for label in mark.labels})

    # Filters

    def set_filters(self, filters: Iterable[Filter]) -> None:
        """Replaces the filters; they act on what comes from now on."""
        self.filters = list(filters)
        self._put([("set", "filters", msgspec.json.encode(self.filters))])

    def set_passkey(self, identity: str, key: Passkey | None) -> None:
        """Keeps or replaces a key, or takes it back (None)."""
        if key is None:
            self.passkeys.pop(identity, None)
        else:
            self.passkeys[identity] = key
        self._put([("passkey", identity, None if key is None else msgspec.json.encode(key))])

    def set_filtered(self, size: int) -> None:
        """Remembers how far filters have acted."""
        self.filtered = size
        self._put([("set", "filtered", b"%d" % size)])


def relabelled(mark: Mark, *, add: Iterable[str] = (), drop: Iterable[str] = ()) -> Mark:
    """The mark with labels more or less; at most 50."""
    names = [name for name in dict.fromkeys((*mark.labels, *add)) if name not in set(drop)]
    return msgspec.structs.replace(mark, labels=tuple(names[:50]))


def _follows(place: tuple[int, int], beyond: tuple[int, int] | None, newest_first: bool) -> bool:
    return beyond is None or (place < beyond if newest_first else place > beyond)


def _once(items: Iterable[Item]) -> Iterator[Item]:
    last = 0
    for item in items:
        if item.number != last:
            last = item.number
            yield item
