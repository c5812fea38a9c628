"""Takes the pictures of docs/img: the reader over a made-up newsroom, in Debian's chromium, as compressed WebP.

Needs `chromium` and CJK fonts (apt-get install chromium fonts-noto-cjk). Asks nothing but the reader on loopback.
`./run bench screenshots [FOLDER]`; `--all` takes every page in both widths and schemes, to be looked at.
"""

import asyncio
import base64
import io
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from PIL import Image
from starlette.types import ASGIApp

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MAX_BYTES = 200_000
SETTLE_S = 1.2
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
Shot = tuple[str, str, int, int, bool]
# name, path, width, height, dark
DOCS: list[Shot] = [
    ("front-zh", "/?lang=zh-Hans", 1280, 1100, False),
    ("article-zh-dark", "ARTICLE?lang=zh-Hans", 390, 1300, True),
    ("account-zh", "/my?folder=%E6%97%A9%E6%8A%A5&lang=zh-Hans", 390, 1300, False),
    ("front-ja", "/day/2026-03-14?by=outlet&lang=ja", 390, 1300, False),
]


def main() -> None:
    """Writes the pictures, and says how large each is."""
    every = "--all" in sys.argv
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    folder = Path(names[0]) if names else ROOT / "docs" / "img"
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("screenshots: chromium is missing; apt-get install chromium fonts-noto-cjk")
    address, article = _serve()
    shots = _everything() if every else [shot for shot in DOCS if not shot[1].startswith("/my")]
    asyncio.run(_take(chromium, folder, address, article, shots))
    shots = _everything_of_an_account() if every else [shot for shot in DOCS if shot[1].startswith("/my")]
    with tempfile.TemporaryDirectory() as scratch, _serve_account(Path(scratch) / "archive") as (address, session):
        asyncio.run(_take(chromium, folder, address, "", shots, session))


async def _take(chromium: str, folder: Path, address: str, article: str, shots: list[Shot], session: str = "") -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        async with Browser(chromium, profile) as browser:
            if session:
                await browser.call("Network.setCookie", name="session", value=session, url=address)
            for name, path, width, height, dark in shots:
                url = address.rstrip("/") + path.replace("ARTICLE", f"/article/{article}")
                png, measured = await browser.shoot(url, width, height, dark=dark)
                target = folder / f"{name}.webp"
                target.write_bytes(_compress(png))
                print(f"{target.name} {target.stat().st_size} bytes {measured}")
            foreign = [url for url in browser.requests if not url.startswith((address, "about:", "data:"))]
            print(f"requests {len(browser.requests)}, to other hosts {len(foreign)} {foreign[:3]}")


def _everything() -> list[Shot]:
    pages = {
        "front": "/",
        "outlets": "/outlets",
        "outlet": "/outlet/haibin",
        "article": "ARTICLE",
        "status": "/status",
        "about": "/about",
        "old": "ARTICLE/0",
    }
    return [
        (f"{page}-{lang}-{width}-{'dark' if dark else 'light'}", f"{path}?lang={lang}", width, 1500, dark)
        for page, path in pages.items()
        for lang in ("zh-Hans", "ja")
        for width in (320, 390, 1280)
        for dark in (False, True)
    ]


def _everything_of_an_account() -> list[Shot]:
    pages = {
        "my": "/my?",
        "my-folder": "/my?folder=%E6%97%A9%E6%8A%A5&",
        "my-feeds": "/my/feeds?",
        "my-feed": "/my/feed/bbc?",
        "my-filters": "/my/filters?",
        "my-account": "/my/account?",
        "my-front": "/?",
        "my-settings": "/settings?",
    }
    return [
        (f"{page}-{lang}-{width}-{'dark' if dark else 'light'}", f"{path}lang={lang}", width, 1500, dark)
        for page, path in pages.items()
        for lang in ("zh-Hans", "ja")
        for width in (320, 390, 1280)
        for dark in (False, True)
    ]


def _account_archive(folder: Path) -> str:
    """An archive of the fake newsroom with an account that has folders, a filter and two apps; a session of it."""
    from baoguan import config
    from baoguan.app import OutletEntry, create_archive, open_desk
    from baoguan.indexing import index_new
    from baoguan.ingest import sync
    from baoguan.web.accounts_login import Doorkeeper
    from baoguan.web.accounts_store import open_accounts
    from newsroom import Newsroom

    with Newsroom() as room:
        entries = [
            OutletEntry(key=key, name=desk.name, home=room.url(key), feeds=(room.feed_url(key),))
            for key, desk in room.desks.items()
        ]
        fetch = {"allow_networks": ["127.0.0.0/8"], "pace_s": 0.0, "min_free_mb": 1}
        create_archive(folder, origin="news.example/log", entries=entries, fetch=fetch)
        with open_desk(folder, durable=False) as desk:
            sync(desk)
            index_new(desk)
            accounts = open_accounts(folder, config.load(config.read_file(folder)))
            door = Doorkeeper(accounts, desk.clock, desk.entropy)
            user = door.add("lin", "a lamp in the tower")
            door.app_password(user, "newsboat")
            door.app_password(user, "Reeder")
            feeds = [("feed", key, '{"folder":"早报"}'.encode()) for key in list(room.desks)[:3]]
            filters = ("set", "filters", '[{"name":"体育","query":"title:足球","action":"hide"}]'.encode())
            accounts.put(user.id, [*feeds, filters])
            session = door.issue(user, "session")
            accounts.close()
    return session


@contextmanager
def _serve_account(folder: Path) -> Iterator[tuple[str, str]]:
    """That archive, served; its address and the session."""
    from baoguan.app import open_desk
    from baoguan.web.desk_source import open_reader

    session = _account_archive(folder)
    with open_desk(folder) as desk:
        yield _run(open_reader(desk)), session


def _serve() -> tuple[str, str]:
    from baoguan.web.app import WebOptions, create_app
    from tests.web.sample_reader import NOON, newsroom

    source = newsroom()
    now_ms = int(NOON.timestamp() * 1000) + 10_000_000
    app = create_app(source, WebOptions(), now_ms=lambda: now_ms)
    return _run(app), next(iter(source.history))


def _run(app: ASGIApp) -> str:
    from baoguan.web.serve import serve

    ready: list[str] = []
    started = threading.Event()

    def on_ready(address: str) -> None:
        ready.append(address)
        started.set()

    threading.Thread(target=serve, args=(app, "127.0.0.1", 0), kwargs={"on_ready": on_ready}, daemon=True).start()
    started.wait(10)
    return ready[0]


class Browser:
    """A headless chromium, driven over its DevTools socket: widths below 500 px and the dark scheme need it."""

    def __init__(self, chromium: str, profile: str) -> None:
        self._command = [chromium, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
        self._profile = Path(profile)
        self._count = 0
        self.requests: list[str] = []

    async def __aenter__(self) -> "Browser":
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        port_file = self._profile / "DevToolsActivePort"
        for _ in range(200):
            if port_file.exists() and port_file.read_text().strip():
                break
            await asyncio.sleep(0.1)
        port = port_file.read_text().split()[0]
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as reply:
            target = next(row for row in await reply.json(content_type=None) if row["type"] == "page")
        self._socket = await self._session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        for domain in ("Page", "Network", "Runtime"):
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._session.close()
        self._process.terminate()
        await self._process.wait()

    async def call(self, method: str, **params: object) -> dict:
        """One command and its result; requests seen meanwhile are kept in `requests`."""
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json(timeout=60)
            self._note(message)
            if message.get("id") == self._count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def _note(self, message: dict) -> None:
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])

    async def shoot(self, url: str, width: int, height: int, *, dark: bool) -> tuple[bytes, dict]:
        """A PNG of the page's top and what it measures: layout shift, overflow."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.call("Page.navigate", url=url)
        await asyncio.sleep(SETTLE_S)
        measured = await self.call("Runtime.evaluate", expression=MEASURE, awaitPromise=True, returnByValue=True)
        shot = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"]), measured["result"].get("value", {})


MEASURE = """new Promise(done => {
  let shift = 0;
  const seen = list => list.getEntries().forEach(entry => shift += entry.value);
  new PerformanceObserver(seen).observe({type: 'layout-shift', buffered: true});
  setTimeout(() => done({shift, overflow: document.documentElement.scrollWidth - innerWidth}), 300);
})"""


def _compress(png: bytes) -> bytes:
    image = Image.open(io.BytesIO(png))
    for quality in (86, 74, 60, 45):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        if out.tell() < MAX_BYTES:
            break
    return out.getvalue()


if __name__ == "__main__":
    main()
