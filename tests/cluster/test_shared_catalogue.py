"""A catalogue in PostgreSQL beside each machine's own: for workers that keep no index, the same answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ingest_house import House

from baoguan.app import create_archive, open_desk, set_settings
from baoguan.desk import Desk, SharedCatalog
from baoguan.errors import ConfigError
from baoguan.text.identity import keys_of
from newsroom import Newsroom
from tests.backends.postgres_server import Postgres
from tests.cluster.test_bucket_archive import run


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start("fsync=off")
    yield server
    server.stop()


@pytest.fixture
def house(tmp_path: Path, postgres: Postgres) -> Iterator[House]:
    postgres.empty()
    with Newsroom("voa") as room:
        house = House(tmp_path / "archive", room).make()
        run("migrate", "-C", str(house.folder), "--to", postgres.address)
        set_settings(house.folder, catalogue="shared")
        yield house


def shared_of(desk: Desk) -> SharedCatalog:
    assert desk.shared is not None
    assert desk.shared.size() == desk.catalog.size() == desk.archive.size
    return desk.shared


def compare(desk: Desk) -> int:
    """Asks both for everything that the log names; how many articles there are."""
    own, shared = desk.catalog, shared_of(desk)
    lines = [line for _, line in desk.archive.lines() if line is not None]
    ids = {line.id for line in lines if line.id}
    assert own.standing(ids) == shared.standing(ids)
    for line in lines:
        keys = [(line.outlet, key) for key in keys_of(line.guids, (line.url, *line.aliases))]
        assert own.key_owners(keys) == shared.key_owners(keys)
        assert own.revisions(line.id) == shared.revisions(line.id)
        for ref in line.media:
            assert own.media(ref.url) == shared.media(ref.url)
        for capture in (line.capture, line.item_capture, *line.captures):
            if capture is not None:
                assert own.capture(capture.record_id) == shared.capture(capture.record_id) is not None
    return len(own.standing(ids))


def test_it_follows_the_log_and_is_rebuilt_to_the_same_answers(house: House) -> None:
    house.sync()
    with house.open() as desk:
        before = compare(desk)
        assert before > 3
        one = next(iter(row for row in desk.catalog.articles(limit=1)))
        shared_of(desk).reset()
    assert "index rebuilt" in run("rebuild", "-C", str(house.folder))
    assert house.sync().counts["new"] == 0
    with house.open() as desk:
        assert compare(desk) == before
    run("withdraw", one.id, "-C", str(house.folder), "--reason", "court")
    with house.open() as desk:
        assert shared_of(desk).article(one.id) is None
        assert shared_of(desk).revisions(one.id) == []
        assert shared_of(desk).find(one.outlet, keys_of([], [one.url])) == []


def test_a_setting_that_means_nothing_is_told(tmp_path: Path, postgres: Postgres) -> None:
    create_archive(tmp_path / "a", origin="test/none")
    set_settings(tmp_path / "a", catalogue="shared")
    with pytest.raises(ConfigError, match="where `database` is set"), open_desk(tmp_path / "a"):
        pass
    set_settings(tmp_path / "a", catalogue="both", database=postgres.address)
    with pytest.raises(ConfigError, match="catalogue = 'both'"), open_desk(tmp_path / "a"):
        pass
