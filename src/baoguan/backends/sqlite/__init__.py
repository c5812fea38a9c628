"""SQLite behind the ports: the derived catalogue, and the crawl state."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baoguan.backends.sqlite.engine import sqlite3
from baoguan.errors import DiskFull


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
