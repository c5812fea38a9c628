"""The tree against a naive RFC 6962 one, and its proofs."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baoguan.archive.paths import WIDTH, new_tiles, number, tiles_of
from baoguan.archive.tree import (
    EMPTY_ROOT,
    Edge,
    TreeReader,
    check_consistency,
    check_inclusion,
    leaf_hash,
    root_of_tiles,
)
from baoguan.errors import VerifyError

# The tree of RFC 6962's reference implementations (certificate-transparency, merkle_tree_test).
KNOWN_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
KNOWN_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def naive_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\1" + naive_root(hashes[:split]) + naive_root(hashes[split:])).digest()


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % i) for i in range(count)]


def grow(steps: list[int]) -> tuple[Edge, dict[tuple[int, int], bytes], list[bytes]]:
    """A tree grown in steps, with its widest tiles."""
    edge, tiles, hashes = Edge(), {}, leaves(sum(steps))
    done = 0
    for step in steps:
        changed = edge.append(hashes[done : done + step])
        assert set(changed) == {(level, n) for level, n, _ in new_tiles(done, done + step)}
        for level, n, width in new_tiles(done, done + step):
            assert len(changed[level, n]) == 32 * width
        tiles.update(changed)
        done += step
    return edge, tiles, hashes


def reader(tiles: dict[tuple[int, int], bytes]):
    return lambda level, n, width: tiles[level, n][: 32 * width]


def test_known_roots():
    for size, root in KNOWN_ROOTS.items():
        edge = Edge()
        edge.append([leaf_hash(leaf) for leaf in KNOWN_LEAVES[:size]])
        assert edge.root().hex() == root
    assert Edge().root() == EMPTY_ROOT


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_growing_in_steps_is_the_naive_tree(steps):
    edge, tiles, hashes = grow(steps)
    assert edge.root() == naive_root(hashes)
    assert root_of_tiles(len(hashes), reader(tiles)) == edge.root()
    again = Edge.load(len(hashes), reader(tiles))
    assert (again.root(), [x for x in again.levels if x]) == (edge.root(), [x for x in edge.levels if x])


def test_two_levels_of_full_tiles():
    size = WIDTH * WIDTH + 300
    edge, tiles, hashes = grow([WIDTH * WIDTH - 1, 1, 300])
    assert edge.root() == naive_root(hashes)
    assert {level for level, _, _ in tiles_of(size)} == {0, 1, 2}
    tree = TreeReader(size, reader(tiles))
    for index in (0, 255, 256, 65535, 65536, size - 1):
        proof = tree.inclusion(index, size)
        check_inclusion(index=index, size=size, leaf=hashes[index], proof=proof, root=edge.root())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.data())
def test_proofs_hold_and_nothing_else_does(size, data):
    edge, tiles, hashes = grow([size])
    tree, root = TreeReader(size, reader(tiles)), edge.root()
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion(index, size)
    check_inclusion(index=index, size=size, leaf=hashes[index], proof=proof, root=root)
    for bad in ([*proof, root], proof[:-1] if proof else [root], [bytes(32), *proof[1:]] if proof else [bytes(32)]):
        with pytest.raises(VerifyError):
            check_inclusion(index=index, size=size, leaf=hashes[index], proof=bad, root=root)
    old = data.draw(st.integers(1, size))
    old_root = naive_root(hashes[:old])
    proof = tree.consistency(old, size)
    check_consistency(old=old, size=size, old_root=old_root, root=root, proof=proof)
    with pytest.raises(VerifyError):
        check_consistency(old=old, size=size, old_root=bytes(32), root=root, proof=proof)
    with pytest.raises(VerifyError):
        check_consistency(old=old, size=size, old_root=old_root, root=bytes(32), proof=proof)
    with pytest.raises(VerifyError):
        check_consistency(old=old, size=size, old_root=old_root, root=root, proof=[*proof, bytes(32)])


def test_a_flipped_tile_is_seen():
    _, tiles, hashes = grow([600])
    for key, data in list(tiles.items()):
        broken = {**tiles, key: bytes([data[0] ^ 1]) + data[1:]}
        try:
            root = root_of_tiles(600, reader(broken))
        except VerifyError:
            continue
        assert root != naive_root(hashes)


def test_tile_numbers():
    assert number(5) == "005"
    assert number(1234067) == "x001/x234/067"
    assert number(1000) == "x001/000"
