"""Which elements say what: the names of each field in the order in which they are asked, and an item's own."""

from collections.abc import Iterable
from functools import lru_cache

import msgspec

TITLES = ("title", "dc:title", "atom:title", "media:title", "itunes:title")
SUMMARIES = (
    "description", "summary", "atom:summary", "dc:description", "abstract", "dcterms:abstract", "itunes:summary",
    "googleplay:description", "media:description", "itunes:subtitle",
)  # fmt: skip
CONTENTS = (
    "content:encoded", "content", "atom:content", "xhtml:body", "xhtml:div", "fullitem", "body", "content:items",
)  # fmt: skip
PUBLISHED = (
    "pubdate", "published", "atom:published", "issued", "dc:date", "dcterms:issued", "dcterms:created", "created",
    "date", "dcterms:date", "atom:issued", "atom:created",
)  # fmt: skip
UPDATED = ("updated", "atom:updated", "modified", "dcterms:modified", "lastbuilddate", "lastmod", "atom:modified")
AUTHORS = (
    "author", "dc:creator", "dc:author", "atom:author", "itunes:author", "googleplay:author", "dc:contributor",
    "creator",
)  # fmt: skip
CATEGORIES = ("category", "atom:category", "dc:subject", "itunes:category", "media:category")
LINKS = ("link", "atom:link")
RIGHTS = ("rights", "copyright", "atom:rights", "dc:rights", "dcterms:rights", "media:copyright")
SOURCES = ("source", "atom:source", "dc:source")
MEDIA = frozenset(
    (
        "enclosure", "media:content", "media:group", "media:thumbnail", "media:peerlink", "itunes:image", "image",
        "image:image", "thumbnail",
    )
)  # fmt: skip
_MAX_PLANS = 64
_REMEMBERED_NAMES = 40


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The names of each field that an item has, so that those which it lacks are not asked for item after item."""

    titles: tuple[str, ...]
    summaries: tuple[str, ...]
    contents: tuple[str, ...]
    published: tuple[str, ...]
    updated: tuple[str, ...]
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    links: tuple[str, ...]
    rights: tuple[str, ...]
    sources: tuple[str, ...]
    media: bool


class Plans:
    """Plans of one document by the names of an item's children: most feeds need two or three."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, ...], Plan] = {}

    def of(self, names: Iterable[str]) -> Plan:
        """The plan of an item whose children bear these names."""
        key = tuple(names)
        plan = self._plans.get(key)
        if plan is None:
            plan = (
                _remembered(key)
                if len(key) < _REMEMBERED_NAMES and max(map(len, key), default=0) < 50
                else plan_of(key)
            )
            if len(self._plans) < _MAX_PLANS:
                self._plans[key] = plan
        return plan


def plan_of(key: tuple[str, ...]) -> Plan:
    """The plan of an item whose children bear these names."""
    names = frozenset(key)

    def present(words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word for word in words if word in names)

    return Plan(
        titles=present(TITLES),
        summaries=present(SUMMARIES),
        contents=present(CONTENTS),
        published=present(PUBLISHED),
        updated=present(UPDATED),
        authors=present(AUTHORS),
        categories=present(CATEGORIES),
        links=present(LINKS),
        rights=present(RIGHTS),
        sources=present(SOURCES),
        media=not MEDIA.isdisjoint(names),
    )


_remembered = lru_cache(maxsize=256)(plan_of)
"""Feeds share the shapes of their items."""
