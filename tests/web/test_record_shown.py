"""From the record on disk to the page: what `publish` writes, the reader shows."""

from datetime import UTC, datetime

from baoguan.model.article import Article, Clock
from baoguan.model.log import MediaRef
from baoguan.publish.markdown import KeptPicture, RecordDraft, parse_record, render_record
from baoguan.web.body import BodyStyle, show_body

SHA = "ab" * 32
ORIGIN = "https://img.example/a.jpg?x=1&y=2"
STYLE = BodyStyle(no_picture="not kept")
BODY = (
    '<figure><img src="https://img.example/a.jpg?x=1&amp;y=2" alt="c"><figcaption>图</figcaption></figure>\n'
    '<p>正文</p>\n<p><img src="https://img.example/late.jpg"></p>'
)


def test_pictures_of_a_record_are_shown_from_the_archive() -> None:
    kept = KeptPicture(path=f"media/ab/{SHA}.jpg", width=10, height=20)
    article = Article(
        url="https://outlet.example/1",
        title="标题",
        published=Clock(at=datetime(2024, 1, 1, tzinfo=UTC), source="feed"),
        body_html=BODY,
    )
    record = render_record(RecordDraft(epoch_ms=1_704_067_200_000, article=article, media={ORIGIN: kept}))
    media = [
        MediaRef(url=ORIGIN, sha256=SHA, path=kept.path, width=10, height=20),
        MediaRef(url="https://img.example/late.jpg"),
    ]
    shown = show_body(parse_record(record).body_html, media, STYLE)
    assert f'<img src="/media/ab/{SHA}.jpg" alt="c" width="10" height="20"' in shown.html
    assert "<figcaption>图</figcaption>" in shown.html
    assert (shown.pictures, shown.missing) == (1, 1)
    # and the body as it stands in the file, with its relative paths, needs no manifest to find them
    raw = record if isinstance(record, str) else record.decode()
    assert f'<img src="/media/ab/{SHA}.jpg"' in show_body(raw, [], STYLE).html
