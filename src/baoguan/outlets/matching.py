"""Which outlet a page, a feed or an ancestor's folder belongs to; and an outlet for a site that none is known for."""

import hashlib
import re
from collections.abc import Container, Mapping
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from baoguan.errors import ConfigError
from baoguan.model.outlet import Outlet

_KEY_LENGTH = 48


def outlet_for_url(outlets: Mapping[str, Outlet], url: str) -> Outlet | None:
    """The outlet that publishes under a URL, or whose feed it is; None when none is known.

    The longest host name wins. Where the outlet's home is a folder of a larger site (www.bbc.com/zhongwen), only URLs
    under that folder are its own, so that the same publisher's other languages aren't taken for it.
    """
    parts = _split(url)
    if parts is None:
        return None
    bare = _bare(url)
    best: tuple[int, int] = (0, 0)
    found = None
    for outlet in outlets.values():
        for feed in outlet.feeds:
            if bare in feed.url and _bare(feed.url) == bare:
                return outlet
        score = _score(outlet, parts)
        if score > best:
            best, found = score, outlet
    return found


def outlet_for_legacy(outlets: Mapping[str, Outlet], name: str) -> Outlet | None:
    """The outlet that the ancestors kept under a folder, category or author name; `[ 法广 ]` is `法广`."""
    wanted = _plain(name)
    if not wanted:
        return None
    for outlet in outlets.values():
        if any(_plain(legacy) == wanted for legacy in outlet.legacy):
            return outlet
    for outlet in outlets.values():
        if wanted in (outlet.key, _plain(outlet.name), *(_plain(word) for word in outlet.names.values())):
            return outlet
    return None


def adhoc_outlet(source: str, *, title: str = "", taken: Container[str] = ()) -> Outlet:
    """An outlet for a site that none is known for: `source` is its address, or a bare name (an import's folder).

    The key is a slug of the host (`www.example.org/news` -> `example-org`), or of the name; where `taken` holds it, the
    folder of the address is added, then a number. Always the same key for the same arguments. Raises ConfigError for
    an empty source.
    """
    source = source.strip()
    parts = _split(source if "//" in source else f"https://{source}" if _looks_like_host(source) else "")
    if parts is None:
        if not source:
            raise ConfigError("an outlet needs an address or a name")
        return Outlet(key=_free(_slug(source), "", taken), name=title or source, legacy=(source,))
    host = (parts.hostname or "").removeprefix("www.")
    folder = _slug(parts.path) if parts.path.strip("/") else ""
    page = source if "//" in source else f"https://{source}"
    key = _slug(host)
    # The whole site is its home, so that articles outside of the folder are its own; unless the site has an outlet.
    home = page if key in taken else f"{parts.scheme}://{parts.netloc}/"
    return Outlet(key=_free(key, folder, taken), name=title or host, home=home, hosts=(host,), discover=(page,))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def _looks_like_host(source: str) -> bool:
    return re.match(r"[\w-]+(\.[\w-]+)+(?::\d+)?(?:/|$)", source) is not None


@lru_cache(maxsize=4096)
def _bare(url: str) -> str:
    return url.partition("#")[0].partition("://")[2].rstrip("/")


def _score(outlet: Outlet, parts: SplitResult) -> tuple[int, int]:
    """(length of the host that covers the URL, length of the folder); (0, 0) when it isn't the outlet's."""
    host = "." + (parts.hostname or "")
    covering = 0
    for name in outlet.hosts:
        if host.endswith(name) and host[-len(name) - 1] == ".":
            covering = max(covering, len(name))
    if not covering:
        return (0, 0)
    folder = urlsplit(outlet.home).path.strip("/").partition("/")[0]
    path = parts.path.lstrip("/")
    if not folder or path == folder or path.startswith(folder + "/"):
        return (covering, len(folder))
    return (0, 0)


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return name.strip().removeprefix("[").removesuffix("]").strip().casefold()


def _slug(text: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_KEY_LENGTH].strip("-")
    if slug and text.isascii():
        return slug
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{slug}-{digest}" if slug else f"outlet-{digest}"


def _free(key: str, folder: str, taken: Container[str]) -> str:
    if key in taken and folder:
        key = f"{key}-{folder}"[:_KEY_LENGTH].strip("-")
    base, number = key, 2
    while key in taken:
        key = f"{base}-{number}"
        number += 1
    return key
