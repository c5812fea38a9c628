"""Headers of picture files: JPEG, PNG, GIF, WebP, AVIF, BMP and ICO, read without decoding.

Each reader gives None when the header holds no size; struct.error, IndexError and ValueError mean a header that ends
too early. Own code instead of Pillow: no import on the way of a sync, no decoder near unknown bytes, and Pillow
doesn't tell a cut file before it decodes. Pillow is the oracle in the tests.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from struct import unpack_from
from typing import NamedTuple

MAX_FRAMES = 1000
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_AVIF_BRANDS = (b"avif", b"avis")


class Header(NamedTuple):
    """Size in pixels, frames up to MAX_FRAMES, and whether the file ends before its structure does."""

    width: int
    height: int
    frames: int = 1
    truncated: bool = False


def sniff(data: bytes) -> str | None:
    """The format by its first bytes; None when it is none of those that are kept."""
    for magic, kind in (
        (b"\xff\xd8\xff", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
    ):
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in _AVIF_BRANDS):
        return "avif"
    if data[:2] == b"BM" and len(data) >= 26 and unpack_from("<I", data, 14)[0] in (12, 40, 52, 56, 64, 108, 124):
        return "bmp"
    if data[:4] == b"\x00\x00\x01\x00" and data[4:6] != b"\x00\x00":
        return "ico"
    return None


def read_jpeg(data: bytes) -> Header | None:
    """SOF gives the size; whole when EOI follows the last scan."""
    at, size, scanned = 2, (0, 0), False
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return Header(size[1], size[0], truncated=True) if scanned else None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == 0xD9:
            break
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        else:
            length = unpack_from(">H", data, at + 2)[0]
            if marker in _SOF and not size[0] and at + 9 <= len(data):
                size = unpack_from(">HH", data, at + 5)
            at += 2 + length
            if marker == 0xDA:
                scanned = True
                found = _MARKER.search(data, at)
                at = found.start() if found else len(data)
    if not size[0]:
        return None
    return Header(size[1], size[0], truncated=not scanned or data[at : at + 2] != b"\xff\xd9")


def read_png(data: bytes) -> Header | None:
    """IHDR gives the size, acTL the frames; whole when IEND is there."""
    if data[12:16] != b"IHDR":
        return None
    width, height = unpack_from(">II", data, 16)
    frames, at, whole = 1, 8, False
    while at + 8 <= len(data):
        length, name = unpack_from(">I4s", data, at)
        if name == b"acTL" and length >= 8 and at + 16 <= len(data):
            frames = min(unpack_from(">I", data, at + 8)[0], MAX_FRAMES) or 1
        at += 12 + length
        if name == b"IEND":
            whole = at <= len(data)
            break
    return Header(width, height, frames, not whole)


def read_gif(data: bytes) -> Header | None:
    """The logical screen gives the size (the first frame where it is empty); whole when the trailer is there."""
    width, height, flags = unpack_from("<HHB", data, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames = 0
    while at < len(data) and frames < MAX_FRAMES:
        block = data[at]
        if block == 0x3B:
            return Header(width, height, frames) if frames else None
        if block == 0x21:
            at = _skip_blocks(data, at + 2)
        elif block == 0x2C and at + 10 <= len(data):
            frame_width, frame_height, flags = unpack_from("<HHB", data, at + 5)
            width, height = width or frame_width, height or frame_height
            frames += 1
            at = _skip_blocks(data, at + 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
        else:
            break
    return Header(width, height, frames, frames < MAX_FRAMES) if frames else None


def _skip_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def read_webp(data: bytes) -> Header | None:
    """VP8X, VP8 or VP8L gives the size; ANMF chunks are the frames; whole when the RIFF length is there."""
    truncated = unpack_from("<I", data, 4)[0] + 8 > len(data)
    name = data[12:16]
    if name == b"VP8X":
        frames = min(sum(1 for chunk in _riff_chunks(data) if chunk == b"ANMF"), MAX_FRAMES)
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return Header(width, height, frames or 1, truncated) if len(data) >= 30 else None
    if name == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = unpack_from("<HH", data, 26)
        return Header(width & 0x3FFF, height & 0x3FFF, truncated=truncated)
    if name == b"VP8L" and data[20:21] == b"\x2f":
        bits = unpack_from("<I", data, 21)[0]
        return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, truncated=truncated)
    return None


def _riff_chunks(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        name, length = unpack_from("<4sI", data, at)
        yield name
        at += 8 + length + (length & 1)


def read_avif(data: bytes) -> Header | None:
    """The largest `ispe` in meta > iprp > ipco gives the size; whole when every top-level box is there."""
    sizes: list[tuple[int, int]] = []
    for name, start, end in _boxes(data, 0, len(data)):
        if name == b"meta":
            for path, inner_start, inner_end in _boxes(data, start + 4, end):
                if path == b"iprp":
                    sizes += _extents(data, inner_start, inner_end)
    if not sizes:
        return None
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    last = max((end for _, _, end in _boxes(data, 0, len(data))), default=0)
    return Header(width, height, truncated=last != len(data))


def _extents(data: bytes, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    for name, ipco_start, ipco_end in _boxes(data, start, end):
        if name == b"ipco":
            for inner, at, _ in _boxes(data, ipco_start, ipco_end):
                if inner == b"ispe":
                    width, height = unpack_from(">II", data, at + 4)
                    found.append((width, height))
    return found


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start of its content, its end) of each box; the end may lie behind the file's."""
    while at + 8 <= min(end, len(data)):
        size, name = unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            size, start = unpack_from(">Q", data, start)[0], start + 8
        elif size == 0:
            size = end - at
        if size < start - at:
            return
        yield name, start, at + size
        at += size


def read_bmp(data: bytes) -> Header | None:
    """The information header gives the size; whole when the rows it speaks of are there."""
    offset, header = unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, depth = unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, depth, compression = unpack_from("<iiHHI", data, 18)
    height = abs(height)
    needed = offset + (width * depth + 31) // 32 * 4 * height if compression in (0, 3) else offset + 1
    return Header(width, height, truncated=needed > len(data))


def read_ico(data: bytes) -> Header | None:
    """The largest entry gives the size; whole when every entry's bytes are there."""
    entries = [
        unpack_from("<BBBBHHII", data, 6 + 16 * index) for index in range(min(unpack_from("<H", data, 4)[0], 64))
    ]
    width, height = max(((entry[0] or 256, entry[1] or 256) for entry in entries), key=lambda size: size[0] * size[1])
    return Header(width, height, truncated=any(entry[6] + entry[7] > len(data) for entry in entries))


READERS: Mapping[str, Callable[[bytes], Header | None]] = {
    "jpeg": read_jpeg,
    "png": read_png,
    "gif": read_gif,
    "webp": read_webp,
    "avif": read_avif,
    "bmp": read_bmp,
    "ico": read_ico,
}
