"""What an outlet's server can do instead of answering well; each function gives an Act for Newsroom.act."""

import asyncio
import gzip
import zlib

import brotli
import zstandard

from newsroom.wire import Act, Exchange, Reply

BOMB_CHUNK = 1 << 20


def answer(status: int, body: bytes = b"", **headers: str) -> Act:
    """A plain answer; `retry_after="5"` is the header Retry-After."""

    async def act(exchange: Exchange) -> bool:
        fields = [(name.replace("_", "-").title(), value) for name, value in headers.items()]
        await exchange.answer(Reply(status, fields, body))
        return True

    return act


def too_many(retry_after: int | str | None = None) -> Act:
    """429, with Retry-After in seconds or as a date."""
    return answer(429, b"slow down", **({} if retry_after is None else {"retry_after": str(retry_after)}))


def unavailable(retry_after: int | str | None = None) -> Act:
    """503."""
    return answer(503, b"back soon", **({} if retry_after is None else {"retry_after": str(retry_after)}))


def moved(to: str, status: int = 301) -> Act:
    """A redirect; `to` goes out as UTF-8, raw."""
    return answer(status, b"moved", location=to)


def slow(delay_s: float = 0.2, chunk: int = 1) -> Act:
    """The honest reply, a few bytes at a time."""

    async def act(exchange: Exchange) -> bool:
        reply = exchange.reply()
        await exchange.send(reply.head())
        for start in range(0, len(reply.body), chunk):
            await exchange.send(reply.body[start : start + chunk])
            await asyncio.sleep(delay_s)
        return True

    return act


def stalled_head(seconds: float = 60.0) -> Act:
    """Half of a status line, then silence."""

    async def act(exchange: Exchange) -> bool:
        await exchange.send(b"HTTP/1.1 2")
        await asyncio.sleep(seconds)
        return False

    return act


def stalled_body(seconds: float = 60.0) -> Act:
    """The first half of the body, then silence."""

    async def act(exchange: Exchange) -> bool:
        reply = exchange.reply()
        await exchange.send(reply.head() + reply.body[: len(reply.body) // 2])
        await asyncio.sleep(seconds)
        return False

    return act


def cut() -> Act:
    """The first half of the body under the whole Content-Length, then the end."""

    async def act(exchange: Exchange) -> bool:
        reply = exchange.reply()
        await exchange.send(reply.head() + reply.body[: len(reply.body) // 2])
        return False

    return act


def reset() -> Act:
    """RST instead of an answer."""

    async def act(exchange: Exchange) -> bool:
        exchange.reset()
        return False

    return act


def raw(data: bytes) -> Act:
    """These bytes, then the end."""

    async def act(exchange: Exchange) -> bool:
        await exchange.send(data)
        return False

    return act


def huge_headers(size: int = 4_000_000) -> Act:
    """Headers without end."""

    async def act(exchange: Exchange) -> bool:
        await exchange.send(b"HTTP/1.1 200 OK\r\n")
        for number in range(size // 1000):
            await exchange.send(f"X-{number}: ".encode() + b"a" * 990 + b"\r\n")
        await exchange.send(b"\r\n")
        return False

    return act


def bad_header() -> Act:
    """A header whose name has a space, when compression was offered; a good reply otherwise."""

    async def act(exchange: Exchange) -> bool:
        if exchange.request.headers.get("accept-encoding") == "identity":
            await exchange.answer(exchange.reply())
            return True
        await exchange.send(b"HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 0\r\n\r\n")
        return False

    return act


def endless(chunk: bytes = b"<p>more and more and more</p>\n" * 200) -> Act:
    """A chunked body without end."""

    async def act(exchange: Exchange) -> bool:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await exchange.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")

    return act


def bomb(encoding: str = "gzip", size: int = 300_000_000) -> Act:
    """A small body that decodes to `size` zeros: gzip, br or zstd."""

    async def act(exchange: Exchange) -> bool:
        body = await asyncio.to_thread(_bomb, encoding, size)
        fields = [("Content-Type", "text/html"), ("Content-Encoding", encoding)]
        await exchange.answer(Reply(200, fields, body))
        return True

    return act


def _bomb(encoding: str, size: int) -> bytes:
    zeros = bytes(BOMB_CHUNK)
    if encoding == "zstd":
        packer = zstandard.ZstdCompressor(level=3).compressobj()
        return b"".join([*(packer.compress(zeros) for _ in range(size // BOMB_CHUNK)), packer.flush()])
    if encoding == "br":
        squeeze = brotli.Compressor(quality=1)
        return b"".join([*(squeeze.process(zeros) for _ in range(size // BOMB_CHUNK)), squeeze.finish()])
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([*(deflate.compress(zeros) for _ in range(size // BOMB_CHUNK)), deflate.flush()])


def encoded(encoding: str, *, raw_deflate: bool = False, chunked: bool = False) -> Act:
    """The honest body under another Content-Encoding: gzip, deflate, br, zstd, or several ("gzip, br")."""

    async def act(exchange: Exchange) -> bool:
        reply = exchange.reply()
        body = reply.body
        for name in (part.strip() for part in encoding.split(",")):
            body = _encode(name, body, raw_deflate)
        fields = [*_without(reply, "content-encoding"), ("Content-Encoding", encoding)]
        if not chunked:
            await exchange.answer(Reply(reply.status, fields, body))
            return True
        fields.append(("Transfer-Encoding", "chunked"))
        head = Reply(reply.status, [*fields, ("Content-Length", "")], b"").head().replace(b"Content-Length: \r\n", b"")
        parts = [body[start : start + 700] for start in range(0, len(body), 700)]
        await exchange.send(head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n")
        return True

    return act


def _encode(name: str, body: bytes, raw_deflate: bool) -> bytes:
    if name == "br":
        return bytes(brotli.compress(body))
    if name == "zstd":
        return zstandard.compress(body)
    if name == "deflate":
        packer = zlib.compressobj(6, zlib.DEFLATED, -15 if raw_deflate else 15)
        return packer.compress(body) + packer.flush()
    return gzip.compress(body, mtime=0)


def claims_gzip(*, always: bool = True) -> Act:
    """Content-Encoding: gzip over a plain body; with always=False an honest reply when none was offered."""

    async def act(exchange: Exchange) -> bool:
        reply = exchange.reply()
        fields = _without(reply, "content-encoding")
        if always or exchange.request.headers.get("accept-encoding") != "identity":
            fields.append(("Content-Encoding", "gzip"))
        await exchange.answer(Reply(reply.status, fields, reply.body))
        return True

    return act


def wrong_charset(real: str = "gb18030", said: str = "utf-8") -> Act:
    """The honest text in one charset, under the name of another."""

    async def act(exchange: Exchange) -> bool:
        reply = exchange.reply()
        body = reply.body.decode("utf-8").encode(real, "xmlcharrefreplace")
        kind = dict(reply.headers).get("Content-Type", "text/html").partition(";")[0]
        fields = [*_without(reply, "content-type", "etag"), ("Content-Type", f"{kind}; charset={said}")]
        await exchange.answer(Reply(reply.status, fields, body))
        return True

    return act


def _without(reply: Reply, *names: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in reply.headers if name.lower() not in names]
