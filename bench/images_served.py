"""The picture proxy over HTTP: `baoguan serve`, nginx in front, thumbor and a plain pyvips server beside it.

Part of `./run bench images`. Processor time is that of the server's process and its children, read from /proc; what
asks (this process, wrk) is not counted. thumbor stands in .venv-peers/thumbor of the checkout.
"""

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.images_front import in_front

ROOT = Path(__file__).resolve().parents[1]
THUMBOR = ROOT / ".venv-peers" / "thumbor"
WIDTHS = range(200, 240)
"""Variants that are made beforehand, for stored hits."""
SCRIPT = """
local paths, at = {}, 0
for line in io.lines("%s") do paths[#paths + 1] = line end
request = function() at = at + 1; return wrk.format("GET", paths[at %% #paths + 1]) end
delay = function() return %d end
done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %%.0f %%.2f %%.2f %%d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
"""


class Running(NamedTuple):
    """A server that answers."""

    pid: int
    port: int


def compare(photos: Sequence[bytes], rounds: int, seconds: int) -> None:
    """Prints all of it."""
    with tempfile.TemporaryDirectory(prefix="baoguan-served-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        names = _archive(folder, photos)
        ours = stack.enter_context(_serving(folder / "archive"))
        plain = stack.enter_context(
            _process([sys.executable, "-m", "bench.images_plain", str(folder / "photos"), "{port}"])
        )
        thumbor = stack.enter_context(_thumbor(folder))
        _uncached(rounds, names, ours, plain, thumbor)
        _stored(folder, names, ours, thumbor, stack)
        _load(folder, names, ours, seconds)


def _archive(folder: Path, photos: Sequence[bytes]) -> list[str]:
    """An archive of an outlet on loopback that used the photos; their addresses. The outlet is gone afterwards."""
    from baoguan.app import open_desk
    from baoguan.ingest import sync
    from tests.ingest.picture_site import PictureSite

    site = PictureSite()
    (folder / "photos").mkdir()
    for number, data in enumerate(photos):
        site.files[f"/photo-{number:02}.jpg"] = data
        (folder / "photos" / f"photo-{number:02}.jpg").write_bytes(data)
        site.publish(f"Article {number}", f"/photo-{number:02}.jpg")
    with open_desk(site.archive(folder / "archive"), durable=False) as desk:
        sync(desk, which="all")
        kept = len(list(desk.archive.objects.list("media")))
    site.close()
    assert kept == len(set(photos)), kept
    return [f"{site.base}{path}" for path in sorted(site.files)]


def _serving(folder: Path) -> contextlib.AbstractContextManager[Running]:
    command = [sys.executable, "-m", "baoguan", "serve", "-C", str(folder), "--no-sync", "--port", "{port}"]
    return _process(command)


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[Running]:
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        )
        try:
            _wait(port, process)
            yield Running(process.pid, port)
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"bench images: {process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit(f"bench images: {process.args!r} does not answer")


@contextlib.contextmanager
def _thumbor(folder: Path) -> Iterator[Running | None]:
    """thumbor over the same files, with its store of results; None, by name, where it can't be installed."""
    if not (THUMBOR / "bin" / "thumbor").is_file():
        venv.create(THUMBOR, with_pip=True)
        pip = subprocess.run([THUMBOR / "bin" / "pip", "install", "-q", "thumbor"], capture_output=True, check=False)
        if pip.returncode:
            print("thumbor: not installed, left out")
            yield None
            return
    (folder / "thumbor.conf").write_text(
        "LOADER = 'thumbor.loaders.file_loader'\n"
        f"FILE_LOADER_ROOT_PATH = '{folder / 'photos'}'\n"
        "STORAGE = 'thumbor.storages.no_storage'\n"
        "RESULT_STORAGE = 'thumbor.result_storages.file_storage'\n"
        f"RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = '{folder / 'results'}'\n"
        "RESULT_STORAGE_STORES_UNSAFE = True\nQUALITY = 80\nALLOW_UNSAFE_URL = True\n"
    )
    command = [str(THUMBOR / "bin" / "thumbor"), "-p", "{port}", "-c", str(folder / "thumbor.conf"), "-l", "error"]
    with _process(command) as running:
        yield running


def cpu_s(pid: int) -> float:
    """Processor time of a process, its threads and its living children, to the nanosecond."""
    pids, total = [pid], 0
    for one in pids:
        for task in Path(f"/proc/{one}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
            pids += map(int, (task / "children").read_text().split())
    return total / 1e9


def ask_all(port: int, paths: Sequence[str]) -> int:
    """Asks one after the other on one connection, all of which must be 200; the bytes of the bodies."""
    connection, size = http.client.HTTPConnection("127.0.0.1", port, timeout=30), 0
    for path in paths:
        connection.request("GET", path)
        answer = connection.getresponse()
        size += len(answer.read())
        if answer.status != 200:
            raise SystemExit(f"bench images: {path}: {answer.status}")
    connection.close()
    return size


def cost_ms(running: Running, paths: Sequence[str]) -> float:
    """Of the server, a request."""
    before = cpu_s(running.pid)
    ask_all(running.port, paths)
    return (cpu_s(running.pid) - before) / len(paths) * 1000


def least_ms(running: Running, paths: Sequence[str]) -> float:
    """The least of three thirds: what else runs on the machine only adds."""
    third = len(paths) // 3
    return min(cost_ms(running, paths[start : start + third]) for start in range(0, 3 * third, third))


def _uncached(rounds: int, names: list[str], ours: Running, plain: Running, thumbor: Running | None) -> None:
    """Each round asks for widths that differ by a pixel, so that no one has them stored; the servers take turns."""
    files = [name.rpartition("/")[2] for name in names]
    forms: dict[str, tuple[Running | None, Callable[[int], list[str]]]] = {
        "ours": (ours, lambda width: [f"/?url={name}&w={width}&we" for name in names]),
        "plain pyvips 8.18 server": (plain, lambda width: [f"/{name}?w={width}" for name in files]),
        "thumbor": (thumbor, lambda width: [f"/unsafe/fit-in/{width}x9999/{name}" for name in files]),
    }
    for running, paths in forms.values():
        if running is not None:
            ask_all(running.port, paths(500))
    for width in (600, 300):
        found: dict[str, list[float]] = {name: [] for name in forms}
        for number in range(rounds):
            for name, (running, paths) in forms.items():
                if running is not None:
                    found[name].append(cost_ms(running, paths(width - number)))
        least = {name: min(times) for name, times in found.items() if times}
        base = least["plain pyvips 8.18 server"]
        told = ", ".join(f"{name} {value:.2f} ms ({value / base:.2f} x)" for name, value in least.items())
        print(f"uncached w={width} over HTTP: {told}", flush=True)


def _stored(
    folder: Path, names: list[str], ours: Running, thumbor: Running | None, stack: contextlib.ExitStack
) -> None:
    files = [name.rpartition("/")[2] for name in names]
    hits = [f"/?url={name}&w=300&we" for name in names]
    ask_all(ours.port, hits)
    spread = [f"/?url={name}&w=300&we&x={number}" for number in range(120) for name in names]
    bare = [f"/?url={name}&x={number}" for number in range(90) for name in names]
    print(
        f"stored hit, ours: {least_ms(ours, hits * 90):.3f} ms in memory, {least_ms(ours, spread):.3f} ms from its file"
    )
    print(f"pass-through: {least_ms(ours, bare):.3f} ms")
    if thumbor is not None:
        results = [f"/unsafe/fit-in/300x9999/{name}" for name in files]
        ask_all(thumbor.port, results)
        print(f"stored hit, thumbor: {least_ms(thumbor, results * 15):.3f} ms")
    front = stack.enter_context(in_front(folder, ours.port))
    if front is None:
        print("nginx: not installed, left out")
        return
    hashes = [path.stem for path in sorted((folder / "archive" / "public" / "media").rglob("*.jpg"))]
    variants = [f"/variants/{one}/320.jpg" for one in hashes]
    nginx = Running(*front)
    ask_all(nginx.port, variants)
    before = cpu_s(ours.pid)
    told = _wrk(folder, nginx.port, variants, seconds=2, connections=4, delay_ms=0)
    start, took = cpu_s(nginx.pid), time.monotonic()
    rate = _wrk(folder, nginx.port, variants, seconds=4, connections=4, delay_ms=0)[0]
    took = time.monotonic() - took
    spent = (cpu_s(nginx.pid) - start) / (rate * 4)
    print(
        f"stored hit, nginx from the variant's file: {spent * 1000:.3f} ms ({rate:.0f} a second in {took:.1f} s)",
        end="",
    )
    print(f"; ours behind it {(cpu_s(ours.pid) - before) * 1000:.0f} ms in all; errors {told[3]}")
    queries = [f"/?url={name}&w=300&we" for name in names]
    ask_all(nginx.port, queries)
    start = cpu_s(nginx.pid)
    rate = _wrk(folder, nginx.port, queries, seconds=4, connections=4, delay_ms=0)[0]
    print(f"stored hit, nginx's own cache of ?url=: {(cpu_s(nginx.pid) - start) / (rate * 4) * 1000:.3f} ms")


def _load(folder: Path, names: list[str], ours: Running, seconds: int) -> None:
    """Stored hits at the asked rate and as fast as they go, two pictures a second being made meanwhile."""
    paths = [f"/?url={name}&w={width}&we" for width in WIDTHS[:12] for name in names]
    ask_all(ours.port, paths)
    for title, connections, delay_ms in (("at a steady rate", 20, 8), ("as fast as it goes", 8, 0)):
        stop, made = threading.Event(), [0]
        maker = threading.Thread(target=_make, args=(ours.port, names, stop, made, connections))
        maker.start()
        before, began = cpu_s(ours.pid), time.monotonic()
        rate, middle, last, errors = _wrk(
            folder, ours.port, paths, seconds=seconds, connections=connections, delay_ms=delay_ms
        )
        took, spent = time.monotonic() - began, cpu_s(ours.pid) - before
        stop.set()
        maker.join()
        print(
            f"load, {title}: {rate:.0f} stored hits a second, median {middle:.1f} ms, p99 {last:.1f} ms,"
            f" errors {errors:.0f}; {made[0] / took:.1f} uncached a second beside them;"
            f" server and workers {spent / took:.2f} of a core",
            flush=True,
        )


def _make(port: int, names: list[str], stop: threading.Event, made: list[int], first: int) -> None:
    while not stop.wait(0.5 if made[0] else 0):
        ask_all(port, [f"/?url={names[made[0] % len(names)]}&w={400 + first}&q={1 + made[0] % 99}"])
        made[0] += 1


def _wrk(
    folder: Path, port: int, paths: list[str], *, seconds: int, connections: int, delay_ms: int
) -> tuple[float, float, float, float]:
    """(requests a second, median ms, p99 ms, errors)."""
    (folder / "paths").write_text("\n".join(paths), "utf-8")
    (folder / "ask.lua").write_text(SCRIPT % (folder / "paths", delay_ms), "utf-8")
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("bench images: wrk is missing (Debian: apt-get install wrk)")
    command = [
        wrk,
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "-s",
        str(folder / "ask.lua"),
        f"http://127.0.0.1:{port}",
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (\S+) (\S+) (\S+) (\d+)", out)
    assert found is not None, out
    return float(found[1]), float(found[2]), float(found[3]), float(found[4])
