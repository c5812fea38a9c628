"""Ports: the fewest methods that the archive needs of disk, network, clock and chance; the docstring is the contract."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from baoguan.model.capture import FetchRequest, FetchResult


class Clock(Protocol):
    """Wall time."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread."""
        ...


class Entropy(Protocol):
    """Chance: salts, record ids, jitter, keys. Seeded in tests."""

    def token_bytes(self, size: int) -> bytes:
        """`size` random bytes, fit for salts and keys."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high, for jitter."""
        ...


class ObjectStore(Protocol):
    """Write-once objects under relative paths with `/`. put_new and replace are durable only after `sync`.

    Errors: NotFound, Conflict, DiskFull, StoreError. Nothing is retried here.
    """

    def put_new(self, path: str, data: bytes) -> bool:
        """Keeps `data` under `path`, whole or not at all. The same bytes again: fine (False). Other bytes: Conflict."""
        ...

    def put_file(self, path: str, source: str) -> bool:
        """As put_new, from a local file on the same disk that is moved (renamed) into place when it can be."""
        ...

    def get(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The bytes from `start`, at most `size`. Raises NotFound."""
        ...

    def exists(self, path: str) -> bool:
        """Whether something is kept under `path`."""
        ...

    def size(self, path: str) -> int:
        """Bytes kept under `path`. Raises NotFound."""
        ...

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """Paths under the folder `prefix`, sorted, those greater than `after`."""
        ...

    def delete(self, path: str) -> None:
        """Removes; absent is fine. Only withdraw, prune and the sweep of an unfinished batch call it."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Puts `data` in place of what stands there, atomically."""
        ...

    def sync(self, paths: Iterable[str]) -> None:
        """Returns once all of `paths` (written before) would survive a power cut."""
        ...


class Head(Protocol):
    """The one mutable object: the signed checkpoint."""

    def read(self) -> bytes | None:
        """The current note, None before the first."""
        ...

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Compare-and-swap, durable on return. Raises Conflict when `old` isn't current."""
        ...


class Fetcher(Protocol):
    """The network, with all politeness inside. One thread calls it; results come in the order of completion."""

    def submit(self, request: FetchRequest) -> None:
        """Queues a request; never blocks."""
        ...

    def results(self) -> Iterator[FetchResult]:
        """Yields a result for every submitted request (also those submitted meanwhile); ends when none is open."""
        ...

    def fetch(self, request: FetchRequest) -> FetchResult:
        """One request, waited for. Not while results() is being consumed."""
        ...

    def close(self) -> None:
        """Ends the loop's thread and its connections."""
        ...
