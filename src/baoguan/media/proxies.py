"""Image proxies: the address at its origin that stands inside of theirs."""

import re
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from baoguan.text.pictures import unwrap_proxy as unwrap_weserv

_QUERY_PROXIES = (
    # host ends with, path begins with, parameter
    ("googleusercontent.com", "/gadgets/proxy", "url"),
    ("google.com", "/imgres", "imgurl"),
    ("duckduckgo.com", "/iu/", "u"),
    ("image.baidu.com", "/search/down", "url"),
    ("", "/_next/image", "url"),
    ("", "/_vercel/image", "url"),
)
_PHOTON = re.compile(r"i[0-3]\.wp\.com$")
_AMP = re.compile(r"/i[i]?/(?:[wh]\d+/)*(s/)?(.+)$")
_NESTED = re.compile(r"/(?:cdn-cgi/image/[^/]+|unsafe/[^:]*|image/fetch/[^:]*|plain)/(https?(?:://|%3A%2F%2F).+)$")
_DEPTH = 4


def unwrap_proxy(url: str) -> str:
    """The address at its origin of a picture that is asked for through a proxy; any other address as it is.

    Knows images.weserv.nl, Photon (i0.wp.com), the AMP cache, Google's and DuckDuckGo's proxies, Next.js, Cloudflare
    and Cloudinary fetches, and thumbor around a full address. Proxies in proxies are followed four deep.
    """
    for _ in range(_DEPTH):
        inner = _unwrap_once(url)
        if inner == url:
            break
        url = inner
    return url


def _unwrap_once(url: str) -> str:
    unwrapped = unwrap_weserv(url)
    if unwrapped != url:
        return unwrapped
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return url
    if _PHOTON.match(host):
        return _address(parts.path.lstrip("/"), "https") or url
    if host.endswith(".cdn.ampproject.org") or host == "cdn.ampproject.org":
        match = _AMP.match(parts.path)
        return (_address(match[2], "https" if match[1] else "http") if match else "") or url
    for ending, path, parameter in _QUERY_PROXIES:
        if (not ending or host == ending or host.endswith("." + ending)) and parts.path.startswith(path):
            inner = parse_qs(parts.query).get(parameter, [""])[0]
            return _address(inner, "https", url if not ending else "") or url
    nested = _NESTED.search(parts.path)
    if nested:
        inner = unquote(nested[1]) if "%3A" in nested[1] else nested[1] + (f"?{parts.query}" if parts.query else "")
        return _address(inner, "https") or url
    return url


def _address(inner: str, scheme: str, base: str = "") -> str:
    """An absolute address of `inner`, or the empty string when it holds none."""
    if inner.startswith(("http://", "https://")):
        return inner
    if inner.startswith("//"):
        return f"{scheme}:{inner}"
    if base and inner:
        return urljoin(base, inner)
    host = inner.partition("/")[0]
    return f"{scheme}://{inner}" if "." in host and "/" in inner else ""
