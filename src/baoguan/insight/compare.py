"""The shortest edit between two sequences: anchors that stand once on both sides, Myers between them, within a budget.

Myers' O(ND) is exact and quick on texts that are nearly the same, and quadratic on texts that are not. So unique
runs of tokens are matched first (patience), and what is left may cost so many steps and no more: beyond them a stretch
counts as replaced whole, and the answer says so.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar
from zlib import crc32

T = TypeVar("T", bound=Hashable)
Hunk = tuple[int, int, int, int]
"""before[a:b] became after[c:d]."""
_RUN = 5
_LONG = 160
_VERY_LONG = 6000
"""Items between which anchors are looked for at an eighth of the places: there are enough of them."""
STEPS = 80_000
"""Steps of Myers that one comparison may take: about 50 ms."""


class Budget:
    """What is left of a comparison's steps. Owned by one comparison."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps
        self.spent_out = False

    def spend(self, steps: int) -> None:
        """Takes steps; may leave less than nothing."""
        self.left -= steps


def hunks(before: Sequence[T], after: Sequence[T], budget: Budget, *, run: int = _RUN, long: int = _LONG) -> list[Hunk]:
    """What was replaced, in order; no two hunks touch.

    Sequences longer than `long` are first cut at anchors: `run` items that stand together once on both sides.
    """
    found: list[Hunk] = []
    for low_a, high_a, low_b, high_b in _gaps(before, after, run, long):
        for hunk in _myers(before, after, (low_a, high_a, low_b, high_b), budget):
            if found and found[-1][1] == hunk[0] and found[-1][3] == hunk[2]:
                found[-1] = (found[-1][0], hunk[1], found[-1][2], hunk[3])
            else:
                found.append(hunk)
    return found


def _trim(before: Sequence[T], after: Sequence[T], span: Hunk) -> Hunk:
    low_a, high_a, low_b, high_b = span
    while low_a < high_a and low_b < high_b and before[low_a] == after[low_b]:
        low_a += 1
        low_b += 1
    while low_a < high_a and low_b < high_b and before[high_a - 1] == after[high_b - 1]:
        high_a -= 1
        high_b -= 1
    return low_a, high_a, low_b, high_b


def _gaps(before: Sequence[T], after: Sequence[T], run: int, long: int) -> Iterator[Hunk]:
    """The stretches between anchors, trimmed; empty ones left out."""
    whole = _trim(before, after, (0, len(before), 0, len(after)))
    low_a, high_a, low_b, high_b = whole
    if min(high_a - low_a, high_b - low_b) > long:
        for at_a, at_b in _anchors(before[low_a:high_a], after[low_b:high_b], run):
            gap = _trim(before, after, (low_a, whole[0] + at_a, low_b, whole[2] + at_b))
            if gap[0] < gap[1] or gap[2] < gap[3]:
                yield gap
            low_a, low_b = whole[0] + at_a, whole[2] + at_b
    gap = _trim(before, after, (low_a, high_a, low_b, high_b))
    if gap[0] < gap[1] or gap[2] < gap[3]:
        yield gap


def _anchors(before: Sequence[T], after: Sequence[T], run: int) -> list[tuple[int, int]]:
    """Positions of runs that stand once on both sides, the longest sequence that rises on both."""
    once_a, once_b = (_once(side, run, min(len(before), len(after)) > _VERY_LONG) for side in (before, after))
    return rising([(at, once_b[key]) for key, at in once_a.items() if key in once_b])


def _once(side: Sequence[T], run: int, is_long: bool) -> dict[tuple[T, ...], int]:
    """Where each run stands that stands once, in order; of long sequences those that begin with some of the items."""
    if is_long and run > 1:
        places = sampled(side, 8)
        runs = [tuple(side[at : at + run]) for at in places]
    else:
        runs = list(zip(*(side[shift:] for shift in range(run)), strict=False))
        places = range(len(runs))
    counts = Counter(runs)
    return {key: at for key, at in zip(runs, places, strict=True) if counts[key] == 1}


def sampled(items: Sequence[Hashable], part: int) -> Sequence[int]:
    """Places of those items that a digest of theirs picks, about one in `part`: equal items are picked everywhere."""
    return [at for at, digest in enumerate(map(_digest, items)) if digest % part == 0]


@lru_cache(maxsize=1 << 15)
def _digest(item: Hashable) -> int:
    return crc32(str(item).encode("utf-8", "surrogatepass"))


def rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of `pairs` (rising in the first) that rises in the second too."""
    tops: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for number, (_, value) in enumerate(pairs):
        pile = bisect_left(tops, value)
        back.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(value)
            ends.append(number)
        else:
            tops[pile], ends[pile] = value, number
    chain = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = back[at]
    return chain[::-1]


def _myers(before: Sequence[T], after: Sequence[T], span: Hunk, budget: Budget) -> list[Hunk]:
    low_a, high_a, low_b, high_b = span
    if low_a == high_a or low_b == high_b:
        return [span]
    trace = _trace(before[low_a:high_a], after[low_b:high_b], budget)
    if trace is None:
        return [span]
    return [(low_a + a, low_a + b, low_b + c, low_b + d) for a, b, c, d in _walk(trace, high_a - low_a, high_b - low_b)]


def _trace(before: Sequence[T], after: Sequence[T], budget: Budget) -> list[list[int]] | None:
    """Furthest reaching ends by diagonal, a list for each number of differences; None when the budget is spent."""
    size_a, size_b = len(before), len(after)
    reach = [0] * (2 * (size_a + size_b) + 3)
    zero = size_a + size_b + 1
    trace: list[list[int]] = []
    for differences in range(size_a + size_b + 1):
        if budget.left <= 0:
            budget.spent_out = True
            return None
        budget.spend(differences + 1)
        trace.append(reach[zero - differences - 1 : zero + differences + 2])
        for diagonal in range(-differences, differences + 1, 2):
            down = diagonal == -differences or (
                diagonal != differences and reach[zero + diagonal - 1] < reach[zero + diagonal + 1]
            )
            x = reach[zero + diagonal + 1] if down else reach[zero + diagonal - 1] + 1
            y = x - diagonal
            while x < size_a and y < size_b and before[x] == after[y]:
                x += 1
                y += 1
            reach[zero + diagonal] = x
            if x >= size_a and y >= size_b:
                return trace
    return trace


def _walk(trace: list[list[int]], x: int, y: int) -> list[Hunk]:
    """From the end back to the start: hunks in order."""
    found: list[Hunk] = []
    for differences in range(len(trace) - 1, 0, -1):
        reach, zero = trace[differences], differences + 1
        diagonal = x - y
        down = diagonal == -differences or (
            diagonal != differences and reach[zero + diagonal - 1] < reach[zero + diagonal + 1]
        )
        before_x = reach[zero + diagonal + (1 if down else -1)]
        before_y = before_x - (diagonal + (1 if down else -1))
        after_x, after_y = (before_x, before_y + 1) if down else (before_x + 1, before_y)
        if found and found[-1][0] == after_x and found[-1][2] == after_y:
            found[-1] = (before_x, found[-1][1], before_y, found[-1][3])
        else:
            found.append((before_x, after_x, before_y, after_y))
        x, y = before_x, before_y
    return found[::-1]
