"""The mark-up of a picture: renditions in three sizes and formats, its size and colour; on tap for text first.

A picture of an archive has one address of its own (/media/...); its renditions are /variants/<sha256>/<width>.<format>,
when the site serves them. Colours stand in classes of a style sheet that is made for the page: the policy of pages
forbids style attributes, and allows a sheet by its hash.
"""

import re
from collections.abc import Iterable
from html import escape

import msgspec

from baoguan.model.photo import Look

WIDTHS = (320, 640, 1280)
FORMATS = (("avif", "image/avif"), ("webp", "image/webp"))
"""Best first; JPEG stands in the <img>."""
_PATH = re.compile(r"media/[0-9a-f]{2}/([0-9a-f]{64})\.([a-z0-9]+)$")
_PHOTOS = ("jpg", "webp", "avif")
"""PNG too, where it is a photo. GIF, BMP and ICO, and drawings, stay as they are."""
BODY_SIZES = "(max-width: 42em) 95vw, 40em"
CARD_SIZES = "(max-width: 46em) 7em, 19em"
LEAD_SIZES = "(max-width: 46em) 95vw, 40em"


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """A kept picture as a page shows it."""

    path: str
    """media/<aa>/<sha256>.<ext>"""
    alt: str = ""
    width: int = 0
    """Pixels of the kept file; 0 where they are not known."""
    height: int = 0
    base: str = ""
    """Put before /media/..."""
    eager: bool = False
    """Loaded at once: it stands at the top. Others when they come near."""
    variants: bool = False
    """Renditions are served."""
    sizes: str = BODY_SIZES
    look: Look | None = None


def digest_of(path: str) -> str:
    """sha256 of a kept picture by its path; empty for another path."""
    found = _PATH.search(path)
    return found[1] if found else ""


def widths_of(shot: Shot) -> tuple[int, ...]:
    """The widths in which renditions of a picture are offered; none is as wide as the picture itself."""
    found = _PATH.search(shot.path)
    photo = found is not None and (
        found[2] in _PHOTOS or (found[2] == "png" and shot.look is not None and shot.look.photo)
    )
    return tuple(width for width in WIDTHS if width < shot.width) if shot.variants and photo else ()


def picture_html(shot: Shot) -> str:
    """<img>, in a <picture> where renditions are served."""
    size = f' width="{shot.width}" height="{shot.height}"' if shot.width > 0 and shot.height > 0 else ""
    load = ' fetchpriority="high"' if shot.eager else ' loading="lazy" decoding="async"'
    colour = shot.look.colour if shot.look is not None else -1
    shade = f' class="{colour_class(colour)}"' if colour >= 0 else ""
    own = f"{escape(shot.base)}/{shot.path}"
    widths = widths_of(shot)
    rest = f' alt="{escape(shot.alt)}"{size}{shade}{load}>'
    if not widths:
        return f'<img src="{own}"{rest}'
    place = f"{escape(shot.base)}/variants/{digest_of(shot.path)}"
    sources = "".join(
        f'<source type="{mime}" srcset="{_srcset(place, widths, ending)}" sizes="{shot.sizes}">'
        for ending, mime in FORMATS
    )
    whole = f", {own} {shot.width}w" if shot.path.endswith(".jpg") and shot.width <= WIDTHS[-1] else ""
    offered = f' srcset="{_srcset(place, widths, "jpg")}{whole}" sizes="{shot.sizes}"'
    return f'<picture>{sources}<img src="{own}"{offered}{rest}</picture>'


def _srcset(place: str, widths: Iterable[int], ending: str) -> str:
    return ", ".join(f"{place}/{width}.{ending} {width}w" for width in widths)


def on_tap(html: str, words: str) -> str:
    """A picture that is loaded when it is asked for: a browser fetches no lazy picture of a closed <details>."""
    lazy = html.replace(' fetchpriority="high"', ' loading="lazy" decoding="async"')
    return f'<details class="tap"><summary>{escape(words)}</summary>{lazy}</details>'


def colour_class(colour: int) -> str:
    """Name of the class that paints a colour."""
    return f"k{colour & 0xFFFFFF:06x}"


def colour_sheet(colours: Iterable[int]) -> str:
    """A style sheet with a class for each colour; empty for none."""
    return "".join(
        f".{colour_class(colour)}{{background:#{colour & 0xFFFFFF:06x}}}"
        for colour in sorted(set(colours))
        if colour >= 0
    )
