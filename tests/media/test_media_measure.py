"""Pictures are known by their bytes; nothing that comes as a picture makes the reader of headers fail."""

import io
import re
import struct
import warnings
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from baoguan.media.measure import MAX_PIXELS, ImageInfo, measure_picture

FORMATS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp", "AVIF": "avif", "BMP": "bmp", "ICO": "ico"}


def made(kind: str, size: tuple[int, int] = (48, 32), **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    image.save(out, kind, **options)
    return out.getvalue()


def png(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that nothing behind it backs."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kept_format(kind: str) -> None:
    options: dict[str, object] = {"sizes": [(48, 32)]} if kind == "ICO" else {}
    info = measure_picture(made(kind, **options))
    assert info is not None
    assert (info.format, info.extension) == (kind.lower(), FORMATS[kind])
    assert (info.width, info.height, info.frames, info.truncated) == (48, 32, 1, False)
    assert info.mime.startswith("image/")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP"])
def test_a_cut_file_is_said_to_be_cut(kind: str) -> None:
    data = made(kind, (300, 200))
    info = measure_picture(data[: len(data) * 3 // 4])
    assert info is not None
    assert info.truncated
    assert (info.width, info.height) == (300, 200)


def test_other_ways_of_writing_jpeg_and_webp() -> None:
    for data in (
        made("JPEG", progressive=True),
        made("JPEG", exif=Image.Exif().tobytes(), comment=b"\xff\xd9 in a comment"),
        made("WEBP", lossless=True),
        made("WEBP", exif=b"Exif\x00\x00" + bytes(20)),
        made("AVIF", quality=30),
    ):
        info = measure_picture(data)
        assert info is not None
        assert (info.width, info.height, info.truncated) == (48, 32, False)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_frames_are_counted(kind: str) -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (20, 10), (index * 40, 0, 0)) for index in range(5)]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=50)
    info = measure_picture(out.getvalue())
    assert info is not None
    assert (info.frames, info.width, info.height) == (5, 20, 10)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"\n\n  <html><title>Access denied</title>",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"%!PS-Adobe-3.0\n",
        b"push graphic-context\nviewbox 0 0 1 1",
        b"BM is how this text begins, and it is not a picture at all",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        b"II*\x00" + bytes(40),
        png(0, 10),
        png(30_001, 1),
        png(20_000, 20_000),
        png(2**31, 2**31),
    ],
)
def test_what_is_no_picture_to_keep(data: bytes) -> None:
    assert measure_picture(data) is None


def test_the_cap_on_pixels_is_the_largest_that_passes() -> None:
    assert measure_picture(png(10_000, MAX_PIXELS // 10_000)) is not None
    assert measure_picture(png(10_000, MAX_PIXELS // 10_000 + 1)) is None


HOSTILE = {
    "bomb_30000x30000_1bit.png": None,
    "claims_65535.png": None,
    "gif_empty.gif": None,
    "header_only.jpg": None,
    "href_file.svg": None,
    "href_http.svg": None,
    "laughs.svg": None,
    "mvg.jpg": None,
    "nest.svg": None,
    "ps.jpg": None,
    "script.svg": None,
    "tiny.bmp": None,
    "xxe.svg": None,
    "bomb_8000x8000_1bit.png": ("png", 8000, 8000, False),
    "jpeg_html_polyglot.jpg": ("jpeg", 320, 240, False),
    "jpeg_zip_polyglot.jpg": ("jpeg", 320, 240, False),
    "truncated.jpg": ("jpeg", 320, 240, True),
}


def test_hostile_files(real_images: dict[str, bytes]) -> None:
    found = {name.removeprefix("bad/"): data for name, data in real_images.items() if name.startswith("bad/")}
    assert set(found) == set(HOSTILE)
    for name, expected in HOSTILE.items():
        info = measure_picture(found[name])
        assert (info and (info.format, info.width, info.height, info.truncated)) == expected, name


def test_it_agrees_with_pillow_on_real_pictures(real_images: dict[str, bytes]) -> None:
    compared = 0
    for name, data in real_images.items():
        if not re.match(r"(inputs|photos|dev/expected)/.+\.(jpe?g|png|gif|webp|avif|bmp|ico)$", name, re.IGNORECASE):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            frames = min(getattr(image, "n_frames", 1), 1000)
        info = measure_picture(data)
        assert info is not None, name
        assert (info.width, info.height, info.frames, info.truncated) == (*image.size, frames, False), name
        compared += 1
    assert compared >= 100


HEADS = [made(kind, (16, 16)) for kind in FORMATS]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HEADS), st.data())
def test_no_bytes_make_it_fail(head: bytes, data: st.DataObject) -> None:
    """Cut anywhere, with any bytes put in anywhere."""
    at = data.draw(st.integers(0, len(head)))
    junk = data.draw(st.binary(max_size=40))
    end = data.draw(st.integers(at, len(head)))
    info = measure_picture(head[:at] + junk + head[end:])
    assert info is None or isinstance(info, ImageInfo)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"\xff\xd8\xff", b"GIF89a", b"BM", b"\x00\x00\x01\x00\x01\x00", b"\x89PNG\r\n\x1a\n"]), st.binary()
)
def test_no_bytes_behind_a_magic_make_it_fail(magic: bytes, rest: bytes) -> None:
    info = measure_picture(magic + rest)
    assert info is None or (info.width > 0 and info.height > 0)
