"""Size and place: trim, resize, turn, align, crop, embed, rotate."""

import pyvips

from baoguan.backends.vips.loading import limit_output, shrink_factors
from baoguan.backends.vips.work import Work, page_height_of
from baoguan.media.colours import Colour

_WIDE = ("rgb16", "grey16")


def trim(work: Work, image: pyvips.Image) -> pyvips.Image:
    """Cuts the border that differs little from its first pixel, or from `tbg`."""
    limit = work.plan.trim
    if not limit or image.width < 3 or image.height < 3:
        return image
    if work.plan.tbg is not None:
        ground = work.plan.tbg.rgba[:3]
    else:
        pixel = image.extract_area(0, 0, 1, 1)
        ground = (pixel.flatten() if pixel.hasalpha() else pixel)(0, 0)
    threshold = limit * 256 if image.interpretation in _WIDE else limit
    left, top, width, height = image.find_trim(threshold=threshold, background=ground)
    if not width or not height:
        return image
    work.trimmed = True
    if work.n > 1:
        top, height = 0, image.height
    return image.extract_area(left, top, width, height)


def resize(work: Work, image: pyvips.Image) -> pyvips.Image:
    """To the size asked for, in sRGB; alpha is premultiplied meanwhile, profiles are applied."""
    if image.coding == "rad":
        image = image.rad2float()
    cmyk = image.interpretation == "cmyk"
    profiled = bool(image.get_typeof("icc-profile-data"))
    if cmyk and not profiled:
        image = image.colourspace("srgb")
    elif profiled:
        image = _to_srgb(image)
    image = image.colourspace("srgb")
    page = image.height
    if work.n > 1:
        page = work.page_height if work.plan.precrop else page_height_of(image)
    full = work.whole if work.whole[0] else (image.width, page)
    across, down = shrink_factors(work, *full)
    width, height = max(1, round(full[0] / across)), max(1, round(full[1] / down))
    whole = height * work.n if image.height > page else height
    across, down = image.width / width, image.height / whole
    limit_output(width, whole)
    work.page_height = height
    if across == 1 and down == 1:
        return image
    alpha, held = image.hasalpha(), image.format
    if not alpha:
        return image.resize(1 / across, vscale=1 / down)
    # Premultiplied in the picture's own depth, as weserv does: what is next to transparent has the colours that its
    # answers have (measured on the recorded ones; in floating point two more of them differ).
    small = image.premultiply().cast(held).resize(1 / across, vscale=1 / down)
    return small.unpremultiply().cast(held)


def _to_srgb(image: pyvips.Image) -> pyvips.Image:
    try:
        return image.icc_transform("srgb", embedded=True, intent="perceptual", depth=8)
    except pyvips.Error:
        return image  # a broken profile is no reason to show nothing


def turn(work: Work, image: pyvips.Image) -> pyvips.Image:
    """By quarters, then mirrored; what EXIF says is done with that."""
    if not work.angle and not work.flip and not work.flop:
        return image
    if work.angle or work.flip:
        image = image.copy_memory()
    if work.angle:
        if work.n > 1 and work.angle != 180:
            width = image.width
            image = image.grid(work.page_height, work.n, 1)
            work.page_height = width
        image = image.rot(f"d{work.angle}")
    if work.flip:
        image = image.flipver()
    if work.flop:
        image = image.fliphor()
    image = image.copy()
    if image.get_typeof("orientation"):
        image.remove("orientation")
    return image


def align(work: Work, image: pyvips.Image) -> pyvips.Image:
    """`cover`: what is too large is cut off, by the place or the focal point."""
    if work.plan.fit != "cover":
        return image
    page = work.page_height if work.n > 1 else image.height
    width = work.w if 0 < work.w < image.width else image.width
    height = work.h if 0 < work.h < page else page
    if (width, height) == (image.width, page):
        return image
    place = work.plan.a
    if place in ("entropy", "attention") and work.n == 1:
        return image.copy_memory().smartcrop(width, height, interesting=place)
    if place == "focal":
        left, top = _focal(work, (width, height), (image.width, page))
    else:
        left, top = _place(place, (width, height), (image.width, page))
    return _cut(work, image, (left, top, width, height), page)


def _focal(work: Work, target: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    inside = (work.in_width, (work.page_height and work.in_height // max(work.n, 1)) or work.in_height)
    if work.angle in (90, 270):
        inside = (inside[1], inside[0])
    factor = min(inside[0] / target[0], inside[1] / target[1])
    found = []
    for share, side, want, have in zip((work.plan.fpx, work.plan.fpy), inside, target, size, strict=True):
        at = int(share * side / factor - want / 2 + 0.5) if share * side / factor >= want / 2 else 0
        found.append(min(max(at, 0), have - want))
    return found[0], found[1]


def _place(place: str, inner: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    """Where the inner box lies in the outer one (or, with both swapped, where the outer is cut)."""
    free = (outer[0] - inner[0], outer[1] - inner[1])
    left = 0 if "left" in place else free[0] if "right" in place else _half(free[0])
    top = 0 if "top" in place else free[1] if "bottom" in place else _half(free[1])
    return left, top


def _half(value: int) -> int:
    """Towards zero, as C divides."""
    return value // 2 if value >= 0 else -(-value // 2)


def _cut(work: Work, image: pyvips.Image, box: tuple[int, int, int, int], page: int) -> pyvips.Image:
    """The box of every page."""
    left, top, width, height = box
    if work.n <= 1:
        return image.extract_area(left, top, width, height)
    work.page_height = height
    if top == 0 and height == page:
        return image.extract_area(left, 0, width, image.height)
    pages = [image.extract_area(left, page * number + top, width, height) for number in range(work.n)]
    return pyvips.Image.arrayjoin(pages, across=1)


def crop(work: Work, image: pyvips.Image) -> pyvips.Image:
    """cx, cy, cw, ch; out of range: from the edge, to the edge."""
    plan = work.plan
    if plan.cx is None and plan.cy is None and plan.cw is None and plan.ch is None:
        return image
    page = work.page_height if work.n > 1 else image.height
    left = _inside(plan.cx.of(image.width) if plan.cx else 0, image.width, 0)
    top = _inside(plan.cy.of(page) if plan.cy else 0, page, 0)
    width = _inside(plan.cw.of(image.width) if plan.cw else 0, image.width - left, image.width - left)
    height = _inside(plan.ch.of(page) if plan.ch else 0, page - top, page - top)
    return _cut(work, image, (left, top, width, height), page)


def _inside(value: int, below: int, otherwise: int) -> int:
    return value if 0 < value < below else otherwise


def embed(work: Work, image: pyvips.Image) -> pyvips.Image:
    """`contain`: the rest of the box is filled with `cbg`."""
    if work.plan.fit != "contain":
        return image
    page = work.page_height if work.n > 1 else image.height
    width, height = work.w or image.width, work.h or page
    if (width, height) == (image.width, page):
        return image
    limit_output(width, height * work.n)
    if work.plan.a == "focal":
        left = int((width - image.width) * work.plan.fpx + 0.5)
        top = int((height - page) * work.plan.fpy + 0.5)
    else:
        left, top = _place(work.plan.a, (image.width, page), (width, height))
    image = with_alpha(image, work.plan.cbg)
    ground = _ground(image, work.plan.cbg)
    if work.n <= 1:
        return image.embed(left, top, width, height, extend="background", background=ground)
    pages = [
        image.extract_area(0, page * number, image.width, page).embed(
            left, top, width, height, extend="background", background=ground
        )
        for number in range(work.n)
    ]
    work.page_height = height
    return pyvips.Image.arrayjoin(pages, across=1)


def rotate(work: Work, image: pyvips.Image) -> pyvips.Image:
    """By any other angle; not where there are several pages."""
    if work.plan.ro % 90 == 0 or work.n > 1:
        return image
    image = with_alpha(image, work.plan.rbg)
    turned = image.copy_memory().rotate(float(work.plan.ro), background=_ground(image, work.plan.rbg))
    limit_output(turned.width, turned.height)
    return turned


def with_alpha(image: pyvips.Image, colour: Colour) -> pyvips.Image:
    """With an alpha band where the colour needs one."""
    if image.hasalpha() or colour.alpha == 255:
        return image
    return image.bandjoin(65535 if image.interpretation in _WIDE else 255)


def _ground(image: pyvips.Image, colour: Colour) -> list[float]:
    grounds = colour.rgba if image.bands > 2 else [_grey(colour), float(colour.alpha)]
    return grounds[: image.bands]


def _grey(colour: Colour) -> float:
    return 0.2126 * colour.red + 0.7152 * colour.green + 0.0722 * colour.blue
