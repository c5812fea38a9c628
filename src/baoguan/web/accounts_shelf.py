"""The shelf: every article in the order in which it arrived, in memory, for lists and counts of the apps.

An app's feed is an outlet: an article that several feeds of an outlet carry stands here once. The number of an article
is the log index of its first revision plus 1: it never changes, grows with time, and is the same on every mirror.
"""

import hashlib
import heapq
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from baoguan.backends.sqlite.lists import SqliteLists
from baoguan.desk import Desk

_CHUNK = 4096
_STEP = 256
FAR = 1 << 62


class Item(msgspec.Struct, frozen=True):
    """An article on the shelf."""

    number: int
    id: str
    outlet: str
    kept_ms: int
    """When its first revision was captured."""

    @property
    def place(self) -> tuple[int, int]:
        """What lists are sorted by."""
        return (self.kept_ms, self.number)


class _Row:
    """The articles of one outlet, by (kept_ms, number)."""

    def __init__(self) -> None:
        self.kept = array("q")
        self.numbers = array("q")

    def add(self, kept_ms: int, number: int) -> None:
        at = self.find(kept_ms, number)
        self.kept.insert(at, kept_ms)
        self.numbers.insert(at, number)

    def remove(self, kept_ms: int, number: int) -> None:
        at = self.find(kept_ms, number)
        if at < len(self.numbers) and self.numbers[at] == number:
            del self.kept[at], self.numbers[at]

    def find(self, kept_ms: int, number: int) -> int:
        low, high = bisect_left(self.kept, kept_ms), bisect_right(self.kept, kept_ms)
        return bisect_left(self.numbers, number, low, high)


class Shelf:
    """All articles of a desk. `refresh` follows the log; the lock guards the tables, and lists are read under it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lists = SqliteLists(desk.folder / "index" / "catalogue.sqlite")
        self._lock = threading.RLock()
        self._rows: dict[str, _Row] = {}
        self._items: dict[int, Item] = {}
        self._by_id: dict[str, int] = {}
        self._size = -1

    def refresh(self) -> int:
        """Takes what the catalogue holds now; returns the log size that it stands for."""
        size = self._desk.catalog.size()
        with self._lock:
            if self._size < 0 or size < self._size:
                self._rows, self._items, self._by_id = {}, {}, {}
                for identity, index, kept_ms, outlet in self._lists.arrivals():
                    self._add(Item(index + 1, identity, outlet, kept_ms))
                self._size = size
            for low in range(self._size, size, _CHUNK):
                self._follow(low, min(low + _CHUNK, size))
            self._size = size
            return size

    def _follow(self, low: int, high: int) -> None:
        for index, line in self._desk.archive.lines(low, high):
            if line is None or not line.id:
                continue
            if line.kind == "rev" and line.id not in self._by_id:
                self._add(Item(index + 1, line.id, line.outlet, line.captured_ms))
            elif line.kind == "gone" and line.id in self._by_id:
                item = self._items.pop(self._by_id.pop(line.id))
                self._rows[item.outlet].remove(*item.place)

    def _add(self, item: Item) -> None:
        self._items[item.number], self._by_id[item.id] = item, item.number
        self._rows.setdefault(item.outlet, _Row()).add(*item.place)

    def by_number(self, number: int) -> Item | None:
        """The article of that number."""
        with self._lock:
            return self._items.get(number)

    def by_id(self, identity: str) -> Item | None:
        """The article of that id."""
        with self._lock:
            return self._items.get(self._by_id.get(identity, 0))

    def count(self, outlet: str, after_ms: int = -FAR) -> int:
        """Articles of an outlet that were kept after that."""
        with self._lock:
            row = self._rows.get(outlet)
            return 0 if row is None else len(row.kept) - bisect_right(row.kept, after_ms)

    def newest_ms(self, outlet: str) -> int:
        """kept_ms of the newest article of an outlet, 0 where it has none."""
        with self._lock:
            row = self._rows.get(outlet)
            return row.kept[-1] if row and row.kept else 0

    def oldest_ms(self, outlet: str) -> int:
        """kept_ms of the oldest one, 0 where it has none."""
        with self._lock:
            row = self._rows.get(outlet)
            return row.kept[0] if row and row.kept else 0

    def outlets(self) -> list[str]:
        """Outlets with an article, by key."""
        with self._lock:
            return sorted(key for key, row in self._rows.items() if row.kept)

    def total(self) -> int:
        """Articles in all."""
        return len(self._items)

    def walk(
        self,
        outlets: Iterable[str],
        *,
        newest_first: bool = True,
        beyond: tuple[int, int] | None = None,
        floors: Mapping[str, int] | None = None,
    ) -> Iterator[Item]:
        """Articles of these outlets in order, those that follow `beyond` (a place) in it. Read by chunks as it goes.

        `floors`: by outlet; what was kept at or before that time is left out without being looked at.
        """
        floors = floors or {}
        rows = [self._walk_row(key, newest_first, beyond, floors.get(key, -FAR)) for key in dict.fromkeys(outlets)]
        return heapq.merge(*rows, key=lambda item: item.place, reverse=newest_first)

    def _walk_row(self, key: str, newest_first: bool, beyond: tuple[int, int] | None, floor: int) -> Iterator[Item]:
        place = beyond or ((FAR, 0) if newest_first else (-FAR, 0))
        if not newest_first:
            place = max(place, (floor, FAR))
        while True:
            items = self._chunk(key, newest_first, place, floor)
            yield from items
            if len(items) < _STEP:
                return
            place = items[-1].place

    def _chunk(self, key: str, newest_first: bool, place: tuple[int, int], floor: int) -> list[Item]:
        with self._lock:
            row = self._rows.get(key)
            if row is None:
                return []
            at = row.find(*place)
            if newest_first:
                low = max(at - _STEP, bisect_right(row.kept, floor))
                numbers = row.numbers[low:at][::-1] if low < at else array("q")
            else:
                at += at < len(row.numbers) and (row.kept[at], row.numbers[at]) == place
                numbers = row.numbers[at : at + _STEP]
            return [self._items[number] for number in numbers]

    def close(self) -> None:
        """Closes the connections."""
        self._lists.close()


def outlet_numbers(keys: Iterable[str]) -> dict[str, int]:
    """A number of 31 bits for each outlet, made of its key alone, so that an app's cache outlives a rebuild."""
    numbers: dict[str, int] = {}
    taken: set[int] = set()
    for key in sorted(set(keys)):
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1 or 1
        while number in taken:
            number += 1
        taken.add(number)
        numbers[key] = number
    return numbers
