"""weserv's request -> which picture, how changed, how sent. Pure.

Source: the API's documentation and its recorded answers. The first of equal keys wins; `url` and `default` are
percent-decoded once; a fragment is cut.
"""

import hashlib
import re
from urllib.parse import unquote

import msgspec

from baoguan.errors import PictureError
from baoguan.media.transform import Transform, parse_transform
from baoguan.text.urls import absolute_url

YEAR_S = 31_536_000
_DAY_S = 86_400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": _DAY_S, "w": 7 * _DAY_S, "M": 30 * _DAY_S, "y": YEAR_S}
_SPAN = re.compile(r"(?:\d{1,9}[smhdwMy]?)+")
_NAME = re.compile(r"[A-Za-z0-9]{1,78}")
_AUTHORITY = re.compile(r"(https?://)([^/?#]*)(.*)", re.S | re.IGNORECASE)
_QUERY = 8192


class ImageAsk(msgspec.Struct, frozen=True, kw_only=True):
    """One request."""

    url: str
    """Absolute, http or https."""
    plan: Transform
    bare: bool
    """Nothing is to be changed: the bytes go out as they are kept."""
    filename: str = "image"
    base64: bool = False
    max_age_s: int = YEAR_S
    default: str = ""
    """Where an error sends to, absolute; empty: nowhere."""
    signature: str = ""
    signed: str = ""
    """What a signature is made of: the query without its own key."""


def parse_ask(query: str) -> ImageAsk:
    """The request of a raw query string. Raises PictureError (400) where `url` is none; see `default_of`."""
    first = _first(query)
    plan = parse_transform(query)
    name = unquote(first.get("filename", ""))
    return ImageAsk(
        url=parse_address(first.get("url", "")),
        plan=plan,
        bare=plan == Transform(),
        filename=name if _NAME.fullmatch(name) else "image",
        base64=first.get("encoding") == "base64",
        max_age_s=parse_span(first.get("maxage", "")),
        default=default_of(query),
        signature=first.get("s", ""),
        signed="&".join(part for part in query.split("&") if not part.startswith("s=")),
    )


def _first(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query[:_QUERY].split("&"):
        key, _, value = part.partition("=")
        found.setdefault(key, value)
    return found


def default_of(query: str) -> str:
    """Where an error is to send the client: `default`, or `errorredirect` of old; 1 means the picture's own address."""
    first = _first(query)
    value = first.get("default") or first.get("errorredirect") or ""
    try:
        return parse_address(first.get("url", "") if value == "1" else value) if value else ""
    except PictureError:
        return ""


def parse_address(raw: str) -> str:
    """http(s)://host/path of a `url` value. Raises PictureError (400).

    A bare host is http, `//` and `ssl:` mean https; user names, other schemes, backslashes in the host, labels over 63
    and hosts over 253 characters are refused; names in other scripts become punycode.
    """
    url = unquote(raw).partition("#")[0].strip()
    if url.startswith("ssl:"):
        url = "https://" + url[4:].lstrip("/")
    elif url.startswith("//"):
        url = "https://" + url.lstrip("/")
    else:
        url = url.lstrip("/")
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)", url)
    if scheme is None:
        url = f"http://{url}"
    parts = _AUTHORITY.fullmatch(url)
    if parts is None or not parts[2] or re.search(r"[@\\\s<>^`{|}\"]", parts[2]):
        raise _unparsed()
    host = parts[2].rpartition(":")[0] if re.search(r":\d*$", parts[2]) else parts[2]
    if len(host) > 253 or any(len(label) > 63 for label in host.split(".")) or ".." in host:
        raise _unparsed()
    found = absolute_url("", url)
    if not found and not host.isascii():
        found = absolute_url("", f"{parts[1]}{_ascii_host(host)}{parts[2][len(host) :]}{parts[3]}")
    if not found:
        raise _unparsed()
    return found


def _ascii_host(host: str) -> str:
    """Labels of other scripts as punycode by the rules of 2003, which let pass signs that those of 2008 refuse."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise _unparsed() from error


def _unparsed() -> PictureError:
    return PictureError("Unable to parse URI", status=400)


def parse_span(text: str) -> int:
    """nginx's time, 31d or 1y, in seconds; a year for what lies outside of a day and a year, or is none."""
    if not _SPAN.fullmatch(text):
        return YEAR_S
    seconds = sum(int(number) * _UNITS[unit or "s"] for number, unit in re.findall(r"(\d+)([smhdwMy]?)", text))
    return seconds if _DAY_S <= seconds <= YEAR_S else YEAR_S


def variant_name(plan: Transform, accept: str = "") -> str:
    """The file name of a variant of one picture: a digest of what is asked, so that unknown keys make no new one."""
    return hashlib.sha256(msgspec.json.encode(plan) + accept.encode()).hexdigest()[:32]


def accepted(header: str) -> str:
    """What decides output=auto: image/avif, image/webp, or nothing of these."""
    return "image/avif" if "image/avif" in header else "image/webp" if "image/webp" in header else ""
