"""Who may start a request now: slots and pace by registrable domain and by address, and hosts that want to be left.

All of it lives on the fetcher's event loop, so nothing here is locked against threads. Waiting holds no global slot:
a request takes its host's turn, waits for the pace there, and only then asks for one. Where other processes ask the
same hosts, a place is held until the answer comes and the next one counts from then: what the network or a busy machine
does to a request can't bring it near the next.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from baoguan.errors import StoreError
from baoguan.fetch.options import FetchOptions
from baoguan.ports import SharedPace

FAILURE_LIMIT = 3
"""So many failures in a row to reach a host, then it is left for a while."""
FAILURE_PAUSE_S = 60.0
FAILURE_PAUSE_MAX_S = 3600.0
TOO_MANY_PAUSE_S = 60.0
"""After a 429 without Retry-After."""
_FAILS = "fails:"
_LOST_PAUSE_S = 10.0
"""Nothing is asked while nobody can say who else asks."""
HOLD_S = 4.0
"""So long a shared place is held for one who doesn't say that it was used: a dead worker, or a very slow host."""
USE_S = 2.0
"""A place that isn't used within this is asked for again: its worker was held back. The rest is for the way there."""


class Deferred(Exception):  # noqa: N818 - an outcome, not an error
    """The host wants no request before `until_ms` (epoch), which is longer than we wait."""

    def __init__(self, until_ms: int) -> None:
        super().__init__(until_ms)
        self.until_ms = until_ms


class _Key:
    """Turns and slots of one registrable domain or one address."""

    __slots__ = ("next_start", "pace_s", "slots", "turn", "users")

    def __init__(self, per_host: int, pace_s: float) -> None:
        self.slots = asyncio.Semaphore(per_host)
        self.turn = asyncio.Lock()
        self.next_start = 0.0
        self.pace_s = pace_s
        self.users = 0


class Turn:
    """One request's leave to start. `confirm` is awaited with the connection up, `answered` called at the answer."""

    def __init__(self, gate: "Gate", names: Sequence[str], keys: Sequence[_Key]) -> None:
        self._gate = gate
        self.asked = [(name, key.pace_s) for name, key in zip(names, keys, strict=True)]
        self.keys = keys
        self.until_s = 0.0
        """When the shared place must be used (monotonic seconds); the loop's own clock stands still with a process."""
        self.token = 0
        """Of the shared place that is held; 0: none."""
        self.turns = contextlib.ExitStack()
        """The turns at the hosts: nobody else of this process asks for the next place before the answer."""

    async def confirm(self) -> None:
        """Returns while the place still holds, with a new one where this process came too late. Raises Deferred."""
        while self.token and time.monotonic() > self.until_s:
            wait_s = await self._gate.take(self)
            if wait_s:
                await asyncio.sleep(wait_s)

    def answered(self) -> None:
        """The host has answered, or won't: the next place counts from now. Again: nothing."""
        if self.token:
            self._gate.leave(self)
        self.turns.close()


class Gate:
    """Hands out permission to start, host by host in the order of asking."""

    def __init__(
        self,
        options: FetchOptions,
        hosts: Mapping[str, int],
        ready: Callable[[], Awaitable[None]],
        wall: Callable[[], float] = time.time,
        *,
        shared: SharedPace | None = None,
    ) -> None:
        self.options = options
        self._ready = ready
        """Waits until the caller has room for one more result."""
        self.wall = wall
        self._shared = shared
        self._telling: set[asyncio.Future[None]] = set()
        self.not_before = {name: at for name, at in hosts.items() if not name.startswith(_FAILS)}
        self.fails = {name.removeprefix(_FAILS): count for name, count in hosts.items() if name.startswith(_FAILS)}
        self._keys: dict[str, _Key] = {}
        self._jobs = asyncio.Semaphore(options.jobs)

    def state(self) -> dict[str, int]:
        """What must outlive the run: name to epoch (ms), and `fails:`name to failures in a row."""
        now_ms = self.wall() * 1000
        # copied first: the caller's thread asks while the loop may add to them
        kept = {name: at for name, at in self.not_before.copy().items() if at > now_ms}
        return kept | {f"{_FAILS}{name}": count for name, count in self.fails.copy().items() if count}

    def users(self, name: str) -> int:
        """Requests that are under way or wait for that domain."""
        return self._keys[name].users if name in self._keys else 0

    @property
    def shares(self) -> bool:
        """Whether other processes ask the same hosts."""
        return self._shared is not None

    @contextlib.asynccontextmanager
    async def enter(self, names: Sequence[str], *, job: bool = True) -> AsyncIterator[Turn]:
        """Waits until a request may start; leaving frees the slots. Raises Deferred.

        `names`: the domain first, then the address. Always in that order, so that no two requests wait for each other.
        `job`: take one of the global slots too.
        """
        keys = [self._key(name) for name in names]
        turn = Turn(self, names, keys)
        async with contextlib.AsyncExitStack() as stack:
            for key in keys:
                key.users += 1
                stack.callback(self._leave, key)
            for key in keys:
                await stack.enter_async_context(key.slots)
            stack.callback(turn.answered)
            for key in keys:
                await key.turn.acquire()
                turn.turns.callback(key.turn.release)
            await self._start(names, turn, stack, job=job)
            started = asyncio.get_running_loop().time()
            for key in keys:
                key.next_start = started + key.pace_s
            if self._shared is None:
                turn.turns.close()
            yield turn

    async def _start(self, names: Sequence[str], turn: Turn, stack: contextlib.AsyncExitStack, *, job: bool) -> None:
        """Waits for the pace, then for a slot, then for the place that all processes agree on; without it, again."""
        last_s = time.monotonic() + self.options.max_wait_s
        while True:
            await self._wait(names, turn.keys)
            async with contextlib.AsyncExitStack() as slot:
                if job:
                    await slot.enter_async_context(self._jobs)
                    await self._ready()
                wait_s = await self.take(turn) if self._shared is not None else 0.0
                if not wait_s:
                    stack.push_async_callback(slot.pop_all().aclose)
                    return
            if time.monotonic() + wait_s > last_s:
                raise Deferred(int((self.wall() + wait_s) * 1000))
            await asyncio.sleep(wait_s)

    async def take(self, turn: Turn) -> float:
        """Takes the shared place (0), or tells in how many seconds to ask again. Raises Deferred where it is lost."""
        assert self._shared is not None
        asked_s = time.monotonic()
        try:
            wait_s, turn.token = await asyncio.to_thread(self._shared.take, turn.asked, HOLD_S)
        except StoreError as error:
            raise Deferred(int((self.wall() + _LOST_PAUSE_S) * 1000)) from error
        turn.until_s = asked_s + USE_S
        return wait_s

    def leave(self, turn: Turn) -> None:
        """The next shared place counts from now."""
        now_s = asyncio.get_running_loop().time()
        for key in turn.keys:
            key.next_start = now_s + key.pace_s
        token, turn.token = turn.token, 0
        if self._shared is not None:
            self._tell(self._shared.leave, turn.asked, token)

    def slow_down(self, name: str, delay_s: float) -> None:
        """robots.txt asks for a longer pace."""
        key = self._key(name)
        key.pace_s = max(key.pace_s, min(delay_s, self.options.crawl_delay_cap_s))

    def ask_later(self, name: str, seconds: float) -> None:
        """The host asked to be left for so long."""
        until_ms = int((self.wall() + min(seconds, self.options.max_retry_after_s)) * 1000)
        self.not_before[name] = max(self.not_before.get(name, 0), until_ms)
        if self._shared is not None:
            self._tell(self._shared.later, name, until_ms)

    def reached(self, name: str) -> None:
        """The host answered."""
        self.fails.pop(name, None)

    def failed(self, name: str) -> None:
        """The host could not be reached; after some times in a row it is left, longer each time."""
        fails = self.fails[name] = self.fails.get(name, 0) + 1
        if fails >= FAILURE_LIMIT:
            self.ask_later(name, min(FAILURE_PAUSE_S * 2 ** min(fails - FAILURE_LIMIT, 10), FAILURE_PAUSE_MAX_S))

    def _key(self, name: str) -> _Key:
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = _Key(self.options.per_host, self.options.pace_s)
        return key

    def _leave(self, key: _Key) -> None:
        key.users -= 1

    def _tell(self, say: Callable[..., None], *given: object) -> None:
        """Tells the others, without waiting; what isn't heard is kept with this run's hosts, or ends by itself."""

        def tell() -> None:
            with contextlib.suppress(StoreError):
                say(*given)

        told = asyncio.get_running_loop().run_in_executor(None, tell)
        self._telling.add(told)
        told.add_done_callback(self._telling.discard)

    async def _wait(self, names: Sequence[str], keys: Sequence[_Key]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            until_ms = max(self.not_before.get(name, 0) for name in names)
            asked_s = until_ms / 1000 - self.wall()
            if asked_s > self.options.max_wait_s:
                raise Deferred(until_ms)
            wait_s = max(asked_s, *(key.next_start - loop.time() for key in keys))
            if wait_s <= 0:
                return
            await asyncio.sleep(wait_s)
