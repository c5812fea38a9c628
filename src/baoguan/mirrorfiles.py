"""Pictures and captures of a mirror: which are wanted, got by name, judged by the log; and what goes again."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator

from baoguan.archive.batch import captures_of
from baoguan.archive.bundle import decode_bundle, encode_bundle, encode_manifest
from baoguan.archive.checks_captures import check_captures
from baoguan.archive.mirror import lines_of
from baoguan.archive.mirror_bundle import capture_files
from baoguan.archive.paths import WIDTH, bundle_path, manifest_path, partial_folder
from baoguan.errors import MirrorError, NotFound
from baoguan.mirrorhost import Host, Wanted
from baoguan.model.codec import decode_line
from baoguan.model.log import ManifestLine
from baoguan.ports import ObjectStore

CAPTURE_CAP = 72 << 20
"""A capture file has at most 64 MiB but for its last record."""

Announce = Callable[[list[str]], None]
"""Told which files will be written, before the first is."""
GIVE_UP = 100
"""So many pictures that a host lacks, and none that it has: it keeps none, and is asked for no more."""


class _One:
    """The object store of a single file that is not kept yet."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def get(self, _path: str) -> bytes:
        """The bytes, whatever the name."""
        return self._data


def pull_media(
    objects: ObjectStore,
    host: Host,
    size: int,
    spans: Iterable[tuple[int, int]],
    *,
    again: Iterable[str],
    cap: int,
    announce: Announce,
) -> tuple[int, list[str]]:
    """(pictures that came, those that the host lacks) of the entries in `spans`, and of the names `again`.

    Raises MirrorError when a picture isn't the bytes that its name says.
    """
    names = dict.fromkeys(again)
    for start, stop in spans:
        for _, line in lines_of(objects, size, start, stop):
            names.update((media.path, None) for media in (line.media if line else ()) if media.path)
    came = 0
    absent: list[str] = []
    missing = [path for path in names if not objects.exists(path)]
    announce(missing)
    asked = itertools.takewhile(lambda _: came or len(absent) < GIVE_UP, missing)
    for wanted, data in host.get_many(Wanted(path=path, cap=cap, large=True) for path in asked):
        if data is None:
            absent.append(wanted.path)
            continue
        digest = hashlib.sha256(data).hexdigest()
        if f"/{digest}." not in wanted.path:
            raise MirrorError(f"{host.url}{wanted.path}: altered, its sha256 is {digest}", kind="altered")
        objects.put_new(wanted.path, data)
        came += 1
    if not came and len(absent) >= GIVE_UP:
        absent = missing
    return came, absent


def pull_captures(
    objects: ObjectStore,
    host: Host,
    size: int,
    spans: Iterable[tuple[int, int]],
    *,
    again: Iterable[str],
    announce: Announce,
) -> tuple[int, list[str]]:
    """(capture files that came, those that the host lacks). Raises MirrorError for bytes that no line names.

    A file that lost an article to a withdrawal holds stubs, which lines of a later batch name.
    """
    again = set(again)
    known = {path: digests for start, stop in spans for path, digests in _files(objects, size, start, stop)}
    if again:
        known |= {path: digests for path, digests in _files(objects, size, 0, size) if path in again}
    came, absent = 0, []
    missing = [path for path in known if not objects.exists(path)]
    announce(missing)
    for wanted, data in host.get_many(Wanted(path=path, cap=CAPTURE_CAP, large=True) for path in missing):
        if data is None:
            absent.append(wanted.path)
            continue
        stray = _stray(data, wanted.path, known[wanted.path])
        if stray is not None:
            # Stubs, and what took over a body, are named by the batch of a withdrawal: the whole log is read for them.
            stray = _stray(data, wanted.path, frozenset(_every_digest(objects, size)))
        if stray is not None:
            raise MirrorError(f"{host.url}{wanted.path}: altered, no line names its bytes at {stray}", kind="altered")
        objects.put_new(wanted.path, data)
        came += 1
    return came, absent


def _stray(data: bytes, path: str, known: frozenset[bytes]) -> int | None:
    """Where the first bytes begin that are no named member; None when there are none."""
    check = check_captures(_One(data), path, known)  # type: ignore[arg-type]
    if check.strays:
        return check.strays[0].offset
    return None if check.members else 0


def _files(objects: ObjectStore, size: int, start: int, stop: int) -> Iterator[tuple[str, frozenset[bytes]]]:
    """(capture file, digests of its batch); a batch ends with its cap line."""
    named: set[bytes] = set()
    for _, line in lines_of(objects, size, start, stop):
        if line is None:
            continue
        named.update(bytes.fromhex(ref.sha256) for ref in captures_of(line))
        files = capture_files(line)
        if files:
            digests = frozenset(named)
            yield from ((path, digests) for path in files)
            named.clear()


def _every_digest(objects: ObjectStore, size: int) -> Iterator[bytes]:
    for _, line in lines_of(objects, size, 0, size):
        if line is not None:
            yield from (bytes.fromhex(ref.sha256) for ref in captures_of(line))


def prune_media(objects: ObjectStore, size: int, keep_from: int) -> int:
    """Deletes the pictures that no entry from `keep_from` on names; returns how many."""
    kept = {
        media.path for _, line in lines_of(objects, size, keep_from, size) if line is not None for media in line.media
    }
    old = [path for path in objects.list("media") if path not in kept]
    for path in old:
        objects.delete(path)
    return len(old)


def erase(objects: ObjectStore, size: int, since: int) -> tuple[int, list[str]]:
    """Carries out the `gone` lines from index `since` on: (entries erased, capture files to get anew).

    Record, line, bundle line, pictures without another owner and the batch's captures go; the leaf stays.
    """
    told = [line for _, line in lines_of(objects, size, since, size) if line is not None and line.kind == "gone"]
    gone = [line.prev for line in told if line.prev is not None]
    cut = {ref.sha256 for line in told for ref in line.captures}
    erased: dict[int, ManifestLine] = {}
    for n in sorted({index // WIDTH for index in gone if 0 <= index < size}):
        erased |= _erase_in_bundle(objects, size, n, {index for index in gone if index // WIDTH == n})
    if not erased and not cut:
        return 0, []
    orphans = {media.path for line in erased.values() for media in line.media if media.path}
    for _, line in lines_of(objects, size, 0, size):
        orphans.difference_update(media.path for media in (line.media if line else ()))
    records = {line.record.path for line in erased.values() if line.record}
    for path in orphans | records:
        objects.delete(path)
    stale = _files_with(objects, size, erased, cut)
    for path in stale:
        objects.delete(path)
    return len(erased), stale


def stub_lines(objects: ObjectStore, old: int, size: int) -> list[int]:
    """The `cap` lines of withdrawals: each follows the `gone` lines of its batch."""
    found, before = [], ""
    for index, line in lines_of(objects, size, old, size):
        kind = line.kind if line else ""
        if kind == "cap" and before == "gone":
            found.append(index)
        before = kind
    return found


def _erase_in_bundle(objects: ObjectStore, size: int, n: int, gone: set[int]) -> dict[int, ManifestLine]:
    width = min(WIDTH, size - n * WIDTH)
    _, entries = decode_bundle(objects.get(bundle_path(n, width)))
    erased: dict[int, ManifestLine] = {}
    for index in gone:
        at = index - n * WIDTH
        data = entries[at].line
        if data is not None:
            erased[index] = decode_line(data)
            entries[at] = type(entries[at])(entries[at].leaf, None)
    if erased:
        objects.replace(manifest_path(n, width), encode_manifest([entry.line for entry in entries]))
        objects.replace(bundle_path(n, width), encode_bundle(n * WIDTH, entries))
        _drop_older(objects, n, width)
    return erased


def _drop_older(objects: ObjectStore, n: int, width: int) -> None:
    """Narrower files of the same bundle: they hold what was erased."""
    for full, suffix, own in (
        (manifest_path(n), ".jsonl", manifest_path(n, width)),
        (bundle_path(n), ".zst", bundle_path(n, width)),
    ):
        for path in list(objects.list(partial_folder(full, suffix))):
            if path != own:
                objects.delete(path)


def _files_with(objects: ObjectStore, size: int, erased: dict[int, ManifestLine], cut: set[str]) -> list[str]:
    """The capture files that hold what the erased lines, or the cuts of the withdrawal, name."""
    cut = cut | {ref.sha256 for line in erased.values() for ref in captures_of(line)}
    found: dict[str, None] = {}
    batch: set[str] = set()
    for index, line in lines_of(objects, size, 0, size):
        line = erased.get(index, line)
        if line is None or line.kind == "gone":
            continue
        batch.update(ref.sha256 for ref in captures_of(line))
        files = capture_files(line)
        if files:
            if cut & batch:
                found |= {path: None for path in files if _exists(objects, path)}
            batch.clear()
    return [*found]


def _exists(objects: ObjectStore, path: str) -> bool:
    try:
        return objects.size(path) >= 0
    except NotFound:
        return False
