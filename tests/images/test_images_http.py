"""What weserv answers over HTTP: addresses go out as they came in, redirects, time limits, headers, wrong words."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from image_origin import Origin, Proxy

from baoguan.web.images import _text

pytest.importorskip("pyvips")
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


@pytest.fixture
def origin() -> Iterator[Origin]:
    origin = Origin()
    yield origin
    origin.close()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    proxy = Proxy(tmp_path, allow=("127.0.0.0/8",))
    yield proxy
    proxy.close()


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/special/-._~!$'()*+,;=:@", "/special/-._~!$'()*+,;=:@"),
        (
            "/esc/%252D%252E%255F%257E%2521%2524%2527%2528%2529%252A%252B%252C%253B%253D%253A%252F%253F%2523%2540%2525",
            "/esc/%2D%2E%5F%7E%21%24%27%28%29%2A%2B%2C%3B%3D%3A%2F%3F%23%40%25",
        ),
        ("/a%20b", "/a%20b"),
        ("/a%2520b", "/a%20b"),
        ("/%E5%9B%BE.jpg", "/%E5%9B%BE.jpg"),
        ("/图.jpg", "/%E5%9B%BE.jpg"),
        ("/a?b=1%26c=2", "/a?b=1&c=2"),
        ("/a%23b", "/a"),
        ("/a//b/./c/../d", "/a//b/d"),
        ("", "/"),
        ("?a=b", "/?a=b"),
    ],
)
def test_an_address_is_decoded_once_and_goes_out_as_it_is(proxy: Proxy, origin: Origin, asked: str, sent: str) -> None:
    answer = proxy.ask(f"url={origin.base}{asked}&w=1")
    assert origin.asked == [sent], answer
    assert (answer.status, answer.message) == (404, "The requested URL returned error: 404")


@pytest.mark.parametrize("host", ["http://♥.localhost", "%E2%99%A5.localhost", "http://xn--g6h.localhost/a.png"])
def test_a_name_in_another_script(proxy: Proxy, host: str) -> None:
    answer = proxy.ask(f"url={host}")
    assert (answer.status, answer.message.partition(" (")[0]) == (404, "The hostname of the origin is unresolvable")


@pytest.mark.parametrize("place", ["{origin}/302", "/302", "302", "./302", "//{host}/302", "http:/302"])
def test_a_redirection_to_itself(proxy: Proxy, origin: Origin, place: str) -> None:
    location = place.replace("{origin}", origin.base).replace("{host}", origin.base[7:])
    origin.routes = {"/302": {"status": 302, "location": location}}
    answer = proxy.ask(f"url={origin.base}/302")
    assert answer.status == 404
    if place != "http:/302":
        assert answer.message == "Will not follow a redirection to itself"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_and_the_canonical_address(proxy: Proxy, origin: Origin, status: int) -> None:
    origin.routes = {
        "/a": {"status": status, "location": " /b "},
        "/b": {"status": 302, "location": "c"},
        "/c": {"body": GIF},
    }
    answer = proxy.ask(f"url={origin.base}/a&w=1")
    permanent = status in (301, 308)
    assert answer.status == 200
    assert answer.headers["link"] == f'<{origin.base}/{"b" if permanent else "a"}>; rel="canonical"'


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503])
def test_any_status_but_200_is_an_error(proxy: Proxy, origin: Origin, status: int) -> None:
    origin.routes = {"/s": {"status": status, "body": b"" if status in (204, 304) else GIF}}
    answer = proxy.ask(f"url={origin.base}/s")
    assert answer.status == 404
    assert answer.message == f"The requested URL returned error: {status}"


def test_a_slow_origin(tmp_path: Path, origin: Origin) -> None:
    origin.routes = {"/slow": {"sleep_s": 3.0, "body": GIF}}
    proxy = Proxy(tmp_path, allow=("127.0.0.0/8",), timeout_s=1.0)
    began = time.monotonic()
    answer = proxy.ask(f"url={origin.base}/slow")
    assert (answer.status, answer.message) == (404, "The requested URL timed out.")
    assert time.monotonic() - began < 2.9
    proxy.close()


def test_headers_of_each_kind_of_answer(proxy: Proxy, origin: Origin) -> None:
    origin.routes = {"/a.gif": {"body": GIF}}
    base = f"url={origin.base}/a.gif"
    assert proxy.ask(base).headers["content-disposition"] == "inline; filename=image.gif"
    told = proxy.ask(base + "&output=json")
    assert told.headers["content-type"] == "application/json"
    assert "content-disposition" not in told.headers
    assert b'"format":"gif","width":1,"height":1,' in told.body
    told = proxy.ask(base + "&encoding=base64")
    assert (told.headers["content-type"], told.body[:22]) == ("text/plain", b"data:image/gif;base64,")
    assert "content-disposition" not in told.headers
    for span, seconds in (("31d", 2678400), ("1d", 86400), ("23h", 31536000), ("1y", 31536000), ("366d", 31536000)):
        told = proxy.ask(f"{base}&maxage={span}")
        assert told.headers["cache-control"] == f"public, max-age={seconds}", span
    for name, kept in (("test", "test"), ("a" * 78, "a" * 78), ("a" * 79, "image"), ("a.b", "image"), ("", "image")):
        told = proxy.ask(f"{base}&w=1&filename={name}")
        assert told.headers["content-disposition"] == f"inline; filename={kept}.gif", name
    assert proxy.ask(base.replace("url", "URL") + "&Encoding=BASE64").headers["content-type"] == "text/plain"


def test_a_format_that_is_switched_off(tmp_path: Path, origin: Origin) -> None:
    """That of the picture itself, too; the others are named in weserv's order."""
    origin.routes = {"/a.gif": {"body": GIF}}
    proxy = Proxy(tmp_path, allow=("127.0.0.0/8",), savers=("png", "jpg"))
    for query, saver in (("", "gif"), ("&w=1", "gif"), ("&output=webp", "webp"), ("&output=json", "json")):
        told = proxy.ask(f"url={origin.base}/a.gif{query}")
        assert told.status == 400, query
        assert told.message == f"Saving to {saver} is disabled. Supported savers: jpg, png", query
    assert proxy.ask(f"url={origin.base}/a.gif&output=png").status == 200
    proxy.close()


def test_what_libvips_refuses_is_the_clients_mistake(proxy: Proxy, origin: Origin) -> None:
    origin.routes = {"/a.gif": {"body": GIF}}
    told = proxy.ask(f"url={origin.base}/a.gif&w=17000&h=1&fit=fill&output=webp")
    assert told.status == 400
    assert told.message.startswith("libvips error: ")
    assert "\n" not in told.message


@pytest.mark.parametrize("path", ["/%C4%E3.jpg", "/%c4%e3.jpg"])
def test_paths_that_are_no_utf8(proxy: Proxy, origin: Origin, path: str) -> None:
    """As old Chinese sites have them, in GBK: escaped, and raw."""
    proxy.ask(f"url={origin.base}{path}&w=1")
    assert [asked.upper() for asked in origin.asked] == [path.upper()]
    assert _text(b"url=e.org/\xc4\xe3.jpg&w=1") == "url=e.org/%C4%E3.jpg&w=1"


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("url=http:\\\\foobar&default=https://example.org", "https://example.org/"),
        ("url=http:\\\\foobar&errorredirect=example.org/a%3Fb", "http://example.org/a?b"),
        ("url={origin}/no&default=1", "{origin}/no"),
        ("url={origin}/no&default=ssl:example.org/x.png", "https://example.org/x.png"),
    ],
)
def test_errors_lead_to_the_default(proxy: Proxy, origin: Origin, query: str, location: str) -> None:
    answer = proxy.ask(query.replace("{origin}", origin.base))
    assert (answer.status, answer.headers["location"]) == (302, location.replace("{origin}", origin.base))
    assert msgspec.json.decode(answer.body)["status"] == "error"


def test_a_default_that_is_no_address_leads_nowhere(proxy: Proxy) -> None:
    for default in ("javascript:alert(1)", "http:\\\\x", "", "ftp://e.org/a"):
        assert proxy.ask(f"url=http:\\\\foobar&default={default}").status == 400


def test_bodies_over_the_limit(tmp_path: Path, origin: Origin) -> None:
    proxy = Proxy(tmp_path, allow=("127.0.0.0/8",), max_bytes=42)
    origin.routes = {
        "/chunked": {"body": GIF, "chunked": True},
        "/plain": {"body": GIF},
        "/fits": {"body": GIF[:42]},
    }
    for path in ("/chunked", "/plain"):
        answer = proxy.ask(f"url={origin.base}{path}")
        assert answer.message == "The image is too large to be downloaded. Max image size: 42 bytes", path
    assert "too large" not in proxy.ask(f"url={origin.base}/fits").body.decode("latin-1")
    proxy.close()


def test_an_empty_body_and_text(proxy: Proxy, origin: Origin) -> None:
    origin.routes = {
        "/empty": {"body": b""},
        "/text": {"body": b"hello"},
        "/html": {"body": b"<!doctype html><p>gone</p>"},
    }
    for path in origin.routes:
        answer = proxy.ask(f"url={origin.base}{path}")
        assert answer.status == 404
        assert answer.message == "Invalid or unsupported image format. Is it a valid image?", path
