"""An archive to write to."""

from collections.abc import Callable
from pathlib import Path

import pytest
from archive_samples import open_files

from baoguan.archive.store import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive in a folder."""
    return open_files(tmp_path)


@pytest.fixture
def reopen(tmp_path: Path) -> Callable[[], Archive]:
    """Opens the same folder again, as another process would."""
    return lambda: open_files(tmp_path, seed="again")
