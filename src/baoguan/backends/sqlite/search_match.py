"""A query tree -> row numbers: the texts by FTS5 in as few statements as can be, the rest by the columns."""

import sqlite3
from collections.abc import Callable, Sequence
from itertools import compress

from baoguan.backends.sqlite.search_columns import Columns
from baoguan.model.search import All, Any, Field, Node, Not, Span, Text
from baoguan.search.analyse import COMMON, phrase, tokens, variants


def phrase_expression(node: Node) -> str | None:
    """A tree of texts as one FTS5 expression; None where it holds anything else."""
    if isinstance(node, Text):
        return None if _common(node) else _text_expression(node)
    if isinstance(node, All | Any) and node.parts:
        parts = [phrase_expression(part) for part in node.parts]
        if None in parts:
            return None
        joint = " AND " if isinstance(node, All) else " OR "
        return f"({joint.join(part for part in parts if part)})"
    return None


def _text_expression(node: Text, *, title: bool = False) -> str:
    phrases = []
    for form in variants(node.text):
        asked = phrase(form)
        text = f'"{" ".join(asked.tokens)}"{" *" if asked.prefix else ""}'
        phrases.append(f'({text} AND "{asked.lone}" *)' if asked.lone else text)
    joined = f"({' OR '.join(phrases)})"
    return f"{{title}} : {joined}" if node.title or title else joined


def _common(node: Text) -> tuple[str, ...]:
    """The characters of a text that is one common character in each of its forms; else empty."""
    forms = variants(node.text)
    found = tuple(form[0] for form in (tokens(form) for form in forms) if len(form) == 1 and form[0] in COMMON)
    return found if len(found) == len(forms) and not node.title else ()


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
            both = int.from_bytes(self._bits(_common(node)), "little") & int.from_bytes(self._columns.alive, "little")
            return list(compress(range(len(self._columns.alive)), both.to_bytes(len(self._columns.alive), "little")))
        if isinstance(node, All):
            return self._all(node.parts)
        if isinstance(node, Any):
            return sorted(set().union(*(self.match(part) for part in node.parts)))
        return list(filter(self._test(node), self._columns.all()))

    def _rows(self, expression: str) -> list[int]:
        """What FTS5 finds, ascending. As one text: Python's lock is not handed over at every row, pages go on."""
        found = self._db.execute("SELECT group_concat(rowid) FROM text WHERE text MATCH ?", (expression,)).fetchone()[0]
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
        if isinstance(node, Text) and (chars := _common(node)):
            flags = self._bits(chars)
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

    def _bits(self, chars: Sequence[str]) -> bytes:
        """For every row a byte: 1 where it holds one of the common characters."""
        marks = ",".join("?" * len(chars))
        rows = self._db.execute(f"SELECT block, bits FROM common WHERE char IN ({marks})", list(chars))  # noqa: S608
        blocks: dict[int, int] = {}
        for block, bits in rows:
            blocks[block] = blocks.get(block, 0) | int.from_bytes(bits, "little")
        size, length = self._block // 8, len(self._columns.alive)
        packed = b"".join(blocks.get(number, 0).to_bytes(size, "little") for number in range(length // self._block + 1))
        return b"".join(map(_UNPACKED.__getitem__, packed))[:length]

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
