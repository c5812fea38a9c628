"""Reading WARC: our own files member by member, foreign ones (1.0, 1.1, gzip by record or whole, plain) as a stream."""

import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from baoguan.errors import Corrupt
from baoguan.model.capture import CaptureRef, Response

MAX_RECORD = 256 << 20
"""Bytes of one record; larger ones of foreign files are skipped."""
MAX_DECODED = 64 << 20
"""Bytes of one body after its content-encoding is removed."""
_MAX_HEAD = 1 << 20
_CHUNK = 1 << 18
_PIECE = 1 << 14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RENAMED = "x-baoguan-orig-"


class WarcRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as read."""

    headers: tuple[tuple[str, str], ...]
    block: bytes

    def header(self, name: str) -> str:
        """The first WARC header of that name (case-insensitive), or the empty string."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def kind(self) -> str:
        """response, revisit, resource, warcinfo..."""
        return self.header("WARC-Type").lower()

    @property
    def url(self) -> str:
        """WARC-Target-URI; some 1.0 writers put it in angle brackets."""
        return self.header("WARC-Target-URI").strip("<>")

    @property
    def record_id(self) -> str:
        """Without the angle brackets."""
        return self.header("WARC-Record-ID").strip("<>")

    @property
    def at_ms(self) -> int:
        """WARC-Date as epoch; 0 when it can't be read."""
        return _parse_date(self.header("WARC-Date"))


def iter_members(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(offset, length, content) of each gzip member. Raises Corrupt where no member can be read."""
    view = memoryview(data)
    at = 0
    while at < len(data):
        unpacker = zlib.decompressobj(31)
        pieces, left, end = list[bytes](), MAX_RECORD + _MAX_HEAD, at
        try:
            while not unpacker.eof and end < len(data) and left > 0:
                # In small pieces, since zlib copies what it was given too much: whole files, once for each member.
                pieces.append(unpacker.decompress(view[end : end + _PIECE], left))
                left -= len(pieces[-1])
                end = min(end + _PIECE, len(data))
        except zlib.error as error:
            raise Corrupt(f"gzip member at {at}: {error}") from error
        if not unpacker.eof:
            raise Corrupt(f"gzip member at {at} is cut or too large")
        length = end - at - len(unpacker.unused_data)
        yield at, length, pieces[0] if len(pieces) == 1 else b"".join(pieces)
        at += length


def parse_record(content: bytes) -> WarcRecord:
    """One uncompressed record. Raises Corrupt."""
    record = next(iter_records(io.BytesIO(content)), None)
    if record is None:
        raise Corrupt("not a WARC record")
    return record


def scan_captures(source: bytes | str | os.PathLike[str]) -> Iterator[tuple[CaptureRef, int, int]]:
    """(name, offset, length) of every record of one of our WARC files, given as bytes or path. Raises Corrupt."""
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    for offset, length, content in iter_members(data):
        record = parse_record(content)
        ref = CaptureRef(
            record_id=record.record_id,
            sha256=hashlib.sha256(memoryview(data)[offset : offset + length]).hexdigest(),
            kind=record.kind,
            url=record.header("WARC-Filename") if record.kind == "warcinfo" else record.url,
            status=status_of(record),
            at_ms=record.at_ms,
        )
        yield ref, offset, length


def read_member(data: bytes) -> WarcRecord:
    """The record of one stored gzip member. Raises Corrupt."""
    for _, _, content in iter_members(data):
        return parse_record(content)
    raise Corrupt("no gzip member here")


def to_response(record: WarcRecord) -> Response:
    """The response that a response or revisit record holds (a revisit has no body). Raises Corrupt."""
    head, gap, raw = record.block.partition(b"\r\n\r\n")
    if not gap:
        head, gap, raw = record.block.partition(b"\n\n")
    first, *lines = head.decode("utf-8", "surrogateescape").splitlines() or [""]
    match = re.match(r"(?:HTTP/|ICY)\s*([\d.]*)\s+(\d{3})\s*(.*)", first)
    if not match:
        raise Corrupt(f"{record.record_id}: no HTTP response in this record")
    headers = tuple(_http_headers(lines))
    found = {name.lower(): value for name, value in headers}
    if "chunked" in found.get("transfer-encoding", "").lower():
        raw = _dechunk(raw)
    truncated = {"time": "time", "": ""}.get(record.header("WARC-Truncated").lower(), "bytes")
    return Response(
        url=record.url,
        final_url=record.url,
        status=int(match[2]),
        reason=match[3],
        http_version=match[1] or "1.1",
        headers=headers,
        raw=raw,
        body=decode_body(raw, found.get("content-encoding", "")),
        at=_EPOCH + timedelta(milliseconds=record.at_ms),
        truncated=truncated,
    )


def iter_responses(
    source: str | os.PathLike[str] | BinaryIO, *, damaged: Callable[[str], None] = lambda _why: None
) -> Iterator[Response]:
    """Every response record of a WARC file, foreign or ours; records that can't be read are passed over.

    `damaged` is told why the file ends before its end.
    """
    for record in iter_records(source, damaged=damaged):
        if record.kind == "response" and record.url.lower().startswith(("http:", "https:")):
            try:
                yield to_response(record)
            except Corrupt:
                continue


def iter_records(
    source: str | os.PathLike[str] | BinaryIO, *, damaged: Callable[[str], None] = lambda _why: None
) -> Iterator[WarcRecord]:
    """Every record of a WARC file or stream, in constant memory but for one record. Ends at the first damage."""
    if isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            yield from iter_records(file, damaged=damaged)
        return
    start = source.read(2)
    rest = io.BufferedReader(_Prefixed(start, source), _CHUNK)
    buffered: BinaryIO = rest
    if start == b"\x1f\x8b":
        buffered = io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=rest)), _CHUNK)
    try:
        while (record := _read_record(buffered)) is not None:
            if record.header("WARC-Type"):
                yield record
    except (OSError, EOFError, zlib.error) as error:
        # A cut download: what came before the cut is good.
        damaged(f"damaged: {' '.join(str(error).split())[:200]}")


class _Prefixed(io.RawIOBase):
    """A stream with bytes put back before it."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._start = start
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._start[: len(view)] or self._stream.read(len(view))
        self._start = self._start[len(view) :]
        view[: len(data)] = data
        return len(data)


def _read_record(stream: BinaryIO) -> WarcRecord | None:
    line = stream.readline(_MAX_HEAD)
    while line in (b"\r\n", b"\n"):
        line = stream.readline(_MAX_HEAD)
    if not line.startswith(b"WARC/"):
        return None
    lines, size = [], 0
    while (line := stream.readline(_MAX_HEAD)) not in (b"\r\n", b"\n"):
        size += len(line)
        if not line or size > _MAX_HEAD:
            return None
        lines.append(line.decode("utf-8", "surrogateescape").rstrip("\r\n"))
    headers = tuple(_http_headers(lines))
    length = next((value for name, value in headers if name.lower() == "content-length"), "")
    if not length.isascii() or not length.isdigit():
        return None
    if int(length) > MAX_RECORD:
        _skip(stream, int(length))
        return WarcRecord(headers=(), block=b"")
    block = stream.read(int(length))
    return WarcRecord(headers=headers, block=block) if len(block) == int(length) else None


def _skip(stream: BinaryIO, size: int) -> None:
    while size > 0:
        got = len(stream.read(min(size, _CHUNK)))
        if not got:
            return
        size -= got


def _http_headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    held: tuple[str, str] | None = None
    for line in lines:
        if held and line[:1] in (" ", "\t"):
            held = (held[0], f"{held[1]} {line.strip()}")
            continue
        if held:
            yield held
        name, colon, value = line.partition(":")
        held = (name.strip(), value.strip()) if colon else None
    if held:
        yield held


def _dechunk(raw: bytes) -> bytes:
    """Foreign WARCs keep chunked bodies. What isn't chunked after all stays as it is."""
    out: list[bytes] = []
    at = 0
    while at < len(raw):
        stop = raw.find(b"\r\n", at)
        size = raw[at:stop].partition(b";")[0].strip() if stop >= 0 else b""
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            return raw if not out else b"".join(out)
        count = int(size, 16)
        if not count:
            break
        out.append(raw[stop + 2 : stop + 2 + count])
        at = stop + 4 + count
    return b"".join(out)


def decode_body(raw: bytes, encoding: str) -> bytes:
    """The body without content-encoding; unchanged when that is unknown or doesn't fit. At most MAX_DECODED bytes."""
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        raw = _decode_one(raw, name)
    return raw


def _decode_one(raw: bytes, name: str) -> bytes:
    try:
        if name in ("gzip", "x-gzip"):
            return zlib.decompressobj(31).decompress(raw, MAX_DECODED)
        if name == "deflate":
            bits = 15 if raw[:1] and raw[0] & 15 == 8 else -15
            return zlib.decompressobj(bits).decompress(raw, MAX_DECODED)
    except zlib.error:
        return raw
    return _decode_heavy(raw, name)


def _decode_heavy(raw: bytes, name: str) -> bytes:
    # Imported where a body needs them: most commands read none.
    if name == "br":
        import brotli

        try:
            return bytes(brotli.Decompressor().process(raw, output_buffer_limit=MAX_DECODED))
        except brotli.error:
            return raw
    if name == "zstd":
        import zstandard

        try:
            with zstandard.ZstdDecompressor().stream_reader(raw) as reader:
                return reader.read(MAX_DECODED)
        except zstandard.ZstdError:
            return raw
    return raw


def status_of(record: WarcRecord) -> int:
    """HTTP status of a response or revisit; 0 for other records."""
    match = re.match(rb"HTTP/[\d.]+ (\d{3})", record.block[:32])
    return int(match[1]) if match else 0


def _parse_date(text: str) -> int:
    digits = re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(?:\.(\d{1,9}))?Z?", text.strip())
    if not digits:
        return 0
    try:
        at = datetime(*(int(part) for part in digits.groups()[:6]), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return 0
    return (at - _EPOCH) // timedelta(milliseconds=1) + int((digits[7] or "0").ljust(3, "0")[:3])
