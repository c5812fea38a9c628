"""What goes into a search index and what comes out."""

from typing import Literal

import msgspec

Order = Literal["date", "relevance"]


class SearchDoc(msgspec.Struct, frozen=True, kw_only=True):
    """The current revision of an article, as an index takes it."""

    id: str
    index: int
    """Log index of that revision."""
    outlet: str
    lang: str
    title: str
    text: str
    """Plain text of the body, as plain_text gives it."""
    shown_ms: int
    picture: bool = False
    changed_ms: int = 0
    """When the outlet's last edit was captured; 0: never edited."""


class Text(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Characters that must stand in the article in this order; Latin words as whole words."""

    text: str
    title: bool = False
    """Only in the title."""


class Field(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """outlet, lang, has or changed, with the value as it was typed (folded)."""

    name: str
    value: str


class Span(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Shown from `start_ms` on and before `end_ms`; or edited then."""

    start_ms: int | None = None
    end_ms: int | None = None
    edited: bool = False


class All(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every part holds; all articles where there is none."""

    parts: tuple["Node", ...] = ()


class Any(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """At least one part holds."""

    parts: tuple["Node", ...]


class Not(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The part doesn't hold."""

    part: "Node"


Node = Text | Field | Span | All | Any | Not


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asked for."""

    root: Node
    marks: tuple[str, ...] = ()
    """Texts to be marked in snippets, as typed."""
    notes: tuple[str, ...] = ()
    """Keys of what was not understood: date, field, long, empty."""


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the articles found, in order. Walking all pages gives exactly `total` of them."""

    total: int
    ids: tuple[str, ...]
    outlets: tuple[tuple[str, int], ...] = ()
    """Facet: articles by outlet, most first; only when asked for."""
    months: tuple[tuple[str, int], ...] = ()
    """Facet: articles by month (2023-07), newest first; only when asked for."""
