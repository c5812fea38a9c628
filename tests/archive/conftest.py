"""An archive to write to, on memory or on disk."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baoguan.archive.note import Signer
from baoguan.archive.store import Archive
from baoguan.backends.clock import FixedClock, SeededEntropy
from baoguan.backends.files import FileHead, FileLock, FileObjects
from baoguan.backends.memory import MemoryHead, MemoryObjects
from baoguan.capture.warc import WarcWriter

SIGNER = Signer("test.example/news", bytes(range(32)))


def open_files(folder: Path, *, seed: str = "", sync: bool = False, timeout_s: float = 10.0) -> Archive:
    """An archive in a folder, as the app builds it."""
    lock = FileLock(folder / "state" / "lock", timeout_s=timeout_s)
    entropy = SeededEntropy(seed or folder.name)
    return Archive(
        objects=FileObjects(folder / "public"),
        head=FileHead(folder / "public" / "checkpoint", lock),
        staging_dir=folder / "state" / "staging",
        lock=lock,
        signer=SIGNER,
        clock=FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC), step_s=0.001),
        entropy=entropy,
        warc=WarcWriter(entropy=entropy),
        vantage="here",
        sync=sync,
    )


def open_memory(
    objects: MemoryObjects, head: MemoryHead, staging: Path, *, seed: str = "", sync: bool = True
) -> Archive:
    """An archive in memory."""
    entropy = SeededEntropy(seed)
    return Archive(
        objects=objects,
        head=head,
        staging_dir=staging,
        lock=contextlib.nullcontext(),
        signer=SIGNER,
        clock=FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC), step_s=0.001),
        entropy=entropy,
        warc=WarcWriter(entropy=entropy),
        vantage="here",
        sync=sync,
    )


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive in a folder."""
    return open_files(tmp_path)


@pytest.fixture
def reopen(tmp_path: Path) -> Callable[[], Archive]:
    """Opens the same folder again, as another process would."""
    return lambda: open_files(tmp_path, seed="again")
