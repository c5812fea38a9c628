"""What is known of photos: rows of a derived index, never the truth."""

import msgspec


class PhotoFile(msgspec.Struct, frozen=True, kw_only=True):
    """A kept picture file."""

    sha256: str
    path: str
    """media/<aa>/<sha256>.<ext>"""
    width: int = 0
    height: int = 0
    dhash: bytes = b""
    """32 bytes; empty while it was not looked at, or where it can't be decoded or says nothing (flat)."""
    colour: int = -1
    """Dominant colour, 0xRRGGBB; -1 while it is not known."""


class PhotoForm(msgspec.Struct, frozen=True, kw_only=True):
    """A rendition that was met: an address, and the file that it gave."""

    id: str = ""
    """Article in which it was met."""
    url: str
    sha256: str
    key: str
    """The outlet's name of the photo, as media.choose.read_photo gives it."""
    width: int = 0
    """Pixels that the address asks for; 0 where it names none."""
    crop: str = ""


class PhotoUse(msgspec.Struct, frozen=True, kw_only=True):
    """An article that showed a photo."""

    id: str
    sha256: str
    url: str
    caption: str = ""
    credit: str = ""
    index: int = 0
    """Log index of the first line that said so."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a page needs of a picture before it is loaded."""

    colour: int = -1
    """0xRRGGBB; -1: not known."""
    photo: bool = False
    """It has the light and shade of a photo; else it is plain, drawn or not looked at."""


class SamePhoto(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is the same photo as one file."""

    files: tuple[PhotoFile, ...]
    """The one that was asked for first, then by size."""
    by: dict[str, str]
    """Why each of them is the same, by sha256: self, key or likeness."""
    bits: dict[str, int]
    """By sha256 the bits in which a file found by likeness differs, 0 to 24."""
    forms: tuple[PhotoForm, ...]
    uses: tuple[PhotoUse, ...]
    """In the order of the log."""
    cut: bool = False
    """There are more than are listed."""
