"""What the HTTP client raises, in the words of errors.FetchError. One line each, without credentials."""

import errno
import re
import socket
import ssl

import aiohttp
import aiohttp_socks
import python_socks

from baoguan.errors import FetchError
from baoguan.fetch.addresses import RefusedAddress

REACH_KINDS = frozenset({"dns", "connect", "tls", "timeout", "reset"})
"""Kinds that say that the host could not be reached."""
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")

PROXY_ERRORS = (
    python_socks.ProxyError,
    python_socks.ProxyConnectionError,
    python_socks.ProxyTimeoutError,
    aiohttp_socks.ProxyError,
    aiohttp_socks.ProxyConnectionError,
    aiohttp_socks.ProxyTimeoutError,
)
"""What the SOCKS connector raises; not all of it is an OSError."""
_RESET = ("reset", "the server closed the connection")
_CLASSES: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((TimeoutError,), "timeout", "no answer in time"),
    (
        (*PROXY_ERRORS, aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError),
        "proxy",
        "the proxy can't be used",
    ),
    ((aiohttp.ClientSSLError, ssl.SSLError, ssl.CertificateError), "tls", "TLS failed"),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "dns", "the host name has no address"),
    ((aiohttp.ClientResponseError,), "header", "the response can't be read"),
    ((aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError, aiohttp.ClientPayloadError), *_RESET),
    ((aiohttp.InvalidURL,), "address", "not a URL"),
)
"""What is raised, its kind, and the words for operators; the first that fits."""
_DETAILED = frozenset({"proxy", "tls", "header"})


def hide_credentials(text: str) -> str:
    """`text` on one line, without the user:password of URLs."""
    return " ".join(_CREDENTIALS.sub("", text).split())[:300]


def without_credentials(url: str) -> str:
    """A URL without user:password."""
    return _CREDENTIALS.sub("", url)


def failure(url: str, kind: str, what: str, *, retryable: bool = True) -> FetchError:
    """A FetchError whose message names the URL."""
    shown = hide_credentials(url)
    return FetchError(f"{shown}: {hide_credentials(what)}", url=shown, kind=kind, retryable=retryable)


def explain(url: str, error: BaseException, *, proxied: bool) -> FetchError:
    """The FetchError for what aiohttp, the proxy or a socket raised."""
    for cause in _causes(error):
        if isinstance(cause, RefusedAddress):
            return failure(url, "address", str(cause), retryable=False)
    kind, what = _classify(error)
    if proxied and kind in ("connect", "dns"):
        kind, what = "proxy", f"through the proxy: {what}"
    return failure(url, kind, what, retryable=kind != "header")


def _classify(error: BaseException) -> tuple[str, str]:
    if isinstance(error, aiohttp.ClientConnectorError):
        named = next((row for row in _CLASSES if isinstance(error, row[0])), None)
        what = str(error.os_error.strerror or error.os_error)
        return (named[1], named[2]) if named else ("connect", f"no connection: {what}")
    if getattr(error, "errno", None) in (errno.ECONNRESET, errno.EPIPE):
        return _RESET
    for classes, kind, what in _CLASSES:
        if isinstance(error, classes):
            detail = getattr(error, "message", "") or str(error)
            return kind, f"{what}: {detail}" if kind in _DETAILED else what
    return "connect", f"{type(error).__name__}: {error}"


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error, what it was raised from, and the parts of groups; at most 20."""
    found: list[BaseException] = []
    todo = [error]
    while todo and len(found) < 20:
        one = todo.pop()
        if one is None or one in found:
            continue
        found.append(one)
        todo += [one.__cause__, one.__context__, getattr(one, "os_error", None)]
        todo += list(getattr(one, "exceptions", ()))
    return found
