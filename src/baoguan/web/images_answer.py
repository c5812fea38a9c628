"""What the picture proxy answers with: headers in weserv's words, errors, ranges, 304. Sends them over ASGI."""

import base64
import functools
import time
from email.utils import formatdate

import msgspec
from starlette.types import Scope, Send

from baoguan.backends.vips.pool import Picture
from baoguan.errors import PictureError
from baoguan.media.asking import ImageAsk
from baoguan.media.transform import OUTPUTS
from baoguan.web.files import asked_range
from baoguan.web.images_source import Original

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
COMMON = [
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"timing-allow-origin", b"*"),
    (b"x-images-api", b"5"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", _POLICY.encode()),
]
"""Of every answer."""
Headers = list[tuple[bytes, bytes]]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, whole; `made_s` and `state` say when and of which archive."""

    status: int = 200
    headers: Headers
    body: bytes = b""
    etag: str = ""
    made_s: float = 0.0
    state: int = 0


MIMES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
    "tiff": "image/tiff",
    "gif": "image/gif",
    "jxl": "image/jxl",
    "json": "application/json",
}
"""By ending, in the order in which weserv names them."""
assert MIMES.keys() == set(OUTPUTS.values()) - {"auto"}


@functools.lru_cache(maxsize=64)
def _expires(at_s: int) -> bytes:
    return formatdate(at_s, usegmt=True).encode()


def type_headers(mime: str, size: int) -> Headers:
    """Type and length of a body."""
    return [(b"content-type", mime.encode()), (b"content-length", str(size).encode()), (b"accept-ranges", b"bytes")]


def whole(ask: ImageAsk, original: Original, made: Picture, size: int, kind: str, name: str) -> Answer:
    """A picture of `size` bytes at its origin, changed as `name` says."""
    body, mime = made.body, made.content_type
    if ask.base64:
        body, mime = f"data:{mime};base64,".encode() + base64.b64encode(body), "text/plain"
    headers = [
        *type_headers(mime, len(body)),
        (b"cache-control", f"public, max-age={ask.max_age_s}".encode()),
        (b"expires", _expires(int(time.time()) + ask.max_age_s)),
        (b"x-upstream-response-length", str(size).encode()),
        *COMMON,
    ]
    if not ask.base64 and made.extension != "json":
        headers.append((b"content-disposition", f"inline; filename={ask.filename}.{made.extension}".encode()))
    if original.canonical and original.canonical.isascii():
        headers.append((b"link", f'<{original.canonical}>; rel="canonical"'.encode()))
    if ask.plan.output == "auto" or kind:
        headers.append((b"vary", b"Accept"))
    tag = f'"{original.sha256[:20]}-{name[:16]}{"b" if ask.base64 else ""}"'
    return Answer(headers=headers, body=body, etag=tag)


def failure(error: PictureError, default: str) -> Answer:
    """weserv's JSON; with `default` a redirect that carries it."""
    body = msgspec.json.encode({"status": "error", "code": error.status, "message": str(error)})
    headers = [*type_headers("application/json", len(body)), (b"cache-control", b"public, max-age=60"), *COMMON]
    if error.status in (429, 503):
        headers = [pair for pair in headers if pair[0] != b"cache-control"]
        headers += [(b"retry-after", b"60"), (b"cache-control", b"no-store")]
    if default:
        return Answer(status=302, headers=[*headers, (b"location", default.encode())], body=body)
    return Answer(status=error.status, headers=headers, body=body)


async def send_answer(answer: Answer, asked: dict[bytes, str], scope: Scope, send: Send) -> None:
    """Over ASGI; `asked`: headers of the request, for 304 and ranges."""
    status, headers, body = answer.status, answer.headers, answer.body
    if answer.etag:
        headers = [*headers, (b"etag", answer.etag.encode())]
        if _matches(asked.get(b"if-none-match", ""), answer.etag):
            status, body = 304, b""
            headers = [pair for pair in headers if pair[0] not in (b"content-length", b"content-type")]
        elif b"range" in asked and b"if-range" not in asked:
            status, headers, body = _part(asked[b"range"], headers, body)
    if scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _matches(asked: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in asked[:4000].split(",")]
    return asked.strip() == "*" or etag in tags


def _part(header: str, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    span = asked_range(header, len(body))
    plain = [pair for pair in headers if pair[0] != b"content-length"]
    if span is None:
        return 416, [*plain, (b"content-range", f"bytes */{len(body)}".encode()), (b"content-length", b"0")], b""
    start, end = span
    if span == (0, len(body)):
        return 200, headers, body
    told = f"bytes {start}-{end - 1}/{len(body)}".encode()
    return 206, [*plain, (b"content-range", told), (b"content-length", str(end - start).encode())], body[start:end]
