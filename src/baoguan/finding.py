"""What a search finds: asks the index, then the texts of the few articles that a page shows, for snippets of them."""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

import msgspec

from baoguan.desk import Desk
from baoguan.errors import ConfigError, NotFound
from baoguan.model.search import All, Field, Not, Order
from baoguan.publish.markdown import record_body
from baoguan.search.query import parse_query
from baoguan.search.snippet import Passage
from baoguan.text.html import plain_text
from baoguan.text.zones import zone_of

BYTES = 24_000_000
"""Of texts that are held for the next search: about 4,000 articles."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An article that a search found."""

    id: str
    outlet: str
    title: str
    url: str
    lang: str
    shown_ms: int
    snippet: tuple[tuple[str, bool], ...] = ()
    """Pieces of text, and whether each is what was asked for."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found."""

    query: str
    total: int
    found: tuple[Found, ...]
    outlets: tuple[tuple[str, int], ...] = ()
    months: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    """What of the query was not understood; see model.search.Query."""


def find(
    desk: Desk,
    text: str,
    *,
    order: Order = "relevance",
    start: int = 0,
    limit: int = 30,
    facets: bool = False,
    without: Sequence[str] = (),
    passages: "Passages | None" = None,
) -> Findings:
    """Searches, and takes the title and a snippet of each article found. Raises ConfigError where search is off.

    `without`: outlets that are left out (serving.silent_outlets for what readers see). `passages`: texts that were
    read for other searches.
    """
    if desk.search is None:
        raise ConfigError('search is off: set search = "fts5" in baoguan.toml, or BAOGUAN_SEARCH=fts5')
    query = parse_query(text, zone_of(desk.settings.zone))
    if without:
        left_out = tuple(Not(part=Field(name="outlet", value=key.lower())) for key in without)
        query = msgspec.structs.replace(query, root=All(parts=(query.root, *left_out)))
    page = desk.search.search(query, order=order, start=start, limit=limit, facets=facets)
    return Findings(
        query=text,
        total=page.total,
        found=_found(desk, page.ids, query.marks, passages or Passages()),
        outlets=page.outlets,
        months=page.months,
        notes=query.notes,
    )


def _found(desk: Desk, ids: Sequence[str], marks: tuple[str, ...], passages: "Passages") -> tuple[Found, ...]:
    rows = desk.catalog.standing(ids)
    texts = passages.of(desk, {identity: row.index for identity, row in rows.items()})
    return tuple(
        Found(
            id=identity,
            outlet=row.outlet,
            title=row.title,
            url=row.url,
            lang=row.lang,
            shown_ms=row.shown_ms,
            snippet=tuple(texts[identity].snippet(marks)),
        )
        for identity in ids
        if (row := rows.get(identity)) is not None
    )


class Passages:
    """Texts of revisions by log index, at most `limit_bytes`; for several threads, the lock guards the table.

    A revision that was withdrawn is in no index and no catalogue any more, so that nobody asks for it here.
    """

    def __init__(self, limit_bytes: int = BYTES) -> None:
        self._limit = limit_bytes
        self._lock = Lock()
        self._held: OrderedDict[int, Passage] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """Of memory, about."""
        return self._bytes

    def of(self, desk: Desk, indexes: dict[str, int]) -> dict[str, Passage]:
        """The texts of articles whose current revision has that log index; empty where there is no record."""
        found: dict[str, Passage] = {}
        with self._lock:
            for identity, index in indexes.items():
                held = self._held.get(index)
                if held is not None:
                    self._held.move_to_end(index)
                    found[identity] = held
        missing = [identity for identity in indexes if identity not in found]
        paths = desk.catalog.record_paths(missing) if missing else {}
        for identity in missing:
            found[identity] = passage = Passage(_text(desk, paths.get(identity, "")))
            self._keep(indexes[identity], passage)
        return found

    def _keep(self, index: int, passage: Passage) -> None:
        with self._lock:
            old = self._held.pop(index, None)
            self._held[index] = passage
            self._bytes += passage.size_bytes - (old.size_bytes if old else 0)
            while self._bytes > self._limit:
                self._bytes -= self._held.popitem(last=False)[1].size_bytes


def _text(desk: Desk, path: str) -> str:
    with suppress(NotFound):
        return plain_text(record_body(desk.archive.objects.get(path))) if path else ""
    return ""
