"""What 256 entries of the log are made of, as files: entries tile, manifest, bundle (docs/formats.md). Bytes only."""

import hashlib
import json
from collections.abc import Iterator, Sequence

import msgspec
import zstandard

from baoguan.archive.paths import WIDTH
from baoguan.errors import Corrupt

LEVEL = 3
"""zstd level of bundles: 4 times cheaper than 9 for 6 % more bytes on news text."""
OPEN_LEVEL = 1
"""Of open bundles, written anew soon, and of the few that a withdrawal rewrites: half the cost, a fifth more bytes."""
MAX_CONTENT = 512 << 20
"""Bytes that a bundle may unpack to."""
_SIZES = msgspec.json.Decoder(tuple[int | None, int | None, int | None])
TRAILER = b"\x50\x2a\x4d\x18" + (32).to_bytes(4, "little")
"""A skippable frame of 32 bytes: sha256 of the frame before it, so that no bit of a bundle can be flipped unseen."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of the log with all that a mirror needs of it."""

    leaf: bytes
    line: bytes | None
    """None when withheld."""
    record: bytes | None = None
    """The Markdown file; None when the line names none, or when it is withheld."""


def encode_entries(leaves: Sequence[bytes]) -> bytes:
    """An entry bundle of tlog-tiles: each leaf after its length in two bytes."""
    return b"".join(part for leaf in leaves for part in (len(leaf).to_bytes(2, "big"), leaf))


def decode_entries(data: bytes) -> list[bytes]:
    """The leaves of an entry bundle. Raises Corrupt."""
    leaves, at = [], 0
    while at < len(data):
        stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or stop > len(data):
            raise Corrupt("entry bundle ends within an entry")
        leaves.append(data[at + 2 : stop])
        at = stop
    return leaves


def encode_manifest(lines: Sequence[bytes | None]) -> bytes:
    """Manifest lines, each with its newline; a withheld one is empty."""
    return b"".join((line or b"") + b"\n" for line in lines)


def decode_manifest(data: bytes) -> list[bytes | None]:
    """The inverse of encode_manifest. Raises Corrupt when the last line is cut."""
    lines = data.split(b"\n")
    if lines.pop() != b"":
        raise Corrupt("manifest ends within a line")
    return [line or None for line in lines]


def bundle_content(start: int, entries: Sequence[Entry]) -> bytes:
    """What is compressed: a JSON line {format, start, count}, then for each entry a JSON line [leaf, line, record] of
    lengths in bytes (null: absent) and those bytes.
    """
    parts = [b'{"format":1,"start":%d,"count":%d}\n' % (start, len(entries))]
    for entry in entries:
        leaf, line, record = entry.leaf, entry.line, entry.record
        line_size = b"null" if line is None else b"%d" % len(line)
        record_size = b"null" if record is None else b"%d" % len(record)
        parts += (b"[%d,%b,%b]\n" % (len(leaf), line_size, record_size), leaf, line or b"", record or b"")
    return b"".join(parts)


def encode_bundle(start: int, entries: Sequence[Entry], level: int = 0) -> bytes:
    """The compressed bundle with its trailer; at the level of full or of open bundles, unless one is given."""
    level = level or (LEVEL if len(entries) == WIDTH else OPEN_LEVEL)
    frame = zstandard.ZstdCompressor(level=level).compress(bundle_content(start, entries))
    return frame + TRAILER + hashlib.sha256(frame).digest()


def open_bundle(data: bytes) -> bytes:
    """The content of a bundle whose trailer fits. Raises Corrupt."""
    frame, trailer = data[:-40], data[-40:]
    if trailer != TRAILER + hashlib.sha256(frame).digest():
        raise Corrupt("bundle doesn't fit the digest at its end")
    try:
        size = zstandard.get_frame_parameters(frame).content_size
        if size > MAX_CONTENT:
            raise Corrupt(f"bundle claims {size} bytes")
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise Corrupt(f"bundle can't be decompressed: {error}") from error


def decode_bundle(data: bytes) -> tuple[int, list[Entry]]:
    """(first log index, entries) of a bundle. Raises Corrupt."""
    content = open_bundle(data)
    try:
        head, at = _json_line(content, 0)
        if head["format"] != 1:
            raise Corrupt(f"bundle has format {head['format']}")
        entries = list(_entries(content, at, int(head["count"])))
        return int(head["start"]), entries
    except (ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise Corrupt(f"bundle is malformed: {error}") from error


def _json_line(content: bytes, at: int) -> tuple[dict[str, int], int]:
    stop = content.index(b"\n", at)
    return json.loads(content[at:stop]), stop + 1


def _entries(content: bytes, at: int, count: int) -> Iterator[Entry]:
    for _ in range(count):
        stop = content.index(b"\n", at)
        sizes, at = _SIZES.decode(content[at:stop]), stop + 1
        parts: list[bytes | None] = []
        for size in sizes:
            if size is None:
                parts.append(None)
                continue
            stop = at + size
            if size < 0 or stop > len(content):
                raise Corrupt("bundle ends within an entry")
            parts.append(content[at:stop])
            at = stop
        leaf, line, record = parts
        if leaf is None:
            raise Corrupt("bundle has an entry without its leaf")
        yield Entry(leaf, line, record)
    if at != len(content):
        raise Corrupt("bundle has bytes after its last entry")
