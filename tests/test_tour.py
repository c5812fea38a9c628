"""The tour of docs/tour.md: one made-up article from the feed to its proof, and the names that the tour tells."""

import hashlib
import importlib
import re
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path

import pytest

from baoguan.app import OutletEntry, create_archive, open_desk, read_verifier
from baoguan.archive.note import parse_checkpoint
from baoguan.archive.tree import check_inclusion, leaf_hash
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.capture.read import read_member, to_response
from baoguan.feeds.parse import parse_feed
from baoguan.ingest import sync
from baoguan.model.codec import decode_leaf, encode_line
from baoguan.publish.atom import article_urn
from baoguan.publish.markdown import parse_record
from baoguan.text.html import plain_text
from baoguan.web.desk_source import open_reader
from newsroom import Newsroom
from tests.web.conftest import asker

ROOT = Path(__file__).resolve().parent.parent
ATOM = "{http://www.w3.org/2005/Atom}"
NAMES = sorted(set(re.findall(r"`(baoguan\.[\w.]+)`", (ROOT / "docs" / "tour.md").read_text("utf-8"))))


def test_one_article_from_the_feed_to_its_proof(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with Newsroom("voa") as room:
        story = room.desks["voa"].stories[0]
        for other in room.desks["voa"].stories[1:]:
            room.edit("voa", other.slug, in_feed=False)
        entry = OutletEntry(key="voa", name="voa", home=room.url("voa"), feeds=(room.feed_url("voa"),))
        fetch = {"allow_networks": ["127.0.0.0/8"], "pace_s": 0.0, "min_free_mb": 1}
        create_archive(folder, origin="tour.example/log", entries=[entry], fetch=fetch)
        with open_desk(folder, durable=False) as desk:
            assert sync(desk).counts["new"] == 1
        link, sent = room.article_url("voa", story.slug), [request.path for request in room.log]

    # From here on the outlet is gone: all below comes from the folder.
    # 1. Feed: asked for, and kept as it came.
    assert sent[0] == "/voa/feed.xml"
    with open_desk(folder, durable=False) as desk:
        [(index, line)] = [(index, line) for index, line in desk.archive.lines() if line and line.kind == "rev"]
        assert line.item_capture is not None
        place = desk.catalog.capture(line.item_capture.record_id)
        assert place is not None
        member = desk.archive.objects.get(place.file, place.offset, place.length)
        assert hashlib.sha256(member).hexdigest() == line.item_capture.sha256
        # 2. Items: the captured feed reads the same today.
        feed = to_response(read_member(member))
        [item] = parse_feed(feed.body, url=feed.url, content_type=feed.header("content-type")).items
        assert (item.title, item.guid) == (story.title, line.guids[0])
        # 3. Page: every paragraph of it is in the text.
        data = desk.archive.record(line)
        record = parse_record(data)
        text = re.sub(r"\s", "", plain_text(record.body_html))
        assert all(re.sub(r"\s", "", paragraph) in text for paragraph in story.paragraphs)
        # 4. Pictures: kept whole, under their digest.
        assert len(line.media) == len(story.photos)
        for media in line.media:
            assert hashlib.sha256(desk.archive.media(media.path)).hexdigest() == media.sha256
        # 5. Record: one Markdown file, both clocks apart.
        assert line.record is not None
        path = folder / "public" / line.record.path
        assert path.read_bytes() == data
        assert hashlib.sha256(data).hexdigest() == line.record.sha256
        assert data.decode().startswith(f"<!--{line.captured_ms}-->\n[{story.title}]({link})\n------\n")
        assert datetime.fromisoformat(record.published) == datetime.fromisoformat(line.published) == story.published
        # 6. Log: the leaf commits to the line, the signed root to the leaf.
        leaf = desk.archive.leaf(index)
        assert decode_leaf(leaf).c == hashlib.sha256(encode_line(line)).hexdigest()
        head = parse_checkpoint((folder / "public" / "checkpoint").read_bytes(), read_verifier(folder))
        proof = desk.archive.tree().inclusion(index, head.size)
        check_inclusion(index=index, size=head.size, leaf=leaf_hash(leaf), proof=proof, root=head.root)
        assert verify(FileObjects(folder / "public"), read_verifier(folder)).ok
        # 7. Readers: the same text in the feed that goes out.
        ask = asker(open_reader(desk))
        [out] = ET.fromstring(ask("/feed.atom").body).findall(f"{ATOM}entry")
        assert out.findtext(f"{ATOM}id") == article_urn(line.id)
        assert out.findtext(f"{ATOM}title") == story.title
        content = out.findtext(f"{ATOM}content") or ""
        assert re.sub(r"\s", "", story.paragraphs[-1]) in re.sub(r"\s", "", plain_text(content))
        [first, *_] = re.findall(r'<img[^>]* src="([^"]+)"', content)
        assert ask(first.removeprefix("http://reader.example")).body == desk.archive.media(line.media[0].path)


def test_the_tour_has_seven_stops() -> None:
    stops = re.findall(r"^## (\d)\. ", (ROOT / "docs" / "tour.md").read_text("utf-8"), re.MULTILINE)
    assert stops == list("1234567")
    assert len(NAMES) > 25


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_tour_exists_and_is_documented(name: str) -> None:
    """`module.function` or `module.Class.method`, each with a docstring."""
    parts = name.split(".")
    for cut in range(len(parts), 1, -1):
        try:
            thing = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            thing = getattr(thing, part)
        assert thing.__doc__, f"{name} has no docstring"
        return
    pytest.fail(f"{name} is no module")
