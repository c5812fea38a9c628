"""The ancestors' real trees, read from their archives."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard


def iter_tree(path: Path) -> Iterator[tuple[str, bytes]]:
    """(path below the tree's root, bytes) of each file."""
    if not path.is_file():
        pytest.skip(f"BAOGUAN_SHARED: {path.name} is missing")
    with (
        path.open("rb") as file,
        tarfile.open(fileobj=zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(file), mode="r|") as tar,
    ):
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield member.name.removeprefix("./").partition("/")[2], stream.read()


@pytest.fixture(scope="session")
def ancestors_2020(shared: Path) -> dict[str, bytes]:
    """Every file of dutymachine-2020 by path."""
    return dict(iter_tree(shared / "data/records/dutymachine-2020.tar.zst"))


@pytest.fixture
def waimei(shared: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of waimei-64542, streamed."""
    return iter_tree(shared / "data/records/waimei-64542.tar.zst")
