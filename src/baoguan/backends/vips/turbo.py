"""The short way for what most requests are: a plain JPEG made smaller, by libjpeg-turbo (simplejpeg).

It decodes at the whole, half, quarter or eighth of the size (those have SIMD code: 6/8 takes twice as long as 8/8),
then reduces the rest by linear interpolation: in SIMD code of the Rust crate fast_image_resize (cykooz.resizer), or by
libvips where that is missing, at four times the cost. The tests bound what is seen of the difference (dhash, SSIM).
"""

import struct
from typing import Any

import pyvips

try:  # when the worker starts, not with the first picture: numpy takes a third of a second
    import numpy as np
    import simplejpeg
except ImportError:
    simplejpeg = None
try:
    import cykooz_resizer as resizer
except ImportError:
    resizer = None

from baoguan.media.transform import Transform

_SRGB = b"sRGB"
_LARGEST = 8.0  # the decoder reduces no further, and linear interpolation then skips pixels


def render_jpeg(data: bytes, plan: Transform) -> bytes | None:
    """A smaller JPEG, or None where the long way is to be taken: another wish, another colour space, or damage."""
    if data[:3] != b"\xff\xd8\xff" or not _is_plain(plan):
        return None
    if simplejpeg is None or not _upright_srgb(data):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        size = _target(width, height, plan)
        if size is None or colours not in ("YCbCr", "Gray") or width * height > 40_000_000:
            return None
        space = "GRAY" if colours == "Gray" else "RGB"
        part = _part(width, height, size)
        pixels = simplejpeg.decode_jpeg(
            data,
            space,
            fastdct=True,
            fastupsample=size != (width, height),
            min_width=-(-width // part),
            min_height=-(-height // part),
        )
    except ValueError:
        return None
    rows, columns, bands = pixels.shape
    if (columns, rows) != size:
        pixels = _reduced(pixels, size)
    sampling = "Gray" if bands == 1 else "420"
    return bytes(simplejpeg.encode_jpeg(pixels, plan.q or 80, space, colorsubsampling=sampling))


def _reduced(pixels: Any, size: tuple[int, int]) -> Any:
    """The array (rows, columns, bands) in another size."""
    rows, columns, bands = pixels.shape
    if resizer is None:
        image = pyvips.Image.new_from_memory(pixels.data, columns, rows, bands, "uchar")
        image = image.reduce(columns / size[0], rows / size[1], kernel="linear")
        return image.numpy().reshape(image.height, image.width, bands)
    kind = resizer.PixelType.U8 if bands == 1 else resizer.PixelType.U8x3
    made = resizer.ImageData(*size, kind)
    linear = resizer.ResizeAlg.convolution(resizer.FilterType.bilinear)
    resizer.Resizer().resize(
        resizer.ImageData(columns, rows, kind, pixels.tobytes()), made, resizer.ResizeOptions(resize_alg=linear)
    )
    return np.frombuffer(made.get_buffer(), np.uint8).reshape(size[1], size[0], bands)


def _is_plain(plan: Transform) -> bool:
    if plan.output not in ("", "jpg") or (plan.w.pixels < 1 and plan.h.pixels < 1):
        return False
    kept = Transform(w=plan.w, h=plan.h, we=plan.we, q=plan.q, output=plan.output)
    return kept == plan and plan.w.share is None and plan.h.share is None


def _target(width: int, height: int, plan: Transform) -> tuple[int, int] | None:
    """(width, height) inside the box, None where it is made larger, or smaller than this way can."""
    factors = (
        width / plan.w.pixels if plan.w.pixels > 0 else 0.0,
        height / plan.h.pixels if plan.h.pixels > 0 else 0.0,
    )
    factor = max(*factors, 1.0 if plan.we else 0.0)
    if not 1 <= factor <= _LARGEST:
        return None
    return max(1, round(width / factor)), max(1, round(height / factor))


def _part(width: int, height: int, size: tuple[int, int]) -> int:
    """1, 2, 4 or 8: the smallest such part of the picture that still holds `size`."""
    return next(part for part in (8, 4, 2, 1) if -(-width // part) >= size[0] and -(-height // part) >= size[1])


def _upright_srgb(data: bytes) -> bool:
    """Whether the headers ask for no turn and no other colour profile than sRGB."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if marker == 0xDA:
            return True
        body = data[at + 4 : at + 2 + size]
        if marker == 0xE1 and body.startswith(b"Exif\0\0") and _orientation(body[6:]) > 1:
            return False
        if marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and _SRGB not in body:
            return False
        if marker == 0xEE and body.startswith(b"Adobe"):
            return False
        at += 2 + size
    return False


def _orientation(tiff: bytes) -> int:
    """The orientation in the first directory of an EXIF block; 1 where none stands there, 9 where it can't be read."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        at = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for number in range(min(struct.unpack_from(f"{order}H", tiff, at)[0], 200)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * number)
            if tag == 0x0112:
                return int(value) if kind == 3 else 9
    except (KeyError, struct.error):
        return 9
    return 1
