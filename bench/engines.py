"""`./run bench engines`: captures and imported files read again by one process, by two, and by Ray on two workers.

Imports a tree of the ancestors first (--tree), reads every record again, and compares the bytes of what was read. In
the run by Ray and in one of the local ones a worker is killed in the middle.
"""

import argparse
import contextlib
import hashlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from baoguan.app import create_archive, open_desk
from baoguan.backends.executors import read_ahead
from baoguan.desk import Desk
from baoguan.engines import open_executor
from baoguan.importing import import_path
from baoguan.ports import Executor
from baoguan.reextracting import AHEAD, TOGETHER, Plan, read_tasks, work_of
from bench import SHARED

RUNS = (
    ("two processes", "local", False),
    ("two, one is killed", "local", True),
    ("Ray", "ray", False),
    ("Ray, one is killed", "ray", True),
)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench engines", description=__doc__)
    tree = SHARED / "data" / "records" / "waimei-64542.tar.zst"
    parser.add_argument("--tree", type=Path, default=tree, help="folder or tar to import")
    parser.add_argument("--records", type=int, default=8000, help="records to read again; 0: all")
    parser.add_argument("--archive", type=Path, default=None, help="an archive to read, in place of an import")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        folder = options.archive or Path(scratch) / "archive"
        if options.archive is None:
            create_archive(folder, origin="bench/engines")
            with open_desk(folder, durable=False) as desk:
                import_path(desk, options.tree)
        with open_desk(folder) as desk:
            indexes = [index for index, line in desk.archive.lines() if line is not None and line.kind == "rev"]
            indexes = indexes[: options.records or None]
            print(f"{len(indexes)} records")
            first = measure("one process", desk, indexes, "local", 1, kill=False)
            for name, engine, kill in RUNS:
                found = measure(name, desk, indexes, engine, 2, kill=kill)
                if found[0] != first[0]:
                    raise SystemExit(f"{name}: OTHER BYTES")
                print(f"  the same bytes, {first[1] / found[1]:.2f} x")


def measure(name: str, desk: Desk, indexes: list[int], engine: str, jobs: int, *, kill: bool) -> tuple[str, float]:
    """(digest of everything read, seconds without the start of the engine)"""
    with open_executor(engine, jobs) as executor:
        if executor is not None:
            executor.submit(os.getpid)()
        digest, count, start = hashlib.sha256(), 0, time.perf_counter()
        for article in _articles(desk, indexes, executor):
            digest.update(article)
            count += 1
            if kill and count == len(indexes) // 2:
                os.kill(_worker(engine), signal.SIGKILL)
        took = time.perf_counter() - start
    print(f"{name:<22} {count} read in {took:6.1f} s, {count / took:6.0f} a second")
    return digest.hexdigest(), took


def _articles(desk: Desk, indexes: list[int], executor: Executor | None) -> Iterator[bytes]:
    for _, read in read_ahead(executor, read_tasks(desk, Plan(), indexes), work_of, ahead=AHEAD, together=TOGETHER):
        if read is not None:
            yield msgspec.msgpack.encode(read())


def _worker(engine: str) -> int:
    """A worker of this process, and of no other's: Ray's are grandchildren, by way of its raylet."""
    wanted = (b"ray::IDLE", b"ray::_call") if engine == "ray" else (b"spawn_main",)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if any(one in path.read_bytes() for one in wanted) and os.getpid() in _ancestors(int(path.parent.name)):
                return int(path.parent.name)
    raise RuntimeError("no worker found")


def _ancestors(pid: int) -> list[int]:
    found = []
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(pid)
    return found


if __name__ == "__main__":
    main()
