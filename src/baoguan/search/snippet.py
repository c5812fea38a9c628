"""Snippets: the part of a text where the query stands, with marks, in the original script."""

import re
import unicodedata
from array import array
from collections.abc import Iterable
from functools import lru_cache

from baoguan.search.analyse import CJK, fold, variants

_NEAR = 1500
_SPACES = re.compile(r"\s+")
_WORD = re.compile(f"[^\\W_{CJK}]")


@lru_cache(256)  # a page of results asks for the same words with every article
def _patterns(query: str) -> tuple[re.Pattern[str], ...]:
    return tuple(pattern for form in variants(query) if (pattern := _pattern(form)) is not None)


def find_marks(text: str, queries: Iterable[str]) -> list[tuple[int, int]]:
    """Spans of `text` that the queries match, merged and in order; offsets are those of the original."""
    return _spans(_Folded(text), queries, len(text))


def snippet(text: str, queries: Iterable[str], *, width: int = 120) -> list[tuple[str, bool]]:
    """Pieces of one line of about `width` characters around the first match: (text, whether it is marked).

    Without a match: the beginning.
    """
    return Passage(text).snippet(queries, width=width)


class Passage:
    """A text of which snippets are made, again and again: its beginning is folded once."""

    __slots__ = ("_head", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._head: _Folded | None = None

    @property
    def size_bytes(self) -> int:
        """Of memory, about, with the folded beginning."""
        return 2 * len(self.text) + 4 * min(len(self.text), _NEAR) + 400

    def snippet(self, queries: Iterable[str], *, width: int = 120) -> list[tuple[str, bool]]:
        """As the function of that name."""
        text, queries = self.text, tuple(queries)
        if self._head is None:
            self._head = _Folded(text[:_NEAR])
        # The first match is mostly near the beginning: folding a whole text costs more than all the rest of a page.
        spans = _spans(self._head, queries, width)
        if (not spans or spans[0][0] > _NEAR - 4 * width) and len(text) > _NEAR:
            spans = _spans(_Folded(text[:200_000]), queries, width)
        return _pieces(text, spans, width)


def _pieces(text: str, spans: list[tuple[int, int]], width: int) -> list[tuple[str, bool]]:
    first = spans[0][0] if spans else 0
    start = max(0, first - width // 4)
    if start:
        cut = max(text.rfind(sign, start, first) for sign in "。！？\n")
        start = cut + 1 if cut >= 0 else start
    end = min(len(text), start + width)
    pieces: list[tuple[str, bool]] = [("…", False)] if start > 0 else []
    at = start
    for low, high in spans:
        if low >= end:
            break
        if high <= at:
            continue
        pieces += [(text[at:low], False), (text[max(low, at) : min(high, end)], True)]
        at = min(high, end)
    pieces.append((text[at:end], False))
    if end < len(text):
        pieces.append(("…", False))
    return [(_SPACES.sub(" ", piece), marked) for piece, marked in pieces if piece]


def _spans(folded: "_Folded", queries: Iterable[str], width: int) -> list[tuple[int, int]]:
    """Spans that begin within `width` of the first one, merged; offsets of the original."""
    patterns = [pattern for query in queries for pattern in _patterns(query)]
    firsts = [(found.start(), pattern) for pattern in patterns if (found := pattern.search(folded.text)) is not None]
    if not firsts:
        return []
    place = folded.place
    end = place(min(start for start, _ in firsts)) + width
    spans: list[tuple[int, int]] = []
    for start, pattern in firsts:
        for hit in pattern.finditer(folded.text, start):
            low = place(hit.start())
            if low >= end:
                break
            spans.append((low, place(hit.end() - 1) + 1))
    return _merged(sorted(spans))


def _pattern(folded: str) -> re.Pattern[str] | None:
    """The folded query with anything that is no letter allowed between its runs; letters as whole words."""
    runs = re.findall(f"[{CJK}]+|[^\\W_{CJK}]+", folded)
    if not runs:
        return None
    body = r"[\W_]*".join(map(re.escape, runs))
    before = f"(?<![^\\W_{CJK}])" if _WORD.match(runs[0]) else ""
    after = f"(?![^\\W_{CJK}])" if _WORD.match(runs[-1]) else ""
    return re.compile(before + body + after)


class _Folded:
    """A folded text that knows for each of its characters the offset of the original that it comes from."""

    __slots__ = ("_places", "text")

    def __init__(self, text: str) -> None:
        self._places: array[int] | None = None
        self.text = fold(text)
        if len(self.text) != len(text):
            self.text, self._places = _aligned(text)

    def place(self, offset: int) -> int:
        """In the original."""
        return offset if self._places is None else self._places[offset]


def _aligned(text: str) -> tuple[str, "array[int]"]:
    """Character by character: for texts that folding made longer or shorter."""
    pieces: list[str] = []
    places = array("I")
    for offset, char in enumerate(text):
        piece = char if char.isascii() else unicodedata.normalize("NFKC", char)
        pieces.append(piece)
        places.extend([offset] * len(piece))
    again = fold("".join(pieces))
    if len(again) != len(places):
        pieces = [fold(char) for char in text]
        places = array("I", [offset for offset, piece in enumerate(pieces) for _ in piece])
        again = "".join(pieces)
    return again, places


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in spans:
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged
