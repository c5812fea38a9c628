"""A query tree -> row numbers: the texts by FTS5 in as few statements as can be, the rest by the columns."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import compress
from operator import and_
from typing import NamedTuple

from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.search_columns import Columns
from baoguan.backends.sqlite.search_postings import Postings, flags_of
from baoguan.model.search import All, Any, Field, Node, Not, Span, Text
from baoguan.search.analyse import COMMON, phrase, tokens, variants


class Form(NamedTuple):
    """One way to write a text that is asked for."""

    phrase: str
    """For FTS5; empty where a single character is all that is asked for."""
    chars: tuple[str, ...]
    """Single characters that stand in the article, as the beginning or the end of a run or within one."""


def forms(node: Text) -> list[Form]:
    """What a text asks of the index, by each of its variants."""
    found = []
    for form in variants(node.text):
        asked = phrase(form)
        lone = (asked.lone,) if asked.lone else ()
        if asked.prefix and len(asked.tokens) == 1:
            found.append(Form("", (*lone, *asked.tokens)))
        else:
            found.append(Form(f'"{" ".join(asked.tokens)}"{" *" if asked.prefix else ""}', lone))
    return found


def phrase_expression(node: Node) -> str | None:
    """A tree of texts as one FTS5 expression; None where it holds anything else, or a single character."""
    if isinstance(node, Text):
        return _text_expression(node) if node.title or not any(form.chars for form in forms(node)) else None
    return _joined(node, phrase_expression)


def score_expression(node: Node) -> str | None:
    """Likewise, for ranking: of single characters those that begin words, which tells enough; none of the common."""
    if isinstance(node, Text):
        found = forms(node)
        if node.title:
            return _text_expression(node)
        if any(not form.phrase and form.chars[-1] in COMMON for form in found):
            return None
        return f"({' OR '.join(form.phrase or _begins(form.chars[-1]) for form in found)})"
    return _joined(node, score_expression)


def _joined(node: Node, expression: Callable[[Node], str | None]) -> str | None:
    if not isinstance(node, All | Any) or not node.parts:
        return None
    parts = [expression(part) for part in node.parts]
    if None in parts:
        return None
    joint = " AND " if isinstance(node, All) else " OR "
    return f"({joint.join(part for part in parts if part)})"


def _text_expression(node: Text, *, title: bool = False) -> str:
    phrases = []
    for form in forms(node):
        parts = [*([form.phrase] if form.phrase else []), *map(_begins, form.chars)]
        phrases.append(parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})")
    joined = f"({' OR '.join(phrases)})"
    return f"{{title}} : {joined}" if node.title or title else joined


def _begins(char: str) -> str:
    return f'"{char}" *'


_UNPACKED = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


class Matcher:
    """Evaluates one query against one state of the index."""

    def __init__(self, db: sqlite3.Connection, columns: Columns, postings: Postings, block: int) -> None:
        self._db, self._columns, self._postings, self._block = db, columns, postings, block

    def match(self, node: Node) -> list[int]:
        """Row numbers, ascending."""
        if phrase_expression(node) is not None:
            return self._texts(node.parts if isinstance(node, All) else (node,))
        if isinstance(node, Text):
            return self._numbers(self._flags(node))
        if isinstance(node, All):
            return self._all(node.parts)
        if isinstance(node, Any):
            return sorted(set().union(*(self.match(part) for part in node.parts)))
        return list(filter(self._test(node), self._columns.all()))

    def _texts(self, parts: Sequence[Node]) -> list[int]:
        """What holds all parts, each of which is an expression."""
        return self._every([found for part in parts if (found := phrase_expression(part)) is not None])

    def _every(self, expressions: Sequence[str]) -> list[int]:
        """Those that were asked for before from memory; FTS5 is asked for all others together."""
        length = len(self._columns.alive)
        held = {one: self._postings.flags(one, length, self._rows) for one in dict.fromkeys(expressions)}
        others = [one for one, flags in held.items() if flags is None]
        known = [flags for flags in held.values() if flags is not None]
        if not known:
            return self._columns.living(self._rows(" AND ".join(others)))
        both = reduce(and_, known)
        if not others:
            return self._numbers(both)
        flags = (both & int.from_bytes(self._columns.alive, "little")).to_bytes(len(self._columns.alive), "little")
        return [number for number in self._rows(" AND ".join(others)) if number < length and flags[number]]

    def _rows(self, expression: str, start: int = 0, *, table: str = "text") -> list[int]:
        """What FTS5 finds from a row on, ascending.

        As one text: Python's lock is not handed over at every row, so that pages go on.
        """
        sql = f"SELECT group_concat(rowid) FROM {table} WHERE {table} MATCH ? AND rowid >= ?"  # noqa: S608 - fixed words
        found = self._db.execute(sql, (expression, start)).fetchone()[0]
        return sorted(map(int, found.split(","))) if found else []

    def _numbers(self, flags: int) -> list[int]:
        """The rows of flags that stand."""
        alive = self._columns.alive
        both = (flags & int.from_bytes(alive, "little")).to_bytes(len(alive), "little")
        return list(compress(range(len(both)), both))

    def _all(self, parts: Sequence[Node]) -> list[int]:
        """Texts first, in one statement; what is left is tested row by row."""
        texts = tuple(part for part in parts if phrase_expression(part) is not None)
        others = [part for part in parts if part not in texts]
        if texts:
            found = self._texts(texts)
        else:
            inner = next((part for part in others if isinstance(part, Any | All)), None)
            found = self._columns.all() if inner is None else self.match(inner)
            others = [part for part in others if part is not inner]
        for part in others:
            found = list(filter(self._test(part), found))
        return found

    def _test(self, node: Node) -> Callable[[int], bool]:
        if isinstance(node, Field):
            return self._field(node)
        if isinstance(node, Span):
            times = self._columns.changed if node.edited else self._columns.shown
            low = 1 if node.start_ms is None and node.edited else node.start_ms
            low, high = -(1 << 62) if low is None else low, 1 << 62 if node.end_ms is None else node.end_ms
            return lambda number: low <= times[number] < high
        if isinstance(node, Not):
            inside = self._test(node.part)
            return lambda number: not inside(number)
        if isinstance(node, Text) and phrase_expression(node) is None:
            flags = self._flags(node).to_bytes(len(self._columns.alive), "little")
            return lambda number: bool(flags[number])
        numbers = set(self.match(node))
        return numbers.__contains__

    def _field(self, node: Field) -> Callable[[int], bool]:
        columns = self._columns
        if node.name == "has":
            return lambda number: bool(columns.picture[number])
        if node.name == "changed":
            edited = node.value == "yes"
            return lambda number: bool(columns.changed[number]) is edited
        column = columns.outlet if node.name == "outlet" else columns.lang
        wanted = columns.numbers_of(node.value, exact=node.name == "outlet")
        return lambda number: column[number] in wanted

    def _flags(self, node: Text) -> int:
        """The rows that stand and hold the text in one of its forms, as flags_of."""
        found = 0
        for form in forms(node):
            parts = [self._char(char) for char in form.chars]
            if form.phrase:
                parts.append(flags_of(self._rows(form.phrase), len(self._columns.alive)))
            found |= reduce(and_, parts)
        return found & int.from_bytes(self._columns.alive, "little")

    def _char(self, char: str) -> int:
        """The rows that hold a character."""
        if char in COMMON:
            return self._bits(char)
        begins, ends = self._rows(_begins(char)), self._rows(f'"{char}"', table="ends")
        length = len(self._columns.alive)
        return flags_of(begins, length) | flags_of(ends, length)

    def _bits(self, char: str) -> int:
        """Likewise for a common character, from its bitmaps."""
        empty, length = bytes(self._block // 8), len(self._columns.alive)
        numbers = range(length // self._block + 1)
        marks = ",".join("?" * len(numbers))
        sql = f"SELECT block, bits FROM common WHERE block IN ({marks}) AND char = ?"  # noqa: S608
        blocks = dict(self._db.execute(sql, (*numbers, char)))
        packed = b"".join(blocks.get(number, empty) for number in numbers)
        return int.from_bytes(b"".join(map(_UNPACKED.__getitem__, packed))[:length], "little")

    def titled(self, node: Node) -> tuple[list[int] | None, int]:
        """(rows whose title holds all texts that are asked for, tokens of these).

        None where no text is asked for, or a single character: too many titles hold it to tell anything.
        """
        texts = [node] if isinstance(node, Text) else []
        if isinstance(node, All):
            texts = [part for part in node.parts if isinstance(part, Text)]
        if not texts or any(len(variants(text.text)[0]) == 1 for text in texts):
            return (None, 0) if not isinstance(node, Any) else ([], 0)
        titles = [_text_expression(text, title=True) for text in texts]
        return self._every(titles), sum(len(tokens(variants(text.text)[0])) for text in texts)
