"""The archive over a fake newsroom, as the tests of ingest have it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from ingest_house import House

from newsroom import Newsroom


@pytest.fixture
def room() -> Iterator[Newsroom]:
    """One outlet in the shape of VOA."""
    with Newsroom("voa") as room:
        yield room


@pytest.fixture
def house(tmp_path: Path, room: Newsroom) -> Iterator[House]:
    """An archive over the newsroom, nothing synced; verified when its test is done."""
    house = House(tmp_path / "archive", room).make()
    yield house
    house.verify()
