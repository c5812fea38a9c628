"""A batch: what is appended to the log in one go, under the write lock, and its commit.

Write order, which is the safety argument:

1. Media and captures are spooled in state/staging/<batch>.d, records wait in memory: nothing in public/ yet.
2. state/staging/<batch>.json names every file that the batch will add to public/ and that does not stand there; synced.
3. Media and captures are renamed into place; records, then manifest, entries, tiles, bundles are written under their
   own names, each of which must be new.
4. One sync of all of them.
5. `checkpoint` replaced (write, fsync, rename, fsync of the folder): the commit point.
6. Partial files that a full one replaces are pruned.
7. The staging list is removed.

A crash before 5 leaves listed files that the checkpoint doesn't cover: the next start deletes them. A crash after 5
leaves a list that the checkpoint covers: the next start finishes 6 and 7. What stands is never written over: a file
that a crash cut short has a listed name that no checkpoint covers, and nobody reads it before the sweep.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from baoguan.archive.bundle import Entry, encode_bundle, encode_entries, encode_manifest
from baoguan.archive.note import checkpoint_text, parse_checkpoint
from baoguan.archive.paths import (
    FORMAT,
    FORMAT_PATH,
    KEY_PATH,
    WIDTH,
    bundle_path,
    bundles_between,
    entries_path,
    manifest_path,
    new_tiles,
    tile_path,
)
from baoguan.archive.recovery import discard, prune
from baoguan.archive.tree import Edge, leaf_hash
from baoguan.errors import BaoguanError, Conflict, StoreError
from baoguan.model.capture import CaptureRef, Response
from baoguan.model.codec import encode_leaf, encode_line
from baoguan.model.ids import media_path
from baoguan.model.log import KINDS, Checkpoint, ManifestLine, RecordRef

if TYPE_CHECKING:
    from baoguan.archive.store import Archive, Member

WARC_LIMIT = 64 << 20
"""Bytes of one WARC; the next record starts another."""
_SPOOL_BYTES = 256 << 10
CLOCK_BACK_MS = 5 * 60 * 1000
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


class OpenLog(msgspec.Struct, frozen=True, kw_only=True):
    """What appending needs of the log as it stands."""

    note: bytes | None
    edge: Edge
    entries: list[Entry]
    """Of the open bundle."""
    last_ms: int
    """Time of the last leaf."""


class Batch:
    """One batch; made by Archive.begin, owned by one thread, ended by commit or by leaving the context."""

    def __init__(self, archive: "Archive", state: OpenLog) -> None:
        self._archive = archive
        self._state = state
        self._last_ms = state.last_ms
        self._now = archive.clock.now().astimezone(UTC)
        self.first = state.edge.size
        """Log index of the first line appended here."""
        self.vantage = archive.vantage
        self.capture_bytes = 0
        """Compressed bytes of the captures so far."""
        self._name = f"{self._now:%Y%m%dT%H%M%SZ}-{self.first:010d}"
        self._records: dict[str, bytes] = {}
        self._media: dict[str, str] = {}
        self._warcs: list[tuple[str, str]] = []
        self._warc_bytes = 0
        self._unwritten: list[bytes] = []
        """Captures on their way to the spool: one write for many."""
        self._unwritten_bytes = 0
        self._captures: list[CaptureRef] = []
        self.places: list[tuple[str, str, int, int]] = []
        """(record id, file of public/, offset, length) of each capture, for the catalogue."""
        self.revisits: list[tuple[str, str]] = []
        """(target, revisit): record ids of captures without a body of their own."""
        self.sightings: list[tuple[str, int, list[str]]] = []
        """(URL, time, identity keys of its items) of feed responses."""
        self._entries: list[Entry] = []
        self._lines: list[ManifestLine] = []
        self._open = True

    def __enter__(self) -> "Batch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Without a commit nothing is kept."""
        if self._open:
            self._archive.staging.clear(self._name)
            self._end(self._state)

    def _end(self, state: OpenLog | None) -> None:
        self._open = False
        self._archive.finished(state)

    def line(self, index: int) -> ManifestLine:
        """A line appended here. Raises StoreError for indexes not given out."""
        if not 0 <= index - self.first < len(self._lines):
            raise StoreError(f"entry {index} is not in this batch")
        return self._lines[index - self.first]

    @property
    def lines(self) -> list[tuple[int, ManifestLine]]:
        """(index, line) of everything appended here, the `cap` line of its commit too."""
        return list(enumerate(self._lines, self.first))

    @property
    def capture_paths(self) -> list[str]:
        """The WARC files of this batch, as public/ will name them."""
        return [path for path, _ in self._warcs]

    def pending_record(self, path: str) -> bytes | None:
        """A record added here; None when there is none under `path`."""
        return self._records.get(path)

    def add_media(self, data: bytes, extension: str) -> str:
        """Keeps a picture under its sha256; returns its path. Raises Conflict, DiskFull."""
        if not _EXTENSION.fullmatch(extension):
            raise StoreError(f"{extension!r} is no extension of a picture")
        path = media_path(hashlib.sha256(data).hexdigest(), extension)
        if path in self._media:
            return path
        if self._archive.objects.exists(path):
            if self._archive.objects.get(path) != data:
                raise Conflict(f"{path}: what is kept doesn't have this digest; run verify")
            return path
        self._media[path] = self._archive.staging.spool(self._name, PurePosixPath(path).name, data)
        return path

    def add_capture(
        self, response: Response, *, payload_in_media: bool = False, revisit_of: CaptureRef | None = None
    ) -> CaptureRef:
        """Archives a response and the redirects before it; returns the name of the response's own record.

        payload_in_media: the body is kept by add_media, the record holds headers and digest alone. revisit_of: the body
        is byte for byte that of an older capture.
        """
        members = self._archive.warc.response(response, payload_in_media=payload_in_media, revisit_of=revisit_of)
        ref = self._store(members)
        if revisit_of is not None:
            self.revisits.append((revisit_of.record_id, ref.record_id))
        return ref

    def add_resource(self, url: str, content_type: str, data: bytes, at: datetime, *, sha256: str = "") -> CaptureRef:
        """Archives a file that came by another way than HTTP: imports. `sha256`: of `data`, where it is known."""
        return self._store([self._archive.warc.resource(url, content_type, data, _epoch_ms(at), sha256=sha256)])

    def _store(self, members: "Sequence[Member]") -> CaptureRef:
        self._check_open()
        data = members[0].data if len(members) == 1 else b"".join([member.data for member in members])
        if not self._warcs or self._warc_bytes + len(data) > WARC_LIMIT:
            data = self._new_warc() + data
        self._unwritten.append(data)
        self._unwritten_bytes += len(data)
        if self._unwritten_bytes > _SPOOL_BYTES:
            self._spool_captures()
        offset = self._warc_bytes + len(data) - sum([len(member.data) for member in members])
        for member in members:
            self.places.append((member.ref.record_id, self._warcs[-1][0], offset, len(member.data)))
            offset += len(member.data)
        self._warc_bytes += len(data)
        self.capture_bytes += len(data)
        self._captures += [member.ref for member in members]
        return members[-1].ref

    def _spool_captures(self) -> None:
        if self._unwritten:
            data = b"".join(self._unwritten)
            self._archive.staging.extend(self._name, f"{len(self._warcs) - 1}.warc.gz", data)
            self._unwritten, self._unwritten_bytes = [], 0

    def _new_warc(self) -> bytes:
        self._spool_captures()
        part = f"-{len(self._warcs)}" if self._warcs else ""
        filename = f"{self._name}{part}.warc.gz"
        info = self._archive.warc.info(filename, _epoch_ms(self._now))
        source = self._archive.staging.spool(self._name, f"{len(self._warcs)}.warc.gz", b"")
        self._warcs.append((f"captures/{self._now:%Y/%m}/{filename}", source))
        self._warc_bytes = 0
        self._captures.append(info.ref)
        self.places.append((info.ref.record_id, self._warcs[-1][0], 0, len(info.data)))
        return info.data

    def add_record(self, path: str, data: bytes) -> RecordRef:
        """Adds the Markdown file of a revision. Raises Conflict when this batch has other bytes under `path`."""
        self._check_open()
        if self._records.setdefault(path, data) != data:
            raise Conflict(f"{path}: two records of one batch under this name")
        return RecordRef(path=path, sha256=hashlib.sha256(data).hexdigest())

    def append(self, line: ManifestLine) -> int:
        """Appends a line (its salt is set here) and returns its log index; kept by commit only."""
        self._check_open()
        if line.kind not in KINDS:
            raise StoreError(f"{line.kind!r} is no kind of leaf")
        now_ms = _epoch_ms(self._archive.clock.now())
        flags = line.flags
        if now_ms < self._last_ms - CLOCK_BACK_MS and "clock-back" not in flags:
            flags = (*flags, "clock-back")
        salted = msgspec.structs.replace(line, salt=self._archive.entropy.token_bytes(16).hex(), flags=flags)
        data = encode_line(salted)
        self._entries.append(Entry(encode_leaf(line.kind, now_ms, data), data, self._record_of(line)))
        self._lines.append(salted)
        self._last_ms = now_ms
        return self.first + len(self._entries) - 1

    def _record_of(self, line: ManifestLine) -> bytes | None:
        if line.record is None:
            return None
        pending = self._records.get(line.record.path)
        return pending if pending is not None else self._archive.objects.get(line.record.path)

    def commit(self) -> Checkpoint | None:
        """Makes the batch part of the log, durably; an empty batch leaves the head as it is.

        Raises DiskFull or StoreError: then nothing of it is kept, or, where the disk can't even be cleaned, the next
        `begin` cleans it.
        """
        self._check_open()
        self._append_cap()
        self._spool_captures()
        if not self._entries:
            self._archive.staging.clear(self._name)
            self._end(self._state)
            return self._archive.checkpoint()
        edge = self._state.edge.copy()
        tiles = edge.append([leaf_hash(entry.leaf) for entry in self._entries])
        names = self._names(edge.size)
        try:
            self._archive.staging.announce(self._name, self.first, names)
            self._write(tiles, edge.size)
            if self._archive.sync:
                self._archive.objects.sync(names)
            note = self._sign(edge)
            self._move_head(note)
        except BaseException as error:
            self._abandon(names, keep_list=not isinstance(error, BaoguanError))
            raise
        return self._settle(edge, note)

    def _append_cap(self) -> None:
        named = {ref.sha256 for line in self._lines for ref in captures_of(line)}
        rest = tuple(ref for ref in self._captures if ref.sha256 not in named)
        if rest:
            self.append(ManifestLine(salt="", kind="cap", captures=rest, vantage=self.vantage))

    def _names(self, size: int) -> tuple[str, ...]:
        paths = [*self._media, *(path for path, _ in self._warcs), *self._records, FORMAT_PATH, KEY_PATH]
        for n, width in bundles_between(self.first, size):
            paths += (manifest_path(n, width), entries_path(n, width), bundle_path(n, width))
        paths += (tile_path(level, n, width) for level, n, width in new_tiles(self.first, size))
        exists = self._archive.objects.exists
        return tuple(path for path in paths if not exists(path))

    def _write(self, tiles: dict[tuple[int, int], bytes], size: int) -> None:
        objects = self._archive.objects
        for path, source in self._media.items():
            objects.put_file(path, source)
        for path, source in self._warcs:
            objects.put_file(path, source)
        for path, data in self._records.items():
            self._put_record(path, data)
        self._put_log(FORMAT_PATH, FORMAT)
        self._put_log(KEY_PATH, self._key())
        entries = self._state.entries + self._entries
        start = self.first - len(self._state.entries)
        for n, width in bundles_between(self.first, size):
            part = entries[n * WIDTH - start : n * WIDTH - start + width]
            self._put_log(manifest_path(n, width), encode_manifest([entry.line for entry in part]))
            self._put_log(entries_path(n, width), encode_entries([entry.leaf for entry in part]))
            self._put_log(bundle_path(n, width), encode_bundle(n * WIDTH, part))
        for level, n, width in new_tiles(self.first, size):
            self._put_log(tile_path(level, n, width), tiles[level, n])

    def _put_record(self, path: str, data: bytes) -> None:
        try:
            self._archive.objects.put_listed(path, data)
        except Conflict:
            # Rare enough to read the whole manifest: only a file that the log names is immutable.
            for _, line in self._archive.lines(0, self.first):
                if line is not None and line.record is not None and line.record.path == path:
                    raise
            self._archive.objects.replace(path, data)

    def _put_log(self, path: str, data: bytes) -> None:
        try:
            self._archive.objects.put_listed(path, data)
        except Conflict:
            # The checkpoint covers none of these widths: what stands here is of a batch that never was.
            self._archive.objects.replace(path, data)

    def _key(self) -> bytes:
        assert self._archive.signer is not None
        return self._archive.signer.verifier.text.encode() + b"\n"

    def _sign(self, edge: Edge) -> bytes:
        assert self._archive.signer is not None
        return self._archive.signer.sign(checkpoint_text(self._archive.origin, edge.size, edge.root()))

    def _move_head(self, note: bytes) -> None:
        try:
            self._archive.head.replace(self._state.note, note)
        except StoreError:
            # It may have been kept all the same: what the head says now decides.
            if self._archive.head.read() != note:
                raise

    def _abandon(self, names: tuple[str, ...], *, keep_list: bool) -> None:
        """Cleans up at once where that is possible; the list stays where it is not, for the next begin."""
        try:
            if not keep_list and self._archive.head.read() == self._state.note:
                discard(self._archive, names)
                self._archive.staging.forget(self._name)
        except StoreError:
            pass
        finally:
            self._end(None)

    def _settle(self, edge: Edge, note: bytes) -> Checkpoint:
        width = edge.size % WIDTH
        entries = self._state.entries + self._entries
        state = OpenLog(note=note, edge=edge, entries=entries[len(entries) - width :], last_ms=self._last_ms)
        try:
            prune(self._archive, self.first, edge.size)
            self._archive.staging.forget(self._name)
        except StoreError:
            # Committed already: the next begin finishes this.
            pass
        finally:
            self._end(state)
        return parse_checkpoint(note)

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("this batch has ended")


def captures_of(line: ManifestLine) -> Iterable[CaptureRef]:
    """Every capture that a line names."""
    if line.capture is not None:
        yield line.capture
    yield from line.captures
    for media in line.media:
        if media.capture is not None:
            yield media.capture


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
