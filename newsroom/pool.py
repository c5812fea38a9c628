"""Many cheap feeds over 127.0.0.0/8 for benches: `python -m newsroom.pool --feeds 2000 --changed 0.01`.

Feed N lives on an address of its own, 127.1.x.y, `http://127.1.x.y:PORT/feed/N.xml`. It listens on all addresses, since
thousands of sockets are too many, and closes whatever does not come from and to 127.0.0.0/8. A raw protocol with
answers made beforehand: it costs about 40 microseconds a request. A line `next` on standard input begins the next
round: `--changed` of the feeds get one new item; `gaps` prints the shortest pauses between two requests to one address.
End of input ends it.
"""

import argparse
import asyncio
import json
import re
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

START = datetime(2026, 9, 1, tzinfo=UTC)
_PATH = re.compile(rb"GET /feed/(\d+)\.xml ")
_TAG = re.compile(rb"\r\nif-none-match: ?([^\r]+)", re.IGNORECASE)
_TEXT = "这是压力测试用的虚构新闻，讲一座不存在的城市里一件没有发生的事。" * 4


class Pool:
    """The feeds and their rounds. `urls` once `open` was called."""

    def __init__(self, feeds: int, changed: float, items: int = 20, hosts: int = 0) -> None:
        self.feeds, self.changed, self.items = feeds, changed, items
        self.hosts = hosts or feeds
        """Addresses that share the feeds."""
        self.asked: dict[str, list[float]] = {}
        """When each address was asked (monotonic seconds)."""
        self.slow_s = 0.0
        """Until an answer."""
        self.round = 0
        self.port = 0
        self.requests = self.unchanged = 0
        self._answers: dict[tuple[int, int], tuple[bytes, bytes, bytes]] = {}

    def urls(self) -> list[str]:
        """The address of every feed."""
        return [f"http://{self.host(n)}:{self.port}/feed/{n}.xml" for n in range(self.feeds)]

    def host(self, feed: int) -> str:
        """The address of a feed."""
        place = feed % self.hosts
        return f"127.1.{place // 250}.{place % 250 + 1}"

    def gaps(self) -> list[float]:
        """Seconds between two requests to one address, shortest first."""
        return sorted(later - at for times in self.asked.values() for at, later in pairwise(sorted(times)))

    def version(self, feed: int) -> int:
        """How often a feed has changed so far: in every round another slice of them does."""
        share = max(1, round(self.feeds * self.changed)) if self.changed > 0 else 0
        if not share:
            return 0
        slices = -(-self.feeds // share)
        own = feed // share
        return sum(1 for number in range(1, self.round + 1) if (number - 1) % slices == own)

    def answer(self, head: bytes) -> bytes:
        """The whole answer to one request head."""
        self.requests += 1
        match = _PATH.match(head)
        if match is None or int(match[1]) >= self.feeds:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        feed = int(match[1])
        tag, full, short = self._made(feed, self.version(feed))
        known = _TAG.search(head)
        if known is not None and known[1].strip() == tag:
            self.unchanged += 1
            return short
        return full

    def _made(self, feed: int, version: int) -> tuple[bytes, bytes, bytes]:
        made = self._answers.get((feed, version))
        if made is None:
            tag = f'"{feed}-{version}"'.encode()
            body = self._document(feed, version).encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: %b\r\nContent-Length: %d\r\n\r\n"
            short = b"HTTP/1.1 304 Not Modified\r\nETag: %b\r\n\r\n" % tag
            made = self._answers[(feed, version)] = (tag, head % (tag, len(body)) + body, short)
        return made

    def _document(self, feed: int, version: int) -> str:
        items = []
        for number in range(version + self.items - 1, version - 1, -1):
            date = format_datetime(START + timedelta(hours=number), usegmt=True)
            items.append(
                f"<item><title>第{feed}号源的第{number}条新闻</title><guid isPermaLink='false'>{feed}-{number}</guid>"
                f"<link>http://{self.host(feed)}:{self.port}/page/{feed}/{number}</link>"
                f"<pubDate>{date}</pubDate><description>{_TEXT}</description></item>"
            )
        title = f"<title>源{feed}</title><link>http://{self.host(feed)}:{self.port}/</link>"
        return f'<?xml version="1.0"?><rss version="2.0"><channel>{title}{"".join(items)}</channel></rss>'


class _Protocol(asyncio.Protocol):
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        ends = (transport.get_extra_info("peername"), transport.get_extra_info("sockname"))
        self.host = ends[1][0] if ends[1] else ""
        if not all(end and end[0].startswith("127.") for end in ends):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while True:
            head, mark, rest = self.seen.partition(b"\r\n\r\n")
            if not mark:
                if len(head) > 65_536:
                    self.transport.abort()
                return
            self.seen = rest
            self.pool.asked.setdefault(self.host, []).append(time.monotonic())
            last = b"connection: close" in head.lower()
            if self.pool.slow_s:
                asyncio.get_running_loop().call_later(self.pool.slow_s, self.answer, head, last)
            else:
                self.answer(head, last)
            if last:
                return

    def answer(self, head: bytes, last: bool) -> None:
        """At once, or after a while."""
        self.transport.write(self.pool.answer(head))
        if last:
            self.transport.close()


async def open_pool(pool: Pool, port: int = 0) -> asyncio.Server:
    """Starts to listen; `pool.port` is known then."""
    listening = socket.create_server(("0.0.0.0", port), backlog=1024)
    pool.port = listening.getsockname()[1]
    return await asyncio.get_running_loop().create_server(lambda: _Protocol(pool), sock=listening)


async def _serve(pool: Pool, port: int) -> None:
    server = await open_pool(pool, port)
    print(f"port {pool.port}", flush=True)
    async with server:
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "next":
                pool.round += 1
            if line.strip() == "gaps":
                print(json.dumps(pool.gaps()[:100]), flush=True)
                continue
            print(f"round {pool.round} requests {pool.requests} unchanged {pool.unchanged}", flush=True)


def main() -> None:
    """Prints `port N`, then a line for every line read."""
    parser = argparse.ArgumentParser(prog="python -m newsroom.pool")
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument("--changed", type=float, default=0.01, help="share of feeds that change in a round")
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--hosts", type=int, default=0, help="addresses that share the feeds; 0: each has its own")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--slow", type=float, default=0.0, help="seconds until an answer")
    args = parser.parse_args()
    pool = Pool(args.feeds, args.changed, args.items, args.hosts)
    pool.slow_s = args.slow
    asyncio.run(_serve(pool, args.port))


if __name__ == "__main__":
    main()
