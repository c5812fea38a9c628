"""Addresses that nobody asked for when the picture was kept: other widths of the photo, RSSHub's templates."""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from picture_site import PictureSite, drawn

from baoguan.app import open_desk
from baoguan.desk import Desk
from baoguan.ingest import sync
from baoguan.web.desk_source import open_reader
from baoguan.withdrawing import withdraw
from tests.web.conftest import Ask, asker

pytest.importorskip("pyvips")
ID, CROPPED, LARGE = "0a1b2c3d", "1a1b2c3d", "2a1b2c3d"


@pytest.fixture
def site() -> Iterator[PictureSite]:
    site = PictureSite()
    site.files = {
        f"/{ID}.jpg": drawn(1, (1600, 1000)),
        f"/{ID}_w300_tv.jpg": drawn(1, (300, 188)),
        f"/{CROPPED}_cx10_w400.jpg": drawn(2, (400, 200)),
        f"/{LARGE}_w1200.jpg": drawn(3, (1200, 800)),
        "/图 片/a b.jpg?v=1&x=2": drawn(4, (90, 60)),
        "/%E5%9B%BE%20%E7%89%87/a%20b.jpg?v=1&x=2": drawn(4, (90, 60)),
    }
    site.publish("One", f"/{ID}_w300_tv.jpg", f"/{CROPPED}_cx10_w400.jpg", f"/{LARGE}_w650_tv.jpg")
    site.publish("Two", "/%E5%9B%BE%20%E7%89%87/a%20b.jpg?v=1&amp;x=2")
    yield site
    site.close()


@pytest.fixture
def desk(site: PictureSite, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site.archive(tmp_path / "archive"), durable=False) as desk:
        sync(desk, which="all")
        site.down = True
        site.asked.clear()
        yield desk


@pytest.fixture
def ask(desk: Desk) -> Ask:
    return asker(open_reader(desk))


@pytest.mark.parametrize("form", [f"{ID}_w300_tv", f"{ID}_w1023_r_s", ID.upper(), f"{ID}_s_w99"])
def test_another_width_is_answered_from_the_kept_one(ask: Ask, site: PictureSite, form: str) -> None:
    told = ask(f"/?url={site.base}/{form}.jpg")
    assert (told.status, told.body) == (200, site.files[f"/{ID}.jpg"])
    small = ask(f"/?url={site.base[7:]}/{form}.jpg&w=100")
    assert (small.status, small.headers["content-type"]) == (200, "image/jpeg")
    assert site.asked == []


def test_the_largest_that_was_kept_answers_for_the_address_of_the_page(ask: Ask, site: PictureSite) -> None:
    for form in (f"{LARGE}_w650_tv", f"{LARGE}_w1200", f"{LARGE}_w77"):
        assert ask(f"/?url={site.base}/{form}.jpg").body == site.files[f"/{LARGE}_w1200.jpg"], form


def test_the_same_part_of_a_photo_first_then_what_there_is(ask: Ask, site: PictureSite) -> None:
    kept = site.files[f"/{CROPPED}_cx10_w400.jpg"]
    assert ask(f"/?url={site.base}/{CROPPED}_cx10_w144.jpg").body == kept
    assert ask(f"/?url={site.base}/{CROPPED}_w144.jpg").body == kept
    assert ask(f"/?url={site.base}/3a1b2c3d_w144.jpg").status == 404


def test_a_withdrawn_photo_answers_under_no_name(desk: Desk, ask: Ask, site: PictureSite) -> None:
    assert ask(f"/?url={site.base}/{ID}_w12.jpg").status == 200
    row = next(row for row in desk.catalog.articles(start_ms=-(1 << 62), limit=10) if row.title == "One")
    withdraw(desk, [row.id], reason="test")
    for again in (ask, asker(open_reader(desk))):
        assert again(f"/?url={site.base}/{ID}_w12.jpg").status == 404
        assert again(f"/?url={site.base}/{ID}_w300_tv.jpg").status == 404


def filled(template: str, url: str) -> str:
    """As RSSHub fills HOTLINK_TEMPLATE: properties of JavaScript's URL, `_ue` through encodeURIComponent."""
    parts = urlsplit(url)
    search = f"?{parts.query}" if parts.query else ""
    values = {
        "href": url,
        "protocol": f"{parts.scheme}:",
        "host": parts.netloc,
        "hostname": parts.hostname or "",
        "port": str(parts.port or ""),
        "origin": f"{parts.scheme}://{parts.netloc}",
        "pathname": parts.path,
        "search": search,
    }
    for name, value in values.items():
        template = template.replace(f"${{{name}}}", value).replace(f"${{{name}_ue}}", quote(value, safe="!'()*-._~"))
    assert "${" not in template
    return template


@pytest.mark.parametrize(
    "template",
    [
        "https://images.weserv.nl?url=${href_ue}",
        "https://images.weserv.nl/?url=${href_ue}&w=600&we",
        "https://images.weserv.nl/?url=${host}${pathname}${search_ue}",
        "https://images.weserv.nl/?w=50&url=${host_ue}${pathname_ue}${search_ue}",
        "https://images.weserv.nl/?url=${protocol}//${hostname}:${port}${pathname}${search_ue}",
        "https://images.weserv.nl/?url=${origin_ue}${pathname_ue}${search_ue}",
    ],
)
def test_templates_of_rsshub_work_with_the_host_swapped(ask: Ask, site: PictureSite, template: str) -> None:
    for path in (f"/{ID}_w300_tv.jpg", f"/{LARGE}_w650_tv.jpg", "/%E5%9B%BE%20%E7%89%87/a%20b.jpg?v=1&x=2"):
        made = filled(template, site.base + path)
        place, _, query = made.removeprefix("https://images.weserv.nl").partition("?")
        told = ask(f"{place or '/'}?{query}")
        assert (told.status, told.headers["content-type"]) == (200, "image/jpeg"), made
    assert site.asked == []
