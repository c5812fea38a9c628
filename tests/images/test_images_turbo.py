"""The short way for plain JPEGs looks like libvips: same size, dhash within 4 bits, SSIM; others take the long way."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from PIL import Image, ImageFilter

pytest.importorskip("pyvips")
pytest.importorskip("simplejpeg")

from baoguan.backends.vips import turbo
from baoguan.backends.vips.codec import render
from baoguan.media.transform import Transform, parse_transform


@pytest.fixture(scope="module")
def photos(shared: Path) -> list[bytes]:
    packed = (shared / "data" / "images" / "dev.tar.zst").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())) as tar:
        found = [tar.extractfile(one) for one in tar if one.name.endswith(".jpg") and "photos/" in one.name]
        return [one.read() for one in found if one is not None]


def drawn(size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    noise = np.random.default_rng(7).integers(0, 255, (size[1] // 8 + 1, size[0] // 8 + 1, 3), np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    sink = io.BytesIO()
    image.convert(mode).save(sink, "JPEG", **{"quality": 90, **options})
    return sink.getvalue()


def grey(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), float)


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Mean over blocks of 8x8, as Wang et al. 2004 with plain windows."""
    rows, columns = (side // 8 * 8 for side in one.shape)

    def blocks(image: np.ndarray) -> np.ndarray:
        cut = image[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8)
        return cut.transpose(0, 2, 1, 3).reshape(-1, 64)

    a, b = blocks(one), blocks(other)
    mean_a, mean_b = a.mean(1), b.mean(1)
    both = ((a - mean_a[:, None]) * (b - mean_b[:, None])).mean(1)
    top = (2 * mean_a * mean_b + 6.5025) * (2 * both + 58.5225)
    return float((top / ((mean_a**2 + mean_b**2 + 6.5025) * (a.var(1) + b.var(1) + 58.5225))).mean())


def bits(image: np.ndarray) -> np.ndarray:
    small = np.asarray(Image.fromarray(image.astype(np.uint8)).resize((9, 8), Image.Resampling.BOX), int)
    return small[:, 1:] < small[:, :-1]


def long_way(data: bytes, query: str) -> bytes:
    return render(data, parse_transform(query + "&fsol=0")).body


@pytest.mark.parametrize("simd", [True, False])
@pytest.mark.parametrize("width", [620, 600, 300, 150])
def test_photos_look_the_same(photos: list[bytes], width: int, simd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if simd:
        pytest.importorskip("cykooz_resizer")
    else:
        monkeypatch.setattr(turbo, "resizer", None)
    likeness = []
    for data in photos:
        short = turbo.render_jpeg(data, parse_transform(f"w={width}&we"))
        assert short is not None
        mine, theirs = grey(short), grey(long_way(data, f"w={width}&we"))
        assert mine.shape == theirs.shape
        assert (bits(mine) != bits(theirs)).sum() <= 4
        assert abs(mine.mean() - theirs.mean()) < 1.5
        likeness.append(ssim(mine, theirs))
    assert min(likeness) >= 0.85
    assert sum(likeness) / len(likeness) >= 0.94


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(900, 600), (33, 900), (8, 8), (17, 401)])
def test_colours_and_odd_sizes(mode: str, size: tuple[int, int]) -> None:
    data = drawn(size, mode)
    for width in {size[0], size[0] - 1, (size[0] + 1) // 2, size[0] // 3 + 1}:
        short = turbo.render_jpeg(data, parse_transform(f"w={width}"))
        assert short is not None, width
        image = Image.open(io.BytesIO(short))
        other = Image.open(io.BytesIO(long_way(data, f"w={width}")))
        assert (image.size, image.mode) == (other.size, mode)
        assert np.abs(np.asarray(image.convert("RGB"), float) - np.asarray(other.convert("RGB"), float)).mean() < 8


def test_what_takes_the_long_way() -> None:
    plan, data = parse_transform("w=100"), drawn((200, 100))
    assert turbo.render_jpeg(data, plan) is not None
    for query in ("", "h=50%", "w=300", "w=10", "w=100&fit=cover", "w=100&output=webp", "w=100&il", "w=100&blur"):
        assert turbo.render_jpeg(data, parse_transform(query)) is None, query
    for bad in (data[:500], b"\xff\xd8\xff", b"\xff\xd8" + data[40:], b""):
        assert turbo.render_jpeg(bad, plan) is None
    assert turbo.render_jpeg(drawn((200, 100), "CMYK"), plan) is None
    exif = Image.Exif()
    exif[0x0112] = 6
    assert turbo.render_jpeg(drawn((200, 100), exif=exif), plan) is None
    assert turbo.render_jpeg(data, Transform()) is None
