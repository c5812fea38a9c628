"""One request, one response: the connection, the caps, the decoding. No redirects, no politeness."""

import asyncio
import socket
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp_socks import ProxyConnector
from yarl import URL

from baoguan.errors import FetchError
from baoguan.fetch.addresses import Network, RefusedAddress, refusal
from baoguan.fetch.decode import BodyDecoder, EncodingError
from baoguan.fetch.failures import PROXY_ERRORS, explain, failure, without_credentials
from baoguan.fetch.headers import received_headers, request_headers
from baoguan.fetch.options import USER_AGENT, FetchOptions
from baoguan.fetch.pace import Turn
from baoguan.model.capture import FetchRequest, Response

KEEP_ALIVE_S = 5.0
DNS_TTL_S = 120.0
BODILESS = frozenset({204, 304})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class GuardedResolver(AbstractResolver):
    """Names to addresses, without those that are refused; remembered, so that pace and socket see the same ones."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self._known: dict[str, tuple[float, list[tuple[str, int]]]] = {}

    async def addresses(self, host: str) -> list[tuple[str, int]]:
        """(address, family) of a name, in the resolver's order. Raises OSError, RefusedAddress when all are refused."""
        loop = asyncio.get_running_loop()
        expires, found = self._known.get(host, (0.0, []))
        if expires < loop.time():
            try:
                infos = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except UnicodeError as error:
                raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
            found = list(dict.fromkeys((str(info[4][0]), int(info[0])) for info in infos))
            self._known[host] = (loop.time() + DNS_TTL_S, found)
        kept = [pair for pair in found if not refusal(pair[0], self._allowed)]
        if not kept:
            first = found[0][0] if found else "nothing"
            raise RefusedAddress(f"{host} leads to {first}, which is {refusal(first, self._allowed)}")
        return kept

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """For aiohttp."""
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in await self.addresses(host)
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def close(self) -> None:
        """Forgets everything."""
        self._known.clear()


class Wire:
    """The sessions of aiohttp, one for direct connections and one for each proxy; lives on the event loop."""

    def __init__(self, options: FetchOptions, allowed: tuple[Network, ...], *, shared: bool = False) -> None:
        """`shared`: places at hosts are confirmed once the connection is up."""
        self.options = options
        self.allowed = allowed
        self._traces = [_confirming()] if shared else []
        self.resolver = GuardedResolver(allowed)
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Closes every connection and gives their transports the turn of the loop that they need."""
        for session in self._sessions.values():
            await session.close()
        if self._sessions:
            await asyncio.sleep(0.01)
        self._sessions.clear()

    async def get(
        self, request: FetchRequest, url: str, *, timeout_s: float, identity: bool, once: bool, turn: Turn | None = None
    ) -> Response:
        """One GET, or a POST of what the request brings. `timeout_s` holds for head and body together.

        `turn`: is told when the head of the answer is there. Raises FetchError, EncodingError, Deferred.
        """
        proxy = self.proxy(request.outlet)
        options: dict[str, Any] = {}
        if proxy.startswith("http"):
            options["proxy"] = proxy
        timeout = aiohttp.ClientTimeout(
            total=max(timeout_s, 0.001), sock_connect=self.options.connect_s, sock_read=self.options.idle_s
        )
        headers = request_headers(request, self.options.user_agent or USER_AGENT, identity=identity, once=once)
        try:
            session = self._session(proxy)
            received = await session.request(
                "GET" if request.post is None else "POST",
                URL(url, encoded=True),
                headers=headers,
                data=request.post,
                allow_redirects=False,
                timeout=timeout,
                trace_request_ctx=turn,
                **options,
            )
        except (aiohttp.ClientError, OSError, ValueError, EOFError, *PROXY_ERRORS) as error:
            raise explain(url, error, proxied=bool(proxy)) from error
        if turn is not None:
            turn.answered()
        try:
            return await self._read(request, url, received, lenient=identity)
        finally:
            # a response that was read to its end has given its connection back already; any other one is cut
            received.close()

    def proxy(self, outlet: str) -> str:
        """The proxy for an outlet, empty for none."""
        return self.options.proxies.get(outlet) or self.options.proxies.get("", "")

    def _session(self, proxy: str) -> aiohttp.ClientSession:
        session = self._sessions.get(proxy)
        if session is None:
            session = self._sessions[proxy] = aiohttp.ClientSession(
                connector=self._connector(proxy),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                max_line_size=self.options.header_bytes,
                max_field_size=self.options.header_bytes,
                read_bufsize=65_536,
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
                trace_configs=self._traces,
            )
            # aiohttp repeats on its own what a reused connection lost; the one retry is ours, behind the pace
            session._retry_connection = False
        return session

    def _connector(self, proxy: str) -> aiohttp.BaseConnector:
        limits: dict[str, Any] = {"limit": 0, "keepalive_timeout": KEEP_ALIVE_S}
        if proxy.startswith("socks"):
            try:
                return ProxyConnector.from_url(proxy.replace("socks5h://", "socks5://"), rdns=True, **limits)
            except ValueError as error:
                raise failure(proxy, "proxy", f"not a proxy: {error}", retryable=False) from error
        if proxy:
            return aiohttp.TCPConnector(**limits)
        return aiohttp.TCPConnector(
            resolver=self.resolver, use_dns_cache=False, socket_factory=self._open_socket, **limits
        )

    def _open_socket(self, info: Any) -> socket.socket:
        """Sees the very address that is connected to: the last line of defence."""
        why = refusal(str(info[4][0]), self.allowed)
        if why:
            raise RefusedAddress(f"{info[4][0]} is {why}")
        opened = socket.socket(family=info[0], type=info[1], proto=info[2])
        opened.setblocking(False)
        return opened

    async def _read(
        self, request: FetchRequest, url: str, received: aiohttp.ClientResponse, *, lenient: bool
    ) -> Response:
        at = datetime.now(UTC)
        version = received.version
        response = Response(
            url=without_credentials(request.url),
            final_url=without_credentials(url),
            status=received.status,
            reason=received.reason or "",
            http_version=f"{version.major}.{version.minor}" if version else "1.1",
            headers=received_headers(received.raw_headers),
            at=at,
        )
        if received.status in BODILESS or received.status in REDIRECTS:
            return response
        body = _Body(response.headers, request.cap_bytes or self.options.cap(request.kind), lenient=lenient)
        truncated = await _fill(body, received)
        if body.over and request.kind != "robots":
            raise _too_large(url, response, body.cap)
        return msgspec.structs.replace(response, raw=body.raw, body=body.decoder.body, truncated=truncated)


def _confirming() -> aiohttp.TraceConfig:
    """Asks a request's Turn after connecting, which may take seconds, and right before the request is written."""

    async def confirm(_session: object, context: SimpleNamespace, _told: object) -> None:
        if context.trace_request_ctx is not None:
            await context.trace_request_ctx.confirm()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(confirm)
    trace.on_connection_reuseconn.append(confirm)
    return trace


class _Body:
    """A body on its way in: as received and decoded, both under the cap."""

    def __init__(self, headers: tuple[tuple[str, str], ...], cap: int, *, lenient: bool) -> None:
        self.cap = cap
        self.lenient = lenient
        """Take a body that is not encoded at all, though the header says so, as it is."""
        self.decoder = BodyDecoder(",".join(v for n, v in headers if n.lower() == "content-encoding"), cap)
        self.over = ""
        """bytes or decompressed: which cap was hit."""
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def raw(self) -> bytes:
        return b"".join(self._chunks)

    def add(self, chunk: bytes) -> None:
        """Raises EncodingError."""
        room = self.cap - self._size
        self.over = "bytes" if len(chunk) > room else ""
        chunk = chunk[:room]
        self._size += len(chunk)
        self._chunks.append(chunk)
        try:
            self.decoder.feed(chunk)
        except EncodingError as error:
            if not (self.lenient and error.at_start):
                raise
            self.decoder = BodyDecoder("", self.cap)
            self.decoder.feed(self.raw)
        if self.decoder.over:
            self.over = "decompressed"

    def cut(self) -> bool:
        """Whether the encoded stream stopped before its end."""
        return bool(self._size) and not self.decoder.ended()


async def _fill(body: _Body, received: aiohttp.ClientResponse) -> str:
    """Reads until the end or a cap; returns what ended it early, empty when whole."""
    try:
        async for chunk in received.content.iter_any():
            body.add(chunk)
            if body.over:
                return body.over
    except TimeoutError:
        return "time"
    except (aiohttp.ClientError, OSError, EOFError):
        return "bytes"
    return "bytes" if body.cut() else ""


def _too_large(url: str, response: Response, cap: int) -> FetchError:
    told = response.header("content-length")
    length = f", Content-Length {told[:20]}" if told else ""
    return failure(url, "size", f"over {cap / 1e6:.1f} MB (status {response.status}{length})", retryable=False)
