"""The child of thumbs.py: decodes one picture after another to a small one, under limits of its own.

Asked on standard input: 4 bytes of length and the file. Answers width and height of a grey picture and of one in
colour, 4 bytes each, then both; four times 0 for what it can't decode. It may hold 1 GB, write no file and take a
minute of CPU in all; its parent ends one that takes too long.
"""

import resource
import struct
import sys
from typing import Any

MEMORY_BYTES = 1 << 30
CPU_S = 60
SMALL = 96
"""Pixels of a side that are enough for 17x16 boxes; the answer is less than twice that, unless the picture is long."""
COLOURS = 16
"""The same of the one in colour."""
_LOADERS = {
    "jpeg": "jpegload_buffer",
    "png": "pngload_buffer",
    "gif": "gifload_buffer",
    "webp": "webpload_buffer",
    "avif": "heifload_buffer",
}


def shrunk(vips: Any, data: bytes, kind: str) -> tuple[Any, Any]:
    """(grey, RGB) of a picture of that kind, shrunk by whole factors; raises the library's errors."""
    load = getattr(vips.Image, _LOADERS[kind])
    options: dict[str, Any] = {"access": "sequential"} if kind != "avif" else {}
    image = load(data, **options)
    if kind == "jpeg":
        factor = min(image.width, image.height) // SMALL
        image = load(data, access="sequential", shrink=next(one for one in (8, 4, 2, 1) if one <= max(factor, 1)))
    if image.hasalpha():
        image = image.flatten(background=255)
    image = image.shrink(*(max(1, side // SMALL) for side in (image.width, image.height)))
    image = image.colourspace("srgb").autorot().cast("uchar").copy_memory()
    if image.bands < 3:
        image = image.extract_band(0).bandjoin([image.extract_band(0)] * 2)
    elif image.bands > 3:
        image = image.extract_band(0, n=3)
    tiny = image.shrink(*(max(1, side // COLOURS) for side in (image.width, image.height))).cast("uchar")
    return image.colourspace("b-w").extract_band(0).cast("uchar"), tiny


def main() -> None:
    """Answers until its input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pyvips

    from baoguan.media.containers import sniff

    pyvips.cache_set_max(0)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(4)) == 4:
        data = source.read(struct.unpack(">I", head)[0])
        kind = sniff(data)
        answer = bytes(16)
        try:
            if kind in _LOADERS:
                grey, rgb = shrunk(pyvips, data, kind)
                answer = struct.pack(">IIII", grey.width, grey.height, rgb.width, rgb.height)
                answer += bytes(grey.write_to_memory()) + bytes(rgb.write_to_memory())
        except (pyvips.Error, ValueError, MemoryError, OverflowError):
            answer = bytes(16)
        target.write(answer)
        target.flush()


if __name__ == "__main__":
    main()
