"""Pulls from nginx on loopback: requests, bytes against the bundles, CPU and wall; the cost of 50 new in a large log.

./run bench mirror                          20,000 made-up articles, then 50 new ones into 64,542 and into 6,454
./run bench mirror --count N --large N
./run bench mirror --million                1,000,000 entries with records of some 100 bytes, against 100,000 and 10,000
"""

import argparse
import json
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from baoguan.app import create_archive, open_archive, pull_mirror
from baoguan.archive.verify import verify
from baoguan.backends.clock import SeededEntropy, SystemClock
from baoguan.backends.files import FileObjects
from baoguan.config import Settings
from baoguan.model.log import ManifestLine
from bench.proof import synthetic

CONF = """
daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {root}/access.log; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{ listen 127.0.0.1:{port}; root {www}; }}
}}
"""


def grow(folder: Path, count: int, batch_size: int = 1000, texts: Iterator[bytes] | None = None) -> None:
    """Appends `count` made-up articles to the archive in `folder`, which is made when it doesn't stand.

    `texts`: their records; those of `synthetic`, 5,000 bytes each, without them.
    """
    if not folder.exists():
        create_archive(folder, origin="bench.example/mirror", entropy=SeededEntropy("bench"))
    archive = open_archive(
        folder, Settings(), clock=SystemClock(), entropy=SeededEntropy(f"{folder}{time.time()}"), durable=False
    )
    texts = texts or synthetic(count)
    start = archive.size
    for low in range(0, count, batch_size):
        with archive.begin() as batch:
            for number in range(start + low, start + min(low + batch_size, count)):
                path = f"articles/bench/2026/{1 + number // 2500 % 12:02d}/{1 + number // 250 % 28:02d}/"
                path += f"{1772366400000 + number}-{number:016x}.md"
                url = f"http://news.example/{number}"
                line = ManifestLine(
                    salt="",
                    kind="rev",
                    id=f"{number:016x}",
                    outlet="bench",
                    url=url,
                    guids=(url,),
                    title=f"第{number}条",
                    record=batch.add_record(path, next(texts)),
                    content_sha256="0" * 64,
                )
                batch.append(line)
            batch.commit()


class Nginx:
    """Serves a folder on loopback."""

    def __init__(self, www: Path, root: Path) -> None:
        root.mkdir()
        self.log = root / "access.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        (root / "nginx.conf").write_text(CONF.format(root=root, www=www, port=port))
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        assert program, "nginx is missing (Debian: nginx-light)"
        self.process = subprocess.Popen([program, "-p", root, "-c", root / "nginx.conf", "-e", root / "error.log"])
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)

    def served(self) -> tuple[int, int]:
        """(requests, bytes of bodies) by nginx's own log, which is then emptied."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return len(lines), sum(int(line.split('" ')[1].split()[1]) for line in lines)


def measure(name: str, folder: Path, nginx: Nginx) -> tuple[int, int]:
    """Pulls and prints one line; returns nginx's own count of requests and bytes."""
    cpu, wall = time.process_time(), time.perf_counter()
    report = pull_mirror(
        folder,
        nginx.url,
        allow=("127.0.0.0/8",),
        fetch={"pace_s": 0.0},
        options={"mirror_media": "none", "mirror_captures": "none"},
    )
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    requests, size = nginx.served()
    print(
        f"{name}: {report.size - report.old_size} entries into {report.old_size}, {requests} requests,"
        f" {size / 1e6:.2f} MB, {cpu:.2f} s CPU, {wall:.2f} s wall",
        flush=True,
    )
    return requests, size


def bundle_bytes(folder: Path) -> int:
    """Bytes of the bundles of the current head."""
    return sum(path.stat().st_size for path in (folder / "public" / "bundle").rglob("*.zst"))


def first(place: Path, count: int) -> None:
    """A first pull, and what `verify` says of it."""
    grow(place / "a", count, batch_size=count)
    nginx = Nginx(place / "a" / "public", place / "nginx-a")
    try:
        requests, size = measure(f"first pull of {count:,}", place / "m", nginx)
    finally:
        nginx.process.terminate()
    ratio = size / bundle_bytes(place / "a")
    print(f"first pull: {requests} requests (aim <= 100), bytes {ratio:.4f} x the bundles (aim <= 1.02)")
    archive = open_archive(place / "m", Settings(), clock=SystemClock(), entropy=SeededEntropy("v"))
    assert archive.verifier is not None
    report = verify(FileObjects(place / "m" / "public"), archive.verifier)
    assert report.ok, report.faults[:3]
    print(f"first pull: verify finds {report.size} entries, all as the log says")


def later(place: Path, counts: list[int], new: int) -> None:
    """Pulls of `new` articles into mirrors of several sizes."""
    for count in counts:
        base = place / f"{count}"
        base.mkdir()
        grow(base / "a", count, batch_size=4000)
        nginx = Nginx(base / "a" / "public", base / "nginx")
        try:
            measure(f"first pull of {count:,}", base / "m", nginx)
            grow(base / "a", new)
            requests, _ = measure(f"{new} new into {count:,}", base / "m", nginx)
            print(f"{new} new into {count:,}: {requests} requests (aim <= 12)")
        finally:
            nginx.process.terminate()
        shutil.rmtree(base)


def tiny(count: int) -> Iterator[bytes]:
    """Records as small as they get."""
    for number in range(count):
        yield b"<!--%d-->\n[%d](http://news.example/%d)\n------\n\n<p>%x</p>\n" % (
            number,
            number,
            number,
            number * number,
        )


def alone(folder: Path, url: str) -> None:
    """A pull in a process of its own, whose peak of memory is its own, too: one JSON object."""
    cpu, wall = time.process_time(), time.perf_counter()
    none = {"mirror_media": "none", "mirror_captures": "none"}
    report = pull_mirror(folder, url, allow=("127.0.0.0/8",), fetch={"pace_s": 0.0}, options=none)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"new": report.size - report.old_size, "cpu": cpu, "wall": wall, "peak": peak}))


def million(place: Path, counts: tuple[int, ...] = (10_000, 100_000, 1_000_000), new: int = 50) -> None:
    """First pulls of one log at several sizes, each into a new mirror, and of a few new entries into the largest."""
    origin, size, mirror = place / "a", 0, place / "m"
    grow(origin, 1, texts=tiny(1))
    nginx = Nginx(origin / "public", place / "nginx")
    try:
        for count in (*counts, counts[-1] + new):
            grow(origin, count - max(size, 1), 5000 if count > size + new else new, tiny(count))
            first_pull, size = count > size + new, count
            if first_pull:
                shutil.rmtree(mirror, ignore_errors=True)
            command = [sys.executable, "-m", "bench.mirror", "--pull", str(mirror), nginx.url]
            done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            requests, sent = nginx.served()
            bundles = bundle_bytes(origin)
            told = f"{sent / bundles:.4f} x the bundles" if first_pull else f"{sent / 1e3:.1f} kB"
            each, old = done["cpu"] / done["new"] * 1e6, count - done["new"]
            print(
                f"{done['new']:>9,} into {old:>9,}: {requests:,} requests, {sent / 1e6:.2f} MB ({told}),"
                f" {done['cpu']:.2f} s CPU ({each:.0f} us an entry), {done['wall']:.1f} s wall,"
                f" peak {done['peak']:.0f} MB",
                flush=True,
            )
            assert done["new"] == (count if first_pull else new)
            assert (mirror / "public" / "checkpoint").read_bytes() == (origin / "public" / "checkpoint").read_bytes()
    finally:
        nginx.process.terminate()
    archive = open_archive(mirror, Settings(), clock=SystemClock(), entropy=SeededEntropy("v"))
    assert archive.verifier is not None
    cpu = time.process_time()
    report = verify(FileObjects(mirror / "public"), archive.verifier)
    assert report.ok, report.faults[:3]
    print(f"verify of the mirror: {report.size:,} entries, all as the log says, {time.process_time() - cpu:.1f} s CPU")


def main() -> None:
    """`bench mirror`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000, help="articles of the first pull")
    parser.add_argument("--large", type=int, default=64542, help="articles of the log that 50 new ones come into")
    parser.add_argument("--new", type=int, default=50)
    parser.add_argument("--million", action="store_true", help="1,000,000 entries instead (8 GB, 2 million files)")
    parser.add_argument("--pull", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.pull:
        alone(Path(given.pull[0]), given.pull[1])
        return
    with tempfile.TemporaryDirectory(prefix="baoguan-mirror-", ignore_cleanup_errors=True) as place:
        if given.million:
            million(Path(place))
            return
        first(Path(place), given.count)
        later(Path(place), [given.large // 10, given.large], given.new)


if __name__ == "__main__":
    main()
