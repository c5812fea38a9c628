"""The archive: reading the log and what it names; `begin` opens a batch for writing."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from baoguan.archive.batch import Batch, OpenLog
from baoguan.archive.bundle import Entry, decode_bundle, decode_entries, decode_manifest
from baoguan.archive.manifests import Manifest, Manifests
from baoguan.archive.note import Signer, Verifier, parse_checkpoint, signing_id
from baoguan.archive.paths import (
    FORMAT_PATH,
    WIDTH,
    bundle_path,
    check_format,
    entries_path,
    manifest_path,
    tile_path,
)
from baoguan.archive.recovery import sweep
from baoguan.archive.staging import Staging
from baoguan.archive.tree import Edge, TreeReader
from baoguan.errors import ConfigError, Corrupt, NotFound
from baoguan.model.capture import CaptureRef, Response
from baoguan.model.codec import decode_leaf, decode_line
from baoguan.model.log import Checkpoint, ManifestLine
from baoguan.ports import Clock, Entropy, Head, ObjectStore

__all__ = ["Archive", "Batch", "Member", "WarcEncoder"]


class Member(Protocol):
    """A stored WARC record: one gzip member."""

    @property
    def ref(self) -> CaptureRef:
        """Its name."""

    @property
    def data(self) -> bytes:
        """Its bytes."""


class Archive:
    """One archive. Readers may share it between threads; a batch belongs to the thread that began it."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        head: Head,
        staging_dir: str | os.PathLike[str],
        lock: AbstractContextManager[object],
        signer: Signer | None,
        clock: Clock,
        entropy: Entropy,
        warc: "WarcEncoder",
        vantage: str = "",
        verifier: Verifier | None = None,
        sync: bool = True,
    ) -> None:
        """`signer` None: reading only. `verifier`: whose checkpoints are believed, default the signer's.

        `lock` is entered for each batch and must be re-enterable; `sync=False` is for tests and benches.
        """
        self.objects = objects
        self.vantage = vantage
        self.verifier = verifier or (signer.verifier if signer else None)
        self.head = head
        self.staging = Staging(staging_dir, sync=sync)
        self.signer = signer
        self.clock = clock
        self.entropy = entropy
        self.warc = warc
        self.sync = sync
        self._lock = lock
        self._checkpoint: Checkpoint | None = None
        self._open: OpenLog | None = None
        self._manifests = Manifests(objects, clock)
        self._batch: Batch | None = None
        self._kinds: dict[str, tuple[int, tuple[int, ...]]] = {}
        """By kind of leaf: how far the full bundles were searched, and what was found there."""
        self.close: Callable[[], None] = lambda: None
        """Ends what the head and the lock hold open."""
        self.guard: Callable[[Archive], None] | None = None
        """Asked before each batch, for who may not append: it raises."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """The write lock, for who changes public/ by another way than a batch: a pull, a withdrawal."""
        return self._lock

    @property
    def origin(self) -> str:
        """The log's name: that of its key."""
        return self.verifier.name if self.verifier else ""

    def checkpoint(self) -> Checkpoint | None:
        """The current head with its signature checked; None before the first batch. Raises VerifyError."""
        note = self.head.read()
        if note is None:
            return None
        known = self._checkpoint
        if known is None or known.note != note:
            known = parse_checkpoint(note, self.verifier)
            if self.objects.exists(FORMAT_PATH):
                check_format(self.objects.get(FORMAT_PATH))
            self._checkpoint = known
        return known

    @property
    def size(self) -> int:
        """Entries in the log, as the head says now."""
        checkpoint = self.checkpoint()
        return checkpoint.size if checkpoint else 0

    def line(self, index: int) -> ManifestLine | None:
        """The manifest line of an entry, of an open batch too; None when it is withheld. Raises NotFound, Corrupt."""
        if self._batch is not None and index >= self._batch.first:
            return self._batch.line(index)
        data = next(iter(self._raw_lines(index, index + 1)))[1]
        return None if data is None else decode_line(data)

    def raw_line(self, index: int) -> bytes | None:
        """The bytes of a committed manifest line; None when it is withheld. Raises NotFound, Corrupt."""
        return next(iter(self._raw_lines(index, index + 1)))[1]

    def indexes_of(self, kind: str) -> tuple[int, ...]:
        """Log indexes of the leaves of one kind, oldest first: by the entries alone, no line is read."""
        size, mark = self.size, f'"k":"{kind}"'.encode()
        done, found = self._kinds.get(kind, (0, ()))
        new = []
        for n in range(done // WIDTH, (size + WIDTH - 1) // WIDTH):
            width = min(WIDTH, size - n * WIDTH)
            data = self._partial_or_full(entries_path(n, width), entries_path(n))
            if mark in data:
                new += [n * WIDTH + at for at, leaf in enumerate(decode_entries(data)[:width]) if mark in leaf]
        whole = size - size % WIDTH
        known = (*found, *new)
        self._kinds[kind] = (whole, tuple(index for index in known if index < whole))
        return known

    def lines(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, ManifestLine | None]]:
        """(index, line or None when withheld) of entries start..stop-1; to the end when `stop` is None."""
        for index, data in self._raw_lines(start, self.size if stop is None else stop):
            yield index, None if data is None else decode_line(data)

    def _raw_lines(self, start: int, stop: int) -> Iterator[tuple[int, bytes | None]]:
        size = self.size
        if start < 0 or stop > size:
            raise NotFound(f"entries {start}..{stop}: the log has {size}")
        for n in range(start // WIDTH, (stop + WIDTH - 1) // WIDTH):
            lines = self._manifest(n, min(WIDTH, size - n * WIDTH))
            for index in range(max(start, n * WIDTH), min(stop, n * WIDTH + WIDTH)):
                yield index, lines[index - n * WIDTH]

    def _manifest(self, n: int, width: int) -> Manifest:
        path = manifest_path(n, width)
        lines = self._manifests.get(path, lambda: self._partial_or_full(path, manifest_path(n)))
        if len(lines) < width:
            raise Corrupt(f"{path}: {len(lines)} lines, {width} expected")
        return lines

    def _partial_or_full(self, path: str, full: str) -> bytes:
        try:
            return self.objects.get(path)
        except NotFound:
            if path == full:
                raise
            # Pruned by a writer that went on since our head was read, or dropped by a withdrawal.
            with contextlib.suppress(NotFound):
                return self.objects.get(full)
            return self.objects.get(path.replace(f".p/{self._width(path)}", f".p/{self.size % WIDTH}"))

    @staticmethod
    def _width(path: str) -> str:
        """The width in the name of a partial file, as it is written there."""
        return path.rpartition(".p/")[2].partition(".")[0]

    def leaf(self, index: int) -> bytes:
        """The leaf bytes of an entry. Raises NotFound, Corrupt."""
        n, size = index // WIDTH, self.size
        if not 0 <= index < size:
            raise NotFound(f"entry {index}: the log has {size}")
        path = entries_path(n, min(WIDTH, size - n * WIDTH))
        return decode_entries(self._partial_or_full(path, entries_path(n)))[index - n * WIDTH]

    def record(self, line: ManifestLine) -> bytes:
        """The Markdown file of a `rev` line, that of an open batch too. Raises NotFound."""
        if line.record is None:
            raise NotFound(f"a {line.kind} line names no record")
        pending = self._batch.pending_record(line.record.path) if self._batch else None
        return pending if pending is not None else self.objects.get(line.record.path)

    def media(self, path: str) -> bytes:
        """A kept picture. Raises NotFound."""
        return self.objects.get(path)

    def read_tile(self, level: int, n: int, width: int) -> bytes:
        """The first `width` hashes of a tile. Raises NotFound."""
        return self._partial_or_full(tile_path(level, n, width), tile_path(level, n))[: 32 * width]

    def tree(self) -> TreeReader:
        """For proofs over the log as it is now."""
        return TreeReader(self.size, self.read_tile)

    def writing(self) -> AbstractContextManager[object]:
        """The write lock, for what must hold it over more than one batch: batches begun inside join it."""
        return self._lock

    def forget_cached(self) -> None:
        """Lines were withheld: nothing that was read before is believed."""
        self._open = None
        self._manifests.clear()

    def begin(self) -> Batch:
        """Takes the write lock, repairs what a dead writer left and opens a batch; use as a context manager.

        Left without `commit` it keeps nothing. Raises StoreError when another process writes, ConfigError without key.
        """
        if self.signer is None:
            raise ConfigError("this archive was opened without its private key: it can only be read")
        if self.guard is not None:
            self.guard(self)
        self._lock.__enter__()
        try:
            sweep(self)
            batch = Batch(self, self._load())
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        self._batch = batch
        return batch

    def finished(self, state: OpenLog | None) -> None:
        """Called by the batch when it ends: what the log looks like now (None: read it again), lock given back."""
        self._open = state
        self._batch = None
        self._lock.__exit__(None, None, None)

    def _load(self) -> OpenLog:
        checkpoint = self.checkpoint()
        note = checkpoint.note if checkpoint else None
        if self._open is not None and self._open.note == note and self._is_whole(self._open):
            return self._open
        if checkpoint is None:
            return OpenLog(note=None, edge=Edge(), entries=[], last_ms=0)
        if checkpoint.origin != self.origin:
            raise ConfigError(
                f"the log is {checkpoint.origin}, the key is of {self.origin}: this key can't go on with it"
            )
        if self.signer and signing_id(checkpoint.note, self.origin) != self.signer.verifier.id:
            raise ConfigError(f"the key of {self.origin} was rotated since this program started: start it again")
        edge = Edge.load(checkpoint.size, self.read_tile)
        if edge.root() != checkpoint.root:
            raise Corrupt(
                "the tiles don't give the checkpoint's root: run verify, then restore from a backup or a mirror"
            )
        last = decode_leaf(self.leaf(checkpoint.size - 1)).t if checkpoint.size else 0
        return OpenLog(note=note, edge=edge, entries=self._open_entries(checkpoint.size), last_ms=last)

    def _is_whole(self, state: OpenLog) -> bool:
        """Whether the open bundle is as it was: another process may have withheld a line of it since."""
        n, width = divmod(state.edge.size, WIDTH)
        held = sum(len(entry.line or b"") + 1 for entry in state.entries)
        return not width or self.objects.size(manifest_path(n, width)) == held

    def _open_entries(self, size: int) -> list[Entry]:
        n, width = divmod(size, WIDTH)
        if not width:
            return []
        leaves = decode_entries(self.objects.get(entries_path(n, width)))
        lines = decode_manifest(self.objects.get(manifest_path(n, width)))
        if not len(leaves) == len(lines) == width:
            raise Corrupt(f"{entries_path(n, width)}: {len(leaves)} leaves and {len(lines)} lines, {width} expected")
        try:
            return decode_bundle(self.objects.get(bundle_path(n, width)))[1]
        except (NotFound, Corrupt):
            return [self._entry(leaf, line) for leaf, line in zip(leaves, lines, strict=True)]

    def _entry(self, leaf: bytes, line: bytes | None) -> Entry:
        record = decode_line(line).record if line else None
        return Entry(leaf, line, self.objects.get(record.path) if record else None)


class WarcEncoder(Protocol):
    """What makes archived records of responses: capture.warc.WarcWriter."""

    def info(self, filename: str, at_ms: int) -> Member:
        """The first record of a WARC file."""
        ...

    def response(
        self, response: Response, *, payload_in_media: bool, revisit_of: CaptureRef | None
    ) -> Sequence[Member]:
        """The records of a response and of the redirects before it, the response itself last."""
        ...

    def resource(self, url: str, content_type: str, data: bytes, at_ms: int, *, sha256: str = "") -> Member:
        """The record of a file that came by another way than HTTP; `sha256` of `data` in hex, where it is known."""
        ...

    def stub(self, reason: str, at_ms: int) -> Member:
        """What stands in place of a withdrawn record."""
        ...

    def moved(self, revisit: Any, payload: bytes | None, target: CaptureRef | None) -> Member:
        """A record that referred to a withdrawn one, as it stands from then on."""
        ...
