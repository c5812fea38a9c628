"""A bundle from a host that nobody trusts: read in small steps, each entry checked before the next is unpacked.

A leaf commits to its line, the line to its record; what a bundle as a whole must be says the tree. So a bomb costs no
more memory than the entries before it that were in order, and one changed bit (a salt, a record, a name) is an error.
"""

import hashlib
import re

import zstandard

from baoguan.archive.bundle import Entry
from baoguan.errors import Corrupt, MirrorError
from baoguan.model.codec import decode_leaf, decode_line
from baoguan.model.log import ManifestLine

CONTENT_CAP = 512 << 20
"""Most that one bundle may unpack to, in bytes."""
LINE_CAP = 16 << 20
RECORD_CAP = 64 << 20
_LEAF_CAP = 65_535
_SLICE = 1024
"""zstd has no limit on what a step gives out: 4 bytes can mean 128 KB, so it is fed little at a time."""
_WINDOW_CAP = 128 << 20
_HEAD_CAP = 200
_SIZES = re.compile(rb"\[(\d{1,9}),(\d{1,9}|null),(\d{1,9}|null)\]\n")
_PART = r"(?!\.{1,2}/)[^/\x00-\x1f\\]{1,200}"
_RECORD = re.compile(rf"articles/{_PART}/\d{{4}}/\d\d/\d\d/-?\d{{1,19}}-[0-9a-f]{{16}}(?:-r\d{{1,9}})?\.md")
_MEDIA = re.compile(r"media/([0-9a-f]{2})/(\1[0-9a-f]{62})\.[a-z0-9]{1,8}")
CAPTURE_NAME = re.compile(r"(\d{4})(\d\d)\d\dT\d{6}Z-\d{10,19}(?:-\d{1,9})?\.warc\.gz")


class _Stream:
    """The content of a zstd frame, a little at a time."""

    def __init__(self, frame: bytes) -> None:
        try:
            about = zstandard.get_frame_parameters(frame)
        except zstandard.ZstdError as error:
            raise Corrupt(f"bundle can't be unpacked: {error}") from error
        if about.window_size > _WINDOW_CAP or about.dict_id:
            raise _hostile(f"bundle wants a window of {about.window_size >> 20} MB")
        self._packed = memoryview(frame)
        self._at = 0
        self._unpacker = zstandard.ZstdDecompressor().decompressobj()
        self._buffer = bytearray()
        self._start = 0
        self._total = 0

    def _more(self) -> bool:
        """Unpacks one more slice; False at the end of the frame."""
        if self._unpacker.eof:
            return False
        if self._at >= len(self._packed):
            raise Corrupt("bundle is cut off")
        part = self._packed[self._at : self._at + _SLICE]
        self._at += len(part)
        try:
            out = self._unpacker.decompress(part)
        except zstandard.ZstdError as error:
            raise Corrupt(f"bundle can't be unpacked: {error}") from error
        self._total += len(out)
        if self._total > CONTENT_CAP:
            raise _hostile(f"bundle unpacks to more than {CONTENT_CAP >> 20} MB")
        if self._start > 1 << 20:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += out
        return True

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        while len(self._buffer) - self._start < size:
            if not self._more():
                raise Corrupt("bundle ends within an entry")
        data = bytes(memoryview(self._buffer)[self._start : self._start + size])
        self._start += size
        return data

    def line(self) -> bytes:
        """The next line of lengths."""
        while (stop := self._buffer.find(b"\n", self._start, self._start + _HEAD_CAP)) < 0:
            if len(self._buffer) - self._start > _HEAD_CAP or not self._more():
                raise Corrupt("bundle has no line of lengths where one must be")
        return self.take(stop + 1 - self._start)

    def end(self) -> None:
        """Raises Corrupt unless nothing is left, neither here nor behind the frame."""
        while len(self._buffer) == self._start and self._more():
            pass
        if len(self._buffer) > self._start or self._unpacker.unused_data or self._at < len(self._packed):
            raise Corrupt("bundle has bytes after its last entry")


def read_bundle(data: bytes, *, start: int, width: int) -> list[Entry]:
    """The entries start..start+width-1 of a bundle that must hold exactly those. Raises Corrupt, MirrorError.

    Leaves are what a tree must judge; lines, salts and records fit them, and names lead nowhere but into public/.
    """
    frame, trailer = data[:-40], data[-40:]
    if trailer != b"\x50\x2a\x4d\x18" + (32).to_bytes(4, "little") + hashlib.sha256(frame).digest():
        raise Corrupt("bundle doesn't fit the digest at its end")
    stream = _Stream(frame)
    if stream.line() != b'{"format":1,"start":%d,"count":%d}\n' % (start, width):
        raise Corrupt(f"bundle doesn't say that it holds entries {start} to {start + width - 1}")
    entries = [_read_entry(stream, start + offset) for offset in range(width)]
    stream.end()
    return entries


def _read_entry(stream: _Stream, index: int) -> Entry:
    sizes = _SIZES.fullmatch(stream.line())
    if sizes is None:
        raise Corrupt(f"entry {index}: lengths are malformed")
    leaf_size, line_size, record_size = (None if part == b"null" else int(part) for part in sizes.groups())
    for size, cap in ((leaf_size, _LEAF_CAP), (line_size, LINE_CAP), (record_size, RECORD_CAP)):
        if size is not None and size > cap:
            raise _hostile(f"entry {index}: claims {size} bytes where {cap} are the most")
    assert leaf_size is not None
    leaf = stream.take(leaf_size)
    line = None if line_size is None else stream.take(line_size)
    if line is not None:
        said = check_line(leaf, line, index)
    elif record_size is not None:
        raise Corrupt(f"entry {index}: a record without its line")
    else:
        decode_leaf(leaf)
        return Entry(leaf, None)
    record = None if record_size is None else stream.take(record_size)
    digest = hashlib.sha256(record).hexdigest() if record is not None else None
    if digest != (said.record.sha256 if said.record else None):
        raise Corrupt(f"entry {index}: the record isn't what its line names")
    return Entry(leaf, line, record)


def check_line(leaf: bytes, line: bytes, index: int) -> ManifestLine:
    """The manifest line, when it is what the leaf commits to and names only places in public/. Raises Corrupt."""
    known = decode_leaf(leaf)
    if hashlib.sha256(line).hexdigest() != known.c:
        raise Corrupt(f"entry {index}: the line (or its salt) isn't what the leaf commits to")
    said = decode_line(line)
    if said.kind != known.k:
        raise Corrupt(f"entry {index}: a {said.kind} line under a {known.k} leaf")
    if b"\n" in line:
        raise Corrupt(f"entry {index}: a line break in a line")
    _check_names(said, index)
    return said


def _hostile(text: str) -> MirrorError:
    return MirrorError(text, kind="hostile")


def _check_names(line: ManifestLine, index: int) -> None:
    if line.record is not None and not _RECORD.fullmatch(line.record.path):
        raise _hostile(f"entry {index}: names a record {line.record.path[:80]!r}, which is no place for one")
    for media in line.media:
        if not media.path:
            continue
        named = _MEDIA.fullmatch(media.path)
        if named is None or named[2] != media.sha256:
            raise _hostile(f"entry {index}: names a picture {media.path[:80]!r}, which is no place for one")


def capture_files(line: ManifestLine) -> list[str]:
    """The WARC files of the batch that a `cap` line closes, as public/ names them; none for other lines."""
    if line.kind != "cap":
        return []
    files = []
    for ref in line.captures:
        named = CAPTURE_NAME.fullmatch(ref.url) if ref.kind == "warcinfo" else None
        if named is not None:
            files.append(f"captures/{named[1]}/{named[2]}/{ref.url}")
    return files
