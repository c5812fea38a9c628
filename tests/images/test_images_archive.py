"""The proxy over a real archive: kept pictures outlive their origin; renditions, caches, signatures, purge."""

import dataclasses
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from click.testing import CliRunner
from image_origin import Origin, Proxy
from picture_site import PictureSite, drawn
from PIL import Image

from baoguan.app import open_desk
from baoguan.archive.verify import verify
from baoguan.backends.file_cache import FileCache
from baoguan.backends.files import FileObjects
from baoguan.backends.vips.pool import RenderPool
from baoguan.cli.common import read_verifier
from baoguan.cli.main import cli
from baoguan.desk import Desk
from baoguan.errors import ConfigError, PictureError
from baoguan.ingest import sync
from baoguan.media.asking import parse_address, parse_span
from baoguan.media.transform import Length, Transform, parse_transform
from baoguan.web.desk_source import open_reader
from baoguan.web.images import ImageOptions, ImageSite, sign
from baoguan.web.images_open import image_secret, open_images
from baoguan.withdrawing import withdraw
from tests.web.conftest import Ask, asker

pytest.importorskip("pyvips")


@pytest.fixture(scope="module")
def site() -> Iterator[PictureSite]:
    site = PictureSite()
    site.files = {"/a.jpg": drawn(1, (900, 600)), "/b.png": drawn(2, (400, 300), "PNG")}
    site.publish("One", "/a.jpg")
    site.publish("Two", "/b.png")
    yield site
    site.close()


@pytest.fixture
def desk(site: PictureSite, tmp_path: Path) -> Iterator[Desk]:
    site.down = False
    with open_desk(site.archive(tmp_path / "archive"), durable=False) as desk:
        sync(desk, which="all")
        site.down = True
        site.asked.clear()
        yield desk


@pytest.fixture
def ask(desk: Desk) -> Ask:
    return asker(open_reader(desk))


def size_of(body: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(body)).size


def test_pictures_of_a_dead_origin_are_served_under_their_address(ask: Ask, site: PictureSite) -> None:
    whole = ask(f"/?url={site.base}/a.jpg")
    assert (whole.status, whole.body) == (200, site.files["/a.jpg"])
    assert whole.headers["link"] == f'<{site.base}/a.jpg>; rel="canonical"'
    small = ask(f"/images?url={site.base[7:]}/a.jpg&w=300")
    assert (small.status, size_of(small.body)) == (200, (300, 200))
    assert small.headers["content-disposition"] == "inline; filename=image.jpg"
    assert ask(f"/images/?url={site.base}/b.png&h=30&output=webp").headers["content-type"] == "image/webp"
    assert site.asked == []


def test_any_host_that_stood_before_weserv_does(ask: Ask, site: PictureSite) -> None:
    """RSSHub's HOTLINK_TEMPLATE https://images.weserv.nl?url=${href_ue}, and addresses that hold a proxy's own."""
    from urllib.parse import quote

    assert ask("/?url=" + quote(f"{site.base}/a.jpg", safe="")).status == 200
    assert ask("/?url=" + quote(f"https://images.weserv.nl/?url={site.base[7:]}/a.jpg", safe="")).status == 200


def test_every_picture_of_every_article_is_offered_and_answers(desk: Desk, ask: Ask) -> None:
    for row in desk.catalog.articles(start_ms=-(1 << 62), limit=10):
        html = ask(f"/article/{row.id}").text
        places = [part.split('"')[0].split()[0] for part in html.split("/variants/")[1:]]
        assert html.count("<img") >= 1
        for place in places:
            found = ask(f"/variants/{place}")
            assert found.status == 200, place
            assert found.headers["cache-control"].endswith("immutable")


def test_what_is_not_kept_is_not_fetched(ask: Ask, site: PictureSite) -> None:
    missing = ask(f"/?url={site.base}/other.jpg&default=https://elsewhere.example/x.jpg")
    assert missing.status == 404
    assert msgspec.json.decode(missing.body)["message"] == "The picture is not in this archive."
    assert site.asked == []
    assert ask("/?q=url=1").headers["content-type"].startswith("text/html")
    assert ask(f"/?url={site.base}/a.jpg", method="POST").status == 405


def test_tags_ranges_and_formats_by_accept(ask: Ask, site: PictureSite) -> None:
    target = f"/?url={site.base}/a.jpg&w=200&output=auto"
    first = ask(target, headers={"accept": "image/avif,image/webp"})
    assert (first.headers["content-type"], first.headers["vary"]) == ("image/avif", "Accept")
    assert ask(target, headers={"accept": "image/webp"}).headers["content-type"] == "image/webp"
    assert ask(target).headers["content-type"] == "image/jpeg"
    again = ask(target, headers={"accept": "image/avif", "if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    part = ask(f"/?url={site.base}/a.jpg", headers={"range": "bytes=2-5"})
    assert (part.status, part.body) == (206, site.files["/a.jpg"][2:6])
    assert ask(f"/?url={site.base}/a.jpg", headers={"range": "bytes=99999999-"}).status == 416
    assert ask(f"/?url={site.base}/a.jpg", method="HEAD").body == b""
    coded = ask(f"/?url={site.base}/b.png&w=9&encoding=base64")
    assert coded.text.startswith("data:image/png;base64,")


def test_withdrawal_forgets_what_was_made(desk: Desk, ask: Ask, site: PictureSite) -> None:
    assert ask(f"/?url={site.base}/a.jpg&w=100").status == 200
    made = desk.folder / "index" / "variants"
    assert len(list(made.rglob("*.*"))) + len([p for p in made.rglob("*") if p.is_file()]) > 0
    row = next(row for row in desk.catalog.articles(start_ms=-(1 << 62), limit=10) if row.title == "One")
    withdraw(desk, [row.id], reason="test")
    assert not [path for path in made.rglob("*") if path.is_file()]
    assert asker(open_reader(desk))(f"/?url={site.base}/a.jpg&w=100").status == 404


def with_mode(desk: Desk, mode: str) -> Desk:
    return dataclasses.replace(desk, settings=msgspec.structs.replace(desk.settings, images=mode))


def test_signed_and_wrong_modes(desk: Desk, site: PictureSite) -> None:
    ask = asker(open_reader(with_mode(desk, "signed")))
    query = f"url={site.base}/a.jpg&w=50"
    assert ask(f"/?{query}").status == 403
    assert ask(f"/?{query}&s={'0' * 64}").status == 403
    assert ask(f"/?{query}&s={sign(image_secret(desk), query)}").status == 200
    assert open_images(with_mode(desk, "off")) is None
    with pytest.raises(ConfigError, match="images = 'x'"):
        open_images(with_mode(desk, "x"))


def test_commands(desk: Desk, ask: Ask, site: PictureSite) -> None:
    assert ask(f"/?url={site.base}/a.jpg&w=77").status == 200
    run = CliRunner()
    told = run.invoke(cli, ["images", "purge", "-C", str(desk.folder), f"{site.base}/a.jpg"])
    assert told.output.startswith("1 files forgotten"), told.output
    told = run.invoke(cli, ["images", "sign", "-C", str(desk.folder), "url=e.org/a.jpg"])
    assert told.output.strip() == "url=e.org/a.jpg&s=" + sign(image_secret(desk), "url=e.org/a.jpg")


def test_refresh_keeps_both_pictures(site: PictureSite, tmp_path: Path) -> None:
    """The outlet swaps a picture under its address: the proxy shows the new one, the article its own."""
    old, new = drawn(11, (120, 80)), drawn(12, (120, 80))
    site.files |= {"/swapped.jpg": old}
    site.down = False
    folder, run, url = site.archive(tmp_path / "archive"), CliRunner(), f"{site.base}/swapped.jpg"
    refresh = ["images", "refresh", "-C", str(folder), url]
    site.publish("Swapped", "/swapped.jpg")
    with open_desk(folder, durable=False) as desk:
        sync(desk, which="all")
        ask = asker(open_reader(desk))
        assert ask(f"/?url={url}").body == old
        told = run.invoke(cli, refresh, standalone_mode=False)
        assert (told.return_value, "the same picture" in told.output) == (0, True), told.output
        site.files["/swapped.jpg"] = new
        told = run.invoke(cli, refresh, standalone_mode=False)
        assert (told.return_value, "for 1 articles" in told.output) == (0, True), told.output
        assert ask(f"/?url={url}").body == new
        row = next(row for row in desk.catalog.articles(start_ms=-(1 << 62), limit=10) if row.title == "Swapped")
        line = desk.archive.line(row.index)
        assert line is not None
        assert desk.archive.media(line.media[0].path) == old
        assert line.media[0].sha256 in ask(f"/article/{row.id}").text
        site.files["/swapped.jpg"] = 404
        told = run.invoke(cli, refresh, standalone_mode=False)
        assert (told.return_value, "stays" in told.output) == (1, True), told.output
        site.down = True
        assert run.invoke(cli, refresh, standalone_mode=False).return_value == 1
        assert ask(f"/?url={url}&w=50").status == 200
        assert verify(FileObjects(folder / "public"), read_verifier(folder)).faults == ()
        withdraw(desk, [row.id], reason="test")
        kept = {desk.archive.media(path) for path in desk.archive.objects.list("media")}
        assert not {old, new} & kept
    site.files.pop("/swapped.jpg")


def test_refresh_of_what_no_article_shows(site: PictureSite, tmp_path: Path) -> None:
    site.down = False
    folder, run = site.archive(tmp_path / "archive"), CliRunner()
    refresh = ["images", "refresh", "-C", str(folder), f"{site.base}/a.jpg"]
    told = run.invoke(cli, refresh, standalone_mode=False)
    assert (told.return_value, "bytes, sha256" in told.output) == (0, True), told.output
    site.down = True
    told = run.invoke(cli, refresh, standalone_mode=False)
    assert (told.return_value, "What is held stays" in told.output) == (1, True), told.output
    assert list((folder / "index" / "origins").rglob("data"))
    told = run.invoke(cli, ["images", "purge", "-C", str(folder), "../" * 21 + "a"])
    assert (folder / "index" / "origins").is_dir()


def test_one_computation_for_many_who_wait(site: PictureSite, tmp_path: Path) -> None:
    import asyncio

    class Kept:
        def find(self, url: str) -> object:
            from baoguan.web.images_source import Original

            return Original(data=site.files["/a.jpg"], sha256="a" * 64, canonical=url)  # type: ignore[arg-type]

        by_hash = find

        def load(self, original: object) -> object:
            return original

        def locate(self, url: str) -> object:
            return self.find(url)

        def state(self) -> int:
            return 0

    images = ImageSite(Kept(), ImageOptions(), FileCache(tmp_path, 10_000_000))  # type: ignore[arg-type]
    made: list[int] = []
    real = images._pool.render
    images._pool.render = lambda *asked: (made.append(1), real(*asked))[1]  # type: ignore[method-assign]

    async def many() -> set[int]:
        found = await asyncio.gather(*(images.answer(f"url=e.org/a.jpg&w=60&x={n}", "", "c") for n in range(20)))
        return {answer.status for answer in found}

    assert asyncio.run(many()) == {200}
    assert sum(made) == 1
    images.close()


def test_a_cached_picture_outlives_its_origin(tmp_path: Path) -> None:
    origin = Origin()
    origin.routes = {"/p.png": {"body": drawn(3, (40, 30), "PNG")}}
    proxy = Proxy(tmp_path, allow=("127.0.0.0/8",))
    assert proxy.ask(f"url={origin.base}/p.png").status == 200
    assert proxy.ask(f"url={origin.base}/p.png&w=10").status == 200
    assert origin.asked == ["/p.png"]
    origin.close()
    assert proxy.ask(f"url={origin.base}/p.png&w=11").status == 200
    proxy.close()


def test_a_worker_that_dies_costs_one_picture(tmp_path: Path) -> None:
    pool = RenderPool(1, wall_s=0.0)
    with pytest.raises(PictureError):
        pool.render(drawn(1), Transform(w=Length(pixels=9)))
    pool._wall_s = 15.0
    assert size_of(pool.render(drawn(1), Transform(w=Length(pixels=80))).body) == (80, 50)
    with pytest.raises(PictureError, match="Invalid or unsupported"):
        pool.render(b"no picture", Transform())
    pool.close()


def test_room_is_kept_to(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 1000)
    for number in range(40):
        cache.put(f"{number:064d}", "x", b"." * 100)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 1000
    cache.put("big", "x", b"." * 2000)
    assert cache.get("big", "x") is None


def test_the_short_way_looks_like_the_long_one() -> None:
    from baoguan.backends.vips.codec import render
    from baoguan.backends.vips.turbo import render_jpeg

    for seed in range(8):
        data = drawn(seed, (900, 640))
        for width in (600, 300, 128):
            plan = Transform(w=Length(pixels=width))
            short = render_jpeg(data, plan)
            long = render(data, Transform(w=Length(pixels=width), il=True, output="jpg")).body
            assert short is not None
            one, other = (Image.open(io.BytesIO(body)).convert("L") for body in (short, long))
            assert one.size == other.size
            difference = [abs(a - b) for a, b in zip(one.tobytes(), other.tobytes(), strict=True)]
            assert sum(difference) / len(difference) < 2.0


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("e.org/a", "http://e.org/a"),
        ("ssl:e.org/a", "https://e.org/a"),
        ("//e.org/a", "https://e.org/a"),
        ("https%3A%2F%2Fe.org%2Fa%3Fb%3D1", "https://e.org/a?b=1"),
        ("e.org:8080/a#f", "http://e.org:8080/a"),
        ("b%C3%BCcher.example/a", "http://xn--bcher-kva.example/a"),
    ],
)
def test_addresses(raw: str, url: str) -> None:
    assert parse_address(raw) == url


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "http:\\\\foobar",
        "ftp://e.org/",
        "u:p@e.org/a",
        "file:///etc/passwd",
        "a" * 64 + ".org",
        "http://",
    ],
)
def test_what_is_no_address(raw: str) -> None:
    with pytest.raises(PictureError, match="Unable to parse URI"):
        parse_address(raw)


def test_spans_and_odd_values() -> None:
    assert [parse_span(text) for text in ("31d", "1h", "2y", "", "1d12h")] == [
        2678400,
        31536000,
        31536000,
        31536000,
        129600,
    ]
    assert parse_transform("w=abc&h=-1&dpr=9&q=0&w=5") == Transform()
