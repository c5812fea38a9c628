"""URLs as identities and as addresses: canonical form, joining, hosts and registrable domains.

Nothing here raises: feeds and pages carry anything where a URL should stand. What can't be read as http(s) comes back
trimmed (canonical_url, identity_key) or as the empty string (absolute_url, host_of).
"""

import functools
import ipaddress
import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote

TRACKING_PREFIXES = ("utm_", "at_custom", "hsa_", "mtm_", "pk_", "piwik_", "matomo_", "ns_", "guce_")
"""Query parameters that begin so say where a reader came from, never which article it is."""
# fmt: off
TRACKING_PARAMS = frozenset({
    "fbclid", "gclid", "gclsrc", "dclid", "wbraid", "gbraid", "msclkid", "yclid", "ysclid", "twclid", "ttclid",
    "igshid", "igsh", "li_fat_id", "srsltid", "_ga", "_gl", "_hsenc", "_hsmi", "__hstc", "__hssc", "__hsfp", "mc_cid",
    "mc_eid", "mkt_tok", "vero_id", "oly_enc_id", "oly_anon_id", "wickedid", "guccounter", "at_medium", "at_campaign",
    "at_campaign_type", "at_link_id", "at_link_type", "at_link_origin", "at_ptr_name", "at_bbc_team", "at_format",
    "at_link", "maca", "ocid", "cmpid", "cmp", "xtor", "smid", "smtyp", "emc", "partner", "wt.mc_id", "wt.mc_ev",
    "s_cid", "spm", "__twitter_impression", "ftag", "soc_src", "soc_trk",
})
# fmt: on
"""Names dropped whole. at_*: BBC; maca: DW; xtor: RFI and France 24; smid, emc, partner: NYT; ocid: BBC and MSN."""

_ENDS = re.compile(r"^[\s\x00-\x1f\x7f\ufeff]+|[\s\x00-\x1f\x7f\ufeff]+$")
_SETTLED = re.compile(
    r"https?://((?:[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.)+[a-z]{2,20})(/(?:(?!/\.)[A-Za-z0-9_/.~-]|%[89A-F][0-9A-F])*)"
)
"""Addresses that are canonical as they stand: a path and nothing else, in a host of plain names."""
_INNER_BREAKS = re.compile(r"[\t\r\n]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|([^!#$&-;=?-Z_a-z~\[\]])")
"""An escape, or a character that no URL may carry raw (a stray % too)."""
_TO_NORMALISE = re.compile(
    r"[^!#$&-;=?-Z_a-z~\[\]%]|%(?![0-9A-F]{2})|%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])"
)
"""Finds what _ESCAPE would change: most URLs hold nothing of it, and are hundreds of escapes long in Chinese."""
_HOST = re.compile(r"[A-Za-z0-9_~!$&'()*+,;=.-]+")
_SESSION = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_CACHED_CHARS = 2048
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class _Parts(NamedTuple):
    scheme: str
    user: str
    host: str
    port: str
    path: str
    query: str
    fragment: str

    def text(self) -> str:
        """As a URL; an empty query or fragment leaves no mark."""
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        query = f"?{self.query}" if self.query else ""
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"{self.scheme}://{user}{self.host}{port}{self.path}{query}{fragment}"


def canonical_url(url: str, *, drop_params: Iterable[str] = ()) -> str:
    """The one spelling of an http(s) URL under which a page is known; idempotent.

    Scheme and host in lower case, IDNA, no credentials, no default port, no fragment (but `#!`), no tracking
    parameters, no `;jsessionid=`, dot segments resolved, escapes normalised, raw CJK escaped. Double slashes in the
    path, the order of parameters and a final slash are kept: outlets do tell pages apart by them. `drop_params` names
    more parameters, `name*` a prefix, in any case. Anything else than http(s) comes back trimmed.
    """
    # Long ones are hostile or rare: they must not fill the cache.
    made = _canonical if len(url) <= _CACHED_CHARS else _canonical.__wrapped__
    return made(url, tuple(drop_params))


@functools.lru_cache(maxsize=4096)
def _canonical(url: str, drop_params: tuple[str, ...]) -> str:
    if _SETTLED.fullmatch(url):
        return url
    parts = _parse(url)
    if parts is None:
        return _trim(url)
    path = _SESSION.sub("", _normal(parts.path))
    return parts._replace(
        user="",
        path=_resolve_dots(path) or "/",
        query=_keep_params(_normal(parts.query), [name.lower() for name in drop_params]),
        fragment=_normal(parts.fragment) if parts.fragment.startswith("!") else "",
    ).text()


def identity_key(url: str) -> str:
    """What two spellings of one article's URL share: canonical, https, no `www.`; idempotent. Not to be fetched."""
    return _identity(url) if len(url) <= _CACHED_CHARS else _identity.__wrapped__(url)


@functools.lru_cache(maxsize=4096)
def _identity(url: str) -> str:
    settled = _SETTLED.fullmatch(url)
    if settled:
        host = settled[1]
        while host.startswith("www.") and "." in host[4:]:
            host = host[4:]
        return f"https://{host}{settled[2]}"
    parts = _parse(canonical_url(url))
    if parts is None:
        return _trim(url)
    host = parts.host
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    return parts._replace(scheme="https", host=host, port="" if parts.port == "443" else parts.port).text()


def absolute_url(base: str, ref: str) -> str:
    """The http(s) URL that `ref` means on the page `base`, fit for a request; the empty string when it means none.

    Joined as browsers do it: backslashes are slashes, line breaks inside vanish, `//host` takes the scheme of the base;
    spaces and CJK are escaped, escapes that stand are left alone, the fragment is kept. Empty for an empty `ref`,
    for javascript:, data:, whatsapp: and the like, and for a host or port that can't be.
    """
    ref = _trim(ref)
    if not ref:
        return ""
    scheme = _SCHEME.match(ref)
    if scheme is not None:
        rest = ref[scheme.end() :]
        name = scheme[1].lower()
        if name not in _DEFAULT_PORTS:
            return ""
        if rest.replace("\\", "/").startswith("//") or not _trim(base).lower().startswith(name + ":"):
            return _fetchable(_parse(ref))
        ref = rest
    parts = _parse(base)
    return _fetchable(_join(parts, ref)) if parts else ""


def host_of(url: str) -> str:
    """The host of an http(s) URL, lower case, IDNA, IPv6 without brackets; the empty string when there is none."""
    parts = _parse(url)
    return parts.host.strip("[]") if parts else ""


@functools.lru_cache(maxsize=65_536)
def registrable_domain(host: str) -> str:
    """The domain that its owner registered (news.bbc.co.uk: bbc.co.uk); an address or a lone name is its own.

    Rules of the public suffix list, private section included: name.github.io is a domain of its own.
    """
    name = _host(host.strip().rstrip(".")) or host.strip().lower()
    if name.startswith("["):
        return name[1:-1]
    if _is_ipv4(name):
        return name
    return str(_suffixes().privatesuffix(name) or name) if name else ""


@functools.cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList  # 40 ms that most commands do not need

    return PublicSuffixList()


def _trim(url: str) -> str:
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    return _ENDS.sub("", _INNER_BREAKS.sub("", url))


@functools.lru_cache(maxsize=512)
def _parse(url: str) -> _Parts | None:
    """None when it is no absolute http(s) URL with a host."""
    url = _trim(url)
    match = _SCHEME.match(url)
    if match is None or match[1].lower() not in _DEFAULT_PORTS:
        return None
    scheme = match[1].lower()
    return _parse_rest(scheme, url[match.end() :])


def _parse_rest(scheme: str, rest: str) -> _Parts | None:
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.replace("\\", "/").lstrip("/").partition("/")
    user, _, netloc = authority.rpartition("@")
    host, port = _split_port(netloc)
    host = _host(host)
    if not host or (port and not (port.isascii() and port.isdigit() and len(port) < 9 and int(port) < 65_536)):
        return None
    port = str(int(port)) if port else ""
    if port == _DEFAULT_PORTS[scheme]:
        port = ""
    return _Parts(scheme, user, host, port, slash + path, query, fragment)


def _split_port(netloc: str) -> tuple[str, str]:
    if netloc.startswith("["):
        host, bracket, port = netloc.partition("]")
        return host + bracket, port.removeprefix(":")
    host, _, port = netloc.partition(":")
    return host, port


@functools.lru_cache(maxsize=4096)
def _host(name: str) -> str:
    """Lower case, IDNA, one spelling of IPv6; empty when no host can be called so."""
    if name.startswith("["):
        if not name.endswith("]"):
            return ""
        try:
            return f"[{ipaddress.IPv6Address(name[1:-1].partition('%')[0]).compressed}]"
        except ValueError:
            return ""
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        except ValueError:
            return ""
    if "%" in name:
        name = unquote(name)
    if not name.isascii():
        name = _idna(name)
    name = name.lower().rstrip(".")
    return name if _HOST.fullmatch(name) and not name.startswith(".") and len(name) < 254 else ""


def _idna(name: str) -> str:
    import idna  # comes with the HTTP client; most hosts are ASCII

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError, IndexError, ValueError):
        return ""


def _is_ipv4(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _normal(text: str) -> str:
    """Escapes in one spelling: unreserved ones decoded, hex in upper case, what may not stand raw escaped."""
    return _ESCAPE.sub(_normal_escape, text) if _TO_NORMALISE.search(text) else text


def _normal_escape(match: re.Match[str]) -> str:
    if match[1]:
        byte = int(match[1], 16)
        return chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"
    return _escape(match[2])


def _escape(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def _fetchable(parts: _Parts | None) -> str:
    """Escapes only what may not stand raw."""
    if parts is None:
        return ""
    path, query, fragment, user = (
        _ESCAPE.sub(lambda match: match[0] if match[1] else _escape(match[2]), part)
        for part in (parts.path, parts.query, parts.fragment, parts.user)
    )
    path = _resolve_dots(path) or "/"
    return parts._replace(path=path, query=query, fragment=fragment, user=user).text()


def _join(base: _Parts, ref: str) -> _Parts | None:
    rest, _, fragment = ref.partition("#")
    rest, mark, query = rest.partition("?")
    path = rest.replace("\\", "/")
    if path.startswith("//"):
        return _parse_rest(base.scheme, ref)
    if path.startswith("/"):
        return base._replace(path=path, query=query, fragment=fragment)
    if path:
        folder = base.path.rpartition("/")[0]
        return base._replace(path=f"{folder}/{path}", query=query, fragment=fragment)
    return base._replace(query=query if mark else base.query, fragment=fragment)


def _resolve_dots(path: str) -> str:
    """Without . and .. segments (RFC 3986, 5.2.4), also when the dots are escaped; empty segments stay."""
    if "/." not in path and "%2" not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments):
        plain = segment.replace("%2e", ".").replace("%2E", ".") if len(segment) <= 6 else segment
        last = number == len(segments) - 1
        if plain == "..":
            if kept:
                kept.pop()
        elif plain != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)


def _keep_params(query: str, drop: list[str]) -> str:
    if not query:
        return ""
    prefixes = (*TRACKING_PREFIXES, *(name[:-1] for name in drop if name.endswith("*") and len(name) > 1))
    names = TRACKING_PARAMS.union(drop) if drop else TRACKING_PARAMS
    kept = []
    for pair in query.split("&"):
        name = pair.partition("=")[0].lower()
        if pair and name not in names and not name.startswith(prefixes):
            kept.append(pair)
    return "&".join(kept)
