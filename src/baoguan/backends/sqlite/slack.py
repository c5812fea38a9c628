"""The room between the cells of SQLite's pages: zeroed, for it may hold copies of rows that are deleted by now.

secure_delete zeroes cells, freed pages and what is freed within a page. But when a page is split or joined, its cells
are laid out anew, and what they leave in the gap between the list of cells and the cells stays: copies of 1 to 2 in
1,000 rows. That gap is the only such room (docs/why.md), it means nothing to any reader, and is zeroed in place.

Why that is safe: under SQLite's write lock, and while the log (WAL) is empty, nobody changes a page of the file,
neither a writer nor a checkpoint; readers never look into the gap; a crash leaves some gaps zeroed and others not. A
commit that follows makes all other connections drop the pages they hold, so that no old gap is written back.
"""

import os
import struct
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

from baoguan.backends.sqlite import transaction
from baoguan.backends.sqlite.engine import sqlite3

_LEAF, _INNER = 8, 12
_KINDS = {2: _INNER, 5: _INNER, 10: _LEAF, 13: _LEAF}
"""First byte of a page of a tree: the bytes before its list of cells. All others begin with a page number."""
_MOST_PAGES = 1 << 25
"""From here on a page number may begin with such a byte."""
_STEP = 1 << 17
"""Bytes read at once: more don't stay in the processor's cache, and the search takes half as long again."""
_FRAME = struct.Struct(">II8s")
"""Of the log: number of the page, size of the file after a commit (0: none ends here), salts of this round."""
_ZEROES = bytes(1 << 16)
_TRIES = 4
_MOST_FRAMES = 4096
"""Pages of a log that are read one by one; where there are more, the file is read as a whole in about the same time."""
COUNTS = "CREATE TABLE IF NOT EXISTS scrub (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
"""For files whose transactions are counted: beside what is derived from the log, which stays the same however made."""
_SINCE = "SELECT (SELECT value FROM scrub WHERE key = 'writes') - (SELECT value FROM scrub WHERE key = 'clean')"
_CLEAN = (
    "INSERT OR REPLACE INTO scrub SELECT column1, value + 1 FROM scrub, (VALUES ('writes'), ('clean'))"
    " WHERE key = 'writes'"
)
_held: dict[tuple[int, int], int] = {}
"""Descriptors by (device, inode). Never closed while the file lives: closing one would give up the locks (POSIX) that
SQLite holds on that file for this process, and the last connection elsewhere could take the log away."""


@contextmanager
def counted(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction that is counted in the table `scrub` of its file: scrub then knows whether the log tells of all."""
    with transaction(db):
        yield db
        db.execute("INSERT INTO scrub VALUES ('writes', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1")


def scrub(path: Path, *, is_counted: bool = False, wait_s: float = 30.0) -> bool:
    """Sees to it that deleted bytes are gone from a file and its log; False while another process reads old pages.

    `is_counted`: every transaction on this file is; then only pages that changed since the last scrub are looked at.
    For a caller that has no transaction open. Raises sqlite3.OperationalError where another one writes for too long.
    """
    with closing(sqlite3.connect(path, timeout=wait_s, isolation_level=None)) as db:
        for _ in range(_TRIES):
            with _writing(db):
                since = _since(db) if is_counted else None
                changed = None if since is None else _changed(db, path, since)
            if not _fold_log(db):
                return False
            with _writing(db):
                if _log_size(path) or (is_counted and _since(db) != since):
                    continue  # another process has written in between
                if not _is_plain(db):
                    break
                zero_gaps(path, int(db.execute("PRAGMA page_size").fetchone()[0]), changed)
                db.execute(_CLEAN if is_counted else f"PRAGMA user_version = {_version(db)}")
                db.execute("COMMIT")
            return _fold_log(db)
        else:
            return False
        db.execute("VACUUM")
        return _fold_log(db)


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """The write lock; nothing is kept but what the block commits itself."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _since(db: sqlite3.Connection) -> int | None:
    """Transactions since the last scrub; None before the first."""
    row = db.execute(_SINCE).fetchone()
    return None if row[0] is None else int(row[0])


def _changed(db: sqlite3.Connection, path: Path, since: int) -> set[int] | None:
    """Numbers of the pages that were written since the last scrub; None where the log doesn't hold all of them."""
    step = 24 + int(db.execute("PRAGMA page_size").fetchone()[0])
    length = _log_size(path)
    if length > _MOST_FRAMES * step:
        return None
    pages: set[int] = set()
    commits = 0
    with path.with_name(path.name + "-wal").open("rb", buffering=0) if length else BytesIO() as log:
        salts = log.read(32)[16:24]
        for at in range(32, length - step + 1, step):
            log.seek(at)
            page, size, salt = _FRAME.unpack(log.read(16))
            if salt != salts:
                break  # of an earlier round of the log
            pages.add(page)
            commits += size > 0
    return pages if commits == since else None


def _fold_log(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def _log_size(path: Path) -> int:
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


def _is_plain(db: sqlite3.Connection) -> bool:
    """Whether pages can be told apart by their first byte: not where a map of pointers lies between them."""
    pages = int(db.execute("PRAGMA page_count").fetchone()[0])
    return pages < _MOST_PAGES and int(db.execute("PRAGMA auto_vacuum").fetchone()[0]) == 0


def zero_gaps(path: Path, page_size: int, pages: Collection[int] | None = None) -> None:
    """Zeroes every gap that isn't, of these pages or of all. The caller sees to it that nobody writes."""
    file = _descriptor(path)
    if pages is None:
        found = list(dirty_gaps(file, page_size))
    else:
        places = [(page - 1) * page_size for page in pages if page > 1]
        found = [gap for at in places for gap in _gap(os.pread(file, page_size, at), at)]
    for page, low, high in found:
        os.pwrite(file, _ZEROES[: high - low], page + low)


def dirty_gaps(file: int, page_size: int) -> Iterator[tuple[int, int, int]]:
    """(offset of the page, where its gap begins and ends in it) of every gap that holds more than zeroes.

    Pages are taken in turn by one reader of records in C: this loop is what a withdrawal costs in a large archive.
    """
    head = struct.Struct(f">BxxHHx{page_size - 8}x")
    is_zero = _ZEROES.startswith
    base = 0
    while data := os.pread(file, max(_STEP, page_size), base):
        at = 0
        for kind, cells, top in head.iter_unpack(data[: len(data) - len(data) % page_size]):
            # An inner page, and a top of 0 (65,536), are looked at from the right place below.
            if kind and not is_zero(data[at + _LEAF + 2 * cells : at + (top or page_size)]) and base + at:
                yield from _gap(data[at : at + page_size], base + at)
            at += page_size
        base += len(data)


def _gap(page: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The gap of a page of a tree, where it is dirty; nothing for any other page."""
    kind, _, cells, top = struct.unpack_from(">BHHH", page)
    low, high = _KINDS.get(kind, 0) + 2 * cells, top or 1 << 16
    if kind not in _KINDS or not low < high <= len(page) or not page[low:high].strip(b"\0"):
        return
    places = struct.unpack_from(f">{cells}H", page, _KINDS[kind])
    if min(places, default=high) >= high and max(places, default=0) < len(page):
        yield at, low, high


def _descriptor(path: Path) -> int:
    seen = path.stat()
    key = (seen.st_dev, seen.st_ino)
    if key not in _held:
        for old in [one for one, file in _held.items() if os.fstat(file).st_nlink == 0]:
            os.close(_held.pop(old))
        _held[key] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    return _held[key]
