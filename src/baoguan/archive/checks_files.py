"""Checks of media, of partial files that were not pruned, and of which files stand in public/ at all."""

import hashlib
import re
from collections.abc import Sequence

from baoguan.archive.bundle import (
    bundle_content,
    decode_bundle,
    decode_entries,
    decode_manifest,
    encode_entries,
    encode_manifest,
    open_bundle,
)
from baoguan.archive.paths import WIDTH, bundle_path, entries_path, manifest_path, number, tile_path
from baoguan.archive.report import ALTERED, EXTRA, MISSING, Fault
from baoguan.errors import BaoguanError, NotFound
from baoguan.ports import ObjectStore

_LOG_FILE = re.compile(r"(tile/(?:entries|\d+)|manifest|bundle)/((?:x\d{3}/)*\d{3})(?:\.p/(\d+))?(?:\.jsonl|\.zst)?")


def check_media(objects: ObjectStore, wanted: Sequence[tuple[str, str, int]]) -> tuple[list[Fault], int]:
    """Faults and bytes read of pictures, given as (path, sha256, log index)."""
    faults, size = [], 0
    for path, sha256, index in wanted:
        try:
            data = objects.get(path)
        except NotFound:
            faults.append(Fault(kind=MISSING, path=path, index=index, detail=f"a picture of entry {index}"))
            continue
        except BaoguanError as error:
            faults.append(Fault(kind=ALTERED, path=path, index=index, detail=str(error)))
            continue
        size += len(data)
        if hashlib.sha256(data).hexdigest() != sha256 or f"/{sha256}." not in path:
            faults.append(Fault(kind=ALTERED, path=path, index=index, detail="not the bytes that its digest names"))
    return faults, size


def log_file(path: str) -> tuple[str, int, int] | None:
    """(family, N, width) of a file of the log, family being tile/<L>, tile/entries, manifest or bundle; else None."""
    match = _LOG_FILE.fullmatch(path)
    if match is None:
        return None
    n = int(re.sub(r"x|/", "", match[2]))
    width = int(match[3]) if match[3] else WIDTH
    if number(n) != match[2] or not 0 < width <= WIDTH or name_of(match[1], n, width) != path:
        return None
    return match[1], n, width


def name_of(family: str, n: int, width: int) -> str:
    """The inverse of log_file."""
    if family == "tile/entries":
        return entries_path(n, width)
    if family == "manifest":
        return manifest_path(n, width)
    if family == "bundle":
        return bundle_path(n, width)
    return tile_path(int(family[5:]), n, width)


def check_log_file(objects: ObjectStore, path: str, size: int) -> Fault | None:
    """Judges a file of the log that the checkpoint doesn't need: an older partial is fine when it is a prefix.

    The file that covers it is taken as checked already.
    """
    known = log_file(path)
    if known is None:
        return Fault(kind=EXTRA, path=path, detail="not a name that the log gives")
    family, n, width = known
    level = int(family[5:]) if family.startswith("tile/") and family != "tile/entries" else 0
    current = min(WIDTH, (size >> (8 * level)) - n * WIDTH)
    if width > current:
        return Fault(kind=EXTRA, path=path, detail="the checkpoint doesn't cover it: left by an unfinished batch?")
    if width == current:
        return None
    try:
        same = _is_prefix(family, objects.get(path), objects.get(name_of(family, n, current)), n, width)
    except NotFound:
        return None
    except BaoguanError as error:
        return Fault(kind=ALTERED, path=path, detail=str(error))
    return None if same else Fault(kind=ALTERED, path=path, detail="not the beginning of the file that replaced it")


def _is_prefix(family: str, data: bytes, current: bytes, n: int, width: int) -> bool:
    if family == "tile/entries":
        return data == encode_entries(decode_entries(current)[:width])
    if family == "manifest":
        return data == encode_manifest(decode_manifest(current)[:width])
    if family == "bundle":
        return open_bundle(data) == bundle_content(n * WIDTH, decode_bundle(current)[1][:width])
    return data == current[: 32 * width]
