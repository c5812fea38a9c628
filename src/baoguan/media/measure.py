"""What a file that came as a picture is: by its first bytes and its structure, never by its name or content type.

Only headers and lengths are read, nothing is decoded, so that no picture costs more than its bytes. Limits are those
of the ancestors' proxy where it had one (71 million pixels), so that a kept picture can be shown by it too.
"""

import struct

import msgspec

from baoguan.media import containers

MAX_PIXELS = 71_000_000
MAX_SIDE = 30_000


class ImageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as its header tells."""

    format: str
    """jpeg, png, gif, webp, avif, bmp or ico."""
    extension: str
    """Of the kept file, without a dot: jpg, png, gif, webp, avif, bmp, ico."""
    mime: str
    width: int
    """Pixels as stored; an EXIF rotation is not applied."""
    height: int
    frames: int = 1
    """Counted up to 1,000."""
    truncated: bool = False
    """The file ends before its structure does."""


_KINDS = {
    "jpeg": ("jpg", "image/jpeg"),
    "png": ("png", "image/png"),
    "gif": ("gif", "image/gif"),
    "webp": ("webp", "image/webp"),
    "avif": ("avif", "image/avif"),
    "bmp": ("bmp", "image/bmp"),
    "ico": ("ico", "image/x-icon"),
}


def measure_picture(data: bytes) -> ImageInfo | None:
    """Kind, size and frames of a picture; None for what is none or must not be kept. Never raises.

    None: HTML or text served as a picture, SVG (it may hold script, and a kept file is served by any dumb host),
    PostScript, MVG and other formats that call for an interpreter, no header to read, no pixels, more than 71 million
    pixels, a side over 30,000.
    """
    kind = containers.sniff(data)
    if kind is None:
        return None
    try:
        header = containers.READERS[kind](data)
    except (struct.error, IndexError, ValueError):
        return None
    if header is None or not 0 < header.width <= MAX_SIDE or not 0 < header.height <= MAX_SIDE:
        return None
    if header.width * header.height > MAX_PIXELS:
        return None
    extension, mime = _KINDS[kind]
    return ImageInfo(
        format=kind,
        extension=extension,
        mime=mime,
        width=header.width,
        height=header.height,
        frames=header.frames,
        truncated=header.truncated,
    )
