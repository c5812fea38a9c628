"""Hops from one rare byte to the next find what a plain search finds, also where the byte isn't rare."""

import random
import re

import pytest

from baoguan.feeds.seek import has_rare

WORDS = (b"\xc2", b"\xc2\x93", b"\xc2\xa0", b"a", b"\x93", b"\xc2" * 40, b"x" * 600)


@pytest.mark.parametrize("seed", range(20))
def test_as_a_plain_search(seed: int) -> None:
    chosen = random.Random(seed)
    for _ in range(200):
        data = b"".join(chosen.choices(WORDS, k=chosen.randrange(30)))
        assert has_rare(data, re.compile(rb"\xc2[\x80-\x9f]"), b"\xc2") == (b"\xc2\x93" in data)


def test_an_empty_document() -> None:
    assert not has_rare(b"", re.compile(b"x"), b"x")
