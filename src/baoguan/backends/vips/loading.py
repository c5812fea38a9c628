"""bytes -> picture: loader, pages, limits, orientation, and reduction while loading."""

import pyvips

from baoguan.backends.vips.foreign import open_foreign
from baoguan.backends.vips.work import (
    MAX_DRAWN,
    MAX_PAGES,
    MAX_PIXELS,
    TYPES,
    UNREADABLE,
    Work,
    get_int,
    page_height_of,
)
from baoguan.errors import PictureError
from baoguan.media.transform import single

_DRAWN = frozenset(("svg", "pdf"))
"""What is drawn, not unpacked: its pixels say nothing about its bytes."""
PAGED = frozenset(("webp", "tiff", "gif", "pdf", "heif", "magick"))
PIXELS = f"{{}} image exceeds pixel limit. Width x height should be less than {MAX_PIXELS}"
BOMB_RATIO, BOMB_BYTES, BOMB_WHOLE = 300, 48_000_000, 12_000_000
"""A picture that unpacks to so many times its size is made to cost time (photos reach 100) or is a plain drawing.

It may unpack to 48 MB line by line, to 12 MB where the decoder holds all of it (interlaced, progressive)."""
_ORIENTED = {
    # EXIF orientation: (degrees, flip, flop)
    2: (0, False, True),
    3: (180, False, False),
    4: (180, False, True),
    5: (270, True, False),
    6: (90, False, False),
    7: (90, True, False),
    8: (270, False, False),
}


def open_picture(work: Work) -> pyvips.Image:
    """Loads by the type of the bytes, never by a name. Raises PictureError."""
    loader = _loader_of(work.data)
    name = next((one for one in TYPES if loader.startswith(f"VipsForeignLoad{one}")), "")
    if name in ("", "Heif"):
        _open_foreign(work, known=bool(name))
    work.type = work.type or {"Nsgif": "gif"}.get(name, name.lower())
    options: dict[str, object] = {"access": "random" if work.plan.trim else "sequential"}
    if work.type in PAGED:
        work.n, work.page = work.plan.n, _page(work)
        options |= {"n": work.n, "page": work.page}
    image = work.load(**options)
    _limit(image.width, image.height, "Input")
    limit_drawn(work, image)
    if _is_bomb(work, image):
        raise PictureError(PIXELS.format("Input"))
    pages = get_int(image, "n-pages", 1)
    if work.n == -1:
        work.n = pages
    if work.n > MAX_PAGES:
        raise _too_many()
    _measure(work, image)
    return image


def _is_bomb(work: Work, image: pyvips.Image) -> bool:
    depth = {"uchar": 1, "ushort": 2}.get(image.format, 4)
    unpacked = image.width * image.height * image.bands * depth
    if work.type in _DRAWN or unpacked <= BOMB_RATIO * len(work.data):
        return False
    return bool(unpacked > (BOMB_WHOLE if image.get_typeof("interlaced") else BOMB_BYTES))


def _open_foreign(work: Work, *, known: bool) -> None:
    """HEIC looks like AVIF to libvips, which has no decoder for it here."""
    if known and work.data[8:12] in (b"avif", b"avis"):
        return
    try:
        found = open_foreign(work.data)
    except PictureError:
        if known:
            return
        raise
    work.type, work.pages, work.foreign = found.type, found.pages, found.page


def _loader_of(data: bytes) -> str:
    pointer = pyvips.vips_lib.vips_foreign_find_load_buffer(pyvips.ffi.from_buffer(data), len(data))
    if pointer == pyvips.ffi.NULL:
        pyvips.vips_lib.vips_error_clear()
        return ""
    return str(pyvips.ffi.string(pointer).decode())


def _page(work: Work) -> int:
    """The page asked for; -1 the largest, -2 the smallest."""
    if work.plan.page >= 0:
        return work.plan.page
    first = work.load(access="sequential", page=0)
    pages = get_int(first, "n-pages", 1)
    if pages > MAX_PAGES:
        raise _too_many()
    sizes = [work.load(access="sequential", page=number) for number in range(pages)]
    areas = [page.width * page.height for page in sizes]
    return areas.index(max(areas) if work.plan.page == -1 else min(areas))


def _too_many() -> PictureError:
    return PictureError(
        f"Input image exceeds the maximum number of pages. Number of pages should be less than {MAX_PAGES}"
    )


def _limit(width: int, height: int, which: str) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(PIXELS.format(which))


def limit_drawn(work: Work, image: pyvips.Image) -> None:
    """Raises PictureError for a drawing whose canvas would fill the memory: all of it is painted at once."""
    if work.type in _DRAWN and image.width * image.height > MAX_DRAWN:
        raise PictureError(UNREADABLE)


def limit_output(width: int, height: int) -> None:
    """Raises PictureError for an answer that would be too large."""
    _limit(width, height, "Output")


def _measure(work: Work, image: pyvips.Image) -> None:
    """Target sides in pixels, and the turn that EXIF and the query ask for together."""
    plan = work.plan
    work.in_width, work.in_height = image.width, image.height
    page = page_height_of(image) if work.n > 1 else image.height
    sides = (plan.w.of(image.width), plan.h.of(page))
    if 0 <= plan.dpr <= 8:
        sides = (_round(max(sides[0], 0) * plan.dpr), _round(max(sides[1], 0) * plan.dpr))
    work.w, work.h = (min(max(side, 0), 10_000_000) for side in sides)
    work.page_height = page
    turn, flip, flop = _ORIENTED.get(get_int(image, "orientation"), (0, False, False))
    asked = plan.ro if plan.ro % 90 == 0 else 0
    work.angle = (asked + turn) % 360
    work.upright = turn % 180 == 0
    work.flip, work.flop = plan.flip or flip, plan.flop or flop


def _round(value: float) -> int:
    return int(single(value) + 0.5)


def shrink_factors(work: Work, width: int, height: int) -> tuple[float, float]:
    """(horizontal, vertical) by which a picture of that size is to be reduced; below 1 it is enlarged."""
    turned = not work.plan.precrop and not work.upright
    if turned:
        width, height = height, width
    across = width / work.w if work.w else 0.0
    down = height / work.h if work.h else 0.0
    fit = work.plan.fit
    if work.w and work.h:
        if fit in ("cover", "outside"):
            across = down = min(across, down)
        elif fit in ("contain", "inside"):
            across = down = max(across, down)
        elif turned:
            across, down = down, across
    elif fit == "fill":
        across, down = across or 1.0, down or 1.0
        if turned:
            across, down = down, across
    else:
        across = down = across or down or 1.0
    return (max(1.0, across), max(1.0, down)) if work.plan.we else (across, down)


def common_shrink(work: Work, width: int, height: int) -> float:
    """The smaller factor, never so much that a side vanishes."""
    shrink = min(shrink_factors(work, width, height))
    return 1.0 if shrink > width or shrink > height else shrink


def reduce_while_loading(work: Work, image: pyvips.Image) -> pyvips.Image:
    """The loader's own reduction where there is one: JPEG by 2, 4, 8, WebP, SVG and PDF by scale, HEIF's thumbnail."""
    plan = work.plan
    if work.trimmed or plan.gam or not (work.w or work.h):
        return image
    shrink = common_shrink(work, image.width, page_height_of(image) if work.type in PAGED else image.height)
    if work.type == "jpeg":
        least = 1 if plan.fsol else 2
        factor = next((size for size in (8, 4, 2) if shrink >= size * least), 1)
        return work.load(access="sequential", shrink=factor)
    if work.type == "pdf" or (work.type == "webp" and shrink > 1):  # libwebp enlarges worse than libvips
        return work.load(access="sequential", n=work.n, page=work.page, scale=1 / shrink)
    if work.type == "svg":
        scaled = work.load(access="sequential", scale=1 / shrink)
        _limit(scaled.width, scaled.height, "Output")
        limit_drawn(work, scaled)
        return scaled
    if work.type == "tiff" and (level := _pyramid_level(work, image)) >= 0:
        image = work.load(access="sequential", page=level)
        work.whole = (image.width, image.height)
        return image
    if work.type == "heif" and work.n == 1 and work.foreign is None:
        small = work.load(access="sequential", page=work.page, thumbnail=True)
        if common_shrink(work, small.width, small.height) > 1:
            return small
    return image


def _pyramid_level(work: Work, image: pyvips.Image) -> int:
    """The smallest page of a TIFF pyramid that is still large enough; -1 where the pages are none."""
    pages = get_int(image, "n-pages", 1)
    chosen = -1
    if pages < 2 or pages > MAX_PAGES:
        return -1
    for number in range(pages - 1, -1, -1):
        page = work.load(access="sequential", page=number)
        expected = (image.width >> number, image.height >> number)
        if min(page.width, page.height) < 2 or max(abs(page.width - expected[0]), abs(page.height - expected[1])) > 5:
            return -1
        if chosen < 0 and common_shrink(work, page.width, page.height) >= 1:
            chosen = number
    return chosen
