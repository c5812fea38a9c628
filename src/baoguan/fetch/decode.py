"""Content-Encoding, undone in small steps, so that a bomb costs no more memory than its cap. Pure."""

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
import zstandard

STEP_BYTES = 65_536
"""Most that one step gives out (zstd: 8 MB at worst)."""
_ZSTD_SLICE = 256
"""zstd has no output limit: 4 bytes can mean a block of 128 KB, so it is fed little at a time."""
_ZSTD_WINDOW = 1 << 27
LAYERS = 3


class EncodingError(Exception):
    """The body is not what Content-Encoding says. `at_start`: not even its first bytes are."""

    def __init__(self, message: str, *, at_start: bool) -> None:
        super().__init__(message)
        self.at_start = at_start


class Decoder(Protocol):
    """One layer of Content-Encoding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` decodes to, in steps."""
        ...

    def ended(self) -> bool:
        """Whether the encoded stream said that it is complete."""
        ...


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def ended(self) -> bool:
        return True


class _Zlib:
    """gzip with several members, zlib, and the raw deflate that some servers send for "deflate"."""

    def __init__(self, wbits: int) -> None:
        self.wbits = wbits
        self.stream = zlib.decompressobj(wbits)
        self.started = False
        self.head: bytes | None = b"" if wbits == zlib.MAX_WBITS else None
        """What was fed before zlib's two header bytes were judged; they may come one by one."""
        self.between = False
        """A gzip member ended with the last byte seen; another may follow."""
        self.done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        full = False
        while (data or full) and not self.done:
            if self.between:
                # garbage after the last member is ignored, as browsers do
                self.done, self.between = data[:1] != b"\x1f", False
                continue
            out = self._step(data)
            data, full = self.stream.unconsumed_tail, len(out) == STEP_BYTES
            if self.stream.eof:
                data = self._next_member()
            if out:
                yield out

    def _step(self, data: bytes) -> bytes:
        if self.head is not None:
            self.head += data
        try:
            out = self.stream.decompress(data, STEP_BYTES)
        except zlib.error as error:
            if self.head is None:
                raise EncodingError(str(error), at_start=not self.started) from error
            data, self.head, self.wbits = self.head, None, -zlib.MAX_WBITS
            self.stream = zlib.decompressobj(self.wbits)
            return self._step(data)
        if self.head is not None and len(self.head) > 1:
            self.head = None
        self.started = True
        return out

    def _next_member(self) -> bytes:
        rest = self.stream.unused_data
        self.between = self.wbits > zlib.MAX_WBITS
        self.done = not self.between
        if self.between:
            self.stream = zlib.decompressobj(self.wbits)
        return rest

    def ended(self) -> bool:
        return self.done or self.between


class _Brotli:
    def __init__(self) -> None:
        self.stream = brotli.Decompressor()
        self.started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while not self.stream.is_finished():
            try:
                out = self.stream.process(data, output_buffer_limit=STEP_BYTES)
            except brotli.error as error:
                raise EncodingError(str(error), at_start=not self.started) from error
            data = b""
            if out:
                self.started = True
                yield out
            if self.stream.can_accept_more_data():
                return

    def ended(self) -> bool:
        return bool(self.stream.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self.stream = self._new()
        self.started = False

    @staticmethod
    def _new() -> "zstandard.ZstdDecompressionObj":
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_SLICE):
            rest = data[start : start + _ZSTD_SLICE]
            while rest:
                if self.stream.eof:
                    self.stream = self._new()
                try:
                    out = self.stream.decompress(rest)
                except zstandard.ZstdError as error:
                    raise EncodingError(str(error), at_start=not self.started) from error
                rest = self.stream.unused_data if self.stream.eof else b""
                if out:
                    self.started = True
                    yield out

    def ended(self) -> bool:
        return bool(self.stream.eof)


_KNOWN: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}


class BodyDecoder:
    """Undoes the layers of a Content-Encoding header, up to `cap` bytes; unknown words mean the body is plain.

    `over` turns True when the cap was hit: `body` then holds exactly `cap` bytes.
    """

    def __init__(self, content_encoding: str, cap: int) -> None:
        words = [word.strip().lower() for word in content_encoding.split(",")]
        self.layers = [_KNOWN[word]() for word in reversed(words) if word in _KNOWN][:LAYERS] or [_Plain()]
        self.cap = cap
        self.over = False
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def body(self) -> bytes:
        """What was decoded so far."""
        return b"".join(self._chunks)

    def feed(self, data: bytes) -> None:
        """Takes more of the body as received. Raises EncodingError."""
        for out in self._through(data, 0):
            room = self.cap - self._size
            self._chunks.append(out[:room])
            self._size += min(room, len(out))
            if len(out) > room:
                self.over = True
                return

    def ended(self) -> bool:
        """Whether every layer is complete; an empty body is."""
        return all(layer.ended() for layer in self.layers)

    def _through(self, data: bytes, depth: int) -> Iterator[bytes]:
        for out in self.layers[depth].feed(data):
            if depth + 1 < len(self.layers):
                yield from self._through(out, depth + 1)
            else:
                yield out
