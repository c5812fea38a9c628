"""The head as a row that is moved by compare-and-swap, the lock of the one writer, and the list of unfinished batches.

All three share one session: whoever loses it loses the lock, and can't move the head any more. The published
`checkpoint` object follows the row and is never ahead of it; who takes the lock next publishes what a dead one didn't.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

import msgspec
import psycopg

from baoguan.archive.staging import Staged, Staging
from baoguan.backends.postgres import Link, failure, translated
from baoguan.errors import Conflict, StoreError
from baoguan.ports import Head


class PgLock:
    """The lock of the one writer, over all machines: an advisory lock of a session, free again when its process dies.

    A context manager, for use many times, re-entrant in its thread.
    """

    def __init__(self, link: Link, *, name: str = "write", timeout_s: float = 60.0) -> None:
        """Waits up to `timeout_s` for another writer."""
        self._link, self._timeout_s = link, timeout_s
        self._key = link.lock_key(name)
        self._thread = threading.RLock()
        self._depth = 0
        self._session: psycopg.Connection | None = None

    def __enter__(self) -> "PgLock":
        """Takes it. StoreError after the timeout, or when the server can't be reached."""
        if not self._thread.acquire(timeout=self._timeout_s):
            raise StoreError("another thread of this process is writing; try again")
        try:
            if self._depth == 0:
                self._take()
            self._depth += 1
        except BaseException:
            self._thread.release()
            raise
        return self

    @property
    def held(self) -> bool:
        """Whether this process has it."""
        return self._depth > 0

    def check(self) -> None:
        """Raises StoreError where the session that took the lock is gone, and the lock with it."""
        if self._session is None or self._session.closed or self._session is not self._link.db:
            raise StoreError("postgres: the session that held the write lock was lost; nothing is decided without it")

    def _take(self) -> None:
        db = self._session = self._link.db
        try:
            db.execute(f"SET lock_timeout = {int(self._timeout_s * 1000)}".encode())
            db.execute("SELECT pg_advisory_lock(%s)", (self._key,))
        except psycopg.errors.LockNotAvailable as error:
            raise StoreError("postgres: another worker is writing to this archive; wait for it or stop it") from error
        except psycopg.Error as error:
            self._link.close()
            raise failure(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives it back; a session that is lost has done so."""
        self._depth -= 1
        try:
            if self._depth == 0:
                self._link.db.execute("SELECT pg_advisory_unlock(%s)", (self._key,))
        except (psycopg.Error, StoreError):
            self._link.close()
        finally:
            self._thread.release()


class PgHead:
    """ports.Head in one row; `published` is the head that readers and mirrors see, a file or an object."""

    def __init__(self, link: Link, published: Head, lock: PgLock) -> None:
        self._link, self._published, self._lock = link, published, lock
        self.also: Callable[[], None] | None = None
        """Done in the transaction that moves the head: what goes with it or not at all."""

    @property
    def link(self) -> Link:
        """The durable session of head and lock."""
        return self._link

    def read(self) -> bytes | None:
        """The row under the write lock; for readers what is published, which may be a moment behind it."""
        if not self._lock.held:
            return self._published.read()
        self._lock.check()
        note = self._row()
        if note is None and self._published.read() is not None:
            raise StoreError("the database holds no head of this log: move it there with `baoguan migrate`")
        return note

    def _row(self) -> bytes | None:
        with translated():
            row = self._link.db.execute("SELECT note FROM head").fetchone()
        return None if row is None else bytes(row[0])

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Compare-and-swap, then published. Raises Conflict when `old` isn't current."""
        if self._lock.held:
            self._lock.check()
        with translated(), self._link.db.transaction():
            if old is None:
                moved = self._link.db.execute("INSERT INTO head (note) VALUES (%s) ON CONFLICT DO NOTHING", (new,))
            else:
                moved = self._link.db.execute("UPDATE head SET note = %s WHERE note = %s", (new, old))
            if moved.rowcount != 1:
                raise Conflict("postgres: the head was moved by another writer")
            if self.also is not None:
                self.also()
        self.publish()

    def adopt(self, note: bytes) -> None:
        """The head of a log that was moved here, in place of one of an earlier move; under the write lock."""
        with translated():
            self._link.db.execute(
                "INSERT INTO head (note) VALUES (%s) ON CONFLICT (one) DO UPDATE SET note = excluded.note", (note,)
            )

    def publish(self) -> None:
        """Brings the published head up to the row; under the write lock."""
        note, seen = self._row(), self._published.read()
        if note is not None and note != seen:
            self._published.replace(seen, note)


class PgStaging(Staging):
    """Lists of unfinished batches in the database, so that any machine can sweep what a dead one left behind."""

    def __init__(self, folder: str | os.PathLike[str], link: Link, head: PgHead, *, sync: bool = True) -> None:
        """`folder`: of this machine, for what a batch spools."""
        super().__init__(folder, sync=sync)
        self._link, self._head = link, head

    def announce(self, batch: str, size: int, names: Sequence[str]) -> None:
        """Keeps the list of `batch`, durably, before any of `names` is written."""
        data = msgspec.json.encode(Staged(size=size, names=tuple(names)))
        with translated():
            self._link.db.execute(
                "INSERT INTO staged VALUES (%s, %s) ON CONFLICT (batch) DO UPDATE SET list = excluded.list",
                (batch, data),
            )

    def lists(self) -> Iterator[tuple[str, Staged]]:
        """(batch, list) of every batch that was announced and not forgotten; publishes the head first."""
        self._head.publish()
        with translated():
            rows = self._link.db.execute("SELECT batch, list FROM staged ORDER BY batch").fetchall()
        for batch, data in rows:
            yield batch, msgspec.json.decode(data, type=Staged)

    def forget(self, batch: str) -> None:
        """Removes the list and the spool of `batch`."""
        with translated():
            self._link.db.execute("DELETE FROM staged WHERE batch = %s", (batch,))
        self.clear(batch)
