"""Files made to harm: bombs of every kind, and damaged ones by a seeded fuzz. Each costs one clean answer."""

import base64
import io
import random
import resource
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("pyvips")

from baoguan.backends.vips.pool import Picture, RenderPool
from baoguan.errors import PictureError
from baoguan.media.transform import parse_transform

CPU_S, MEMORY_MB = 1.0, 200
"""Of one file: drawings are stopped at 0.25 s; the rest is room for a busy machine and a worker that begins anew."""


@pytest.fixture
def pool() -> Iterator[RenderPool]:
    pool = RenderPool(1)
    yield pool
    pool.close()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *more: bytes, interlaced: bool = False) -> bytes:
    """Black, eight bits of RGB; at most 40 MB of rows."""
    rows = zlib.compress(bytes(min((width * 3 + 1) * height, 40_000_000)), 1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def svg(body: str, side: int = 100) -> bytes:
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {space} width="{side}" height="{side}">{body}</svg>'.encode()


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


PACKED = zlib.compress(bytes(60_000_000), 1)
TEN = "".join(f'<g id="a{n}">' + f'<use xlink:href="#a{n - 1}"/>' * 10 + "</g>" for n in range(1, 9))
BOMBS = {
    "many pixels": png(8000, 8000),
    "interlaced": png(4000, 4000, interlaced=True),
    "a packed profile": png(10, 10, chunk(b"iCCP", b"x\0\0" + PACKED)),
    "packed text": png(10, 10, *[chunk(b"zTXt", b"x\0\0" + PACKED)] * 4),
    "packed XMP": png(10, 10, chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + PACKED)),
    "a large profile": saved(Image.new("RGB", (9, 9)), "WEBP", icc_profile=bytes(2_000_000)),
    "a flat WebP": saved(Image.new("RGB", (8000, 8000)), "WEBP"),
    "nested uses": svg('<g id="a0"><rect width="1" height="1"/></g>' + TEN + '<use xlink:href="#a8"/>'),
    "many shapes": svg('<rect width="99" height="99" opacity=".5"/>' * 50_000),
    "filters": svg(
        '<filter id="f"><feTurbulence baseFrequency="0.01" numOctaves="20"/></filter>'
        '<rect width="4000" height="4000" filter="url(#f)"/>',
        4000,
    ),
    "a large canvas": svg('<rect width="9" height="9"/>', 8000),
    "a picture inside": svg(
        f'<image width="9" height="9" xlink:href="data:image/png;base64,{base64.b64encode(png(8000, 8000)).decode()}"/>'
    ),
    "an endless file": b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 90_000,
}


def ask(pool: RenderPool, data: bytes, query: str) -> Picture | PictureError:
    """The answer; what it costs is bounded."""
    child = pool._idle.get()
    pool._idle.put(child)
    pid = child._process.pid if child else 0
    before = cpu_s(pid)
    told: Picture | PictureError
    try:
        told = pool.render(data, parse_transform(query))
    except PictureError as error:
        told = error
    if isinstance(told, PictureError):
        assert "\n" not in str(told)
        assert len(str(told)) < 400
        assert told.status in (400, 404)
    if pid and Path(f"/proc/{pid}/status").exists():
        assert cpu_s(pid) - before < CPU_S
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
        assert peak < MEMORY_MB * 1024
    return told


def cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_bombs_are_stopped(pool: RenderPool, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    pool.render(png(9, 9), parse_transform("w=3"))
    for query in ("w=300", "output=png", "output=json"):
        ask(pool, BOMBS[name], query)
        told = pool.render(png(9, 9), parse_transform("w=3"))
        assert told.content_type == "image/png"  # whatever became of the worker
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 3 * (CPU_S + 1)


BASES = [
    *(saved(Image.effect_noise((90, 60), 60).convert("RGB"), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF")),
    saved(Image.effect_noise((60, 40), 60).convert("RGB"), "AVIF", speed=10),
    saved(Image.effect_noise((64, 64), 60).convert("RGBA"), "ICO", bitmap_format="bmp"),
    saved(Image.effect_noise((64, 64), 60).convert("RGBA"), "ICO"),
    saved(Image.effect_noise((90, 60), 60), "PDF"),
    svg('<rect width="9" height="9" fill="red"/><text>a</text>'),
    b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 8 +X 8\n" + bytes(range(256)),
]
QUERIES = ("w=30", "output=png", "", "n=-1", "page=-1", "trim=10", "output=json", "output=webp", "ro=33&mask=star")


def damaged(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(BASES))
    way = chance.random()
    if way < 0.25:
        return bytes(data[: chance.randrange(len(data) + 1)])
    if way < 0.7:
        for _ in range(chance.choice((1, 1, 3, 10, 50))):
            data[chance.randrange(min(len(data), chance.choice((64, 600, len(data)))))] ^= 1 << chance.randrange(8)
    elif way < 0.9:
        at = chance.randrange(min(400, len(data)))
        size = chance.choice((0, 1, 255, 65_535, 65_536, 0x7FFFFFFF, 0xFFFFFFFF, 20_000, 71_000))
        data[at : at + 4] = struct.pack(chance.choice("<>") + "I", size)
    else:
        other = chance.choice(BASES)
        data = data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]
    return bytes(data)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.torture)])
def test_damaged_files_are_answered(pool: RenderPool, seed: int) -> None:
    chance = random.Random(seed)
    pool.render(png(9, 9), parse_transform("w=3"))
    fine = sum(
        isinstance(ask(pool, damaged(chance), chance.choice(QUERIES)), Picture)
        for _ in range(200 if seed == 1 else 9000)
    )
    assert fine > 20  # the fuzz reaches beyond the first bytes
