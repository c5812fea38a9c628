"""The record reads back as it was written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.errors import Corrupt
from baoguan.model.article import Article, Clock
from baoguan.publish.markdown import KeptPicture, RecordDraft, parse_record, render_record
from baoguan.text.html import clean_body

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
PIECES = [
    "<p>a</p>",
    "字",
    "<pre>\n\nx\n\ny</pre>",
    '<img src="https://h.example/a.jpg?x=1&y=2">',
    "&amp;#10;",
    "\n\n",
    "<ul><li>b</ul>",
]


@given(
    title=TEXT, author=TEXT.map(str.split).map(" ".join), pieces=st.lists(st.sampled_from(PIECES)), kept=st.booleans()
)
def test_round_trip(title: str, author: str, pieces: list[str], kept: bool) -> None:
    body = clean_body("".join(pieces), "https://h.example/")
    origin = "https://h.example/a.jpg?x=1&y=2"
    media = {origin: KeptPicture(path="media/ab/ab.jpg")} if kept else {}
    article = Article(url="https://h.example/a_(b)?c=&copy;1", title=title, body_html=body.html, language="zh-Hans")
    data = render_record(RecordDraft(epoch_ms=5, article=article, media=media))
    record = parse_record(data)
    assert (record.epoch_ms, record.title, record.url) == (5, title, article.url)
    assert record.body_html == body.html
    assert record.media == ({origin: "media/ab/ab.jpg"} if kept and body.pictures else {})
    assert data.endswith(b"\n")
    assert "\n\n" not in data.decode().partition("------\n\n")[2].rstrip("\n")


def test_clock_and_authors() -> None:
    clock = Clock(at=datetime(2023, 7, 11, 9, 42, 28, tzinfo=UTC), source="feed", zone_assumed=True)
    article = Article(url="https://h.example/", title="T", published=clock, authors=("A & <B>", "丙"))
    record = parse_record(render_record(RecordDraft(epoch_ms=1, article=article)))
    assert (record.published, record.published_from, record.zone_assumed) == ("2023-07-11T09:42:28Z", "feed", True)
    assert record.authors == ("A & <B>", "丙")
    unknown = render_record(RecordDraft(epoch_ms=1, article=Article(url="https://h.example/", title="T")))
    assert b"the outlet gave no time" in unknown
    assert parse_record(unknown).published == ""


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"<!--1-->\n[a](b)\n------\n\n", b"<!--1-->\n[a](b)\n------\n\n<p>x</p>\n"]
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(Corrupt):
        parse_record(data)
