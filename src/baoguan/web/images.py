"""weserv's picture API over the archive: `/?url=` and `/images?url=`, and plain renditions under /variants/.

An ASGI layer of its own in front of the pages, because it answers thousands of requests a second from memory. Order of
an answer: what was sent a moment ago, the variant's file, the kept bytes, the origin (where the mode allows it).
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from baoguan.backends.file_cache import FileCache
from baoguan.backends.vips.pool import Picture, RenderPool
from baoguan.errors import PictureError
from baoguan.media.asking import ImageAsk, accepted, default_of, parse_ask, variant_name
from baoguan.media.location import strip_location
from baoguan.media.measure import measure_picture
from baoguan.media.transform import Length, Transform
from baoguan.web.images_answer import COMMON, MIMES, Answer, failure, send_answer, type_headers, whole
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
"""Pictures known to go out as they are: type, ending and size by sha256, so that they are looked through once."""
_PLACES, _LONGEST = 4096, 600
"""Addresses whose place in the archive is remembered, and their characters."""
_WAITING = 64
"""Pictures that may wait for a worker; who comes then is asked to come back."""
_PASSED = frozenset(("jpeg", "png", "gif", "webp", "avif"))
Key = tuple[str, str]
"""sha256 of the original, name of the variant."""


class ImageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings decide."""

    mode: str = "archive"
    savers: tuple[str, ...] = ()
    """Formats that may be asked for; empty: all."""
    secret: bytes = b""
    jobs: int = 2
    warm: bool = False
    """A worker is begun at once, not with the first picture."""
    uncached_a_second: float = 4.2
    """Of one client; 500 at once."""


def sign(secret: bytes, query: str) -> str:
    """The `s` of a query, for mode signed: HMAC-SHA256 in hex over the raw query without its `s`."""
    return hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()


class ImageSite:
    """All that the proxy holds. Its tables are touched by the event loop's thread alone."""

    def __init__(self, originals: Originals, options: ImageOptions, variants: FileCache) -> None:
        self._originals, self._options, self._variants = originals, options, variants
        self._pool = RenderPool(options.jobs)
        if options.warm:
            self._pool.warm()
        self._workers = ThreadPoolExecutor(options.jobs, thread_name_prefix="picture")
        self._readers = ThreadPoolExecutor(8, thread_name_prefix="original")
        self._limit = RateLimit(options.uncached_a_second, 500)
        self._kept: OrderedDict[tuple[str, str], Answer] = OrderedDict()
        self._bytes = 0
        self._making: dict[Key, asyncio.Future[tuple[Picture, int]]] = {}
        self._finding: dict[str, asyncio.Future[Original]] = {}
        self._plain: OrderedDict[str, tuple[str, str, int]] = OrderedDict()
        self._places: OrderedDict[str, Original] = OrderedDict()
        self._state = -1

    def close(self) -> None:
        """Ends workers and threads; nothing may be asked any more."""
        self._readers.shutdown()
        self._workers.shutdown()
        self._pool.close()

    async def answer(self, query: str, accept: str, client: str) -> Answer:
        """To a request in weserv's language; errors are answers too."""
        kind = accepted(accept) if "output=auto" in query else ""
        state, now = self._originals.state(), time.monotonic()
        if state != self._state:
            self._places.clear()
            self._state = state
        found = self._kept.get((query, kind))
        if found is not None and found.state == state and now - found.made_s < _KEPT_S:
            self._kept.move_to_end((query, kind))
            return found
        try:
            ask = self._parsed(query)
            made = await self._make(ask, kind, client)
        except PictureError as error:
            return failure(error, default_of(query) if self._options.mode in ("signed", "open") else "")
        made = msgspec.structs.replace(made, state=state, made_s=now)
        self._keep((query, kind), made)
        return made

    async def rendition(self, sha256: str, width: int, extension: str, client: str) -> Answer:
        """A plain rendition of a kept picture, never wider than it."""
        name = f"{width}.{extension}"
        plan = Transform(w=Length(pixels=width), we=True, output=extension, q=60 if extension == "avif" else 0)
        try:
            made, _ = await self._variant(plan, "", (sha256, name), client, lambda: self._originals.by_hash(sha256))
        except PictureError as error:
            return failure(error, "")
        headers = [
            *type_headers(made.content_type, len(made.body)),
            (b"cache-control", b"public, max-age=31536000, immutable"),
        ]
        return Answer(headers=[*headers, *COMMON], body=made.body, etag=f'"{sha256[:20]}-{name}"')

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
        known = ", ".join(one for one in MIMES if one in self._options.savers)
        return PictureError(f"Saving to {saver} is disabled. Supported savers: {known}", status=400)

    async def _make(self, ask: ImageAsk, kind: str, client: str) -> Answer:
        located = self._located(ask.url)
        if ask.bare:
            return await self._pass(ask, located, kind, client)
        original = located or await self._found(ask.url)
        return await self._made(ask, original, kind, client)

    def _located(self, url: str) -> Original | None:
        """The archive's picture of an address; remembered until the archive changes."""
        if url in self._places:
            self._places.move_to_end(url)
            return self._places[url]
        found = self._originals.locate(url)
        if found is not None and len(url) <= _LONGEST:
            self._places[url] = found
            if len(self._places) > _PLACES:
                self._places.popitem(last=False)
        return found

    async def _made(self, ask: ImageAsk, original: Original, kind: str, client: str) -> Answer:
        key = (original.sha256, variant_name(ask.plan, kind))
        load = (lambda: self._originals.load(original)) if original.path else (lambda: original)
        made, size = await self._variant(ask.plan, kind, key, client, load)
        return self._told(ask, original, made, size, kind, key[1])

    def _told(self, ask: ImageAsk, original: Original, made: Picture, size: int, kind: str, name: str) -> Answer:
        """Refuses what only now shows to be of a format that is switched off: that of the picture itself."""
        if self._options.savers and made.extension not in self._options.savers:
            raise self._disabled(made.extension)
        return whole(ask, original, made, size, kind, name)

    async def _pass(self, ask: ImageAsk, located: Original | None, kind: str, client: str) -> Answer:
        """The bytes as they are kept; what the archive keeps and is small is read right here: a thread costs more."""
        plain = self._plain.get(located.sha256) if located is not None else None
        if located is None:
            original = await self._found(ask.url)
            plain = self._plain.get(original.sha256)
        elif (plain[2] if plain else self._originals.size(located)) <= _READ_AT_ONCE:
            original = self._originals.load(located)
        else:
            original = await self._read(lambda: self._originals.load(located))
        if plain is not None:
            self._plain.move_to_end(original.sha256)
            passed: Picture | None = Picture(body=original.data, content_type=plain[0], extension=plain[1])
        else:
            passed = _passed(original)
        if passed is None:
            return await self._made(ask, original, kind, client)
        if passed.body is original.data:
            self._plain[original.sha256] = (passed.content_type, passed.extension, len(original.data))
            if len(self._plain) > _PLAIN:
                self._plain.popitem(last=False)
        return self._told(ask, original, passed, len(original.data), kind, "0")

    async def _found(self, url: str) -> Original:
        """The loaded picture, asked for once however many wait for it."""
        finding = self._finding.get(url)
        if finding is None:
            finding = self._read(lambda: self._originals.find(url))
            self._finding[url] = finding
            finding.add_done_callback(lambda _: self._finding.pop(url, None))
        return await asyncio.shield(finding)

    def _read(self, find: Callable[[], Original]) -> asyncio.Future[Original]:
        return asyncio.get_running_loop().run_in_executor(self._readers, find)

    def _held(self, sha256: str, name: str) -> tuple[Picture, int] | None:
        """A variant from its file, and the size of the original."""
        held = self._variants.get(sha256, name)
        if held is None:
            return None
        if "." in name:
            extension = name.rpartition(".")[2]
            return Picture(body=held, content_type=MIMES[extension], extension=extension), 0
        head, _, body = held.partition(b"\n")
        extension, _, size = head.decode().partition(" ")
        return Picture(body=body, content_type=MIMES[extension], extension=extension), int(size)

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
            making = self._render(plan, kind, key, load)
            self._making[key] = making
            making.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(making)

    def _render(
        self, plan: Transform, kind: str, key: Key, load: Callable[[], Original]
    ) -> asyncio.Future[tuple[Picture, int]]:
        """Loads, makes and stores in one thread: each change of threads costs as much as a stored hit."""

        def work() -> tuple[Picture, int]:
            data = load().data
            made = self._pool.render(data, plan, kind)
            head = b"" if "." in key[1] else f"{made.extension} {len(data)}\n".encode()
            self._variants.put(*key, head + made.body)
            return made, len(data)

        return asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _admit(self, client: str) -> None:
        if len(self._making) >= _WAITING:
            raise PictureError("Too many pictures are being made; try again soon", status=503)
        if self._limit.wait_s(network_of(client), time.monotonic()):
            raise PictureError("Too many uncached requests from this address; try again later", status=429)

    def _keep(self, key: tuple[str, str], answer: Answer) -> None:
        if len(answer.body) > _KEPT_LARGEST or len(key[0]) > 2000:
            return
        old = self._kept.pop(key, None)
        self._bytes += len(answer.body) + 3000 - (len(old.body) + 3000 if old else 0)
        self._kept[key] = answer
        while self._bytes > _KEPT_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.body) + 3000


def _passed(original: Original) -> Picture | None:
    """The stored bytes (but the place where it was taken), where browsers show them and they hold no script."""
    info = measure_picture(original.data)
    if info is None or info.format not in _PASSED:
        return None
    return Picture(body=strip_location(original.data), content_type=info.mime, extension=info.extension)


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
            answer = failure(PictureError("Only GET and HEAD are answered", status=405), "")
            return await send_answer(answer, {}, scope, send)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        client = (scope.get("client") or ("",))[0]
        if variant:
            if int(variant[2]) not in WIDTHS:
                return await self._app(scope, receive, send)
            answer = await self._site.rendition(variant[1], int(variant[2]), variant[3], client)
        else:
            answer = await self._site.answer(_text(raw), headers.get(b"accept", ""), client)
        return await send_answer(answer, headers, scope, send)


_HIGH = re.compile(rb"[\x80-\xff]")


def _text(query: bytes) -> str:
    """A raw query; bytes that should have been escaped and are no UTF-8 (GBK, mostly) are escaped here."""
    try:
        return query.decode()
    except UnicodeDecodeError:
        return _HIGH.sub(lambda found: b"%%%02X" % found[0][0], query).decode()
