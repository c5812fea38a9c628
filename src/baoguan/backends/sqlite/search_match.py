"""A query tree -> row numbers: the texts by FTS5 in as few statements as can be, the rest by the columns."""

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import compress
from operator import and_
from typing import NamedTuple

from baoguan.backends.sqlite.search_columns import Columns
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
    if isinstance(node, All | Any) and node.parts:
        parts = [phrase_expression(part) for part in node.parts]
        if None in parts:
            return None
        joint = " AND " if isinstance(node, All) else " OR "
        return f"({joint.join(part for part in parts if part)})"
    return None


def score_expression(node: Node) -> str | None:
    """Likewise, for ranking: single characters as beginnings alone, which tells enough; none of the common ones."""
    if isinstance(node, Text):
        return None if any(form.chars and form.chars[-1] in COMMON for form in forms(node)) else _text_expression(node)
    if isinstance(node, All | Any) and node.parts:
        parts = [score_expression(part) for part in node.parts]
        if None in parts:
            return None
        joint = " AND " if isinstance(node, All) else " OR "
        return f"({joint.join(part for part in parts if part)})"
    return None


def _text_expression(node: Text, *, title: bool = False) -> str:
    phrases = []
    for form in forms(node):
        parts = [*([form.phrase] if form.phrase else []), *(f'"{char}" *' for char in form.chars)]
        phrases.append(parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})")
    joined = f"({' OR '.join(phrases)})"
    return f"{{title}} : {joined}" if node.title or title else joined


_UNPACKED = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


class Matcher:
    """Evaluates one query against one state of the index."""

    def __init__(self, db: sqlite3.Connection, columns: Columns, block: int) -> None:
        self._db, self._columns, self._block = db, columns, block

    def match(self, node: Node) -> list[int]:
        """Row numbers, ascending."""
        expression = phrase_expression(node)
        if expression is not None:
            return self._columns.living(self._rows(expression))
        if isinstance(node, Text):
            return list(compress(range(len(self._columns.alive)), self._flags(node)))
        if isinstance(node, All):
            return self._all(node.parts)
        if isinstance(node, Any):
            return sorted(set().union(*(self.match(part) for part in node.parts)))
        return list(filter(self._test(node), self._columns.all()))

    def _rows(self, expression: str, table: str = "text") -> list[int]:
        """What FTS5 finds, ascending. As one text: Python's lock is not handed over at every row, pages go on."""
        sql = f"SELECT group_concat(rowid) FROM {table} WHERE {table} MATCH ?"  # noqa: S608 - fixed words
        found = self._db.execute(sql, (expression,)).fetchone()[0]
        return sorted(map(int, found.split(","))) if found else []

    def _all(self, parts: Sequence[Node]) -> list[int]:
        """Texts first, in one statement; what is left is tested row by row."""
        texts = tuple(part for part in parts if phrase_expression(part) is not None)
        others = [part for part in parts if part not in texts]
        if texts:
            found = self.match(All(parts=texts) if len(texts) > 1 else texts[0])
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
            flags = self._flags(node)
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

    def _flags(self, node: Text) -> bytes:
        """For every row a byte: 1 where it stands and holds the text in one of its forms."""
        found = 0
        for form in forms(node):
            parts = [self._char(char) for char in form.chars]
            if form.phrase:
                parts.append(self._marked(self._rows(form.phrase)))
            found |= reduce(and_, parts)
        alive = self._columns.alive
        return (found & int.from_bytes(alive, "little")).to_bytes(len(alive), "little")

    def _char(self, char: str) -> int:
        """The rows that hold a character, as a number of one byte each."""
        if char in COMMON:
            return self._bits(char)
        begins = self._rows(f'"{char}" *')
        ends = self._rows(f'"{char}"', table="ends")
        return self._marked(begins) | self._marked(ends)

    def _marked(self, numbers: Sequence[int]) -> int:
        flags = bytearray(len(self._columns.alive))
        for number in numbers[: bisect_left(numbers, len(flags))]:
            flags[number] = 1
        return int.from_bytes(flags, "little")

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
        expression = " AND ".join(_text_expression(text, title=True) for text in texts)
        return self._rows(expression), sum(len(tokens(variants(text.text)[0])) for text in texts)
