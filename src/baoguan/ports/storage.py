"""Where the archive lies."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol


class ObjectStore(Protocol):
    """Write-once objects at paths with `/`, durable after `sync`. Errors: NotFound, Conflict, DiskFull, StoreError."""

    def put_new(self, path: str, data: bytes) -> bool:
        """Keeps `data` under `path`, whole or not at all. The same bytes again: fine (False). Other bytes: Conflict."""
        ...

    def put_listed(self, path: str, data: bytes) -> bool:
        """As put_new for a name in a durable staging list: a crash, but no failure, may leave a part for the sweep."""
        ...

    def put_file(self, path: str, source: str) -> bool:
        """As put_new, from a local file on the same disk that is moved (renamed) into place when it can be."""
        ...

    def get(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The bytes from `start`, at most `size`. Raises NotFound."""
        ...

    def get_each(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        """The bytes of each, in that order, None for one that isn't there; for some hundreds of small ones."""
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

    def list_unknown(self, known: set[int]) -> Iterator[str]:
        """Paths of everything but those whose hash(path) is known, in any order: a few, of very many."""
        ...

    def delete(self, path: str) -> None:
        """Removes; absent is fine. Only withdraw, prune and the sweep of an unfinished batch call it."""
        ...

    def replace(self, path: str, data: bytes | Iterable[bytes]) -> None:
        """Puts `data`, whole or in parts, in place of what stands there, atomically."""
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
