"""Files that can be made again, kept while there is room: what was used longest ago goes first."""

import os
import tempfile
import time
from pathlib import Path
from threading import Lock

_TOUCH_S = 3600
_KEEP = 0.9  # of the limit, after a sweep


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
        path = self._folder / group / name
        try:
            with path.open("rb") as file:
                data = file.read()
                if time.time() - os.fstat(file.fileno()).st_mtime > _TOUCH_S:
                    os.utime(path)
        except OSError:
            return None
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
        folder = self._folder / group
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, beside = tempfile.mkstemp(dir=folder, prefix=".")
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(beside).chmod(0o644)
            Path(beside).replace(folder / name)
        except OSError:
            return
        with self._lock:
            self._bytes = sum(size for _, size, _ in self._files()) if self._bytes < 0 else self._bytes + len(data)
            if self._bytes > self._limit:
                self._sweep()

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
