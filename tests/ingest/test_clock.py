"""Sync warns when this machine's clock differs from the servers'."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from baoguan.app import create_archive, open_desk
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.model.feed import FeedState
from baoguan.polling import FeedOutcome, Report, note_clock

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def outcome(theirs: str, **headers: str) -> FeedOutcome:
    response = Response(url="u", final_url="u", status=200, at=NOW, headers=(("Date", theirs), *headers.items()))
    request = FetchRequest(url="u", kind="feed")
    return FeedOutcome.of(FeedState(url="u", outlet="o"), FetchResult(request=request, response=response), [])


def notes(tmp_path: Path, report: Report) -> list[str]:
    create_archive(tmp_path, origin="test/clock")
    with open_desk(tmp_path) as desk:
        note_clock(desk, report)
        return [note.text for note in desk.schedule.notes()]


def http_date(offset: timedelta) -> str:
    return (NOW + offset).strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_a_clock_that_is_off_is_told(tmp_path: Path) -> None:
    report = Report()
    for _ in range(3):
        report.feed(outcome(http_date(timedelta(minutes=-12))))
    (text,) = notes(tmp_path, report)
    assert "ahead of" in text


def test_one_wrong_server_and_caches_say_nothing(tmp_path: Path) -> None:
    report = Report()
    report.feed(outcome(http_date(timedelta(days=9))))
    report.feed(outcome(http_date(timedelta(hours=-2)), Age="7200"))
    for _ in range(3):
        report.feed(outcome(http_date(timedelta(seconds=1))))
    assert notes(tmp_path, report) == []
