"""How alike two pictures look: a 256-bit difference hash of a 17x16 box reduction, its buckets, and one colour. Pure.

Measured on thousands of pairs (`./run bench photos`): what was resized, recompressed, sharpened or stamped in a corner
stays within NEAR_BITS; crops of a tenth don't, and are known by the outlet's name of the photo instead.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

WIDTH, HEIGHT = 17, 16
BYTES = 32
NEAR_BITS = 24
"""Two photos that differ in no more bits are taken for one."""
PLACES = 16
"""Rows of 16 bits. Of 24 wrong bits some row holds one at most: every near photo is found by asking for its rows and
their neighbours at one bit."""
_LEAST, _SPREAD = 20, 28
"""Rises and falls that a picture must have for a hash, and one of two that are compared: plain areas and gradients give
almost none and resemble each other. Two bounds, so that a rendition of what has just enough is still found."""
_TOUCHED = 36
"""Grey levels that the mean of a box may differ by between two encodings of one picture. Over 120 photos it was 33 at
most (JPEG to WebP or PNG, a third of the width); a twentieth of the area painted over gave more in most."""
_STRETCH = 0.04
"""By how much the proportions of their small versions, which are shrunk by whole factors, may differ."""
_STEP = 2
"""Grey levels that a neighbour must be brighter by: noise of recompression in plain areas sets no bit."""


def box_reduce(grey: bytes, width: int, height: int) -> list[float]:
    """Means of 17x16 boxes over a grey picture (a byte a pixel, at least 17x16), row by row."""
    columns = [place * width // WIDTH for place in range(WIDTH + 1)]
    rows = [place * height // HEIGHT for place in range(HEIGHT + 1)]
    means = []
    for top, bottom in pairwise(rows):
        sums = [0] * WIDTH
        for line in range(top, bottom):
            start = line * width
            for place in range(WIDTH):
                sums[place] += sum(grey[start + columns[place] : start + columns[place + 1]])
        means += [total / ((bottom - top) * (columns[place + 1] - columns[place])) for place, total in enumerate(sums)]
    return means


def dhash(grey: bytes, width: int, height: int) -> bytes:
    """32 bytes, a bit for each box that is darker than its right neighbour; empty for what says nothing (flat)."""
    if width < WIDTH or height < HEIGHT or len(grey) < width * height:
        return b""
    means = box_reduce(grey, width, height)
    bits = 0
    for row in range(HEIGHT):
        for column in range(WIDTH - 1):
            at = row * WIDTH + column
            bits = bits << 1 | (means[at + 1] - means[at] > _STEP)
    falls = sum(
        means[row * WIDTH + column] - means[row * WIDTH + column + 1] > _STEP
        for row in range(HEIGHT)
        for column in range(WIDTH - 1)
    )
    return bits.to_bytes(BYTES, "big") if min(bits.bit_count(), falls) >= _LEAST else b""


def distance(one: bytes, other: bytes) -> int:
    """Bits in which two hashes differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def is_alike(one: bytes, other: bytes) -> bool:
    """Whether two hashes are those of one photo; of plain pictures that is never said."""
    return distance(one, other) <= NEAR_BITS and (is_telling(one) or is_telling(other))


def is_encoded_anew(one: tuple[int, int, bytes], other: tuple[int, int, bytes]) -> bool:
    """Whether two files, each as (width, height, grey) of a small version, show the very same picture, encoded anew.

    Likeness is not enough here: a person who was painted out leaves a hash as it was. So no place may differ by much.
    """
    (width_a, height_a, grey_a), (width_b, height_b, grey_b) = one, other
    if min(width_a, width_b) < WIDTH or min(height_a, height_b) < HEIGHT:
        return False
    if abs(width_a * height_b - width_b * height_a) > _STRETCH * width_b * height_a:
        return False
    hash_a, hash_b = dhash(grey_a, width_a, height_a), dhash(grey_b, width_b, height_b)
    if is_telling(hash_a) and is_telling(hash_b) and distance(hash_a, hash_b) > NEAR_BITS:
        return False
    means = zip(box_reduce(grey_a, width_a, height_a), box_reduce(grey_b, width_b, height_b), strict=True)
    return max(abs(mean_a - mean_b) for mean_a, mean_b in means) <= _TOUCHED


def is_telling(hash_: bytes) -> bool:
    """Whether a picture has enough light and shade to be known by it."""
    return int.from_bytes(hash_, "big").bit_count() >= _SPREAD


def rows_of(hash_: bytes) -> Iterator[tuple[int, int]]:
    """(place, 16 bits): the buckets that a photo lies in."""
    for place in range(PLACES):
        yield place, int.from_bytes(hash_[2 * place : 2 * place + 2], "big")


def probes_of(hash_: bytes) -> Iterator[tuple[int, int]]:
    """The buckets in which every photo within NEAR_BITS lies at least once: 272 of them."""
    for place, row in rows_of(hash_):
        yield place, row
        for bit in range(16):
            yield place, row ^ 1 << bit


def dominant(rgb: bytes) -> int:
    """The colour that most pixels are close to, 0xRRGGBB; three bytes a pixel. -1 for none."""
    cells: Counter[int] = Counter()
    sums: dict[int, list[int]] = {}
    for red, green, blue in zip(rgb[::3], rgb[1::3], rgb[2::3], strict=False):
        cell = (red >> 5) << 6 | (green >> 5) << 3 | blue >> 5
        cells[cell] += 1
        total = sums.setdefault(cell, [0, 0, 0])
        total[0] += red
        total[1] += green
        total[2] += blue
    if not cells:
        return -1
    cell, count = cells.most_common(1)[0]
    red, green, blue = (part // count for part in sums[cell])
    return red << 16 | green << 8 | blue
