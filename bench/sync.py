"""`./run bench sync`: CPU and memory of `baoguan sync` over 2,000 feeds on 127.0.0.0/8, politeness on, 1 % changed.

The feeds are served by another process. The peer is what the ancestors' way costs: every feed fetched whole and parsed
by feedparser, nothing kept.
"""

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from baoguan.app import OutletEntry, create_archive, open_desk
from baoguan.ingest import sync


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench sync", description=__doc__)
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(Path(options.child))
        return
    with tempfile.TemporaryDirectory() as folder, serve(options.feeds, options.changed) as pool:
        assert pool.stdout is not None
        assert pool.stdin is not None
        urls = wait_for_urls(pool, options.feeds)
        archive = Path(folder) / "archive"
        entries = [
            OutletEntry(key=f"outlet-{number}", name=f"outlet {number}", feeds=tuple(urls[number::20]))
            for number in range(20)
        ]
        fetch = {"allow_networks": ["127.0.0.0/8"], "pages": False, "min_free_mb": 1}
        create_archive(archive, origin="bench/sync", entries=entries, fetch=fetch)
        print(f"{options.feeds} feeds on {options.feeds} addresses of 127.0.0.0/8, pace and robots as by default")
        run_child(archive, "first sync, every item new")
        for number in range(3):
            pool.stdin.write(b"next\n")
            pool.stdin.flush()
            time.sleep(0.3)
            run_child(archive, f"sync {number + 2}, {options.changed:.0%} changed")
        peer(urls[:: max(1, len(urls) // 100)])


def serve(feeds: int, changed: float) -> "subprocess.Popen[bytes]":
    """The pool of feeds, in a process of its own."""
    command = [sys.executable, "-m", "newsroom.pool", "--feeds", str(feeds), "--changed", str(changed), "--items", "3"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def wait_for_urls(pool: "subprocess.Popen[bytes]", feeds: int) -> list[str]:
    """Its addresses: the first line that it prints tells the port."""
    from newsroom.pool import Pool

    assert pool.stdout is not None
    line = pool.stdout.readline().decode()
    model = Pool(feeds, 0.0)
    model.port = int(line.split()[1])
    return model.urls()


def run_child(archive: Path, what: str) -> None:
    """One sync in a process of its own, so that CPU and peak memory are its own, imports included."""
    command = [sys.executable, "-m", "bench.sync", "--child", str(archive)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    figures = json.loads(done.stdout)
    print(
        f"{what:<32} {figures['cpu_ms'] / figures['feeds']:6.2f} ms CPU a feed, {figures['wall_s']:6.1f} s wall,"
        f" peak {figures['peak_mb']:4.0f} MB, {figures['new']} new, {figures['failed']} failed"
    )


def measure(archive: Path) -> None:
    """The child: one sync, its figures as JSON."""
    start = time.monotonic()
    with open_desk(archive) as desk:
        report = sync(desk)
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "feeds": len(report.feeds),
        "failed": len(report.failed),
        "new": report.counts["new"],
        "cpu_ms": (used.ru_utime + used.ru_stime) * 1000,
        "wall_s": time.monotonic() - start,
        "peak_mb": used.ru_maxrss / 1000,
    }
    print(json.dumps(figures))


def peer(urls: list[str]) -> None:
    """The ancestors' way on a sample: fetch whole, parse with feedparser, remember nothing."""
    import feedparser

    start = time.process_time()
    for url in urls:
        with urllib.request.urlopen(url, timeout=10) as response:
            data = response.read()
        feedparser.parse(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    used = (time.process_time() - start) * 1000 / len(urls)
    print(f"{'peer: fetch whole + feedparser':<32} {used:6.2f} ms CPU a feed ({len(urls)} feeds, nothing kept)")


if __name__ == "__main__":
    main()
