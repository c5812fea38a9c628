"""The index of photos over an archive: one photo by bytes, by its outlet's name, by likeness; withdrawn ones go."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from picture_site import PictureSite, drawn
from PIL import Image, ImageFilter

from baoguan.app import open_desk
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.photos import SqlitePhotos
from baoguan.desk import Desk
from baoguan.ingest import sync
from baoguan.model.photo import SamePhoto
from baoguan.photographing import FILE, index_photos, look_at_photos, open_photos, same_photo
from baoguan.withdrawing import withdraw

pytest.importorskip("pyvips")


def view(seed: int) -> Image.Image:
    """A made-up view with light and shade."""
    image = Image.effect_noise((60, 40), 90 + seed).resize((640, 420), Image.Resampling.BICUBIC)
    return Image.merge("RGB", (image, image.filter(ImageFilter.GaussianBlur(9)), image))


def jpeg(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


@pytest.fixture
def site() -> Iterator[PictureSite]:
    site = PictureSite()
    yield site
    site.close()


@pytest.fixture
def desk(tmp_path: Path, site: PictureSite) -> Iterator[Desk]:
    """Five articles: one photo under two names of its outlet, again smaller under a foreign name, and two others."""
    first, other = view(1), view(2)
    site.files = {
        "/0000000a_w900.jpg": jpeg(first, quality=85),
        "/0000000a_cx3_w300.jpg": jpeg(first.crop((90, 60, 500, 400)), quality=80),
        "/elsewhere/small.jpg": jpeg(first.resize((320, 210)), quality=40),
        "/0000000b_w900.jpg": jpeg(other, quality=85),
        "/plain.jpg": drawn(5, (40, 40)),
    }
    site.publish("One", "/0000000a_w900.jpg", caption="The quay.")
    site.publish("Two", "/0000000a_cx3_w300.jpg", caption="A detail of the quay.")
    site.publish("Three", "/elsewhere/small.jpg", caption="The quay, again.")
    site.publish("Four", "/0000000b_w900.jpg")
    site.publish("Five", "/0000000b_w900.jpg", "/plain.jpg")
    with open_desk(site.archive(tmp_path / "archive"), durable=False) as desk:
        sync(desk, which="all")
        yield desk


@pytest.fixture
def photos(desk: Desk) -> Iterator[SqlitePhotos]:
    photos = open_photos(desk)
    assert index_photos(desk, photos) == 0
    assert look_at_photos(desk, photos) == 5
    yield photos
    photos.close()


def digest_of(desk: Desk, path: str) -> str:
    refs = [ref for _, line in desk.archive.lines() if line for ref in line.media]
    return next(ref.sha256 for ref in refs if ref.url.endswith(path))


def found(desk: Desk, photos: SqlitePhotos, path: str) -> SamePhoto:
    same = same_photo(photos, digest_of(desk, path))
    assert same is not None
    return same


def titles(desk: Desk, same: SamePhoto) -> set[str]:
    rows = [desk.catalog.article(use.id) for use in same.uses]
    return {row.title for row in rows if row is not None}


def test_one_photo_by_name_and_by_likeness(desk: Desk, photos: SqlitePhotos) -> None:
    same = found(desk, photos, "/0000000a_w900.jpg")
    assert titles(desk, same) == {"One", "Two", "Three"}
    assert sorted(same.by.values()) == ["key", "likeness", "self"]
    assert max(same.bits.values()) <= 24
    assert {use.caption for use in same.uses} == {"The quay.", "A detail of the quay.", "The quay, again."}
    assert {(form.width, form.crop) for form in same.forms} == {(900, ""), (300, "cx3"), (0, "")}
    assert titles(desk, found(desk, photos, "/elsewhere/small.jpg")) == {"One", "Three"}
    assert titles(desk, found(desk, photos, "/0000000b_w900.jpg")) == {"Four", "Five"}
    assert titles(desk, found(desk, photos, "/plain.jpg")) == {"Five"}


def test_the_index_is_derived(desk: Desk, photos: SqlitePhotos) -> None:
    before = found(desk, photos, "/0000000a_w900.jpg")
    photos.close()
    for path in desk.folder.glob(FILE + "*"):
        path.unlink()
    again = open_photos(desk)
    assert index_photos(desk, again) == 0
    look_at_photos(desk, again)
    assert found(desk, again, "/0000000a_w900.jpg") == before
    assert index_photos(desk, again) == look_at_photos(desk, again) == 0, "nothing is done twice"
    again.close()


def test_other_grammars_are_applied_to_what_is_held(desk: Desk, photos: SqlitePhotos) -> None:
    assert photos.counts()[2] == 4
    folder = desk.folder
    (folder / "outlets" / "site.toml").write_text('key = "site"\nname = "Site"\n', "utf-8")
    with open_desk(folder, durable=False) as other:
        index_photos(other, photos)
    assert photos.counts() == (5, 5, 5)


def test_a_withdrawn_article_leaves_nothing(desk: Desk, photos: SqlitePhotos) -> None:
    digest = digest_of(desk, "/elsewhere/small.jpg")
    one, three = (row for row in desk.catalog.articles() if row.title in ("One", "Three"))
    withdraw(desk, [three.id if three.title == "Three" else one.id], reason="court")
    assert same_photo(photos, digest) is None
    assert titles(desk, found(desk, photos, "/0000000a_w900.jpg")) == {"One", "Two"}
    for path in desk.folder.glob(FILE + "*"):
        held = path.read_bytes()
        for needle in (digest.encode(), b"The quay, again.", b"elsewhere/small"):
            assert needle not in held, (path.name, needle)
    photos.close()
    for path in desk.folder.glob(FILE + "*"):
        path.unlink()
    again = open_photos(desk)
    index_photos(desk, again)
    assert same_photo(again, digest) is None, "rebuilt from a log with a withheld line"
    again.close()


def test_a_withdrawal_waits_for_who_reads_old_pages(desk: Desk, photos: SqlitePhotos) -> None:
    three = next(row for row in desk.catalog.articles() if row.title == "Three")
    reader = sqlite3.connect(desk.folder / FILE)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM told").fetchone()
    report = withdraw(desk, [three.id], reason="court")
    assert not report.finished
    reader.close()
    with open_desk(desk.folder, durable=False):
        pass
    assert not (desk.folder / "private" / "withdrawing.json").exists()
    assert all(b"The quay, again." not in path.read_bytes() for path in desk.folder.glob(FILE + "*"))


def test_a_killed_index_goes_on(desk: Desk, photos: SqlitePhotos, tmp_path: Path) -> None:
    copy = tmp_path / "half"
    shutil.copytree(desk.folder, copy)
    for path in copy.glob(FILE + "*"):
        path.unlink()
    with open_desk(copy, durable=False) as half:
        rows = open_photos(half)
        index_photos(half, rows)
        assert look_at_photos(half, rows, stop=lambda: True) == 0
        assert rows.counts() == (5, 0, 4)
        assert look_at_photos(half, rows) == 5
        rows.close()
