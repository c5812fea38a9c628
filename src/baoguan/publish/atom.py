"""Atom 1.0 (RFC 4287) from records; pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from uuid import UUID, uuid5

import msgspec

_SPACE = UUID("5f5c0c1e-6a4d-5c35-9d0b-6f2f0a6d9b11")
"""Namespace of baoguan's ids: never changes, or every reader's read marks are lost."""
# XML 1.0 has no way to write these, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class AtomEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One article in a feed."""

    id: str
    """A URN that outlives the server: see article_urn."""
    title: str
    url: str
    """Our page of it, absolute."""
    via: str = ""
    """Its page at the outlet; left out unless it is http(s)."""
    updated: datetime
    """When the revision was captured. Aware."""
    published: datetime | None = None
    """The publisher's clock; None when it is unknown or known to the day only."""
    authors: tuple[str, ...] = ()
    """At least one name, RFC 4287 4.1.2; the outlet's where the article names nobody."""
    section: str = ""
    lang: str = ""
    content_html: str
    """Sanitised, all URLs absolute."""


class AtomMeta(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a feed."""

    id: str
    title: str
    subtitle: str = ""
    lang: str = ""
    self_url: str
    site_url: str
    updated: datetime
    """Of the newest entry; of the archive while there is none."""
    generator: str = ""


def article_urn(identity: str) -> str:
    """The id of an article in every feed of every mirror: a name-based UUID of its 16 hex digits."""
    return uuid5(_SPACE, f"article/{identity}").urn


def feed_urn(origin: str, outlet: str = "") -> str:
    """The id of an archive's feed, or of that of one outlet."""
    return uuid5(_SPACE, f"feed/{origin}/{outlet}").urn


def change_urn(origin: str, index: int) -> str:
    """The id of a change: the entry of an archive's log that tells it."""
    return uuid5(_SPACE, f"change/{origin}/{index}").urn


def render_atom(meta: AtomMeta, entries: Iterable[AtomEntry]) -> bytes:
    """The feed document, UTF-8. Characters that XML cannot carry are left out."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom"{_lang(meta.lang)}>',
        _text("id", meta.id),
        _text("title", meta.title),
        _text("subtitle", meta.subtitle) if meta.subtitle else "",
        _text("updated", _stamp(meta.updated)),
        _link("self", meta.self_url, "application/atom+xml"),
        _link("alternate", meta.site_url, "text/html"),
        _text("generator", meta.generator) if meta.generator else "",
        *(_entry(entry) for entry in entries),
        "</feed>",
    ]
    return ("\n".join(line for line in lines if line) + "\n").encode()


def _entry(entry: AtomEntry) -> str:
    authors = "".join(f"<author>{_text('name', name)}</author>" for name in entry.authors)
    via = _link("via", entry.via) if entry.via.lower().startswith(("http://", "https://")) else ""
    published = _text("published", _stamp(entry.published)) if entry.published else ""
    section = f'<category term="{_safe(entry.section)}"/>' if entry.section else ""
    return (
        f"<entry{_lang(entry.lang)}>{_text('id', entry.id)}{_text('title', entry.title)}{authors}"
        f"{_text('updated', _stamp(entry.updated))}{published}"
        f"{_link('alternate', entry.url, 'text/html')}{via}{section}"
        f'<content type="html">{_safe(entry.content_html)}</content></entry>'
    )


def _text(tag: str, text: str) -> str:
    return f"<{tag}>{_safe(text)}</{tag}>"


def _link(rel: str, url: str, kind: str = "") -> str:
    type_ = f' type="{kind}"' if kind else ""
    return f'<link rel="{rel}"{type_} href="{_safe(url)}"/>'


def _lang(tag: str) -> str:
    return f' xml:lang="{_safe(tag)}"' if tag else ""


def _safe(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _stamp(at: datetime) -> str:
    # isoformat leaves out zero microseconds; UTC as Z is what the most readers were tested with
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
