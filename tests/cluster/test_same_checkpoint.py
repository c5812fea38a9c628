"""The same answers, clock, key and chance give the same checkpoint: in a folder, and in a bucket with PostgreSQL."""

import dataclasses
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ingest_house import item, page, paragraphs, rss
from picture_site import drawn

from baoguan.app import OutletEntry, create_archive, open_desk, set_settings
from baoguan.desk import Desk
from baoguan.ingest import sync
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.sequencing import sequence
from tests.backends.postgres_server import Postgres
from tests.backends.s3_servers import make_bucket
from tests.cluster.test_bucket_archive import Dice, credentials, run, server
from tests.cluster.test_database_archive import postgres

__all__ = ["credentials", "postgres", "server"]
START = datetime(2026, 9, 1, 12, tzinfo=UTC)
FEEDS = tuple(f"https://news{number}.example/feed.xml" for number in range(4))


class Script:
    """ports.Fetcher over a dict, in the order in which it is asked."""

    def __init__(self, answers: dict[str, tuple[int, str, bytes]], at: datetime) -> None:
        self._answers, self._at = answers, at
        self._open: list[FetchRequest] = []

    def submit(self, request: FetchRequest) -> None:
        self._open.append(request)

    def results(self) -> Iterator[FetchResult]:
        while self._open:
            yield self.fetch(self._open.pop(0))

    def ready(self) -> bool:
        return bool(self._open)

    def fetch(self, request: FetchRequest) -> FetchResult:
        status, kind, body = self._answers.get(request.url, (404, "text/plain", b"no"))
        tag = f'"{hash_of(body)}"'
        if request.etag == tag:
            status, body = 304, b""
        headers = (("Content-Type", kind), ("ETag", tag), ("Content-Length", str(len(body))))
        response = Response(
            url=request.url,
            final_url=request.url,
            status=status,
            reason="OK",
            headers=headers,
            raw=body,
            body=body,
            at=self._at,
        )
        return FetchResult(request=request, response=response)

    def host_state(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        pass


def hash_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:12]


class Hours:
    """A clock that stands at an hour."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        del seconds


def answers(hour: int) -> dict[str, tuple[int, str, bytes]]:
    """Four feeds; in the second hour one page is edited, one is gone and another is new."""
    found: dict[str, tuple[int, str, bytes]] = {}
    for number, feed in enumerate(FEEDS):
        items = []
        for place in range(6 if hour == 0 else 7):
            url = feed.replace("feed.xml", f"a{place}.html")
            edited = "（更正）" if hour and place == 1 else ""
            picture = feed.replace("feed.xml", f"p{place}.jpg")
            body = page(
                f"第{number}家第{place}条{edited}",
                *paragraphs(3, f"{number}-{place}{edited}"),
                extra=f'<figure><img src="{picture}"><figcaption>图</figcaption></figure>',
            )
            found[url] = (410, "text/html", b"gone") if hour and place == 2 else (200, "text/html", body)
            if place != 3:
                found[picture] = (200, "image/jpeg", drawn(10 * number + place))
            title = f"第{number}家第{place}条{edited or ('！' if hour and place == 2 else '')}"
            items.append(item(title, url, date=START - timedelta(hours=place)))
        found[feed] = (200, "application/rss+xml", rss(*items))
    return found


def through_outbox(desk: Desk, which: str) -> None:
    assert desk.outbox is not None
    sync(desk, which=which, outbox=desk.outbox)
    assert desk.outbox.waiting() > 0
    while sequence(desk, desk.outbox):
        pass
    assert desk.outbox.waiting() == 0


def archive(folder: Path, **settings: str) -> Path:
    entries = [
        OutletEntry(key=f"o{number}", name=f"o{number}", feeds=(feed,), language="zh-Hans")
        for number, feed in enumerate(FEEDS)
    ]
    fetch = {"min_free_mb": 1, "search": "none", "batch_articles": 1000}
    create_archive(folder, origin=f"example.org/{folder.parent.name}", entries=entries, fetch=fetch, entropy=Dice())
    if settings:
        set_settings(folder, **settings)
    return folder


def history(folder: Path, *, outbox: bool) -> list[bytes]:
    """The checkpoints after each of three hours."""
    notes, clock, dice = [], Hours(), Dice()
    for hour in range(3):
        clock.at = START + timedelta(hours=2 * hour)
        with open_desk(folder, clock=clock, entropy=dice) as opened:
            fetcher = Script(answers(min(hour, 1)), clock.at)
            desk = dataclasses.replace(opened, open_fetcher=lambda fetcher=fetcher: fetcher)
            if outbox:
                through_outbox(desk, "all")
            else:
                sync(desk, which="all")
            note = desk.archive.head.read()
            assert note is not None
            notes.append(note)
            lines = [line for _, line in desk.archive.lines() if line is not None]
    assert sum(line.kind == "rev" for line in lines) >= 4 * 7 + 4
    assert {"rev", "lost", "cap"} <= {line.kind for line in lines}
    assert any(ref.sha256 for line in lines for ref in line.media)
    assert len(set(notes)) == 3
    return notes


@pytest.mark.parametrize("outbox", [False, True], ids=["sync", "worker and sequencer"])
def test_a_folder_and_a_bucket_with_postgres(tmp_path: Path, server: str, postgres: Postgres, outbox: bool) -> None:
    name = f"same-{int(outbox)}"
    make_bucket(server, name)
    plain = history(archive(tmp_path / "files"), outbox=False)
    there = archive(tmp_path / "cluster", objects=f"s3://{name}/news", s3_endpoint=server, database=postgres.address)
    notes = history(there, outbox=outbox)
    # A sequencer makes one batch of what a sync commits as two, its re-checks apart: chance is drawn in another order.
    assert notes[:1] == plain[:1] if outbox else notes == plain
    assert "everything stands" in run("verify", "-C", str(there))
