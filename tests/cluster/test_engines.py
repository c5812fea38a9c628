"""Engines give the same, in order, whoever is killed; backfill takes files once and names those that fail."""

import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from ingest_house import House, item, page

from baoguan.app import create_archive, open_desk
from baoguan.archive.verify import verify
from baoguan.backends.executors import LocalExecutor, read_ahead
from baoguan.backends.files import FileObjects
from baoguan.backends.ray.executor import RayExecutor
from baoguan.cli.main import cli
from baoguan.errors import StoreError
from baoguan.finding import find
from baoguan.importing import import_path
from baoguan.ports import Executor
from baoguan.reextracting import Plan, read_tasks, reextract, work_of
from newsroom import Newsroom, acts
from tests.cluster.engine_work import die, die_once, double, refuse
from tests.cluster.test_bucket_archive import tree


@pytest.fixture(scope="module", params=["local", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with ExitStack() as stack:
        made = LocalExecutor(2) if request.param == "local" else RayExecutor(2)
        yield stack.enter_context(made)


def test_results_come_in_order(executor: Executor) -> None:
    seen = []
    for task, result in read_ahead(executor, range(40), lambda n: (double, (n,)) if n % 3 else None, ahead=5):
        assert result() == 2 * task if result else task % 3 == 0
        seen.append(task)
    assert seen == list(range(40))
    failing = read_ahead(executor, range(3), lambda n: (refuse if n == 1 else double, (n,)), ahead=5)
    for task, result in failing:
        assert result is not None
        if task == 1:
            with pytest.raises(ValueError, match="no 1"):
                result()
        else:
            assert result() == 2 * task
    assert [result() for _, result in read_ahead(None, [1, 2], lambda n: (double, (n,)), ahead=1) if result] == [2, 4]


def test_what_the_work_raises_is_raised(executor: Executor) -> None:
    with pytest.raises(ValueError, match="no 7"):
        executor.submit(refuse, 7)()
    assert executor.submit(double, 4)() == 8


def test_a_killed_worker_is_replaced(executor: Executor, tmp_path: Path) -> None:
    marker = str(tmp_path / "died")
    results = [executor.submit(die_once, marker, number) for number in range(20)]
    assert [result() for result in results] == [2 * number for number in range(20)]
    assert Path(marker).exists()


def test_work_that_kills_every_worker_is_given_up(executor: Executor) -> None:
    with pytest.raises(StoreError):
        executor.submit(die, 1)()
    assert executor.submit(double, 4)() == 8


def publish(house: House, count: int) -> None:
    items = []
    for number in range(count):
        url = house.room.url("voa", f"/{number}")
        text = (
            f"第{number}条：港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客三千人次，成为本市第三座客运码头。"
        )
        house.room.act(url, acts.answer(200, page(f"新码头{number}", *[text] * 3), content_type="text/html"))
        items.append(item(f"新码头{number}", url))
    house.feed("voa", *items)
    house.sync()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        publish(house, 6)
        yield house


def test_pages_and_imported_files_read_the_same_everywhere(house: House, executor: Executor, tmp_path: Path) -> None:
    with house.open() as desk:
        import_path(desk, tree(tmp_path / "tree"))
        indexes = [index for index, line in desk.archive.lines() if line is not None and line.kind == "rev"]
        here = [task.index for task in read_tasks(desk, Plan(), indexes)]
        alone, other = (
            [
                msgspec.msgpack.encode(read())
                for _, read in read_ahead(one, read_tasks(desk, Plan(), indexes), work_of, ahead=9)
                if read
            ]
            for one in (None, executor)
        )
        assert len(alone) == len(here) == 18
        assert alone == other
        first, second = reextract(desk, Plan()), reextract(desk, Plan(), executor=executor)
        assert first.counts == second.counts
        assert (first.counts["read"], first.counts["failed"], first.counts["changed"]) == (18, 0, 0)


class Ranges(http.server.BaseHTTPRequestHandler):
    """One file, in ranges unless it has none."""

    data = b""
    ranges = True

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "") if self.ranges else ""
        start, _, stop = asked.removeprefix("bytes=").partition("-")
        piece = self.data[int(start) : int(stop) + 1] if asked else self.data
        if asked and not piece:
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{int(start) + len(piece) - 1}/{len(self.data)}")
        self.send_header("Content-Length", str(len(piece)))
        self.end_headers()
        self.wfile.write(piece)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranges) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/crawl.warc.gz"
        server.shutdown()
        thread.join()


def run(*given: Any) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [str(one) for one in given], catch_exceptions=False, standalone_mode=False)
    return int(done.return_value or done.exit_code), done.output


def test_backfill_takes_files_once_and_names_those_that_fail(house: House, served: str, tmp_path: Path) -> None:
    (warc, *_) = sorted(
        (house.folder / "public" / "captures").rglob("*.warc.gz"), key=lambda path: -path.stat().st_size
    )
    Ranges.data = warc.read_bytes()
    cut = tmp_path / "cut.warc.gz"
    cut.write_bytes(Ranges.data[:-2000])
    folder = tmp_path / "new"
    create_archive(folder, origin="test/backfill")
    paths = tmp_path / "warc.paths"
    paths.write_text(f"# a crawl\n{cut}\n{tmp_path / 'none.warc.gz'}\n{served}\n")
    only = tmp_path / "only"
    only.write_text(house.room.url("voa", "/1") + "\n")
    code, said = run("backfill", "-C", folder, warc, "--only", only)
    assert (code, "1 added" in said) == (0, True), said
    code, said = run("backfill", "-C", folder, "--list", paths, "--allow", "127.0.0.0/8", "--jobs", "2")
    assert code == 1
    assert "none.warc.gz: no such file" in said or "none.warc.gz" in said
    assert "damaged" in said
    with open_desk(folder) as desk:
        articles = desk.catalog.counts()[0]
        assert find(desk, "新码头").total == articles >= 6
    assert not list((folder / "state" / "backfill").iterdir())
    code, said = run("backfill", "-C", folder, "--list", paths, "--allow", "127.0.0.0/8")
    assert code == 1
    assert "1 read before" in said
    assert "0 added" in said
    with open_desk(folder) as desk:
        report = verify(FileObjects(folder / "public"), desk.archive.verifier)  # type: ignore[arg-type]
        assert report.faults == ()
        assert desk.catalog.counts()[0] == articles


def test_a_file_goes_on_where_its_download_was_cut(house: House, served: str, tmp_path: Path) -> None:
    Ranges.data = gzip.compress(b"no warc" * 9)
    folder = tmp_path / "new"
    create_archive(folder, origin="test/cut")
    code, said = run("backfill", "-C", folder, served)
    assert code == 1
    assert "127.0.0.1" in said  # loopback isn't asked unless it is allowed
    code, said = run("backfill", "-C", folder, served, "--allow", "127.0.0.0/8")
    assert (code, "0 articles' pages" in said) == (0, True), said


def test_reindex_finds_the_same(house: House) -> None:
    with house.open() as desk:
        before = find(desk, "码头").total
    code, said = run("reindex", "-C", house.folder, "--jobs", "2")
    assert code == 0, said
    with house.open() as desk:
        assert find(desk, "码头").total == before > 0


def test_a_host_without_ranges_is_taken_whole_after_a_cut(
    house: House, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = (house.folder / "public" / "captures").rglob("*.warc.gz")
    Ranges.data = max(captures, key=lambda path: path.stat().st_size).read_bytes()
    monkeypatch.setattr(Ranges, "ranges", False)
    folder = tmp_path / "new"
    create_archive(folder, origin="test/whole")
    part = folder / "state" / "backfill" / f"{hashlib.sha256(served.encode()).hexdigest()[:24]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(Ranges.data[:100])
    code, said = run("backfill", "-C", folder, served, "--allow", "127.0.0.0/8")
    assert code == 0, said
    assert "1 files read" in said
    assert not part.exists()
