"""An archive whose crawl state, head and lock lie in PostgreSQL: moved there and back, and never two writers."""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from ingest_house import House, item, page

from baoguan.app import create_archive, open_archive, open_desk, set_settings
from baoguan.archive.staging import Staged
from baoguan.backends.clock import SystemClock, SystemEntropy
from baoguan.backends.memory import MemoryHead
from baoguan.backends.postgres import Link
from baoguan.backends.postgres.head import PgHead, PgLock, PgStaging
from baoguan.backends.postgres.pace import PgPace
from baoguan.backends.sqlite.accounts import SqliteAccounts
from baoguan.config import load, read_file
from baoguan.desk import KeptAccounts
from baoguan.engines import open_accounts_of, open_writing
from baoguan.errors import ConfigError, Conflict, StoreError
from newsroom import Newsroom, acts
from tests.backends.postgres_server import Postgres
from tests.backends.s3_servers import make_bucket
from tests.cluster.test_bucket_archive import Dice, credentials, filled, run, server, tree

__all__ = ["credentials", "server"]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start("fsync=off")
    yield server
    server.stop()


def test_files_and_bucket_with_database_give_the_same_checkpoint(
    tmp_path: Path, server: str, postgres: Postgres
) -> None:
    make_bucket(server, "both")
    postgres.empty()
    source = tree(tmp_path / "tree")
    notes = []
    for name in ("files", "cluster"):
        create_archive(tmp_path / name, origin="example.org/both", entropy=Dice())
        if name == "cluster":
            set_settings(tmp_path / name, objects="s3://both/news", s3_endpoint=server, database=postgres.address)
        notes.append(filled(tmp_path / name, source))
    assert notes[0] == notes[1]
    assert "everything stands" in run("verify", "-C", str(tmp_path / "cluster"))


def accounts(folder: Path) -> closing[KeptAccounts]:
    return closing(open_accounts_of(folder, load(read_file(folder))))


def test_there_and_back_with_news_on_both_sides(tmp_path: Path, postgres: Postgres) -> None:
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        house.sync()
        before = house.status()
        with accounts(house.folder) as kept:
            lin = kept.add_user("lin", "hash", 1).id
            kept.put(lin, [("mark", "1", b"read")])
        said = run("migrate", "-C", str(house.folder), "--to", postgres.address)
        assert "read back and the same" in said
        assert postgres.address in (house.folder / "baoguan.toml").read_text()
        assert [feed.etag for feed in house.status().feeds] == [feed.etag for feed in before.feeds]
        url = house.room.url("voa", "/neu")
        house.feed("voa", item("新的一条", url))
        text = "这是新的正文，足够长，才算一篇文章。" * 3
        house.room.act(url, acts.answer(200, page("新的一条", *[text] * 3), content_type="text/html"))
        assert house.sync().counts["new"] == 1
        assert house.sync().counts["new"] == 0
        house.verify()
        file = house.folder / "private" / "accounts.sqlite"
        assert b"lin" not in file.read_bytes()
        with accounts(house.folder) as kept:
            assert kept.rows(lin) == [("mark", "1", b"read")]
            kept.put(lin, [("mark", "2", b"read")])
        run("backup", "-C", str(house.folder), str(tmp_path / "backup"))
        assert not file.exists()
        with closing(SqliteAccounts(tmp_path / "backup" / "private" / "accounts.sqlite")) as backed:
            assert [row[1] for row in backed.rows(lin)] == ["1", "2"]
        run("migrate", "-C", str(house.folder), "--to", "sqlite")
        with accounts(house.folder) as kept:
            assert [(user.id, user.name) for user in kept.users()] == [(lin, "lin")]
            assert [row[1] for row in kept.rows(lin)] == ["1", "2"]
        assert postgres.address not in (house.folder / "baoguan.toml").read_text()
        assert house.sync().counts["new"] == 0
        # What stayed behind is an old head: moving there again must not believe it.
        run("migrate", "-C", str(house.folder), "--to", postgres.address)
        assert house.sync(pages=True).counts["new"] == 0
        house.verify()


def test_a_database_without_the_head_of_a_log_is_refused(tmp_path: Path, postgres: Postgres) -> None:
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        house.sync()
        set_settings(house.folder, database=postgres.address + "?application_name=x")
        link = Link(postgres.address, "test/ingest")
        link.drop()
        with pytest.raises(StoreError, match="baoguan migrate"):
            house.sync()
        link.drop()
        link.close()


def test_only_one_writes_and_a_lost_session_can_not(tmp_path: Path, postgres: Postgres) -> None:
    one, other = Link(postgres.address, "test/lock"), Link(postgres.address, "test/lock")
    one.prepare()
    published = MemoryHead()
    lock, late = PgLock(one, timeout_s=5), PgLock(other, timeout_s=0.3)
    head = PgHead(one, published, lock)
    with lock, lock:
        head.replace(None, b"1")
        with pytest.raises(StoreError, match="another worker"), late:
            pass
        one.db.execute("SELECT 1")
        other.db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        time.sleep(0.2)
        with late, pytest.raises(StoreError):  # the lock went with the session, and so did the right to move the head
            head.replace(b"1", b"2")
        assert published.read() == b"1"
    with lock:
        with pytest.raises(Conflict):
            head.replace(b"0", b"3")
        head.replace(b"1", b"3")
    assert published.read() == b"3"
    one.close()
    other.close()


def test_what_a_dead_machine_left_is_swept_by_another(tmp_path: Path, postgres: Postgres) -> None:
    folder = tmp_path / "archive"
    create_archive(folder, origin="test/sweep")
    set_settings(folder, database=postgres.address)
    settings = load(read_file(folder))
    archive = open_archive(folder, settings, clock=SystemClock(), entropy=SystemEntropy())
    archive.objects.put_new("articles/left/behind.md", b"half")
    archive.staging.announce("dead", 0, ["articles/left/behind.md"])
    archive.close()
    with open_desk(folder) as desk, desk.archive.begin():
        pass
    assert not (folder / "public" / "articles" / "left" / "behind.md").exists()
    shared = open_writing(folder, settings, MemoryHead())
    with shared.lock:
        assert isinstance(shared.staging, PgStaging)
        assert list(shared.staging.lists()) == []
        shared.staging.announce("b", 3, ["x"])
        assert list(shared.staging.lists()) == [("b", Staged(size=3, names=("x",)))]
        shared.staging.forget("b")
    shared.close()


def test_places_at_a_host_are_given_out_once(postgres: Postgres) -> None:
    link = Link(postgres.address, "test/pace")
    link.prepare()
    names, asked = [("a.example", 0.2), ("127.0.0.9", 0.1)], list[tuple[float, float]]()

    def ask() -> None:
        pace = PgPace(Link(postgres.address, "test/pace"))
        for _ in range(3):
            while True:
                wait_s, token = pace.take(names, 0.5)
                if token:
                    break
                assert 0 < wait_s < 1
                time.sleep(wait_s)
            begin = time.monotonic()
            time.sleep(0.05)
            asked.append((begin, time.monotonic()))
            pace.leave(names, token)
        pace.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked.sort()
    assert len(asked) == 12
    assert min(later[0] - at[1] for at, later in pairwise(asked)) >= 0.2, "counted from the answer"
    pace = PgPace(link)
    pace.later("b.example", int(time.time() * 1000) + 60_000)
    assert 55 < pace.take([("b.example", 0.0)], 0.5)[0] <= 61
    pace.close()


def test_a_place_that_nobody_gives_back_is_free_a_pace_after_its_hold(postgres: Postgres) -> None:
    link = Link(postgres.address, "test/hold")
    link.prepare()
    dead, alive, names = PgPace(link), PgPace(Link(postgres.address, "test/hold")), [("c.example", 0.4)]
    while not (token := dead.take(names, 0.5)[1]):
        time.sleep(0.05)
    start = time.monotonic()
    while not (other := alive.take(names, 0.5)[1]):
        time.sleep(0.01)
    assert 0.88 < time.monotonic() - start < 2
    dead.leave(names, token)  # not dead after all: its late word frees nobody else's place
    assert alive.take(names, 0.5)[1] == 0
    alive.leave(names, other)
    assert alive.take(names, 0.5)[0] > 0.3
    assert alive.take([*names, ("free.example", 0.4)], 0.5)[1] == 0
    assert alive.take([("free.example", 0.4)], 0.5)[1] > 0, "all places or none"
    dead.close()
    alive.close()


def test_after_a_crash_of_the_server_nobody_is_asked_for_a_while(postgres: Postgres) -> None:
    link = Link(postgres.address, "test/crash")
    link.prepare()
    pace = PgPace(link)
    while not pace.take([("d.example", 0.5)], 0.5)[1]:
        time.sleep(0.05)
    postgres.kill()
    start = time.monotonic()
    postgres.start()
    with contextlib.suppress(StoreError):
        pace.take([("d.example", 0.5)], 2.0)
    wait_s = pace.take([("e.example", 0.5)], 2.0)[0]
    assert 0 < wait_s <= 2.5
    assert wait_s + time.monotonic() - start > 1.5, "who held what may be forgotten"
    pace.close()


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    create_archive(tmp_path / "a", origin="test/none")
    set_settings(tmp_path / "a", database="mysql://x")
    with pytest.raises(ConfigError, match="postgres://user@host/name"), open_desk(tmp_path / "a"):
        pass
