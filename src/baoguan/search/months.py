"""The month in which an article was shown: what is found is counted by it."""

from datetime import UTC, datetime, tzinfo

_FIRST_MS, _LAST_MS = -62_000_000_000_000, 253_370_000_000_000  # the years 5 and 9998: a feed may claim any time


def month_of(ms: int, zone: tzinfo) -> int:
    """Months from year 0 to that of `zone` in which an epoch lies; beyond the calendar's ends, there."""
    day = datetime.fromtimestamp(min(max(ms, _FIRST_MS), _LAST_MS) / 1000, UTC).astimezone(zone)
    return day.year * 12 + day.month - 1


def month_span(month: int, zone: tzinfo) -> tuple[int, int]:
    """Epoch ms of its begin and its end."""
    bounds = (datetime(one // 12, one % 12 + 1, 1, tzinfo=zone) for one in (month, month + 1))
    start, end = (int(bound.timestamp() * 1000) for bound in bounds)
    return start, end


def month_name(month: int) -> str:
    """YYYY-MM"""
    return f"{month // 12:04}-{month % 12 + 1:02}"
