"""picture -> bytes: the format asked for or the input's, its options, and the JSON description."""

from collections.abc import Callable
from typing import Any

import msgspec
import pyvips

from baoguan.backends.vips.work import Work, get_int

MIMES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
    "gif": "image/gif",
    "tiff": "image/tiff",
    "jxl": "image/jxl",
    "json": "application/json",
}
OWN = {"jpeg": "jpg", "webp": "webp", "heif": "avif", "tiff": "tiff", "gif": "gif", "jxl": "jxl"}
"""What an input of that type is saved as; anything else becomes PNG."""
QUALITY = 80
_UNNAMED = {"rad": "unknown"}
"""Types that weserv reads and has no name for."""
_WITH_ALPHA = frozenset(("png", "webp", "avif", "tiff", "gif", "jxl"))


def format_of(work: Work, image: pyvips.Image, accept: str) -> str:
    """The format of the answer. Alpha that the input's format can't hold makes a PNG."""
    asked = work.plan.output
    if asked == "auto":
        return _accepted(work, image, accept)
    if asked:
        return asked
    own = OWN.get(work.type, "png")
    return own if own in _WITH_ALPHA or not image.hasalpha() else "png"


def _accepted(work: Work, image: pyvips.Image, accept: str) -> str:
    """AVIF for small boxes, then WebP, then the input's own kind: AVIF at effort 0 costs as much as WebP at 4."""
    if "image/avif" in accept and work.n == 1 and image.width * image.height <= 1_000_000:
        return "avif"
    if "image/webp" in accept:
        return "webp"
    return "png" if image.hasalpha() else "gif" if work.n > 1 else "jpg"


def save(work: Work, image: pyvips.Image, name: str) -> bytes:
    """The bytes. Metadata goes: location and serial numbers of cameras are nobody's business."""
    image = image.copy()
    if work.n > 1:
        image.set_type(pyvips.GValue.gint_type, "page-height", work.page_height or image.height)
    elif image.get_typeof("page-height"):
        image.remove("page-height")
    _animate(work, image)
    if name == "json":
        return msgspec.json.encode(describe(work, image))
    options = _OPTIONS[name](work)
    if name == "tiff" and image.hasalpha():
        options["compression"] = "deflate"  # libvips drops alpha from JPEG within TIFF
    return bytes(image.write_to_buffer(f".{name}", keep="none", **options))


def _animate(work: Work, image: pyvips.Image) -> None:
    plan = work.plan
    if plan.loop >= 0:
        image.set_type(pyvips.GValue.gint_type, "loop", plan.loop)
    if plan.delay:
        delays = list(plan.delay) * work.n if len(plan.delay) == 1 else list(plan.delay)
        image.set_type(pyvips.GValue.array_int_type, "delay", delays)


def _quality(work: Work, otherwise: int = QUALITY) -> int:
    return work.plan.q or otherwise


def _avif(work: Work) -> dict[str, Any]:
    fast = work.plan.output == "auto"
    return {"Q": _quality(work, 60 if fast else QUALITY), "compression": "av1", "effort": 0 if fast else 4}


_OPTIONS: dict[str, Callable[[Work], dict[str, Any]]] = {
    "jpg": lambda work: {"Q": _quality(work), "interlace": work.plan.il, "optimize_coding": True},
    "png": lambda work: {
        "compression": work.plan.l,
        "interlace": work.plan.il,
        "filter": "all" if work.plan.af else "none",
    },
    "webp": lambda work: {
        "Q": _quality(work, 75 if work.plan.output == "auto" else QUALITY),
        "lossless": work.plan.ll,
        "alpha_q": 100,
        "effort": 2 if work.plan.output == "auto" else 4,
    },
    "avif": _avif,
    "tiff": lambda work: {"Q": _quality(work), "compression": "deflate" if work.plan.ll else "jpeg"},
    "gif": lambda _work: {},
    "jxl": lambda work: {"Q": _quality(work), "lossless": work.plan.ll},
}


def describe(work: Work, image: pyvips.Image) -> dict[str, Any]:
    """output=json."""
    found: dict[str, Any] = {
        "format": _UNNAMED.get(work.type, work.type),
        "width": image.width,
        "height": image.height,
        "space": image.interpretation,
        "channels": image.bands,
        "depth": image.format,
    }
    if image.xres > 1:
        found["density"] = round(image.xres * 25.4)
    if image.get_typeof("jpeg-chroma-subsample"):
        found["chromaSubsampling"] = image.get("jpeg-chroma-subsample")
    found["isProgressive"] = bool(image.get_typeof("interlaced"))
    for key, field in (("paletteBitDepth", "bits-per-sample"), ("pages", "n-pages"), ("pageHeight", "page-height")):
        if image.get_typeof(field) and (key != "paletteBitDepth" or image.get_typeof("palette")):
            found[key] = get_int(image, field)
    if image.get_typeof("loop"):
        found["loop"] = get_int(image, "loop")
    if image.get_typeof("delay"):
        found["delay"] = list(image.get("delay"))
    if image.get_typeof("heif-primary"):
        found["pagePrimary"] = get_int(image, "heif-primary")
    found["hasProfile"] = bool(image.get_typeof("icc-profile-data"))
    found["hasAlpha"] = bool(image.hasalpha())
    found["orientation"] = get_int(image, "orientation")
    return found
