"""Manifest files that were read lately, so that a page needn't read and cut 256 lines for the one that it shows."""

import re
from array import array
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from baoguan.errors import Corrupt, NotFound
from baoguan.ports import Clock, ObjectStore

BYTES = 16_000_000
"""Of lines, as they stand in the files: about 120 bundles."""
TRUSTED_S = 1.0
"""So long is a file believed to be as it was read; then its size is asked for."""
_END = re.compile(b"\n")


class Manifest:
    """The lines of one file. What is asked for is cut out then."""

    __slots__ = ("_data", "_ends", "checked_s")

    def __init__(self, path: str, data: bytes, checked_s: float) -> None:
        """Raises Corrupt when the last line is cut."""
        if data and not data.endswith(b"\n"):
            raise Corrupt(f"{path}: manifest ends within a line")
        self._data = data
        self._ends = array("I", [found.start() for found in _END.finditer(data)])
        self.checked_s = checked_s

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> bytes | None:
        """A line without its newline; None where it is withheld."""
        start = self._ends[number - 1] + 1 if number else 0
        return self._data[start : self._ends[number]] or None

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return len(self._data)


class Manifests:
    """At most `limit_bytes` of them, by path; for several threads, the lock guards the table.

    Another process may withhold a line of a file, whose size tells (a line becomes empty): see TRUSTED_S.
    """

    def __init__(self, objects: ObjectStore, clock: Clock, *, limit_bytes: int = BYTES) -> None:
        self._objects, self._clock, self._limit = objects, clock, limit_bytes
        self._lock = Lock()
        self._held: OrderedDict[str, Manifest] = OrderedDict()
        self._bytes = 0

    def get(self, path: str, read: Callable[[], bytes]) -> Manifest:
        """The file under `path`; `read` is asked where it isn't held any more. Raises what `read` raises, Corrupt."""
        now_s = self._clock.now().timestamp()
        with self._lock:
            held = self._held.get(path)
            if held is not None:
                self._held.move_to_end(path)
        if held is not None:
            if 0 <= now_s - held.checked_s < TRUSTED_S:
                return held
            if self._is_whole(path, held):
                held.checked_s = now_s
                return held
        found = Manifest(path, read(), now_s)
        self._keep(path, found)
        return found

    def _is_whole(self, path: str, held: Manifest) -> bool:
        try:
            return self._objects.size(path) == held.size_bytes
        except NotFound:
            return False

    def _keep(self, path: str, found: Manifest) -> None:
        with self._lock:
            old = self._held.pop(path, None)
            self._bytes += found.size_bytes - (old.size_bytes if old else 0)
            self._held[path] = found
            while self._bytes > self._limit:
                self._bytes -= self._held.popitem(last=False)[1].size_bytes

    def clear(self) -> None:
        """Forgets all of them."""
        with self._lock:
            self._held.clear()
            self._bytes = 0
