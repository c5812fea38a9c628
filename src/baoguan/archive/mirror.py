"""What a mirror makes of a host's hashes before it asks for a single bundle: pure, bytes only.

A head is believed when the hashes of its bundles, behind the leaves that are held already, give its root. That is the
consistency proof from the held head, computed instead of asked for. From then on each bundle is judged alone, in any
order, as it comes: its leaves must fold to the hash that the tree has for it.
"""

from collections.abc import Iterator, Sequence

import msgspec

from baoguan.archive.bundle import Entry, decode_entries, decode_manifest, encode_entries, encode_manifest
from baoguan.archive.paths import WIDTH, entries_path, manifest_path, new_tiles, tile_path
from baoguan.archive.tree import Edge, fold, leaf_hash
from baoguan.errors import Corrupt
from baoguan.model.codec import decode_leaf, decode_line
from baoguan.model.log import ManifestLine
from baoguan.ports import ObjectStore


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """The hashes of a grown log: which bundle must be what."""

    size: int
    root: bytes
    full: dict[int, bytes]
    """Hash of each full bundle that is new, by its number."""
    open: tuple[bytes, ...]
    """Leaf hashes of the last bundle, when it is not full."""
    upper: dict[tuple[int, int], bytes]
    """Bytes of the tiles of level 1 and above that changed, by (level, N)."""


def wanted_tiles(held: int, size: int) -> list[tuple[int, int, int]]:
    """(level, N, width) of the tiles that an outline is made of: level 1, and the open tile of level 0."""
    tiles = [tile for tile in new_tiles(held, size) if tile[0] == 1]
    if size % WIDTH and size > held:
        tiles.append((0, size // WIDTH, size % WIDTH))
    return tiles


def outline(edge: Edge, size: int, tiles: dict[tuple[int, int], Sequence[bytes]]) -> Outline:
    """The outline of a log of `size` that begins with what `edge` holds; `tiles`: the hashes of wanted_tiles."""
    first, last = edge.size // WIDTH, size // WIDTH
    bundles = [tiles[1, n // WIDTH][n % WIDTH] for n in range(first, last)]
    above = Edge(first, edge.levels[1:] or [[]])
    changed = above.append(bundles)
    rest = tuple(tiles[0, last]) if size % WIDTH else ()
    whole = Edge(size, [list(rest), *above.levels])
    return Outline(
        size=size,
        root=whole.root(),
        full=dict(zip(range(first, last), bundles, strict=True)),
        open=rest,
        upper={(level + 1, n): data for (level, n), data in changed.items()},
    )


def check_leaves(plan: Outline, n: int, leaves: Sequence[bytes]) -> bytes:
    """The level-0 tile of bundle `n`. Raises Corrupt unless its leaves are what the tree has there."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    known = plan.full.get(n)
    if tuple(hashes) != plan.open if known is None else len(hashes) != WIDTH or fold(hashes) != known:
        raise Corrupt("its leaves aren't what the signed head commits to")
    return b"".join(hashes)


def log_files(n: int, entries: Sequence[Entry], tile: bytes) -> dict[str, bytes]:
    """The files of the log that bundle `n` is unpacked to, by their names."""
    width = len(entries)
    return {
        manifest_path(n, width): encode_manifest([entry.line for entry in entries]),
        entries_path(n, width): encode_entries([entry.leaf for entry in entries]),
        tile_path(0, n, width): tile,
    }


def lines_of(objects: ObjectStore, size: int, start: int, stop: int) -> Iterator[tuple[int, ManifestLine | None]]:
    """(index, line) of entries start..stop-1 of a log of `size` whose head may not stand yet; None: withheld."""
    for n in range(start // WIDTH, (stop + WIDTH - 1) // WIDTH):
        lines = decode_manifest(objects.get(manifest_path(n, min(WIDTH, size - n * WIDTH))))
        for index in range(max(start, n * WIDTH), min(stop, n * WIDTH + WIDTH)):
            data = lines[index - n * WIDTH]
            yield index, None if data is None else decode_line(data)


def leaf_time(objects: ObjectStore, size: int, index: int) -> int:
    """When an entry was appended, epoch ms."""
    n = index // WIDTH
    leaves = decode_entries(objects.get(entries_path(n, min(WIDTH, size - n * WIDTH))))
    return decode_leaf(leaves[index - n * WIDTH]).t


def first_since(objects: ObjectStore, size: int, epoch_ms: int) -> int:
    """The first entry that was appended at `epoch_ms` or later; `size` when none was."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if leaf_time(objects, size, middle) < epoch_ms:
            low = middle + 1
        else:
            high = middle
    return low
