"""Through a real SOCKS5 server and a real HTTP proxy on loopback, both a few lines of asyncio."""

import asyncio
import socket
import struct
import threading

import pytest

from baoguan.model.capture import FetchRequest


class Proxy:
    """Either kind, on a thread; remembers the targets as the client named them, and leads all to one port."""

    def __init__(self, kind, to_port):
        self.targets = []
        self._to_port = to_port
        self._loop = asyncio.new_event_loop()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._serve = {"socks5": self._socks, "http": self._http}[kind]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._guarded, sock=self._socket))
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _guarded(self, reader, writer):
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _socks(self, reader, writer):
        _, count = await reader.readexactly(2)
        await reader.readexactly(count)
        writer.write(b"\x05\x00")
        *_, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = socket.inet_ntoa(await reader.readexactly(4))
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        self.targets.append((host, port))
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await self._pipe(reader, writer, b"")

    async def _http(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        method, url, version = line.split()
        host, _, path = url.removeprefix(b"http://").partition(b"/")
        self.targets.append((host.decode().partition(":")[0], method.decode()))
        await self._pipe(reader, writer, b"%b /%b %b\r\n%b" % (method, path, version, rest))

    async def _pipe(self, reader, writer, first):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.2", self._to_port)
        far_writer.write(first)

        async def copy(source, sink):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
            sink.close()

        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


@pytest.fixture(params=["socks5", "http"])
def proxy(request, room):
    opened = Proxy(request.param, room.port)
    opened.url = f"{request.param}://127.0.0.1:{opened.port}"
    yield opened
    opened.close()


def test_names_are_looked_up_by_the_proxy(room, proxy, open_fetcher):
    fetcher = open_fetcher(proxies={"": proxy.url}, allow_networks=())
    result = fetcher.fetch(FetchRequest(url="http://news.invalid/dw/feed.xml", kind="feed"))
    assert result.error == ""
    assert result.response.status == 200
    assert result.response.body.startswith(b"<?xml")
    assert [target[0] for target in proxy.targets] == ["news.invalid"]


def test_private_targets_are_refused_behind_a_proxy_too(room, proxy, open_fetcher):
    fetcher = open_fetcher(proxies={"": proxy.url}, allow_networks=())
    for host in ("10.0.0.1", "localhost", "[::1]", "127.1", "router.lan", "metadata.google.internal"):
        assert fetcher.fetch(FetchRequest(url=f"http://{host}/", kind="feed")).error_kind == "address", host
    assert proxy.targets == []


def test_a_proxy_for_one_outlet_alone(room, proxy, open_fetcher):
    fetcher = open_fetcher(proxies={"dw-zh": proxy.url})
    assert fetcher.fetch(FetchRequest(url=room.feed_url("rfi"), kind="feed", outlet="rfi-zh")).response.status == 200
    assert proxy.targets == []
    assert fetcher.fetch(FetchRequest(url=room.feed_url("dw"), kind="feed", outlet="dw-zh")).response.status == 200
    assert len(proxy.targets) == 1


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_a_dead_proxy_says_so(open_fetcher, kind):
    fetcher = open_fetcher(proxies={"": f"{kind}://user:secret@127.0.0.1:39998"})
    result = fetcher.fetch(FetchRequest(url="http://news.invalid/", kind="feed"))
    assert result.error_kind == "proxy"
    assert "secret" not in result.error
