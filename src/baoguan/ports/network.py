"""The way to outlets."""

from collections.abc import Iterator
from typing import Protocol

from baoguan.model.capture import FetchRequest, FetchResult


class Fetcher(Protocol):
    """The network, with all politeness inside. One thread calls it; results come in the order of completion."""

    def submit(self, request: FetchRequest) -> None:
        """Queues a request; never blocks."""
        ...

    def results(self) -> Iterator[FetchResult]:
        """Yields a result for every submitted request (also those submitted meanwhile); ends when none is open."""
        ...

    def ready(self) -> bool:
        """Whether a result waits to be taken."""
        ...

    def fetch(self, request: FetchRequest) -> FetchResult:
        """One request, waited for. Not while results() is being consumed."""
        ...

    def host_state(self) -> dict[str, int]:
        """Hosts that want no request before an epoch (ms): what a later run must obey too."""
        ...

    def close(self) -> None:
        """Ends the loop's thread and its connections."""
        ...


class SharedPace(Protocol):
    """Politeness towards hosts that several processes share. Called from several threads; StoreError when it's lost."""

    def take(self, names: list[tuple[str, float]], hold_s: float) -> tuple[float, int]:
        """Takes the place at all (host, pace in s): (0, token); or none: (seconds until to ask again, 0).

        Nobody else gets one there before a pace after `leave`, or after `hold_s`.
        """
        ...

    def leave(self, names: list[tuple[str, float]], token: int) -> None:
        """The hosts have answered: the next places are a pace from now. A place that another has by now stays its."""
        ...

    def later(self, name: str, until_ms: int) -> None:
        """The host wants no request before an epoch (ms): nobody asks it until then."""
        ...
