"""Files of public/: pictures under /media/, all of it under /archive/, so that a running reader feeds mirrors."""

import re
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from baoguan.errors import NotFound
from baoguan.web.reply import IMMUTABLE, etag_of, matches, not_modified
from baoguan.web.safety import FILE_POLICY, public_path
from baoguan.web.source import ReaderSource

_CHUNK = 1 << 18
_MEDIA = re.compile(r"media/([0-9a-f]{2})/\1[0-9a-f]{62}\.([a-z0-9]{1,5})")
_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")
_PICTURES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "ico": "image/x-icon",
    "jxl": "image/jxl",
    "svg": "image/svg+xml",
}
# The head moves and partial tiles are pruned; everything else under its name stays for ever.
_MUTABLE = re.compile(r"(checkpoint|format)|.*\.p/.*", re.S)
_PLAIN = re.compile(r"(checkpoint|format)|.*\.(md|jsonl)", re.S)


async def serve_file(request: Request, source: ReaderSource, path: str) -> Response | None:
    """The file of public/ under `path`, whole or the one range asked for; None where there is none."""
    safe = public_path(path)
    size = None if safe is None else await run_in_threadpool(source.public_size, safe)
    if safe is None or size is None:
        return None
    headers = file_headers(safe)
    if _MUTABLE.fullmatch(safe):
        etag = etag_of(safe, await run_in_threadpool(source.read_public, safe, 0, size)) if size < _CHUNK else ""
        headers["cache-control"] = "no-cache"
    else:
        etag = etag_of(safe, size)
    if etag:
        headers["etag"] = etag
        if matches(request, etag):
            return not_modified(etag, headers["cache-control"], "Accept-Encoding")
    span = asked_range(request.headers.get("range", ""), size) if "if-range" not in request.headers else (0, size)
    if span is None:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    start, end = span
    if (start, end) != (0, size):
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    headers["content-length"] = str(end - start)
    status = 206 if "content-range" in headers else 200
    body = _stream(source, safe, start, end) if request.method != "HEAD" else _nothing()
    return StreamingResponse(body, status, headers)


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """(start, end) of the one range in a Range header; all of it for none or several; None when it lies outside."""
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if not found or (found[1] is None and found[2] is None):
        return 0, size
    if found[1] is None:
        length = min(int(found[2]), size)
        return (size - length, size) if length else None
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    if found[2] and int(found[2]) < start:
        return 0, size
    return (start, end) if start < size else None


def media_path(folder: str, name: str) -> str | None:
    """media/<aa>/<sha256>.<ext>, None for anything else."""
    path = f"media/{folder}/{name}"
    return path if _MEDIA.fullmatch(path) else None


def file_headers(path: str) -> dict[str, str]:
    """Headers of a file of public/: its type, a long life, and a policy under which it runs nothing."""
    headers = {
        "cache-control": IMMUTABLE,
        "content-security-policy": FILE_POLICY,
        "accept-ranges": "bytes",
        "content-type": "application/octet-stream",
        # Feed readers on other hosts show these pictures; nothing here is anyone's secret.
        "cross-origin-resource-policy": "cross-origin",
        "vary": "Accept-Encoding",
    }
    picture = _MEDIA.fullmatch(path)
    if picture:
        headers["content-type"] = _PICTURES.get(picture[2], "application/octet-stream")
        if picture[2] == "svg" or picture[2] not in _PICTURES:
            headers["content-disposition"] = "attachment"
    elif _PLAIN.fullmatch(path):
        headers["content-type"] = "text/plain; charset=utf-8"
    elif path.endswith(".gz"):
        headers["content-type"] = "application/gzip"
    return headers


async def _stream(source: ReaderSource, path: str, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        piece = await run_in_threadpool(source.read_public, path, start, min(_CHUNK, end - start))
        if not piece:
            raise NotFound(f"{path}: shorter than it was a moment ago")
        yield piece
        start += len(piece)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
