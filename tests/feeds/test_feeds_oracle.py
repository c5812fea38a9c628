"""feedparser as oracle over real feeds: the same items, links, titles and dates but for listed kinds of difference."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from baoguan.feeds.parse import parse_feed
from baoguan.feeds.texts import plain
from baoguan.model.feed import FeedDoc

feedparser = pytest.importorskip("feedparser")
URL = "http://example.org/feed"
SAMPLE = 12
"""Every so many-th feed is compared in CI, those up to SAMPLE_BYTES; all of them under torture."""
SAMPLE_BYTES = 300_000


def feeds(shared: Path, name: str = "real-dev.tar.zst") -> list[tuple[str, bytes]]:
    path = shared / "data/feeds" / name
    if not path.is_file():
        pytest.skip(f"BAOGUAN_SHARED: {path.name} is missing")
    with path.open("rb") as packed:
        raw = io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())
    with tarfile.open(fileobj=raw) as tar:
        found = [(one.name, tar.extractfile(one).read()) for one in tar if one.name.endswith((".gz", ".xml"))]  # type: ignore[union-attr]
    return sorted((name, gzip.decompress(data) if name.endswith(".gz") else data) for name, data in found)


def words(html: str) -> str:
    return "".join(plain(html).split())


def twice(text: str) -> str:
    """Text as it looks when its UTF-8 is read as Latin-1."""
    return text.encode("utf-8").decode("latin-1")


def differences(doc: FeedDoc, theirs: Any) -> list[tuple[str, Any, Any]]:
    """Where the two disagree, but for the kinds of difference that are meant.

    feedparser finds no items in JSON and in a document that begins with a comment; we have a title where it has none;
    a title that speaks of text decoded twice ("Ã©crit") it decodes twice;
    a link that it gives as written is compared after its spaces are escaped; a date that it can't read isn't compared,
    nor is year 1, which Go programs write for "no date".
    """
    if not theirs.entries:
        return []
    if len(theirs.entries) != len(doc.items):
        return [("items", len(doc.items), len(theirs.entries))]
    found: list[tuple[str, Any, Any]] = []
    for ours, entry in zip(doc.items, theirs.entries, strict=True):
        title, link = entry.get("title", ""), entry.get("link", "")
        if title and "".join(ours.title.split()) not in (words(title), twice(words(title))):
            found.append(("title", ours.title, title))
        if link and ours.url != link.replace(" ", "%20"):
            found.append(("link", ours.url, link))
        at = ours.published or ours.updated
        parsed = entry.get("published_parsed") or entry.get("updated_parsed")
        if parsed and parsed[0] > 1 and (at is None or at.utctimetuple()[:6] != parsed[:6]):
            found.append(("date", at, parsed))
    return found


def compare(rows: list[tuple[str, bytes]]) -> tuple[int, list[tuple[str, Any]]]:
    items, found = 0, []
    for name, data in rows:
        doc = parse_feed(data, url=URL)
        assert doc.items or b"<item" not in data, name
        items += len(doc.items)
        theirs = feedparser.parse(
            data, response_headers={"content-location": URL}, sanitize_html=False, resolve_relative_uris=False
        )
        found += [(name, one) for one in differences(doc, theirs)]
    return items, found


def test_a_sample_of_real_feeds_reads_as_feedparser_reads_it(shared: Path) -> None:
    items, found = compare([row for row in feeds(shared)[::SAMPLE] if len(row[1]) <= SAMPLE_BYTES])
    assert items > 50
    assert not found


def test_a_sample_of_rebuilt_news_feeds_reads_as_feedparser_reads_it(shared: Path) -> None:
    rows = feeds(shared, "reconstructed.tar.zst")
    items, found = compare(rows[:: max(1, len(rows) // SAMPLE)])
    assert items > 50
    assert not found


@pytest.mark.torture
def test_all_real_feeds_read_as_feedparser_reads_them(shared: Path) -> None:
    items, found = compare(feeds(shared))
    assert items > 2_500
    assert not found
