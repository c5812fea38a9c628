"""Generated photos: a landscape of gradients and shapes that its name seeds, in any width."""

import functools
import hashlib
import io

from PIL import Image, ImageDraw, ImageOps


@functools.lru_cache(maxsize=256)
def jpeg(name: str, width: int, height: int, shown_width: int) -> bytes:
    """The photo `name` of width x height, scaled to `shown_width`; the same bytes every time."""
    seed = hashlib.sha256(name.encode()).digest()
    ratio = min(shown_width, width) / width
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    sky = ImageOps.colorize(Image.linear_gradient("L"), _colour(seed, 0), _colour(seed, 3)).resize(size)
    draw = ImageDraw.Draw(sky)
    for number in range(7):
        x, y = seed[6 + number] / 255 * size[0], (0.4 + seed[13 + number] / 450) * size[1]
        reach = (0.05 + seed[20 + number] / 1300) * size[0]
        box = (x - reach, y - reach / 2, x + reach, y + reach / 2)
        (draw.ellipse if seed[number] % 2 else draw.rectangle)(box, fill=_colour(seed, number + 2))
    out = io.BytesIO()
    sky.save(out, "JPEG", quality=82)
    return out.getvalue()


def _colour(seed: bytes, at: int) -> tuple[int, int, int]:
    return seed[at], seed[at + 1], seed[at + 2]
