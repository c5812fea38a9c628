"""What the steps of one transform share, and the errors they raise."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import pyvips

from baoguan.errors import PictureError
from baoguan.media.transform import Transform

MAX_PIXELS = 71_000_000
"""Width x height, in and out."""
MAX_DRAWN = 25_000_000
"""The same of what is drawn: SVG and PDF."""
MAX_PAGES = 256
TYPES = ("Jpeg", "Png", "Webp", "Tiff", "Nsgif", "Svg", "Pdf", "Heif", "Jxl", "Rad")
"""Loaders that are trusted; libvips's own for anything else are blocked."""


INVALID = "Invalid or unsupported image format. Is it a valid image?"
UNREADABLE = "Image not readable. Is it a valid image?"
BROKEN = (
    *(ValueError, LookupError, OSError, RuntimeError, EOFError, SyntaxError, MemoryError, TypeError, ArithmeticError),
    struct.error,
)
"""What decoders in Python raise of damaged files."""


@dataclass
class Work:
    """One transform under way. Owned by its worker."""

    plan: Transform
    data: bytes
    type: str = ""
    """jpeg, png, webp, tiff, gif, svg, pdf, heif, jxl or rad."""
    n: int = 1
    """Pages that are loaded."""
    page: int = 0
    page_height: int = 0
    w: int = 0
    h: int = 0
    angle: int = 0
    """Of EXIF and the query together."""
    upright: bool = True
    """EXIF turns it by no quarter: width is width."""
    whole: tuple[int, int] = (0, 0)
    """Width and page height before any reduction while loading."""
    flip: bool = False
    flop: bool = False
    in_width: int = 0
    in_height: int = 0
    trimmed: bool = False
    foreign: Callable[[int, float], pyvips.Image] | None = None
    """(page, scale) -> picture, where libvips itself can't read the format."""
    pages: int = 1

    def load(self, **options: object) -> pyvips.Image:
        """The picture with loader options. Raises PictureError."""
        if self.foreign is not None:
            return self._load_foreign(**options)
        try:
            return pyvips.Image.new_from_buffer(self.data, "", **{"fail_on": "none", **options})
        except pyvips.Error as error:
            raise PictureError(UNREADABLE) from error

    def _load_foreign(self, **options: object) -> pyvips.Image:
        first, count = int(str(options.get("page", 0))), int(str(options.get("n", 1)))
        scale = float(str(options.get("scale", 1.0)))
        numbers = range(first, self.pages if count == -1 else min(first + max(count, 1), max(self.pages, first + 1)))
        try:
            found = [self.foreign(number, scale) for number in numbers] if self.foreign else []
        except BROKEN as error:
            raise PictureError(UNREADABLE) from error
        image = found[0] if len(found) == 1 else pyvips.Image.arrayjoin(found, across=1)
        image = image.copy()
        image.set_type(pyvips.GValue.gint_type, "n-pages", self.pages)
        if len(found) > 1:
            image.set_type(pyvips.GValue.gint_type, "page-height", found[0].height)
        return image


def get_int(image: pyvips.Image, name: str, default: int = 0) -> int:
    """A numeric field of the header."""
    return int(image.get(name)) if image.get_typeof(name) else default


def page_height_of(image: pyvips.Image) -> int:
    """The height of one page of a tall picture; the whole height where it is no even part of it."""
    height = get_int(image, "page-height", image.height)
    return height if 0 < height <= image.height and image.height % height == 0 else int(image.height)
