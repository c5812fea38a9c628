"""weserv's query -> what is asked of a picture. Pure. Bad values never fail: they fall back, as measured on weserv.

Source: the API's documentation and its recorded answers (2024 code; `tbg`, `jxl` and bare `trim` of 2026). The first of
equal keys wins, keys are case-sensitive, unknown ones are left out, so that a canonical form can name a variant.
"""

import functools
import re
import struct
from collections.abc import Callable
from typing import Any

import msgspec

from baoguan.media.colours import Colour, parse_colour

MAX_SIDE = 10_000_000
SYNONYMS = {
    "shape": "mask",
    "strim": "mtrim",
    "or": "ro",
    "t": "fit",
    "pages": "n",
    "width": "w",
    "height": "h",
    "align": "a",
    "level": "l",
    "quality": "q",
    "lossless": "ll",
}
FITS = {
    "inside": "inside",
    "outside": "outside",
    "cover": "cover",
    "fill": "fill",
    "contain": "contain",
    "fit": "inside",
    "fitup": "inside",
    "square": "cover",
    "squaredown": "cover",
    "absolute": "fill",
    "letterbox": "contain",
}
PLACES = {
    "t": "top",
    "l": "left",
    "r": "right",
    "b": "bottom",
    **{
        name: name
        for name in [
            "top",
            "left",
            "right",
            "bottom",
            "top-left",
            "top-right",
            "bottom-left",
            "bottom-right",
            "entropy",
            "attention",
            "center",
        ]
    },
}
SHAPES = frozenset(
    ["circle", "ellipse", "triangle", "triangle-180", "pentagon", "pentagon-180", "hexagon", "square", "star", "heart"]
)
FILTERS = frozenset(("greyscale", "sepia", "duotone", "negate"))
OUTPUTS = {
    "jpg": "jpg",
    "png": "png",
    "gif": "gif",
    "tiff": "tiff",
    "tif": "tiff",
    "webp": "webp",
    "avif": "avif",
    "av1": "avif",
    "jxl": "jxl",
    "json": "json",
    "auto": "auto",
}
_QUERY = 8192
"""Characters of a query that are read."""
_INT = re.compile(r"\s*([+-]?\d+)")
_FLOAT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """Pixels, or a share (0 to 1) of the side that it belongs to."""

    pixels: int = -1
    share: float | None = None

    def of(self, side: int) -> int:
        """In pixels."""
        return self.pixels if self.share is None else int(single(self.share * side) + 0.5)


_SINGLE = struct.Struct("f")


def single(value: float) -> float:
    """In single precision, which weserv counts in: 29 % of 50 are 14.5 there, rounded up, and less in double."""
    return float(_SINGLE.unpack(_SINGLE.pack(value))[0])


class Transform(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a query asks; a default is what weserv does without the key."""

    w: Length = Length()
    h: Length = Length()
    dpr: float = -1.0
    fit: str = "inside"
    we: bool = False
    cx: Length | None = None
    cy: Length | None = None
    cw: Length | None = None
    ch: Length | None = None
    precrop: bool = False
    a: str = "center"
    fpx: float = 0.5
    fpy: float = 0.5
    mask: str = ""
    mtrim: bool = False
    mbg: Colour = Colour()
    ro: int = 0
    flip: bool = False
    flop: bool = False
    bri: int = 0
    mod: float = 1.0
    sat: float = 1.0
    hue: int = 0
    con: int = 0
    gam: float = 0.0
    sharp: float | None = None
    """Sigma; -1 for the mild kernel; None: not asked."""
    sharpf: float = 1.0
    sharpj: float = 2.0
    trim: int = 0
    tbg: Colour | None = None
    blur: float = 0.0
    """Sigma; -1 for the mild kernel."""
    filt: str = ""
    start: Colour = Colour(red=200, green=54, blue=88, alpha=255)
    stop: Colour = Colour(red=216, green=231, blue=79, alpha=255)
    bg: Colour = Colour()
    cbg: Colour = Colour()
    rbg: Colour = Colour()
    tint: Colour = Colour()
    q: int = 0
    """0: the format's default."""
    l: int = 6  # noqa: E741 - the key's name
    output: str = ""
    il: bool = False
    ll: bool = False
    af: bool = False
    page: int = 0
    n: int = 1
    loop: int = -1
    delay: tuple[int, ...] = ()
    fsol: bool = True


def parse_transform(query: str) -> Transform:
    """The transform of a raw query string (percent-encoded as it came); never raises.

    Queries that ask the same give the very same object: most requests differ in their address alone.
    """
    known = [part for part in query[:_QUERY].split("&") if part.partition("=")[0] in _KNOWN]
    return _parse_known("&".join(known)) if known else _AS_IT_IS


@functools.lru_cache(maxsize=1024)
def _parse_known(query: str) -> Transform:
    found: dict[str, Any] = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        bare = "=" not in part
        key = SYNONYMS.get(key, key)
        reader = _READERS.get(key)
        if reader is not None:
            for name, got in reader(key, "-1" if bare and key not in _BARE else value, found).items():
                found.setdefault(name, got)
    return Transform(**{name: value for name, value in found.items() if value is not _UNSET})


_UNSET = object()
Reader = Callable[[str, str, dict[str, Any]], dict[str, Any]]


def _int_of(text: str) -> int:
    """The leading integer as C's strtol reads it; -1 where there is none or it is too large."""
    match = _INT.match(text)
    value = int(match[1][:20]) if match else -1
    return value if -2_147_483_648 <= value <= MAX_SIDE else -1


def _float_of(text: str) -> float:
    match = _FLOAT.match(text)
    value = float(match[1]) if match else -1.0
    return single(value) if abs(value) <= MAX_SIDE else -1.0


def _length(text: str) -> Length:
    share = text[:-3] if text.endswith("%25") and len(text) > 3 else text[:-1] if text.endswith("%") else None
    if share is None:
        return Length(pixels=_int_of(text))
    value = _float_of(share)
    return Length(share=single(value / 100)) if 0 <= value <= 100 and _FLOAT.match(share) else Length()


def _flag(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    return {key: value not in ("false", "0")}


def _side(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    return {key: _length(value)}


def _colour(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    return {key: parse_colour(value)}


def _int(valid: Callable[[int], bool]) -> Reader:
    def read(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
        number = _int_of(value)
        return {key: number if valid(number) else _UNSET}

    return read


def _float(valid: Callable[[float], bool], otherwise: object) -> Reader:
    def read(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
        number = _float_of(value)
        return {key: number if valid(number) else otherwise}

    return read


def _word(words: dict[str, str] | frozenset[str]) -> Reader:
    table = words if isinstance(words, dict) else {word: word for word in words}

    def read(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
        return {key: table.get(value, _UNSET)}

    return read


def _fit(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    """`fit` and `squaredown` of old never enlarge."""
    found: dict[str, Any] = {key: "cover" if value.startswith("crop") else FITS.get(value, "inside")}
    return {"we": True, **found} if value in ("fit", "squaredown") else found


def _place(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    """focal, focal-X-Y and crop-X-Y (percent)."""
    if not value.startswith(("focal", "crop-")):
        return {key: PLACES.get(value, "center")}
    found: dict[str, Any] = {key: "focal"}
    _, dash, rest = value.partition("-")
    if dash:
        shares = [0.5, 0.5]
        for at, part in enumerate([part for part in rest.split("-") if part][:2]):
            share = _int_of(part)
            shares[at] = share / 100 if 0 <= share <= 100 else 0.5
        found |= {"fpx": shares[0], "fpy": shares[1]}
    return found


def _crop(_key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    numbers = [_int_of(part) for part in value.split(",") if part][:4]
    if len(numbers) < 4:
        return {}
    return {name: Length(pixels=number) for name, number in zip(("cw", "ch", "cx", "cy"), numbers, strict=True)}


def _sharp(_key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    numbers = [_float_of(part) for part in value.split(",") if part][:3]
    names = ("sharp",) if len(numbers) == 1 else ("sharpf", "sharpj", "sharp")
    found: dict[str, Any] = {}
    for name, number in zip(names, numbers, strict=False):
        if name == "sharp":
            found[name] = number if 0.000001 <= number <= 10_000 else None if number == 0 else -1.0
        else:
            found[name] = number if 0 <= number <= 1_000_000 else _UNSET
    return found


def _mod(_key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, part in zip(("mod", "sat", "hue"), [part for part in value.split(",") if part][:3], strict=False):
        number = _float_of(part)
        if name == "hue":
            found[name] = int(number)
        else:
            found[name] = number if 0 <= number <= 10_000 else _UNSET
    return found


def _delay(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    numbers = tuple(_int_of(part) for part in value.split(",") if part)[:256]
    return {key: numbers if numbers and all(number >= 0 for number in numbers) else _UNSET}


def _trim(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    """Bare: 10, as documented since 2026; out of 1 to 254: off."""
    number = 10 if value == "" else _int_of(value)
    return {key: number if 1 <= number <= 254 else 0}


def _blur(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    number = _float_of(value)
    return {key: number if number == 0 or 0.3 <= number <= 1000 else -1.0}


def _gamma(key: str, value: str, _held: dict[str, Any]) -> dict[str, Any]:
    number = _float_of(value)
    return {key: number if number == 0 or 1 <= number <= 3 else 2.2}


_BARE = frozenset(("trim",))
_READERS: dict[str, Reader] = {
    **dict.fromkeys(("w", "h", "cx", "cy", "cw", "ch"), _side),
    **dict.fromkeys(("we", "precrop", "mtrim", "flip", "flop", "il", "ll", "af", "fsol"), _flag),
    **dict.fromkeys(("mbg", "start", "stop", "bg", "cbg", "rbg", "tint", "tbg"), _colour),
    **dict.fromkeys(("bri", "con"), _int(lambda value: -100 <= value <= 100)),
    **dict.fromkeys(("ro", "hue"), _int(lambda _: True)),
    **dict.fromkeys(("fpx", "fpy"), _float(lambda value: 0 <= value <= 1, 0.5)),
    **dict.fromkeys(("sat",), _float(lambda value: 0 <= value <= 10_000, 1.0)),
    **dict.fromkeys(("sharpf",), _float(lambda value: 0 <= value <= 1_000_000, 1.0)),
    **dict.fromkeys(("sharpj",), _float(lambda value: 0 <= value <= 1_000_000, 2.0)),
    "dpr": _float(lambda value: 0 <= value <= 8, -1.0),
    "fit": _fit,
    "a": _place,
    "crop": _crop,
    "mask": _word(SHAPES),
    "filt": _word(FILTERS),
    "output": _word(OUTPUTS),
    "sharp": _sharp,
    "mod": _mod,
    "trim": _trim,
    "blur": _blur,
    "gam": _gamma,
    "q": _int(lambda value: 1 <= value <= 100),
    "l": _int(lambda value: 0 <= value <= 9),
    "page": _int(lambda value: value in (-1, -2) or 0 <= value <= 100_000),
    "n": _int(lambda value: value == -1 or value > 0),
    "loop": _int(lambda value: value >= 0),
    "delay": _delay,
}
_KNOWN = _READERS.keys() | SYNONYMS.keys()
_AS_IT_IS = Transform()
