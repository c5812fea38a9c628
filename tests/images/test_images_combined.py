"""Parameters together: what stands where, what is left of alpha, what becomes of pages."""

import io

import pytest
from PIL import Image

pytest.importorskip("pyvips")

import msgspec

from baoguan.backends.vips.codec import Rendered, render
from baoguan.errors import PictureError
from baoguan.media.transform import Transform, parse_transform

NINE = [
    *((255, 0, 0), (0, 255, 0), (0, 0, 255)),
    *((255, 255, 0), (255, 255, 255), (0, 255, 255)),
    *((255, 0, 255), (0, 0, 0), (128, 128, 128)),
]
"""Colours of a board of three by three fields, row by row."""


def board(mode: str = "RGB") -> bytes:
    """90x60, nine fields; with RGBA the field in the middle is empty."""
    image = Image.new(mode, (90, 60))
    for number, colour in enumerate(NINE):
        box = (number % 3 * 30, number // 3 * 20)
        full = (*colour, 0 if number == 4 else 255) if mode == "RGBA" else colour
        image.paste(full, (*box, box[0] + 30, box[1] + 20))
    return saved(image, "PNG")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def film(kind: str = "GIF", pages: int = 3) -> bytes:
    """40x20 pages: the left half has the colour of the page, the right one is black."""
    frames = []
    for number in range(pages):
        frame = Image.new("RGB", (40, 20))
        frame.paste(NINE[number], (0, 0, 20, 20))
        frames.append(frame)
    sink = io.BytesIO()
    frames[0].save(sink, kind, save_all=True, append_images=frames[1:], duration=70, loop=0, lossless=True)
    return sink.getvalue()


def ask(data: bytes, query: str) -> tuple[Rendered, Image.Image]:
    made = render(data, parse_transform(query))
    return made, Image.open(io.BytesIO(made.body))


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, ...], within: int = 40) -> bool:
    got = image.convert("RGBA").getpixel(at)
    assert isinstance(got, tuple)
    wanted = (*colour, 255)[:4]
    return wanted[3] == got[3] == 0 or all(abs(one - other) <= within for one, other in zip(got, wanted, strict=True))


@pytest.mark.parametrize(
    ("place", "field"),
    [("top-left", 0), ("t", 1), ("top-right", 2), ("l", 3), ("right", 5), ("bottom-left", 6), ("b", 7), ("x", 4)],
)
def test_cover_then_crop(place: str, field: int) -> None:
    """`a` says what is left of what is too large, in one direction; the crop is of what is left."""
    wide, tall = (place, "w=90&h=20") if field in (1, 4, 7) else (place, "w=30&h=60")
    _, image = ask(board(), f"{tall}&fit=cover&a={wide}")
    assert image.size == ((90, 20) if "90" in tall else (30, 60))
    row, column = divmod(field, 3)
    spot = (45, 10) if "90" in tall else (15, row * 20 + 10)
    expected = NINE[row * 3 + 1] if "90" in tall else NINE[row * 3 + column]
    assert near(image, spot, expected)
    _, part = ask(board(), f"{tall}&fit=cover&a={wide}&cx={spot[0] - 5}&cy={spot[1] - 5}&cw=10&ch=10")
    assert part.size == (10, 10)
    assert near(part, (5, 5), expected)


def test_a_crop_before_and_after_the_size() -> None:
    _, before = ask(board(), "w=60&cx=30&cy=20&cw=30&ch=20&precrop")
    assert (before.size, near(before, (30, 20), NINE[4])) == ((60, 40), True)
    _, after = ask(board(), "w=180&cx=60&cy=40&cw=60&ch=40")
    assert (after.size, near(after, (30, 20), NINE[4])) == ((60, 40), True)
    _, outside = ask(board(), "cx=90&cy=-3&cw=91&ch=0")
    assert outside.size == (90, 60)
    _, edge = ask(board(), "cx=89&cy=59&cw=50%&ch=50%25")
    assert edge.size == (1, 1)


def test_the_order_of_turning_and_sizes() -> None:
    _, image = ask(board(), "ro=90&w=90&h=20&fit=fill")
    assert (image.size, near(image, (3, 10), NINE[6])) == ((20, 90), True)
    _, image = ask(board(), "ro=90&flip&w=60")
    assert (image.size, near(image, (5, 5), NINE[8])) == ((40, 60), True)
    _, image = ask(board(), "ro=-450&flop")
    assert (image.size, near(image, (5, 5), NINE[8])) == ((60, 90), True)


@pytest.mark.parametrize("fit", ["inside", "outside", "cover", "fill", "contain"])
@pytest.mark.parametrize("more", ["", "&we", "&dpr=2", "&ro=180", "&a=top-left"])
def test_sizes_of_every_fit(fit: str, more: str) -> None:
    _, image = ask(board(), f"w=120&h=120&fit={fit}{more}")
    times = 2 if "dpr" in more else 1
    sizes = {"inside": (120, 80), "outside": (180, 120), "cover": (120, 120), "fill": (120, 120), "contain": (120, 120)}
    if more == "&we":
        sizes |= dict.fromkeys(("inside", "outside", "cover", "fill"), (90, 60))
    assert image.size == tuple(side * times for side in sizes[fit])


@pytest.mark.parametrize("output", ["jpg", "png", "webp", "avif", "tiff", "gif", ""])
def test_alpha_in_every_format(output: str) -> None:
    made, image = ask(board("RGBA"), f"w=90&output={output}")
    assert made.extension == (output or "png")
    assert image.size == (90, 60)
    assert near(image, (45, 30), (0, 0, 0) if output == "jpg" else (0, 0, 0, 0))
    _, image = ask(board("RGBA"), f"w=90&bg=red&output={output}")
    assert near(image, (45, 30), (255, 0, 0), 60)
    _, image = ask(saved(Image.open(io.BytesIO(board())), "JPEG"), f"mask=circle&output={output}")
    assert image.format == {"jpg": "JPEG", "": "PNG"}.get(output, output.upper())


def test_masks_and_grounds() -> None:
    _, image = ask(board(), "mask=circle&mbg=red&bg=blue")
    assert (image.size, near(image, (2, 2), (255, 0, 0)), near(image, (45, 30), NINE[4])) == ((90, 60), True, True)
    _, image = ask(board(), "mask=circle&bg=blue")
    assert near(image, (2, 2), (0, 0, 0, 0))  # the ground comes before the mask, as weserv has it
    _, image = ask(board(), "mask=circle&mtrim")
    assert image.size == (60, 60)
    _, image = ask(board("RGBA"), "mask=ellipse&mtrim&bg=red")
    assert (image.size, near(image, (45, 30), (255, 0, 0))) == ((90, 60), True)


def test_colours_after_one_another() -> None:
    _, image = ask(board(), "filt=greyscale&tint=red")
    assert image.mode == "L"
    _, image = ask(board(), "filt=negate&bri=100")
    assert near(image, (45, 50), (0, 0, 0), 0) or near(image, (45, 50), (255, 255, 255), 0)
    _, image = ask(board("RGBA"), "filt=duotone&start=000&stop=fff&con=10&gam=1.5&blur=1&sharp=1&mod=1.2&hue=400")
    assert image.mode == "RGBA"


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_pages(kind: str) -> None:
    data = film(kind)
    for query, size, frames in (
        ("w=20", (20, 10), 1),
        ("w=20&n=-1", (20, 10), 3),
        ("n=2&page=1", (40, 20), 2),
        ("n=-1&ro=90", (20, 40), 3),
        ("n=-1&ro=90&w=20&precrop", (20, 40), 3),
        ("n=-1&precrop&cx=0&cy=5&cw=20&ch=10&w=40", (40, 20), 3),
        ("n=-1&cx=0&cy=5&cw=20&ch=10", (20, 10), 3),
        ("n=-1&w=30&h=30&fit=contain&cbg=red", (30, 30), 3),
        ("n=-1&w=10&h=10&fit=cover&a=left", (10, 10), 3),
        ("n=-1&flip&flop&ro=45", (40, 20), 3),
        ("n=-1&h=10&trim=5", None, 3),
    ):
        _, image = ask(data, query)
        assert getattr(image, "n_frames", 1) == frames, query
        assert size is None or image.size == size, query
    _, image = ask(data, "n=-1&precrop&cx=0&cy=5&cw=20&ch=10&w=40")
    for number in range(3):
        image.seek(number)
        assert near(image, (20, 10), NINE[number]), number
    for query in ("page=7", "n=9", "n=2&page=2"):
        with pytest.raises(PictureError, match="Image not readable"):
            ask(data, query)
    told = msgspec.json.decode(render(data, parse_transform("n=-1&output=json&loop=4&delay=30")).body)
    assert (told["pages"], told["pageHeight"], told["loop"], told["delay"]) == (3, 20, 4, [30, 30, 30])


def test_nothing_is_too_small_or_too_large_to_be_asked() -> None:
    for query in ("w=1&h=1", "h=1", "w=1&dpr=0.1", "w=0&h=0", "cw=1&ch=1&w=1", "w=1&h=60&fit=fill&ro=90"):
        _, image = ask(board(), query)
        assert min(image.size) >= 1, query
    plain = render(board(), Transform()).body
    for query in ("w=71000000", "h=10000001&dpr=8"):
        assert render(board(), parse_transform(query)).body == plain, query
    for query in ("w=10000000", "w=8500&h=8500&fit=fill", "w=71000&h=1001&fit=contain", "w=8000&h=8000&fit=fill&ro=45"):
        with pytest.raises(PictureError, match="Output image exceeds pixel limit"):
            render(board(), parse_transform(query))
