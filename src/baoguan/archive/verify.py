"""Verify: everything in public/ against the log, from the leaves up. Reads only; constant memory but for digests."""

import contextlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from typing import Any

from baoguan.archive.batch import CLOCK_BACK_MS
from baoguan.archive.checks_captures import CaptureCheck, Stray, check_captures, first_index
from baoguan.archive.checks_files import check_log_file, check_media
from baoguan.archive.checks_log import BundleCheck, check_bundle
from baoguan.archive.note import Verifier, parse_checkpoint
from baoguan.archive.paths import (
    CHECKPOINT_PATH,
    FORMAT_PATH,
    KEY_PATH,
    WIDTH,
    bundles_between,
    check_format,
    tile_path,
)
from baoguan.archive.report import ALTERED, EXTRA, MISSING, Fault, VerifyReport
from baoguan.archive.tree import Edge
from baoguan.errors import BaoguanError, NotFound, VerifyError
from baoguan.model.log import Checkpoint
from baoguan.ports import ObjectStore

__all__ = ["Fault", "VerifyReport", "verify"]

Progress = Callable[[str, int, int], None]
"""(what, done, total)"""
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""As the builtin: in order. A process pool's map makes it parallel; tasks and results can be pickled."""
_MEDIA_CHUNK = 64
_LOG_FOLDERS = ("bundle", "manifest", "tile")


def verify(
    objects: ObjectStore, verifier: Verifier, *, progress: Progress | None = None, pmap: Map | None = None
) -> VerifyReport:
    """Checks all of public/. Faults are listed, never raised; only an unreadable disk raises StoreError."""
    run = _Run(objects, verifier, progress or _silent, pmap or map)
    return run.report()


def _silent(_what: str, _done: int, _total: int) -> None:
    return


class _Run:
    """One verification. Owned by one thread."""

    def __init__(self, objects: ObjectStore, verifier: Verifier, progress: Progress, pmap: Map) -> None:
        self._objects = objects
        self._verifier = verifier
        self._progress = progress
        self._map = pmap
        self._faults: list[Fault] = []
        self._counts: Counter[str] = Counter()
        # Hashes of names, not names: 1,000,000 records in 60 MB.
        self._expected: set[int] = set()
        self._media: list[tuple[str, str, int]] = []
        self._ref_index: array[int] = array("Q")
        self._ref_digest = bytearray()
        self._gone: set[int] = set()
        self._withheld: list[int] = []
        self._clock_back: list[int] = []

    def report(self) -> VerifyReport:
        head = self._head()
        if head is not None:
            self._log(head)
            self._media_files()
            self._capture_files()
            self._listing(head.size)
        counts = self._counts
        withheld = tuple(index for index in self._withheld if index in self._gone)
        return VerifyReport(
            origin=head.origin if head else self._verifier.name,
            size=head.size if head else 0,
            root=head.root.hex() if head else "",
            counts=dict(sorted(counts.items())),
            faults=tuple(self._faults),
            withheld=withheld,
            kept=tuple(sorted(self._gone.difference(self._withheld))),
            clock_back=tuple(self._clock_back),
        )

    def _fault(
        self, kind: str, path: str, detail: str = "", index: int | None = None, offset: int | None = None
    ) -> None:
        self._faults.append(Fault(kind=kind, path=path, detail=detail, index=index, offset=offset))

    def _expect(self, path: str) -> None:
        self._expected.add(hash(path))

    def _head(self) -> Checkpoint | None:
        for path in (FORMAT_PATH, CHECKPOINT_PATH, KEY_PATH):
            self._expect(path)
        try:
            note = self._objects.get(CHECKPOINT_PATH)
        except NotFound:
            if any(self._objects.list("")):
                self._fault(MISSING, CHECKPOINT_PATH, "without it nothing here is proven")
            return None
        try:
            check_format(self._objects.get(FORMAT_PATH))
        except NotFound:
            self._fault(MISSING, FORMAT_PATH)
        except BaoguanError as error:
            self._fault(ALTERED, FORMAT_PATH, str(error))
        self._published_key()
        try:
            head = parse_checkpoint(note, self._verifier)
            if head.origin != self._verifier.name:
                raise VerifyError(f"the checkpoint is of {head.origin}, the key of {self._verifier.name}")
            return head
        except VerifyError as error:
            self._fault(ALTERED, CHECKPOINT_PATH, str(error))
        try:
            # Unsigned, but its size says how far to read.
            return parse_checkpoint(note)
        except VerifyError:
            return None

    def _published_key(self) -> None:
        # Archives that were made before it was published lack it until their next batch.
        with contextlib.suppress(NotFound):
            if self._objects.get(KEY_PATH) != self._verifier.text.encode() + b"\n":
                self._fault(ALTERED, KEY_PATH, "not the key that the checkpoint is checked with")

    def _log(self, head: Checkpoint) -> None:
        edge = Edge()
        last_ms = 0
        total = (head.size + WIDTH - 1) // WIDTH
        work = partial(_bundle_task, self._objects)
        for done, check in enumerate(self._map(work, bundles_between(0, head.size)), 1):
            self._take(check)
            if check.n and check.times[0] < last_ms - CLOCK_BACK_MS:
                self._clock_back.append(check.n * WIDTH)
            self._clock_back += check.clock_back
            last_ms = check.times[1]
            self._tiles(edge, edge.append(check.hashes), last=done == total)
            self._progress("log", done, total)
        if edge.root() != head.root and not any(fault.path == CHECKPOINT_PATH for fault in self._faults):
            self._fault(ALTERED, CHECKPOINT_PATH, "the leaves don't give the root that was signed")
        for index in self._withheld:
            if index not in self._gone:
                self._fault(MISSING, f"manifest line {index}", "withheld, and no gone line names it", index)

    def _tiles(self, edge: Edge, changed: dict[tuple[int, int], bytes], *, last: bool) -> None:
        """Compares tiles above level 0 (workers compare that): full ones, the open ones once all leaves are in."""
        for (level, n), data in changed.items():
            if level and len(data) == 32 * WIDTH:
                self._tile(level, n, data)
        for level, hashes in enumerate(edge.levels if last else ()):
            if level and hashes:
                self._tile(level, edge.size >> (8 * level + 8), b"".join(hashes))

    def _tile(self, level: int, n: int, data: bytes) -> None:
        path = tile_path(level, n, len(data) // 32)
        self._expect(path)
        self._counts["tiles"] += 1
        try:
            if self._objects.get(path) != data:
                self._fault(ALTERED, path, "not what the leaves below give")
        except NotFound:
            self._fault(MISSING, path)

    def _take(self, check: BundleCheck) -> None:
        self._faults += check.faults
        counts = self._counts
        counts["entries"] += check.width
        counts["bundles"] += 1
        counts["tiles"] += 1
        counts["records"] += len(check.records)
        counts["bytes"] += check.bytes
        for kind, count in check.kinds.items():
            counts[f"kind:{kind}"] += count
        for path in check.records:
            self._expect(path)
        for path, sha256, index in check.media:
            if hash(path) not in self._expected:
                self._expect(path)
                self._media.append((path, sha256, index))
        for index, digest in check.captures:
            self._ref_index.append(index)
            self._ref_digest += digest
        self._gone.update(check.gone)
        self._withheld += check.withheld

    def _media_files(self) -> None:
        total = len(self._media)
        done = 0
        for faults, size in self._map(partial(check_media, self._objects), _chunks(self._media, _MEDIA_CHUNK)):
            self._faults += faults
            self._counts["bytes"] += size
            done = min(total, done + _MEDIA_CHUNK)
            self._progress("media", done, total)
        self._counts["media"] = total

    def _digests(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """(log index, digest) of the captures that entries start..stop-1 name."""
        low, high = bisect_left(self._ref_index, start), bisect_left(self._ref_index, stop)
        for at in range(low, high):
            yield self._ref_index[at], bytes(self._ref_digest[32 * at : 32 * at + 32])

    def _capture_files(self) -> None:
        known = [(index, path) for path in self._objects.list("captures") if (index := first_index(path)) is not None]
        known.sort()
        groups = [(index, [path for _, path in group]) for index, group in groupby(known, key=lambda pair: pair[0])]
        bounds = [(0 if not number else first) for number, (first, _) in enumerate(groups)] + [2**63]
        tasks = (
            (path, frozenset(digest for _, digest in self._digests(bounds[number], bounds[number + 1])))
            for number, (_, paths) in enumerate(groups)
            for path in paths
        )
        loose: list[tuple[int, bytes]] = []
        strays: list[Stray] = []
        checks = iter(self._map(partial(_capture_task, self._objects), tasks))
        done = 0
        for number, (_, paths) in enumerate(groups):
            found: set[bytes] = set()
            for check in islice(checks, len(paths)):
                self._take_capture(check, strays)
                found |= check.found
                done += 1
                self._progress("captures", done, len(known))
            named = self._digests(bounds[number], bounds[number + 1])
            loose += [(index, digest) for index, digest in named if digest not in found]
        if not groups:
            loose = list(self._digests(0, 2**63))
        self._settle(loose, strays)

    def _take_capture(self, check: CaptureCheck, strays: list[Stray]) -> None:
        self._expect(check.path)
        self._counts["capture_files"] += 1
        self._counts["captures"] += check.members
        self._counts["bytes"] += check.bytes
        if not check.members:
            self._fault(EXTRA, check.path, "no line of the log names anything in it")
            return
        strays += check.strays

    def _settle(self, loose: list[tuple[int, bytes]], strays: list[Stray]) -> None:
        """Names across batches: a line may speak of a capture of an older batch (re-extraction, withdrawal)."""
        absent = {digest for _, digest in loose}
        spare = {stray.sha256 for stray in strays} & absent
        if absent:
            at_home = (bytes(self._ref_digest[at : at + 32]) for at in range(0, len(self._ref_digest), 32))
            home = Counter(digest for digest in at_home if digest in absent)
            away = Counter(digest for _, digest in loose)
            spare |= {digest for digest, count in home.items() if count > away[digest]}
        damaged = [stray for stray in strays if stray.sha256 not in spare]
        for stray in damaged:
            detail = f"{stray.size} bytes that no line of the log names"
            self._fault(ALTERED, stray.path, detail, offset=stray.offset)
        for index, digest in loose:
            if digest not in spare:
                self._fault(MISSING, f"capture {digest.hex()}", f"named by entry {index}", index)

    def _listing(self, size: int) -> None:
        for path in self._objects.list(""):
            if hash(path) in self._expected:
                continue
            if path.split("/", 1)[0] in _LOG_FOLDERS:
                fault = check_log_file(self._objects, path, size)
                if fault is not None:
                    self._faults.append(fault)
            else:
                self._fault(EXTRA, path, "no line of the log names it")


def _bundle_task(objects: ObjectStore, task: tuple[int, int]) -> BundleCheck:
    return check_bundle(objects, *task)


def _capture_task(objects: ObjectStore, task: tuple[str, frozenset[bytes]]) -> CaptureCheck:
    return check_captures(objects, *task)


def _chunks(items: list[tuple[str, str, int]], size: int) -> Iterator[list[tuple[str, str, int]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
