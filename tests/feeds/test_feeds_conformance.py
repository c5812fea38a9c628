"""The cases of miniflux, feedparser, gofeed and others, with their expected values; floors are pinned and only rise."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from baoguan.errors import FeedError
from baoguan.feeds.parse import parse_feed
from baoguan.feeds.texts import plain
from baoguan.model.feed import FeedDoc

TAR = "data/feeds/conformance-dev.tar.zst"
CORE = 0.96
"""Share of feedparser's assertions on title, link, id, summary, content, author, subtitle and language."""
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


def canonical(text: str) -> str:
    """HTML with attributes in order and entities resolved, so that spelling doesn't count."""
    if "<" not in text:
        return html.unescape(text)
    return _tree(lxml_html.fragment_fromstring(text, create_parent="x"))


def _tree(element: Any) -> str:
    attributes = "".join(f" {name}={value!r}" for name, value in sorted(element.attrib.items()))
    inside = "".join(_tree(child) + (child.tail or "") for child in element if isinstance(child.tag, str))
    return f"<{element.tag}{attributes}>{element.text or ''}{inside}</>"


def feedparser_field(doc: FeedDoc, path: list[Any]) -> list[str] | None:
    """What we say to a path of feedparser; None for what is no core field. Titles: plain, or the one with tags."""
    if path[0] == "feed":
        fields = {
            ("title",): [doc.title, doc.title_html],
            ("title_detail", "value"): [doc.title, doc.title_html],
            ("link",): [doc.url],
            ("subtitle",): [doc.description],
            ("subtitle_detail", "value"): [doc.description],
            ("tagline",): [doc.description],
            ("description",): [doc.description],
            ("language",): [doc.language],
            ("author",): [", ".join(doc.authors)],
        }
        return fields.get(tuple(path[1:]))
    if path[1] >= len(doc.items):
        return []
    item = doc.items[path[1]]
    both = [item.summary_html or item.content_html, item.content_html]
    fields = {
        ("title",): [item.title, item.title_html],
        ("title_detail", "value"): [item.title, item.title_html],
        ("link",): [item.url],
        ("id",): [item.guid],
        ("guid",): [item.guid],
        ("summary",): both[:1],
        ("description",): both[:1],
        ("content", 0, "value"): both[::-1],
        ("author",): [", ".join(item.authors)],
        ("language",): [item.language],
    }
    return fields.get(tuple(path[2:]))


def agrees(ours: list[str], expected: Any) -> bool:
    wanted = expected or ""
    return any(one == wanted or canonical(one) == canonical(wanted) or html.unescape(one) == wanted for one in ours)


def test_every_core_assertion_of_feedparser_up_to_the_floor(cases: list[tuple[dict[str, Any], bytes]]) -> None:
    tally = {"core": [0, 0], "entities": [0, 0]}
    misses = []
    for row, data in cases:
        if row["source"] != "feedparser" or "__sanitize__" in row["name"] or not row.get("expect"):
            continue
        doc = read(row, data)
        for one in row["expect"]:
            if one["op"] != "eq" or one["path"][0] not in ("feed", "entries") or len(one["path"]) < 2:
                continue
            ours = feedparser_field(doc, one["path"]) if doc else []
            if ours is None:
                continue
            count = tally["entities" if "__entities__" in row["name"] else "core"]
            count[1] += 1
            if agrees(ours, one["value"]):
                count[0] += 1
            else:
                misses.append((row["name"], one["path"], one["value"], ours))
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


def test_all_assertions_of_miniflux(cases: list[tuple[dict[str, Any], bytes]]) -> None:
    checked, misses = 0, []
    for row, data in cases:
        if row["source"] != "miniflux":
            continue
        doc = read(row, data)
        if row.get("must_fail"):
            assert doc is None, row["name"]
            continue
        for one in row.get("miniflux_expect") or []:
            if one["path"].endswith(".Hash"):  # miniflux's own digest
                continue
            assert doc is not None, row["name"]
            ours = miniflux_field(doc, one["path"])
            assert ours is not None, one["path"]
            checked += 1
            if one["value"] not in ours:
                misses.append((row["name"], one["path"], one["value"], ours))
    assert checked > 150
    assert not misses


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
