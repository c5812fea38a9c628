"""`./run bench images`: the picture proxy against weserv's recorded answers, hostile files, and its cost.

CPU of this process and its children; pyvips's own path (thumbnail_buffer, q80) stands beside in the same run.
"""

import argparse
import asyncio
import io
import json
import os
import resource
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

from bench import SHARED
from bench.images_served import compare


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench images", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="best of so many")
    parser.add_argument("--seconds", type=int, default=10, help="of load")
    parser.add_argument("--only", choices=("recorded", "speed", "served"), help="one part")
    options = parser.parse_args()
    rounds = options.rounds
    with tempfile.TemporaryDirectory(prefix="baoguan-images-") as name:
        data = Path(name)
        packed = (SHARED / "data" / "images" / "dev.tar.zst").read_bytes()
        with tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())) as tar:
            tar.extractall(data, filter="data")
        if options.only in (None, "recorded"):
            agreed, wrong = score(data)
            print(
                f"recorded transforms: {agreed} of {agreed + len(wrong)} agree ({agreed / (agreed + len(wrong)):.1%})"
            )
            for line in wrong:
                print("  differs:", line)
            _hostile(data)
        if options.only in (None, "speed"):
            _speed(data, rounds)
        if options.only in (None, "served"):
            compare([path.read_bytes() for path in sorted((data / "photos").glob("*.jpg"))], rounds, options.seconds)


def score(data: Path) -> tuple[int, list[str]]:
    """(how many cases of transform.jsonl agree, a line for each other): status, type, size, alpha, means, likeness."""
    from baoguan.backends.vips.codec import render, start
    from baoguan.errors import PictureError
    from baoguan.media.transform import parse_transform

    start()
    agreed, wrong = 0, []
    for line in (data / "dev" / "transform.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        source = data / "inputs" / row["input"]
        try:
            made = render(source.read_bytes() if source.exists() else b"", parse_transform(row["query"]))
            why = _differs(made, row["weserv"])
        except PictureError as error:
            why = "" if row["weserv"]["status"] == 404 else f"refused: {error}"
        agreed += not why
        if why:
            wrong.append(f"{row['input']}?{row['query']}: {why}")
    return agreed, wrong


def _differs(made: Any, told: dict[str, Any]) -> str:
    import pyvips

    if told["status"] != 200:
        return f"answered, weserv said {told['status']}"
    if made.content_type != told["content_type"]:
        return f"type {made.content_type}, not {told['content_type']}"
    if told.get("json"):
        return "" if json.loads(made.body) == told["json"] else "another description"
    image = pyvips.Image.new_from_buffer(made.body, "")
    if (image.width, image.height, image.hasalpha()) != (told["width"], told["height"], told["has_alpha"]):
        return f"size {image.width}x{image.height}, alpha {image.hasalpha()}"
    if len(told["mean"]) != image.bands:
        return f"{image.bands} bands, not {len(told['mean'])}"
    mean = max(abs(one - image[band].avg()) for band, one in enumerate(told["mean"]))
    if mean > 3:
        return f"mean off by {mean:.1f}"
    if told.get("dhash") and (bits := _bits(image, int(told["dhash"], 16))) > 4:
        grid = _grid(image, told["grid4x4"])
        return f"dhash off by {bits}, grid by {grid}" if grid > 14 else ""
    return ""


def _flat(image: Any) -> Any:
    ground = [128] * (image.bands - 1) if image.bands > 2 else 128
    return image.flatten(background=ground) if image.hasalpha() else image


def _bits(image: Any, told: int) -> int:
    small = bytes(_flat(image).colourspace("b-w")[0].thumbnail_image(9, height=8, size="force").write_to_memory())
    value = 0
    for row in range(8):
        for column in range(8):
            value = value << 1 | (small[row * 9 + column] > small[row * 9 + column + 1])
    return (value ^ told).bit_count()


def _grid(image: Any, told: list[int]) -> int:
    """Flat pictures have a dhash of noise: their 4x4 means decide."""
    image = _flat(image.colourspace("srgb") if image.bands < 3 else image)
    got = list(bytes(image.thumbnail_image(4, height=4, size="force").write_to_memory()))
    return max(abs(one - other) for one, other in zip(got, told, strict=True)) if len(got) == len(told) else 255


def _hostile(data: Path) -> None:
    from baoguan.backends.vips.pool import RenderPool
    from baoguan.errors import PictureError
    from baoguan.media.transform import Length, Transform

    slowest, refused, files = 0.0, 0, sorted((data / "bad").iterdir())
    pool = RenderPool(1)
    pool.render((data / "photos").joinpath(sorted(os.listdir(data / "photos"))[0]).read_bytes(), Transform(q=70))
    for path in files:
        for plan in (Transform(w=Length(pixels=300)), Transform(output="png")):
            began = time.perf_counter()
            try:
                pool.render(path.read_bytes(), plan)
            except PictureError:
                refused += 1
            took = time.perf_counter() - began
            if took > slowest:
                slowest, worst = took, f"{path.name} {'w=300' if plan.w.pixels > 0 else 'output=png'}"
    child = pool._idle.get_nowait()
    status = Path(f"/proc/{child._process.pid}/status").read_text() if child else ""
    peak = int(next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")) / 1024
    if child:
        child.close()
    print(
        f"hostile files: {len(files)} twice, {refused} refused,"
        f" slowest {slowest * 1000:.0f} ms ({worst}), peak {peak:.0f} MB"
    )


def _speed(data: Path, rounds: int) -> None:
    import pyvips

    from baoguan.backends.file_cache import FileCache
    from baoguan.backends.vips.codec import render
    from baoguan.media.transform import parse_transform
    from baoguan.web.images import ImageGate, ImageOptions, ImageSite
    from baoguan.web.images_source import Original

    photos = [path.read_bytes() for path in sorted((data / "photos").glob("*.jpg"))]
    for width in (600, 300):
        own = _best(
            rounds,
            lambda width=width: [
                pyvips.Image.thumbnail_buffer(one, width, height=10_000_000, size="down").write_to_buffer(
                    ".jpg", Q=80, keep="none", optimize_coding=True
                )
                for one in photos
            ],
        )
        plan = parse_transform(f"w={width}&we")
        ours = _best(rounds, lambda plan=plan: [render(one, plan) for one in photos])
        print(
            f"w={width} JPEG: {ours / len(photos) * 1000:.2f} ms,"
            f" pyvips {own / len(photos) * 1000:.2f} ms: {ours / own:.2f} x"
        )

    class Kept:
        def find(self, url: str) -> Original:
            number = int(url.rpartition("/")[2]) % len(photos)
            return Original(data=photos[number], sha256=f"{number:064d}", canonical=url)

        def locate(self, url: str) -> Original:
            return Original(sha256=f"{int(url.rpartition('/')[2]) % len(photos):064d}", canonical=url, path="kept")

        def size(self, original: Original) -> int:
            return len(self.load(original).data)

        def load(self, original: Original) -> Original:
            return self.by_hash(original.sha256.lstrip("0") or "0")

        def by_hash(self, sha256: str) -> Original:
            return self.find("/" + sha256)

        def state(self) -> int:
            return 0

    with tempfile.TemporaryDirectory(prefix="baoguan-variants-") as folder:
        gate = ImageGate(
            _none, ImageSite(Kept(), ImageOptions(uncached_a_second=1e9), FileCache(Path(folder), 1 << 30))
        )
        loop = asyncio.new_event_loop()

        def ask(queries: list[str]) -> None:
            loop.run_until_complete(_ask_all(gate, queries))

        names = [f"url=e.org/{number}" for number in range(len(photos))]
        ask([f"{name}&w=300" for name in names])
        for title, queries in (
            ("hit in memory", [f"{name}&w=300" for name in names] * 100),
            ("hit on disk", [f"{name}&w=300&x={times}" for times in range(40) for name in names]),
            ("pass-through", [f"{name}&x={times}" for times in range(40) for name in names]),
        ):
            took = _best(1, lambda queries=queries: ask(queries))
            print(f"{title}: {took / len(queries) * 1000:.3f} ms CPU a request through the ASGI layer")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for start in range(0, 100_000, 5000):
            ask([f"url=e.org/{number}&w=300" for number in range(start, start + 5000)])
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"100,000 distinct addresses: peak memory grew by {grown:.1f} MB")


async def _none(scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError(scope["path"])


async def _ask_all(gate: Any, queries: list[str]) -> None:
    status: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    for query in queries:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": query.encode(),
            "headers": [],
            "client": None,
        }
        await gate(scope, None, send)
    assert set(status) == {200}


def _best(rounds: int, work: Callable[[], object]) -> float:
    """CPU seconds of this process and its children."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


if __name__ == "__main__":
    main()
