"""The cases of miniflux, feedparser, gofeed and others, with their expected values; floors are pinned and only rise."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from baoguan.errors import FeedError
from baoguan.feeds.parse import parse_feed
from baoguan.feeds.texts import plain
from baoguan.model.feed import Author, FeedDoc, Item

TAR = "data/feeds/conformance-dev.tar.zst"
CORE = 0.95
"""Share of feedparser's assertions on title, link, id, summary, content, author, dates, language: strictly equal."""
ENTITIES = 0.99


@pytest.fixture(scope="module")
def cases(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], bytes]]:
    import io
    import tarfile

    import zstandard

    path = shared / TAR
    if not path.is_file():
        pytest.skip(f"BAOGUAN_SHARED: {TAR} is missing")
    with path.open("rb") as packed:
        raw = io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())
    with tarfile.open(fileobj=raw) as tar:
        files = {member.name.lstrip("./"): tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
    listing = next(name for name in files if name.endswith("dev.jsonl"))
    folder = listing.rpartition("/")[0]
    rows = [json.loads(line) for line in files[listing].splitlines()]
    return [(row, files[f"{folder}/{row['file']}".lstrip("/")]) for row in rows]


def read(row: dict[str, Any], data: bytes) -> FeedDoc | None:
    headers = {name.lower(): value for name, value in (row.get("headers") or {}).items()}
    url = (row.get("base") or "").strip() or f"http://127.0.0.1:8097/{row['origin']}"
    try:
        return parse_feed(
            data.lstrip() if row["source"] == "miniflux" else data,
            url=url,
            content_type=headers.get("content-type", ""),
            content_location=headers.get("content-location", ""),
            content_language=headers.get("content-language", ""),
        )
    except FeedError:
        return None


def feedparser_field(doc: FeedDoc, path: list[Any]) -> str | None:
    """Our one answer to a path of feedparser, by the table of docs/feeds.md; None for what is no core field."""
    if path[0] == "feed":
        place: FeedDoc | Item = doc
        texts = {"subtitle": doc.description, "tagline": doc.description, "description": doc.description}
        texts |= {f"{name}_detail.value": value for name, value in texts.items()}
        path = path[1:]
    else:
        if path[1] >= len(doc.items):
            return ""
        place = doc.items[path[1]]
        summary, content = place.summary_html or place.content_html, place.content_html or place.summary_html
        texts = {"summary": summary, "description": summary, "content.0.value": content}
        path = path[2:]
    person = place.author_details[0] if place.author_details else Author()
    fields = {
        **texts,
        "title": place.title_detail.value,
        "title_detail.value": place.title_detail.value,
        "link": place.url,
        "id": place.guid,
        "guid": place.guid,
        "language": place.language,
        "author": place.author,
        "author_detail.name": person.name,
        "author_detail.email": person.email,
        "published": place.published_raw,
        "updated": place.updated_raw or place.published_raw,
        "published_parsed": utc(place.published),
        "updated_parsed": utc(place.updated or place.published),
    }
    return fields.get(".".join(map(str, path)))


def utc(at: datetime | None) -> str:
    """feedparser's time tuples, to the second."""
    return str(list(at.astimezone(UTC).timetuple()[:6])) if at else ""


def feedparser_tally(cases: list[tuple[dict[str, Any], bytes]]) -> tuple[dict[str, list[int]], list[Any]]:
    """([right, all] of the core fields and of the obsolete entities, compared strictly; what was missed)."""
    tally: dict[str, list[int]] = {"core": [0, 0], "entities": [0, 0]}
    misses = []
    for row, data in cases:
        if row["source"] != "feedparser" or "__sanitize__" in row["name"] or not row.get("expect"):
            continue
        doc = read(row, data)
        for one in row["expect"]:
            if one["op"] != "eq" or one["path"][0] not in ("feed", "entries") or len(one["path"]) < 2:
                continue
            ours = feedparser_field(doc, one["path"]) if doc else ""
            if ours is None:
                continue
            wanted = one["value"] or ""
            if str(one["path"][-1]).endswith("_parsed"):
                wanted = str(list(wanted[:6]))
            count = tally["entities" if "__entities__" in row["name"] else "core"]
            count[1] += 1
            count[0] += ours == wanted
            if ours != wanted:
                misses.append((row["name"], one["path"], wanted, ours))
    return tally, misses


def test_every_core_assertion_of_feedparser_up_to_the_floor(cases: list[tuple[dict[str, Any], bytes]]) -> None:
    tally, misses = feedparser_tally(cases)
    assert tally["core"][1] > 150
    assert tally["entities"][1] > 100
    assert tally["core"][0] / tally["core"][1] >= CORE, misses
    assert tally["entities"][0] / tally["entities"][1] >= ENTITIES, misses


def miniflux_field(doc: FeedDoc, path: str) -> list[Any] | None:
    counted = re.match(r"len\((.*)\)$", path)
    if counted:
        inner = miniflux_field(doc, counted[1])
        return None if inner is None else [len(inner[0])]
    path = path.split(".", 1)[1]
    entry = re.match(r"Entries\[(\d+)\]\.(.*)$", path)
    if not entry:
        head = {
            "Entries": doc.items,
            "Title": doc.title,
            "SiteURL": doc.url,
            "FeedURL": doc.self_url,
            "IconURL": doc.image_url,
            "Language": doc.language,
            "Description": doc.description,
        }
        return [head[path]] if path in head else None
    item, path = doc.items[int(entry[1])], entry[2]
    enclosure = re.match(r"Enclosures\[(\d+)\]\.(.*)$", path)
    if enclosure:
        one = item.media[int(enclosure[1])]
        return [{"URL": one.url, "MimeType": one.type, "Size": one.size_bytes}[enclosure[2]]]
    fields: dict[str, list[Any]] = {
        "Title": [item.title, item.title_html],
        "URL": [item.url],
        "CommentsURL": [item.comments_url],
        "Author": [", ".join(item.authors)],
        "Language": [item.language],
        "Content": [item.content_html or item.summary_html],
        "Enclosures": [item.media],
        "Tags": [item.categories],
    }
    return fields.get(path)


def miniflux_tally(cases: list[tuple[dict[str, Any], bytes]]) -> tuple[list[int], list[Any]]:
    """([right, all], what was missed); a feed that must fail counts as one."""
    tally, misses = [0, 0], []
    for row, data in cases:
        if row["source"] != "miniflux":
            continue
        doc = read(row, data)
        if row.get("must_fail"):
            tally[1] += 1
            tally[0] += doc is None
            continue
        for one in row.get("miniflux_expect") or []:
            if one["path"].endswith(".Hash"):  # miniflux's own digest
                continue
            ours = miniflux_field(doc, one["path"]) if doc else []
            assert ours is not None, one["path"]
            tally[1] += 1
            tally[0] += one["value"] in ours
            if one["value"] not in ours:
                misses.append((row["name"], one["path"], one["value"], ours))
    return tally, misses


def test_all_assertions_of_miniflux(cases: list[tuple[dict[str, Any], bytes]]) -> None:
    (right, checked), misses = miniflux_tally(cases)
    assert checked > 150
    assert right == checked, misses


def test_gofeeds_unified_model(cases: list[tuple[dict[str, Any], bytes]]) -> None:
    """Number of items, and title and link of each where gofeed's translator gives them."""
    seen, right, misses = 0, 0, []
    for row, data in cases:
        model = row.get("gofeed_model")
        if row["source"] != "gofeed" or not isinstance(model, dict) or "/translator/" not in f"/{row['origin']}":
            continue
        doc = read(row, data)
        wanted = model.get("items") or []
        if doc is None:
            misses.append((row["name"], "no feed"))
            seen += 1
            continue
        pairs = [(len(doc.items), len(wanted))]
        for ours, theirs in zip(doc.items, wanted, strict=False):
            if theirs.get("title"):
                pairs.append((ours.title, plain(theirs["title"])))
            if theirs.get("link"):
                pairs.append((ours.url, theirs["link"]))
        for ours, theirs in pairs:
            seen += 1
            right += ours == theirs
            if ours != theirs:
                misses.append((row["name"], ours, theirs))
    assert seen > 40
    assert right / seen >= 0.95, misses


def test_no_feed_with_items_is_read_as_empty_and_nothing_raises_anything_else(
    cases: list[tuple[dict[str, Any], bytes]],
) -> None:
    with_items = 0
    for row, data in cases:
        if row["name"].endswith(".serde.json"):  # feed-rs's own results, no feeds
            continue
        doc = read(row, data)
        bare = re.sub(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>", b"", data, flags=re.DOTALL)
        holds = re.search(rb"<(?:\w+:)?(?:item|entry)[\s>]", bare)
        if holds:
            with_items += 1
            assert doc is not None, row["name"]
            assert doc.items, row["name"]
    assert with_items > 1400
