"""The lock of an archive's one writer, and the errors of the system as those of the archive."""

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from baoguan.errors import DiskFull, NotFound, StoreError


@contextlib.contextmanager
def translated(path: str) -> Iterator[None]:
    """Errors of the system as those of the archive."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{path}: not there") from error
    except OSError as error:
        raise failure(path, error) from error


def failure(path: str, error: OSError) -> StoreError:
    """DiskFull or StoreError, in one line."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"{path}: no room on the disk ({error.strerror}); nothing of the batch was kept")
    return StoreError(f"{path}: {error.strerror or error}")


class FileLock:
    """The lock of the one writer: flock on a file, re-entrant in its thread, free again when its process dies.

    A context manager, for use many times. The file holds the process id of who holds it.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout_s: float = 60.0, wait_s: float = 0.02) -> None:
        """Waits up to `timeout_s` for another process, asking every `wait_s`."""
        self._path = os.fspath(path)
        self._timeout = timeout_s
        self._wait = wait_s
        self._thread = threading.RLock()
        self._depth = 0
        self._descriptor = -1

    def __enter__(self) -> "FileLock":
        """Takes it; StoreError with the holder's process id after the timeout."""
        if not self._thread.acquire(timeout=self._timeout):
            raise StoreError(f"{self._path}: another thread of this process is writing; try again")
        try:
            if self._depth == 0:
                with translated(self._path):
                    self._take()
            self._depth += 1
        except BaseException:
            self._thread.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives it back."""
        self._depth -= 1
        if self._depth == 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._thread.release()

    def _take(self) -> None:
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
                    os.close(descriptor)
                    raise StoreError(
                        f"{self._path}: process {holder} is writing to this archive; wait for it or stop it"
                    ) from error
                time.sleep(self._wait)
            except BaseException:
                os.close(descriptor)
                raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
