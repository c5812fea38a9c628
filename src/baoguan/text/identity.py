"""Identity keys: what two sightings of one article share (DESIGN.md, Identity)."""

from collections.abc import Iterable

from baoguan.text.urls import identity_key


def keys_of(guids: Iterable[str], urls: Iterable[str], *, conflict: bool = False) -> list[str]:
    """The keys of an item or a manifest line, URLs first. A conflicting one owns only the pair of its guid and URL."""
    guids = [guid for guid in guids if guid]
    urls = [identity_key(url) for url in urls if url]
    if conflict:
        return [f"p:{guid}\n{url}" for guid in guids or [""] for url in urls or [""]]
    return [f"u:{url}" for url in urls] + [f"g:{guid}" for guid in guids]
