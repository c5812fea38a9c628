"""An origin on loopback that answers as a case of the recorded API asks, and a site of the proxy over it."""

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from baoguan.backends.file_cache import FileCache
from baoguan.errors import PictureError
from baoguan.fetch.options import FetchOptions
from baoguan.web.images import ImageGate, ImageOptions, ImageSite
from baoguan.web.images_source import Original, OriginPictures


class Nothing:
    """An archive that holds no picture."""

    def find(self, url: str) -> Original:
        raise PictureError(f"not here: {url}")

    def locate(self, _url: str) -> None:
        return None

    def by_hash(self, sha256: str) -> Original:
        raise PictureError(f"not here: {sha256}")

    def state(self) -> int:
        return 0


class Answer(msgspec.Struct, frozen=True):
    """What the proxy sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        return str(msgspec.json.decode(self.body)["message"])


class Proxy:
    """A proxy in mode open, asked in a loop of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        allow: tuple[str, ...] = (),
        max_bytes: int = 20_000_000,
        timeout_s: float = 10.0,
        **options: Any,
    ) -> None:
        fetch = FetchOptions(
            pace_s=0.0, max_wait_s=0.0, robots=False, allow_networks=allow, picture_bytes=max_bytes, timeout_s=timeout_s
        )
        self.originals = OriginPictures(Nothing(), fetch, FileCache(folder / "origins", 10_000_000))
        self.site = ImageSite(
            self.originals, ImageOptions(**{"mode": "open", **options}), FileCache(folder / "variants", 10_000_000)
        )
        self.gate = ImageGate(_elsewhere, self.site)
        self.loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Ends all that it began."""
        self.site.close()
        self.originals.close()
        self.loop.close()

    def ask(self, query: str, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        """One request."""
        got: list[Any] = []

        async def send(message: Any) -> None:
            got.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        self.loop.run_until_complete(self.gate(scope, receive, send))
        told = {name.decode(): value.decode() for name, value in got[0]["headers"]}
        return Answer(got[0]["status"], told, got[1]["body"])


async def _elsewhere(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"the reader"})


class Origin:
    """Answers the paths of one case; what was asked stands in `asked`."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.routes: dict[str, Any] = {}
        self.asked: list[str] = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                origin.asked.append(self.path)
                time.sleep(origin.routes.get(self.path, {}).get("sleep_s", 0))
                told = origin.routes.get(self.path, {"status": 404, "body": b""})
                status = told.get("status", 200)
                for name, value in told.get("if_header", {}).items():
                    got = self.headers.get(name, "")
                    fits = got.endswith(value[1:-1]) if value.startswith("~") else got == value
                    status = status if fits else told.get("else", 400)
                body = told.get("body", b"")
                self.send_response(status)
                for name in ("location", "content_type", "content_encoding"):
                    if name in told:
                        self.send_header(name.replace("_", "-"), told[name].replace("{origin}", origin.base))
                if told.get("chunked"):
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
                    return
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer((host, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://{host}:{self.server.server_port}"

    def close(self) -> None:
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()
