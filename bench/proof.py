"""Append and verify rates of the log. The peer: opening, reading and hashing the same files, in the same run.

Made-up records of 5,000 bytes, and the real ones of the shared folder where it is there.
"""

import contextlib
import hashlib
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from baoguan.archive.note import Signer
from baoguan.archive.store import Archive
from baoguan.archive.verify import verify
from baoguan.backends.clock import SeededEntropy, SystemClock, SystemEntropy
from baoguan.backends.files import FileHead, FileLock, FileObjects
from baoguan.capture.warc import WarcWriter
from baoguan.model.log import ManifestLine

BATCH = 1000


def open_archive(folder: Path) -> Archive:
    """An archive with a new key."""
    lock = FileLock(folder / "state" / "lock")
    entropy = SystemEntropy()
    return Archive(
        objects=FileObjects(folder / "public"),
        head=FileHead(folder / "public" / "checkpoint", lock),
        staging_dir=folder / "state" / "staging",
        lock=lock,
        signer=Signer.generate("bench.example", entropy),
        clock=SystemClock(),
        entropy=entropy,
        warc=WarcWriter(entropy=entropy),
    )


def synthetic(count: int) -> Iterator[bytes]:
    """Records of 5,000 bytes that pack about as news text does."""
    entropy = SeededEntropy("bench")
    words = [entropy.token_bytes(6).hex().encode() for _ in range(4000)]
    for number in range(count):
        pick = entropy.token_bytes(1024)
        text = b" ".join(words[int.from_bytes(pick[at : at + 2], "big") % 4000] for at in range(0, 768, 2))
        yield b"<!--%d-->\n" % number + text[:4980] + b"\n"


def real(shared: Path) -> Iterator[bytes]:
    """The 64,542 records of waimei."""
    import zstandard

    path = shared / "data" / "records" / "waimei-64542.tar.zst"
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        for member in tar:
            if member.isfile() and member.name.endswith(".md"):
                data = tar.extractfile(member)
                assert data is not None
                yield data.read()


def append(archive: Archive, records: Iterator[bytes]) -> tuple[int, float]:
    """(articles, CPU seconds of the batches); reading the records is not counted."""
    count, spent = 0, 0.0
    while True:
        part = [data for _, data in zip(range(BATCH), records, strict=False)]
        if not part:
            return count, spent
        start = time.process_time()
        with archive.begin() as batch:
            for data in part:
                day = 1 + count // 2500 % 28
                path = f"articles/bench/2026/{1 + count // 70000:02d}/{day:02d}/{1772366400000 + count}-{count:016x}.md"
                line = ManifestLine(
                    salt="",
                    kind="rev",
                    id=f"{count:016x}",
                    outlet="bench",
                    feeds=("http://news.example/feed",),
                    guids=(f"http://news.example/{count}",),
                    url=f"http://news.example/{count}",
                    title="标题" * 10,
                    record=batch.add_record(path, data),
                    content_sha256="0" * 64,
                )
                batch.append(line)
                count += 1
            batch.commit()
        spent += time.process_time() - start


def hash_all(folder: Path) -> tuple[int, float]:
    """(files, CPU seconds) of opening, reading and hashing everything in public/: what no verify can do without."""
    start = time.process_time()
    count = 0
    for base, _, names in os.walk(folder / "public"):
        for name in names:
            with open(f"{base}/{name}", "rb", buffering=0) as file:
                hashlib.sha256(file.read()).digest()
            count += 1
    return count, time.process_time() - start


def measure(name: str, records: Iterator[bytes]) -> None:
    """One line of figures."""
    with tempfile.TemporaryDirectory(prefix="baoguan-proof-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        archive = open_archive(folder)
        count, spent = append(archive, records)
        print(f"{name}: {count} articles, append {count / spent:,.0f} per CPU second (aim 6,000)")
        ratios = []
        for _ in range(3):
            files, peer = hash_all(folder)
            start = time.process_time()
            report = verify(archive.objects, archive.verifier)
            own = time.process_time() - start
            assert report.ok, report.faults[:3]
            ratios.append(peer / own)
            print(
                f"{name}: verify {own:.2f} s CPU, {count / own:,.0f} articles/s; reading and hashing the {files} files "
                f"{peer:.2f} s; {peer / own:.0%} of that speed (aim 70 %)"
            )
        print(f"{name}: median {sorted(ratios)[1]:.0%}")


def main() -> None:
    """`bench proof [COUNT]`: COUNT made-up records (20,000), then the real ones."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    measure("synthetic", synthetic(count))
    shared = Path(os.environ.get("BAOGUAN_SHARED", "../shared"))
    with contextlib.suppress(FileNotFoundError):
        measure("waimei", real(shared))


if __name__ == "__main__":
    main()
