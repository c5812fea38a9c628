"""Pictures in pages: renditions, colours and tapping as mark-up; the page of a photo over a real archive."""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from picture_site import PictureSite
from PIL import Image

from baoguan.app import open_desk
from baoguan.desk import Desk
from baoguan.ingest import sync
from baoguan.model.photo import Look
from baoguan.web.app import create_app
from baoguan.web.desk_source import DeskSource, open_reader
from baoguan.web.options import WebOptions
from baoguan.web.photos_source import DeskPhotos
from baoguan.web.pictures import Shot, colour_sheet, on_tap, picture_html, widths_of
from baoguan.web.safety import policy
from baoguan.web.script import script_hash
from baoguan.web.words import LANGUAGES, words
from baoguan.withdrawing import withdraw
from tests.web.conftest import Ask, asker
from tests.web.test_browser import check, look, modules, served

__all__ = ["modules"]

DIGEST = "ab" + "c" * 62
PATH = f"media/ab/{DIGEST}.jpg"
PHOTO, PLAIN = Look(colour=0x336699, photo=True), Look(colour=0xFFFFFF)


@pytest.mark.parametrize(
    ("ending", "width", "look", "widths"),
    [
        ("jpg", 2000, None, (320, 640, 1280)),
        ("jpg", 1280, None, (320, 640)),
        ("jpg", 900, None, (320, 640)),
        ("webp", 641, None, (320, 640)),
        ("avif", 320, None, ()),
        ("jpg", 0, None, ()),
        ("png", 2000, PHOTO, (320, 640, 1280)),
        ("png", 2000, PLAIN, ()),
        ("png", 2000, None, ()),
        ("gif", 2000, PHOTO, ()),
        ("svg", 2000, None, ()),
    ],
)
def test_renditions_are_offered_below_the_size_of_the_file(
    ending: str, width: int, look: Look | None, widths: tuple[int, ...]
) -> None:
    shot = Shot(path=PATH[:-3] + ending, width=width, height=10, variants=True, look=look)
    assert widths_of(shot) == widths
    assert widths_of(Shot(path=shot.path, width=width, look=look)) == ()


def test_a_picture_with_renditions() -> None:
    html = picture_html(Shot(path=PATH, alt='a "b"', width=900, height=600, variants=True, look=PHOTO))
    assert re.findall(r'type="([^"]+)"', html) == ["image/avif", "image/webp"]
    assert f'srcset="/variants/{DIGEST}/320.avif 320w, /variants/{DIGEST}/640.avif 640w"' in html
    assert f"/variants/{DIGEST}/640.jpg 640w, /{PATH} 900w" in html
    assert 'width="900" height="600"' in html
    assert 'alt="a &quot;b&quot;"' in html
    assert 'class="k336699"' in html
    assert 'loading="lazy"' in html
    assert "style=" not in html
    assert colour_sheet([0x336699, -1, 0x336699]) == ".k336699{background:#336699}"


def test_on_tap_nothing_is_loaded_before() -> None:
    html = on_tap(picture_html(Shot(path=PATH, eager=True)), "Show <it>")
    assert html.startswith('<details class="tap"><summary>Show &lt;it&gt;</summary><img')
    assert "fetchpriority" not in html
    assert 'loading="lazy"' in html


def view(seed: int) -> Image.Image:
    image = Image.effect_noise((60, 40), 90 + seed).resize((960, 640), Image.Resampling.BICUBIC)
    return Image.merge("RGB", (image, image, image))


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    pytest.importorskip("pyvips")
    site = PictureSite()
    first = view(1)
    site.files = {
        "/0000000a_w900.jpg": jpeg(first),
        "/far/b.jpg": jpeg(first.resize((480, 320))),
        "/c.jpg": jpeg(view(2)),
    }
    site.publish("One", "/0000000a_w900.jpg", caption="The quay <b>now</b>.", credit="")
    site.publish("Two", "/far/b.jpg", caption="Again the quay")
    site.publish("Three", "/c.jpg", *["/0000000a_w900.jpg"] * 1)
    with open_desk(site.archive(tmp_path_factory.mktemp("p") / "archive"), durable=False) as desk:
        sync(desk, which="all")
        yield desk
    site.close()


@pytest.fixture
def photos(desk: Desk) -> Iterator[DeskPhotos]:
    photos = DeskPhotos(desk)
    while photos.behind():
        pass
    yield photos
    photos.close()


def reader(desk: Desk, photos: DeskPhotos, **options: object) -> Ask:
    return asker(create_app(DeskSource(desk), WebOptions(**options), photos=photos))  # type: ignore[arg-type]


def digest_of(desk: Desk, ending: str) -> str:
    return next(
        ref.sha256 for _, line in desk.archive.lines() if line for ref in line.media if ref.url.endswith(ending)
    )


def article_of(desk: Desk, title: str) -> str:
    return next(row.id for row in desk.catalog.articles() if row.title == title)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_of_a_photo_names_every_article(desk: Desk, photos: DeskPhotos, lang: str) -> None:
    ask = reader(desk, photos)
    page = ask(f"/photo/{digest_of(desk, '/0000000a_w900.jpg')}?lang={lang}")
    assert page.status == 200
    for title in ("One", "Two", "Three"):
        assert f'<a href="/article/{article_of(desk, title)}"' in page.text
    assert "The quay &lt;b&gt;now&lt;/b&gt;." in page.text
    assert words(lang)("photo.title") in page.text
    assert digest_of(desk, "/far/b.jpg") in page.text
    assert page.wire < 14_336


def test_an_article_leads_to_the_page_of_its_photos(desk: Desk, photos: DeskPhotos) -> None:
    ask = reader(desk, photos)
    page = ask(f"/article/{article_of(desk, 'Three')}")
    links = re.findall(r'<a class="pic" href="(/photo/[0-9a-f]{64})" aria-label="[^"]+">', page.text)
    assert len(links) == 2
    assert all(ask(link).status == 200 for link in links)
    assert ask("/photo/" + "0" * 64).status == ask("/photo/nope").status == ask("/photo/" + "G" * 64).status == 404


def test_colours_are_allowed_by_the_hash_of_their_sheet(desk: Desk, photos: DeskPhotos) -> None:
    ask = reader(desk, photos)
    for path in (f"/article/{article_of(desk, 'One')}", "/", f"/photo/{digest_of(desk, '/c.jpg')}"):
        page = ask(path)
        sheets = re.findall(r"<style>(.*?)</style>", page.text)
        assert len(sheets) == 2, path
        assert page.headers["content-security-policy"] == policy(*sheets, script=script_hash())
        again = ask(path, headers={"if-none-match": page.headers["etag"]})
        assert again.status == 304
        assert again.headers["content-security-policy"] == policy(*sheets, script=script_hash())
        assert "style=" not in page.text


def test_renditions_are_offered_when_the_site_serves_them(desk: Desk, photos: DeskPhotos) -> None:
    for path in ("/", f"/article/{article_of(desk, 'One')}"):
        assert "/variants/" not in reader(desk, photos)(path).text
        assert "640.avif 640w" in reader(desk, photos, variants=True)(path).text


def test_text_first_shows_pictures_on_tap(desk: Desk, photos: DeskPhotos) -> None:
    ask = reader(desk, photos)
    article = f"/article/{article_of(desk, 'One')}"
    for headers in ({"save-data": "on"}, {"cookie": "pictures=tap"}):
        assert '<details class="tap">' in ask(article, headers=headers).text
        assert "<img" not in ask("/", headers=headers).text
    assert '<details class="tap">' not in ask(article, headers={"save-data": "on", "cookie": "pictures=show"}).text
    asked = ask(article + "?pictures=tap")
    assert '<details class="tap">' in asked.text
    assert asked.headers["set-cookie"].startswith("pictures=tap;")
    assert "set-cookie" not in ask(article + "?pictures=nonsense").headers
    assert "?pictures=show" in asked.text


def test_a_silent_outlet_gives_neither_photo_nor_words_away(desk: Desk, photos: DeskPhotos) -> None:
    import msgspec

    digest, kept = digest_of(desk, "/0000000a_w900.jpg"), desk.outlets["site"]
    try:
        for serve, status, caption in (("no-pictures", 404, False), ("headlines", 404, False), ("no-text", 200, False)):
            desk.outlets["site"] = msgspec.structs.replace(kept, serve=serve)
            page = reader(desk, photos)(f"/photo/{digest}")
            assert page.status == status, serve
            assert ("The quay" in page.text) is caption, serve
    finally:
        desk.outlets["site"] = kept


def test_the_reader_of_an_archive_has_the_pages(desk: Desk) -> None:
    ask = asker(open_reader(desk))
    assert ask(f"/photo/{digest_of(desk, '/c.jpg')}").status == 200


def test_the_pages_in_a_browser(modules: Path, desk: Desk, photos: DeskPhotos) -> None:
    for server in served(create_app(DeskSource(desk), WebOptions(), photos=photos)):
        article = f"/article/{article_of(desk, 'Three')}"
        photo = f"/photo/{digest_of(desk, '/0000000a_w900.jpg')}"
        check(look(modules, server, article, f"{article}?pictures=tap", f"{photo}?lang=zh-Hant", f"{photo}?lang=ja"))


def test_a_withdrawn_article_leaves_the_page(desk: Desk, photos: DeskPhotos) -> None:
    far = digest_of(desk, "/far/b.jpg")
    withdraw(desk, [article_of(desk, "Two")], reason="court")
    ask = reader(desk, photos)
    assert ask(f"/photo/{far}").status == 404
    page = ask(f"/photo/{digest_of(desk, '/0000000a_w900.jpg')}")
    assert "Again the quay" not in page.text
    assert far not in page.text
