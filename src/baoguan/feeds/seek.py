"""Searches of long documents for what is rare in them."""

import re

_GAP = 500
"""Bytes from one hop to the next, on the average, from which on they are worth it."""


def has_rare(data: bytes, pattern: re.Pattern[bytes], byte: bytes) -> bool:
    """Whether `pattern`, which begins with `byte`, is anywhere in `data`: by hops from one such byte to the next.

    `bytes.find` passes over twenty bytes in the time in which an expression looks at one, but each hop costs as much as
    some hundred of them. Where the byte isn't rare, the expression goes on alone: nobody can make it slow.
    """
    at = 0
    for _ in range(1 + len(data) // _GAP):
        at = data.find(byte, at)
        if at < 0 or pattern.match(data, at):
            return at >= 0
        at += 1
    return pattern.search(data, at) is not None
