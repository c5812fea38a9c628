"""Backfill: pages of many WARC files (a crawl's, CC-NEWS') taken in, file by file, resumable.

A file is a unit: remembered once all its pages are in the log, so that an interrupted run goes on with the next one;
taken again it adds nothing. A file that can't be had or read is named and passed over.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import msgspec

from baoguan.desk import Desk
from baoguan.errors import BaoguanError, DiskFull, FetchError
from baoguan.importing import import_path
from baoguan.model.capture import FetchRequest
from baoguan.ports import Executor, Fetcher
from baoguan.text.urls import canonical_url

CHUNK = 8 << 20
"""Bytes that one request for a file asks for."""
MOST = 4 << 30
"""Bytes of one WARC file."""
_TRIES = 3


class Filled(msgspec.Struct, kw_only=True):
    """What a backfill did."""

    files: int = 0
    """Read to their end."""
    passed: int = 0
    """Read by an earlier run."""
    pages: int = 0
    added: int = 0
    known: int = 0
    failed: list[tuple[str, str]] = []
    """(file or page, why)"""


def read_list(lines: Iterable[str]) -> Iterator[str]:
    """The entries of a list, one a line; empty lines and comments are left out."""
    for line in lines:
        entry = line.strip()
        if entry and not entry.startswith("#"):
            yield entry


def wanted(lines: Iterable[str]) -> frozenset[str]:
    """Canonical URLs of a list of pages."""
    return frozenset(canonical_url(entry) for entry in read_list(lines))


def backfill(
    desk: Desk,
    places: Iterable[str],
    *,
    only: frozenset[str] | None = None,
    executor: Executor | None = None,
    fetcher: Callable[[], AbstractContextManager[Fetcher]],
    watch: Callable[[str, str], None] = lambda _event, _what: None,
    stop: Callable[[], bool] = lambda: False,
) -> Filled:
    """Takes in WARC files by path or http(s) address, in the order given. `only`: pages (canonical URLs) that count.

    `watch` is told (begin, done, passed or failed; the place). Raises DiskFull.
    """
    filled = Filled()
    for place in places:
        if stop():
            break
        key = f"backfill:{_name(place, only)}"
        if desk.schedule.get(key):
            filled.passed += 1
            watch("passed", place)
            continue
        watch("begin", place)
        try:
            path = _local(desk, place, fetcher)
            report = import_path(desk, path, executor=executor, only=only)
        except DiskFull:
            raise
        except (BaoguanError, OSError) as error:
            if "://" in place:  # bytes that can't be read are asked for anew, not read again
                _names(desk, place)[1].unlink(missing_ok=True)
            filled.failed.append((place, " ".join(str(error).split())[:300]))
            watch("failed", place)
            continue
        filled.pages += report.files
        filled.added += report.added
        filled.known += report.known
        filled.failed += report.failed
        if "://" in place:
            path.unlink(missing_ok=True)
        if any(name == str(path) for name, _ in report.failed):  # cut in the middle: another run may have it whole
            watch("failed", place)
            continue
        filled.files += 1
        desk.schedule.put(key, b"1")
        watch("done", place)
    return filled


def _name(place: str, only: frozenset[str] | None) -> str:
    """One name for the same bytes and the same wish: another selection reads a file again."""
    wish = "" if only is None else hashlib.sha256("\n".join(sorted(only)).encode()).hexdigest()[:16]
    if "://" in place:
        return f"{place} {wish}".strip()
    path = Path(place)
    size, changed = (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else (0, 0)
    return f"{path.resolve()} {size} {changed} {wish}".strip()


def _local(desk: Desk, place: str, fetcher: Callable[[], AbstractContextManager[Fetcher]]) -> Path:
    """The file on this disk: fetched in ranges, taken up again where an earlier run was cut off."""
    if "://" not in place:
        return Path(place)
    part, whole = _names(desk, place)
    if whole.exists():
        return whole
    part.parent.mkdir(parents=True, exist_ok=True)
    with fetcher() as network, part.open("ab") as file:
        while not _take(network, place, file):
            desk.check_disk()
            file.flush()
    part.rename(whole)
    return whole


def _names(desk: Desk, place: str) -> tuple[Path, Path]:
    """Where a file is on its way, and where it stands whole."""
    folder = desk.folder / "state" / "backfill"
    name = hashlib.sha256(place.encode()).hexdigest()[:24]
    return folder / f"{name}.part", folder / f"{name}.warc.gz"


def _take(network: Fetcher, url: str, file: BinaryIO) -> bool:
    """The next piece of a file; True at its end. Raises FetchError."""
    start = file.tell()
    if start > MOST:
        raise FetchError(f"{url}: over {MOST} bytes", url=url, kind="size")
    request = FetchRequest(url=url, kind="file", key=url, start=start, stop=start + CHUNK, cap_bytes=MOST)
    problem = ""
    for _ in range(_TRIES):
        result = network.fetch(request)
        response = result.response
        if response is None or response.truncated:
            problem = result.error or "the answer broke off"
            continue
        if response.status == 416:
            return True
        if response.status == 206:
            file.write(response.body)
            return len(response.body) < CHUNK
        if response.status == 200:  # a host without ranges sends it whole, whatever was asked for
            file.truncate(0)
            file.write(response.body)
            return True
        raise FetchError(f"{url}: status {response.status}", url=url, kind="status")
    raise FetchError(f"{url}: {problem}", url=url, kind="reset")
