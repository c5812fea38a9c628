"""Cursors: the place where a list goes on, so that it neither skips nor repeats as it grows. What fits is a place."""

import re

from baoguan.errors import ConfigError

ARTICLES = r"^-?[0-9]{1,15}-[0-9a-f]{16}$"
"""Instant in epoch ms or log index, and id, of the last article that was given."""
FOUND = r"^[0-9]{1,4}$"
"""How many were given."""
CHANGES = r"^[0-9]{1,15}-[0-9]{1,10}$"
"""Instant and log index of the last change that was given."""


def write_cursor(*place: int | str) -> str:
    """The text of a place."""
    return "-".join(map(str, place))


def read_cursor(text: str, pattern: str) -> tuple[int, str] | None:
    """(number, the rest) of a place; None for the beginning. Raises ConfigError for a cursor of no such list."""
    if not text:
        return None
    if not re.fullmatch(pattern[1:-1], text):
        raise ConfigError(f"cursor: {text[:40]!r} is none that this list gave")
    sign = "-" if text.startswith("-") else ""
    number, _, rest = text.removeprefix("-").partition("-")
    return int(sign + number), rest
