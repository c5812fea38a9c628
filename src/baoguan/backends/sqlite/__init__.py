"""SQLite behind the ports: the derived catalogue, and the crawl state."""

import mmap
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from baoguan.errors import DiskFull


def scrub(db: sqlite3.Connection, path: Path, needles: Sequence[bytes]) -> bool:
    """Sees to it that deleted bytes are gone from the file and its log; False while another process reads old pages.

    secure_delete zeroes cells, but a page that was once split may hold an older copy of one in its slack (2 of 1,000
    rows when measured): where a needle is still found, the file is written anew.
    """
    if not _fold_log(db):
        return False
    if holds_any(path, needles):
        db.execute("VACUUM")
        return _fold_log(db)
    return True


def _fold_log(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def holds_any(path: Path, needles: Sequence[bytes]) -> bool:
    """Whether one of the byte strings stands anywhere in a file, free pages and slack included."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return any(view.find(needle) >= 0 for needle in needles)


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """A connection in WAL mode with the schema in place; usable from any thread, one at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("PRAGMA temp_store=MEMORY")
    # What is deleted is overwritten: a withdrawn title must not stay in a free page.
    db.execute("PRAGMA secure_delete=ON")
    db.executescript(schema)
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of a block's writes or none, and the connection is fit for the next one either way. Raises DiskFull."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # some failures, a full disk among them, have rolled back by themselves
                db.execute("ROLLBACK")
            raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise DiskFull("no room on the disk for an index; what was committed is kept") from error
        raise
