"""state/staging: what a batch spools before its commit, and the list of names that a dead writer may have left."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

import msgspec

from baoguan.errors import DiskFull, StoreError


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """The list of a batch: written before its first file, removed after its checkpoint."""

    v: int = 1
    size: int
    """Of the log before the batch."""
    names: tuple[str, ...]
    """Files of the batch that did not stand before."""


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no room on the disk ({error.strerror}); nothing of the batch was kept") from error
        raise StoreError(f"staging: {error}") from error


class Staging:
    """A local folder, owned by whoever holds the write lock."""

    def __init__(self, folder: str | os.PathLike[str], *, sync: bool = True) -> None:
        """The folder is made when it is first needed. `sync=False` only in tests and benches."""
        self._folder = Path(folder)
        self._sync = sync
        self._growing: tuple[str, FileIO] | None = None
        """The file that is being appended to: opened once, not for each record."""

    def spool(self, batch: str, name: str, data: bytes) -> str:
        """Keeps `data` in the batch's own folder; returns the file's path. Raises DiskFull."""
        path = self._folder / f"{batch}.d" / name
        with _disk():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return str(path)

    def extend(self, batch: str, name: str, data: bytes) -> str:
        """Appends `data` to a file of the batch's own folder; returns its path. Raises DiskFull."""
        path = f"{self._folder}/{batch}.d/{name}"
        with _disk():
            if self._growing is None or self._growing[0] != path:
                self._close()
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                self._growing = (path, Path(path).open("ab", buffering=0))  # noqa: SIM115 - closed with its batch
            view = memoryview(data)
            while view:
                view = view[self._growing[1].write(view) :]
        return path

    def _close(self) -> None:
        if self._growing is not None:
            self._growing[1].close()
            self._growing = None

    def announce(self, batch: str, size: int, names: Sequence[str]) -> None:
        """Writes the list of `batch`, durably, before any of `names` is written."""
        path = self._folder / f"{batch}.json"
        with _disk():
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            with temporary.open("wb") as file:
                file.write(msgspec.json.encode(Staged(size=size, names=tuple(names))))
                file.flush()
                if self._sync:
                    os.fsync(file.fileno())
            temporary.replace(path)
            if self._sync:
                descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def lists(self) -> Iterator[tuple[str, Staged]]:
        """(batch, list) of every batch that was announced and not forgotten."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield path.stem, msgspec.json.decode(path.read_bytes(), type=Staged)
            except (msgspec.DecodeError, OSError) as error:
                # Renamed into place once whole and synced: anything else is damage that a person must see.
                raise StoreError(
                    f"{path}: staging list can't be read ({error}); move it away, then run verify"
                ) from error

    def forget(self, batch: str) -> None:
        """Removes the list and the spool of `batch`."""
        with _disk():
            (self._folder / f"{batch}.json").unlink(missing_ok=True)
        self.clear(batch)

    def clear(self, batch: str) -> None:
        """Removes the spool of `batch`."""
        self._close()
        shutil.rmtree(self._folder / f"{batch}.d", ignore_errors=True)

    def clear_all(self) -> None:
        """Removes every spool: no writer lives when this is called."""
        for path in self._folder.glob("*.d"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self._folder.glob("*.tmp"):
            path.unlink(missing_ok=True)
