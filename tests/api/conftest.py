"""An archive with everything the API tells of, and the reader over it on a real socket."""

import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from ingest_house import House, item, page

from baoguan.desk import Desk
from baoguan.indexing import index_new
from baoguan.web.desk_source import open_reader
from baoguan.web.serve import address, listen
from baoguan.withdrawing import withdraw
from newsroom import Newsroom, acts


class Site(NamedTuple):
    """The archive and its address."""

    house: House
    url: str
    withdrawn: str
    edited: str


def fill(house: House) -> tuple[str, str]:
    """(a withdrawn article, an edited one) beside the newsroom's own."""
    url, gone = house.room.url("rfi", "/story"), house.room.url("rfi", "/gone")
    for said in ("三千", "四千"):
        house.feed("rfi", item("新码头七月启用", url), item("将被撤下的文章", gone))
        for where, title in ((url, f"新码头七月启用 {said}"), (gone, "将被撤下的文章")):
            text = f"港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客{said}人次，成为本市第三座客运码头。"
            house.room.behave(where)
            house.room.act(where, acts.answer(200, page(title, *[text] * 3), content_type="text/html"))
        house.clock.ahead += timedelta(hours=3)
        house.sync()
    with house.open() as desk:
        (row,) = [row for row in desk.catalog.articles(limit=1000) if row.title == "将被撤下的文章"]
        (edited,) = [row for row in desk.catalog.articles(limit=1000) if "新码头七月启用" in row.title]
        withdraw(desk, [row.id], reason="court")
        index_new(desk)
    return row.id, edited.id


class _Serving:
    def __init__(self, desk: Desk) -> None:
        self._listening = listen("127.0.0.1", 0)
        self.url = address(self._listening)
        config = uvicorn.Config(open_reader(desk), log_level="error", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._listening.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("api") / "archive"
    with Newsroom("voa", "rfi") as room:
        house = House(folder, room).make()
        house.sync()
        withdrawn, edited = fill(house)
        with house.open(asks_a_second=10_000.0, searches_a_second=10_000.0) as desk:
            serving = _Serving(desk)
            try:
                yield Site(house, serving.url, withdrawn, edited)
            finally:
                serving.close()
