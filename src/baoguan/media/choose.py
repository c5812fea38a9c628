"""Which address of a picture to ask for, and which addresses are the same photo."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from baoguan.media.proxies import unwrap_proxy
from baoguan.model.article import Picture
from baoguan.model.outlet import Outlet, PictureGrammar

_UNFILLED = re.compile(r"\$\{|\$[a-z]|\{[a-zA-Z]+\}|%7B[a-zA-Z]+%7D")
"""Left in by a page whose script fills it: ${formatId} (DW), $recipe (BBC), {width}."""
_MOST = 8


def choose_picture(picture: Picture, outlet: Outlet | None) -> tuple[str, ...]:
    """The addresses to ask for, best first, at most 8; empty when none is an http(s) address.

    First the largest renditions that the outlet's grammar knows, then the largest that the page offers, then the
    page's own, then its smaller ones; image proxies last, after what they hide. A rendition that isn't there (404),
    or is over the cap, makes the joiner ask for the next one.
    """
    offered = [url for url in (*picture.candidates[:1], picture.url, *picture.candidates[1:]) if url]
    origins = [unwrap_proxy(url) for url in offered]
    largest = [
        url for origin in dict.fromkeys((unwrap_proxy(picture.url), *origins)) for url in _largest(origin, outlet)
    ]
    wanted = dict.fromkeys((*largest, *origins, *offered))
    return tuple(url for url in wanted if _can_be_asked(url))[:_MOST]


def photo_key(url: str, outlet: Outlet | None) -> str:
    """Equal for all renditions of one photo, different for different photos: `host/id.ext`.

    By the outlet's picture grammar where it fits: its groups `id`, `version` and `ext` name the photo, and crops are
    renditions of it; where the expression begins with (?i), ids differ in case alone. Else the address at its origin
    without scheme and fragment.
    """
    rest = _without_scheme(unwrap_proxy(url))
    found = _match(rest, outlet)
    if found is None:
        return rest
    grammar, match = found
    parts = match.groupdict()
    key = f"{grammar.host}/{parts['id']}{parts.get('version') or ''}" + (f".{parts['ext']}" if parts.get("ext") else "")
    return key.lower() if grammar.photo.startswith("(?i)") else key


def _largest(url: str, outlet: Outlet | None) -> list[str]:
    found = _match(_without_scheme(url), outlet)
    if found is None:
        return []
    grammar, match = found
    host = urlsplit(url).netloc
    parts = {name: value or "" for name, value in match.groupdict().items()}
    return [f"https://{host}/{template.format_map(parts)}" for template in grammar.largest]


def _match(rest: str, outlet: Outlet | None) -> tuple[PictureGrammar, re.Match[str]] | None:
    for grammar in outlet.pictures if outlet is not None else ():
        host = rest.partition("/")[0].lower()
        if (host == grammar.host or host.endswith("." + grammar.host)) and (
            match := _pattern(grammar.photo).search(rest)
        ):
            return grammar, match
    return None


@lru_cache(maxsize=512)
def _pattern(photo: str) -> re.Pattern[str]:
    return re.compile(photo)


def _without_scheme(url: str) -> str:
    return url.partition("#")[0].partition("://")[2] or url.partition("#")[0].removeprefix("//")


def _can_be_asked(url: str) -> bool:
    return url.startswith(("https://", "http://")) and not _UNFILLED.search(url)
