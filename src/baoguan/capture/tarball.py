"""Reading a tar as a stream: name and bytes of its files. tarfile spends 80 us of Python on a member, this 15.

ustar, pax and GNU long names. What is rarer (sparse files, global pax names) is left to tarfile, from where it stands.
"""

import tarfile
from collections.abc import Iterator
from typing import IO

import msgspec

BLOCK = 512
_FILES = (b"0", b"\0", b"7")
_PASSED = (b"\0", b"2", b"3", b"4", b"5", b"6")
_HARD = b"1"
_LINKS = (_HARD, b"2")
_HEADERS = (b"x", b"g", b"L", b"K")
_LONG = 1 << 20
"""A longer pax header or name is none: what follows is then no header, and the tar broken."""


class HardLink(msgspec.Struct, frozen=True):
    """A file that is written once, under the name `target`."""

    target: str


class _Given(msgspec.Struct, gc=False):
    """What headers before a member say of it in place of its own."""

    name: str = ""
    size: int = -1
    target: str = ""


class Unusual(Exception):  # noqa: N818 - no error: another reader takes over
    """A member that only tarfile reads."""


def read_members(stream: IO[bytes], limit: int) -> Iterator[tuple[str, bytes | HardLink | None]]:
    """(name, bytes or None above `limit` bytes) of each regular file, (name, HardLink) of each hard link.

    Raises tarfile.ReadError when it is cut off or broken, Unusual for what is not read here.
    """
    given = _Given()
    while True:
        head = stream.read(BLOCK)
        if not head or not head.strip(b"\0"):
            return
        kind = _check(head)
        if kind in _HEADERS:
            _header(kind, _take(stream, min(_number(head[124:136]), _LONG)), given)
            continue
        length = given.size if given.size >= 0 else _number(head[124:136])
        name, target = given.name or _name(head), given.target
        given = _Given()
        if kind in _FILES and not (kind == b"\0" and name.endswith("/")):
            if length <= limit:
                yield name, _take(stream, length)
                continue
            yield name, None
        elif kind == _HARD:
            yield name, HardLink(target or _text(head[157:257]))
        elif kind not in _PASSED:
            raise Unusual
        if kind not in _LINKS:
            _skip(stream, length)


def _header(kind: bytes, data: bytes, given: _Given) -> None:
    """What a header before a member gives it."""
    if kind == b"x":
        _pax(data, given)
    elif kind == b"L":
        given.name = _text(data)
    elif kind == b"K":
        given.target = _text(data)
    elif any(word in data for word in (b" path=", b" size=", b" linkpath=", b" GNU.sparse")):
        raise Unusual


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
    return _text(name)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _pax(data: bytes, given: _Given) -> None:
    """`path`, `linkpath` and `size` of an extended header: `LENGTH KEY=VALUE\\n` each."""
    at = 0
    while at < len(data) and data[at]:
        digits, space, _ = data[at : at + 10].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        entry = data[at + len(digits) + 1 : at + length]
        if not space or not entry.endswith(b"\n"):
            raise tarfile.ReadError("bad pax header")
        key, _, value = entry[:-1].partition(b"=")
        if key == b"path":
            given.name = value.decode("utf-8", "surrogateescape")
        elif key == b"linkpath":
            given.target = value.decode("utf-8", "surrogateescape")
        elif key == b"size":
            given.size = int(value) if value.isdigit() else -1
        elif key.startswith(b"GNU.sparse"):
            raise Unusual
        at += length


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
