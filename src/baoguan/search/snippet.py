"""Snippets: the part of a text where the query stands, with marks, in the original script."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from baoguan.search.analyse import CJK, fold, variants

_NEAR = 1500
_WORD = re.compile(f"[^\\W_{CJK}]")


@lru_cache(256)  # a page of results asks for the same words with every article
def _patterns(query: str) -> tuple[re.Pattern[str], ...]:
    return tuple(pattern for form in variants(query) if (pattern := _pattern(form)) is not None)


def find_marks(text: str, queries: Iterable[str]) -> list[tuple[int, int]]:
    """Spans of `text` that the queries match, merged and in order; offsets are those of the original."""
    folded, places = _aligned(text)
    spans: list[tuple[int, int]] = []
    for query in queries:
        for pattern in _patterns(query):
            spans += ((places[hit.start()], places[hit.end() - 1] + 1) for hit in pattern.finditer(folded))
    return _merged(sorted(spans))


def snippet(text: str, queries: Iterable[str], *, width: int = 120) -> list[tuple[str, bool]]:
    """Pieces of one line of about `width` characters around the first match: (text, whether it is marked).

    Without a match: the beginning.
    """
    queries = tuple(queries)
    # The first match is mostly near the beginning: folding a whole text costs more than all the rest of a page.
    spans = find_marks(text[:_NEAR], queries)
    if not spans or spans[0][0] > _NEAR - 4 * width:
        spans = find_marks(text[:200_000], queries) if len(text) > _NEAR else spans
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
    return [(re.sub(r"\s+", " ", piece), marked) for piece, marked in pieces if piece]


def _pattern(folded: str) -> re.Pattern[str] | None:
    """The folded query with anything that is no letter allowed between its runs; letters as whole words."""
    runs = re.findall(f"[{CJK}]+|[^\\W_{CJK}]+", folded)
    if not runs:
        return None
    body = r"[\W_]*".join(map(re.escape, runs))
    before = f"(?<![^\\W_{CJK}])" if _WORD.match(runs[0]) else ""
    after = f"(?![^\\W_{CJK}])" if _WORD.match(runs[-1]) else ""
    return re.compile(before + body + after)


def _aligned(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the offset of the original that it comes from."""
    folded = fold(text)
    if len(folded) == len(text):
        return folded, list(range(len(text)))
    pieces: list[str] = []
    places: list[int] = []
    for offset, char in enumerate(text):
        piece = char if char.isascii() else unicodedata.normalize("NFKC", char)
        pieces.append(piece)
        places += [offset] * len(piece)
    again = fold("".join(pieces))
    if len(again) != len(places):
        pieces = [fold(char) for char in text]
        places = [offset for offset, piece in enumerate(pieces) for _ in piece]
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
