"""One picture of an article, and what renditions of one photo share."""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote, urljoin, urlsplit

Resolve = Callable[[str], str]
"""Gives the absolute address of a reference, empty for what isn't on the web."""

_SIZE_SUFFIX = re.compile(
    r"(?:[_-]\d{2,4}x\d{2,4}|_w\d+(?:_r\d+)?(?:_s)?|_r\d+_s_w\d+|-scaled|@\dx|=[swh]\d+[\w-]*)(?=\.\w+$|$)",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"\.(?:webp|jpe?g|png|avif|gif)$", re.IGNORECASE)
_GENERIC = re.compile(
    r"w?\d+x?\d*|image|original|free|master.*|.*\bw_\d+.*|photo|default|large|medium|small|thumb", re.IGNORECASE
)
_INNER_URL = re.compile(r"(?:^|[?&/])(?:url|src|image|img)=([^&]+)|/(https?:/{1,2}[^?]+)")


class Figure:
    """One picture of the article. `start` and `stop` are the nodes that it takes the place of."""

    __slots__ = (
        "alt",
        "candidates",
        "caption",
        "credit",
        "height",
        "key",
        "lead",
        "link",
        "node",
        "start",
        "stop",
        "url",
        "why",
        "width",
    )

    def __init__(self, node: int, url: str) -> None:
        self.node = node
        self.start = node
        self.stop = node + 1
        self.url = url
        self.candidates: tuple[str, ...] = ()
        self.alt = self.caption = self.credit = self.link = self.key = self.why = ""
        self.width: int | None = None
        self.height: int | None = None
        self.lead = False


@lru_cache(maxsize=4096)
def picture_key(url: str) -> str:
    """What renditions of one photo share: the file name without size and format, with its folder when it is generic."""
    inner = _INNER_URL.search(unquote(url))
    try:
        path = urlsplit(inner[1] or inner[2]).path if inner else ""
        if not path or "." not in path:
            path = unquote(urlsplit(url).path)
    except ValueError:
        return url
    parts = [part for part in path.rstrip("/").split("/") if part]
    if not parts:
        return url
    name = _EXTENSION.sub("", _SIZE_SUFFIX.sub("", parts[-1]))
    if _GENERIC.fullmatch(name) or len(name) < 5:
        name = "/".join([*parts[-3:-1], name])
    return name.lower()


def resolver(base: str) -> Resolve:
    """Makes references absolute; empty for what isn't a web address."""

    seen: dict[str, str] = {}

    def resolve(value: str) -> str:
        found = seen.get(value)
        if found is None:
            found = seen[value] = _absolute(base, value)
        return found

    return resolve


def _absolute(base: str, value: str) -> str:
    value = value.strip()
    if not value or value.startswith(("data:", "blob:", "about:", "javascript:", "#", "{", "[", '"')):
        return ""
    whole = value.startswith(("https://", "http://"))
    if whole and value.isascii() and "[" not in value and "]" not in value:
        # What urlsplit refuses is none of this.
        return value.replace(" ", "%20")
    try:
        url = value if whole else urljoin(base, value)
        urlsplit(url)
    except ValueError:
        return ""
    return url.replace(" ", "%20") if url.startswith(("http://", "https://")) else ""
