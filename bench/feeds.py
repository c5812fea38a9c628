"""Feed reader beside feedparser: entries and megabytes a second of CPU on real feeds, and what each gets right.

    ./run bench feeds

Every record is made whole, so every field is read. feedparser runs without sanitiser on the smaller feeds only.
"""

import io
import json
import tarfile
import time
from collections.abc import Callable

import feedparser
import zstandard

from baoguan.feeds.parse import parse_feed
from bench import SHARED
from tests.feeds.test_feeds_conformance import feedparser_tally, miniflux_tally

FEEDS = SHARED / "data" / "feeds"
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

    path = FEEDS / name
    if not path.is_file():
        raise SystemExit(f"BAOGUAN_SHARED: {path} is missing")
    with path.open("rb") as packed:
        raw = io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())
    with tarfile.open(fileobj=raw) as tar:
        files = [(one.name, tar.extractfile(one).read()) for one in tar if one.isfile()]
    return [(name, gzip.decompress(data) if name.endswith(".gz") else data) for name, data in files]


def assertions() -> None:
    """Strictly compared assertions of feedparser and miniflux, by the matching that the tests use."""
    files = dict(members("conformance-dev.tar.zst"))
    listing = next(name for name in files if name.endswith("dev.jsonl"))
    folder = listing.rpartition("/")[0]
    rows = [json.loads(line) for line in files[listing].splitlines()]
    cases = [(row, files[f"{folder}/{row['file']}".lstrip("/")]) for row in rows]
    tally, _ = feedparser_tally(cases)
    for name, (right, count) in tally.items():
        print(f"feedparser's assertions, {name}: {right} of {count} strictly equal ({right / count:.1%})")
    (right, count), _ = miniflux_tally(cases)
    print(f"miniflux's assertions: {right} of {count}")


if __name__ == "__main__":
    main()
