"""Headers that say when to come back, and the headers that we send. Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from baoguan.model.capture import FetchRequest

_PAGE = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"
ACCEPT = {
    "feed": "application/atom+xml,application/rss+xml,application/feed+json,application/rdf+xml,"
    "application/xml;q=0.9,text/xml;q=0.8,*/*;q=0.5",
    "page": _PAGE,
    "probe": _PAGE,
    "picture": "image/webp,image/png,image/jpeg,image/*;q=0.8,*/*;q=0.5",
    "robots": "text/plain,*/*;q=0.5",
    "timestamp": "application/timestamp-reply",
}
ENCODINGS = "gzip, deflate, br, zstd"

_DELTA = re.compile(r"\d{1,10}")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})\"?(?=$|[\s,;])", re.IGNORECASE)


def parse_http_date(value: str) -> datetime | None:
    """The instant that an HTTP date names, aware UTC; None when it names none."""
    try:
        moment = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Seconds from `now` until a Retry-After (seconds or HTTP date), never negative; None when it says nothing."""
    value = value.strip()
    if _DELTA.fullmatch(value):
        return float(value)
    moment = parse_http_date(value)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def cache_max_age(headers: Iterable[tuple[str, str]]) -> int | None:
    """Seconds for which a response says it stays fresh: Cache-Control max-age, else Expires against Date.

    Less the Age that it has already. None when it says nothing, 0 for no-cache, no-store and an Expires of the past.
    """
    fields: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    control = fields.get("cache-control", "")
    if re.search(r"(?:^|[\s,])no-(?:cache|store)\b", control, re.IGNORECASE):
        return 0
    age_text = fields.get("age", "").strip()
    age = int(age_text) if _DELTA.fullmatch(age_text) else 0
    found = _MAX_AGE.search(control)
    if found:
        return max(0, int(found[1]) - age)
    if "expires" not in fields:
        return None
    expires, date = parse_http_date(fields["expires"]), parse_http_date(fields.get("date", ""))
    if expires is None:
        return 0
    return max(0, int((expires - date).total_seconds()) - age) if date else None


def request_headers(request: FetchRequest, user_agent: str, *, identity: bool, once: bool) -> dict[str, str]:
    """The headers of a GET; validators exactly as they were received. `once`: the connection is not needed again."""
    headers = {
        "User-Agent": user_agent,
        "Accept": ACCEPT.get(request.kind, "*/*"),
        "Accept-Encoding": "identity" if identity or request.kind == "file" else ENCODINGS,
    }
    if request.kind == "timestamp":
        headers["Content-Type"] = "application/timestamp-query"
    if request.stop:
        headers["Range"] = f"bytes={request.start}-{request.stop - 1}"
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    if request.referer:
        headers["Referer"] = request.referer
    if once:
        headers["Connection"] = "close"
    # a stored validator or referer must not become a header of its own
    return {name: re.sub(r"[\x00\r\n]+", " ", value) for name, value in headers.items()}


def received_headers(raw: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Header lines as received, in order; UTF-8 where it is, else Latin-1."""
    return tuple((_text(name), _text(value)) for name, value in raw)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
