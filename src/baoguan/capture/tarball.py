"""Reading a tar as a stream: name and bytes of its files. tarfile spends 80 us of Python on a member, this 15.

ustar, pax and GNU long names. What is rarer (sparse files, global pax names) is left to tarfile, from where it stands.
"""

import tarfile
from collections.abc import Iterator
from typing import IO

BLOCK = 512
_FILES = (b"0", b"\0", b"7")
_PASSED = (b"\0", b"1", b"2", b"3", b"4", b"5", b"6")
_LINKS = (b"1", b"2")
_HEADERS = (b"x", b"g", b"L", b"K")
_LONG = 1 << 20
"""A longer pax header or name is none: what follows is then no header, and the tar broken."""


class Unusual(Exception):  # noqa: N818 - no error: another reader takes over
    """A member that only tarfile reads."""


def read_members(stream: IO[bytes], limit: int) -> Iterator[tuple[str, bytes | None]]:
    """(name, bytes or None above `limit` bytes) of each regular file.

    Raises tarfile.ReadError when it is cut off or broken, Unusual for what is not read here.
    """
    name, size = "", -1
    while True:
        head = stream.read(BLOCK)
        if not head or not head.strip(b"\0"):
            return
        kind = _check(head)
        if kind in _HEADERS:
            name, size = _header(kind, _take(stream, min(_number(head[124:136]), _LONG)), name, size)
            continue
        length = size if size >= 0 else _number(head[124:136])
        full = name or _name(head)
        name, size = "", -1
        if kind in _FILES and not (kind == b"\0" and full.endswith("/")):
            if length <= limit:
                yield full, _take(stream, length)
                continue
            yield full, None
        elif kind not in _PASSED:
            raise Unusual
        if kind not in _LINKS:
            _skip(stream, length)


def _header(kind: bytes, data: bytes, name: str, size: int) -> tuple[str, int]:
    """Name and size that a header before a member gives it."""
    if kind == b"x":
        return _pax(data, name, size)
    if kind == b"L":
        return data.partition(b"\0")[0].decode("utf-8", "surrogateescape"), size
    if kind == b"g" and any(word in data for word in (b" path=", b" size=", b" GNU.sparse")):
        raise Unusual
    return name, size


def _check(head: bytes) -> bytes:
    """The type of a header whose checksum fits."""
    if len(head) < BLOCK:
        raise tarfile.ReadError("ends within a header")
    wanted = _number(head[148:156])
    found = sum(head) - sum(head[148:156]) + 256
    if wanted != found and wanted != found - 256 * sum(byte > 127 for byte in head[:148] + head[156:]):
        raise tarfile.ReadError("bad checksum of a header")
    return head[156:157]


def _number(field: bytes) -> int:
    """Octal, or base 256 as GNU writes what is larger."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        number = int(field.partition(b"\0")[0].strip() or b"0", 8)
    except ValueError as error:
        raise tarfile.ReadError("bad number in a header") from error
    if number < 0:
        raise tarfile.ReadError("bad number in a header")
    return number


def _name(head: bytes) -> str:
    name = head[:100].partition(b"\0")[0]
    if head[257:263] == b"ustar\0" and head[345]:
        name = head[345:500].partition(b"\0")[0] + b"/" + name
    return name.decode("utf-8", "surrogateescape")


def _pax(data: bytes, name: str, size: int) -> tuple[str, int]:
    """`path` and `size` of an extended header: `LENGTH KEY=VALUE\\n` each."""
    at = 0
    while at < len(data) and data[at]:
        digits, space, _ = data[at : at + 10].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        entry = data[at + len(digits) + 1 : at + length]
        if not space or not entry.endswith(b"\n"):
            raise tarfile.ReadError("bad pax header")
        key, _, value = entry[:-1].partition(b"=")
        if key == b"path":
            name = value.decode("utf-8", "surrogateescape")
        elif key == b"size":
            size = int(value) if value.isdigit() else -1
        elif key.startswith(b"GNU.sparse"):
            raise Unusual
        at += length
    return name, size


def _take(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length + -length % BLOCK)
    if len(data) < length:
        raise tarfile.ReadError("ends within a file")
    return data[:length]


def _skip(stream: IO[bytes], length: int) -> None:
    left = length + -length % BLOCK
    while left > 0:
        data = stream.read(min(left, 1 << 20))
        if not data:
            raise tarfile.ReadError("ends within a file")
        left -= len(data)
