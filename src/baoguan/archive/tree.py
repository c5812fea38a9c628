"""The Merkle tree of RFC 6962 over 256-wide tiles: appending, roots, inclusion and consistency proofs.

Hashes: leaf = sha256(00 || entry), node = sha256(01 || left || right). A tile of level L holds up to 256 hashes of
perfect subtrees of 256**L leaves. Works on bytes only; `read` below is any function that gives the hashes of a tile.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from baoguan.archive.paths import WIDTH, tiles_of
from baoguan.errors import VerifyError

EMPTY_ROOT = sha256(b"").digest()
_LEAF, _NODE = sha256(b"\0"), sha256(b"\1")
"""Begun once and copied: half the cost of beginning each hash anew."""
TileReader = Callable[[int, int, int], bytes]
"""(level, N, width) -> width * 32 bytes."""


def leaf_hash(entry: bytes) -> bytes:
    """sha256(00 || entry)"""
    begun = _LEAF.copy()
    begun.update(entry)
    return begun.digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """leaf_hash of each."""
    hashes = []
    for entry in entries:
        begun = _LEAF.copy()
        begun.update(entry)
        hashes.append(begun.digest())
    return hashes


def node_hash(left: bytes, right: bytes) -> bytes:
    """sha256(01 || left || right)"""
    return sha256(b"\1" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root of a perfect subtree from its 2**k hashes."""
    while len(hashes) > 1:
        pairs = iter(hashes)
        above = []
        for left, right in zip(pairs, pairs, strict=True):
            begun = _NODE.copy()
            begun.update(left + right)
            above.append(begun.digest())
        hashes = above
    return hashes[0]


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """Roots of the perfect subtrees that a run of hashes falls into, largest first."""
    peaks, start = [], 0
    for bit in range(len(hashes).bit_length() - 1, -1, -1):
        if len(hashes) >> bit & 1:
            peaks.append(fold(hashes[start : start + (1 << bit)]))
            start += 1 << bit
    return peaks


class Edge:
    """The right edge of a growing tree: for each tile level the hashes of its open tile. All that appending needs."""

    def __init__(self, size: int = 0, levels: Iterable[Sequence[bytes]] = ()) -> None:
        """`levels`: the open tile's hashes of each level, level 0 first, as `load` reads them."""
        self.size = size
        self.levels: list[list[bytes]] = [list(level) for level in levels] or [[]]

    @classmethod
    def load(cls, size: int, read: TileReader) -> "Edge":
        """Reads the edge of a tree of `size` leaves: one narrow tile a level."""
        levels = []
        level = 0
        while (count := size >> (8 * level)) > 0:
            width = count % WIDTH
            levels.append(split(read(level, count // WIDTH, width)) if width else [])
            level += 1
        return cls(size, levels)

    def copy(self) -> "Edge":
        """One that grows by itself."""
        return Edge(self.size, self.levels)

    def append(self, hashes: Iterable[bytes]) -> dict[tuple[int, int], bytes]:
        """Adds leaf hashes; returns the bytes of every tile that changed, by (level, N), open ones too."""
        tiles: dict[tuple[int, int], bytes] = {}
        before = self.size
        touched: set[int] = set()
        new, at = list(hashes), 0
        while at < len(new):
            part = new[at : at + WIDTH - len(self.levels[0])]
            self.levels[0] += part
            self.size += len(part)
            at += len(part)
            self._close(tiles, touched)
        if self.size > before:
            touched.add(0)
        for level in touched:
            if self.levels[level]:
                tiles[level, self.size >> (8 * level + 8)] = b"".join(self.levels[level])
        return tiles

    def _close(self, tiles: dict[tuple[int, int], bytes], touched: set[int]) -> None:
        level = 0
        while len(self.levels[level]) == WIDTH:
            done = self.levels[level]
            tiles[level, (self.size >> (8 * level + 8)) - 1] = b"".join(done)
            self.levels[level] = []
            level += 1
            if level == len(self.levels):
                self.levels.append([])
            self.levels[level].append(fold(done))
            touched.add(level)

    def root(self) -> bytes:
        """RFC 6962 root of all that was appended."""
        if not self.size:
            return EMPTY_ROOT
        peaks = [peak for level in reversed(self.levels) for peak in _peaks(level)]
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root


def split(tile: bytes) -> list[bytes]:
    """The 32-byte hashes of a tile."""
    if len(tile) % 32:
        raise VerifyError(f"a tile of {len(tile)} bytes is no row of hashes")
    return [tile[i : i + 32] for i in range(0, len(tile), 32)]


class TreeReader:
    """Roots of any range of a tree of `size` leaves, read from its tiles; what proofs are made of."""

    def __init__(self, size: int, read: TileReader) -> None:
        """`size` says how wide the last tile of each level is."""
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def _hash(self, level: int, index: int) -> bytes:
        key = (level, index // WIDTH)
        if key not in self._tiles:
            width = min(WIDTH, (self._size >> (8 * level)) - key[1] * WIDTH)
            self._tiles[key] = split(self._read(level, key[1], width))
        return self._tiles[key][index % WIDTH]

    def root(self, start: int, stop: int) -> bytes:
        """RFC 6962 root of leaves start..stop-1; start is a multiple of the power of two that holds the width."""
        width = stop - start
        if width == 0:
            return EMPTY_ROOT
        if width & (width - 1) == 0:
            level = (width.bit_length() - 1) // 8
            step = 1 << (8 * level)
            return fold([self._hash(level, index) for index in range(start // step, stop // step)])
        middle = start + (1 << ((width - 1).bit_length() - 1))
        return node_hash(self.root(start, middle), self.root(middle, stop))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Proof that leaf `index` is in the tree of `size` leaves (RFC 6962, 2.1.1)."""
        if not 0 <= index < size <= self._size:
            raise VerifyError(f"no leaf {index} in a tree of {size} (this log has {self._size})")
        proof = []
        start, stop = 0, size
        while stop - start > 1:
            middle = start + (1 << ((stop - start - 1).bit_length() - 1))
            if index < middle:
                proof.append(self.root(middle, stop))
                stop = middle
            else:
                proof.append(self.root(start, middle))
                start = middle
        return proof[::-1]

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Proof that `old` leaves are a prefix of `size` (RFC 6962, 2.1.2); empty when old is 0 or size."""
        if not 0 <= old <= size <= self._size:
            raise VerifyError(f"no trees of {old} and {size} leaves in a log of {self._size}")
        if old in (0, size):
            return []
        proof = []
        start, stop, whole = 0, size, True
        while old != stop:
            middle = start + (1 << ((stop - start - 1).bit_length() - 1))
            if old <= middle:
                proof.append(self.root(middle, stop))
                stop = middle
            else:
                proof.append(self.root(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self.root(start, stop))
        return proof[::-1]


def check_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises VerifyError unless `proof` shows the leaf hash `leaf` at `index` under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise VerifyError(f"no leaf {index} in a tree of {size}")
    node, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise VerifyError("inclusion proof is too long")
        if node & 1 or node == last:
            value = node_hash(step, value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, step)
        node, last = node >> 1, last >> 1
    if last or value != root:
        raise VerifyError(f"inclusion proof of leaf {index} in a tree of {size} doesn't hold")


def check_consistency(*, old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Raises VerifyError unless `proof` shows that the tree `old_root` is a prefix of `root` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= size:
        held = False
    elif old in (0, size):
        held = not proof and old_root == (root if old == size else EMPTY_ROOT)
    else:
        held = _two_roots(old, size, old_root, proof) == (old_root, root)
    if not held:
        raise VerifyError(f"consistency proof from {old} to {size} doesn't hold: the log was forked or rolled back")


def _two_roots(old: int, size: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The roots of both trees as the proof gives them; None when its length doesn't fit."""
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not steps:
        return None
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, step)
        node, last = node >> 1, last >> 1
    return None if last else (before, after)


def root_of_tiles(size: int, read: TileReader) -> bytes:
    """The root that level 0 gives, every tile above compared with it. Raises VerifyError at the first that differs."""
    edge = Edge()
    seen: dict[tuple[int, int], bytes] = {}
    for level, n, width in tiles_of(size):
        if level == 0:
            seen.update(edge.append(split(read(0, n, width))))
        elif seen.get((level, n)) != read(level, n, width):
            raise VerifyError(f"tile {level}/{n} isn't what level 0 gives")
    return edge.root()
