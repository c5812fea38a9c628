"""Workers leave what they finished, the sequencer logs it: the outcomes of one process, and no key with workers."""

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from ingest_house import House, item, page, paragraphs

from baoguan.app import set_settings
from baoguan.backends.memory_outbox import MemoryOutbox
from baoguan.backends.sqlite.catalogue import SqliteCatalog
from baoguan.desk import Desk
from baoguan.ingest import sync
from baoguan.model.log import ManifestLine
from baoguan.model.outbox import OutboxRow
from baoguan.polling import Report
from baoguan.sequencing import sequence
from newsroom import Newsroom, acts
from tests.backends.postgres_server import Postgres
from tests.backends.s3_servers import make_bucket
from tests.cluster.test_bucket_archive import credentials, run, server
from tests.cluster.test_database_archive import postgres

__all__ = ["credentials", "postgres", "server"]


class ThroughOutbox(House):
    """Every sync leaves its work in an outbox, which is logged afterwards."""

    def sync(self, which: str = "all", **options: object) -> Report:
        with self.open(**options) as desk:
            outbox = MemoryOutbox(desk.schedule)
            sync(desk, which=which, outbox=outbox)
            report = Report()
            while sequence(desk, outbox, report=report):
                pass
            assert outbox.failed == {}
            assert list(desk.spool.iterdir()) == []
            return report


def seen(house: House) -> list[tuple[object, ...]]:
    """What the log says, without times and salts; in no order, for answers come as they like."""

    def facts(line: ManifestLine) -> tuple[object, ...]:
        pictures = sorted((ref.url, ref.sha256, ref.path) for ref in line.media)
        # How much was learned before a page was read depends on the order of the answers.
        flags = [flag for flag in line.flags if not flag.startswith("profile:")]
        named = (line.url, line.guids, line.title, line.content_sha256, flags, line.extractor, line.reason)
        held = (line.capture is not None, line.item_capture is not None)
        return (line.kind, line.id, line.rev, line.cause, *named, pictures, held)

    return sorted((facts(line) for line in house.lines() if line.kind != "cap"), key=repr)


def test_the_same_outcomes_as_without(tmp_path: Path) -> None:
    """New items with pages and pictures, an edit, a page that is gone, a page that never was, nothing new."""
    with Newsroom() as room:
        houses = [kind(tmp_path / kind.__name__, room).make() for kind in (House, ThroughOutbox)]
        urls = [room.url("voa", f"/neu-{number}") for number in range(4)]

        def publish(edit: str, *, gone: bool) -> None:
            first = room.url("voa")
            del first
            for number, url in enumerate(urls):
                room.behave(url)
                body = page(
                    f"新的第{number}条{edit if number == 1 else ''}", *paragraphs(3, edit if number == 1 else "")
                )
                if number == 3 or (gone and number == 2):
                    room.act(url, acts.answer(404 if number == 3 else 410, b"gone"))
                else:
                    room.act(url, acts.answer(200, body, content_type="text/html"))
            houses[0].feed(
                "voa",
                *[
                    item(f"新的第{number}条{edit if number in (1, 2) else ''}", url, body="摘要。" * 20)
                    for number, url in enumerate(urls)
                ],
            )

        for house in houses:
            house.sync()
        publish("", gone=False)
        news = [house.sync().counts for house in houses]
        assert news[0] == news[1]
        assert news[0]["new"] == 4
        publish("（更正）", gone=True)
        edits = [house.sync().counts for house in houses]
        assert edits[0] == edits[1]
        assert edits[0]["changed"] >= 1
        assert edits[0]["lost"] == 1
        quiet = [house.sync().counts for house in houses]
        assert quiet[0] == quiet[1]
        assert quiet[0]["new"] == quiet[0]["changed"] == 0
        assert seen(houses[0]) == seen(houses[1])
        states = []
        for house in houses:
            house.verify()
            with house.open() as desk:
                assert desk.schedule.waiting(limit=9) == []
                far = desk.now_ms() + (1 << 40)
                states.append(
                    (
                        sorted(desk.schedule.rechecks(far, limit=10_000)),
                        sorted(url for url, *_ in desk.schedule.late_pictures(far, limit=10_000)),
                        [(state.url, state.etag, state.kind) for state in desk.schedule.feeds()],
                    )
                )
        assert states[0] == states[1]
        assert any(line.media and line.media[0].sha256 for line in houses[1].lines("rev"))


def test_a_broken_row_is_set_aside(tmp_path: Path) -> None:
    with Newsroom("voa") as room, House(tmp_path / "archive", room).make().open() as desk:
        outbox = MemoryOutbox(desk.schedule)
        outbox.put([OutboxRow(body=b"no row of any program")])
        sync(desk, which="all", outbox=outbox)
        while sequence(desk, outbox):
            pass
        assert desk.archive.size > 0
        assert list(outbox.failed) == [1]
        assert any("set aside" in note.text for note in desk.schedule.notes())


def test_a_row_that_breaks_its_reader_is_found_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from baoguan import committing

    inner = committing.log_draft

    def log_draft(archive, batch, ledger, draft):
        if draft.article.title.endswith("毒"):
            raise RuntimeError("what no test foresaw")
        return inner(archive, batch, ledger, draft)

    monkeypatch.setattr(committing, "log_draft", log_draft)
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        house.feed("voa", *[item(name, guid=name, body="正文。" * 30) for name in ("甲", "乙毒", "丙")])
        with house.open(pages=False) as desk:
            outbox = MemoryOutbox(desk.schedule)
            sync(desk, which="all", outbox=outbox)
            while sequence(desk, outbox):
                pass
            assert len(outbox.failed) == 1
            titles = {row.title for row in desk.catalog.articles(start_ms=-(1 << 62), limit=99)}
            assert {"甲", "丙"} <= titles
            assert "乙毒" not in titles
        house.verify()


def second_machine(folder: Path, copy: Path) -> Path:
    """Another machine's folder: the settings, the public key, and nothing else."""
    copy.mkdir()
    shutil.copy(folder / "baoguan.toml", copy)
    for name in ("public", "index", "state", "private"):
        (copy / name).mkdir()
    for path in (folder / "private").iterdir():
        if path.is_file() and path.name != "key":
            shutil.copy(path, copy / "private")
    return copy


def command(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "baoguan", "worker", "-C", str(folder), "--until-idle", *more],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("catalogue", ["own", "shared"])
def test_a_machine_without_the_key_works_for_one_that_has_it(
    tmp_path: Path, server: str, postgres: Postgres, catalogue: str
) -> None:
    make_bucket(server, f"machines-{catalogue}")
    postgres.empty()
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        place = f"s3://machines-{catalogue}/news"
        set_settings(house.folder, objects=place, s3_endpoint=server, database=postgres.address, catalogue=catalogue)
        other = second_machine(house.folder, tmp_path / "other")
        refused = command(other, "--only", "sequence")
        assert refused.returncode != 0
        assert "needs the key" in refused.stderr
        fetching = subprocess.Popen(
            [sys.executable, "-m", "baoguan", "worker", "-C", str(other), "--until-idle"], stderr=subprocess.PIPE
        )
        done = command(house.folder, "--only", "sequence")
        assert done.returncode == 0, done.stderr
        assert "new" in done.stdout
        assert fetching.wait(60) == 0
        assert fetching.stderr is not None
        assert fetching.stderr.read() == b""
        fetching.stderr.close()
        if catalogue == "shared":
            with closing(SqliteCatalog(other / "index" / "catalogue.sqlite")) as own:
                assert own.size() == 0, "who only fetches keeps none"
        assert "everything stands" in run("verify", "-C", str(house.folder))
        with house.open() as desk:
            check(desk)


def check(desk: Desk) -> None:
    """Everything of the newsroom is in the log, with its pictures, and nothing waits."""
    lines = [line for _, line in desk.archive.lines() if line is not None and line.kind == "rev"]
    assert len(lines) == len({line.id for line in lines}) > 3
    assert any(ref.sha256 for line in lines for ref in line.media)
    assert desk.schedule.waiting(limit=9) == []
    assert desk.outbox is not None
    assert desk.outbox.waiting() == 0
