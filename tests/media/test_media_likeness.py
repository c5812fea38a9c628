"""How alike pictures look: made variants stay near, others far, and buckets find what a full comparison finds."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from baoguan.media.figures import figure_texts
from baoguan.media.likeness import BYTES, NEAR_BITS, box_reduce, dhash, distance, dominant, probes_of, rows_of


def test_boxes_are_means_whatever_the_size() -> None:
    for width, height in ((17, 16), (34, 32), (100, 71), (18, 17)):
        grey = bytes((x * 255 // width) for _ in range(height) for x in range(width))
        means = box_reduce(grey, width, height)
        assert len(means) == 272
        assert means == sorted(means[:17]) * 16


def test_a_picture_that_says_nothing_has_no_hash() -> None:
    assert dhash(bytes([128]) * 272, 17, 16) == b""
    assert dhash(bytes(x * 15 for _ in range(16) for x in range(17)), 17, 16) == b"", "a gradient"
    assert dhash(b"", 0, 0) == dhash(bytes(10), 2, 5) == dhash(bytes(10), 17, 16) == b""


def test_noise_of_recompression_changes_few_bits() -> None:
    rng = random.Random(1)
    for _ in range(50):
        grey = bytes(rng.choice((20, 60, 100, 140, 180, 220)) for _ in range(34 * 32))
        noisy = bytes(max(0, min(255, value + rng.randint(-3, 3))) for value in grey)
        one, other = dhash(grey, 34, 32), dhash(noisy, 34, 32)
        assert len(one) == BYTES
        assert distance(one, other) <= NEAR_BITS


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.sets(st.integers(0, 255), max_size=NEAR_BITS))
def test_every_hash_within_the_threshold_lies_in_a_probed_bucket(hash_: bytes, flips: set[int]) -> None:
    value = int.from_bytes(hash_, "big")
    for bit in flips:
        value ^= 1 << bit
    near = value.to_bytes(32, "big")
    assert distance(hash_, near) == len(flips)
    assert set(probes_of(hash_)) & set(rows_of(near))


def test_the_probes_are_few() -> None:
    assert len(list(probes_of(bytes(32)))) == len(set(probes_of(bytes(32)))) == 272


def test_the_dominant_colour_is_the_one_of_most_pixels() -> None:
    assert dominant(bytes((200, 30, 30)) * 60 + bytes((0, 0, 255)) * 40) == 0xC81E1E
    assert dominant(b"") == -1


def test_captions_and_credits_of_a_body() -> None:
    body = (
        '<figure><img src="https://a.example/1.jpg" alt="x"><figcaption>The quay. <small>Photo: A &amp; B</small>'
        '</figcaption></figure><p>text <img src="https://a.example/2.jpg" alt=""></p>'
        "<figure><p><img src='3.jpg'></p></figure>"
    )
    assert list(figure_texts(body)) == [
        ("https://a.example/1.jpg", "The quay.", "Photo: A & B"),
        ("https://a.example/2.jpg", "", ""),
        ("3.jpg", "", ""),
    ]
    assert list(figure_texts("<p>none</p>")) == []
    assert len(list(figure_texts('<img src="x">' * 1000))) == 400
