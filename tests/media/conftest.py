"""Pictures of the real cases, read straight from their archive."""

import tarfile
from pathlib import Path

import pytest
import zstandard


@pytest.fixture(scope="session")
def real_images(shared: Path) -> dict[str, bytes]:
    """Name in the archive -> bytes: hostile files, fixtures of an image proxy, photos, addresses of outlets."""
    path = shared / "data/images/dev.tar.zst"
    if not path.is_file():
        pytest.skip("BAOGUAN_SHARED: data/images/dev.tar.zst is missing")
    found = {}
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                found[member.name.removeprefix("./")] = content.read()
    return found
