"""Formats that pyvips-binary can't read, by libraries of their own: PDF (pypdfium2), HEIC (pillow-heif), ICO (Pillow).

Each gives the pages of a picture; a page is read when it is asked for. They come with the extra `images`.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import pyvips

from baoguan.backends.vips.work import BROKEN, INVALID, MAX_DRAWN, MAX_PAGES, UNREADABLE
from baoguan.errors import PictureError

_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_MAX_SIDE = 20_000
_MAX_ICON = 1_048_576
"""Pixels: a PNG inside may be of any size."""
_MAX_RADIANCE = 4_000_000
"""Pixels: they are read in Python."""


@dataclass(frozen=True)
class Foreign:
    """A picture of such a format."""

    type: str
    pages: int
    page: Callable[[int, float], pyvips.Image]
    """(number, scale) -> the page."""


def open_foreign(data: bytes) -> Foreign:
    """By the first bytes. Raises PictureError for what is none of these, or can't be read."""
    opener = None
    if data[:5] == b"%PDF-":
        opener = _pdf
    elif data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        opener = _heif
    elif data[:4] == b"\0\0\1\0":
        opener = _ico
    elif data[:2] == b"#?":
        opener = _radiance
    if opener is None:
        raise PictureError(INVALID)
    try:
        return opener(data)
    except ImportError as error:
        raise PictureError(INVALID) from error
    except BROKEN as error:
        raise PictureError(UNREADABLE) from error


def _pdf(data: bytes) -> Foreign:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)

    def page(number: int, scale: float) -> pyvips.Image:
        if not 0 <= number < len(document):
            raise PictureError(UNREADABLE)
        sheet = document[number]
        width, height = (side * scale for side in sheet.get_size())
        if max(width, height) > _MAX_SIDE or width * height > MAX_DRAWN:
            raise PictureError(UNREADABLE)
        bitmap = sheet.render(scale=scale, fill_color=(255, 255, 255, 255), rev_byteorder=True)
        pixels = bytes(bitmap.buffer)
        rows = pyvips.Image.new_from_memory(pixels, bitmap.stride, bitmap.height, 1, "uchar")
        bands = bitmap.n_channels
        image = rows.extract_area(0, 0, bitmap.width * bands, bitmap.height)
        image = pyvips.Image.new_from_memory(
            bytes(image.write_to_memory()), bitmap.width, bitmap.height, bands, "uchar"
        )
        image = image.extract_band(0, n=3) if bands == 4 else image
        return image.copy(interpretation="srgb", xres=72 / 25.4, yres=72 / 25.4).bandjoin(255)

    return Foreign("pdf", len(document), page)


def _heif(data: bytes) -> Foreign:
    import pillow_heif

    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)

    def page(number: int, _scale: float) -> pyvips.Image:
        if not 0 <= number < len(file):
            raise PictureError(UNREADABLE)
        one = file[number]
        bands = len(one.mode)
        rows = pyvips.Image.new_from_memory(bytes(one.data), one.stride, one.size[1], 1, "uchar")
        packed = rows.extract_area(0, 0, one.size[0] * bands, one.size[1]).write_to_memory()
        image = pyvips.Image.new_from_memory(bytes(packed), *one.size, bands, "uchar").copy(interpretation="srgb")
        image.set_type(pyvips.GValue.gint_type, "heif-primary", file.primary_index)
        return image

    return Foreign("heif", min(len(file), MAX_PAGES), page)


def _ico(data: bytes) -> Foreign:
    from PIL import IcoImagePlugin, Image

    file = IcoImagePlugin.IcoFile(io.BytesIO(data))
    sizes = [(data[6 + 16 * at] or 256, data[7 + 16 * at] or 256) for at in range(data[4])]

    def page(number: int, _scale: float) -> pyvips.Image:
        if not 0 <= number < len(sizes):
            raise PictureError(UNREADABLE)
        try:
            one = file.getimage(sizes[number])
        except Image.DecompressionBombError as error:
            raise PictureError(UNREADABLE) from error
        if one.width * one.height > _MAX_ICON:
            raise PictureError(UNREADABLE)
        one = one.convert("RGBA")
        image = pyvips.Image.new_from_memory(one.tobytes(), *one.size, 4, "uchar").copy(interpretation="srgb")
        image.set_type(pyvips.GValue.gint_type, "orientation", 1)  # upright, as weserv says of icons
        return image

    return Foreign("magick", len(sizes), page)


def _radiance(data: bytes) -> Foreign:
    """Radiance RGBE, run-length encoded or flat (Ward, Graphics Gems II)."""
    found = re.search(rb"\n\n-Y (\d{1,5}) \+X (\d{1,5})\n", data[:4096])
    if found is None:
        raise PictureError(UNREADABLE)
    height, width = int(found[1]), int(found[2])
    if not 0 < width * height <= _MAX_RADIANCE:
        raise PictureError(UNREADABLE)
    rows, at = bytearray(), found.end()
    for _ in range(height):
        at = _scanline(data, at, width, rows)

    def page(_number: int, _scale: float) -> pyvips.Image:
        packed = pyvips.Image.new_from_memory(bytes(rows), width, height, 4, "uchar")
        light = packed.extract_band(0, n=3) * (2 ** (packed[3].cast("float") - 136))
        return light.copy(interpretation="scrgb").colourspace("srgb").cast("uchar")

    return Foreign("rad", 1, page)


def _scanline(data: bytes, at: int, width: int, rows: bytearray) -> int:
    """Appends one line, pixel by pixel; returns where the next one begins."""
    if not (8 <= width < 32_768 and data[at : at + 2] == b"\2\2" and data[at + 2] << 8 | data[at + 3] == width):
        if at + 4 * width > len(data):
            raise PictureError(UNREADABLE)
        rows += data[at : at + 4 * width]
        return at + 4 * width
    at += 4
    line = bytearray()
    while len(line) < 4 * width:
        count = data[at]
        if count > 128:
            line += data[at + 1 : at + 2] * (count - 128)
            at += 2
        else:
            line += data[at + 1 : at + 1 + count]
            at += 1 + max(count, 1)
    pixels = bytearray(4 * width)
    for band in range(4):
        pixels[band::4] = line[band * width : (band + 1) * width]
    rows += pixels
    return at
