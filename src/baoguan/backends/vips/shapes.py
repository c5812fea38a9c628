"""Masks: circle, ellipse, polygons, star, heart, as SVG paths that fill the picture as far as they can."""

import math

import pyvips

from baoguan.backends.vips.geometry import _cut
from baoguan.backends.vips.work import Work
from baoguan.media.colours import Colour

_CORNERS = {"hexagon": 6, "pentagon": 5, "pentagon-180": 5, "star": 10, "square": 4, "triangle": 3, "triangle-180": 3}
Point = tuple[float, float]


def mask(work: Work, image: pyvips.Image) -> pyvips.Image:
    """Cuts the shape out, or lays a frame of `mbg` over what is outside; `mtrim` cuts to the shape."""
    name, colour = work.plan.mask, work.plan.mbg
    if not name:
        return image
    page = work.page_height if work.n > 1 else image.height
    path, width, height = shape_path(name, image.width, page)
    if image.bands < 3:
        image = image.colourspace("srgb")
    if colour.alpha < 255 or image.hasalpha():
        image = image.composite2(_drawing(work, image, page, f'd="{path}"'), "dest-in")
    if colour.alpha:
        around = f'{path} M0 0 h{image.width} v{page} h-{image.width} Z" fill-rule="evenodd" fill="{_css(colour)}'
        frame = _drawing(work, image, page, f'd="{around}"')
        image = image.composite2(frame, "over")
    if name != "ellipse" and work.plan.mtrim and (width < image.width or height < page):
        left, top = int((image.width - width) / 2 + 0.5), int((page - height) / 2 + 0.5)
        image = _cut(work, image, (left, top, width, height), page)
    return image


def _drawing(work: Work, image: pyvips.Image, page: int, path: str) -> pyvips.Image:
    uses = "".join(f'<use xlink:href="#shape" y="{page * number}"/>' for number in range(work.n))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' width="{image.width}" height="{image.height}"><defs><path id="shape" {path}/></defs>{uses}</svg>'
    )
    return pyvips.Image.svgload_buffer(svg.encode())


def _css(colour: Colour) -> str:
    return f"rgba({colour.red},{colour.green},{colour.blue},{colour.alpha / 255:.2f})"


def shape_path(name: str, width: int, height: int) -> tuple[str, int, int]:
    """(SVG path, width and height of the shape) of a mask over a picture of that size."""
    if name == "ellipse":
        return _oval(width / 2, height / 2, width / 2, height / 2), width, height
    radius = min(width, height) / 2
    if name == "circle":
        return _oval(width / 2, height / 2, radius, radius), min(width, height), min(width, height)
    points = _heart(radius) if name == "heart" else _polygon(name, width / 2, height / 2, radius)
    low = (min(x for x, _ in points), min(y for _, y in points))
    high = (max(x for x, _ in points), max(y for _, y in points))
    box = (round(high[0] - low[0]), round(high[1] - low[1]))
    scale = min(width / box[0], height / box[1]) if min(box) else 1.0
    left = width / 2 - (round(low[0]) + box[0] / 2) * scale
    top = height / 2 - (round(low[1]) + box[1] / 2) * scale
    steps = " L".join(f"{x * scale + left:.1f} {y * scale + top:.1f}" for x, y in points)
    return f"M{steps} Z", round(box[0] * scale), round(box[1] * scale)


def _oval(x: float, y: float, across: float, down: float) -> str:
    arc = f"a{across:g},{down:g} 0 1,0 "
    return f"M {x - across:g}, {y:g}{arc}{2 * across:g},0{arc}-{2 * across:g},0"


def _polygon(name: str, x: float, y: float, radius: float) -> list[Point]:
    count = _CORNERS[name]
    first = (math.pi if name.endswith("-180") else 0.0) - math.pi / 2
    inner = radius * 0.382 if name == "star" else radius
    found = []
    for number in range(count):
        angle = number * 2 * math.pi / count + first
        reach = radius if number % 2 == 0 else inner
        found.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return found


def _heart(radius: float) -> list[Point]:
    found = []
    for number in range(315):
        t = -math.pi + number * 0.02
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        found.append((radius + x * radius, radius - y * radius))
    return found
