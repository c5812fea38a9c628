"""Part of `./run bench photos`: error rates of likeness on made pairs, and what a question costs as the index grows."""

import io
import random
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from baoguan.backends.sqlite.photos import SqlitePhotos
from baoguan.backends.thumbs import Thumbs
from baoguan.media.likeness import BYTES, NEAR_BITS, dhash, distance, is_alike, is_telling
from baoguan.model.photo import PhotoFile, PhotoForm


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The file of an image."""
    out = io.BytesIO()
    image.save(out, kind, **(options or {"quality": 82}))
    return out.getvalue()


def sized(side: int) -> Callable[[Image.Image], bytes]:
    """Its longer side so many pixels."""

    def make(image: Image.Image) -> bytes:
        size = tuple(max(1, side * one // max(image.size)) for one in image.size)
        return encoded(image.resize(size, Image.Resampling.LANCZOS), quality=80)  # type: ignore[arg-type]

    return make


def stamped(image: Image.Image) -> bytes:
    """A logo in a corner."""
    image = image.copy()
    width, height = image.size
    draw = ImageDraw.Draw(image)
    draw.rectangle((width * 0.78, height * 0.86, width * 0.97, height * 0.96), fill=(255, 255, 255))
    draw.text((width * 0.8, height * 0.88), "NEWS", fill=(200, 0, 0))
    return encoded(image)


def cut(percent: float) -> Callable[[Image.Image], bytes]:
    """So much off each side."""

    def make(image: Image.Image) -> bytes:
        across, down = (round(one * percent / 100) for one in image.size)
        return encoded(image.crop((across, down, image.width - across, image.height - down)))

    return make


VARIANTS: dict[str, Callable[[Image.Image], bytes]] = {
    "640 px": sized(640),
    "300 px": sized(300),
    "150 px": sized(150),
    "JPEG q40": lambda image: encoded(image, quality=40),
    "JPEG q15": lambda image: encoded(image, quality=15),
    "WebP q60": lambda image: encoded(image, "WEBP", quality=60, method=0),
    "PNG": lambda image: encoded(image, "PNG", compress_level=1),
    "grey": lambda image: encoded(image.convert("L")),
    "sharpened": lambda image: encoded(image.filter(ImageFilter.UnsharpMask(2, 120))),
    "10 % lighter": lambda image: encoded(ImageEnhance.Brightness(image).enhance(1.1)),
    "logo in a corner": stamped,
    "1 % cut off each side": cut(1),
    "2 % cut off each side": cut(2),
    "5 % cut off each side": cut(5),
}
LINKED = 11
"""The first of them are meant to be found; cuts are told, and left to the outlets' names."""


def views(archive: Path, made: int) -> Iterator[tuple[str, Image.Image]]:
    """Real photos (name, picture), their quarters, and made-up views."""
    with (
        archive.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as members,
    ):
        for member in members:
            content = members.extractfile(member) if "photos/" in member.name and member.name.endswith("jpg") else None
            if content is None:
                continue
            image = Image.open(io.BytesIO(content.read())).convert("RGB")
            yield member.name, image
            middle, centre = image.width // 2, image.height // 2
            for place, (left, top) in enumerate(((0, 0), (middle, 0), (0, centre), (middle, centre))):
                yield f"{member.name}/{place}", image.crop((left, top, left + middle, top + centre))
    rng = random.Random(7)
    for number in range(made):
        yield f"made {number}", made_view(rng)


def made_view(rng: random.Random) -> Image.Image:
    """A sky, hills and houses, another one each time."""
    image = Image.linear_gradient("L").resize((720, 480)).rotate(rng.choice((0, 180)))
    image = Image.merge(
        "RGB", (image, image.point(lambda value: value * 3 // 4), image.point(lambda value: value // 2 + 60))
    )
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(6, 30)):
        x, y, size = rng.randint(-60, 720), rng.randint(-40, 480), rng.randint(30, 220)
        colour = tuple(rng.randint(0, 255) for _ in range(3))
        shape = rng.choice((draw.ellipse, draw.rectangle))
        shape((x, y, x + size, y + rng.randint(20, 200)), fill=colour)
    noise = Image.effect_noise((720, 480), 30).convert("RGB")
    return Image.blend(image.filter(ImageFilter.GaussianBlur(2)), noise, 0.15)


def twin(name: str) -> str:
    """Photo 22 of the real ones is photo 18 again, from another collection: told by eye."""
    return name.replace("photos/22.", "photos/18.")


def error_rates(archive: Path, made: int) -> None:
    """Prints, for each kind of variant, how many are found and the largest distance; and false pairs."""
    thumbs, took, count = Thumbs(), 0.0, 0
    originals: dict[str, bytes] = {}
    distances: dict[str, list[int]] = {name: [] for name in VARIANTS}
    strangers, hashed = 0, list[tuple[str, bytes]]()

    def hash_of(data: bytes) -> bytes:
        nonlocal took, count
        began = time.perf_counter()
        width, height, grey, _ = thumbs(data)
        found = dhash(grey, width, height)
        took, count = took + time.perf_counter() - began, count + 1
        return found

    plain = 0
    for name, image in views(archive, made):
        own = hash_of(encoded(image, quality=90))
        if not is_telling(own):
            plain += 1
            continue
        originals[name] = own
        for variant, make in VARIANTS.items():
            other = hash_of(make(image))
            alike = bool(other) and (is_alike(own, other) or distance(own, other) > NEAR_BITS)
            distances[variant].append(distance(own, other) if alike else 8 * BYTES)
            hashed.append((name, other))
    thumbs.close()
    print(f"{len(originals)} photos ({plain} plain ones are never linked), {took / count * 1e3:.1f} ms each, decoded")
    print(f"{'variant':24}{'pairs':>7}{'found':>7}{'missed':>8}{'largest':>9}")
    for variant, bits in distances.items():
        found = sum(one <= NEAR_BITS for one in bits)
        print(f"{variant:24}{len(bits):7,}{found:7,}{1 - found / len(bits):8.2%}{max(bits):9}")
    linked = [one for variant in list(VARIANTS)[:LINKED] for one in distances[variant]]
    missed = sum(one > NEAR_BITS for one in linked)
    print(f"same photo, cuts aside: {len(linked):,} pairs, {missed} missed ({missed / len(linked):.2%})")
    near = []
    for name, value in hashed:
        for other, own in originals.items():
            if other != name and twin(other) != twin(name):
                strangers += 1
                if value and is_alike(value, own):
                    near.append((name, other))
    print(f"other photos: {strangers:,} pairs, {len(near)} taken for one ({len(near) / strangers:.4%})")
    for one, other in sorted({(min(pair), max(pair)) for pair in near})[:8]:
        print(f"  {one} ~ {other}")


def scale(sizes: tuple[int, ...]) -> None:
    """Prints what a new picture and a question cost in indexes of several sizes."""
    rng = random.Random(3)
    print(f"{'files':>9}{'put, us':>10}{'question, ms':>14}")
    with tempfile.TemporaryDirectory() as place:
        photos, held = SqlitePhotos(Path(place) / "photos.sqlite"), 0
        known = rng.randbytes(BYTES)
        for size in sizes:
            began = time.process_time()
            names = [f"{number:064x}" for number in range(held, size)]
            files = [PhotoFile(sha256=name, path=f"media/00/{name}.jpg") for name in names]
            forms = [(name[-16:], PhotoForm(url=name, sha256=name, key=name)) for name in names]
            photos.put(files, forms, [], gone=(), size=size, grammars="x")
            photos.look((name, known if number == 0 else rng.randbytes(BYTES), 0) for number, name in enumerate(names))
            put_us = (time.process_time() - began) / len(names) * 1e6
            began = time.process_time()
            for _ in range(20):
                assert photos.near(known)
            print(f"{size:9,}{put_us:10.0f}{(time.process_time() - began) / 20 * 1e3:14.2f}")
            held = size
        photos.close()
