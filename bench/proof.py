"""Append and verify rates of the log. The peer: opening, reading and hashing the same files, in the same run.

Made-up records of 5,000 bytes, and the real ones of the shared folder where it is there.
"""

import argparse
import atexit
import contextlib
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from baoguan.archive.memory import Memory, Scope
from baoguan.archive.note import Signer
from baoguan.archive.proofs import make_proof
from baoguan.archive.store import Archive
from baoguan.archive.verify import VerifyReport, verify, verify_scope
from baoguan.backends.clock import SeededEntropy, SystemClock, SystemEntropy
from baoguan.backends.files import FileHead, FileLock, FileObjects
from baoguan.capture.warc import WarcWriter
from baoguan.model.log import ManifestLine
from bench import SHARED

BATCH = 1000
ROUNDS = 7


def scratch() -> Path:
    """A folder for one part, removed at the end of all: ext4 looks past inodes that were freed within the last half
    minute, each time it makes a file, which the next part would pay.
    """
    folder = Path(tempfile.mkdtemp(prefix="baoguan-proof-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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


def real() -> Iterator[bytes]:
    """The 64,542 records of waimei."""
    import zstandard

    path = SHARED / "data" / "records" / "waimei-64542.tar.zst"
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


def append(archive: Archive, records: Iterator[bytes], first: int = 0) -> tuple[int, float]:
    """(articles, CPU seconds of the batches); reading the records is not counted."""
    count, spent = first, 0.0
    while True:
        part = [data for _, data in zip(range(BATCH), records, strict=False)]
        if not part:
            return count - first, spent
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
    folder = scratch()
    archive = open_archive(folder)
    count, spent = append(archive, records)
    print(f"{name}: {count} articles, append {count / spent:,.0f} per CPU second (aim 6,000)")
    ratios = []
    files, _ = hash_all(folder)  # not counted: the first to read pays for what is cold
    for turn in range(ROUNDS):
        cost: dict[str, float] = {}
        for what in ("hash", "verify") if turn % 2 else ("verify", "hash"):
            start = time.process_time()
            if what == "hash":
                hash_all(folder)
            else:
                report = verify(archive.objects, archive.verifier)
                assert report.ok, report.faults[:3]
            cost[what] = time.process_time() - start
        own, peer = cost["verify"], cost["hash"]
        ratios.append(peer / own)
        print(
            f"{name}: verify {own:.2f} s CPU, {count / own:,.0f} articles/s; reading and hashing the {files} files "
            f"{peer:.2f} s; {peer / own:.1%} of that speed (aim 70 %)"
        )
    print(f"{name}: median {sorted(ratios)[ROUNDS // 2]:.1%}")
    by_the_clock(name, folder, archive)


def by_the_clock(name: str, folder: Path, archive: Archive) -> None:
    """The same as `baoguan verify` does it, over all cores, beside as many processes that read and hash."""
    cores = len(os.sched_getaffinity(0))
    with get_context("spawn").Pool(cores) as pool:
        pool.map(len, [b""] * cores)
        start = time.perf_counter()
        assert verify(archive.objects, archive.verifier, pmap=pool.imap).ok
        own = time.perf_counter() - start
        start = time.perf_counter()
        pool.map(_hash, _parts(folder), chunksize=1)
        peer = time.perf_counter() - start
    print(f"{name}: by the clock {own:.2f} s with {cores} processes; reading and hashing with as many {peer:.2f} s")


def _parts(folder: Path) -> list[list[str]]:
    paths = [f"{base}/{name}" for base, _, names in os.walk(folder / "public") for name in names]
    return [paths[start : start + 256] for start in range(0, len(paths), 256)]


def _hash(paths: list[str]) -> None:
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            hashlib.sha256(file.read()).digest()


def seen(archive: Archive, count: int, batch_size: int = 5000) -> float:
    """Appends `count` entries that name no file; CPU seconds."""
    start = time.process_time()
    for low in range(0, count, batch_size):
        with archive.begin() as batch:
            for number in range(batch.first, batch.first + min(batch_size, count - low)):
                batch.append(
                    ManifestLine(salt="", kind="seen", id=f"{number:016x}", outlet="bench", captured_ms=number)
                )
            batch.commit()
    return time.process_time() - start


def lean(archive: Archive, memory: Memory) -> tuple[float, VerifyReport]:
    """CPU seconds of a verify of what is new since `memory`, and its report."""
    start = time.process_time()
    report = verify(archive.objects, archive.verifier, scope=Scope(since=memory.size, memory=memory))
    assert report.ok, report.faults[:3]
    return time.process_time() - start, report


def incremental(small: int = 20 * 256, new: int = 4 * 256) -> None:
    """The same new part behind an archive of some size and one of ten times that."""
    for count in (small, 10 * small):
        archive = open_archive(scratch())
        append(archive, synthetic(count))
        start = time.process_time()
        report, memory = verify_scope(archive.objects, archive.verifier)
        whole = time.process_time() - start
        assert report.ok
        assert memory is not None
        append(archive, synthetic(new), count)
        best = min(lean(archive, memory)[0] for _ in range(5))
        print(f"incremental: {new} new behind {count}: {best * 1000:.0f} ms CPU; the whole {whole * 1000:.0f} ms")


def million(total: int = 1_000_000, steps: int = 10) -> None:
    """Append, verify and prove while a log of entries without files grows to `total`."""
    archive = open_archive(scratch())
    memory = None
    for _ in range(steps):
        spent = seen(archive, total // steps)
        if memory is None:
            _, memory = verify_scope(archive.objects, archive.verifier)
        fresh, _ = lean(archive, memory)
        _, memory = verify_scope(archive.objects, archive.verifier, scope=Scope(since=memory.size, memory=memory))
        start = time.process_time()
        for index in range(0, archive.size, archive.size // 20):
            make_proof(archive, index)
        proof = (time.process_time() - start) / 20
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{archive.size:>9}: append {total / steps / spent:,.0f}/s, verify of the newest {total // steps} "
            f"{fresh:.2f} s, a proof {proof * 1000:.1f} ms, peak {peak} MB",
            flush=True,
        )
    start = time.process_time()
    assert verify(archive.objects, archive.verifier).ok
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{archive.size:>9}: verify of everything {spent:.1f} s, {archive.size / spent:,.0f}/s, peak {peak} MB")


ELSEWHERE = (
    ("pulls and their requests and bytes", ("-m", "bench.mirror")),
    ("withdrawals", ("-m", "bench.withdraw")),
    (
        "kills, injected faults, flipped bits",
        ("-m", "pytest", "-q", "-m", "torture", "tests/archive/test_endurance.py"),
    ),
    ("hostile hosts", ("-m", "pytest", "-q", "tests/mirror")),
)


def elsewhere() -> None:
    """What other commands show of the proof, one after the other; fails when one of them does."""
    for what, command in ELSEWHERE:
        print(f"== {what}: {' '.join(command)}", flush=True)
        subprocess.run([sys.executable, *command], env={**os.environ, "BAOGUAN_TORTURE": "1"}, check=True)


def main() -> None:
    """`bench proof`: made-up records, then the real ones; more by its options."""
    parser = argparse.ArgumentParser(prog="./run bench proof", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20_000, help="made-up records (20,000)")
    parser.add_argument("--only", choices=("synthetic", "real", "incremental", "million"), help="one part alone")
    parser.add_argument("--million", action="store_true", help="the same as --only million")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the part without files (1,000,000)")
    parser.add_argument("--all", action="store_true", help="then pulls, withdrawals, tortures, hostile hosts: an hour")
    options = parser.parse_args()
    if options.million:
        options.only = "million"
    if options.only in (None, "synthetic"):
        measure("synthetic", synthetic(options.count))
    if options.only in (None, "incremental"):
        incremental()
    if options.only in (None, "real"):
        with contextlib.suppress(FileNotFoundError):
            measure("waimei", real())
    if options.only in (None, "million"):
        million(options.entries)
    if options.all:
        elsewhere()


if __name__ == "__main__":
    main()
