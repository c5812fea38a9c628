"""Kept pictures as they are served: the bytes of the archive, without the place where a photo was taken.

A file that names no place goes out as it is kept, in pieces; one that does is cut in memory. Which is which is
remembered for the last files, for content under one path never changes.
"""

from collections import OrderedDict
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from baoguan.media.location import strip_location
from baoguan.web.files import asked_range, file_headers, serve_file
from baoguan.web.reply import etag_of, matches, not_modified
from baoguan.web.source import ReaderSource

_REMEMBERED = 50_000
_LARGEST = 50_000_000
"""Bytes that are read into memory; a larger file goes out as it is kept."""


class ServedPictures:
    """Pictures of one archive. Used from several threads; the lock guards what is remembered."""

    def __init__(self, source: ReaderSource) -> None:
        self._source = source
        self._plain: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    async def serve(self, request: Request, path: str) -> Response | None:
        """As serve_file, of a media path."""
        with self._lock:
            plain = path in self._plain
        cut = None if plain else await run_in_threadpool(self._cut, path)
        if cut is None:
            return await serve_file(request, self._source, path)
        return _answer(request, path, cut)

    def _cut(self, path: str) -> bytes | None:
        """The bytes that are served in place of the kept ones; None where those may go out, or where there are none."""
        size = self._source.public_size(path)
        if size is None or size > _LARGEST:
            return None
        data = self._source.read_public(path, 0, size)
        served = strip_location(data)
        if served is not data:
            return served
        with self._lock:
            self._plain[path] = None
            while len(self._plain) > _REMEMBERED:
                self._plain.popitem(last=False)
        return None


def _answer(request: Request, path: str, data: bytes) -> Response:
    headers = file_headers(path)
    headers["etag"] = etag_of(path, "no place", len(data))
    if matches(request, headers["etag"]):
        return not_modified(headers["etag"], headers["cache-control"], "Accept-Encoding")
    size = len(data)
    span = asked_range(request.headers.get("range", ""), size) if "if-range" not in request.headers else (0, size)
    if span is None:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    start, end = span
    if (start, end) != (0, size):
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if "content-range" in headers else 200
    return Response(data[start:end], status, headers)
