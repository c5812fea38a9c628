"""/media/ and /archive/: exact bytes, ranges, types; and nothing outside of public/."""

import hashlib

import pytest

from baoguan.web.files import asked_range
from baoguan.web.safety import public_path
from tests.web.conftest import Ask, MakeReader
from tests.web.sample_reader import SampleReader


def first_picture(source: SampleReader) -> str:
    return next(path for path in source.files if path.startswith("media/"))


def test_a_picture_is_served_for_good(source: SampleReader, ask: Ask) -> None:
    path = first_picture(source)
    got = ask(f"/{path}")
    assert got.status == 200
    assert hashlib.sha256(got.body).hexdigest() in path
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert got.headers["content-length"] == str(len(got.body))
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in got.headers
    assert ask(f"/{path}", headers={"if-none-match": got.headers["etag"]}).status == 304
    assert ask(f"/archive/{path}").body == got.body
    head = ask(f"/{path}", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(got.body)))


def test_ranges(source: SampleReader, ask: Ask) -> None:
    path = first_picture(source)
    whole = source.files[path]
    part = ask(f"/{path}", headers={"range": "bytes=10-19"})
    assert (part.status, part.body) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert ask(f"/{path}", headers={"range": "bytes=-5"}).body == whole[-5:]
    assert ask(f"/{path}", headers={"range": f"bytes={len(whole)}-"}).status == 416
    assert ask(f"/{path}", headers={"range": "bytes=0-1,5-6"}).body == whole
    assert ask(f"/{path}", headers={"range": "bytes=1-2", "if-range": '"x"'}).body == whole


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("", (0, 9)),
        ("bytes=-", (0, 9)),
        ("bytes=3-2", (0, 9)),
        ("items=1-2", (0, 9)),
        ("bytes=0-100", (0, 9)),
        ("bytes=8-", (8, 9)),
        ("bytes=-100", (0, 9)),
        ("bytes=-0", None),
        ("bytes=9-", None),
    ],
)
def test_asked_range(header: str, span: tuple[int, int] | None) -> None:
    assert asked_range(header, 9) == span


def test_an_svg_never_runs(reader: MakeReader) -> None:
    source, ask = reader()
    ref = source.add_picture(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "svg")
    html = source.add_picture(b"<script>alert(1)</script>", "html")
    got = ask(f"/{ref.path}")
    assert got.headers["content-type"] == "image/svg+xml"
    assert got.headers["content-disposition"] == "attachment"
    assert "sandbox" in got.headers["content-security-policy"]
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert ask(f"/{html.path}").headers["content-type"] == "application/octet-stream"


def test_records_are_text_and_the_head_is_always_asked_for(source: SampleReader, ask: Ask) -> None:
    record = next(path for path in source.files if path.endswith(".md"))
    got = ask(f"/archive/{record}")
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert "immutable" in got.headers["cache-control"]
    assert "sandbox" in got.headers["content-security-policy"]
    head = ask("/archive/checkpoint")
    assert head.headers["cache-control"] == "no-cache"
    assert ask("/archive/checkpoint", headers={"if-none-match": head.headers["etag"]}).status == 304


def test_a_partial_tile_may_be_replaced(reader: MakeReader) -> None:
    source, ask = reader()
    source.files["tile/0/000.p/3"] = b"abc"
    assert ask("/archive/tile/0/000.p/3").headers["cache-control"] == "no-cache"


ATTEMPTS = [
    "../state/crawl.sqlite",
    "..%2fstate%2fcrawl.sqlite",
    "%2e%2e/private/key",
    "articles/../../private/key",
    "articles/%2e%2e/%2e%2e/baoguan.toml",
    "baoguan.toml",
    "articles/BAOGUAN.TOML",
    "/etc/passwd",
    "//etc/passwd",
    "..\\private\\key",
    "c:/x",
    "%00",
    "checkpoint%00.jpg",
    ".hidden",
    "articles/.tmp-1",
    "checkpoint.tmp",
    "",
    ".",
    "./checkpoint",
    "checkpoint/",
    "a/" * 20 + "a",
    "x" * 300,
]


class Everything(SampleReader):
    """A store that answers to any name: what is refused is refused before it."""

    def public_size(self, path: str) -> int | None:
        return 6

    def read_public(self, path: str, start: int, size: int) -> bytes:
        return b"secret"


@pytest.mark.parametrize("path", ATTEMPTS)
def test_nothing_outside_of_public_is_reached(path: str) -> None:
    from urllib.parse import unquote

    from baoguan.web.app import WebOptions, create_app
    from tests.web.conftest import asker

    assert public_path(unquote(path)) is None
    ask = asker(create_app(Everything(), WebOptions()))
    for prefix in ("/archive/", "/media/", "/media/ab/"):
        got = ask(prefix + path)
        assert got.status == 404
        assert b"secret" not in got.body


def test_media_is_nothing_but_pictures_by_digest() -> None:
    from baoguan.web.app import WebOptions, create_app
    from tests.web.conftest import asker

    ask = asker(create_app(Everything(), WebOptions()))
    sha = "ab" * 32
    assert ask(f"/media/ab/{sha}.jpg").status == 200
    for path in (f"ab/{sha}", f"cd/{sha}.jpg", f"ab/{sha[:-1]}.jpg", f"ab/{sha}.jpg.md", f"ab/{sha.upper()}.jpg"):
        assert ask(f"/media/{path}").status == 404
