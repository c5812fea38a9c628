"""render_atom: valid for a strict XML parser and for feedparser, whatever an article holds."""

from datetime import UTC, datetime, timedelta, timezone

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from baoguan.publish.atom import AtomEntry, AtomMeta, article_urn, feed_urn, render_atom

ATOM = "{http://www.w3.org/2005/Atom}"
AT = datetime(2026, 3, 14, 12, 30, 5, 999_000, tzinfo=timezone(timedelta(hours=8)))


def meta() -> AtomMeta:
    return AtomMeta(
        id=feed_urn("sample.example/log"),
        title="报馆 <&>",
        lang="zh-Hans",
        self_url="https://reader.example/feed.atom?a=1&b=2",
        site_url="https://reader.example/",
        updated=AT,
        generator="baoguan 0.1",
    )


def entry(**fields: object) -> AtomEntry:
    given_fields: dict = {
        "id": article_urn("0123456789abcdef"),
        "title": "标题",
        "url": "https://reader.example/article/0123456789abcdef",
        "via": "https://outlet.example/a?b=1&c=2",
        "updated": AT,
        "published": AT,
        "authors": ("林海", "A & B"),
        "lang": "zh-Hans",
        "content_html": "<p>正文</p>",
    }
    return AtomEntry(**{**given_fields, **fields})


def test_feedparser_reads_every_field() -> None:
    feed = feedparser.parse(render_atom(meta(), [entry(section="城市")]))
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.version == "atom10"
    assert feed.feed.title == "报馆 <&>" or "&lt;" in feed.feed.title
    (got,) = feed.entries
    assert got.id == "urn:uuid:" + article_urn("0123456789abcdef").rpartition(":")[2]
    assert got.content[0].value == "<p>正文</p>"
    assert [author.name for author in got.authors] == ["林海", "A & B"]
    assert got.published == got.updated == "2026-03-14T04:30:05Z"
    assert {link.rel: link.href for link in got.links} == {
        "alternate": "https://reader.example/article/0123456789abcdef",
        "via": "https://outlet.example/a?b=1&c=2",
    }
    assert got.tags[0].term == "城市"


def test_required_elements_of_rfc_4287_stand_once() -> None:
    root = etree.fromstring(
        render_atom(meta(), [entry(), entry(published=None, section="", via="javascript:alert(1)")])
    )
    for node in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(node.findall(ATOM + name)) == 1
    for node in root.findall(f"{ATOM}entry"):
        assert node.findall(f"{ATOM}author/{ATOM}name")
        assert len(node.findall(f"{ATOM}content[@type='html']")) == 1
    bare = root.findall(f"{ATOM}entry")[1]
    assert bare.find(f"{ATOM}published") is None
    assert [link.get("rel") for link in bare.findall(f"{ATOM}link")] == ["alternate"]
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "zh-Hans"


def test_ids_are_stable_and_apart() -> None:
    # written once: a change of these breaks the read marks of every reader
    assert article_urn("0123456789abcdef") == "urn:uuid:fdd2490e-bbdd-58ff-9bce-2012deab1595"
    assert len({article_urn("0" * 16), article_urn("1" * 16), feed_urn("a"), feed_urn("a", "b"), feed_urn("b")}) == 5


def test_an_empty_feed_is_valid() -> None:
    feed = feedparser.parse(render_atom(meta(), []))
    assert not feed.bozo
    assert feed.entries == []


@given(text=st.text(st.characters(codec=None), max_size=60))
def test_any_text_is_well_formed_xml(text: str) -> None:
    data = render_atom(meta(), [entry(title=text, content_html=text, authors=(text,), section=text, lang="ja")])
    root = etree.fromstring(data)
    read = text.replace("\r\n", "\n").replace("\r", "\n")  # as every XML parser reads line ends
    kept = "".join(char for char in read if char in "\t\n" or 0x20 <= ord(char) < 0xD800 or ord(char) > 0xDFFF)
    kept = kept.replace("\ufffe", "").replace("\uffff", "")
    assert root.findtext(f"{ATOM}entry/{ATOM}title") == kept


@pytest.mark.parametrize("at", [AT, datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_dates_are_rfc_3339(at: datetime) -> None:
    root = etree.fromstring(render_atom(meta(), [entry(updated=at)]))
    stamp = root.findtext(f"{ATOM}entry/{ATOM}updated") or ""
    assert stamp.endswith("Z")
    assert datetime.fromisoformat(stamp) == at.astimezone(UTC).replace(microsecond=0)
