"""Files that can be made again, kept while there is room: what was used longest ago goes first."""

import itertools
import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

_TOUCH_S = 3600
_KEEP = 0.9  # of the limit, after a sweep
_COUNTER = itertools.count()


class FileCache:
    """At most `limit_bytes` under `folder`, as <group>/<name>, for several processes. The lock guards the count.

    Nothing is synced: after a crash a file is whole or absent, and is made again.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit = folder, limit_bytes
        self._bytes = -1
        self._lock = Lock()

    def get(self, group: str, name: str) -> bytes | None:
        """The bytes, None where they are not kept."""
        path = f"{self._folder}/{group}/{name}"
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            stat = os.fstat(descriptor)
            data = os.read(descriptor, stat.st_size + 1)
            if len(data) != stat.st_size:  # never longer or shorter: files are renamed into place whole
                return None
            if time.time() - stat.st_mtime > _TOUCH_S:
                os.utime(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return data

    def age_s(self, group: str, name: str) -> float:
        """Seconds since it was put there or last used (to the hour); infinite where it is not kept."""
        try:
            return time.time() - (self._folder / group / name).stat().st_mtime
        except OSError:
            return float("inf")

    def put(self, group: str, name: str, data: bytes) -> None:
        """Keeps `data` under a whole name at once; where there is no room for it, it is not kept."""
        if len(data) > self._limit:
            return
        folder = f"{self._folder}/{group}"
        beside = f"{folder}/.{os.getpid()}-{next(_COUNTER)}"
        try:
            self._write(folder, beside, data)
            os.replace(beside, f"{folder}/{name}")  # noqa: PTH105 - as in get: paths cost more than the call
        except OSError:
            with suppress(OSError):
                os.unlink(beside)  # noqa: PTH108
            return
        with self._lock:
            self._bytes = sum(size for _, size, _ in self._files()) if self._bytes < 0 else self._bytes + len(data)
            if self._bytes > self._limit:
                self._sweep()

    def _write(self, folder: str, beside: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            descriptor = os.open(beside, flags, 0o644)
        except FileNotFoundError:
            Path(folder).mkdir(parents=True, exist_ok=True)
            descriptor = os.open(beside, flags, 0o644)
        try:
            os.fchmod(descriptor, 0o644)  # a web server of another user reads it
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def drop(self, group: str) -> int:
        """Forgets a group; how many files that were."""
        folder, count = self._folder / group, 0
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            path.unlink(missing_ok=True)
            count += 1
        if folder.is_dir():
            folder.rmdir()
        with self._lock:
            self._bytes = -1
        return count

    def _files(self) -> list[tuple[float, int, str]]:
        found = []
        for root, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(root, name)  # noqa: PTH118 - a hundred thousand of them
                try:
                    stat = os.stat(path)  # noqa: PTH116
                except OSError:
                    continue
                found.append((stat.st_mtime, stat.st_size, path))
        return found

    def _sweep(self) -> None:
        files = sorted(self._files())
        self._bytes = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._bytes <= self._limit * _KEEP:
                return
            Path(path).unlink(missing_ok=True)
            self._bytes -= size
