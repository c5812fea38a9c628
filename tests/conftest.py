"""Fixtures that every part shares."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real cases; skips by name where it is missing."""
    path = Path(os.environ.get("BAOGUAN_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip("BAOGUAN_SHARED: the folder of real cases is missing")
    return path
