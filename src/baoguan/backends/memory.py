"""Object store and head in memory, with faults on demand: for tests of every write path."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from baoguan.backends.files import check_path
from baoguan.errors import Conflict, DiskFull, NotFound, StoreError

BEFORE = "before"
"""Fail before anything is kept."""
AFTER = "after"
"""Keep, then fail."""
FULL = "full"
"""DiskFull, nothing kept."""
SHORT = "short"
"""Half the bytes are kept, then a failure: what a store without atomic writes leaves behind."""

Fault = Callable[[str, str], str]
"""(operation, path) -> BEFORE, AFTER, FULL, SHORT or the empty string. Asked before each write."""


def fault_at(count: int, kind: str) -> Fault:
    """A fault of `kind` at write number `count` (from 0), once."""
    seen = -1

    def fault(_operation: str, _path: str) -> str:
        nonlocal seen
        seen += 1
        return kind if seen == count else ""

    return fault


def _no_fault(_operation: str, _path: str) -> str:
    return ""


class MemoryObjects:
    """ports.ObjectStore in a dict; `files` is what would be on disk."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        """Starts with `files` (kept, not copied) or empty."""
        self.files: dict[str, bytes] = {} if files is None else files
        self.fault: Fault = _no_fault
        self.writes = 0

    def _store(self, operation: str, path: str, data: bytes) -> None:
        self.writes += 1
        kind = self.fault(operation, path)
        if kind == FULL:
            raise DiskFull(f"{path}: no room on the disk (injected); nothing of the batch was kept")
        if kind == BEFORE:
            raise StoreError(f"{path}: injected failure before keeping")
        self.files[path] = data[: len(data) // 2] if kind == SHORT else bytes(data)
        if kind:
            raise StoreError(f"{path}: injected failure, {kind}")

    def put_new(self, path: str, data: bytes) -> bool:
        """As ports.ObjectStore."""
        check_path(path)
        if path in self.files:
            if self.files[path] != data:
                raise Conflict(f"{path}: other bytes are kept under this name")
            return False
        self._store("put_new", path, data)
        return True

    def put_listed(self, path: str, data: bytes) -> bool:
        """As ports.ObjectStore."""
        return self.put_new(path, data)

    def put_file(self, path: str, source: str) -> bool:
        """As ports.ObjectStore; the source is removed once kept."""
        kept = self.put_new(path, Path(source).read_bytes())
        Path(source).unlink()
        return kept

    def get(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """As ports.ObjectStore."""
        check_path(path)
        try:
            data = self.files[path]
        except KeyError:
            raise NotFound(f"{path}: not there") from None
        return data[start:] if size is None else data[start : start + size]

    def get_each(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        """As ports.ObjectStore."""
        for path in paths:
            try:
                yield self.get(path)
            except NotFound:
                yield None

    def exists(self, path: str) -> bool:
        """As ports.ObjectStore."""
        return check_path(path) in self.files

    def size(self, path: str) -> int:
        """As ports.ObjectStore."""
        return len(self.get(path))

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """As ports.ObjectStore."""
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        if prefix:
            check_path(prefix.rstrip("/"))
        yield from [path for path in sorted(self.files) if path.startswith(prefix) and path > after]

    def list_unknown(self, known: set[int]) -> Iterator[str]:
        """As ports.ObjectStore."""
        return (path for path in self.list("") if hash(path) not in known)

    def delete(self, path: str) -> None:
        """As ports.ObjectStore."""
        check_path(path)
        self.writes += 1
        kind = self.fault("delete", path)
        if kind in (BEFORE, FULL):
            raise StoreError(f"{path}: injected failure before deleting")
        self.files.pop(path, None)
        if kind:
            raise StoreError(f"{path}: injected failure, {kind}")

    def replace(self, path: str, data: bytes | Iterable[bytes]) -> None:
        """As ports.ObjectStore."""
        self._store("replace", check_path(path), data if isinstance(data, bytes) else b"".join(data))

    def sync(self, paths: Iterable[str]) -> None:
        """As ports.ObjectStore; memory is as durable as it gets."""
        self.writes += 1
        kind = self.fault("sync", next(iter(paths), ""))
        if kind == FULL:
            raise DiskFull("sync: no room on the disk (injected); nothing of the batch was kept")
        if kind:
            raise StoreError(f"sync: injected failure, {kind}")


class MemoryHead:
    """ports.Head in a field."""

    def __init__(self, note: bytes | None = None) -> None:
        """Starts at `note`."""
        self.note = note
        self.fault: Fault = _no_fault

    def read(self) -> bytes | None:
        """As ports.Head."""
        return self.note

    def replace(self, old: bytes | None, new: bytes) -> None:
        """As ports.Head."""
        if self.note != old:
            raise Conflict("the head was moved by another writer")
        kind = self.fault("head", "checkpoint")
        if kind == FULL:
            raise DiskFull("checkpoint: no room on the disk (injected); nothing of the batch was kept")
        if kind in (BEFORE, SHORT):
            raise StoreError("checkpoint: injected failure before keeping")
        self.note = new
        if kind == AFTER:
            raise StoreError("checkpoint: injected failure after keeping")
