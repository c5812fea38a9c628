"""A local folder as object store and head, and the lock of its one writer."""

import contextlib
import ctypes
import errno
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from baoguan.backends.disk import PAGE, READ, SYNCFS, names_in, read_on, same_file, sync_folder, walk, write_all
from baoguan.backends.lock import FileLock
from baoguan.backends.lock import failure as _failure
from baoguan.backends.lock import translated as _translated
from baoguan.errors import Conflict, NotFound, StoreError

__all__ = ["FileHead", "FileLock", "FileObjects", "check_path"]

_IMMUTABLE = 0o444
_READ_SMALL = 1 << 14
_READING = os.O_RDONLY | os.O_CLOEXEC
_UNFIT = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)|[\0\\]")


def check_path(path: str) -> str:
    """Returns a relative path with plain parts; raises StoreError for `..`, `.`, empty parts, NUL and backslash."""
    # Most paths show by five plain searches that they are fine: a fifth of the cost of the pattern.
    if ("/." in path or "//" in path or "\\" in path or "\0" in path or path[-1:] in "/." or path[0] in "/.") and (
        _UNFIT.search(path)
    ):
        raise StoreError(f"not a path inside the archive: {path!r}")
    return path


class FileObjects:
    """ports.ObjectStore over a folder. One writer at a time (FileLock); any number of readers."""

    def __init__(self, root: str | os.PathLike[str], tmp: str | os.PathLike[str] | None = None) -> None:
        """`tmp`: a folder on the same disk for files in the making, not served; default `<root>/../state/tmp`."""
        self._root = os.path.abspath(os.fspath(root))  # noqa: PTH100 - must work where nothing stands yet
        self._tmp = os.fspath(tmp) if tmp is not None else str(Path(self._root).parent / "state" / "tmp")
        self._folders: set[str] = set()
        self._count = 0
        self._root_fd = -1
        """Of the root, once something was read: names below it are then found in half the time."""

    def __getstate__(self) -> dict[str, Any]:
        """For other processes, which open the root themselves."""
        return {**self.__dict__, "_root_fd": -1}

    def __del__(self) -> None:
        """Gives the root back."""
        if getattr(self, "_root_fd", -1) >= 0:
            os.close(self._root_fd)

    def _open(self, path: str) -> int:
        if self._root_fd < 0:
            descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if self._root_fd < 0:
                self._root_fd = descriptor
            else:
                os.close(descriptor)
        try:
            return os.open(path, _READING, dir_fd=self._root_fd)
        except FileNotFoundError:
            # The root may have been made anew since it was opened.
            return os.open(f"{self._root}/{path}", _READING)

    def _full(self, path: str) -> str:
        return f"{self._root}/{check_path(path)}"

    def _folder_of(self, full: str) -> None:
        folder = full.rpartition("/")[0]
        if folder not in self._folders:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)

    def _temporary(self, parts: Iterable[bytes]) -> str:
        if self._tmp not in self._folders:
            Path(self._tmp).mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folders.add(self._tmp)
        self._count += 1
        name = f"{self._tmp}/{os.getpid()}-{threading.get_ident()}-{self._count}"
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _IMMUTABLE)
        try:
            for part in parts:
                write_all(descriptor, part)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        finally:
            os.close(descriptor)
        return name

    def _move(self, source: str, full: str) -> None:
        # A folder that we know may have been pruned by another process: made again, once.
        self._folder_of(full)
        try:
            os.rename(source, full)  # noqa: PTH104 - measured: half the cost of Path.rename on a batch
        except FileNotFoundError:
            self._folders.discard(full.rpartition("/")[0])
            self._folder_of(full)
            os.rename(source, full)  # noqa: PTH104

    def put_new(self, path: str, data: bytes) -> bool:
        """As ports.ObjectStore: whole or not at all; Conflict when other bytes stand there."""
        full = self._full(path)
        with _translated(path):
            if os.path.lexists(full):
                if self.get(path) != data:
                    raise Conflict(f"{path}: other bytes are kept under this name")
                return False
            self._move(self._temporary([data]), full)
        return True

    def put_listed(self, path: str, data: bytes) -> bool:
        """As ports.ObjectStore: written under its own name, which must be new.

        No rename: measured on ext4, a file that is made in one folder for all costs 3 to 20 times one made in place,
        since the folder's group of inodes is always full.
        """
        full = self._full(path)
        try:
            descriptor = self._create(full)
        except FileExistsError:
            return self.put_new(path, data)
        except OSError as error:
            raise _failure(path, error) from error
        try:
            write_all(descriptor, data)
        except BaseException as error:
            with contextlib.suppress(OSError):
                Path(full).unlink()
            if isinstance(error, OSError):
                raise _failure(path, error) from error
            raise
        finally:
            os.close(descriptor)
        return True

    def _create(self, full: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._folder_of(full)
        try:
            return os.open(full, flags, _IMMUTABLE)
        except FileNotFoundError:
            # A folder that we know may have been pruned by another process: made again, once.
            self._folders.discard(full.rpartition("/")[0])
            self._folder_of(full)
            return os.open(full, flags, _IMMUTABLE)

    def put_file(self, path: str, source: str) -> bool:
        """As put_new; `source` is renamed into place, or copied when it is on another disk."""
        full = self._full(path)
        with _translated(path):
            if os.path.lexists(full):
                if not same_file(full, source):
                    raise Conflict(f"{path}: other bytes are kept under this name")
                return False
            Path(source).chmod(_IMMUTABLE)
            try:
                self._move(source, full)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._move(self._temporary([Path(source).read_bytes()]), full)
        return True

    def get(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The bytes from `start`, at most `size`. Raises NotFound."""
        check_path(path)
        try:
            try:
                descriptor = os.open(path, _READING, dir_fd=self._root_fd)
            except OSError:
                descriptor = self._open(path)
            try:
                data = os.pread(descriptor, READ if size is None else min(size, READ), start)
                # A read that a signal cuts short ends between two pages; any other short one is the end of the file.
                if (start + len(data)) % PAGE or not data or len(data) == size:
                    return data
                return read_on(descriptor, data, start, size)
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise NotFound(f"{path}: not there") from error
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error

    def get_each(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        """As ports.ObjectStore. The way of `get` without its calls: verify spends most of its time here."""
        for path in paths:
            check_path(path)
            try:
                descriptor = os.open(path, _READING, dir_fd=self._root_fd)
            except OSError:
                try:
                    yield self.get(path)
                except NotFound:
                    yield None
                continue
            try:
                data = os.pread(descriptor, _READ_SMALL, 0)
                if not len(data) % PAGE and data:
                    data = read_on(descriptor, data, 0, None)
            except IsADirectoryError:
                data = None
            except OSError as error:
                raise StoreError(f"{path}: {error.strerror or error}") from error
            finally:
                os.close(descriptor)
            yield data

    def exists(self, path: str) -> bool:
        """Whether something is kept under `path`."""
        return os.access(self._full(path), os.F_OK, follow_symlinks=False)

    def size(self, path: str) -> int:
        """Bytes kept under `path`. Raises NotFound."""
        with _translated(path):
            return Path(self._full(path)).stat().st_size

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """Paths of files under the folder `prefix` (empty: everything), sorted, those greater than `after`.

        Symbolic links are named like files and never followed.
        """
        prefix = prefix.rstrip("/")
        base = self._full(prefix) if prefix else self._root
        yield from walk(base, f"{prefix}/" if prefix else "", after)

    def list_unknown(self, known: set[int]) -> Iterator[str]:
        """As ports.ObjectStore. A folder of known files alone costs a third of a listing, which looks at each."""
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            folder = f"{self._root}/{prefix}"
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if known.issuperset(map(hash, map(prefix.__add__, os.listdir(folder)))):  # noqa: PTH208 - names alone
                    continue
            for path in names_in(folder, prefix):
                if path[-1] == "/":
                    waiting.append(path)
                elif hash(path) not in known:
                    yield path

    def delete(self, path: str) -> None:
        """Removes the file and a folder that it leaves empty; absent is fine."""
        full = self._full(path)
        with _translated(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            Path(full).unlink()
        folder = full.rpartition("/")[0]
        with contextlib.suppress(OSError):
            if folder != self._root:
                Path(folder).rmdir()
                self._folders.discard(folder)

    def replace(self, path: str, data: bytes | Iterable[bytes]) -> None:
        """Puts `data`, whole or in parts, in place of what stands there, atomically."""
        full = self._full(path)
        with _translated(path):
            self._move(self._temporary([data] if isinstance(data, bytes) else data), full)

    def sync(self, paths: Iterable[str]) -> None:
        """One syncfs for all of `paths` where the system has it, else fsync of each file and of the folders above."""
        with _translated("sync"):
            if SYNCFS is not None:
                Path(self._root).mkdir(parents=True, exist_ok=True)
                descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    if SYNCFS(descriptor) == 0:
                        return
                    number = ctypes.get_errno()
                    if number != errno.ENOSYS:
                        raise OSError(number, os.strerror(number))
                finally:
                    os.close(descriptor)
            self._sync_each(paths)

    def _sync_each(self, paths: Iterable[str]) -> None:
        folders: set[str] = {self._root}
        for path in paths:
            descriptor = os.open(self._full(path), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            parts = path.split("/")[:-1]
            folders.update("/".join((self._root, *parts[: depth + 1])) for depth in range(len(parts)))
        for folder in sorted(folders, reverse=True):
            sync_folder(folder)


class FileHead:
    """ports.Head in one file, replaced under the writers' lock."""

    def __init__(self, path: str | os.PathLike[str], lock: FileLock, tmp: str | os.PathLike[str] | None = None) -> None:
        """`tmp`: a folder on the same disk; default `<folder of path>/../state/tmp`."""
        self._path = os.path.abspath(os.fspath(path))  # noqa: PTH100 - must work where nothing stands yet
        self._lock = lock
        self._tmp = os.fspath(tmp) if tmp is not None else str(Path(self._path).parent.parent / "state" / "tmp")

    def read(self) -> bytes | None:
        """The current note, None before the first."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return read_on(descriptor, b"", 0, None)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror or error}") from error

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Write, fsync, rename, fsync of the folder. Raises Conflict when `old` isn't current."""
        with self._lock, _translated(self._path):
            if self.read() != old:
                raise Conflict(f"{self._path}: the head was moved by another writer")
            for folder in (self._tmp, str(Path(self._path).parent)):
                Path(folder).mkdir(parents=True, exist_ok=True)
            name = f"{self._tmp}/head-{os.getpid()}"
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                write_all(descriptor, new)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(name, self._path)  # noqa: PTH105 - beside os.open and os.fsync
            sync_folder(str(Path(self._path).parent))
