"""Feed reader beside feedparser: entries and megabytes a second of CPU on real feeds, and what each gets right.

    ./run bench feeds

Every record is made whole, so every field is read. feedparser runs without sanitiser on the smaller feeds only.
"""

import io
import json
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import feedparser
import zstandard

from baoguan.errors import FeedError
from baoguan.feeds.parse import parse_feed

SHARED = Path(os.environ.get("BAOGUAN_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data" / "feeds"
ROUNDS = 3
PEER_BYTES = 250_000
"""feedparser gets feeds up to this size, so that the run stays below a minute."""


def main() -> None:
    """Prints the figures."""
    feeds = [data for name, data in members("real-dev.tar.zst") if name.endswith(".gz")]
    small = [data for data in feeds if len(data) <= PEER_BYTES]
    print(f"real feeds: {len(feeds)}, {sum(map(len, feeds)) / 1e6:.1f} MB; small: {len(small)}")
    report("baoguan, all", feeds, lambda data: len(parse_feed(data, url="http://example.org/feed").items), ROUNDS)
    ours = report("baoguan, small", small, lambda data: len(parse_feed(data).items), ROUNDS)
    theirs = report("feedparser, small", small, peer, 1)
    print(f"ratio on the same feeds: {ours / theirs:.0f} times as many entries a second")
    assertions()


def peer(data: bytes) -> int:
    """Entries that feedparser finds."""
    return len(feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False).entries)


def report(name: str, feeds: list[bytes], read: Callable[[bytes], int], rounds: int) -> float:
    """Prints and returns entries a second of CPU, the best of some rounds."""
    best, entries = float("inf"), 0
    for _ in range(rounds):
        start = time.process_time()
        entries = sum(map(read, feeds))
        best = min(best, time.process_time() - start)
    size = sum(map(len, feeds)) / 1e6
    print(f"{name:20} {entries:6} entries  {best:7.3f} s CPU  {entries / best:8.0f} entries/s  {size / best:6.1f} MB/s")
    return entries / best


def members(name: str) -> list[tuple[str, bytes]]:
    """(name, bytes) of the files of an archive, gunzipped where they are packed."""
    import gzip

    path = SHARED / name
    if not path.is_file():
        raise SystemExit(f"BAOGUAN_SHARED: {path} is missing")
    with path.open("rb") as packed:
        raw = io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())
    with tarfile.open(fileobj=raw) as tar:
        files = [(one.name, tar.extractfile(one).read()) for one in tar if one.isfile()]
    return [(name, gzip.decompress(data) if name.endswith(".gz") else data) for name, data in files]


def assertions() -> None:
    """Share of feedparser's own plain assertions (title and link of feed and entries) that each reader satisfies."""
    files = dict(members("conformance-dev.tar.zst"))
    listing = next(name for name in files if name.endswith("dev.jsonl"))
    folder = listing.rpartition("/")[0]
    rows = [json.loads(line) for line in files[listing].splitlines()]
    tally = {"baoguan": 0, "feedparser": 0}
    total = 0
    for row in rows:
        if row["source"] != "feedparser" or "__sanitize__" in row["name"]:
            continue
        data = files[f"{folder}/{row['file']}".lstrip("/")]
        for one in row.get("expect") or []:
            if (
                one["op"] == "eq"
                and one["path"]
                and one["path"][-1] in ("title", "link")
                and "<" not in str(one["value"])
            ):
                total += 1
                tally["baoguan"] += ours_at(data, one["path"]) == one["value"]
                tally["feedparser"] += theirs_at(data, one["path"]) == one["value"]
    for name, right in tally.items():
        print(f"{name:20} {right} of {total} plain title and link assertions of feedparser")


def ours_at(data: bytes, path: list[Any]) -> str | None:
    """What our reader says to a path of feedparser."""
    try:
        doc = parse_feed(data, url="http://127.0.0.1:8097/feed")
    except FeedError:
        return None
    if path[0] == "feed" and len(path) == 2:
        return {"title": doc.title, "link": doc.url}[path[1]]
    if path[0] == "entries" and len(path) == 3 and path[1] < len(doc.items):
        return {"title": doc.items[path[1]].title, "link": doc.items[path[1]].url}[path[2]]
    return None


def theirs_at(data: bytes, path: list[Any]) -> Any:
    """What feedparser says."""
    value: Any = feedparser.parse(data, response_headers={"content-location": "http://127.0.0.1:8097/feed"})
    try:
        for step in path:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return None
    return value


if __name__ == "__main__":
    main()
