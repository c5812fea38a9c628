"""The Atom feeds of a reader, as feedparser and a polite poller see them."""

import re

import feedparser

from baoguan.model.log import MediaRef
from baoguan.publish.atom import article_urn
from tests.web.conftest import Ask, MakeReader
from tests.web.sample_reader import NOON, SampleReader


def test_feeds_are_valid_and_whole(source: SampleReader, ask: Ask) -> None:
    for path, only in (("/feed.atom", None), ("/outlet/haibin/feed.atom", "haibin")):
        got = ask(path)
        assert got.headers["content-type"] == "application/atom+xml; charset=utf-8"
        feed = feedparser.parse(got.body)
        assert not feed.bozo
        expected = source.newest_kept(outlet=only, limit=30)
        assert [entry.id for entry in feed.entries] == [article_urn(card.id) for card in expected]
        assert feed.feed.links[0].href == f"http://reader.example{path}"
        for entry, card in zip(feed.entries, expected, strict=True):
            page = source.article(card.id)
            assert page is not None
            assert entry.title == page.title
            assert entry.link == f"http://reader.example/article/{card.id}"
            assert ("published" in entry) == bool(page.published)
            assert not re.search(r'(?:src|href)="(?!https?://)', entry.content[0].value)
            assert "<p>" in entry.content[0].value


def test_an_edit_comes_first_again_under_its_old_id(source: SampleReader, ask: Ask) -> None:
    feed = feedparser.parse(ask("/feed.atom").body)
    first = next(iter(source.history))
    assert feed.entries[0].id == article_urn(first)
    assert feed.entries[0].updated == "2026-03-14T06:00:00Z"


def test_a_feed_is_sent_once_and_again_when_it_changed(reader: MakeReader) -> None:
    source, ask = reader()
    missing = MediaRef(url="https://img.example/x.jpg")
    identity = source.add(
        outlet="haibin", title="t", body=f'<img src="{missing.url}">', media=(missing,), published=NOON.isoformat()
    )
    tag = ask("/feed.atom").headers["etag"]
    assert ask("/feed.atom", headers={"if-none-match": tag}).status == 304
    source.size += 1  # a leaf that is no article's: the feed says the same
    assert ask("/feed.atom", headers={"if-none-match": tag}).status == 304
    kept = source.add_picture(b"late", width=2, height=2)
    row = source.history[identity][0]
    import msgspec

    page = msgspec.structs.replace(row.page, media=(msgspec.structs.replace(kept, url=missing.url),))
    source.history[identity][0] = msgspec.structs.replace(row, page=page)
    source.size += 1
    again = ask("/feed.atom", headers={"if-none-match": tag})
    assert again.status == 200
    assert f"http://reader.example/{kept.path}" in again.text


def test_addresses_are_those_of_the_setting_whatever_the_host_says(reader: MakeReader) -> None:
    source, ask = reader(base_url="https://news.example/")
    source.add(outlet="haibin", title="t", body="<p>x</p>")
    assert "https://news.example/article/" in ask("/feed.atom", headers={"host": "evil.example"}).text
    _, plain = reader()
    assert "http://localhost/feed.atom" in plain("/feed.atom", headers={"host": 'x"><script>'}).text


def test_one_damaged_record_does_not_end_the_feed(reader: MakeReader) -> None:
    from baoguan.errors import Corrupt

    source, ask = reader()
    bad = source.add(outlet="haibin", title="bad", body="<p>x</p>")
    source.add(outlet="haibin", title="good", body="<p>x</p>", url="https://haibin.example/2")
    whole = source.article

    def article(identity: str, rev: int | None = None) -> object:
        if identity == bad:
            raise Corrupt("record")
        return whole(identity, rev)

    source.article = article
    assert [entry.title for entry in feedparser.parse(ask("/feed.atom").body).entries] == ["good"]
