"""weserv's picture API over the archive: `/?url=` and `/images?url=`, and plain renditions under /variants/.

An ASGI layer of its own in front of the pages, because it answers thousands of requests a second from memory. Order of
an answer: what was sent a moment ago, the variant's file, the kept bytes, the origin (where the mode allows it).
"""

import asyncio
import base64
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from baoguan.backends.file_cache import FileCache
from baoguan.backends.vips.pool import Picture, RenderPool
from baoguan.errors import PictureError
from baoguan.media.asking import ImageAsk, accepted, default_of, parse_ask, variant_name
from baoguan.media.location import strip_location
from baoguan.media.measure import measure_picture
from baoguan.media.transform import OUTPUTS, Length, Transform
from baoguan.web.files import asked_range
from baoguan.web.images_source import Original, Originals
from baoguan.web.limits import RateLimit, network_of

MODES = ("off", "archive", "signed", "open")
WIDTHS = (320, 640, 1280)
_PATHS = ("/", "/images", "/images/")
_ASKED = re.compile(rb"(?:^|&)url=", re.IGNORECASE)
_VARIANT = re.compile(r"/variants/([0-9a-f]{64})/(\d{3,4})\.(avif|webp|jpg)")
_KEPT_BYTES = 24_000_000
_KEPT_LARGEST = 300_000
_KEPT_S = 30.0
_READ_AT_ONCE = 400_000
"""Bytes of a kept picture that the event loop itself reads."""
_PLAIN = 20_000
"""Pictures known to go out as they are: type and ending by sha256, so that they are looked through once."""
_WAITING = 64
"""Pictures that may wait for a worker; who comes then is asked to come back."""
_PASSED = frozenset(("jpeg", "png", "gif", "webp", "avif"))
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_COMMON = [
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"timing-allow-origin", b"*"),
    (b"x-images-api", b"5"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", _POLICY.encode()),
]
Headers = list[tuple[bytes, bytes]]
Key = tuple[str, str]
"""sha256 of the original, name of the variant."""


class ImageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings decide."""

    mode: str = "archive"
    savers: tuple[str, ...] = ()
    """Formats that may be asked for; empty: all."""
    secret: bytes = b""
    jobs: int = 2
    uncached_a_second: float = 4.2
    """Of one client; 500 at once."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int = 200
    headers: Headers
    body: bytes = b""
    etag: str = ""
    made_s: float = 0.0
    state: int = 0


def sign(secret: bytes, query: str) -> str:
    """The `s` of a query, for mode signed: HMAC-SHA256 in hex over the raw query without its `s`."""
    return hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()


class ImageSite:
    """All that the proxy holds. Its tables are touched by the event loop's thread alone."""

    def __init__(self, originals: Originals, options: ImageOptions, variants: FileCache) -> None:
        self._originals, self._options, self._variants = originals, options, variants
        self._pool = RenderPool(options.jobs)
        self._workers = ThreadPoolExecutor(options.jobs, thread_name_prefix="picture")
        self._readers = ThreadPoolExecutor(8, thread_name_prefix="original")
        self._limit = RateLimit(options.uncached_a_second, 500)
        self._kept: OrderedDict[tuple[str, str], _Answer] = OrderedDict()
        self._bytes = 0
        self._making: dict[Key, asyncio.Task[tuple[Picture, int]]] = {}
        self._finding: dict[str, asyncio.Task[Original]] = {}
        self._plain: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def close(self) -> None:
        """Ends workers and threads; nothing may be asked any more."""
        self._readers.shutdown()
        self._workers.shutdown()
        self._pool.close()

    async def answer(self, query: str, accept: str, client: str) -> _Answer:
        """To a request in weserv's language; errors are answers too."""
        kind = accepted(accept) if "output=auto" in query else ""
        state, now = self._originals.state(), time.monotonic()
        found = self._kept.get((query, kind))
        if found is not None and found.state == state and now - found.made_s < _KEPT_S:
            self._kept.move_to_end((query, kind))
            return found
        try:
            ask = self._parsed(query)
            made = await self._make(ask, kind, client)
        except PictureError as error:
            return _failure(error, default_of(query) if self._options.mode in ("signed", "open") else "")
        made = msgspec.structs.replace(made, state=state, made_s=now)
        self._keep((query, kind), made)
        return made

    async def rendition(self, sha256: str, width: int, extension: str, client: str) -> _Answer:
        """A plain rendition of a kept picture, never wider than it."""
        name = f"{width}.{extension}"
        plan = Transform(w=Length(pixels=width), we=True, output=extension, q=60 if extension == "avif" else 0)
        try:
            made, _ = await self._variant(plan, "", (sha256, name), client, lambda: self._originals.by_hash(sha256))
        except PictureError as error:
            return _failure(error, "")
        headers = [
            *_type(made.content_type, len(made.body)),
            (b"cache-control", b"public, max-age=31536000, immutable"),
        ]
        return _Answer(headers=[*headers, *_COMMON], body=made.body, etag=f'"{sha256[:20]}-{name}"')

    def _parsed(self, query: str) -> ImageAsk:
        ask = parse_ask(query)
        options = self._options
        if options.mode == "signed" and not hmac.compare_digest(
            sign(options.secret, ask.signed).encode(), ask.signature.encode()
        ):
            raise PictureError("The signature is missing or wrong", status=403)
        if options.savers and ask.plan.output not in ("", "auto", *options.savers):
            raise self._disabled(ask.plan.output)
        return ask

    def _disabled(self, saver: str) -> PictureError:
        """In weserv's words and order."""
        known = ", ".join(one for one in _MIMES if one in self._options.savers)
        return PictureError(f"Saving to {saver} is disabled. Supported savers: {known}", status=400)

    async def _make(self, ask: ImageAsk, kind: str, client: str) -> _Answer:
        located = self._originals.locate(ask.url)
        if ask.bare:
            return await self._pass(ask, located, kind, client)
        original = located or await self._found(ask.url)
        return await self._made(ask, original, kind, client)

    async def _made(self, ask: ImageAsk, original: Original, kind: str, client: str) -> _Answer:
        key = (original.sha256, variant_name(ask.plan, kind))
        load = (lambda: self._originals.load(original)) if original.path else (lambda: original)
        made, size = await self._variant(ask.plan, kind, key, client, load)
        return self._told(ask, original, made, size, kind, key[1])

    def _told(self, ask: ImageAsk, original: Original, made: Picture, size: int, kind: str, name: str) -> _Answer:
        """Refuses what only now shows to be of a format that is switched off: that of the picture itself."""
        if self._options.savers and made.extension not in self._options.savers:
            raise self._disabled(made.extension)
        return _whole(ask, original, made, size, kind, name)

    async def _pass(self, ask: ImageAsk, located: Original | None, kind: str, client: str) -> _Answer:
        """The bytes as they are kept; what the archive keeps and is small is read right here: a thread costs more."""
        if located is None:
            original = await self._found(ask.url)
        elif self._originals.size(located) <= _READ_AT_ONCE:
            original = self._originals.load(located)
        else:
            original = await self._read(lambda: self._originals.load(located))
        plain = self._plain.get(original.sha256)
        if plain is not None:
            self._plain.move_to_end(original.sha256)
            passed: Picture | None = Picture(body=original.data, content_type=plain[0], extension=plain[1])
        else:
            passed = _passed(original)
        if passed is None:
            return await self._made(ask, original, kind, client)
        if passed.body is original.data:
            self._plain[original.sha256] = (passed.content_type, passed.extension)
            if len(self._plain) > _PLAIN:
                self._plain.popitem(last=False)
        return self._told(ask, original, passed, len(original.data), kind, "0")

    async def _found(self, url: str) -> Original:
        """The loaded picture, asked for once however many wait for it."""
        finding = self._finding.get(url)
        if finding is None:
            finding = asyncio.create_task(self._read(lambda: self._originals.find(url)))
            self._finding[url] = finding
            finding.add_done_callback(lambda _: self._finding.pop(url, None))
        return await asyncio.shield(finding)

    async def _read(self, find: Callable[[], Original]) -> Original:
        return await asyncio.get_running_loop().run_in_executor(self._readers, find)

    def _held(self, sha256: str, name: str) -> tuple[Picture, int] | None:
        """A variant from its file, and the size of the original."""
        held = self._variants.get(sha256, name)
        if held is None:
            return None
        if "." in name:
            extension = name.rpartition(".")[2]
            return Picture(body=held, content_type=_MIMES[extension], extension=extension), 0
        head, _, body = held.partition(b"\n")
        extension, _, size = head.decode().partition(" ")
        return Picture(body=body, content_type=_MIMES[extension], extension=extension), int(size)

    async def _variant(
        self, plan: Transform, kind: str, key: Key, client: str, load: Callable[[], Original]
    ) -> tuple[Picture, int]:
        """From its file, or made once however many wait for it."""
        making = self._making.get(key)
        if making is None:
            held = self._held(*key)
            if held is not None:
                return held
            self._admit(client)
            making = asyncio.create_task(self._render(plan, kind, key, load))
            self._making[key] = making
            making.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(making)

    async def _render(self, plan: Transform, kind: str, key: Key, load: Callable[[], Original]) -> tuple[Picture, int]:
        """Loads, makes and stores in one thread: each change of threads costs as much as a stored hit."""

        def work() -> tuple[Picture, int]:
            data = load().data
            made = self._pool.render(data, plan, kind)
            head = b"" if "." in key[1] else f"{made.extension} {len(data)}\n".encode()
            self._variants.put(*key, head + made.body)
            return made, len(data)

        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _admit(self, client: str) -> None:
        if len(self._making) >= _WAITING:
            raise PictureError("Too many pictures are being made; try again soon", status=503)
        if self._limit.wait_s(network_of(client), time.monotonic()):
            raise PictureError("Too many uncached requests from this address; try again later", status=429)

    def _keep(self, key: tuple[str, str], answer: _Answer) -> None:
        if len(answer.body) > _KEPT_LARGEST or len(key[0]) > 2000:
            return
        old = self._kept.pop(key, None)
        self._bytes += len(answer.body) + 3000 - (len(old.body) + 3000 if old else 0)
        self._kept[key] = answer
        while self._bytes > _KEPT_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.body) + 3000


_MIMES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
    "tiff": "image/tiff",
    "gif": "image/gif",
    "jxl": "image/jxl",
    "json": "application/json",
}
assert _MIMES.keys() == set(OUTPUTS.values()) - {"auto"}


def _passed(original: Original) -> Picture | None:
    """The stored bytes (but the place where it was taken), where browsers show them and they hold no script."""
    info = measure_picture(original.data)
    if info is None or info.format not in _PASSED:
        return None
    return Picture(body=strip_location(original.data), content_type=info.mime, extension=info.extension)


def _type(mime: str, size: int) -> Headers:
    return [(b"content-type", mime.encode()), (b"content-length", str(size).encode()), (b"accept-ranges", b"bytes")]


def _whole(ask: ImageAsk, original: Original, made: Picture, size: int, kind: str, name: str) -> _Answer:
    body, mime = made.body, made.content_type
    if ask.base64:
        body, mime = f"data:{mime};base64,".encode() + base64.b64encode(body), "text/plain"
    headers = [
        *_type(mime, len(body)),
        (b"cache-control", f"public, max-age={ask.max_age_s}".encode()),
        (b"expires", formatdate(time.time() + ask.max_age_s, usegmt=True).encode()),
        (b"x-upstream-response-length", str(size).encode()),
        *_COMMON,
    ]
    if not ask.base64 and made.extension != "json":
        headers.append((b"content-disposition", f"inline; filename={ask.filename}.{made.extension}".encode()))
    if original.canonical and original.canonical.isascii():
        headers.append((b"link", f'<{original.canonical}>; rel="canonical"'.encode()))
    if ask.plan.output == "auto" or kind:
        headers.append((b"vary", b"Accept"))
    tag = f'"{original.sha256[:20]}-{name[:16]}{"b" if ask.base64 else ""}"'
    return _Answer(headers=headers, body=body, etag=tag)


def _failure(error: PictureError, default: str) -> _Answer:
    """weserv's JSON; with `default` a redirect that carries it."""
    body = msgspec.json.encode({"status": "error", "code": error.status, "message": str(error)})
    headers = [*_type("application/json", len(body)), (b"cache-control", b"public, max-age=60"), *_COMMON]
    if error.status in (429, 503):
        headers = [pair for pair in headers if pair[0] != b"cache-control"]
        headers += [(b"retry-after", b"60"), (b"cache-control", b"no-store")]
    if default:
        return _Answer(status=302, headers=[*headers, (b"location", default.encode())], body=body)
    return _Answer(status=error.status, headers=headers, body=body)


class ImageGate:
    """ASGI: answers what is the proxy's, passes everything else on."""

    def __init__(self, app: ASGIApp, site: ImageSite) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path, raw = scope["path"], scope["query_string"]
        variant = _VARIANT.fullmatch(path)
        asked = path in _PATHS and _ASKED.search(raw) is not None
        if not asked and not variant:
            return await self._app(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            answer = _failure(PictureError("Only GET and HEAD are answered", status=405), "")
            return await _send(answer, {}, scope, send)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        client = (scope.get("client") or ("",))[0]
        if variant:
            if int(variant[2]) not in WIDTHS:
                return await self._app(scope, receive, send)
            answer = await self._site.rendition(variant[1], int(variant[2]), variant[3], client)
        else:
            answer = await self._site.answer(_text(raw), headers.get(b"accept", ""), client)
        return await _send(answer, headers, scope, send)


_HIGH = re.compile(rb"[\x80-\xff]")


def _text(query: bytes) -> str:
    """A raw query; bytes that should have been escaped and are no UTF-8 (GBK, mostly) are escaped here."""
    try:
        return query.decode()
    except UnicodeDecodeError:
        return _HIGH.sub(lambda found: b"%%%02X" % found[0][0], query).decode()


async def _send(answer: _Answer, asked: dict[bytes, str], scope: Scope, send: Send) -> None:
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
