"""Pages that were made a moment ago, kept as sent: the one cache in front of the whole reader, in bounded memory."""

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BYTES = 32_000_000
"""Of bodies, as sent (compressed where the browser takes it)."""
_LARGEST = 400_000
_PATHS = re.compile(
    r"/(article/[0-9a-f]{16}(/\d{1,6})?|day/[\d-]{10}|outlet/[^/]{1,80}|outlets|about|offline|calendar(/[\d-]{7})?)?"
)
_VARIES = (b"accept-encoding", b"accept-language", b"cookie", b"save-data", b"host")
_HEADERS = 600  # bytes of those headers together: longer ones are not kept
_SIGNED_IN = re.compile(rb"(?:^|;\s*)session=")
"""The cookie of a session: what such a reader sees may be theirs alone."""
_TAG = re.compile(rb'"[\x21\x23-\x7e]*"')


FACTS = "baoguan.facts"
"""In the scope of a request: all that its page tells, to be compared; the page stands as long as this does."""


class _Kept(msgspec.Struct):
    state: Hashable
    facts: object
    headers: list[tuple[bytes, bytes]]
    body: bytes
    etag: bytes


class KeptPages:
    """ASGI: answers GET of a kept page without the application, while `state()` is what it was when it was made.

    Where it isn't, a page that left its FACTS stands as long as `facts(path)` says the same: after a batch of the log
    an article is asked about for a tenth of what its page costs, and made anew only if it is another one.
    Runs in the event loop's thread alone, so nothing is locked. Pages with Set-Cookie or another status than 200 pass,
    and so does whoever is signed in.
    """

    def __init__(
        self,
        app: ASGIApp,
        state: Callable[[], Hashable],
        *,
        facts: Callable[[str], object] = lambda _path: None,
        limit_bytes: int = BYTES,
    ) -> None:
        self._app, self._state, self._facts, self._limit = app, state, facts, limit_bytes
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            return await self._app(scope, receive, send)
        state = self._state()
        found = self._kept.get(key)
        if found is not None and self._stands(found, scope["path"], state):
            self._kept.move_to_end(key)
            return await _answer(found, scope, send)
        self._drop(key)
        made = _Maker(send)
        await self._app(scope, receive, made)
        if made.headers is not None and made.whole and len(made.body) <= _LARGEST:
            etag = dict(made.headers).get(b"etag", b"")
            self._keep(key, _Kept(state, scope.get(FACTS), made.headers, made.body, etag))
        return None

    def _stands(self, page: _Kept, path: str, state: Hashable) -> bool:
        if page.state == state:
            return True
        if page.facts is None or self._facts(path) != page.facts:
            return False
        page.state = state
        return True

    def _keep(self, key: Hashable, page: _Kept) -> None:
        self._drop(key)
        self._kept[key] = page
        self._bytes += len(page.body) + 2000
        while self._bytes > self._limit:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.body) + 2000

    def _drop(self, key: Hashable) -> None:
        old = self._kept.pop(key, None)
        self._bytes -= len(old.body) + 2000 if old else 0


class _Maker:
    """Passes an answer on and keeps a copy of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.headers: list[tuple[bytes, bytes]] | None = None
        self.body = b""
        self.whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if message["status"] == 200 and not any(name == b"set-cookie" for name, _ in headers):
                self.headers = headers
        elif self.headers is not None and not self.body:
            self.body = message.get("body", b"")
            self.whole = not message.get("more_body", False)
        await self._send(message)


def _key(scope: Scope) -> Hashable | None:
    if scope["type"] != "http" or scope["method"] != "GET" or not _PATHS.fullmatch(scope["path"]):
        return None
    varied = tuple((name, value) for name, value in scope["headers"] if name in _VARIES)
    query = scope["query_string"]
    if any(
        name == b"authorization" or (name == b"cookie" and _SIGNED_IN.search(value)) for name, value in scope["headers"]
    ):
        return None
    if len(query) > 200 or sum(len(value) for _, value in varied) > _HEADERS:
        return None
    return scope["scheme"], scope["path"], query, varied


async def _answer(page: _Kept, scope: Scope, send: Send) -> None:
    asked = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
    status, headers, body = 200, page.headers, page.body
    if asked and page.etag and (asked.strip() == b"*" or page.etag.removeprefix(b"W/") in _TAG.findall(asked[:4000])):
        plain = (b"content-length", b"content-encoding", b"content-type")
        status, headers, body = 304, [pair for pair in headers if pair[0] not in plain], b""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
