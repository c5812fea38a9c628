"""Which addresses of pictures are asked for, over HTTP on loopback: once a photo, the largest first, politely."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from ingest_house import AheadClock
from picture_site import PictureSite, drawn

from baoguan.app import open_desk
from baoguan.desk import Desk
from baoguan.ingest import sync

ID = "0a1b2c3d"


@pytest.fixture
def site() -> Iterator[PictureSite]:
    site = PictureSite()
    yield site
    site.close()


@pytest.fixture
def folder(tmp_path: Path, site: PictureSite) -> Path:
    return site.archive(tmp_path / "archive")


def synced(folder: Path, clock: AheadClock | None = None) -> list[tuple[str, str]]:
    """(address, fetched address) of every picture in the log, after a sync."""
    with open_desk(folder, clock=clock or AheadClock(), durable=False) as desk:
        sync(desk, which="all")
        return kept(desk)


def kept(desk: Desk) -> list[tuple[str, str]]:
    return [(ref.url, ref.sha256) for _, line in desk.archive.lines() if line for ref in line.media]


def test_one_photo_under_many_names_is_fetched_once(folder: Path, site: PictureSite) -> None:
    site.files = {f"/{ID}.jpg": drawn(1), f"/{ID}_w900.jpg": drawn(2)}
    site.publish("One", f"/{ID}_w900.jpg")
    site.publish("Two", f"/{ID.upper()}_cx3_w300.jpg")
    found = synced(folder)
    assert len({digest for _, digest in found}) == 1
    assert all(digest for _, digest in found)
    assert len(site.asked) == 1
    asked = len(site.asked)
    site.publish("Three", f"/{ID}_w144.jpg")
    synced(folder)
    assert len(site.asked) == asked, "kept in an earlier run"


def test_a_form_that_is_refused_leads_to_the_form_of_the_page(folder: Path, site: PictureSite) -> None:
    site.files = {f"/{ID}.jpg": 403, f"/{ID}_w1200.jpg": b"<html>no such picture</html>", f"/{ID}_w900.jpg": drawn(2)}
    site.publish("One", f"/{ID}_w900.jpg")
    (found,) = synced(folder)
    assert found[1]
    assert site.asked == [f"/{ID}.jpg", f"/{ID}_w1200.jpg", f"/{ID}_w900.jpg"]


def test_a_form_that_a_host_lacks_is_soon_asked_no_more(folder: Path, site: PictureSite) -> None:
    for number in range(12):
        site.files[f"/{number:08x}_w900.jpg"] = drawn(number)
    for number in range(6):
        site.publish(f"Item {number}", f"/{number:08x}_w900.jpg")
    synced(folder)
    clock = AheadClock()
    site.asked.clear()
    for number in range(6, 12):
        site.publish(f"Item {number}", f"/{number:08x}_w900.jpg")
    found = synced(folder, clock)
    assert len([1 for _, digest in found if digest]) == 12
    assert len(site.asked) == 6, "one request a picture: later runs know it too"
    clock.ahead = timedelta(days=8)
    site.publish("Item 99", "/000000ff_w900.jpg")
    site.asked.clear()
    synced(folder, clock)
    assert "/000000ff.jpg" in site.asked, "tried again after a week"


def test_a_busy_host_is_not_asked_for_other_forms(folder: Path, site: PictureSite) -> None:
    site.files = {f"/{ID}.jpg": 503, f"/{ID}_w1200.jpg": drawn(1), f"/{ID}_w900.jpg": drawn(2)}
    site.publish("One", f"/{ID}_w900.jpg")
    (found,) = synced(folder)
    assert not found[1]
    assert set(site.asked) == {f"/{ID}.jpg"}
    site.files[f"/{ID}.jpg"] = drawn(1)
    clock = AheadClock()
    clock.ahead = timedelta(hours=2)
    found = synced(folder, clock)[-1]
    assert found[1], "a late picture"
