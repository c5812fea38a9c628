"""Rows of what is asked for again and again, in bounded memory.

A word that stands in most articles costs FTS5 more than all the rest of a page of results, and its title filter reads
the positions of every article that has the word in its text. What was found for one state of the index is completed by
what was added since, for rows are only ever added; those that went are told apart by the columns.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

BYTES = 32_000_000
_NOTED = 4096
"""Expressions that were asked for once."""

Rows = Callable[[str, int], Sequence[int]]
"""(expression, first row) -> the rows from there on that FTS5 finds, ascending."""


def flags_of(numbers: Sequence[int], length: int) -> int:
    """The rows below `length` as a number of one byte each: 1 where it is among `numbers`, which ascend."""
    flags = bytearray(length)
    for number in numbers[: bisect_left(numbers, length)]:
        flags[number] = 1
    return int.from_bytes(flags, "little")


class Postings:
    """By expression its rows, those asked for last; for several threads, the lock guards the tables."""

    def __init__(self, limit_bytes: int = BYTES) -> None:
        self._limit = limit_bytes
        self._lock = Lock()
        self._noted: OrderedDict[str, None] = OrderedDict()
        self._held: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """(rows that are looked at, flags of these)"""
        self._bytes = 0

    def flags(self, expression: str, length: int, rows: Rows) -> int | None:
        """The rows below `length` as flags_of; None where it is asked for the first time: it may be in no hurry."""
        with self._lock:
            held = self._held.get(expression)
            if held is None and expression not in self._noted:
                self._noted[expression] = None
                if len(self._noted) > _NOTED:
                    self._noted.popitem(last=False)
                return None
            if held is not None:
                self._held.move_to_end(expression)
        seen, flags = held or (0, 0)
        if seen < length:
            flags |= flags_of(rows(expression, seen), length)
            self._keep(expression, length, flags)
        return flags

    def _keep(self, expression: str, length: int, flags: int) -> None:
        with self._lock:
            old = self._held.pop(expression, None)
            self._held[expression] = (length, flags)
            self._bytes += length - (old[0] if old else 0)
            while self._bytes > self._limit and self._held:
                self._bytes -= self._held.popitem(last=False)[1][0]
