"""A request from its URL to a result: targets checked, robots asked, redirects followed, one retry, hosts heeded."""

import asyncio
from urllib.parse import urlsplit

import msgspec

from baoguan.errors import FetchError
from baoguan.fetch.addresses import Network, check_target, literal_address
from baoguan.fetch.decode import EncodingError
from baoguan.fetch.exchange import REDIRECTS, Wire
from baoguan.fetch.failures import REACH_KINDS, explain, failure, without_credentials
from baoguan.fetch.headers import parse_retry_after
from baoguan.fetch.options import USER_AGENT, FetchOptions
from baoguan.fetch.pace import TOO_MANY_PAUSE_S, Deferred, Gate
from baoguan.fetch.robots import Robots
from baoguan.model.capture import FetchRequest, FetchResult, Hop, Response
from baoguan.ports import Entropy
from baoguan.text.urls import absolute_url, host_of, registrable_domain

RETRY_KINDS = frozenset({"reset", "connect", "header"})
"""Failures that one more try in the same run can heal."""
RETRY_JITTER_S = (0.05, 0.3)


class Visitor:
    """Carries requests out, on the event loop. One for a fetcher; `close` ends its connections."""

    def __init__(
        self, options: FetchOptions, allowed: tuple[Network, ...], gate: Gate, entropy: Entropy | None
    ) -> None:
        self.options = options
        self.gate = gate
        self._allowed = allowed
        self._entropy = entropy
        self._wire = Wire(options, allowed, shared=gate.shares)
        self._robots = Robots(lambda request: self.visit(request, job=False), options.user_agent or USER_AGENT)

    async def close(self) -> None:
        """Ends all connections."""
        await self._wire.close()

    async def visit(self, request: FetchRequest, *, job: bool) -> FetchResult:
        """What came of a request; every failure is a value. `job`: it counts among the global slots."""
        extra: list[Response] = []
        try:
            response = await self._follow(request, extra, job=job)
        except FetchError as error:
            return FetchResult(
                request=request,
                error=str(error),
                error_kind=error.kind,
                retryable=error.retryable,
                extra=tuple(extra),
            )
        except Deferred as left:
            return FetchResult(request=request, deferred_ms=left.until_ms, extra=tuple(extra))
        return FetchResult(request=request, response=response, extra=tuple(extra))

    async def _follow(self, request: FetchRequest, extra: list[Response], *, job: bool) -> Response:
        url = absolute_url("", request.url).partition("#")[0]
        if not url:
            raise failure(request.url, "address", "not an http or https URL", retryable=False)
        hops: list[Hop] = []
        left_s = self.options.timeout_s
        seen = {url}
        while True:
            await self._may_ask(request, url, extra)
            response, spent_s = await self._ask(request, url, left_s, job=job)
            left_s -= spent_s
            location = response.header("location")
            if response.status not in REDIRECTS or not location or request.post is not None:
                return msgspec.structs.replace(response, hops=tuple(hops))
            target = absolute_url(url, location).partition("#")[0]
            hops.append(Hop(url=without_credentials(url), status=response.status, location=without_credentials(target)))
            _check_redirect(url, location, target, seen, len(hops) > self.options.redirects)
            seen.add(target)
            if request.kind == "picture":  # as a browser does, and as hosts that look at it expect
                request = msgspec.structs.replace(request, referer=without_credentials(url))
            url = target

    async def _may_ask(self, request: FetchRequest, url: str, extra: list[Response]) -> None:
        """Raises FetchError of kind address or robots, or Deferred."""
        why = check_target(url, self._allowed)
        if why:
            raise failure(url, "address", f"refused: {why}", retryable=False)
        asks = request.kind in ("page", "probe") or (request.kind == "feed" and self.options.robots_for_feeds)
        if not (self.options.robots and asks):
            return
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        verdict = await self._robots.verdict(origin, url, request.outlet)
        extra.extend(verdict.seen)
        if verdict.crawl_delay_s:
            self.gate.slow_down(registrable_domain(host_of(url)), verdict.crawl_delay_s)
        if verdict.deferred_ms:
            raise Deferred(verdict.deferred_ms)
        if not verdict.allowed:
            raise failure(url, verdict.kind, verdict.reason, retryable=verdict.retryable)

    async def _ask(self, request: FetchRequest, url: str, left_s: float, *, job: bool) -> tuple[Response, float]:
        """The response to one hop and the seconds it took; at most one retry."""
        names = await self._names(request, url)
        identity = False
        for last in (False, True):
            async with self.gate.enter(names, job=job) as turn:
                started = asyncio.get_running_loop().time()
                once = request.kind == "feed" and self.gate.users(names[0]) == 1
                try:
                    response = await self._wire.get(
                        request, url, timeout_s=left_s, identity=identity, once=once, turn=turn
                    )
                except EncodingError as error:
                    if last:
                        raise failure(url, "encoding", f"Content-Encoding is wrong: {error}") from error
                    identity = True
                except FetchError as error:
                    if last or error.kind not in RETRY_KINDS:
                        self._note_failure(names[0], error)
                        raise
                    identity = error.kind == "header"
                else:
                    self._note_answer(names[0], response)
                    return response, asyncio.get_running_loop().time() - started
            await asyncio.sleep(self._entropy.uniform(*RETRY_JITTER_S) if self._entropy else RETRY_JITTER_S[0])
        raise AssertionError("the second try returns or raises")

    async def _names(self, request: FetchRequest, url: str) -> list[str]:
        """What the pace of a URL hangs on: its registrable domain, and its address unless a proxy looks it up."""
        host = host_of(url)
        domain = literal_address(host) or registrable_domain(host)
        if domain == literal_address(host) or self._wire.proxy(request.outlet):
            return [domain]
        try:
            return [domain, min(await self._wire.resolver.addresses(host))[0]]
        except OSError as error:
            failed = explain(url, error, proxied=False)
            self._note_failure(domain, failed)
            raise failed from error

    def _note_failure(self, name: str, error: FetchError) -> None:
        if error.kind in REACH_KINDS:
            self.gate.failed(name)

    def _note_answer(self, name: str, response: Response) -> None:
        self.gate.reached(name)
        if response.status not in (429, 503):
            return
        seconds = parse_retry_after(response.header("retry-after"), response.at)
        if seconds is None and response.status == 429:
            seconds = TOO_MANY_PAUSE_S
        if seconds:
            self.gate.ask_later(name, seconds)


def _check_redirect(url: str, location: str, target: str, seen: set[str], too_many: bool) -> None:
    if not target:
        raise failure(url, "redirects", f"redirects to {location[:80]}, which can't be fetched", retryable=False)
    if target in seen:
        raise failure(url, "redirects", f"redirects in a loop, to {target}")
    if too_many:
        raise failure(url, "redirects", "too many redirects")
