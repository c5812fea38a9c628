"""The date line that the ancestors' upstreams put before the body: the outlet's own clock and its authors."""

import html
import re
from datetime import UTC, datetime, timedelta

import msgspec

from baoguan.model.article import Clock
from baoguan.publish.legacy import LegacyOutlet, zone_of
from baoguan.text.dates import parse_date

_LINE = re.compile(r"\s*<div>(?:<i>([^<]*(?:<br\s*/?>[^<]*)?)</i>|\s*([^<]{0,40}?)\s*)</div>(?:Array(?=<))?")
_TIMED = re.compile(
    r"\s*(?:<address[^>]*>(.{0,300}?)</address>)?\s*<time\s[^>]*?(?:pu?b?date|datetime)\s*=\s*[\"']?([^\"'>]+)[^>]*>[^<]*</time>",
    re.I | re.S,
)
_TIME = re.compile(r"<time\s[^>]*?datetime\s*=\s*[\"']([^\"'>]{8,40})[\"']", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_RFC822 = re.compile(r"\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|\+0000)$", re.ASCII)
_SLASHED = re.compile(r"(\d{2})/(\d{2})/(\d{4}) - (\d{2}):(\d{2})$", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?$", re.ASCII)
_DAY = re.compile(r"(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日?$", re.ASCII)
_RELATIVE = re.compile(
    r"\d+\s*(?:秒|分|分钟|分鐘|小时|小時|天|周|minutes?|hours?|days?)\S*\s*(?:前|ago)|昨天|刚刚|剛剛"
)
_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}  # noqa: SIM905
_SLACK = timedelta(days=1)
_LOOK_FOR_TIME = 6_000
_TIME_OUTLETS = frozenset({"bbc-zh", "economist"})
"""Whose pages were kept with their own <time>; in other bodies it is a quoted post's."""


class DateLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What stood before the body."""

    clock: Clock | None = None
    authors: tuple[str, ...] = ()
    length: int = 0
    """Characters of the body that the line takes."""
    flags: tuple[str, ...] = ()


def read_date_line(body: str, stamp: str, outlet: LegacyOutlet, epoch_ms: int | None) -> DateLine:
    """Reads the line at the start of `body`, or `stamp` (v0's 日期：), else the first <time> of the body.

    A relative time ("19 分钟前") is none: what it was relative to is not known to the minute. Flags: relative-time,
    unread-time, clock-after-epoch.
    """
    author, written, length = _split(body, stamp)
    if not written and not length:
        found = _TIME.search(body, 0, _LOOK_FOR_TIME) if outlet.key in _TIME_OUTLETS and "<time" in body else None
        written = found[1] if found else ""
    if not written:
        return DateLine(authors=_names(author), length=length)
    if (not written.isascii() or "ago" in written) and _RELATIVE.search(written):
        return DateLine(authors=_names(author), length=length, flags=("relative-time",))
    clock = read_clock(written, outlet)
    if clock is None:
        # A line that holds no date is text of the article.
        keep = 0 if not any(char.isdigit() for char in written) else length
        return DateLine(authors=_names(author) if keep else (), length=keep, flags=("unread-time",) if keep else ())
    late = epoch_ms is not None and clock.at > datetime.fromtimestamp(epoch_ms / 1000, UTC) + _SLACK
    return DateLine(clock=clock, authors=_names(author), length=length, flags=("clock-after-epoch",) if late else ())


def read_clock(written: str, outlet: LegacyOutlet) -> Clock | None:
    """A publisher's clock as the outlets of the ancestors wrote it; None when it holds no date."""
    try:
        return _known_form(written, outlet) or _any_form(written, outlet)
    except (ValueError, KeyError, OverflowError):
        return None


def _split(body: str, stamp: str) -> tuple[str, str, int]:
    """(author, date as written, length of the line)."""
    if stamp:
        return "", stamp.strip(), 0
    if body.startswith(("<div><i>", "<div></div>", "<div>")) and (line := _LINE.match(body)):
        author, _, written = (
            (line[1] or "").partition("<br>") if "<br>" in (line[1] or "") else ("", "", line[1] or line[2] or "")
        )
        return author, html.unescape(written).strip(), line.end()
    if body.startswith(("<address", "<time")) and (timed := _TIMED.match(body)):
        return _TAG.sub(" ", timed[1] or ""), html.unescape(timed[2]).strip(), timed.end()
    return "", "", 0


def _names(author: str) -> tuple[str, ...]:
    if not author:
        return ()
    names = (" ".join(part.split()) for part in re.split(r"[,，、]", html.unescape(author)))
    return tuple(dict.fromkeys(name for name in names if name))


def _known_form(written: str, outlet: LegacyOutlet) -> Clock | None:
    if match := _RFC822.match(written):
        day, month, year, hour, minute, second = match.groups()
        at = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        return Clock(at=at, source="import")
    if match := _ISO.match(written):
        at = datetime.fromisoformat(written)
        if at.tzinfo is not None:
            return Clock(at=at, source="import")
        return Clock(at=at.replace(tzinfo=zone_of(outlet)), source="import", zone_assumed=True)
    if match := _SLASHED.match(written):
        day, month, year, hour, minute = map(int, match.groups())
        at = datetime(year, month, day, hour, minute, tzinfo=zone_of(outlet))
        return Clock(at=at, source="import", zone_assumed=True, precision="minute")
    if match := _DAY.match(written):
        at = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=zone_of(outlet))
        return Clock(at=at, source="import", zone_assumed=True, precision="day")
    return None


def _any_form(written: str, outlet: LegacyOutlet) -> Clock | None:
    found = parse_date(written, zone=zone_of(outlet))
    if found is None:
        return None
    return Clock(at=found.at, source="import", zone_assumed=found.zone_assumed, precision=found.precision)
