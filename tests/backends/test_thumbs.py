"""Pictures made small in a child: what it can't decode is said, what kills it costs one picture."""

import io
import os
import signal
import tarfile
import time
from pathlib import Path

import pytest
import zstandard
from PIL import Image

from baoguan.backends.thumbs import NOTHING, Thumbs
from baoguan.media.likeness import dominant

pytest.importorskip("pyvips")


def made(kind: str, size: tuple[int, int] = (640, 400), **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.new("RGBA" if kind == "PNG" else "RGB", size, (200, 30, 30))
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_every_format_is_made_small(kind: str) -> None:
    thumbs = Thumbs()
    try:
        width, height, grey, rgb = thumbs(made(kind))
        assert 17 <= width <= 200
        assert 16 <= height <= 200
        assert len(grey) == width * height
        colour = dominant(rgb)
        assert colour >> 16 > 180
        assert colour & 255 < 60
    finally:
        thumbs.close()


def test_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    thumbs = Thumbs()
    try:
        width, height, _, _ = thumbs(made("JPEG", exif=exif.tobytes()))
        assert width < height
    finally:
        thumbs.close()


def test_a_child_that_dies_or_hangs_costs_one_picture() -> None:
    thumbs = Thumbs(picture_s=0.3)
    good = made("JPEG")
    try:
        assert thumbs(good) != NOTHING
        assert thumbs._child is not None
        os.kill(thumbs._child.pid, signal.SIGKILL)
        thumbs(good)
        assert thumbs(good) != NOTHING
        os.kill(thumbs._child.pid, signal.SIGSTOP)
        began = time.monotonic()
        assert thumbs(good) == NOTHING
        assert time.monotonic() - began < 3
        assert thumbs(good) != NOTHING
    finally:
        thumbs.close()
    assert thumbs(b"") == NOTHING
    thumbs.close()


def test_hostile_files_end_in_time(shared: Path) -> None:
    path = shared / "data/images/dev.tar.zst"
    thumbs, seen = Thumbs(), 0
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            content = archive.extractfile(member) if "bad/" in member.name and member.isfile() else None
            if content is not None:
                began = time.monotonic()
                thumbs(content.read())
                assert time.monotonic() - began < 8, member.name
                seen += 1
    thumbs.close()
    assert seen >= 10
