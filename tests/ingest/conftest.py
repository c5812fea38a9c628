"""Fixtures: a fake newsroom, and an archive over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ingest_house import House

from newsroom import Newsroom


@pytest.fixture
def room() -> Iterator[Newsroom]:
    """One outlet in the shape of VOA."""
    with Newsroom("voa") as room:
        yield room


@pytest.fixture
def empty_house(tmp_path: Path, room: Newsroom) -> House:
    """No archive yet: for tests with settings of their own."""
    return House(tmp_path / "archive", room)


@pytest.fixture
def house(empty_house: House) -> Iterator[House]:
    """An archive over the newsroom, nothing synced; verified when its test is done."""
    yield empty_house.make()
    empty_house.verify()
