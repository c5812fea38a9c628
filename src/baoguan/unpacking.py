"""Files of others' archives, streamed from a folder or a tar: nothing is unpacked to disk."""

import bz2
import gzip
import io
import itertools
import lzma
import os
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import msgspec

from baoguan.capture.tarball import HardLink, Unusual, read_members
from baoguan.errors import ConfigError

FILE_BYTES = 20_000_000
"""A larger file is no article; it is named in the report."""
_BUFFER = 1 << 18
_MAX_LINKED = 1_000_000
"""Members of a tar after which a hard link is named in the report instead of being remembered."""
_ROOTS = ("articles", "_posts", "archived")


class Unread(msgspec.Struct, frozen=True):
    """Why the bytes of a file are not there."""

    reason: str


TOO_LARGE = Unread(f"larger than {FILE_BYTES} bytes")


def legacy_path(name: str) -> str | None:
    """The path below the root of an ancestor's tree: from articles/, _posts/ or archived/ on; None for other files."""
    if not name.endswith((".md", ".markdown")):
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for number, part in enumerate(parts[:-1]):
        if part in _ROOTS:
            return "/".join(parts[number:])
    return None


def walk_folder(folder: Path) -> Iterator[tuple[str, bytes | Unread]]:
    """(path below the folder, bytes or why not) of every file; .git and symbolic links are left out.

    Sorted part by part: what stands in `a` comes before `a.md`.
    """
    base = folder.relative_to(folder.parent).as_posix()
    waiting = [(str(folder), "" if base == "." else base, True)]
    while waiting:
        path, name, is_folder = waiting.pop()
        if is_folder:
            if not name.endswith("/.git") and name != ".git":
                waiting += _entries(path, f"{name}/" if name else "")
            continue
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a third of what Path costs, a file an article
            yield name, file.readall() if os.fstat(file.fileno()).st_size <= FILE_BYTES else TOO_LARGE


def _entries(path: str, prefix: str) -> list[tuple[str, str, bool]]:
    """(path, name, whether it is a folder) of what stands in a folder, last first; nothing where it can't be read."""
    try:
        with os.scandir(path) as entries:
            found = [
                (entry.path, prefix + entry.name, entry.is_dir(follow_symlinks=False))
                for entry in entries
                if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
            ]
    except PermissionError:
        return []
    return sorted(found, reverse=True)


def walk_tar(path: Path) -> Iterator[tuple[str, bytes | Unread]]:
    """The same from a tar, streamed: nothing is unpacked to disk. Raises ConfigError when it is broken.

    Files written as hard links come last, from a second reading, since what they name was passed before.
    """
    links: dict[str, list[str]] = defaultdict(list)
    for count, (name, data) in enumerate(_members(path)):
        if not isinstance(data, HardLink):
            yield name, data
        elif count < _MAX_LINKED:
            links[data.target.removeprefix("./")].append(name)
        else:
            yield name, Unread("a hard link, in a tar of too many members to follow them")
    if links:
        yield from _linked(path, links)


def _linked(path: Path, links: dict[str, list[str]]) -> Iterator[tuple[str, bytes | Unread]]:
    """What hard links stand for, by the name that they name."""
    for name, data in _members(path):
        if isinstance(data, HardLink):
            continue
        for link in links.pop(name.removeprefix("./"), ()):
            yield link, data
    for target, names in links.items():
        for link in names:
            yield link, Unread(f"a hard link to {target[:200]}, which is not in the tar")


def _members(path: Path) -> Iterator[tuple[str, bytes | Unread | HardLink]]:
    """Files and hard links of a tar in its order."""
    import zstandard

    done = 0
    try:
        with path.open("rb") as file:
            try:
                for name, data in read_members(_unpacked(file), FILE_BYTES):
                    done += 1
                    yield name, TOO_LARGE if data is None else data
            except Unusual:
                file.seek(0)
                yield from itertools.islice(_with_tarfile(file), done, None)
    except (tarfile.TarError, zstandard.ZstdError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    """The tar itself, whatever it is packed with."""
    import zstandard

    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(file, read_across_frames=True)
        return io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER)
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if magic == b"\xfd7zXZ\0":
        return lzma.LZMAFile(file)
    return bz2.BZ2File(file) if magic.startswith(b"BZh") else file


def _with_tarfile(file: IO[bytes]) -> Iterator[tuple[str, bytes | Unread | HardLink]]:
    with tarfile.open(fileobj=_unpacked(file), mode="r|") as tar:
        for member in tar:
            if member.isfile():
                stream = tar.extractfile(member)
                yield member.name, stream.read() if stream and member.size <= FILE_BYTES else TOO_LARGE
            elif member.islnk():
                yield member.name, HardLink(member.linkname)
            tar.members = []  # type: ignore[attr-defined] # streamed: what was read is not kept in memory
