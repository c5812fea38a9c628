"""Identity keys: what two sightings of one article share (DESIGN.md, Identity)."""

import re
from collections.abc import Iterable

from baoguan.text.urls import identity_key

_LEGACY = re.compile(r"articles/[^/]+/(\d{1,9})[_.]")


def legacy_number(path: str) -> int | None:
    """The id in a path of the ancestors' tree: 1023757 of articles/voa/1023757.md; None where there is none."""
    match = _LEGACY.match(path)
    return int(match[1]) if match else None


def keys_of(guids: Iterable[str], urls: Iterable[str], *, conflict: bool = False) -> list[str]:
    """The keys of an item or a manifest line, URLs first. A conflicting one owns only the pair of its guid and URL."""
    if not conflict:
        return [f"u:{identity_key(url)}" for url in urls if url] + [f"g:{guid}" for guid in guids if guid]
    guids = [guid for guid in guids if guid]
    urls = [identity_key(url) for url in urls if url]
    return [f"p:{guid}\n{url}" for guid in guids or [""] for url in urls or [""]]
