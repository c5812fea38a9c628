"""Captures against the log, over all batches: what lines name must stand in a file, and files hold nothing else."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from typing import Any

from baoguan.archive.checks_captures import CaptureCheck, Stray, check_captures, first_index
from baoguan.archive.report import ALTERED, EXTRA, MISSING, Fault
from baoguan.ports import ObjectStore

Progress = Callable[[str, int, int], None]
"""(what, done, total)"""
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""As the builtin: in order. A process pool's map makes it parallel; tasks and results can be pickled."""
_END = 2**63


class CaptureRun:
    """The captures of one verification: digests while the log is read, then the files. Owned by one thread."""

    def __init__(self, objects: ObjectStore, progress: Progress, pmap: Map) -> None:
        self._objects = objects
        self._progress = progress
        self._map = pmap
        self._index: array[int] = array("Q")
        self._digest = bytearray()
        self.faults: list[Fault] = []
        self.counts: Counter[str] = Counter()
        self.paths: list[str] = []
        """Files that were read."""
        self.gone: set[bytes] = set()
        """Captures that were withdrawn, whoever names them."""
        self._strange: set[str] = set()
        """Files in which the lines of their own batch name nothing."""

    def name(self, index: int, digest: bytes) -> None:
        """Entry `index` names a stored member. In log order."""
        self._index.append(index)
        self._digest += digest

    def _digests(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """(log index, digest) of the captures that entries start..stop-1 name."""
        low, high = bisect_left(self._index, start), bisect_left(self._index, stop)
        for at in range(low, high):
            yield self._index[at], bytes(self._digest[32 * at : 32 * at + 32])

    def read(self, since: int, after: str) -> None:
        """Judges the files of batches from entry `since` on, whose names are greater than `after`.

        Older files are read only where a line from `since` on names a capture that no newer file holds.
        """
        known = [
            (index, path) for path in self._objects.list("captures", after) if (index := first_index(path)) is not None
        ]
        known = sorted(pair for pair in known if pair[0] >= since)
        groups = [(index, [path for _, path in group]) for index, group in groupby(known, key=lambda pair: pair[0])]
        # Lines before the first batch of the scope belong to older files, unless there are none.
        bounds = [first if number or since else 0 for number, (first, _) in enumerate(groups)] + [_END]
        loose: list[tuple[int, bytes]] = list(self._digests(0, bounds[0]))
        tasks = (
            (path, frozenset(digest for _, digest in self._digests(bounds[number], bounds[number + 1])))
            for number, (_, paths) in enumerate(groups)
            for path in paths
        )
        strays: list[Stray] = []
        checks = iter(self._map(partial(_task, self._objects), tasks))
        done = 0
        for number, (_, paths) in enumerate(groups):
            found: set[bytes] = set()
            for check in islice(checks, len(paths)):
                self._take(check, strays)
                found |= check.found
                done += 1
                self._progress("captures", done, len(known))
            named = self._digests(bounds[number], bounds[number + 1])
            loose += [(index, digest) for index, digest in named if digest not in found]
        self._settle(self._in_older(loose, strays, since), strays)

    def _take(self, check: CaptureCheck, strays: list[Stray]) -> None:
        self.paths.append(check.path)
        self.counts["capture_files"] += 1
        self.counts["captures"] += check.members
        self.counts["bytes"] += check.bytes
        if not check.members:
            self._strange.add(check.path)
        strays += check.strays

    def _in_older(self, loose: list[tuple[int, bytes]], strays: list[Stray], since: int) -> list[tuple[int, bytes]]:
        """Those that no file before `since` holds either; newest first, until none is left."""
        wanted = {digest for _, digest in loose} - {stray.sha256 for stray in strays}
        if not since or not wanted:
            return loose
        paths = [(index, path) for path in self._objects.list("captures") if (index := first_index(path)) is not None]
        found: set[bytes] = set()
        for index, path in sorted(paths, reverse=True):
            if index < since and wanted - found:
                found |= check_captures(self._objects, path, frozenset(wanted - found)).found
        return [(index, digest) for index, digest in loose if digest not in found]

    def _settle(self, loose: list[tuple[int, bytes]], strays: list[Stray]) -> None:
        """Names across batches: a line may speak of a capture of an older batch (re-extraction, withdrawal)."""
        absent = {digest for _, digest in loose}
        spare = {stray.sha256 for stray in strays} & absent
        if absent:
            at_home = (bytes(self._digest[at : at + 32]) for at in range(0, len(self._digest), 32))
            home = Counter(digest for digest in at_home if digest in absent)
            away = Counter(digest for _, digest in loose)
            spare |= {digest for digest, count in home.items() if count > away[digest]}
        # Stubs and captures that were named anew are named by lines of later batches.
        self._strange -= {stray.path for stray in strays if stray.sha256 in spare}
        for path in sorted(self._strange):
            self.faults.append(Fault(kind=EXTRA, path=path, detail="no line of the log names anything in it"))
        for stray in strays:
            if stray.sha256 not in spare and stray.path not in self._strange:
                detail = f"{stray.size} bytes that no line of the log names"
                self.faults.append(Fault(kind=ALTERED, path=stray.path, detail=detail, offset=stray.offset))
        for index, digest in loose:
            if digest not in spare and digest not in self.gone:
                detail = f"named by entry {index}"
                self.faults.append(Fault(kind=MISSING, path=f"capture {digest.hex()}", index=index, detail=detail))


def _task(objects: ObjectStore, task: tuple[str, frozenset[bytes]]) -> CaptureCheck:
    return check_captures(objects, *task)
