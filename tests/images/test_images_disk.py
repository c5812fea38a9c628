"""A disk that is really full, and kills while pictures and variants are written: nothing is lost, nothing half-kept."""

import hashlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from picture_site import PictureSite, drawn

from baoguan.app import open_desk
from baoguan.archive.verify import verify
from baoguan.backends.file_cache import FileCache
from baoguan.backends.files import FileObjects
from baoguan.cli.common import read_verifier
from baoguan.gathering import picture_status

pytest.importorskip("pyvips")
PICTURES = 24


@pytest.fixture
def site() -> Iterator[PictureSite]:
    """Pictures of noise: a hundred kilobytes each."""
    site = PictureSite()
    for number in range(PICTURES):
        noise = random.Random(number).randbytes(100_000)
        site.files[f"/{number}.jpg"] = drawn(number, (640, 420)) + noise
        site.publish(f"Number {number}", f"/{number}.jpg")
    yield site
    site.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a small file system takes root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def baoguan(*command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "baoguan", *command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def kept(folder: Path) -> dict[str, bytes]:
    """Every media file is what its name says."""
    found = {path.stem: path.read_bytes() for path in (folder / "public" / "media").rglob("*") if path.is_file()}
    for name, data in found.items():
        assert hashlib.sha256(data).hexdigest() == name
    return found


def whole(folder: Path) -> None:
    assert verify(FileObjects(folder / "public"), read_verifier(folder)).faults == ()


def test_a_full_disk_keeps_whole_pictures_or_none(site: PictureSite, small_disk: Path) -> None:
    folder = site.archive(small_disk / "archive")
    full = baoguan("sync", "--now", "-C", str(folder), "--min-free-mb", "0")
    assert full.returncode == 5, (full.returncode, full.stdout, full.stderr)
    assert len(full.stderr.strip().splitlines()) == 1, full.stderr
    before = kept(folder)
    assert len(before) < PICTURES
    whole(folder)
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    for _ in range(2):
        done = baoguan("sync", "--now", "-C", str(folder), "--min-free-mb", "0")
    assert done.returncode == 0, done.stderr
    after = kept(folder)
    assert before.items() <= after.items()
    assert set(after.values()) == set(site.files.values())
    with open_desk(folder, durable=False) as desk:
        assert [(row.kept, row.missing, row.lost) for row in picture_status(desk)] == [(PICTURES, 0, 0)]
    whole(folder)


def test_a_full_disk_still_shows_pictures(site: PictureSite, small_disk: Path) -> None:
    """Variants that find no room are made each time; none is half there."""
    cache = FileCache(small_disk / "variants", 1 << 30)
    (small_disk / "filler").write_bytes(b"." * 2_900_000)
    data = random.Random(1).randbytes(900_000)
    cache.put("a" * 64, "x", data)
    assert cache.get("a" * 64, "x") is None
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path.name != "filler"]
    (small_disk / "filler").unlink()
    cache.put("a" * 64, "x", data)
    assert cache.get("a" * 64, "x") == data


def served(folder: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "baoguan", "serve", "--no-sync", "-C", str(folder), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = re.search(r"http://\S+/", process.stdout.readline())
    assert found is not None
    return process, found[0]


def test_kills_while_variants_are_made_leave_whole_ones(site: PictureSite, tmp_path: Path) -> None:
    folder = site.archive(tmp_path / "archive")
    assert baoguan("sync", "--now", "-C", str(folder)).returncode == 0
    site.down = True
    before, chance, paths = kept(folder), random.Random(3), []
    for _ in range(2):
        process, address = served(folder)
        ends = time.monotonic() + chance.uniform(0.3, 0.9)
        with process:
            while time.monotonic() < ends:
                name = chance.choice(sorted(before))
                paths.append(f"variants/{name}/{chance.choice((320, 640))}.{chance.choice(('jpg', 'webp'))}")
                paths.append(f"?url={site.base}/{chance.randrange(PICTURES)}.jpg&w={chance.randrange(50, 600)}")
                for path in paths[-2:]:
                    urllib.request.urlopen(address + path, timeout=20).close()
            process.kill()
    assert kept(folder) == before
    process, address = served(folder)
    with process:
        for path in dict.fromkeys(paths):
            with urllib.request.urlopen(address + path, timeout=20) as answer:
                body = answer.read()
            assert body[-2:] == b"\xff\xd9" if body[:2] == b"\xff\xd8" else body[:4] == b"RIFF"
        process.terminate()
    whole(folder)


def test_kills_while_pictures_are_kept_lose_none(site: PictureSite, tmp_path: Path) -> None:
    """Killed when the disk says that pictures are being written, not at a time of the clock."""
    folder, chance, hit = site.archive(tmp_path / "archive"), random.Random(7), 0
    held: dict[str, bytes] = {}
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "baoguan", "sync", "--now", "-C", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        media, enough = folder / "public" / "media", len(held) + chance.randrange(1, 6)
        while process.poll() is None and sum(1 for _ in media.rglob("*.*")) < enough:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            hit += 1
        process.wait()
        with open_desk(folder) as desk, desk.archive.begin():
            pass
        now = kept(folder)
        assert held.items() <= now.items()
        held = now
    assert hit
    assert baoguan("sync", "--now", "-C", str(folder)).returncode == 0
    assert set(kept(folder).values()) == set(site.files.values())
    whole(folder)
    shutil.rmtree(folder)
