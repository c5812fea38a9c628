"""weserv's request -> which picture, how changed, how sent. Pure.

Source: the API's documentation, its recorded answers, and nginx's own reading of arguments and times, which weserv
uses for its keys about the answer. The first of equal keys wins; `url` and `default` are percent-decoded once, as
bytes: old Chinese sites spell paths in GBK; a fragment is cut.
"""

import functools
import hashlib
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from baoguan.errors import PictureError
from baoguan.media.transform import Transform, parse_transform
from baoguan.text.urls import absolute_url

YEAR_S = 31_536_000
_DAY_S = 86_400
_UNITS = {"y": YEAR_S, "M": 30 * _DAY_S, "w": 7 * _DAY_S, "d": _DAY_S, "h": 3600, "m": 60, "s": 1, "": 1}
_SPAN = re.compile("".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNITS), re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9]{1,78}")
_SECURE = re.compile(rb"https://|ssl:|//", re.IGNORECASE)
_PLAIN = re.compile(rb"http://", re.IGNORECASE)
_PLACE = re.compile(rb"([^/?#]*)([^#]*)", re.S)
_NO_HOST = re.compile(r"[@\\\s<>^`{|}\"]|:$")
_UNESCAPED = "/?:@!$&'()*+,;=[]-._~%"
_SHORTEST = 4
"""Characters of an address: i.nl is one."""
_ANY_CASE = frozenset(("url", "default", "errorredirect", "filename", "encoding", "maxage"))
_QUERY = 8192
_REMEMBERED = 600
"""Characters: longer addresses are hostile or rare, and must not fill the memory of what was read."""


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
    """What a signature is made of: the query without its own key; empty where there is none."""


def parse_ask(query: str) -> ImageAsk:
    """The request of a raw query string. Raises PictureError (400) where `url` is none; see `default_of`."""
    first = _first(query)
    plan = parse_transform(query)
    name = first.get("filename", "")
    return ImageAsk(
        url=parse_address(first.get("url", "")),
        plan=plan,
        bare=plan == Transform(),
        filename=name if _NAME.fullmatch(name) else "image",
        base64=first.get("encoding", "").lower() == "base64",
        max_age_s=parse_span(first.get("maxage", "")),
        default=_default(first),
        signature=first.get("s", ""),
        signed="&".join(part for part in query.split("&") if not part.startswith("s=")) if "s" in first else "",
    )


def _first(query: str) -> dict[str, str]:
    """The first value of each key, percent-encoded as it came. Keys that nginx reads have no case and need a `=`."""
    found: dict[str, str] = {}
    for part in query[:_QUERY].split("&"):
        key, equals, value = part.partition("=")
        if equals:
            lower = key.lower()
            found.setdefault(lower if lower in _ANY_CASE else key, value)
    return found


def default_of(query: str) -> str:
    """Where an error is to send the client: `default`, or `errorredirect` of old; 1 means the picture's own address."""
    return _default(_first(query))


def _default(first: dict[str, str]) -> str:
    value = first.get("default", first.get("errorredirect", ""))
    try:
        return parse_address(first.get("url", "") if value == "1" else value) if value else ""
    except PictureError:
        return ""


def parse_address(raw: str) -> str:
    """http(s)://host/path of a `url` value. Raises PictureError (400).

    A bare host is http, `//` and `ssl:` mean https, more slashes are dropped; user names, other schemes, empty ports,
    backslashes in the host, labels over 63 and hosts over 253 characters are refused; names in other scripts become
    punycode. What a path must not hold raw is escaped, escapes that stand in it are left alone.
    """
    return _parse_address(raw) if len(raw) <= _REMEMBERED else _parse_address.__wrapped__(raw)


@functools.lru_cache(maxsize=4096)
def _parse_address(raw: str) -> str:
    if len(raw) < _SHORTEST:
        raise _unparsed()
    url = unquote_to_bytes(raw).strip()
    secure = _SECURE.match(url)
    begun = secure or _PLAIN.match(url)
    scheme = "https://" if secure else "http://"
    place = _PLACE.match(url[begun.end() if begun else 0 :].lstrip(b"/"))
    try:
        authority = place[1].decode() if place else ""
    except UnicodeDecodeError as error:
        raise _unparsed() from error
    if not place or not authority or _NO_HOST.search(authority):
        raise _unparsed()
    host = authority.rpartition(":")[0] if re.search(r":\d+$", authority) else authority
    if len(host) > 253 or any(len(label) > 63 for label in host.split(".")) or ".." in host:
        raise _unparsed()
    if re.search(r":0+$", authority):
        raise _unparsed()
    path = quote_from_bytes(place[2], safe=_UNESCAPED)
    found = absolute_url("", f"{scheme}{authority}{path}")
    if not found and not host.isascii():
        found = absolute_url("", f"{scheme}{_ascii_host(host)}{authority[len(host) :]}{path}")
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
    """nginx's time, 31d or 1y or 1w2d, in seconds: larger units first, each once.

    A year for what lies outside of a day and a year, or is none.
    """
    found = _SPAN.fullmatch(text)
    if found is None or not text:
        return YEAR_S
    seconds = sum(int(number or 0) * unit for number, unit in zip(found.groups(), _UNITS.values(), strict=True))
    return seconds if _DAY_S <= seconds <= YEAR_S else YEAR_S


@functools.lru_cache(maxsize=1024)
def variant_name(plan: Transform, accept: str = "") -> str:
    """The file name of a variant of one picture: a digest of what is asked, so that unknown keys make no new one."""
    return hashlib.sha256(msgspec.json.encode(plan) + accept.encode()).hexdigest()[:32]


def accepted(header: str) -> str:
    """What decides output=auto: image/avif, image/webp, or nothing of these."""
    return "image/avif" if "image/avif" in header else "image/webp" if "image/webp" in header else ""
