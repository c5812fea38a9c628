"""A site on loopback whose pictures have renditions, fail as told, and are counted."""

import io
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image, ImageDraw

from baoguan.app import OutletEntry, create_archive

GRAMMAR = """key = "site"
name = "Site"
language = "en"
[[pictures]]
host = "127.0.0.1"
photo = '(?i)/(?P<id>[0-9a-f]{8})(?:_(?:w(?P<width>\\d+)|(?P<crop>cx\\d+)|[a-z]+))*\\.(?P<ext>jpg|png)$'
key = "{id}"
largest = ["{id}.{ext}", "{id}_w1200.{ext}"]
"""


def drawn(seed: int, size: tuple[int, int] = (320, 200), kind: str = "JPEG") -> bytes:
    """A made-up picture; every seed another one."""
    image = Image.new("RGB", size, ((seed * 53) % 256, (seed * 97) % 256, (seed * 29) % 256))
    draw = ImageDraw.Draw(image)
    for place in range(6):
        x, y = (seed * 37 + place * 71) % size[0], (seed * 61 + place * 43) % size[1]
        draw.ellipse((x - 40, y - 25, x + 40, y + 25), fill=((place * 40) % 256, (seed * 11 + place * 30) % 256, 90))
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 85} if kind == "JPEG" else {}))
    return out.getvalue()


class PictureSite:
    """Answers by path: bytes, or a status; anything else is 404."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | int] = {}
        self.asked: list[str] = []
        self.items: list[str] = []
        self.down = False
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/feed.xml":
                    site.asked.append(self.path)
                told = site.feed() if self.path == "/feed.xml" else site.files.get(self.path, 404)
                status = told if isinstance(told, int) else 200
                body = b"no" if isinstance(told, int) else told
                if site.down:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "text/xml" if self.path == "/feed.xml" else "image/jpeg")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()

    def publish(self, title: str, *pictures: str, caption: str = "", credit: str = "") -> None:
        """An item whose whole text stands in the feed, with pictures by path (or whole address)."""
        figures = "".join(
            f'<figure><img src="{path if "://" in path else self.base + path}" alt="">'
            f"<figcaption>{escape(caption or title)} {escape(credit)}</figcaption></figure>"
            for path in pictures
        )
        text = (
            f"{figures}<p>{title}: "
            + "The quay was repaired before the winter came, and the ferry runs again. " * 8
            + "</p>"
        )
        at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=len(self.items))
        self.items.append(
            f'<item><title>{escape(title)}</title><guid isPermaLink="false">{escape(title)}</guid>'
            f"<pubDate>{format_datetime(at)}</pubDate><description>{escape(text)}</description></item>"
        )

    def feed(self) -> bytes:
        """RSS of what was published."""
        inner = "".join(self.items)
        return (
            f"<rss version='2.0'><channel><title>Site</title><link>{self.base}</link>{inner}</channel></rss>".encode()
        )

    def archive(self, folder: Path, *keys: str) -> Path:
        """An archive that polls this site, as one outlet or several."""
        keys = keys or ("site",)
        entries = [
            OutletEntry(key=key, name=key, home=self.base, feeds=(f"{self.base}/feed.xml",) if key == keys[0] else ())
            for key in keys
        ]
        fetch = {"allow_networks": ["127.0.0.0/8"], "pace_s": 0.0, "min_free_mb": 1, "pages": False}
        create_archive(folder, origin="test/pictures", entries=entries, fetch=fetch)
        (folder / "outlets").mkdir()
        (folder / "outlets" / "site.toml").write_text(GRAMMAR, "utf-8")
        return folder
