"""Pages and searches a second on one core, by wrk over loopback, while nothing is written and while a writer commits.

`./run bench reader` makes an archive of made-up articles (or takes `--tree`, an ancestors' folder), serves it as
`baoguan serve --no-sync` does, pinned to core 0, and asks from core 1: one article again and again, all articles at
random, the front page, searches of two words at random. Then the application alone, without server and wire.
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

from bench.reader_beside import Server, bare, peer, pinned, syncing
from bench.reader_handlers import handlers

WORDS = [
    "灯塔",
    "渔汛",
    "电车",
    "气象",
    "档案",
    "步道",
    "门诊",
    "报纸",
    "行星",
    "大桥",
    "茶农",
    "仓库",
    "地方志",
    "台风",
    "早市",
    "议题",
    "北京",
    "网络安全",
    "会议",
    "经济",
]
SCRIPT = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
math.randomseed(7)
local headers = {["Accept-Encoding"] = "gzip", ["Accept-Language"] = "zh-CN"}
request = function() return wrk.format("GET", paths[math.random(#paths)], headers) end
done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.read + summary.errors.timeout
  local rate = summary.requests / summary.duration * 1e6
  io.write(string.format("RESULT %%.0f %%.2f %%.2f %%d\\n", rate, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, failed))
end
"""


def main() -> None:
    """Prints a table: what was asked, a second of the clock and of CPU, median and 99th percentile in ms, errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--tree", type=Path, help="an ancestors' folder instead of made-up articles")
    parser.add_argument("--alone", action="store_true", help="without the load beside a sync, and without the peer")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench reader: wrk is missing (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "archive"
        ids = _archive(folder, options.tree or _made_up(Path(name) / "tree", options.articles))
        command = [sys.executable, "-m", "baoguan", "serve", "-C", str(folder), "--no-sync", "--port", "0"]
        with pinned(command, BAOGUAN_SEARCHES_A_SECOND="100000") as server:
            _run(server, folder, ids, options.seconds, Path(name))

        def load(what: str, server: Server, paths: list[str]) -> None:
            _wrk(what, server, paths, options.seconds, Path(name))

        bare(load)
        if not options.alone:
            syncing(folder, ids, load)
            peer(_texts(folder), _asks(ids)["searches of two words at random"], Path(name), load)
        asks = _asks(ids)
        handlers(
            folder, {name: [quote(path, safe="/?=&+") for path in asks[name]] for name in asks if "random" in name}
        )


def _run(server: "Server", folder: Path, ids: list[str], seconds: int, scratch: Path) -> None:
    asks = _asks(ids)
    print(f"{'asked':<56} {'a second':>9} {'a CPU s':>9} {'median ms':>9} {'p99 ms':>8} {'errors':>6}")
    for name, paths in asks.items():
        _wrk(name, server, paths, seconds, scratch)
    stop = threading.Event()
    writer = threading.Thread(target=_write, args=(folder, scratch / "more", stop))
    writer.start()
    for name in list(asks)[1:2]:
        _wrk(f"{name}, batches being written", server, asks[name], seconds, scratch)
    stop.set()
    writer.join()


def _asks(ids: list[str]) -> dict[str, list[str]]:
    """What is asked, by its name; what is asked at random is made anew."""
    chance = random.Random(5)
    searches = [f"/search?q={chance.choice(WORDS)}+{chance.choice(WORDS)}" for _ in range(2000)]
    return {
        "one article": [f"/article/{ids[0]}"],
        f"{len(ids)} articles at random": [f"/article/{one}" for one in ids],
        "front page": ["/"],
        "searches of two words at random": searches,
    }


def _wrk(name: str, server: Server, paths: list[str], seconds: int, scratch: Path) -> None:
    (scratch / "paths").write_text("\n".join(quote(path, safe="/?=&+%") for path in paths), "utf-8")
    (scratch / "ask.lua").write_text(SCRIPT % (scratch / "paths"), "utf-8")
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        "-c8",
        f"-d{seconds}s",
        "-s",
        str(scratch / "ask.lua"),
        server.address,
    ]
    with suppress(HTTPException):  # of a peer that breaks off, wrk counts the errors
        urllib.request.urlopen(f"{server.address}{quote(paths[0], safe='/?=&+%')}").read()
    before = server.cpu_s()
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = server.cpu_s() - before
    asked = int(re.search(r"(\d+) requests in", out)[1])  # type: ignore[index]
    rate, middle, last, errors = re.search(r"RESULT (\S+) (\S+) (\S+) (\d+)", out).groups()  # type: ignore[union-attr]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    print(
        f"{name:<56} {rate:>9} {asked / used:>9.0f} {middle:>9} {last:>8} {refused[1] if refused else errors:>6}",
        flush=True,
    )


def _made_up(tree: Path, count: int) -> Path:
    chance = random.Random(3)
    for number in range(count):
        path = tree / "articles" / "voa" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = "".join(f"<p>{'，'.join(chance.choices(WORDS, k=30))}。</p>" for _ in range(8))
        title = "".join(chance.choices(WORDS, k=5))
        at = 1_600_000_000_000 + number * 600_000
        path.write_text(
            f"<!--{at}-->\n[{title}](https://www.voachinese.com/a/{number}.html)\n------\n\n{body}\n", "utf-8"
        )
    return tree


def _archive(folder: Path, tree: Path) -> list[str]:
    from baoguan.app import create_archive, open_desk
    from baoguan.importing import import_path
    from baoguan.indexing import index_new

    create_archive(folder, origin="bench.example/log")
    with open_desk(folder) as desk:
        import_path(desk, tree)
        index_new(desk)
        return [row.id for row in desk.catalog.articles(limit=10**6)]


def _texts(folder: Path) -> list[tuple[str, str]]:
    """(title, HTML) of every article."""
    from baoguan.app import open_desk
    from baoguan.publish.markdown import parse_record

    with open_desk(folder) as desk:
        lines = (desk.archive.line(row.index) for row in desk.catalog.articles(limit=10**6))
        return [(line.title, parse_record(desk.archive.record(line)).body_html) for line in lines if line]


def _write(folder: Path, tree: Path, stop: threading.Event) -> None:
    count = 0
    while not stop.is_set():
        for number in range(count, count + 20):
            path = tree / "articles" / "rfa" / f"{number}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            link = f"https://www.rfa.org/mandarin/{number}.html"
            path.write_text(
                f"<!--{1_700_000_000_000 + number}-->\n[新 {number}]({link})\n------\n\n<p>新闻</p>\n", "utf-8"
            )
        count += 20
        command = [sys.executable, "-m", "baoguan", "import", "-C", str(folder), str(tree)]
        # Beside wrk on its core: with the lowest priority, or wrk's own waiting would be measured.
        subprocess.run(["taskset", "-c", "1", "nice", "-n", "19", *command], capture_output=True, check=False)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
