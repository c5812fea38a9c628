"""`baoguan.open`: the same calls give the same on a folder and on a server; what a server can do wrong is one error."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import baoguan
from baoguan.errors import ConfigError, FetchError, NotFound, Withdrawn
from tests.api.conftest import Site
from tests.typing.api_calls import calls


def test_every_call_is_the_same_on_a_folder_and_on_a_server(site: Site) -> None:
    with site.house.open():  # another process may have it open
        on_folder, on_server = calls(site.house.folder), calls(site.url)
    assert len(on_folder) > 50
    assert on_folder == on_server


def test_pictures_come_by_their_path(site: Site) -> None:
    with baoguan.open(site.house.folder) as folder, baoguan.open(site.url) as server:
        lead = next(one.lead for one in baoguan.walk(folder.articles) if one.lead)
        assert folder.picture(lead) == server.picture(lead) != b""
        for reader in (folder, server):
            for path in ("checkpoint", "media/aa/none.jpg", "../private/key", "media/../checkpoint"):
                with pytest.raises(NotFound):
                    reader.picture(path)


@pytest.mark.parametrize("place", ["folder", "server"])
def test_errors_are_the_same(site: Site, place: str) -> None:
    with baoguan.open(site.house.folder if place == "folder" else site.url) as reader:
        with pytest.raises(Withdrawn, match="court"):
            reader.article(site.withdrawn)
        with pytest.raises(NotFound):
            reader.article("0" * 16)
        with pytest.raises(NotFound):
            reader.change(0)
        with pytest.raises(ConfigError, match="order"):
            reader.articles(order="best")
        with pytest.raises(ConfigError, match="cursor"):
            reader.articles(cursor="nonsense")
        with pytest.raises(ConfigError, match="limit"):
            reader.articles(limit=0)
        with pytest.raises(ConfigError, match="kind"):
            reader.changes(kind="best")


def test_what_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"baoguan\.toml"):
        baoguan.open(tmp_path)
    with pytest.raises(FetchError, match=r"127\.0\.0\.1:1"):
        baoguan.open("http://127.0.0.1:1/")
    with pytest.raises(AttributeError):
        baoguan.nothing  # noqa: B018


@contextmanager
def serving(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _say(status: int, body: bytes = b"", **headers: str) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def _bomb() -> bytes:
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(300)) + packer.flush()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_say(200, b"<html>no JSON"), "encoding"),
        (_say(200, b"{}"), "encoding"),
        (_say(404, b"nginx"), "status"),
        (_say(500), "status"),
        (_say(302, Location="http://127.0.0.2:1/elsewhere"), "redirects"),
        (_say(200, b"{}", Content_Length="1000"), "reset"),
        (_say(200, b"no gzip", Content_Encoding="gzip"), "reset"),
        (_say(200, _bomb(), Content_Encoding="gzip"), "size"),
    ],
    ids=["html", "other", "404", "500", "elsewhere", "cut", "no-gzip", "bomb"],
)
def test_a_server_that_is_something_else(
    answer: Callable[[http.server.BaseHTTPRequestHandler], None], kind: str
) -> None:
    with serving(answer) as url:
        with pytest.raises(FetchError) as caught:
            baoguan.open(url, timeout_s=10)
        assert caught.value.kind == kind
        assert "\n" not in str(caught.value)


def test_a_busy_server_is_waited_for(site: Site) -> None:
    asked: list[str] = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        if len(asked) == 1:
            _say(429, b"{}", Retry_After="1")(handler)
        else:
            with baoguan.open(site.house.folder) as reader:
                import msgspec

                _say(200, msgspec.json.encode(reader.archive()))(handler)

    with serving(answer) as url, baoguan.open(url):
        assert len(asked) == 2
