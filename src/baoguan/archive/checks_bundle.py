"""Whether a derived bundle holds what entries, manifest and records give: unpacked once, compared in place."""

import hashlib
import threading
from collections.abc import Iterable

import zstandard

from baoguan.archive.bundle import MAX_CONTENT, TRAILER
from baoguan.errors import Corrupt


class _Room(threading.local):
    """What unpacking needs, made once a thread: fresh megabytes cost more than unpacking into them."""

    def __init__(self) -> None:
        self.unpacker = zstandard.ZstdDecompressor()
        self.buffer = bytearray(1 << 20)


_ROOM = _Room()


class Comparison:
    """A bundle file beside the entries that it must hold, compared while each is at hand. One at a time a thread."""

    def __init__(self, data: bytes, start: int, count: int) -> None:
        """`data`: the bundle file of `count` entries from log index `start`. Raises Corrupt for no bundle."""
        self._size = _unpack(data)
        self._content = _ROOM.buffer
        head = b'{"format":1,"start":%d,"count":%d}\n' % (start, count)
        self._same = self._content.startswith(head)
        self._at = len(head)

    def add(self, leaves: Iterable[bytes], lines: Iterable[bytes | None], records: Iterable[bytes | None]) -> None:
        """The next entries; all of `records` is taken, also when it is known that the bundle differs."""
        same, at = self._same, self._at
        begins = self._content.startswith
        for leaf, line, record in zip(leaves, lines, records, strict=True):
            if line is not None and record is not None:
                part = b"[%d,%d,%d]\n%b%b" % (len(leaf), len(line), len(record), leaf, line)
            else:
                one, two = (b"null" if it is None else b"%d" % len(it) for it in (line, record))
                part = b"[%d,%b,%b]\n%b%b" % (len(leaf), one, two, leaf, line or b"")
            same = same and begins(part, at)
            at += len(part)
            if record is not None:
                same = same and begins(record, at)
                at += len(record)
        self._same, self._at = same, at

    @property
    def same(self) -> bool:
        """Whether the bundle held exactly what was added."""
        return self._same and self._at == self._size


def _unpack(data: bytes) -> int:
    """Fills the buffer; returns the bytes that count in it."""
    frame = memoryview(data)[:-40]
    if data[-40:] != TRAILER + hashlib.sha256(frame).digest():
        raise Corrupt("bundle doesn't fit the digest at its end")
    try:
        size = zstandard.get_frame_parameters(frame).content_size
        if size > MAX_CONTENT:
            raise Corrupt(f"bundle claims {size} bytes")
        # One more than the frame says, so that a longer content shows; room for what is compared behind the end.
        if len(_ROOM.buffer) <= size:
            _ROOM.buffer = bytearray(size + size // 4 + 1)
        with memoryview(_ROOM.buffer) as room, _ROOM.unpacker.stream_reader(frame) as reader:
            at = 0
            while at <= size and (count := reader.readinto(room[at : size + 1])):
                at += count
    except (zstandard.ZstdError, ValueError) as error:
        raise Corrupt(f"bundle can't be decompressed: {error}") from error
    if at != size:
        raise Corrupt(f"bundle claims {size} bytes")
    return size
