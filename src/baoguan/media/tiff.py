"""The one thing that is done to EXIF here: its GPS directory is emptied in place, all other bytes stay."""

import struct

_GPS, _EXIF, _INTEROP = 0x8825, 0x8769, 0xA005
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
_MOST_ENTRIES, _MOST_DIRECTORIES = 2000, 32


def blank_gps(tiff: bytes) -> bytes | None:
    """`tiff` of the same length with every GPS directory and its values zeroed; None where it can't be read."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return None
    out = bytearray(tiff)
    waiting = [(struct.unpack_from(f"{order}I", tiff, 4)[0], False)]
    seen: set[int] = set()
    while waiting:
        at, gps = waiting.pop()
        if at == 0 or at in seen:
            continue
        seen.add(at)
        if len(seen) > _MOST_DIRECTORIES:
            return None
        try:
            waiting += _directory(tiff, out, order, at, gps=gps)
        except struct.error:
            return None
    return bytes(out)


def _directory(tiff: bytes, out: bytearray, order: str, at: int, *, gps: bool) -> list[tuple[int, bool]]:
    """Walks one directory, empties it if it is GPS; returns (offset, whether GPS) of those that it points to."""
    count = struct.unpack_from(f"{order}H", tiff, at)[0]
    if count > _MOST_ENTRIES:
        raise struct.error("more entries than a camera writes")
    found: list[tuple[int, bool]] = []
    for place in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, values, offset = struct.unpack_from(f"{order}HHII", tiff, place)
        if gps:
            size = (_SIZES[kind] if kind < len(_SIZES) else 8) * values
            if size > 4:
                end = min(offset + size, len(out))
                out[offset:end] = bytes(max(0, end - offset))
            out[place : place + 12] = bytes(12)
        elif tag in (_GPS, _EXIF, _INTEROP):
            found.append((offset, tag == _GPS))
    if gps:
        out[at : at + 2] = b"\x00\x00"
    elif at + 2 + 12 * count + 4 <= len(tiff):
        found.append((struct.unpack_from(f"{order}I", tiff, at + 2 + 12 * count)[0], False))
    return found
