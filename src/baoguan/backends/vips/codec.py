"""One transform, in weserv's order: trim, size, turn, place, crop, then adjustments, background, mask."""

import msgspec
import pyvips

from baoguan.backends.vips import effects, geometry, loading, saving, shapes, turbo
from baoguan.backends.vips.work import TYPES, Work, page_height_of
from baoguan.errors import ConfigError, PictureError
from baoguan.media.transform import Transform

OLDEST = (8, 15)
"""An older libvips of the system may be bound where pyvips-binary is missing: it is slower and reads less."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    body: bytes
    content_type: str
    extension: str


def start() -> str:
    """Sets libvips up for one worker and returns its version. Raises ConfigError for one that is too old."""
    version = tuple(pyvips.version(part) for part in range(3))
    if version[:2] < OLDEST:
        raise ConfigError(
            f"libvips {'.'.join(map(str, version))} is bound, {OLDEST[0]}.{OLDEST[1]} is needed:"
            " pip install pyvips-binary"
        )
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in TYPES:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)
    pyvips.cache_set_max(0)
    pyvips.vips_lib.vips_concurrency_set(1)
    return ".".join(map(str, version))


def sample() -> bytes:
    """A small JPEG, to warm up with."""
    return bytes(pyvips.Image.black(20, 16, bands=3).copy(interpretation="srgb").jpegsave_buffer())


def render(data: bytes, plan: Transform, *, accept: str = "") -> Rendered:
    """Transforms. `accept`: the client's Accept, for output=auto. Raises PictureError with weserv's message."""
    fast = turbo.render_jpeg(data, plan)
    if fast is not None:
        return Rendered(body=fast, content_type="image/jpeg", extension="jpg")
    work = Work(plan=plan, data=data)
    try:
        image = _sized(work, loading.open_picture(work))
        image = _adjusted(work, image)
        name = saving.format_of(work, image, accept)
        return Rendered(body=saving.save(work, image, name), content_type=saving.MIMES[name], extension=name)
    except pyvips.Error as error:
        raise PictureError(f"libvips error: {' '.join(str(error).split())[:300]}", status=400) from error


def _sized(work: Work, image: pyvips.Image) -> pyvips.Image:
    image = geometry.trim(work, image)
    if work.plan.precrop:
        steps = (geometry.turn, geometry.crop, geometry.resize, geometry.align)
    else:
        work.whole = (image.width, page_height_of(image) if work.n > 1 else image.height)
        image = loading.reduce_while_loading(work, image)
        steps = (geometry.resize, geometry.turn, geometry.align, geometry.crop)
    for step in steps:
        image = step(work, image)
    return image


def _adjusted(work: Work, image: pyvips.Image) -> pyvips.Image:
    for step in (
        *(geometry.embed, geometry.rotate, effects.brightness, effects.modulate, effects.contrast, effects.gamma),
        *(effects.sharpen, effects.filtered, effects.blur, effects.tint, effects.background, shapes.mask),
    ):
        image = step(work, image)
    return image
