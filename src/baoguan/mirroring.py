"""Mirrors: pull a log from a host that nobody trusts.

Order, which is the safety argument: the head is believed (signature, then the tree behind the leaves held already) ->
bundles, each judged by the tree alone as it comes and unpacked -> pictures and captures, judged by the lines -> the
upper tiles -> one sync -> the checkpoint -> what the origin withdrew. A kill between any two leaves the old head whole
and what was got on disk: the next pull judges it anew and asks only for the rest. `state/pull.names` says which files
no checkpoint covers yet.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from baoguan.archive.bundle import Entry, decode_bundle, encode_bundle
from baoguan.archive.mirror import Outline as Plan
from baoguan.archive.mirror import check_leaves, first_since, leaf_time, lines_of, log_files, outline, wanted_tiles
from baoguan.archive.mirror_bundle import read_bundle
from baoguan.archive.mirror_state import UNFINISHED, Choice, PullReport, read_state, write_state
from baoguan.archive.mirror_witness import Cosigner
from baoguan.archive.note import Verifier
from baoguan.archive.paths import (
    FORMAT_PATH,
    KEY_PATH,
    WIDTH,
    bundle_path,
    bundles_between,
    check_format,
    new_tiles,
    tile_path,
)
from baoguan.archive.recovery import prune
from baoguan.archive.store import Archive
from baoguan.archive.tree import Edge, split
from baoguan.errors import Conflict, Corrupt, MirrorError, NotFound
from baoguan.mirrorfiles import erase, prune_media, pull_captures, pull_media, stub_lines
from baoguan.mirrorhead import believe, check_rotation, judge, prove_fork, read_note
from baoguan.mirrorhost import Host, Wanted
from baoguan.model.codec import decode_line
from baoguan.model.log import Checkpoint, ManifestLine
from baoguan.ports import Clock

BUNDLE_CAP = 128 << 20
STALE_DAYS = 7
_TILE_CAP = 32 * WIDTH
_AGAIN = 200
"""Files that were absent, asked for again by one pull."""
_REMEMBERED = 5000
_DAY_MS = 86_400_000
Progress = Callable[[str, int, int], None]
"""(what, done, total)"""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The mirror that is written to."""

    folder: Path
    archive: Archive
    verifier: Verifier
    new_key: Callable[[Verifier], None]
    """Remembers the key that the log was rotated to."""
    choice: Choice
    witnesses: tuple[Cosigner, ...] = ()
    """Whose cosignatures are kept, because they can be checked."""
    clock: Clock
    picture_cap: int
    """Largest picture, in bytes."""


def pull(target: Target, host: Host, *, progress: Progress | None = None) -> PullReport:
    """Brings the mirror up to the host's head. Raises MirrorError (see its kinds), FetchError, StoreError.

    A host that is written to meanwhile (a withdrawal between two requests) is met again with its new head.
    """
    with target.archive.lock:
        for last in (False, False, True):
            run = _Pull(target, host, progress or (lambda _what, _done, _total: None))
            try:
                return run.run()
            except MirrorError as error:
                if last or error.kind not in ("altered", "missing") or not run.host_moved():
                    raise
    raise AssertionError("the last try returns or raises")


class _Pull:
    """One pull, under the lock."""

    def __init__(self, target: Target, host: Host, progress: Progress) -> None:
        self.target, self.host, self.progress = target, host, progress
        self.archive, self.objects = target.archive, target.archive.objects
        self.state = read_state(target.folder)
        self.note = b""
        self.report = PullReport(url=host.url, origin=target.verifier.name, key=target.verifier.text)
        self.withheld: set[int] = set()
        self.gone: set[int] = set()
        self.keys: list[tuple[int, ManifestLine]] = []
        """The log's `key` lines: new ones, and where another key signs, those held."""

    def run(self) -> PullReport:
        """The whole of it, in order."""
        self.note = read_note(self.host)
        head, key = believe(self.note, self.target.verifier, self.host, self.target.witnesses)
        self.report.key = key.text
        held = self.archive.checkpoint()
        old = held.size if held else 0
        if key != self.target.verifier:
            marks = self.archive.indexes_of("key")
            self.keys = [(index, line) for index in marks if (line := self.archive.line(index))]
        if head.size <= old:
            check_rotation(self.target.verifier, key, self.keys, head.size, self.host.url)
        judge(held, head, self.archive, self.target.folder, self.host.url)
        self.report.old_size, self.report.size = old, head.size
        if head.size > old:
            self._grow(held, head, key)
        check_rotation(self.target.verifier, key, self.keys, head.size, self.host.url)
        if key != self.target.verifier:
            self._put(KEY_PATH, key.text.encode() + b"\n")
            self.target.new_key(key)
        self._files(old, head.size)
        self._commit(held, head, old)
        self._withdrawn(head.size)
        return self._finish(head)

    def host_moved(self) -> bool:
        """Whether the host has another head by now."""
        return read_note(self.host) != self.note

    def _grow(self, held: Checkpoint | None, head: Checkpoint, key: Verifier) -> None:
        old = self.report.old_size
        data = self.host.get(FORMAT_PATH, 64)
        if data is None:
            raise self._missing(FORMAT_PATH)
        check_format(data)
        edge = Edge.load(old, self.archive.read_tile)
        plan = self._plan(edge, head)
        if plan.root != head.root and key != self.target.verifier:
            raise MirrorError(f"{self.host.url}: {key.text} signs another log than the one held", kind="swapped")
        if plan.root != head.root:
            prove_fork(self.host, held, head, self.target.folder, self.target.verifier)
            raise MirrorError(f"{self.host.url}tile: altered, the tiles don't give the signed root", kind="altered")
        for n, entries, data in self._bundles(plan, old):
            self._unpack(plan, n, entries, data)
        upper = {tile_path(*tile): plan.upper[tile[:2]] for tile in new_tiles(old, head.size) if tile[0]}
        self._announce([*upper, FORMAT_PATH, KEY_PATH])
        for path, data in upper.items():
            self._put(path, data)
        self._put(FORMAT_PATH, b"1\n")
        self._put(KEY_PATH, self.target.verifier.text.encode() + b"\n")
        self._check_withheld()

    def _plan(self, edge: Edge, head: Checkpoint) -> Plan:
        tiles: dict[tuple[int, int], Sequence[bytes]] = {}
        wanted = {tile_path(*tile): tile for tile in wanted_tiles(edge.size, head.size)}
        for got, data in self.host.get_many([Wanted(path=path, cap=_TILE_CAP) for path in wanted]):
            level, n, width = wanted[got.path]
            if data is None:
                data = self.host.get(tile_path(level, n), _TILE_CAP) if width < WIDTH else None
            if data is None:
                raise self._missing(got.path)
            if len(data) < 32 * width or len(data) % 32:
                raise self._altered(got.path, f"{len(data)} bytes where {32 * width} must be")
            tiles[level, n] = split(data[: 32 * width])
        return outline(edge, head.size, tiles)

    def _bundles(self, plan: Plan, old: int) -> Iterator[tuple[int, list[Entry], bytes]]:
        """(N, entries, bytes) of every bundle that grew, those that an earlier pull got first."""
        rest: dict[str, tuple[int, int]] = {}
        bundles = list(bundles_between(old, plan.size))
        done = 0
        for n, width in bundles:
            path = bundle_path(n, width)
            here = self._read_here(plan, path, n, width)
            if here is None:
                rest[path] = (n, width)
            else:
                done += 1
                yield n, *here
        for got, data in self.host.get_many([Wanted(path=path, cap=BUNDLE_CAP) for path in rest]):
            n, width = rest[got.path]
            done += 1
            self.report.bundles += 1
            yield n, *self._read(plan, got.path, n, width, data)
            self.progress("bundles", done, len(bundles))

    def _read_here(self, plan: Plan, path: str, n: int, width: int) -> tuple[list[Entry], bytes] | None:
        """What an earlier, unfinished pull got; None where there is nothing or it is torn."""
        try:
            data = self.objects.get(path)
            entries = read_bundle(data, start=n * WIDTH, width=width)
            check_leaves(plan, n, [entry.leaf for entry in entries])
        except (NotFound, Corrupt, MirrorError):
            return None
        # A line that is lacking may have been hidden by the host that the earlier pull met: asked for again.
        return None if any(entry.line is None for entry in entries) else (entries, data)

    def _read(self, plan: Plan, path: str, n: int, width: int, data: bytes | None) -> tuple[list[Entry], bytes]:
        full = width == WIDTH
        if data is None and not full:
            # The host filled this bundle since its head was read.
            path, full = bundle_path(n), True
            data = self.host.get(path, BUNDLE_CAP)
        if data is None:
            raise self._missing(path)
        try:
            entries = read_bundle(data, start=n * WIDTH, width=WIDTH if full else width)
            if len(entries) > width:
                entries = entries[:width]
                data = encode_bundle(n * WIDTH, entries)
            check_leaves(plan, n, [entry.leaf for entry in entries])
        except Corrupt as error:
            raise self._altered(path, str(error)) from error
        except MirrorError as error:
            raise MirrorError(f"hostile host: {self.host.url}{path}: {error}", kind=error.kind) from error
        return entries, data

    def _unpack(self, plan: Plan, n: int, entries: list[Entry], data: bytes) -> None:
        """Writes records, then the files of the log, the bundle last."""
        self.withheld |= {n * WIDTH + at for at, entry in enumerate(entries) if entry.line is None}
        entries, data = self._with_held(n, entries, data)
        records = {}
        for at, entry in enumerate(entries):
            if entry.line is None:
                continue
            line = decode_line(entry.line)
            if line.kind == "key" and n * WIDTH + at >= self.report.old_size:
                self.keys.append((n * WIDTH + at, line))
            if line.kind == "gone" and line.prev is not None:
                self.gone.add(line.prev)
            if line.record is not None and entry.record is not None:
                records[line.record.path] = entry.record
        tile = check_leaves(plan, n, [entry.leaf for entry in entries])
        files = {**log_files(n, entries, tile), bundle_path(n, len(entries)): data}
        self._announce([path for path in (*records, *files) if not self.objects.exists(path)])
        for path, record in records.items():
            self._put_record(path, record)
        for path, part in files.items():
            self._put(path, part)
        self.report.articles += len(records)

    def _with_held(self, n: int, entries: list[Entry], data: bytes) -> tuple[list[Entry], bytes]:
        """The open bundle that grew: lines that are held stay until their `gone` is carried out."""
        old = self.report.old_size
        if n != old // WIDTH or not old % WIDTH:
            return entries, data
        held = decode_bundle(self.objects.get(bundle_path(n, old % WIDTH)))[1]
        merged = [
            kept if entry.line is None and kept.line is not None else entry
            for entry, kept in zip(entries, [*held, *entries[len(held) :]], strict=True)
        ]
        return (entries, data) if merged == entries else (merged, encode_bundle(n * WIDTH, merged))

    def _announce(self, paths: list[str]) -> None:
        """Says which files will stand here before the checkpoint that covers them."""
        if not paths:
            return
        path = self.target.folder / UNFINISHED
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{name}\n" for name in paths))

    def _put(self, path: str, data: bytes) -> None:
        try:
            self.objects.put_new(path, data)
        except Conflict:
            # No checkpoint covers it: what stands here is of a pull that broke off.
            self.objects.replace(path, data)

    def _put_record(self, path: str, data: bytes) -> None:
        try:
            self.objects.put_new(path, data)
        except Conflict:
            # Rare enough to read every line: only a record that the held log names is not to be touched.
            for index, line in lines_of(self.objects, self.report.old_size, 0, self.report.old_size):
                if line is not None and line.record is not None and line.record.path == path:
                    raise self._altered(path, f"other bytes than entry {index} names under the same name") from None
            self.objects.replace(path, data)

    def _check_withheld(self) -> None:
        lacking = sorted(self.withheld - self.gone)
        if lacking:
            raise MirrorError(
                f"{self.host.url}: entry {lacking[0]} is missing without a `gone` line"
                f" ({len(lacking)} such): the host hides it",
                kind="missing",
            )

    def _files(self, old: int, size: int) -> None:
        choice, state = self.target.choice, self.state
        media_from = {"all": 0, "none": size}.get(choice.media)
        if media_from is None:
            since = int(self.target.clock.now().timestamp() * 1000) - choice.recent_days * _DAY_MS
            media_from = first_since(self.objects, size, since)
        captures_from = 0 if choice.captures == "all" else size
        absent: list[str] = []
        again = [path for path in state.absent[:_AGAIN] if path.startswith("media/" if choice.media != "none" else "-")]
        if again or media_from < size:
            spans = _spans(media_from, min(state.media_from, old), old, size)
            self.report.pictures, lacking = pull_media(
                self.objects, self.host, size, spans, again=again, cap=self.target.picture_cap, announce=self._announce
            )
            absent += lacking
        again = [path for path in state.absent if path.startswith("captures/") and choice.captures == "all"]
        if again or captures_from < size:
            spans = _spans(captures_from, min(state.captures_from, old), old, size)
            self.report.captures, lacking = pull_captures(
                self.objects, self.host, size, spans, again=again, announce=self._announce
            )
            absent += lacking
        self.report.absent = len(absent)
        if choice.media != "all" and media_from > state.media_from:
            self.report.pruned = prune_media(self.objects, size, media_from)
        later = state.absent[_AGAIN:]
        self.state = msgspec.structs.replace(
            state,
            media_from=media_from,
            captures_from=captures_from,
            absent=tuple(dict.fromkeys((*later, *absent)))[:_REMEMBERED],
        )

    def _commit(self, held: Checkpoint | None, head: Checkpoint, old: int) -> None:
        if self.archive.sync:
            self.objects.sync(self._unfinished())
        now_ms = int(self.target.clock.now().timestamp() * 1000)
        grown = now_ms if head.size > old else self.state.grown_ms
        self.state = msgspec.structs.replace(self.state, url=self.host.url, checked_ms=now_ms, grown_ms=grown)
        if held is None or held.note != head.note:
            self.archive.head.replace(held.note if held else None, head.note)
        write_state(self.target.folder, self.state)
        prune(self.archive, old, head.size)
        (self.target.folder / UNFINISHED).unlink(missing_ok=True)

    def _unfinished(self) -> Iterator[str]:
        """A name at a time: a first pull of a large log has millions, and a disk that syncs as a whole needs none."""
        path = self.target.folder / UNFINISHED
        if path.exists():
            with path.open(encoding="utf-8") as file:
                yield from (name for line in file if (name := line.rstrip("\n")) and self.objects.exists(name))

    def _withdrawn(self, size: int) -> None:
        """What the origin withdrew goes here, too, unless the operator keeps it."""
        if self.target.choice.gone == "keep":
            self.report.kept = len(self.gone)
            stubs = stub_lines(self.objects, self.report.old_size, size) if self.gone else []
            if stubs:
                self.state = msgspec.structs.replace(self.state, stubs=(*self.state.stubs, *stubs))
                write_state(self.target.folder, self.state)
            return
        self.report.erased, stale = erase(self.objects, size, self.state.applied)
        if self.report.erased:
            # Derived, and it holds what was erased: made anew by the next command.
            shutil.rmtree(self.target.folder / "index", ignore_errors=True)
        if stale and self.target.choice.captures == "all":
            _, lacking = pull_captures(self.objects, self.host, size, (), again=stale, announce=self._announce)
            self.state = msgspec.structs.replace(self.state, absent=(*self.state.absent, *lacking))
        self.state = msgspec.structs.replace(self.state, applied=size, stubs=())
        write_state(self.target.folder, self.state)

    def _finish(self, head: Checkpoint) -> PullReport:
        report = self.report
        report.requests, report.bytes = self.host.requests, self.host.bytes
        if head.size:
            report.last_ms = leaf_time(self.objects, head.size, head.size - 1)
            days = int(self.target.clock.now().timestamp() * 1000 - report.last_ms) // _DAY_MS
            report.stale_days = days if days >= STALE_DAYS and report.old_size == head.size else 0
        return report

    def _missing(self, path: str) -> MirrorError:
        return MirrorError(f"{self.host.url}{path}: missing, though the host's checkpoint names it", kind="missing")

    def _altered(self, path: str, why: str) -> MirrorError:
        return MirrorError(f"{self.host.url}{path}: altered, {why}", kind="altered")


def _spans(wanted: int, had: int, old: int, size: int) -> list[tuple[int, int]]:
    """The entries whose files are to be got: those that grew, and older ones that a new setting wants, too."""
    spans = [(wanted, had), (max(old, wanted), size)]
    return [(start, stop) for start, stop in spans if start < stop]
