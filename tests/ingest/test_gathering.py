"""Missing, dead and lost pictures: counted, asked for again, taken from another archive by digest. HTTP on loopback."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ingest_house import AheadClock
from picture_site import PictureSite, drawn

from baoguan.app import open_desk
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.cli.common import read_verifier
from baoguan.cli.media import _folder_source
from baoguan.errors import NotFound
from baoguan.gathering import DEAD_TRIES, fetch_missing, fix_pictures, picture_status
from baoguan.ingest import sync
from baoguan.withdrawing import withdraw


@pytest.fixture
def site() -> Iterator[PictureSite]:
    site = PictureSite()
    yield site
    site.close()


@pytest.fixture
def folder(tmp_path: Path, site: PictureSite) -> Path:
    """Three articles; the pictures of two are missing."""
    site.files = {"/one.jpg": drawn(1)}
    for name in ("one", "two", "three"):
        site.publish(name.title(), f"/{name}.jpg")
    place = site.archive(tmp_path / "archive")
    with open_desk(place, durable=False) as desk:
        sync(desk, which="all")
    return place


def counts(folder: Path) -> tuple[int, int, int, int]:
    with open_desk(folder, durable=False) as desk:
        (row,) = picture_status(desk)
        return row.kept, row.missing, row.dead, row.lost


def whole(folder: Path) -> None:
    assert verify(FileObjects(folder / "public"), read_verifier(folder)).faults == ()


def run(*command: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-m", "baoguan", *command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_late_picture_comes_with_its_budget(folder: Path, site: PictureSite) -> None:
    assert counts(folder) == (1, 2, 0, 0)
    site.files |= {"/two.jpg": drawn(2), "/three.jpg": drawn(3)}
    with open_desk(folder, durable=False) as desk:
        assert fetch_missing(desk).asked == 0, "their time hasn't come"
        done = fetch_missing(desk, hurry=True, limit=1)
        assert (done.asked, done.came) == (1, 1)
    assert run("media", "fetch", "--now", "--json", "-C", str(folder))["came"] == 1
    assert counts(folder) == (3, 0, 0, 0)
    whole(folder)


def test_a_picture_that_two_articles_wait_for_is_of_both(folder: Path, site: PictureSite) -> None:
    site.publish("Four", "/two.jpg")
    with open_desk(folder, durable=False) as desk:
        sync(desk, which="all")
        site.files["/two.jpg"] = drawn(2)
        fetch_missing(desk, hurry=True)
        two, four = (row.id for row in desk.catalog.articles() if row.title in ("Two", "Four"))
        assert {line.id for _, line in desk.archive.lines() if line and line.kind == "late"} == {two, four}
        withdraw(desk, [two], reason="court")
        held = desk.catalog.media(f"{site.base}/two.jpg")
        assert held is not None
        assert desk.archive.media(held.path) == drawn(2), "the other article still shows it"
    whole(folder)


def test_a_dead_origin_is_said_and_still_asked_at_times(folder: Path, site: PictureSite) -> None:
    clock = AheadClock()
    site.down = True
    for _ in range(DEAD_TRIES + 1):
        clock.ahead += timedelta(days=31)
        with open_desk(folder, clock=clock, durable=False) as desk:
            desk.schedule.set_hosts({})
            fetch_missing(desk)
    assert counts(folder) == (1, 2, 2, 0)
    site.down = False
    site.files["/two.jpg"] = drawn(2)
    clock.ahead += timedelta(days=31)
    with open_desk(folder, clock=clock, durable=False) as desk:
        desk.schedule.set_hosts({})
        assert fetch_missing(desk).came == 1
    assert run("media", "status", "--json", "-C", str(folder))["dead"] == 1


def test_pictures_are_taken_from_another_archive_by_digest(folder: Path, site: PictureSite, tmp_path: Path) -> None:
    site.files |= {"/two.jpg": drawn(2), "/three.jpg": drawn(3)}
    other = site.archive(tmp_path / "other")
    with open_desk(other, durable=False) as desk:
        sync(desk, which="all")
    site.files.clear()
    broken = next(path for path in (other / "public/media").rglob("*.jpg") if path.read_bytes() == drawn(3))
    broken.chmod(0o644)
    broken.write_bytes(drawn(4))
    done = run("media", "fix", "--offline", "--from", str(other), "--json", "-C", str(folder))
    assert (done["taken"], done["refused"], done["left"]) == (1, 1, 1)
    broken.write_bytes(drawn(3))
    with served(other / "public") as address:
        command = (
            "media",
            "fix",
            "--offline",
            "--from",
            address,
            "--allow",
            "127.0.0.0/8",
            "--json",
            "-C",
            str(folder),
        )
        done = run(*command)
    assert (done["taken"], done["left"]) == (1, 0)
    assert counts(folder) == (3, 0, 0, 0)
    whole(folder)
    told = subprocess.run(
        [sys.executable, "-m", "baoguan", "media", "fix", "--from", str(tmp_path), "-C", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1


class served:
    """A folder over HTTP."""

    def __init__(self, root: Path) -> None:
        handler = partial(SimpleHTTPRequestHandler, directory=str(root))
        handler.func.log_message = lambda *_: None  # type: ignore[attr-defined,assignment]
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_a_lost_file_comes_back_only_with_its_own_bytes(folder: Path, site: PictureSite, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "backup")
    (path,) = (folder / "public/media").rglob("*.jpg")
    path.unlink()
    assert counts(folder) == (0, 2, 0, 1)
    site.files["/one.jpg"] = drawn(9)
    with open_desk(folder, durable=False) as desk:
        assert fix_pictures(desk).restored == 0, "the origin serves another picture now"
        assert fix_pictures(desk, [_folder_source(tmp_path / "backup")], offline=True).restored == 1
    assert counts(folder) == (1, 2, 0, 0)
    path.unlink()
    site.files["/one.jpg"] = drawn(1)
    with open_desk(folder, durable=False) as desk:
        assert fix_pictures(desk).restored == 1
    whole(folder)


def test_what_is_withdrawn_while_it_is_fetched_does_not_come_back(folder: Path) -> None:
    """A lost file is found elsewhere; its article is withdrawn before the bytes arrive."""
    with open_desk(folder, durable=False) as desk:
        (lost,) = desk.archive.objects.list("media")
        data = desk.archive.media(lost)
        (folder / "public" / lost).unlink()
        ids = [row.id for row in desk.catalog.articles() if row.title in ("One", "Two")]

        def get(path: str, _cap: int) -> bytes | None:
            if not path.startswith("media/"):
                return None
            with open_desk(folder, durable=False) as other:
                withdraw(other, ids, reason="court")
            return data

        with pytest.raises(NotFound, match="no checkpoint there"):
            fix_pictures(desk, [get], offline=True)
        assert list(desk.archive.objects.list("media")) == []
    whole(folder)
