"""How many bytes the reader's pages have on the wire: every article and every list, without their pictures.

`./run bench pages [SOURCE]` imports an ancestors' tree (by default the 64,542 articles) and asks the application
itself, as a browser that takes gzip does. By kind of page: how many, median, 99th percentile, the largest, and how
many are within 14 kB, what a server may send before it hears from the browser again. Then where the larger ones go.
"""

import argparse
import asyncio
import gzip
import re
import statistics
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import brotli
from isal import igzip

from bench import SHARED

BUDGET = 14_336
_NEXT = re.compile(r'<a href="(/[^"]*)" rel="next">')
SEARCHES = ("中国", "经济", "title:香港", "has:picture 美国", "疫情 OR 病毒", "NATO", "習近平", "新闻")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path, default=SHARED / "data" / "records" / "waimei-64542.tar.zst")
    parser.add_argument("--every", type=int, default=1, help="only each so many-th article")
    parser.add_argument("--lang", default="zh-Hans")
    parser.add_argument("--archive", type=Path, help="an archive that was made of the source before")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = options.archive or Path(name) / "archive"
        if not (folder / "baoguan.toml").exists():
            _import(folder, options.source)
        _measure(folder, options.every, options.lang)


def _import(folder: Path, source: Path) -> None:
    from baoguan.app import create_archive, open_desk
    from baoguan.importing import import_path
    from baoguan.indexing import index_new

    create_archive(folder, origin="bench.example/log")
    with open_desk(folder, durable=False) as desk:
        import_path(desk, source)
        index_new(desk)


def _measure(folder: Path, every: int, lang: str) -> None:
    from baoguan.app import open_desk
    from baoguan.web.desk_source import open_reader

    with open_desk(folder) as desk:
        app = open_reader(desk)
        ask = Asker(app, lang)
        print(f"{'kind':<34} {'pages':>7} {'median':>7} {'p99':>7} {'largest':>8} {'within 14 kB':>13}")
        ids = [row.id for row in desk.catalog.articles(limit=10**7)][::every]
        large = ask.table("articles", (f"/article/{one}" for one in ids))
        outlets = [row.key for row in ask.outlets(desk)]
        large_lists = ask.table("days, all their pages", ask.walk("/"))
        large_lists += ask.table("outlets, all their pages", (p for key in outlets for p in ask.walk(f"/outlet/{key}")))
        large_lists += ask.table("searches", (f"/search?q={quote_plus(text)}" for text in SEARCHES))
        large_lists += ask.table(
            "calendar, outlets, about, settings", iter(("/calendar", "/outlets", "/about", "/settings"))
        )
        print()
        _where(large)
        for path, size, _ in sorted(large_lists, key=lambda one: -one[1])[:5]:
            print(f"{size:>7} {path}")


class Asker:
    """Asks an ASGI application for pages, in one loop."""

    def __init__(self, app: Any, lang: str) -> None:
        self._app = app
        self._headers = [
            (b"host", b"bench.example"), (b"accept-encoding", b"gzip"), (b"accept-language", lang.encode())
        ]  # fmt: skip
        self._loop = asyncio.new_event_loop()

    def get(self, target: str) -> tuple[int, bytes]:
        """(status, body as sent)"""
        return self._loop.run_until_complete(self._get(target))

    async def _get(self, target: str) -> tuple[int, bytes]:
        path, _, query = target.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": self._headers, "client": (f"127.0.{hash(target) % 250}.1", 1), "server": ("127.0.0.1", 1),
        }  # fmt: skip
        got: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            got.append(message)

        await self._app(scope, receive, send)
        return got[0]["status"], b"".join(message.get("body", b"") for message in got[1:])

    def outlets(self, desk: Any) -> Any:
        """Of the archive."""
        from baoguan.web.desk_source import DeskSource

        return DeskSource(desk).outlets()

    def walk(self, path: str) -> Iterator[str]:
        """A list and those that follow it: older pages of a day, then the days before."""
        seen: set[str] = set()
        waiting = [path]
        while waiting and len(seen) < 5000:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            yield path
            html = plain(self.get(path)[1])
            waiting += [one.replace("&amp;", "&") for one in _NEXT.findall(html)]
            waiting += re.findall(r'<a href="(/day/[\d-]{10})" rel="prev">', html)

    def table(self, kind: str, paths: Iterator[str]) -> list[tuple[str, int, bytes]]:
        """Prints a line; the pages over the budget as (path, bytes as sent, body)."""
        sizes: list[int] = []
        large: list[tuple[str, int, bytes]] = []
        for path in paths:
            status, body = self.get(path)
            if status == 429:
                raise SystemExit(f"bench pages: {path} was refused")
            if status != 200:
                continue
            sizes.append(len(body))
            if len(body) > BUDGET:
                large.append((path, len(body), body))
        sizes.sort()
        last = sizes[min(len(sizes) - 1, len(sizes) * 99 // 100)]
        within = sum(size <= BUDGET for size in sizes) / len(sizes)
        print(
            f"{kind:<34} {len(sizes):>7} {statistics.median(sizes):>7.0f} {last:>7} {sizes[-1]:>8} {within:>12.2%}",
            flush=True,
        )
        return large


def plain(body: bytes) -> str:
    """A page as a browser reads it."""
    return (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()


def _where(large: list[tuple[str, int, bytes]]) -> None:
    """What the large ones are: characters of text, text alone compressed, and what other compressors make of them."""
    if not large:
        return
    pages = [plain(body) for _, _, body in large]
    bodies = [
        found[1] if (found := re.search(r'<div class="body".*?>(.*?)</div>\n<section', page, re.S)) else ""
        for page in pages
    ]
    texts = [re.sub(r"<[^>]*>", "", body).encode() for body in bodies]
    print(f"{len(large)} articles over 14 kB, median of each:")
    rows: dict[str, list[int]] = {
        "as sent": [size for _, size, _ in large],
        "characters of text": [len(text.decode()) for text in texts],
        "text alone, zlib 9": [len(zlib.compress(text, 9)) for text in texts],
        "pictures": [body.count("<img") for body in bodies],
        "links": [body.count("<a ") for body in bodies],
        "body's tags alone, zlib 9": [
            len(zlib.compress("".join(re.findall(r"<[^>]*>", body)).encode(), 9)) for body in bodies
        ],
    }  # fmt: skip
    makers = {
        "isal 3": lambda data: igzip.compress(data, 3),
        "zlib 6": lambda data: gzip.compress(data, 6),
        "zlib 9": lambda data: gzip.compress(data, 9),
        "brotli 5": lambda data: brotli.compress(data, quality=5),
        "brotli 9": lambda data: brotli.compress(data, quality=9),
    }
    for name, make in makers.items():
        rows[name] = [len(make(page.encode())) for page in pages]
    for name, values in rows.items():
        within = f"   {sum(value <= BUDGET for value in values)} within" if name in makers else ""
        print(f"  {name:<38} {statistics.median(values):>9.0f}{within}")


if __name__ == "__main__":
    main()
