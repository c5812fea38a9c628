"""The reader over the made-up newsroom, asked as an HTTP server would ask it."""

import asyncio
import gzip
from collections.abc import Callable

import msgspec
import pytest
from starlette.types import ASGIApp

from baoguan.web.app import create_app
from baoguan.web.options import WebOptions
from tests.web.sample_reader import NOON, SampleReader, newsroom

NOW_MS = int(NOON.timestamp() * 1000) + 3_600_000


class Answer(msgspec.Struct, frozen=True):
    """What came back; `body` as a client sees it after decompression."""

    status: int
    headers: dict[str, str]
    body: bytes
    wire: int
    """Bytes of the body as sent."""
    cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode()


Ask = Callable[..., Answer]
MakeReader = Callable[..., tuple[SampleReader, Ask]]


def asker(app: ASGIApp) -> Ask:
    """ask(path, method=, **headers): one request through ASGI. `path` is sent as it stands, escapes included."""

    def ask(target: str, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
        from urllib.parse import quote, unquote

        path, _, query = target.partition("?")
        sent = {"host": "reader.example", "accept-encoding": "gzip", **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": quote(query, safe="%=&+<>'\"{}/:;?-").encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8710),
        }
        got: list[dict] = []

        async def receive() -> dict:
            if any(not message.get("more_body") for message in got if message["type"] == "http.response.body"):
                return {"type": "http.disconnect"}
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict) -> None:
            got.append(message)

        asyncio.run(app(scope, receive, send))
        start = got[0]
        pairs = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
        body = b"".join(message.get("body", b"") for message in got[1:])
        fields = dict(pairs)
        plain = gzip.decompress(body) if fields.get("content-encoding") == "gzip" and body else body
        cookies = tuple(value for name, value in pairs if name == "set-cookie")
        return Answer(start["status"], fields, plain, len(body), cookies)

    return ask


@pytest.fixture(scope="session")
def source() -> SampleReader:
    return newsroom(pictures=3)


@pytest.fixture(scope="session")
def ask(source: SampleReader) -> Ask:
    return asker(create_app(source, WebOptions(), now_ms=lambda: NOW_MS))


@pytest.fixture
def reader() -> MakeReader:
    """reader(**options): an empty source and the way to ask a reader over it."""

    def make(**options: object) -> tuple[SampleReader, Ask]:
        empty = SampleReader()
        return empty, asker(create_app(empty, WebOptions(**options), now_ms=lambda: NOW_MS))  # type: ignore[arg-type]

    return make
