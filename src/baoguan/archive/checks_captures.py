"""Checks of capture files: every byte of a WARC is a stored member that the log names. Run in worker processes.

Members are found without inflating: from one gzip header to the next, hashed, and looked up among the digests that the
lines of the same batch name. Only damaged ones are inflated, to say where they end.
"""

import hashlib
import re
import zlib
from collections.abc import Iterator

import msgspec

from baoguan.errors import NotFound
from baoguan.ports import ObjectStore

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
"""A gzip member without name and time, as ours are."""
_REACH = 256
"""Headers tried as the end of one member: stored bodies may hold such headers themselves."""
_NAME = re.compile(r"captures/\d{4}/\d\d/\d{8}T\d{6}Z-(\d+)(?:-\d+)?\.warc\.gz")


class Stray(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a capture file that its batch doesn't name."""

    path: str
    offset: int
    size: int
    sha256: bytes


class CaptureCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What one capture file holds."""

    path: str
    found: frozenset[bytes] = frozenset()
    members: int = 0
    strays: tuple[Stray, ...] = ()
    bytes: int = 0
    missing: bool = False


def first_index(path: str) -> int | None:
    """The log index at which the batch of a capture file began; None for names that aren't ours."""
    match = _NAME.fullmatch(path)
    return int(match[1]) if match else None


def check_captures(objects: ObjectStore, path: str, known: frozenset[bytes]) -> CaptureCheck:
    """Splits one capture file into members; `known`: the digests that its batch names."""
    try:
        data = objects.get(path)
    except NotFound:
        return CaptureCheck(path=path, missing=True)
    found: set[bytes] = set()
    strays: list[Stray] = []
    members = 0
    for start, stop, named in _split(data, known):
        digest = hashlib.sha256(memoryview(data)[start:stop]).digest() if named is None else named
        if named is not None:
            found.add(digest)
            members += 1
        else:
            strays.append(Stray(path=path, offset=start, size=stop - start, sha256=digest))
    return CaptureCheck(path=path, found=frozenset(found), members=members, strays=tuple(strays), bytes=len(data))


def _split(data: bytes, known: frozenset[bytes]) -> Iterator[tuple[int, int, bytes | None]]:
    """(start, stop, digest when it is a known member's) of stretches that cover `data`."""
    at = 0
    while at < len(data):
        stop, digest = _match(data, at, known)
        yield at, stop, digest
        at = stop


def _match(data: bytes, at: int, known: frozenset[bytes]) -> tuple[int, bytes | None]:
    view = memoryview(data)
    hashed, done, end = hashlib.sha256(), at, at
    for _ in range(_REACH if known else 0):
        end = data.find(_HEADER, end + 1)
        end = len(data) if end < 0 else end
        hashed.update(view[done:end])
        done = end
        digest = hashed.copy().digest()
        if digest in known:
            return end, digest
        if end == len(data):
            break
    stop = _inflated_end(data, at)
    if stop is not None:
        digest = hashlib.sha256(view[at:stop]).digest()
        return stop, digest if digest in known else None
    following = data.find(_HEADER, at + 1)
    return (len(data) if following < 0 else following), None


def _inflated_end(data: bytes, at: int) -> int | None:
    unpacker = zlib.decompressobj(31)
    position = at
    try:
        while not unpacker.eof and position < len(data):
            unpacker.decompress(data[position : position + (1 << 18)])
            position += 1 << 18
    except zlib.error:
        return None
    if not unpacker.eof:
        return None
    return min(position, len(data)) - len(unpacker.unused_data)
