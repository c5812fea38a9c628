"""The newsroom does what its script says; asked with plain sockets, so that it is judged apart from our client."""

import http.client
import json
import subprocess
import sys
from pathlib import Path

import feedparser
import pytest

from newsroom import Newsroom, acts
from newsroom.pool import Pool
from newsroom.stories import load_desk, sample_keys

ROOT = Path(__file__).resolve().parents[2]


def get(url, **headers):
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", f"/{path}", headers={name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def room():
    with Newsroom() as opened:
        yield opened


@pytest.mark.parametrize("key", sample_keys())
def test_every_outlet_serves_its_feeds_pages_and_pictures(room, key):
    desk = load_desk(key)
    for name in ("feed.xml", "full.xml", "atom.xml", "rdf.xml"):
        parsed = feedparser.parse(get(room.feed_url(key, name))[2])
        assert not parsed.bozo, name
        assert len(parsed.entries) == len(desk.stories)
    assert len(json.loads(get(room.feed_url(key, "feed.json"))[2])["items"]) == len(desk.stories)
    for story in desk.stories:
        assert story.photos
        assert sum(map(len, story.paragraphs)) > 300
        status, _, body = get(room.article_url(key, story.slug))
        assert status == 200
        for text in story.paragraphs:
            assert text.replace("'", "&#x27;") in body.decode()
        for photo in story.photos:
            small, large = (get(room.picture_url(key, photo.name, width)) for width in (300, 1200))
            assert small[0] == large[0] == 200
            assert small[2][:2] == b"\xff\xd8"
            assert len(small[2]) < len(large[2])


def test_validators_and_edits():
    with Newsroom("voa") as room:
        url = room.feed_url("voa")
        _, headers, _ = get(url)
        assert get(url, If_None_Match=headers["ETag"])[0] == 304
        assert get(url, If_Modified_Since=headers["Last-Modified"])[0] == 304
        slug = room.desks["voa"].stories[0].slug
        room.edit("voa", slug, title="新的标题")
        status, _, body = get(url, If_None_Match=headers["ETag"])
        assert (status, "新的标题" in body.decode()) == (200, True)
        assert "新的标题" in get(room.article_url("voa", slug))[2].decode()
        new = room.publish("voa", "late-item", "迟到的一条", "第一段。\n\n第二段。")
        assert "late-item" in get(url)[2].decode()
        assert get(new)[0] == 200
        room.empty_feed("voa")
        assert "<item>" not in get(url)[2].decode()
        for state, status in (("gone", 410), ("missing", 404), ("home", 302), ("stub", 200), ("consent", 200)):
            room.edit("voa", slug, state=state)
            assert get(room.article_url("voa", slug))[0] == status
        name = room.desks["voa"].stories[0].photos[0].name
        before = get(room.picture_url("voa", name))[2]
        room.swap_picture("voa", name, "another")
        assert get(room.picture_url("voa", name))[2] != before


def test_acts_queue_up_and_end():
    with Newsroom("nhk") as room:
        url = room.feed_url("nhk")
        room.act(url, acts.unavailable(), times=2)
        room.act(url, acts.too_many(5), times=1)
        assert [get(url)[0] for _ in range(4)] == [503, 503, 429, 200]
        room.act(url, acts.wrong_charset("gb18030", "utf-8"))
        with pytest.raises(UnicodeDecodeError):
            get(url)[2].decode("utf-8")
        room.behave(url)
        assert get(url)[0] == 200
        assert len(room.log) == 6


def test_the_pool_as_a_process():
    command = [sys.executable, "-m", "newsroom.pool", "--feeds", "300", "--changed", "0.01"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pool = Pool(300, 0.01)
        pool.port = int(process.stdout.readline().split()[1])
        urls = pool.urls()
        tags = [get(url)[1]["ETag"] for url in urls[:5]]
        assert [get(url, If_None_Match=tag)[0] for url, tag in zip(urls, tags, strict=False)] == [304] * 5
        process.stdin.write("next\n")
        process.stdin.flush()
        assert "round 1" in process.stdout.readline()
        assert [get(url, If_None_Match=tag)[0] for url, tag in zip(urls, tags, strict=False)] == [200] * 3 + [304] * 2
        assert len(feedparser.parse(get(urls[0])[2]).entries) == 20
        process.stdin.close()
        assert process.wait(10) == 0
