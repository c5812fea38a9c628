"""/api/v1 as an ASGI application of its own: finds the operation, answers in JSON, refuses in problems (RFC 9457)."""

import re
import time
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from baoguan.errors import ConfigError, NotFound, StoreError, Withdrawn, Withheld
from baoguan.model.api import ArticleText, Problem
from baoguan.web.api_source import DeskReader
from baoguan.web.api_spec import PROBLEM, openapi
from baoguan.web.api_table import OPERATIONS, Operation, read_given
from baoguan.web.limits import RateLimit, network_of
from baoguan.web.options import WebOptions
from baoguan.web.reply import text_reply
from baoguan.web.syndication import base_url

_VARY = "Accept-Encoding"
_CHUNK = 65_536
_BURST_S = 10
_TITLES = {
    400: "Bad Request",
    403: "Withheld",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Withdrawn",
    429: "Too Many Requests",
    500: "Internal Error",
    503: "Not Available",
}


class _Refused(Exception):  # noqa: N818 - an answer, not a failure
    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers


class Api:
    """Every address from /api/v1 on. Read-only; safe to be asked from many connections."""

    def __init__(
        self,
        reader: DeskReader,
        *,
        base_of: Callable[[Request], str],
        asks_a_second: float,
        searches_a_second: float,
        shared: bool = True,
    ) -> None:
        """`shared`: pages of other sites may read the answers (CORS); not where reading needs a login."""
        self._reader, self._base_of, self._shared = reader, base_of, shared
        self._asks = RateLimit(asks_a_second, max(1, ceil(asks_a_second * _BURST_S)))
        self._searches = RateLimit(searches_a_second, 20)
        self._routes = [(_pattern(one.path), one) for one in OPERATIONS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            reply = self._preflight(request) if request.method == "OPTIONS" else await self._answer(request)
        except _Refused as refused:
            reply = problem(refused.status, str(refused), refused.headers)
        if self._shared:
            reply.headers["access-control-allow-origin"] = "*"
            reply.headers["access-control-expose-headers"] = "ETag, Retry-After"
        await reply(scope, receive, send)

    def _preflight(self, request: Request) -> Response:
        self._find(request)
        headers = {"allow": "GET, HEAD, OPTIONS"}
        if self._shared:
            headers |= {
                "access-control-allow-methods": "GET, HEAD, OPTIONS",
                "access-control-allow-headers": "If-None-Match, Authorization",
                "access-control-max-age": "86400",
            }
        return Response(status_code=204, headers=headers)

    def _find(self, request: Request) -> tuple[Operation, dict[str, str]] | None:
        """The operation and what its path says; None for openapi.json."""
        path = request.scope["path"].removeprefix("/api/v1")
        if path in ("", "/openapi.json"):
            return None
        for pattern, operation in self._routes:
            found = pattern.fullmatch(path)
            if found is not None:
                return operation, found.groupdict()
        raise _Refused(404, "no such address; /api/v1/openapi.json tells them all")

    async def _answer(self, request: Request) -> Response:
        self._count(request, self._asks)
        found = self._find(request)
        if request.method not in ("GET", "HEAD"):
            raise _Refused(405, "this interface is read-only: GET, HEAD and OPTIONS", allow="GET, HEAD, OPTIONS")
        if found is None:
            data = msgspec.json.encode(openapi(self._base_of(request)))
            return _json(request, data, "application/json")
        operation, in_path = found
        if operation.searches:
            self._count(request, self._searches)
        try:
            given = read_given(operation, in_path, request.query_params.multi_items())
        except ConfigError as error:
            raise _Refused(400, str(error)) from error
        return await run_in_threadpool(self._made, request, operation, given)

    def _made(self, request: Request, operation: Operation, given: dict[str, Any]) -> Response:
        try:
            said = operation.answer(self._reader, given)
        except (ConfigError, StoreError) as error:
            raise _Refused(_status(error), _detail(error)) from error
        if isinstance(said, Iterator):
            said = said if request.method == "GET" else iter(())
            return StreamingResponse(
                _lines(said), headers={"cache-control": "no-store"}, media_type=operation.media_type
            )
        data = said if isinstance(said, bytes) else msgspec.json.encode(said)
        kind = operation.media_type + ("; charset=utf-8" if operation.media_type.startswith("text/") else "")
        return _json(request, data, kind)

    def _count(self, request: Request, limit: RateLimit) -> None:
        wait = limit.wait_s(network_of(request.client.host if request.client else ""), time.monotonic())
        if wait:
            raise _Refused(
                429, f"more than your share; come back in {ceil(wait)} s", **{"retry-after": str(ceil(wait))}
            )


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]*)", re.escape(path)), re.S)


def _status(error: ConfigError | StoreError) -> int:
    kinds = ((Withdrawn, 410), (Withheld, 403), (NotFound, 404))
    known = next((status for kind, status in kinds if isinstance(error, kind)), 0)
    return known or (400 if isinstance(error, ConfigError) else 503)


def _detail(error: ConfigError | StoreError) -> str:
    if isinstance(error, ConfigError | NotFound | Withheld):
        return str(error)
    return "what the archive keeps there can't be read; its operator can run `baoguan verify`"


def _json(request: Request, data: bytes, kind: str) -> Response:
    return text_reply(request, data, media_type=kind, cache="no-cache", vary=_VARY)


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An RFC 9457 problem."""
    body = msgspec.json.encode(Problem(title=_TITLES.get(status, "Error"), status=status, detail=detail))
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, PROBLEM)


def _lines(articles: Iterator[ArticleText]) -> Iterator[bytes]:
    """Some of them at a time: a thread is taken for each piece."""
    waiting = bytearray()
    for article in articles:
        waiting += msgspec.json.encode(article)
        waiting += b"\n"
        if len(waiting) > _CHUNK:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def api_routes(reader: DeskReader, options: WebOptions, *, shared: bool) -> list[BaseRoute]:
    """The routes of /api/v1 by the options of the reader."""
    api = Api(
        reader,
        base_of=lambda request: base_url(request, options.base_url),
        asks_a_second=options.asks_a_second,
        searches_a_second=options.searches_a_second,
        shared=shared,
    )
    return [Route("/api/v1", api), Route("/api/v1/{path:path}", api)]
