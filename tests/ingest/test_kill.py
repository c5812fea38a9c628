"""kill -9 at any moment: what was committed stays, what was promised comes, nothing comes twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from ingest_house import House, paragraphs

from newsroom import Newsroom, acts

KILLS = 8
MANY_KILLS = 100


def run_and_kill(command: list[str], after_s: float) -> bool:
    """Starts the program and kills it after so many seconds; returns whether the kill came before its end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "baoguan", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    finally:
        assert process.stderr is not None
        told = process.stderr.read().decode()
        process.stderr.close()
        assert "Traceback" not in told, told
    return False


def start_seconds() -> float:
    """How long the program takes to start on this machine."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "baoguan", "--version"], check=False, capture_output=True)
    return time.monotonic() - began


def checkpoint_size(house: House) -> int:
    """The size of the log as the file says right now."""
    path = house.folder / "public" / "checkpoint"
    return int(path.read_text().splitlines()[1]) if path.exists() else 0


class Promised:
    """What was acknowledged: every leaf that a checkpoint once covered, byte for byte."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.leaves: list[bytes] = []
        self.files: dict[str, bytes] = {}

    def check(self) -> None:
        """Reopens the archive as a restart does; all that was acknowledged stands, and verify passes."""
        with self.house.open() as desk:
            with desk.archive.begin():
                pass  # a writer repairs what the dead one left
            size = desk.archive.size
            assert size >= len(self.leaves)
            assert [desk.archive.leaf(index) for index in range(len(self.leaves))] == self.leaves
            self.leaves += [desk.archive.leaf(index) for index in range(len(self.leaves), size)]
        files = self.house.public()
        kept = {path: data for path, data in files.items() if path.startswith(("articles/", "media/", "captures/"))}
        assert self.files.items() <= kept.items()
        self.files = kept
        if size:
            self.house.verify()


def kill_syncs(house: House, rng: random.Random, kills: int) -> int:
    """Syncs while the newsroom publishes, edits and fails, until so many were killed alive; returns how many were."""
    room, promised, hit, turn = house.room, Promised(house), 0, 0
    start_s = start_seconds()
    sync_s = 1.0  # after the start; what one that was not killed took, on this machine
    while hit < kills and turn < 4 * kills:
        turn += 1
        for key in room.desks:
            slug = f"turn-{turn}"
            url = room.publish(key, slug, f"{key} 第{turn}轮", "\n\n".join(paragraphs(4, f"{key}{turn}")))
            if rng.random() < 0.4:
                room.act(url, acts.unavailable(), times=rng.randint(1, 2))
        key = rng.choice(list(room.desks))
        story = rng.choice(room.desks[key].stories)
        room.edit(key, story.slug, title=f"{story.title.partition('（')[0]}（改{turn}）")
        began = time.monotonic()
        if run_and_kill(["sync", "--now", "-C", str(house.folder)], start_s + rng.uniform(0.0, sync_s)):
            hit += 1
        else:
            sync_s = max(0.1, time.monotonic() - began - start_s)
        promised.check()
    for _ in range(4):
        house.sync()
    promised.check()
    return hit


def check_whole(house: House) -> None:
    """Every item of every feed is in the log exactly once, under its current title."""
    told = house.status()
    assert told.pending == {}
    for key, desk in house.room.desks.items():
        rows = house.rows(key)
        assert Counter(row.title for row in rows) == Counter(story.title for story in desk.stories)
    first = Counter(line.id for line in house.lines("rev") if line.rev == 0)
    assert set(first.values()) == {1}
    revisions = Counter((line.id, line.rev) for line in house.lines("rev"))
    assert set(revisions.values()) == {1}
    texts = Counter((line.id, line.content_sha256) for line in house.lines("rev"))
    assert set(texts.values()) == {1}, "no edit is recorded twice"


def sync_kills(tmp_path: Path, kills: int) -> None:
    rng = random.Random(20260903)
    with Newsroom("voa", "dw") as room:
        house = House(tmp_path / "archive", room).make(batch_articles=2)
        assert kill_syncs(house, rng, kills) == kills, "the kills must meet a living program"
        check_whole(house)


def tree(folder: Path, count: int) -> Path:
    """An ancestor's tree of so many files."""
    for number in range(count):
        outlet = ("voa", "dw", "bbc")[number % 3]
        path = folder / "articles" / outlet / f"{1040000 - number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = "".join(f"<p>{text}</p>" for text in paragraphs(12, str(number)))
        url = f"https://www.{outlet}.example/a/{number}"
        path.write_text(f"<!--{1590000000000 + number * 60000}-->\n[文章{number}]({url})\n------\n\n{body}\n", "utf-8")
    return folder


def import_seconds(folder: Path, files: int) -> float:
    """How long an import of so many files takes on this machine after the start, by a fifth of them."""
    source = tree(folder / "old", files // 5)
    subprocess.run([sys.executable, "-m", "baoguan", "init", str(folder / "archive"), "--no-try"], check=True)
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "baoguan", "import", "-C", str(folder / "archive"), str(source)], check=True)
    return max(0.1, time.monotonic() - began - start_seconds()) * 5


def import_kills(tmp_path: Path, kills: int, files: int) -> None:
    """Imports of one tree until so many were killed alive; one that comes to its end begins a new archive."""
    rng = random.Random(7)
    source = tree(tmp_path / "old", files)
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        promised, hit, turn = Promised(house), 0, 0
        start_s, whole_s = start_seconds(), import_seconds(tmp_path / "timed", files)
        while hit < kills and turn < 6 * kills:
            turn += 1
            command = ["import", "-C", str(house.folder), str(source)]
            if run_and_kill(command, start_s + rng.uniform(0.0, 1.5 * whole_s / kills)):
                hit += 1
                promised.check()
                continue
            promised.check()
            check_imported(house, source)
            whole_s *= 0.7  # the machine is faster than it was when it was timed
            house = House(tmp_path / f"archive{turn}", room).make()
            promised = Promised(house)
        command = [sys.executable, "-m", "baoguan", "import", "-C", str(house.folder), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        promised.check()
        check_imported(house, source)
        assert hit == kills, "the kills must meet a living program"


def check_imported(house: House, source: Path) -> None:
    """Every file of the tree is in the log exactly once."""
    assert Counter(line.legacy_path for line in house.lines("rev")) == Counter(
        path.relative_to(source).as_posix() for path in source.rglob("*.md")
    )


def test_kills_of_sync_lose_and_double_nothing(tmp_path: Path) -> None:
    sync_kills(tmp_path, KILLS)


def test_kills_of_import_lose_and_double_nothing(tmp_path: Path) -> None:
    import_kills(tmp_path, 3, 1500)


@pytest.mark.torture
def test_a_hundred_kills_of_sync(tmp_path: Path) -> None:
    sync_kills(tmp_path, MANY_KILLS)


@pytest.mark.torture
def test_many_kills_of_import(tmp_path: Path) -> None:
    import_kills(tmp_path, 30, 12_000)
