"""The zone of an operator's days."""

import re
from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from baoguan.errors import ConfigError

_FIXED = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.I)


def zone_of(name: str) -> tzinfo:
    """The zone of the reader's days: an IANA name or UTC+8. Raises ConfigError when the machine doesn't know it."""
    fixed = _FIXED.fullmatch(name.strip())
    if fixed:
        sign = -1 if fixed[1] == "-" else 1
        minutes = int(fixed[2]) * 60 + int(fixed[3] or 0)
        if minutes < 24 * 60:
            return timezone(sign * timedelta(minutes=minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The default must work on machines without zone data; China has had one offset since 1991.
        if name == "Asia/Shanghai":
            return timezone(timedelta(hours=8))
        raise ConfigError(f"setting zone: this machine knows no time zone {name!r}; try UTC+8") from None
