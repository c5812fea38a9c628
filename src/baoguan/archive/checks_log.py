"""Checks of one bundle of 256 entries: leaves, tile, manifest, records and the derived bundle. Run in worker processes.

A leaf stands in three places: the entries, as a hash in the level-0 tile, and in the bundle. Where they differ, two
that agree name the third as altered.
"""

import hashlib
from collections import Counter

import msgspec

from baoguan.archive.batch import CLOCK_BACK_MS
from baoguan.archive.bundle import (
    Entry,
    decode_bundle,
    decode_entries,
    decode_manifest,
)
from baoguan.archive.checks_bundle import Comparison
from baoguan.archive.paths import WIDTH, bundle_path, entries_path, manifest_path, tile_path
from baoguan.archive.report import ALTERED, MISSING, Fault
from baoguan.archive.tree import leaf_hash, leaf_hashes
from baoguan.errors import Corrupt, NotFound
from baoguan.model.capture import CaptureRef
from baoguan.model.codec import decode_leaf, decode_line
from baoguan.model.log import Leaf, ManifestLine, MediaRef, RecordRef
from baoguan.ports import ObjectStore

_SHA256 = hashlib.sha256()
"""Copied: cheaper than beginning anew for each line."""


class BundleCheck(msgspec.Struct, kw_only=True):
    """What one bundle says; filled while it is read, then sent to the process that adds up."""

    n: int
    width: int
    hashes: list[bytes] = []
    """Leaf hashes, as two of three places give them."""
    faults: list[Fault] = []
    kinds: dict[str, int] = {}
    records: list[str] = []
    media: list[tuple[str, str, int]] = []
    """(path, sha256, log index)"""
    captures: list[tuple[int, bytes]] = []
    """(log index, sha256 of the stored member)"""
    gone: list[int] = []
    keys: list[tuple[int, ManifestLine]] = []
    """Key leaves: (log index, line)"""
    stamps: list[tuple[int, ManifestLine]] = []
    """ts leaves, likewise."""
    gone_captures: list[bytes] = []
    """sha256 of captures that were withdrawn from lines which stay."""
    withheld: list[int] = []
    times: tuple[int, int] = (0, 0)
    """Of the first and the last leaf."""
    clock_back: list[int] = []
    bytes: int = 0


class _Bundle:
    """The files of one bundle as they stand."""

    def __init__(self, objects: ObjectStore, check: BundleCheck) -> None:
        self.objects = objects
        self.check = check
        n, width = check.n, check.width
        self.paths = {
            "entries": entries_path(n, width),
            "manifest": manifest_path(n, width),
            "bundle": bundle_path(n, width),
            "tile": tile_path(0, n, width),
        }
        self.data = {name: self._get(path) for name, path in self.paths.items()}
        self._kept: list[Entry] | None = None

    def _get(self, path: str) -> bytes | None:
        try:
            data = self.objects.get(path)
        except NotFound:
            self.fault(MISSING, path)
            return None
        self.check.bytes += len(data)
        return data

    def fault(self, kind: str, path: str, detail: str = "", index: int | None = None) -> None:
        """Notes a fault; the same file and entry once."""
        if not any(held.path == path and held.index == index for held in self.check.faults):
            self.check.faults.append(Fault(kind=kind, path=path, index=index, detail=detail))

    def kept(self) -> list[Entry]:
        """The entries of the derived bundle; none when it can't be read."""
        if self._kept is None:
            try:
                self._kept = decode_bundle(self.data["bundle"] or b"")[1]
            except Corrupt:
                self._kept = []
            if len(self._kept) != self.check.width:
                self._kept = []
        return self._kept


def check_bundle(objects: ObjectStore, n: int, width: int) -> BundleCheck:
    """Reads bundle `n` of `width` entries and all that its lines name but media and captures."""
    check = BundleCheck(n=n, width=width)
    bundle = _Bundle(objects, check)
    leaves = _leaves(bundle)
    lines = _lines(bundle, leaves)
    derived = _derived(bundle)
    known = _known(bundle, leaves)
    said = _said(bundle, known, lines)
    _records(bundle, leaves, lines, said, derived)
    check.kinds = dict(Counter([leaf.k if leaf is not None else "?" for leaf in known]))
    times: list[int] = []
    for one in known:
        times.append(one.t if one is not None else times[-1] if times else 0)
    check.times = (times[0], times[-1])
    if times != sorted(times):
        check.clock_back = [n * WIDTH + at for at in range(1, width) if times[at] < times[at - 1] - CLOCK_BACK_MS]
    if bundle.data["bundle"] is not None and not derived.same:
        _differs(bundle, leaves)
    return check


def _leaves(bundle: _Bundle) -> list[bytes]:
    """The leaves and (in `check.hashes`) their hashes, by two of three."""
    check, width = bundle.check, bundle.check.width
    leaves: list[bytes] = []
    if bundle.data["entries"] is not None:
        try:
            leaves = decode_entries(bundle.data["entries"])
        except Corrupt as error:
            bundle.fault(ALTERED, bundle.paths["entries"], str(error))
        if leaves and len(leaves) != width:
            bundle.fault(ALTERED, bundle.paths["entries"], f"{len(leaves)} entries, {width} expected")
            leaves = []
    hashes = leaf_hashes(leaves)
    tile = bundle.data["tile"]
    if tile is not None and hashes and tile == b"".join(hashes):
        check.hashes = hashes
        return leaves
    return _vote(bundle, leaves)


def _vote(bundle: _Bundle, leaves: list[bytes]) -> list[bytes]:
    check, width = bundle.check, bundle.check.width
    tile = bundle.data["tile"]
    kept = bundle.kept()
    if tile is not None and len(tile) != 32 * width:
        bundle.fault(ALTERED, bundle.paths["tile"], f"{len(tile)} bytes, {32 * width} expected")
        tile = None
    if bundle.data["entries"] is not None and not leaves:
        bundle.fault(ALTERED, bundle.paths["entries"], "no entries")
    voted: list[bytes] = []
    for offset in range(width):
        own = leaves[offset] if leaves else None
        copy = kept[offset].leaf if kept else None
        wanted = tile[32 * offset : 32 * offset + 32] if tile is not None else None
        leaf, value, wrong = _two_of_three(own, copy, wanted)
        for name in wrong:
            bundle.fault(
                ALTERED, bundle.paths[name], "differs from the other copies of its leaf", check.n * WIDTH + offset
            )
        voted.append(leaf)
        check.hashes.append(value)
    return voted


def _two_of_three(own: bytes | None, copy: bytes | None, wanted: bytes | None) -> tuple[bytes, bytes, list[str]]:
    """(leaf, leaf hash, names of the files that are wrong)"""
    if own is not None and (wanted is None or leaf_hash(own) == wanted):
        return own, leaf_hash(own), []
    if copy is not None and (wanted is None or leaf_hash(copy) == wanted):
        return copy, leaf_hash(copy), ["entries"] if own is not None else []
    if own is not None and own == copy:
        return own, leaf_hash(own), ["tile"]
    # No two agree: the tree above decides whether the tile is right; the entries are named in any case.
    return (
        own or b"",
        wanted or leaf_hash(own or b""),
        ["entries", "tile"] if own is not None and copy is None else ["entries"],
    )


def _lines(bundle: _Bundle, leaves: list[bytes]) -> list[bytes | None]:
    width = bundle.check.width
    data = bundle.data["manifest"]
    lines: list[bytes | None] = []
    if data is not None:
        try:
            lines = decode_manifest(data)
        except Corrupt as error:
            bundle.fault(ALTERED, bundle.paths["manifest"], str(error))
        if lines and len(lines) != width:
            bundle.fault(ALTERED, bundle.paths["manifest"], f"{len(lines)} lines, {width} expected")
            lines = []
        elif not lines:
            bundle.fault(ALTERED, bundle.paths["manifest"], "no lines")
    if lines:
        return lines
    # The bundle's copies still say which records to look for.
    return [entry.line for entry in bundle.kept()] or [None] * len(leaves)


def _known(bundle: _Bundle, leaves: list[bytes]) -> list[Leaf | None]:
    """What each leaf says, None for one that can't be read."""
    try:
        return [*map(decode_leaf, leaves)]
    except Corrupt:
        return [_leaf(bundle, index, leaf) for index, leaf in enumerate(leaves, bundle.check.n * WIDTH)]


def _leaf(bundle: _Bundle, index: int, leaf: bytes) -> Leaf | None:
    try:
        return decode_leaf(leaf)
    except Corrupt as error:
        bundle.fault(ALTERED, bundle.paths["entries"], str(error), index)
        return None


def _said(bundle: _Bundle, known: list[Leaf | None], lines: list[bytes | None]) -> "list[_Said | None]":
    """What each line says, None where nothing is known of it; its other files than the record are noted."""
    check = bundle.check
    said: list[_Said | None] = []
    note = said.append
    for index, (leaf, line) in enumerate(zip(known, lines, strict=True), check.n * WIDTH):
        if leaf is None or line is None:
            note(None)
            if leaf is not None:
                check.withheld.append(index)
            continue
        begun = _SHA256.copy()
        begun.update(line)
        if begun.hexdigest() != leaf.c:
            note(None)
            bundle.fault(ALTERED, bundle.paths["manifest"], "the line isn't what its leaf commits to", index)
            continue
        try:
            one = _decode(line)
        except msgspec.DecodeError as error:
            raise Corrupt(f"manifest line can't be read: {error}") from error
        note(one)
        if one.kind != leaf.k:
            detail = f"a {one.kind} line under a {leaf.k} leaf"
            bundle.fault(ALTERED, bundle.paths["manifest"], detail, index)
        if one.kind in _OF_NOTE or one.media or one.capture is not None or one.captures:
            _collect(check, index, one, line)
    return said


class _Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What of a manifest line this check is about: titles and URLs are skipped, at half the cost."""

    kind: str
    prev: int | None = None
    record: RecordRef | None = None
    media: tuple[MediaRef, ...] = ()
    capture: CaptureRef | None = None
    captures: tuple[CaptureRef, ...] = ()


_decode = msgspec.json.Decoder(_Said).decode
_OF_NOTE = ("gone", "key", "ts")
"""Kinds of lines that say something by themselves."""


def _collect(check: BundleCheck, index: int, line: _Said, data: bytes) -> None:
    if line.kind == "gone" and line.prev is not None:
        check.gone.append(line.prev)
    if line.kind == "key":
        check.keys.append((index, decode_line(data)))
    if line.kind == "ts":
        check.stamps.append((index, decode_line(data)))
    for media in line.media:
        if media.path:
            check.media.append((media.path, media.sha256, index))
        if media.capture is not None and line.kind != "gone":
            check.captures.append((index, bytes.fromhex(media.capture.sha256)))
    if line.kind == "gone":
        check.gone_captures += (bytes.fromhex(ref.sha256) for ref in line.captures)
        return
    if line.capture is not None:
        check.captures.append((index, bytes.fromhex(line.capture.sha256)))
    for ref in line.captures:
        check.captures.append((index, bytes.fromhex(ref.sha256)))


def _records(
    bundle: _Bundle, leaves: list[bytes], lines: list[bytes | None], said: "list[_Said | None]", derived: Comparison
) -> None:
    """Reads the record of each line, and compares it with the derived bundle while it is at hand."""
    check = bundle.check
    check.records = [line.record.path for line in said if line is not None and line.record is not None]
    files = bundle.objects.get_each(check.records)
    begins, at, total = derived.content.startswith, derived.at, 0
    for index, (leaf, line, one) in enumerate(zip(leaves, lines, said, strict=True), check.n * WIDTH):
        if line is None or one is None or (ref := one.record) is None:
            at += derived.add(at, leaf, line, None)
            continue
        record = next(files)
        if record is not None:
            total += len(record)
            begun = _SHA256.copy()
            begun.update(record)
            if begun.hexdigest() == ref.sha256:
                # As derived.add, without a call for each article.
                part = b"[%d,%d,%d]\n%b%b" % (len(leaf), len(line), len(record), leaf, line)
                if not (begins(part, at) and begins(record, at + len(part))):
                    derived.differs = True
                at += len(part) + len(record)
                continue
            bundle.fault(ALTERED, ref.path, f"not the bytes that entry {index} names", index)
        else:
            bundle.fault(MISSING, ref.path, f"the record of entry {index}", index)
        at += derived.add(at, leaf, line, _copy_of(bundle, index, ref))
    derived.at = at
    check.bytes += total


def _copy_of(bundle: _Bundle, index: int, ref: RecordRef) -> bytes | None:
    """A record as the bundle holds it, where it is lost or altered: what must be there is known by its digest."""
    copy = bundle.kept()[index % WIDTH].record if bundle.kept() else None
    return copy if copy is not None and hashlib.sha256(copy).hexdigest() == ref.sha256 else None


def _derived(bundle: _Bundle) -> Comparison:
    """The bundle unpacked; one that can't be has its fault noted and is compared with no more."""
    data = bundle.data["bundle"]
    if data is not None:
        try:
            return Comparison(data, bundle.check.n * WIDTH, bundle.check.width)
        except Corrupt as error:
            bundle.fault(ALTERED, bundle.paths["bundle"], str(error))
    bundle.data["bundle"] = None
    return Comparison(None, bundle.check.n * WIDTH, bundle.check.width)


def _differs(bundle: _Bundle, leaves: list[bytes]) -> None:
    others = {fault.path for fault in bundle.check.faults}
    if bundle.paths["manifest"] in others and _fits(bundle.kept(), leaves):
        return
    bundle.fault(ALTERED, bundle.paths["bundle"], "not what entries, manifest and records give")


def _fits(kept: list[Entry], leaves: list[bytes]) -> bool:
    """Whether the bundle holds what the leaves commit to, where the manifest beside it doesn't."""
    if len(kept) != len(leaves):
        return False
    for copy, leaf in zip(kept, leaves, strict=True):
        if copy.leaf != leaf:
            return False
        if copy.line is not None:
            known = decode_leaf(copy.leaf)
            if hashlib.sha256(copy.line).hexdigest() != known.c:
                return False
            record = decode_line(copy.line).record
            digest = hashlib.sha256(copy.record).hexdigest() if copy.record is not None else None
            if (record.sha256 if record else None) != digest:
                return False
    return True
