"""robots.txt (RFC 9309): what an origin allows, remembered for the run."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
from protego import Protego

from baoguan.model.capture import FetchRequest, FetchResult, Response

TTL_S = 24 * 3600.0
"""A day, as RFC 9309 allows at most."""
SERVER_ERROR_TTL_S = 3600.0
"""5xx and 429: everything is disallowed, and asked again after an hour."""
UNREACHABLE_TTL_S = 300.0
"""No answer at all: disallowed too, but asked again soon; such a host would not give the page either."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What robots.txt says of one URL."""

    allowed: bool
    reason: str = ""
    kind: str = "robots"
    retryable: bool = False
    deferred_ms: int = 0
    crawl_delay_s: float = 0.0
    seen: tuple[Response, ...] = ()
    """The response, for the first who asks; later ones find it empty."""


class _Entry:
    """The answer of one origin."""

    def __init__(self, result: FetchResult, clock: Callable[[], float]) -> None:
        self.result = result
        self.told = False
        self.rules: Protego | None = None
        response = result.response
        if response is None:
            self.expires = clock() + UNREACHABLE_TTL_S
        elif response.status >= 500 or response.status == 429:
            self.expires = clock() + SERVER_ERROR_TTL_S
        else:
            self.expires = clock() + TTL_S
            if 200 <= response.status < 300:
                self.rules = Protego.parse(response.body.decode("utf-8-sig", "replace"))

    def verdict(self, url: str, agent: str) -> Verdict:
        """Whether `agent` may ask for `url`."""
        response = self.result.response
        seen = (response,) if response is not None and not self.told else ()
        self.told = True
        if response is None:
            reason = f"robots.txt can't be asked: {self.result.error or 'the host wants to be left'}"
            kind = self.result.error_kind or "robots"
            return Verdict(allowed=False, reason=reason, kind=kind, retryable=True, deferred_ms=self.result.deferred_ms)
        if response.status >= 500 or response.status == 429:
            reason = f"robots.txt answers {response.status}: nothing is asked for until it answers again"
            return Verdict(allowed=False, reason=reason, retryable=True, seen=seen)
        if self.rules is None:
            return Verdict(allowed=True, seen=seen)
        delay_s = float(self.rules.crawl_delay(agent) or 0.0)
        if self.rules.can_fetch(url, agent):
            return Verdict(allowed=True, crawl_delay_s=delay_s, seen=seen)
        return Verdict(allowed=False, reason="robots.txt disallows it", crawl_delay_s=delay_s, seen=seen)


class Robots:
    """The cache of answers, one request an origin however many ask at once."""

    def __init__(
        self,
        ask: Callable[[FetchRequest], Awaitable[FetchResult]],
        user_agent: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._agent = user_agent.split("/")[0].split(" ")[0] or "baoguan"
        self._clock = clock
        self._entries: dict[tuple[str, str], asyncio.Task[_Entry]] = {}

    async def verdict(self, origin: str, url: str, outlet: str) -> Verdict:
        """Asks `origin`/robots.txt when it is not known; a failed or old answer is asked for again."""
        key = (origin, outlet)
        task = self._entries.get(key)
        if task is not None and task.done() and task.result().expires <= self._clock():
            task = None
        if task is None:
            task = self._entries[key] = asyncio.create_task(self._load(origin, outlet))
        entry = await asyncio.shield(task)
        return entry.verdict(url, self._agent)

    async def _load(self, origin: str, outlet: str) -> _Entry:
        request = FetchRequest(url=f"{origin}/robots.txt", kind="robots", outlet=outlet)
        return _Entry(await self._ask(request), self._clock)
