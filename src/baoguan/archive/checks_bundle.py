"""Whether a derived bundle holds what entries, manifest and records give: unpacked once, compared in place."""

import hashlib
import threading

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

    def __init__(self, data: bytes | None, start: int, count: int) -> None:
        """`data`: the bundle file of `count` entries from log index `start`; None: nothing is the same as it.

        Raises Corrupt for no bundle.
        """
        self._size = _unpack(data) if data is not None else -1
        self.content = _ROOM.buffer
        """What was unpacked, and more behind it."""
        head = b'{"format":1,"start":%d,"count":%d}\n' % (start, count)
        self.differs = not self.content.startswith(head)
        self.at = len(head)
        """Where the next entry must stand."""

    def add(self, at: int, leaf: bytes, line: bytes | None, record: bytes | None) -> int:
        """Compares the entry that must stand `at`; returns its size."""
        one, two = (b"null" if it is None else b"%d" % len(it) for it in (line, record))
        part = b"[%d,%b,%b]\n%b%b%b" % (len(leaf), one, two, leaf, line or b"", record or b"")
        if not self.content.startswith(part, at):
            self.differs = True
        return len(part)

    @property
    def same(self) -> bool:
        """Whether the bundle held exactly what was compared."""
        return not self.differs and self.at == self._size


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
