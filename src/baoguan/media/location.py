"""Takes the place where a photo was taken out of the copy that is served: EXIF GPS, and GPS properties of XMP.

Bytes alone are moved, nothing is decoded: pixels, colour profile, rotation, captions and credits (IPTC, XMP) stay.
What is kept is never changed. A C2PA manifest is signed over the bytes that change here, and may name the place: it
is left out of a copy that had to be changed. What claims to be EXIF or XMP and can't be read goes too. Never raises.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from baoguan.media.containers import sniff
from baoguan.media.tiff import blank_gps

_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\x00"
_PLACE = rb"GPS[A-Za-z]+"
_ATTRIBUTE = re.compile(rb"""[\w.-]{1,40}:""" + _PLACE + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""")
_ELEMENT = re.compile(rb"<([\w.-]{1,40}:" + _PLACE + rb")(?:\s[^<>]*)?(?:/>|>[^<]*</\1\s*>)")
_LEFT = re.compile(rb"GPS(?:Latitude|Longitude|Altitude|Position|Coordinates|Dest|Area)|G\x00{1,3}P\x00{1,3}S\x00")
_MOST_PARTS = 20_000
_UNPACKED = 4_000_000
_EMBEDDED = re.compile(rb"Exif\x00\x00(?:II\*\x00|MM\x00\*)|ftyp|GPS|\xa9xyz")
_IN_BOXES = re.compile(rb"Exif\x00\x00(?=II\*\x00|MM\x00\*)")
_PACKET = (b"<x:xmpmeta", b"</x:xmpmeta>")
_MOST_BOXED = 16


def strip_location(data: bytes) -> bytes:
    """`data` itself where it names no place; else a copy without it. JPEG, PNG, WebP, AVIF, GIF; others as they are."""
    way, marks = _WAYS.get(sniff(data) or "", (None, ()))
    if way is None or not any(mark in data for mark in marks):
        return data
    try:
        return way(data)
    except (struct.error, IndexError, ValueError, zlib.error):
        return data  # no decoder reads such a file either: it ends before its structure does


def clean_xmp(packet: bytes) -> bytes | None:
    """An XMP packet with its GPS properties blanked, of the same length; None where that can't be done safely."""
    blanked = _ATTRIBUTE.sub(_blank, packet)
    for _ in range(3):
        blanked = _ELEMENT.sub(_blank, blanked)
    return None if _LEFT.search(blanked) else blanked


def _blank(match: re.Match[bytes]) -> bytes:
    return b" " * len(match[0])


def _clean_exif(payload: bytes) -> bytes | None:
    head = 6 if payload.startswith(b"Exif\x00\x00") else 0
    tiff = blank_gps(payload[head:])
    return None if tiff is None else payload[:head] + tiff


def _strip_jpeg(data: bytes) -> bytes:
    segments, end = _segments(data)
    out, changed, c2pa = [data[:2]], False, False
    for start, stop, marker in segments:
        whole = data[start:stop]
        kept: bytes | None = whole
        if marker == 0xE1:
            kept = _clean_app1(whole)
        c2pa = c2pa or (marker == 0xEB and b"jumb" in whole[:64])
        changed = changed or kept != whole
        out.append(b"" if kept is None else kept)
    tail = data[end:]
    eoi = _end_of_image(data, end)
    if eoi < len(data) and _EMBEDDED.search(data, eoi):
        tail, changed = data[end:eoi], True
    named = c2pa and any(marker == 0xEB and b"GPS" in data[start:stop] for start, stop, marker in segments)
    if not changed and not named:
        return data
    kept_parts = [part for part, (_, _, marker) in zip(out[1:], segments, strict=True) if marker != 0xEB]
    return b"".join([data[:2], *kept_parts, tail])


def _clean_app1(segment: bytes) -> bytes | None:
    """An APP1 segment without a place; None where it must go."""
    payload = segment[4:]
    if payload.startswith(b"Exif\x00"):
        cleaned = _clean_exif(payload)
        return None if cleaned is None else segment[:4] + cleaned
    if payload.startswith(_XMP):
        packet = clean_xmp(payload[len(_XMP) :])
        return None if packet is None else segment[:4] + _XMP + packet
    if payload.startswith(_XMP_MORE):
        return None if b"GPS" in payload else segment
    return segment


def _segments(data: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """((start, end, marker) of each segment before the picture's data, where that begins)."""
    found: list[tuple[int, int, int]] = []
    at = 2
    while at + 4 <= len(data) and len(found) < _MOST_PARTS:
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker in (0xD9, 0xDA):
            break
        if marker == 0xFF:
            found.append((at, at + 1, 0xFF))
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            found.append((at, at + 2, marker))
            at += 2
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        if length < 2:
            break
        stop = min(at + 2 + length, len(data))
        found.append((at, stop, marker))
        at = stop
    return found, at


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _end_of_image(data: bytes, at: int) -> int:
    """Where the first picture ends: behind its EOI, or the end of the file."""
    for _ in range(_MOST_PARTS):
        found = _MARKER.search(data, at)
        if found is None:
            return len(data)
        at = found.start()
        if data[at + 1] == 0xD9:
            return at + 2
        length = struct.unpack_from(">H", data, at + 2)[0] if at + 4 <= len(data) else 0
        at += 2 + max(length, 0)
    return len(data)


def _strip_png(data: bytes) -> bytes:
    out, changed, at, c2pa = [data[:8]], False, 8, b""
    for _ in range(_MOST_PARTS):
        if at + 12 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, at)
        whole, body = data[at : at + 12 + length], data[at + 8 : at + 8 + length]
        at += 12 + length
        if name == b"caBX":
            c2pa = whole
            out.append(whole)
            changed = changed or b"GPS" in body
            continue
        kept = _clean_chunk(name, body)
        changed = changed or kept != body
        if kept is not None:
            out.append(whole if kept == body else _chunk(name, kept))
        if name == b"IEND":
            break
    if not changed:
        return data
    tail = b"" if _EMBEDDED.search(data, at) else data[at:]
    return b"".join([*(part for part in out if part != c2pa or not c2pa), tail])


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _clean_chunk(name: bytes, body: bytes) -> bytes | None:
    """The content of a PNG chunk without a place; None where the chunk must go."""
    if name == b"eXIf":
        return _clean_exif(body)
    keyword = body[:80].partition(b"\x00")[0] if name in (b"iTXt", b"tEXt", b"zTXt") else b""
    if keyword.lower().startswith(b"raw profile type") and keyword[16:].strip().lower() in (b"exif", b"app1", b"xmp"):
        return None
    if name == b"iTXt" and keyword == b"XML:com.adobe.xmp":
        return _clean_itxt(body, len(keyword))
    return body


def _clean_itxt(body: bytes, size: int) -> bytes | None:
    packed = body[size + 1]
    language, _, rest = body[size + 3 :].partition(b"\x00")
    translated, _, text = rest.partition(b"\x00")
    if packed:
        unpack = zlib.decompressobj()
        text = unpack.decompress(text, _UNPACKED)
        if unpack.unconsumed_tail:
            return None
    cleaned = clean_xmp(text)
    if cleaned == text:
        return body
    if cleaned is None:
        return None
    return body[:size] + b"\x00\x00\x00" + language + b"\x00" + translated + b"\x00" + cleaned


def _strip_webp(data: bytes) -> bytes:
    chunks = list(_riff(data))
    out: list[tuple[bytes, bytes]] = []
    changed, gone = False, 0
    for name, body in chunks:
        kept: bytes | None = body
        if name == b"EXIF":
            kept = _clean_exif(body)
        elif name == b"XMP ":
            kept = clean_xmp(body)
        elif name == b"C2PA" and b"GPS" in body:
            kept = None
        changed = changed or kept != body
        if kept is None:
            gone |= {b"EXIF": 8, b"XMP ": 4}.get(name, 0)
        else:
            out.append((name, kept))
    if not changed:
        return data
    parts = []
    for name, body in out:
        if name == b"C2PA":
            continue
        if name == b"VP8X" and body:
            body = bytes([body[0] & ~gone]) + body[1:]
        parts.append(name + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) & 1))
    inner = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, end = 12, min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    for _ in range(_MOST_PARTS):
        if at + 8 > end:
            return
        name, length = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : min(at + 8 + length, end)]
        at += 8 + length + (length & 1)


def _strip_boxes(data: bytes) -> bytes:
    """AVIF and GIF: offsets stand all over them, so places are blanked where they are, and no length changes.

    GIF knows XMP alone, as one long block that ends in every length that a reader may have come to.
    """
    out = bytearray(data)
    for found in islice(_IN_BOXES.finditer(data), _MOST_BOXED):
        tiff = blank_gps(data[found.end() : found.end() + 1_000_000])
        if tiff is not None:
            out[found.end() : found.end() + len(tiff)] = tiff
    at = 0
    for _ in range(_MOST_BOXED):
        start = data.find(_PACKET[0], at)
        end = data.find(_PACKET[1], start) if start >= 0 else -1
        if end < 0:
            break
        out[start:end] = clean_xmp(data[start:end]) or b" " * (end - start)
        at = end
    return data if out == data else bytes(out)


_FILMS = (b"GPS", b"ftyp", b"\xa9xyz")
"""What is looked for behind the end of a picture."""
_WAYS: Mapping[str, tuple[Callable[[bytes], bytes], tuple[bytes, ...]]] = {
    "jpeg": (_strip_jpeg, (b"Exif\x00", _XMP, *_FILMS)),
    "png": (_strip_png, (b"eXIf", b"iTXt", b"tEXt", b"zTXt", b"Exif\x00", *_FILMS)),
    "webp": (_strip_webp, (b"EXIF", b"XMP ", b"GPS")),
    "avif": (_strip_boxes, (b"Exif\x00", _PACKET[0])),
    "gif": (_strip_boxes, (_PACKET[0],)),
}
"""How a format is stripped, and the bytes of which one stands in every file that this changes: most have none, and
searching for them costs a tenth of walking through the file."""
