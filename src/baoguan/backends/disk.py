"""What files, folders and their bytes need below an object store: whole reads and writes, syncs, walks."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = 4096
"""A read that a signal cuts short ends at a multiple of it."""
READ = 1 << 16
"""Bytes that are asked for at first."""


def write_all(descriptor: int, data: bytes) -> None:
    """All of `data`, however little one call takes."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def sync_folder(folder: str) -> None:
    """fsync of a folder: the names in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _load_syncfs() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None


SYNCFS = _load_syncfs()
"""syncfs(2) of libc; None where there is none."""


def read_on(descriptor: int, data: bytes, start: int, size: int | None) -> bytes:
    """The bytes of a file from `start`, at most `size`, of which `data` are the first."""
    parts = [data]
    at = start + len(data)
    while size is None or at < start + size:
        rest = max(READ, os.fstat(descriptor).st_size - at) if size is None else start + size - at
        more = os.pread(descriptor, rest, at)
        if not more:
            break
        parts.append(more)
        at += len(more)
        if at % PAGE:
            break
    return b"".join(parts)


def same_file(left: str, right: str) -> bool:
    """Whether two files hold the same bytes."""
    with Path(left).open("rb") as one, Path(right).open("rb") as two:
        while True:
            a, b = one.read(1 << 20), two.read(1 << 20)
            if a != b:
                return False
            if not a:
                return True


def walk(folder: str, prefix: str, after: str) -> Iterator[str]:
    """Paths of the files under a folder, sorted, those greater than `after`; each begins with `prefix`."""
    # Whole paths come out sorted because a folder sorts as its name with the slash.
    waiting = names_in(folder, prefix)
    while waiting:
        path = waiting.pop()
        if path[-1] != "/":
            if path > after:
                yield path
        elif path > after or after.startswith(path):
            waiting += names_in(folder + "/" + path[len(prefix) : -1], path)


def names_in(folder: str, prefix: str) -> list[str]:
    """What stands in a folder, last first; folders end with a slash."""
    try:
        with os.scandir(folder) as entries:
            names = [prefix + (e.name + "/" if e.is_dir(follow_symlinks=False) else e.name) for e in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []
    names.sort(reverse=True)
    return names
