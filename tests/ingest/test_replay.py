"""The record of what an ancestor's repository did, hour by hour, replayed: nothing overwritten, doubled or lost.

The record tells which file each commit added, changed or deleted, and the digest of its content; the content itself is
made up from that digest.
"""

import csv
import io
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard
from ingest_house import House, paragraphs

from baoguan.exporting import export_markdown
from baoguan.importing import import_path
from newsroom import Newsroom

PATHS = 90
"""Paths of the seeded slice; every event of a chosen path is replayed."""


@dataclass(frozen=True)
class Event:
    """One line of the record."""

    time: int
    op: str
    blob: str
    path: str


def read_record(shared: Path) -> list[Event]:
    """All events in order."""
    file = shared / "data" / "records" / "replay-waimei.tsv.zst"
    if not file.exists():
        pytest.skip(f"BAOGUAN_SHARED: {file.name} is missing")
    text = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(file.read_bytes())).read().decode("utf-8")
    rows = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    next(rows)
    events = [Event(int(row[0]), row[2], row[3], row[4]) for row in rows if len(row) == 5]
    return [event for event in events if event.path.endswith(".md") and event.path.startswith("articles/")]


def slice_of(events: list[Event], count: int) -> list[Event]:
    """Every event of `count` paths, those that were written twice or more first: there the overwriting is."""
    writes: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.op != "D":
            writes[event.path].add(event.blob)
    rng = random.Random(64542)
    often = sorted(path for path, blobs in writes.items() if len(blobs) > 1)
    once = sorted(path for path, blobs in writes.items() if len(blobs) == 1)
    chosen = set(rng.sample(often, min(len(often), count // 2)))
    chosen |= set(rng.sample(once, min(len(once), count - len(chosen))))
    return [event for event in events if event.path in chosen]


def content(event: Event) -> bytes:
    """A file of the ancestor's form, told apart by path (its article) and blob (its text)."""
    number = event.path.rpartition("/")[2].partition("_")[0].partition(".")[0]
    outlet = event.path.split("/")[1]
    body = f"<p>{event.blob}</p><p>{paragraphs(1)[0]}</p>"
    url = f"https://news.example/{outlet}/{number}"
    clock_ms = 1_590_000_000_000 + int(event.blob[:8], 16)  # of the content, as the ancestor's: not of the commit
    return f"<!--{clock_ms}-->\n[{event.blob[:8]}]({url})\n------\n\n{body}\n".encode()


def steps(events: list[Event], size: int) -> Iterator[list[Event]]:
    """Events in runs of about `size`; commits stay whole."""
    run: list[Event] = []
    for event in events:
        if len(run) >= size and event.time != run[-1].time:
            yield run
            run = []
        run.append(event)
    yield run


def replay(house: House, tree: Path, events: list[Event], step: int) -> None:
    """Plays the events on a tree and imports it after each step, as a cron job beside the ancestor would."""
    wanted: set[tuple[str, str]] = set()
    for run in steps(events, step):
        seen: set[str] = set()
        for event in run:
            path = tree / event.path
            if event.path in seen:  # two states of one path in a step: look at the first before it is gone
                take(house, tree, wanted)
                seen.clear()
            seen.add(event.path)
            if event.op == "D":
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content(event))
                wanted.add((event.path, event.blob))
        take(house, tree, wanted)


def replay_writes(house: House, folder: Path, writes: list[Event], step: int) -> None:
    """Imports the written files alone, so many at a time, each state of a path in their order."""
    for start in range(0, len(writes), step):
        part = folder / f"step-{start}"
        for number, event in enumerate(writes[start : start + step]):
            path = part / f"{number:05}" / event.path
            path.parent.mkdir(parents=True)
            path.write_bytes(content(event))
        with house.open() as desk:
            assert import_path(desk, part).failed == []
        shutil.rmtree(part)


def take(house: House, tree: Path, wanted: set[tuple[str, str]]) -> None:
    """One import; afterwards the archive knows every state so far."""
    with house.open() as desk:
        report = import_path(desk, tree)
        assert report.failed == []
        assert desk.catalog.counts()[1] == len(wanted)


def check(house: House, tree: Path, events: list[Event], exported: Path) -> None:
    """Every distinct content of a path is a revision of its own; a deletion deleted nothing; all of it verifies."""
    wanted = {(event.path, event.blob) for event in events if event.op != "D"}
    lines = house.lines("rev")
    records = house.records()
    assert len(lines) == len(records) == len(wanted)
    found = {(line.legacy_path, record.body_html[3:43]) for line, record in zip(lines, records, strict=True)}
    assert found == wanted
    assert len({line.record.path for line in lines if line.record}) == len(lines), "a file each"
    with house.open() as desk:
        assert import_path(desk, tree).added == 0, "a second import adds nothing"
        export_markdown(desk, exported, exact=True)
    for path, blob in {event.path: event.blob for event in events if event.op != "D"}.items():
        assert (exported / path).exists(), f"{path} was deleted upstream and stays ({blob})"
    house.verify()


def test_a_slice_of_the_ancestors_history_loses_nothing(shared: Path, tmp_path: Path) -> None:
    events = slice_of(read_record(shared), PATHS)
    assert {event.op for event in events} == {"A", "M", "D"}
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        replay(house, tmp_path / "old", events, step=120)
        check(house, tmp_path / "old", events, tmp_path / "out")


def test_the_slice_in_reverse_gives_the_same_archive(shared: Path, tmp_path: Path) -> None:
    """Lateness: what comes last here came first there. The set of revisions and the current texts are the same."""
    writes = [event for event in slice_of(read_record(shared), 40) if event.op != "D"]
    current = []
    with Newsroom("voa") as room:
        for name, order in (("forth", writes), ("back", writes[::-1])):
            house = House(tmp_path / name / "archive", room).make()
            replay_writes(house, tmp_path / name, order, step=16)
            house.verify()
            texts = sorted((line.id, line.content_sha256) for line in house.lines("rev"))
            current.append((texts, {row.id: (row.title, row.captured_ms) for row in house.rows()}))
    assert current[0] == current[1]


@pytest.mark.torture
def test_the_whole_history_loses_nothing(shared: Path, tmp_path: Path) -> None:
    writes = [event for event in read_record(shared) if event.op != "D"]
    wanted = {(event.path, event.blob) for event in writes}
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        replay_writes(house, tmp_path / "old", writes, step=5000)
        assert len(house.lines("rev")) == len(wanted)
        assert {line.legacy_path for line in house.lines("rev")} == {path for path, _ in wanted}
        replay_writes(house, tmp_path / "old", writes[:5000], step=5000)
        assert len(house.lines("rev")) == len(wanted), "a second import adds nothing"
        house.verify()
