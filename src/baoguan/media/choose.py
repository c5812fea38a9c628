"""Which address of a picture to ask for, and which addresses are the same photo."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from baoguan.media.proxies import unwrap_proxy
from baoguan.model.article import Picture
from baoguan.model.outlet import Outlet, PictureGrammar

_UNFILLED = re.compile(r"\$\{|\$[a-z]|\{[a-zA-Z]+\}|%7B[a-zA-Z]+%7D")
"""Left in by a page whose script fills it: ${formatId} (DW), $recipe (BBC), {width}."""
_MOST = 8
_LONGEST = 4000
"""Characters of an address that a grammar is tried on: expressions must not meet a hostile page's megabyte."""


class PhotoName(msgspec.Struct, frozen=True, kw_only=True):
    """What an address says about a photo."""

    key: str
    """Equal for all renditions of one photo, different for different photos."""
    width: int = 0
    """Pixels that the address asks for; 0 where it names none."""
    crop: str = ""
    """The part of the photo that it asks for, as it stands there; empty for the whole."""
    known: bool = False
    """A grammar fits; else the key is the address without scheme and fragment."""
    largest: tuple[str, ...] = ()
    """Addresses of its largest renditions, best first."""
    spellings: tuple[tuple[str, ...], ...] = ()
    """Other spellings of each of `largest`, where ids differ in case alone: the one with a lower-case id first."""


class Grammars:
    """The picture grammars of many outlets, by host: a photo of VOA is known in an article of DW too."""

    def __init__(self, outlets: Iterable[Outlet] = ()) -> None:
        self._by_host: dict[str, list[PictureGrammar]] = {}
        for outlet in outlets:
            for grammar in outlet.pictures:
                same = self._by_host.setdefault(grammar.host, [])
                if grammar not in same:
                    same.append(grammar)

    def of(self, host: str) -> Iterator[PictureGrammar]:
        """Those for a host, its own before those of the domains above it."""
        while host:
            yield from self._by_host.get(host, ())
            host = host.partition(".")[2]


def choose_picture(picture: Picture, outlet: Outlet | None, others: Grammars | None = None) -> tuple[str, ...]:
    """The addresses to ask for, best first, at most 8; empty when none is an http(s) address.

    First the largest renditions that the outlet's grammar (else one of `others`) knows, then the largest that the page
    offers, then the page's own, then its smaller ones; image proxies last, after what they hide. A rendition that isn't
    there (404), or is over the cap, makes the joiner ask for the next one.
    """
    offered = [url for url in (*picture.candidates[:1], picture.url, *picture.candidates[1:]) if url]
    origins = [unwrap_proxy(url) for url in offered]
    largest = [
        url
        for origin in dict.fromkeys((unwrap_proxy(picture.url), *origins))
        for url in read_photo(origin, outlet, others).largest
    ]
    wanted = dict.fromkeys((*largest, *origins, *offered))
    return tuple(url for url in wanted if _can_be_asked(url))[:_MOST]


def photo_key(url: str, outlet: Outlet | None, others: Grammars | None = None) -> str:
    """Equal for all renditions of one photo, different for different photos; see read_photo."""
    return read_photo(url, outlet, others).key


def read_photo(url: str, outlet: Outlet | None, others: Grammars | None = None) -> PhotoName:
    """What an address, or the one inside of a proxy's, says about its photo; never raises.

    By the outlet's picture grammars, then by `others`. The key is the grammar's `site` and its `key` filled in; where
    the expression begins with (?i), ids differ in case alone. Without a grammar: the address at its origin.
    """
    origin = unwrap_proxy(url)
    rest = _without_scheme(origin)
    found = _match(rest, outlet, others)
    if found is None:
        return PhotoName(key=rest)
    grammar, match = found
    parts = {name: value or "" for name, value in match.groupdict().items()}
    key = f"{grammar.site or grammar.host}/{(grammar.key or _default_key(parts)).format_map(parts)}"
    site = "{}://{}/".format(*_site(origin))
    loose = grammar.photo.startswith("(?i)")
    ids = [parts | {"id": parts["id"].lower()}, parts | {"id": parts["id"].upper()}] if loose else []
    return PhotoName(
        key=key.lower() if loose else key,
        width=int(parts["width"][:6]) if parts.get("width", "").isdecimal() else 0,
        crop=parts.get("crop", ""),
        known=True,
        largest=tuple(site + template.format_map(parts) for template in grammar.largest),
        spellings=tuple(tuple(site + template.format_map(one) for one in ids) for template in grammar.largest),
    )


def _default_key(parts: dict[str, str]) -> str:
    return "{id}" + ("{version}" if "version" in parts else "") + (".{ext}" if parts.get("ext") else "")


def _site(url: str) -> tuple[str, str]:
    """(scheme, host): https, but where a port is named."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "https", ""
    return (parts.scheme, parts.netloc) if port and parts.scheme == "http" else ("https", parts.netloc)


def _match(rest: str, outlet: Outlet | None, others: Grammars | None) -> tuple[PictureGrammar, re.Match[str]] | None:
    host = rest.partition("/")[0].partition(":")[0].lower()
    if not host or len(rest) > _LONGEST:
        return None
    own = [
        grammar
        for grammar in (outlet.pictures if outlet is not None else ())
        if host == grammar.host or host.endswith("." + grammar.host)
    ]
    for grammar in (*own, *(others.of(host) if others is not None else ())):
        match = _pattern(grammar.photo).search(rest)
        if match is not None:
            return grammar, match
    return None


@lru_cache(maxsize=512)
def _pattern(photo: str) -> re.Pattern[str]:
    return re.compile(photo)


def _without_scheme(url: str) -> str:
    return url.partition("#")[0].partition("://")[2] or url.partition("#")[0].removeprefix("//")


def _can_be_asked(url: str) -> bool:
    return url.startswith(("https://", "http://")) and not _UNFILLED.search(url)
