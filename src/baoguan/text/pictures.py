"""Pictures in mark-up: which of the addresses of an <img> is the picture, and what proxies hide."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

Resolve = Callable[[str], str]
"""Gives the absolute http(s) address of a reference as written, or the empty string."""

_LAZY = (
    "data-src", "data-original", "data-lazy-src", "data-lazy", "data-actualsrc", "data-echo", "data-url",
    "data-img-src", "data-image",
)  # fmt: skip
_LARGER = ("data-hi-res-src", "data-full-src", "data-large-file", "data-orig-file")
"""Larger renditions for a script; they stand for `src` only where that shows nothing."""
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-original-set", "srcset")
_NAMES = frozenset((*_LAZY, *_LARGER))
_CHOICES = _NAMES.union(_LAZY_SETS)
_PLACEHOLDER = re.compile(
    r"(?:blank|spacer|placeholder|transparent|lazy|loading|grey|1x1|pixel)[^/]*\.(?:gif|png|svg)(?:$|\?)"
)
_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|[?#])", re.IGNORECASE)
_SRCSET = re.compile(r"\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)([wxh])[^,]*)?\s*(?:,|$)")
_WESERV = re.compile(r"^(?:https?:)?//(?:images\.weserv\.nl|wsrv\.nl)/?\?(?:[^#]*?&)??url=(.+)$", re.IGNORECASE)
_SIZE = re.compile(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*$")
_CAP = 64


def unwrap_proxy(url: str) -> str:
    """The https address at its origin of a picture that is asked for through images.weserv.nl; other URLs as they are.

    Both ancestors' forms: `?url=HOST/PATH` and `/?url=`, raw or percent-encoded, with or without `ssl:`.
    """
    if "url=" not in url or (match := _WESERV.match(url)) is None:
        return url
    inner = match[1]
    head = inner.partition("/")[0]
    if "%" in head and "%2f" in inner.lower():
        inner = unquote(inner.partition("&")[0])
    elif "?" not in inner:
        inner = inner.partition("&")[0]
    inner = inner.removeprefix("ssl:")
    if inner.startswith("//"):
        return "https:" + inner
    scheme, mark, rest = inner.partition("://")
    if mark:
        return f"https://{rest}" if scheme.lower() in ("http", "https") else url
    return "https://" + inner


def parse_srcset(value: str) -> list[tuple[float, str]]:
    """(width or density, reference) of each candidate of a `srcset`, as written; at most 64."""
    found = []
    for match in _SRCSET.finditer(value[:20_000]):
        found.append((float(match[2] or 1) if (match[2] or "1").count(".") < 2 else 1.0, match[1]))
        if len(found) == _CAP:
            break
    return found


def size_of(value: str | None) -> int | None:
    """Pixels of a width or height attribute; None for none, percent and other units."""
    if not value or value[-1] == "%":
        return None
    match = _SIZE.match(value)
    return int(match[1]) if match else None


def is_picture_file(url: str) -> bool:
    """Whether an address ends like a picture file."""
    return _PICTURE_FILE.search(url) is not None


def _stated(attributes: Mapping[str, str | None], extra: list[str]) -> tuple[list[str], str, list[str], list[str]]:
    """Lazy-load attributes, `src` where it is no placeholder, larger renditions, srcsets with `extra`."""
    source = attributes.get("src") or ""
    names = attributes.keys() & _NAMES if len(attributes) > 1 else ()
    sets = [value for name in _LAZY_SETS if (value := attributes.get(name))] + extra
    lazy = [value for name in _LAZY if name in names and (value := attributes[name])]
    larger = [value for name in _LARGER if name in names and (value := attributes[name])]
    if not lazy and not larger and not sets:
        if not source or source.startswith("data:"):
            source = next((v for k, v in attributes.items() if v and k.startswith("data-") and is_picture_file(v)), "")
    elif source.startswith("data:") or _PLACEHOLDER.search(source):
        source = ""
    return lazy, source, larger, sets


def _ranked(sets: list[str]) -> list[tuple[float, str]]:
    return sorted((pair for value in sets for pair in parse_srcset(value)), key=lambda pair: -pair[0])


def first_source(attributes: Mapping[str, str | None], extra: list[str], resolve: Resolve) -> str:
    """The address that choose_source gives, without looking at the others."""
    lazy, source, larger, sets = _stated(attributes, extra)
    for value in (*lazy, source, *larger):
        if value and (url := resolve(value)):
            return url
    return next((url for _, value in _ranked(sets) if (url := resolve(value))), "")


def choose_source(
    attributes: Mapping[str, str | None], extra: list[str], resolve: Resolve
) -> tuple[str, tuple[str, ...]]:
    """The address of an <img> (or amp-img) and its other renditions, largest first.

    A lazy-load attribute wins over `src`, which is then a placeholder; `extra` are the srcsets of sibling <source>.
    """
    if not extra and _CHOICES.isdisjoint(attributes) and (plain := attributes.get("src")) and plain[:5] != "data:":
        return resolve(plain), ()
    lazy, source, larger, sets = _stated(attributes, extra)
    if not lazy and not larger and not sets:
        return resolve(source), ()
    ranked = _ranked(sets)
    urls = dict.fromkeys(
        url for value in (*lazy, source, *larger, *(url for _, url in ranked)) if value and (url := resolve(value))
    )
    if not urls:
        return "", ()
    first = next(iter(urls))
    largest = dict.fromkeys(url for _, value in ranked if (url := resolve(value)) and url != first)
    largest = dict.fromkeys(url for value in larger if value and (url := resolve(value)) and url != first) | largest
    return first, (*largest, *(url for url in urls if url != first and url not in largest))
