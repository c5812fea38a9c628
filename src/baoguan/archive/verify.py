"""Verify: everything in public/ against the log, from the leaves up. Reads only; constant memory but for digests."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from baoguan.archive.batch import CLOCK_BACK_MS
from baoguan.archive.bundle import decode_entries, decode_manifest
from baoguan.archive.checks_files import check_log_file, check_media
from baoguan.archive.checks_log import BundleCheck, check_bundle
from baoguan.archive.keys import Rotation, key_at, open_checkpoint, rotations_of
from baoguan.archive.memory import Memory, Scope
from baoguan.archive.note import Verifier, parse_checkpoint
from baoguan.archive.paths import (
    CHECKPOINT_PATH,
    FORMAT_PATH,
    KEY_PATH,
    WIDTH,
    bundles_between,
    check_format,
    entries_path,
    manifest_path,
    tile_path,
)
from baoguan.archive.report import ALTERED, EXTRA, MISSING, Fault, VerifyReport
from baoguan.archive.timestamps import Stamp, judge_stamps
from baoguan.archive.tree import Edge, TreeReader
from baoguan.archive.verify_captures import CaptureRun, Map, Progress
from baoguan.errors import BaoguanError, ConfigError, NotFound, VerifyError
from baoguan.model.codec import decode_leaf, decode_line
from baoguan.model.log import Checkpoint, ManifestLine
from baoguan.ports import ObjectStore

__all__ = ["Fault", "VerifyReport", "entry_at", "verify", "verify_scope"]

_MEDIA_CHUNK = 64
_LOG_FOLDERS = ("bundle", "manifest", "tile")


def verify(
    objects: ObjectStore,
    verifier: Verifier,
    *,
    progress: Progress | None = None,
    pmap: Map | None = None,
    scope: Scope | None = None,
) -> VerifyReport:
    """Checks all of public/, or what `scope` leaves. Faults are listed; only an unreadable disk raises StoreError.

    `verifier`: any key that the log ever had.
    """
    return verify_scope(objects, verifier, progress=progress, pmap=pmap, scope=scope)[0]


def verify_scope(
    objects: ObjectStore,
    verifier: Verifier,
    *,
    progress: Progress | None = None,
    pmap: Map | None = None,
    scope: Scope | None = None,
) -> tuple[VerifyReport, Memory | None]:
    """As verify; and what a later run need not read again, if this one found nothing wrong; None for an empty log."""
    run = _Run(objects, verifier, progress or _silent, pmap or map, scope or Scope())
    report = run.report()
    return report, run.memory() if report.size else None


def _silent(_what: str, _done: int, _total: int) -> None:
    return


def entry_at(objects: ObjectStore, text: str) -> int:
    """The log index that SIZE or DATE (YYYY-MM-DD[THH:MM], UTC unless it has a zone) means: there leaves are that new.

    Raises ConfigError for anything else.
    """
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--since {text!r}: give a number of entries, or a date as 2026-03-01") from error
    at_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    size = parse_checkpoint(objects.get(CHECKPOINT_PATH)).size
    bundles = list(bundles_between(0, size))
    low, high = 0, len(bundles)
    while low < high:
        middle = (low + high) // 2
        if _last_ms(objects, *bundles[middle]) < at_ms:
            low = middle + 1
        else:
            high = middle
    return min(size, low * WIDTH)


def _last_ms(objects: ObjectStore, n: int, width: int) -> int:
    return decode_leaf(decode_entries(objects.get(entries_path(n, width)))[-1]).t


class _Run:
    """One verification. Owned by one thread."""

    def __init__(self, objects: ObjectStore, verifier: Verifier, progress: Progress, pmap: Map, scope: Scope) -> None:
        self._objects = objects
        self._verifier = verifier
        self._progress = progress
        self._map = pmap
        self._scope = scope
        self._since = scope.since
        self._first_ms = 0
        self._head_seen: Checkpoint | None = None
        self._faults: list[Fault] = []
        self._counts: Counter[str] = Counter()
        # Hashes of names, not names: 1,000,000 records in 60 MB.
        self._expected: set[int] = set()
        self._media: list[tuple[str, str, int]] = []
        self._captures = CaptureRun(objects, progress, pmap)
        self._gone: set[int] = set(scope.memory.gone if scope.memory else ())
        self._keys: list[tuple[int, ManifestLine]] = []
        self._ts: list[tuple[int, ManifestLine]] = []
        self._stamps: tuple[Stamp, ...] = ()
        self._withheld: list[int] = []
        self._clock_back: list[int] = []

    def report(self) -> VerifyReport:
        head = self._head_seen = self._head()
        if head is not None:
            self._log(head)
            self._judge_head(head)
            self._judge_times(head)
            self._media_files()
            self._capture_files()
            self._listing(head.size)
        counts = self._counts
        withheld = tuple(index for index in self._withheld if index in self._gone)
        return VerifyReport(
            origin=head.origin if head else self._verifier.name,
            size=head.size if head else 0,
            since=self._since,
            root=head.root.hex() if head else "",
            counts=dict(sorted(counts.items())),
            faults=tuple(self._faults),
            withheld=withheld,
            kept=tuple(sorted(self._gone.difference(self._withheld, self._old_gone))),
            stamps=self._stamps,
            clock_back=tuple(self._clock_back),
        )

    @property
    def _old_gone(self) -> tuple[int, ...]:
        """Withdrawals that an earlier run has judged, where this one doesn't read them again."""
        return self._scope.memory.gone if self._scope.memory and self._since else ()

    def memory(self) -> Memory:
        """What the next run need not read again, after one without faults."""
        head = self._head_seen
        assert head is not None
        keys = tuple(self._keys)
        return Memory(
            origin=head.origin, size=head.size, root=head.root.hex(), gone=tuple(sorted(self._gone)), keys=keys
        )

    def _fault(
        self, kind: str, path: str, detail: str = "", index: int | None = None, offset: int | None = None
    ) -> None:
        self._faults.append(Fault(kind=kind, path=path, detail=detail, index=index, offset=offset))

    def _expect(self, path: str) -> None:
        self._expected.add(hash(path))

    def _head(self) -> Checkpoint | None:
        """The checkpoint as it stands; its signature is judged once the key leaves are known."""
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
        try:
            return parse_checkpoint(note)
        except VerifyError as error:
            self._fault(ALTERED, CHECKPOINT_PATH, str(error))
            return None

    def _judge_head(self, head: Checkpoint) -> None:
        """The signature, by the key of its time; and the key that is published."""
        rotations: list[Rotation] = []
        for pair in self._keys:
            try:
                rotations += rotations_of([pair])
            except VerifyError as error:
                n = pair[0] // WIDTH
                self._fault(ALTERED, manifest_path(n, min(WIDTH, head.size - n * WIDTH)), str(error), pair[0])
        try:
            current = key_at(self._verifier, rotations, head.size)
            open_checkpoint(head.note, self._verifier, rotations)
        except VerifyError as error:
            self._fault(ALTERED, CHECKPOINT_PATH, str(error))
            return
        # Archives that were made before it was published lack it until their next batch.
        with contextlib.suppress(NotFound):
            if self._objects.get(KEY_PATH) != current.text.encode() + b"\n":
                self._fault(ALTERED, KEY_PATH, "not the key that the checkpoint is checked with")

    def _judge_times(self, head: Checkpoint) -> None:
        """Trusted times: each token over a root that this very log had."""
        if self._ts and not self._faults:
            tree = TreeReader(head.size, partial(self._read_tile, head.size))
            self._stamps, wrong = judge_stamps(self._ts, head, partial(tree.root, 0), self._scope.tsa_roots)
            for index, detail in wrong:
                n = index // WIDTH
                self._fault(ALTERED, manifest_path(n, min(WIDTH, head.size - n * WIDTH)), detail, index)

    def _log(self, head: Checkpoint) -> None:
        edge = self._start(head)
        start = edge.size
        last_ms = 0
        total = (head.size - start + WIDTH - 1) // WIDTH
        work = partial(_bundle_task, self._objects)
        memory = self._scope.memory
        for done, check in enumerate(self._map(work, bundles_between(start, head.size)), 1):
            self._take(check)
            self._first_ms = self._first_ms or check.times[0]
            if check.times[0] < last_ms - CLOCK_BACK_MS:
                self._clock_back.append(check.n * WIDTH)
            self._clock_back += check.clock_back
            last_ms = check.times[1]
            if memory is not None and edge.size <= memory.size < edge.size + check.width:
                self._judge_memory(memory, edge, check.hashes)
            self._tiles(edge, edge.append(check.hashes), last=done == total)
            self._progress("log", done, total)
        if memory is not None and edge.size == memory.size:
            self._judge_memory(memory, edge, [])
        if edge.root() != head.root:
            below = f"; with those of the tiles below entry {start}: --deep finds which is wrong" if start else ""
            self._fault(ALTERED, CHECKPOINT_PATH, f"the leaves don't give the root that was signed{below}")
        if start:
            self._again(start)
        for index in self._withheld:
            if index not in self._gone:
                self._fault(MISSING, f"manifest line {index}", "withheld, and no gone line names it", index)

    def _start(self, head: Checkpoint) -> Edge:
        """The edge of the tree where reading begins. Its hashes are judged by the root that they lead to."""
        memory = self._scope.memory
        if memory is not None and memory.size > head.size:
            detail = f"{head.size} entries, {memory.size} when it was verified before: rolled back"
            self._fault(ALTERED, CHECKPOINT_PATH, detail)
            self._since = 0
        self._since = min(self._since, head.size)
        start = self._since - self._since % WIDTH
        if not start:
            return Edge()
        try:
            edge = Edge.load(start, partial(self._read_tile, head.size))
        except BaoguanError:
            # What is wrong with the tiles is told by reading everything.
            self._since = 0
            return Edge()
        self._keys += memory.keys if memory else self._old_keys(start, head.size)
        self._keys = [pair for pair in self._keys if pair[0] < start]
        return edge

    def _read_tile(self, size: int, level: int, n: int, width: int) -> bytes:
        now = min(WIDTH, (size >> (8 * level)) - n * WIDTH)
        return self._objects.get(tile_path(level, n, now))[: 32 * width]

    def _old_keys(self, stop: int, size: int) -> list[tuple[int, ManifestLine]]:
        """The key leaves below entry `stop`, where no earlier run remembers them."""
        found = []
        for n, width in bundles_between(0, size):
            if n * WIDTH >= stop:
                break
            leaves = decode_entries(self._objects.get(entries_path(n, width)))
            for offset, leaf in enumerate(leaves):
                if b'"k":"key"' in leaf:
                    line = decode_manifest(self._objects.get(manifest_path(n, width)))[offset]
                    if line is not None:
                        found.append((n * WIDTH + offset, decode_line(line)))
        return found

    def _judge_memory(self, memory: Memory, edge: Edge, hashes: list[bytes]) -> None:
        then = edge.copy()
        then.append(hashes[: memory.size - edge.size])
        if then.root().hex() != memory.root:
            detail = f"the first {memory.size} entries aren't those that were verified before: the log was rewritten"
            self._fault(ALTERED, CHECKPOINT_PATH, detail)

    def _again(self, start: int) -> None:
        """Bundles before `start` out of which a line was withdrawn since."""
        touched = sorted({index // WIDTH for index in self._gone.difference(self._old_gone) if index < start})
        for check in self._map(partial(_bundle_task, self._objects), ((n, WIDTH) for n in touched)):
            self._faults += check.faults
            self._withheld += check.withheld
            self._counts["bytes"] += check.bytes

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
        self._expected.update(map(hash, check.records))
        self._keys += check.keys
        self._ts += check.stamps
        for path, sha256, index in check.media:
            if index >= self._since and hash(path) not in self._expected:
                self._expect(path)
                self._media.append((path, sha256, index))
        for index, digest in check.captures:
            if index >= self._since:
                self._captures.name(index, digest)
        self._gone.update(check.gone)
        self._captures.gone.update(check.gone_captures)
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

    def _capture_files(self) -> None:
        after = ""
        if self._since:
            # Files are named by the month in which their batch began; two days for clocks and long batches.
            at = datetime.fromtimestamp(self._first_ms / 1000, UTC) - timedelta(days=2)
            after = f"captures/{at:%Y/%m}/" if self._first_ms else "captures/9999"
        self._captures.read(self._since, after)
        self._faults += self._captures.faults
        self._counts.update(self._captures.counts)
        for path in self._captures.paths:
            self._expect(path)

    def _listing(self, size: int) -> None:
        known = self._expected
        listing: Iterable[str]
        if self._since:
            listing = (path for path in self._scope.listing or () if hash(path) not in known)
        elif self._faults:
            # Where a file is missing, a folder may stand under its name.
            listing = (path for path in self._objects.list("") if hash(path) not in known)
        else:
            listing = sorted(self._objects.list_unknown(known))
        for path in listing:
            if path.split("/", 1)[0] in _LOG_FOLDERS:
                fault = check_log_file(self._objects, path, size)
                if fault is not None:
                    self._faults.append(fault)
            else:
                self._fault(EXTRA, path, "no line of the log names it")


def _bundle_task(objects: ObjectStore, task: tuple[int, int]) -> BundleCheck:
    return check_bundle(objects, *task)


def _chunks(items: list[tuple[str, str, int]], size: int) -> Iterator[list[tuple[str, str, int]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
