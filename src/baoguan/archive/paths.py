"""Names of the log's files, as C2SP tlog-tiles spells them."""

from collections.abc import Iterator

from baoguan.errors import StoreError

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""
FORMAT_PATH = "format"
FORMAT = b"1\n"
"""What public/format holds: the version of the layout."""
CHECKPOINT_PATH = "checkpoint"
KEY_PATH = "key"
"""The verifier key of the checkpoint, for strangers; who has it from elsewhere compares."""


def number(n: int) -> str:
    """1234067 -> x001/x234/067."""
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.append(f"x{n % 1000:03d}")
    return "/".join(reversed(parts))


def _name(folder: str, n: int, width: int, suffix: str) -> str:
    partial = f".p/{width}" if width < WIDTH else ""
    return f"{folder}/{number(n)}{partial}{suffix}"


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    """tile/<L>/<N>[.p/<W>]"""
    return _name(f"tile/{level}", n, width, "")


def entries_path(n: int, width: int = WIDTH) -> str:
    """tile/entries/<N>[.p/<W>]"""
    return _name("tile/entries", n, width, "")


def manifest_path(n: int, width: int = WIDTH) -> str:
    """manifest/<N>[.p/<W>].jsonl"""
    return _name("manifest", n, width, ".jsonl")


def bundle_path(n: int, width: int = WIDTH) -> str:
    """bundle/<N>[.p/<W>].zst"""
    return _name("bundle", n, width, ".zst")


def partial_folder(full: str, suffix: str = "") -> str:
    """The folder of a full file's partials: manifest/000.jsonl -> manifest/000.p."""
    return full.removesuffix(suffix) + ".p"


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, N, width) of every tile that a tree of `size` leaves has, level 0 upwards, in order."""
    level = 0
    while (count := size >> (8 * level)) > 0:
        for n in range((count + WIDTH - 1) // WIDTH):
            yield level, n, min(WIDTH, count - n * WIDTH)
        level += 1


def new_tiles(old: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(level, N, width) of the tiles that a tree has at `size` and had not, or had narrower, at `old`."""
    level = 0
    while (count := size >> (8 * level)) > 0:
        before = old >> (8 * level)
        if count > before:
            for n in range(before // WIDTH, (count + WIDTH - 1) // WIDTH):
                yield level, n, min(WIDTH, count - n * WIDTH)
        level += 1


def bundles_between(old: int, size: int) -> Iterator[tuple[int, int]]:
    """(N, width) of the entry bundles that grow when a log grows from `old` to `size`."""
    for level, n, width in new_tiles(old, size):
        if level:
            return
        yield n, width


def check_format(data: bytes) -> None:
    """Accepts the content of public/format or raises StoreError in one line."""
    if data == FORMAT:
        return
    text = data.decode("ascii", "replace").strip()
    if text.isdigit() and int(text) > int(FORMAT):
        raise StoreError(f"archive has format {text}, this program reads up to {int(FORMAT)}: install a newer baoguan")
    raise StoreError(f"public/format holds {text[:40]!r}, expected {int(FORMAT)}: not a baoguan archive, or damaged")
