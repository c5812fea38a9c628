"""One request after the other, waiting for each: what a client of a single server needs, and no event loop."""

import base64
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from baoguan import __version__
from baoguan.errors import ConfigError, FetchError

_PIECE = 65_536
_TRIES = 4
_LONGEST_WAIT_S = 60.0


class PlainAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server said; `body` is decompressed."""

    status: int
    body: bytes


class PlainClient:
    """GET of addresses below one base. A name and password in it are sent as basic authentication, to its host alone.

    Answers of 429 and 503 are waited for as Retry-After says, at most a minute, 3 times. Proxies are those of the
    environment (HTTPS_PROXY). Not for several threads.
    """

    def __init__(self, base: str, *, timeout_s: float, cap_bytes: int) -> None:
        """`cap_bytes`: of one body, decompressed; `timeout_s`: of one whole answer. Raises ConfigError."""
        pieces = urlsplit(base)
        if pieces.scheme not in ("http", "https") or not pieces.hostname or pieces.query or pieces.fragment:
            raise ConfigError(f"{base!r} is no address of a server: https://host/ is wanted")
        host = pieces.netloc.rpartition("@")[2]
        self.base = urlunsplit((pieces.scheme, host, pieces.path.rstrip("/"), "", ""))
        self._timeout_s, self._cap = timeout_s, cap_bytes
        self._headers = {"User-Agent": f"baoguan/{__version__}", "Accept-Encoding": "gzip"}
        if pieces.username is not None:
            pair = f"{unquote(pieces.username)}:{unquote(pieces.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._opener = urllib.request.build_opener(_SameHost())

    def get(self, path: str) -> PlainAnswer:
        """The whole answer, whatever its status. Raises FetchError."""
        for tries in range(_TRIES, 0, -1):
            with self._open(path) as response:
                wait = _wait_s(response) if tries > 1 else 0.0
                if not wait:
                    return PlainAnswer(status=response.status, body=b"".join(self._pieces(response, self._cap)))
            time.sleep(wait)
        raise AssertionError

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of a long answer as they come, each within the cap. Raises FetchError, for a status, too."""
        with self._open(path) as response:
            if response.status != 200:
                raise FetchError(f"{self.base}{path}: status {response.status}", url=self.base, kind="status")
            rest = b""
            for piece in self._pieces(response, None):
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line for line in whole if line)
                if len(rest) > self._cap:
                    raise FetchError(f"{self.base}{path}: a line over the cap", url=self.base, kind="size")
            if rest:
                yield rest

    def _open(self, path: str) -> Any:
        request = urllib.request.Request(self.base + path, headers=self._headers)  # noqa: S310 - the base is http(s)
        try:
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            return error
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise FetchError(f"{self.base}{path}: {reason}", url=self.base, kind="connect") from error

    def _pieces(self, response: Any, cap: int | None) -> Iterator[bytes]:
        """The body, decompressed; without a cap it may also take as long as it likes."""
        unpack = zlib.decompressobj(31) if response.headers.get("content-encoding", "") == "gzip" else None
        got, end = 0, time.monotonic() + self._timeout_s
        try:
            while piece := response.read1(_PIECE):
                while piece:
                    plain = unpack.decompress(piece, _PIECE) if unpack else piece
                    piece = unpack.unconsumed_tail if unpack else b""
                    got += len(plain)
                    yield plain
                    if cap is not None and (got > cap or time.monotonic() > end):
                        kind = "size" if got > cap else "timeout"
                        raise FetchError(f"{self.base}: an answer over the cap ({kind})", url=self.base, kind=kind)
            if getattr(response, "length", 0) or (unpack is not None and not unpack.eof):
                raise ValueError("it ends in the middle")
        except (OSError, zlib.error, ValueError, HTTPException) as error:
            raise FetchError(f"{self.base}: the answer broke off: {error}", url=self.base, kind="reset") from error


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the host; never carries a password to another."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            raise FetchError(f"{req.full_url}: it moved to {newurl}: open that", url=newurl, kind="redirects")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _wait_s(response: Any) -> float:
    text = response.headers.get("retry-after", "") if response.status in (429, 503) else ""
    return min(float(text), _LONGEST_WAIT_S) if text.isascii() and text.isdecimal() else 0.0
