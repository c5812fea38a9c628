"""Takes what a plan names out of public/: captures, lines, records, pictures. Each step may be done twice.

Captures lie in files of many. The member that goes is replaced by a stub (a WARC record that says `withdrawn`), all
others keep their bytes, so that the digests by which lines name them still hold; where they lie is derived anyway.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from baoguan.archive.bundle import (
    OPEN_LEVEL,
    Entry,
    decode_bundle,
    decode_entries,
    decode_manifest,
    encode_bundle,
    encode_manifest,
)
from baoguan.archive.paths import WIDTH, bundle_path, entries_path, manifest_path, partial_folder
from baoguan.archive.withdraw_plan import Cut, Plan
from baoguan.errors import Corrupt, NotFound
from baoguan.model.codec import decode_line

if TYPE_CHECKING:
    from baoguan.archive.store import Archive

_PART = 1 << 16
_WIDTH = re.compile(r"\.p/(\d+)(?:\.jsonl|\.zst)$")


def cut_captures(archive: "Archive", cuts: Iterable[Cut]) -> None:
    """Rewrites each file once, atomically. Raises Corrupt where neither the old nor the new member stands."""
    files: dict[str, list[Cut]] = defaultdict(list)
    for cut in cuts:
        files[cut.file].append(cut)
    for path, members in files.items():
        members.sort(key=lambda cut: cut.offset)
        first = members[0]
        if archive.objects.get(path, first.offset, len(first.data)) == first.data:
            continue
        for cut in members:
            if hashlib.sha256(archive.objects.get(path, cut.offset, cut.length)).hexdigest() != cut.sha256:
                raise Corrupt(f"{path}: capture {cut.record_id} is not at {cut.offset}; `baoguan rebuild`, then again")
        archive.objects.replace(path, _spliced(archive, path, members))


def _spliced(archive: "Archive", path: str, cuts: Sequence[Cut]) -> Iterator[bytes]:
    """A file of 10 MB in parts: read and written whole, its fresh pages cost six times as much."""
    at = 0
    for cut in cuts:
        yield from _parts(archive, path, at, cut.offset)
        yield cut.data
        at = cut.offset + cut.length
    yield from _parts(archive, path, at, archive.objects.size(path))


def _parts(archive: "Archive", path: str, at: int, stop: int) -> Iterator[bytes]:
    for low in range(at, stop, _PART):
        yield archive.objects.get(path, low, min(_PART, stop - low))


def withhold_lines(archive: "Archive", indexes: Iterable[int]) -> list[str]:
    """Empties manifest lines and drops them and their records from bundles; returns the files that were rewritten."""
    bundles: dict[int, list[int]] = defaultdict(list)
    for index in indexes:
        bundles[index // WIDTH].append(index % WIDTH)
    written: list[str] = []
    size = archive.size
    for n, offsets in bundles.items():
        width = min(WIDTH, size - n * WIDTH)
        written += _withhold(archive, n, width, offsets)
        for folder in (partial_folder(manifest_path(n), ".jsonl"), partial_folder(bundle_path(n), ".zst")):
            _drop_partials(archive, folder, keep=width)
    archive.forget_cached()
    return written


def _withhold(archive: "Archive", n: int, width: int, offsets: list[int]) -> list[str]:
    objects = archive.objects
    manifest, bundle = manifest_path(n, width), bundle_path(n, width)
    lines = decode_manifest(objects.get(manifest))
    entries = _entries(archive, n, width, lines)
    for offset in offsets:
        lines[offset] = None
        entries[offset] = Entry(entries[offset].leaf, None, None)
    # The bundle first: a crash in between leaves a line whose bundle lacks it, never one that only the bundle holds.
    objects.replace(bundle, encode_bundle(n * WIDTH, entries, OPEN_LEVEL))
    objects.replace(manifest, encode_manifest(lines))
    return [bundle, manifest]


def _entries(archive: "Archive", n: int, width: int, lines: Sequence[bytes | None]) -> list[Entry]:
    objects = archive.objects
    try:
        entries = decode_bundle(objects.get(bundle_path(n, width)))[1]
        if len(entries) == width:
            return entries
    except (NotFound, Corrupt):
        pass
    made = []
    for leaf, line in zip(decode_entries(objects.get(entries_path(n, width))), lines, strict=True):
        record = decode_line(line).record if line else None
        made.append(Entry(leaf, line, objects.get(record.path) if record else None))
    return made


def _drop_partials(archive: "Archive", folder: str, *, keep: int) -> None:
    for name in list(archive.objects.list(folder)):
        width = _WIDTH.search(name)
        if width is not None and int(width[1]) != keep:
            archive.objects.delete(name)


def delete_files(archive: "Archive", plan: Plan) -> None:
    """Records, then pictures."""
    for path in (*plan.records, *plan.media):
        archive.objects.delete(path)
