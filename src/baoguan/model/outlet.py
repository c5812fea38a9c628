"""Outlets: who publishes, where, and what the generic reader gets wrong about their pages."""

import msgspec


class FeedSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that an outlet is known for."""

    url: str
    title: str = ""


class RuleVersion(msgspec.Struct, frozen=True, kw_only=True):
    """How pages of an outlet are read, until a date. Names only what the generic extractor gets wrong.

    Every list holds CSS selectors, tried in order, or `ld:path` / `next:path` for JSON-LD and embedded JSON, which are
    asked where no selector finds anything. `a.byline @title` reads an attribute in place of the text.
    """

    since: str = ""
    """YYYY-MM-DD of the first capture that it holds for; empty: from the start."""
    until: str = ""
    """YYYY-MM-DD after which it holds no more; empty: still holds."""
    body: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    caption: tuple[str, ...] = ()
    credit: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()
    """Literal (from, to) in URLs of pictures: ${formatId} -> 906."""
    patch: tuple[tuple[str, str], ...] = ()
    """Literal (from, to) in the page's mark-up before it is read."""


class PictureGrammar(msgspec.Struct, frozen=True, kw_only=True):
    """How a CMS writes the renditions of one photo."""

    host: str
    """gdb.voanews.com"""
    photo: str
    """Regular expression on the URL without scheme; group `id` names the photo whatever its rendition.

    Other groups that mean something: version, ext, width (pixels of this rendition), crop (the part of the photo).
    """
    key: str = ""
    """Template of the photo's name; empty: {id}{version}.{ext}, as far as there are such groups."""
    site: str = ""
    """Stands for the host in the name, where several hosts share their photos; empty: the host."""
    largest: tuple[str, ...] = ()
    """Templates of group names, tried in order, for the largest rendition: {id}.{ext}."""


class Outlet(msgspec.Struct, frozen=True, kw_only=True):
    """One publisher in one language."""

    key: str
    """voa-zh: also its folder under articles/."""
    name: str
    names: dict[str, str] = {}
    """Name by UI language: zh-Hans, zh-Hant, ja, en."""
    home: str = ""
    language: str = ""
    zone: str = ""
    """IANA name of the zone of clocks without one: Asia/Shanghai."""
    state: str = "live"
    """live, quiet or closed."""
    since: str = ""
    """YYYY or YYYY-MM since when it is quiet or closed."""
    hosts: tuple[str, ...] = ()
    """Host names of its pages; a name covers its sub-domains."""
    feeds: tuple[FeedSpec, ...] = ()
    discover: tuple[str, ...] = ()
    """Pages on which its feeds are found when none is written here."""
    rules: tuple[RuleVersion, ...] = ()
    pictures: tuple[PictureGrammar, ...] = ()
    drop_params: tuple[str, ...] = ()
    """Query parameters of its URLs that say nothing about the article."""
    legacy: tuple[str, ...] = ()
    """Folder and category names under which the ancestors kept it: voa, 美国之音, VOA."""
    proxy: str = ""
    """http:// or socks5:// for this outlet alone (set by the operator)."""
    serve: str = "all"
    """What readers and exports are given of what is kept: all, no-text, no-pictures or headlines (operator)."""
    note: str = ""
