"""Verify names what is altered, missing or extra: one flipped bit in any file of any kind."""

import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from archive_samples import fill, open_files

from baoguan.archive.verify import verify


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """An archive with every kind of file, older partials too."""
    folder = tmp_path_factory.mktemp("whole")
    archive = open_files(folder)
    for count in (5, 30, 240, 8):
        fill(archive, count, captures=True, media=True)
    return folder


def files(folder: Path) -> list[str]:
    public = folder / "public"
    return sorted(str(path.relative_to(public)) for path in public.rglob("*") if path.is_file())


def check(folder: Path):
    archive = open_files(folder)
    return verify(archive.objects, archive.verifier)


class Damaged:
    """A file with other bytes for a while."""

    def __init__(self, folder: Path, path: str, data: bytes | None) -> None:
        self.file = folder / "public" / path
        self.data = data
        self.old = self.file.read_bytes()

    def __enter__(self):
        self.file.unlink()
        if self.data is not None:
            self.file.write_bytes(self.data)

    def __exit__(self, *_):
        self.file.unlink(missing_ok=True)
        self.file.write_bytes(self.old)


def test_nothing_is_found_where_nothing_is_wrong(whole):
    steps = []
    archive = open_files(whole)
    report = verify(archive.objects, archive.verifier, progress=lambda *step: steps.append(step))
    assert report.faults == ()
    assert report.exit_code == 0
    assert report.counts["entries"] == report.size == 287
    assert report.counts["records"] == 283
    assert report.counts["capture_files"] == 4
    assert report.counts["media"] > 30
    assert {what for what, _, _ in steps} == {"log", "media", "captures"}


def test_the_report_is_the_same_on_a_process_pool(whole):
    archive = open_files(whole)
    with ProcessPoolExecutor(2) as pool:
        assert verify(archive.objects, archive.verifier, pmap=pool.map) == check(whole)


def test_every_kind_of_file_flipped(whole):
    chance = random.Random(4)
    every = files(whole)
    kinds: dict[str, list[str]] = {}
    for path in every:
        parts = path.split("/")
        kinds.setdefault("/".join(parts[:2]) if parts[0] == "tile" else parts[0], []).append(path)
    assert set(kinds) >= {
        "format",
        "checkpoint",
        "tile/0",
        "tile/1",
        "tile/entries",
        "manifest",
        "bundle",
        "articles",
        "media",
        "captures",
    }
    for paths in kinds.values():
        for path in chance.sample(paths, min(len(paths), 6)):
            data = bytearray((whole / "public" / path).read_bytes())
            for _ in range(2):
                at = chance.randrange(len(data))
                flipped = bytearray(data)
                flipped[at] ^= 1 << chance.randrange(8)
                with Damaged(whole, path, bytes(flipped)):
                    report = check(whole)
                assert report.exit_code == 6, (path, at)
                assert path in {fault.path for fault in report.of("altered")}, (path, at, report.faults)
    assert check(whole).ok


def test_gzip_headers_of_captures(whole):
    path = next(path for path in files(whole) if path.startswith("captures/"))
    data = (whole / "public" / path).read_bytes()
    second = data.index(b"\x1f\x8b\x08\x00", 10)
    for at in (3, 8, 9, second, second + 4, second + 9, len(data) - 1):
        with Damaged(whole, path, data[:at] + bytes([data[at] ^ 64]) + data[at + 1 :]):
            report = check(whole)
        assert path in {fault.path for fault in report.of("altered")}, at


def test_each_kind_of_file_missing(whole):
    archive = open_files(whole)
    current = {
        "format", "checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/31", "manifest/000.jsonl",
        "bundle/001.p/31.zst",
        next(archive.objects.list("articles")), next(archive.objects.list("media")),
    }  # fmt: skip
    for path in current:
        with Damaged(whole, path, None):
            report = check(whole)
        assert path in {fault.path for fault in report.of("missing")}, path
        assert report.of("altered") == (), (path, report.faults)
    with Damaged(whole, next(archive.objects.list("captures")), None):
        report = check(whole)
    assert report.exit_code == 7
    assert report.of("missing")[0].index == 0


@pytest.mark.parametrize(
    "path",
    [
        "articles/x/2026/03/01/9-a.md", "note.txt", "tile/0/002", "tile/7/000", "tile/0/2", "manifest/000.p/300.jsonl",
        "media/ab/cd.jpg", "captures/2026/03/20260301T120000Z-0000000007.warc.gz", "captures/x.warc.gz",
        "bundle/001.zst",
    ],
)  # fmt: skip
def test_extra_files(whole, path):
    file = whole / "public" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"extra")
    report = check(whole)
    file.unlink()
    assert [(fault.kind, fault.path) for fault in report.faults] == [("extra", path)]
    assert report.exit_code == 8


@pytest.mark.parametrize("kind", ["articles", "media"])
def test_a_folder_in_place_of_a_file(whole, kind):
    path = next(open_files(whole).objects.list(kind))
    file = whole / "public" / path
    data = file.read_bytes()
    file.unlink()
    file.mkdir()
    (file / "within").write_bytes(b"extra")
    report = check(whole)
    (file / "within").unlink()
    file.rmdir()
    file.write_bytes(data)
    assert {(fault.kind, fault.path) for fault in report.faults} == {("missing", path), ("extra", f"{path}/within")}
    assert check(whole).ok


def test_cut_and_grown_files(whole):
    for path in [files(whole)[0], "manifest/000.jsonl", "bundle/000.zst", "tile/entries/000", "tile/0/000"]:
        data = (whole / "public" / path).read_bytes()
        for other in (b"", data[:-1], data + b"\n", data + data):
            with Damaged(whole, path, other):
                assert path in {fault.path for fault in check(whole).of("altered")}, path
    path = next(path for path in files(whole) if path.startswith("captures/"))
    data = (whole / "public" / path).read_bytes()
    for other in (data[:-1], data + b"\0", data + data[:345], data[345:]):
        with Damaged(whole, path, other):
            assert not check(whole).ok
