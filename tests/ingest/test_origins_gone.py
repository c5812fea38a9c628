"""Origins switched off after a sync: every picture of every article is still served and exported; kills lose none."""

import hashlib
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from ingest_house import House, paragraphs

from baoguan.exporting import export_markdown
from baoguan.gathering import picture_status
from baoguan.web.desk_source import open_reader
from newsroom import Newsroom
from tests.web.conftest import Ask, asker

KILLS = 6
_IMG = re.compile(r'<img src="(/[^"]+)"')


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An archive of four outlets' shapes, synced; nothing answers any more afterwards."""
    with Newsroom("voa", "dw", "bbc", "rfi") as room:
        house = House(tmp_path / "archive", room).make()
        house.sync()
    yield house
    house.verify()


def shown(ask: Ask, identity: str) -> list[str]:
    page = ask(f"/article/{identity}")
    assert page.status == 200
    assert 'class="nopic"' not in page.text
    return _IMG.findall(page.text)


def test_every_picture_of_every_article_is_still_served(house: House) -> None:
    with house.open() as desk:
        rows = picture_status(desk)
        assert sum(row.kept for row in rows) >= 4
        assert [(row.missing, row.lost) for row in rows] == [(0, 0)] * len(rows)
        ask, served = asker(open_reader(desk)), 0
        for row in desk.catalog.articles(limit=1000):
            line = desk.archive.line(row.index)
            assert line is not None
            paths = shown(ask, row.id)
            assert len(paths) >= len(line.media)
            for path in paths:
                reply = ask(path)
                assert reply.status == 200
                name = path.rpartition("/")[2].partition(".")[0]
                assert hashlib.sha256(ask(f"/archive{path}").body).hexdigest() == name
                served += 1
        assert served >= 4


def test_every_picture_answers_under_its_weserv_address(house: House) -> None:
    """Bare, with https, and made smaller: the host of the proxy's address is all that a reader has to swap."""
    pytest.importorskip("pyvips")
    with house.open() as desk:
        ask, served = asker(open_reader(desk)), 0
        urls = {ref.url: ref.sha256 for _, line in desk.archive.lines() if line for ref in line.media}
        for url, name in urls.items():
            asked = quote(url.partition("://")[2], safe="")
            whole = ask(f"/?url={asked}")
            assert whole.status == 200, url
            assert whole.headers["etag"].startswith(f'"{name[:20]}-')
            small = ask(f"/?url=ssl:{asked}&w=30&output=png")
            assert (small.status, small.body[1:4]) == (200, b"PNG"), url
            served += 1
        assert served >= 4


def test_every_picture_of_every_article_is_exported(house: House, tmp_path: Path) -> None:
    with house.open() as desk:
        export_markdown(desk, tmp_path / "tree", images="relative")
        names = {ref.sha256 for _, line in desk.archive.lines() if line for ref in line.media}
    files = {path.stem for path in (tmp_path / "tree").rglob("media/*/*")}
    assert names == files
    texts = [path for path in (tmp_path / "tree").rglob("*.md") if "<img" in path.read_text("utf-8")]
    for path in texts:
        for source in re.findall(r'<img src="([^"]+)"', path.read_text("utf-8")):
            assert (path.parent / source).resolve().is_file(), (path, source)
    assert texts


def test_kills_lose_no_picture(tmp_path: Path) -> None:
    """Killed again and again while pictures come: in the end every picture is kept, whole, and named by the log."""
    rng = random.Random(20261123)
    with Newsroom("voa", "dw") as room:
        house, hit = House(tmp_path / "archive", room).make(batch_articles=2), 0
        held: dict[str, bytes] = {}
        for turn in range(KILLS):
            for key in room.desks:
                photos = room.desks[key].stories[turn % len(room.desks[key].stories)].photos
                text = "\n\n".join(paragraphs(4, f"{key}{turn}"))
                room.publish(key, f"turn-{turn}", f"{key} 第{turn}轮", text, photos=photos)
            command = [sys.executable, "-m", "baoguan", "sync", "--now", "-C", str(house.folder)]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(rng.uniform(0.5, 1.6))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                hit += 1
            with house.open() as desk, desk.archive.begin():
                pass
            kept = {path: data for path, data in house.public().items() if path.startswith("media/")}
            assert held.items() <= kept.items(), "what a checkpoint covered stays"
            for path, data in kept.items():
                assert hashlib.sha256(data).hexdigest() == path.rpartition("/")[2].partition(".")[0]
            held = kept
        for _ in range(3):
            house.sync()
        assert hit
        with house.open() as desk:
            assert [(row.missing, row.lost) for row in picture_status(desk)] == [(0, 0)] * 2
        house.verify()


def test_a_full_disk_loses_no_picture(tmp_path: Path) -> None:
    """The floor stops the sync before anything is half-kept; with room again every picture comes."""
    from baoguan.errors import DiskFull

    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        with pytest.raises(DiskFull):
            house.sync(min_free_mb=10**9)
        assert not [path for path in house.public() if path.startswith("media/")]
        house.sync()
        with house.open() as desk:
            (row,) = picture_status(desk)
        assert (row.missing, row.lost) == (0, 0)
        assert row.kept
        house.verify()
