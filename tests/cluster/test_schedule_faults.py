"""Every write of the crawl state fails once, before or after it is kept: the next run makes it whole, nothing twice."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from baoguan.app import open_desk, read_verifier
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.backends.memory import AFTER, BEFORE, fault_at
from baoguan.backends.memory_outbox import MemoryOutbox
from baoguan.backends.memory_schedule import MemorySchedule
from baoguan.errors import StoreError
from baoguan.ingest import sync
from baoguan.sequencing import sequence
from tests.cluster.test_bucket_archive import Dice
from tests.cluster.test_same_checkpoint import START, Hours, Script, answers, archive

ARTICLES = 4 * 7
"""Of the script; none of them is lost or doubled, whatever fails."""


def crawl(folder: Path, schedule: MemorySchedule, hour: int, *, outbox: bool) -> list[str]:
    """A run of the script's hour; the URLs of first revisions in the log afterwards."""
    clock = Hours()
    clock.at = START + timedelta(hours=2 * hour)
    with open_desk(folder, clock=clock, entropy=Dice()) as opened:
        fetcher = Script(answers(0), clock.at)
        desk = dataclasses.replace(opened, schedule=schedule, open_fetcher=lambda: fetcher)
        if not schedule.feeds():
            schedule.sync_feeds(desk.feeds)
        if outbox:
            box = MemoryOutbox(schedule)
            sync(desk, which="all", outbox=box)
            while sequence(desk, box):
                pass
        else:
            sync(desk, which="all")
        lines = [line for _, line in desk.archive.lines() if line is not None]
        return [line.url for line in lines if line.kind == "rev" and not line.rev]


@pytest.mark.parametrize("kind", [BEFORE, AFTER])
def test_any_write_may_fail(tmp_path: Path, kind: str) -> None:
    names: list[str] = []

    def watch(name: str, _: str) -> str:
        names.append(name)
        return ""

    watched = MemorySchedule()
    watched.fault = watch
    whole = sorted(crawl(archive(tmp_path / "whole"), watched, 0, outbox=False))
    assert len(whole) == len(set(whole)) >= ARTICLES - 4
    assert {"claim", "settle_feeds", "settle_items", "set_feed_captures", "settle_pictures"} <= set(names)
    # The first one fills the empty table of feeds: without it there is nothing to crawl.
    for number in range(1, len(names)):
        folder, schedule = archive(tmp_path / f"a{number}"), MemorySchedule()
        schedule.fault = fault_at(number, kind)
        with pytest.raises(StoreError, match="injected"):
            crawl(folder, schedule, 0, outbox=False)
        for hour in (1, 2):
            urls = crawl(folder, schedule, hour, outbox=False)
        assert sorted(urls) == whole, names[number]
        assert schedule.waiting(limit=9) == []
        assert verify(FileObjects(folder / "public"), read_verifier(folder)).faults == ()


def test_the_outbox_of_one_process(tmp_path: Path) -> None:
    urls = crawl(archive(tmp_path / "a"), MemorySchedule(), 0, outbox=True)
    assert sorted(urls) == sorted(crawl(archive(tmp_path / "b"), MemorySchedule(), 0, outbox=False))
