"""Two texts as rows of paragraphs that belong together, each marked word by word: what a reader sees side by side."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import msgspec

from baoguan.insight.compare import Budget, Hunk, hunks, rising, sampled
from baoguan.insight.tokens import split_tokens, token_key, weight
from baoguan.model.change import Row, Span
from baoguan.text.sameness import squeeze

_ALIKE = 0.35
"""Share of common pairs of tokens from which two paragraphs are versions of one another."""
_REBROKEN = 0.75
"""Two blocks of paragraphs that are so alike, and whose single paragraphs are less so, were broken elsewhere."""
_BROKEN = 0.15
"""How much more alike the blocks must be than their paragraphs."""
_CELLS = 1600
"""Paragraph pairs of one replaced block that are weighed against one another; more are matched by rare phrases."""
_LONG = 12_000
"""Tokens of one side of a replaced block from which on a quarter of its phrases do."""
_MOVED = 12
"""A paragraph of so many characters that stands elsewhere has moved; shorter ones are chance."""
_LINE_STEPS = 20_000
MAX_CHARS = 400_000
"""Of both texts together; what is longer is compared by paragraphs only."""


class Line:
    """A paragraph with what comparisons ask of it, each worked out once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def key(self) -> str:
        """Equal keys are no change."""
        return squeeze(self.text)

    @cached_property
    def tokens(self) -> list[str]:
        """Its units."""
        return split_tokens(self.text)

    @cached_property
    def keys(self) -> list[str]:
        """Keys of its tokens."""
        return list(map(token_key, self.tokens))

    @cached_property
    def pairs(self) -> Counter[tuple[str, str]]:
        """Neighbouring tokens, with a mark at both ends."""
        return Counter(zip(["", *self.keys], [*self.keys, ""], strict=True))

    @cached_property
    def phrases(self) -> set[tuple[str, ...]]:
        """Four tokens in a row."""
        return set(zip(self.keys, self.keys[1:], self.keys[2:], self.keys[3:], strict=False))

    @cached_property
    def rare_phrases(self) -> set[tuple[str, ...]]:
        """Those of them that begin with some of the tokens, a quarter; the same ones in every text."""
        keys = self.keys
        return {tuple(keys[at : at + 4]) for at in sampled(keys, 4) if at + 4 <= len(keys)}

    @classmethod
    def joined(cls, lines: Sequence["Line"]) -> "Line":
        """Paragraphs as one: no token reaches over the end of a line, so their keys are known."""
        line = cls("\n".join(one.text for one in lines))
        line.keys = [key for one in lines for key in one.keys]
        return line

    def is_alike(self, other: "Line", phrases: int) -> bool:
        """Whether both are versions of one paragraph; `phrases` that they share, each once in the other, may show it.

        Each of them begins with a pair of tokens, so that counting pairs can't come to less.
        """
        return 2 * phrases >= _ALIKE * (len(self.keys) + len(other.keys) + 2) or self.likeness(other) >= _ALIKE

    def likeness(self, other: "Line") -> float:
        """0..1: the share of pairs of tokens that both hold."""
        sizes = len(self.keys) + len(other.keys) + 2
        if 2 * (min(len(self.keys), len(other.keys)) + 1) < _ALIKE * sizes:
            return 0.0
        small, large = sorted((self.pairs, other.pairs), key=len)
        both = small.keys() & large.keys()
        return 2 * sum(min(small[pair], large[pair]) for pair in both) / sizes


class Edit(msgspec.Struct, frozen=True):
    """A row with the tokens that differ: `hunks` index the tokens of its two sides."""

    row: Row
    before: Sequence[str] = ()
    """Keys of the tokens."""
    after: Sequence[str] = ()
    hunks: tuple[Hunk, ...] = ()


def compare_lines(before: Sequence[str], after: Sequence[str]) -> tuple[list[Edit], bool]:
    """(rows in reading order, whether something was too long to be compared word by word)."""
    budget = Budget()
    lines_a, lines_b = [Line(text) for text in before], [Line(text) for text in after]
    if sum(map(len, before)) + sum(map(len, after)) > MAX_CHARS:
        budget.left = 20_000
        budget.spent_out = True
    edits: list[Edit] = []
    at_a = at_b = 0
    keys_a, keys_b = [line.key for line in lines_a], [line.key for line in lines_b]
    found = hunks(keys_a, keys_b, Budget(_LINE_STEPS), run=1, long=8)
    for low_a, high_a, low_b, high_b in [*found, (len(before), len(before), len(after), 0)]:
        for line_a, line_b in zip(lines_a[at_a:low_a], lines_b[at_b:low_b], strict=True):
            edits.append(_same(line_a.text, line_b.text))
        edits += _block(lines_a[low_a:high_a], lines_b[low_b:high_b], budget)
        at_a, at_b = high_a, high_b
    return _name_moves(edits), budget.spent_out


def _same(before: str, after: str) -> Edit:
    return Edit(Row(kind="same", before=(Span(before),), after=(Span(after),)))


def _block(before: list[Line], after: list[Line], budget: Budget) -> list[Edit]:
    """Paragraphs that were replaced by others: versions are set beside one another, the rest is removed or added."""
    if not before or not after:
        return [_removed(line) for line in before] + [_added(line) for line in after]
    if "".join(line.key for line in before) == "".join(line.key for line in after):
        return [_same("\n".join(line.text for line in before), "\n".join(line.text for line in after))]
    pairs = _pair(before, after) if len(before) * len(after) <= _CELLS else _pair_many(before, after)
    broken = _rebroken(before, after, pairs)
    if broken is not None:
        return [mark(*broken, budget)]
    edits: list[Edit] = []
    at_a = at_b = 0
    for number_a, number_b in [*pairs, (len(before), len(after))]:
        edits += [_removed(line) for line in before[at_a:number_a]]
        edits += [_added(line) for line in after[at_b:number_b]]
        if number_a < len(before):
            edits.append(mark(before[number_a], after[number_b], budget))
        at_a, at_b = number_a + 1, number_b + 1
    return edits


def _rebroken(before: list[Line], after: list[Line], pairs: Sequence[tuple[int, int]]) -> tuple[Line, Line] | None:
    """Both blocks as one paragraph each, where the same words were only broken into other paragraphs."""
    if len(before) == len(after) == len(pairs):
        return None
    total = sum(len(line.keys) for line in (*before, *after)) or 1
    if total > 2 * _LONG:
        # Half of the phrases stay where three quarters of the pairs do: what shares few needn't be counted out.
        one, other = (set().union(*(line.rare_phrases for line in lines)) for lines in (before, after))
        if 5 * len(one & other) < min(len(one), len(other)):
            return None

    def told(pairs: Sequence[tuple[int, int]]) -> float:
        return sum(before[a].likeness(after[b]) * (len(before[a].keys) + len(after[b].keys)) for a, b in pairs) / total

    left, right = Line.joined(before), Line.joined(after)
    together = left.likeness(right)
    if together < _REBROKEN or together <= told(pairs) + _BROKEN:
        return None
    # Paragraphs that only stand in another order are told one by one, too.
    moved = {b: a for a, b in _homes(before, after)[0]}
    return (left, right) if together > told([(a, b) for b, a in moved.items()]) + _BROKEN else None


def _pair(before: list[Line], after: list[Line]) -> list[tuple[int, int]]:
    """Which paragraphs are versions of one another: the heaviest set of pairs that rises on both sides."""
    width = len(after) + 1
    best = [[0.0] * width for _ in range(len(before) + 1)]
    alike = [[line_a.likeness(line_b) for line_b in after] for line_a in before]
    for a in range(len(before) - 1, -1, -1):
        for b in range(len(after) - 1, -1, -1):
            score = alike[a][b]
            both = best[a + 1][b + 1] + score if score >= _ALIKE else 0.0
            best[a][b] = max(both, best[a + 1][b], best[a][b + 1])
    pairs = []
    a = b = 0
    while a < len(before) and b < len(after):
        if alike[a][b] >= _ALIKE and best[a][b] == best[a + 1][b + 1] + alike[a][b]:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif best[a][b] == best[a + 1][b]:
            a += 1
        else:
            b += 1
    return pairs


def _pair_many(before: list[Line], after: list[Line]) -> list[tuple[int, int]]:
    """The same for large blocks, in linear time: each paragraph with the one that shares most of its rare phrases."""
    votes, shared = _homes(before, after)
    return [(a, b) for a, b in rising(votes) if before[a].is_alike(after[b], shared[a])]


def _homes(before: list[Line], after: list[Line]) -> tuple[list[tuple[int, int]], dict[int, int]]:
    """Each paragraph with the one that shares most of its phrases, in whatever order; and how many these are."""
    is_long = sum(len(line.keys) for line in after) > _LONG
    phrases_a, phrases_b = (
        [line.rare_phrases if is_long else line.phrases for line in lines] for lines in (before, after)
    )
    homes: dict[tuple[str, ...], int] = {}
    for number, phrases in enumerate(phrases_b):
        for phrase in phrases:
            homes[phrase] = -1 if phrase in homes else number
    votes = []
    shared = {}
    for number, phrases in enumerate(phrases_a):
        found = Counter(homes[phrase] for phrase in homes.keys() & phrases)
        found.pop(-1, None)
        if found:
            best = min(found, key=lambda home: (-found[home], abs(home - number)))
            votes.append((number, best))
            shared[number] = found[best]
    return votes, shared


def _removed(line: Line) -> Edit:
    row = Row(kind="removed", before=(Span(line.text, True),))
    return Edit(row, before=line.keys, hunks=((0, len(line.keys), 0, 0),))


def _added(line: Line) -> Edit:
    row = Row(kind="added", after=(Span(line.text, True),))
    return Edit(row, after=line.keys, hunks=((0, 0, 0, len(line.keys)),))


def mark(before: Line, after: Line, budget: Budget) -> Edit:
    """Two versions of one paragraph, word by word."""
    if before.key == after.key:
        return _same(before.text, after.text)
    found = _readable(before.keys, after.keys, hunks(before.keys, after.keys, budget))
    row = Row(
        kind="changed",
        before=_spans(before.tokens, [(low, high) for low, high, _, _ in found]),
        after=_spans(after.tokens, [(low, high) for _, _, low, high in found]),
    )
    return Edit(row, before.keys, after.keys, tuple(found))


def _readable(before: list[str], after: list[str], found: list[Hunk]) -> list[Hunk]:
    """Joins hunks that a character or two of chance keep apart: a reader sees one phrase replaced, not confetti."""
    joined: list[Hunk] = []
    for hunk in found:
        if joined:
            last = joined[-1]
            between = sum(map(weight, before[last[1] : hunk[0]]))
            if between * 2 <= min(_size(before, after, last), _size(before, after, hunk)) and between <= 4:
                joined[-1] = (last[0], hunk[1], last[2], hunk[3])
                continue
        joined.append(hunk)
    return joined


def _size(before: list[str], after: list[str], hunk: Hunk) -> int:
    return max(sum(map(weight, before[hunk[0] : hunk[1]])), sum(map(weight, after[hunk[2] : hunk[3]])))


def _spans(tokens: list[str], changed: list[tuple[int, int]]) -> tuple[Span, ...]:
    spans = []
    at = 0
    for low, high in [*changed, (len(tokens), len(tokens))]:
        for start, end, is_changed in ((at, low, False), (low, high, True)):
            if start < end:
                spans.append(Span("".join(tokens[start:end]), is_changed))
        at = high
    return tuple(spans)


def _name_moves(edits: list[Edit]) -> list[Edit]:
    """Whole paragraphs that were taken out here and put in there have moved."""
    left = Counter(_key(edit.row.before) for edit in edits if edit.row.kind == "removed")
    both = left & Counter(_key(edit.row.after) for edit in edits if edit.row.kind == "added")
    room = {"removed": Counter(both), "added": Counter(both)}
    named = []
    for edit in edits:
        if edit.row.kind in room:
            key = _key(edit.row.before or edit.row.after)
            if len(key) >= _MOVED and room[edit.row.kind][key]:
                room[edit.row.kind][key] -= 1
                edit = Edit(msgspec.structs.replace(edit.row, kind="moved"))
        named.append(edit)
    return named


def _key(spans: tuple[Span, ...]) -> str:
    return squeeze("".join(span.text for span in spans))
