"""An archive of the fake newsroom, served by a real process to real clients."""

import gzip
import http.client
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest

from baoguan import config
from baoguan.app import OutletEntry, create_archive, open_desk
from baoguan.backends.clock import SystemClock, SystemEntropy
from baoguan.indexing import index_new
from baoguan.ingest import sync
from baoguan.web.accounts_login import Doorkeeper
from baoguan.web.accounts_store import open_accounts
from newsroom import Newsroom

NAME, PASSWORD = "lin", "灯塔 is lit again"


class Answer(msgspec.Struct, frozen=True):
    """What came back, decompressed."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """A server process over an archive, the names of an account, and a way to ask."""

    def __init__(self, folder: Path, app_password: str, *options: str) -> None:
        self.folder, self.app_password = folder, app_password
        command = [sys.executable, "-m", "baoguan", "serve", "-C", str(folder), "--no-sync", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("http"), self.process.communicate()[1]
        self.url = line.split()[0].rstrip("/")
        self.auth = ""

    def ask(
        self, path: str, method: str = "GET", form: Any = None, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request: `form` as urlencoded fields, `body` as JSON."""
        sent = {"accept-encoding": "gzip", **({"authorization": self.auth} if self.auth else {}), **(headers or {})}
        data = b""
        if form is not None:
            data, method = urlencode(form, doseq=True).encode(), "POST" if method == "GET" else method
            sent["content-type"] = "application/x-www-form-urlencoded"
        elif body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            connection.request(method, path, data, sent)
            got = connection.getresponse()
            raw = got.read()
            fields = {name.lower(): value for name, value in got.getheaders()}
            cookies = tuple(value for name, value in got.getheaders() if name.lower() == "set-cookie")
            plain = gzip.decompress(raw) if fields.get("content-encoding") == "gzip" and raw else raw
            return Answer(got.status, fields, plain, cookies)
        finally:
            connection.close()

    def login(self) -> None:
        """By ClientLogin, as the apps do."""
        got = self.ask("/accounts/ClientLogin", form={"Email": NAME, "Passwd": self.app_password})
        assert got.status == 200, got.text
        self.auth = "GoogleLogin auth=" + re.search(r"^Auth=(.+)$", got.text, re.M)[1]

    def close(self) -> str:
        """Ends the process; what it said on standard error."""
        self.process.terminate()
        return self.process.communicate(timeout=20)[1]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the newsroom's outlets with pictures; one headline edited."""
    folder = tmp_path_factory.mktemp("apps") / "archive"
    with Newsroom() as room:
        entries = [
            OutletEntry(
                key=key, name=desk.name, home=room.url(key), feeds=(room.feed_url(key), room.feed_url(key, "atom.xml"))
            )
            for key, desk in room.desks.items()
        ]
        fetch = {"allow_networks": ["127.0.0.0/8"], "pace_s": 0.0, "min_free_mb": 1}
        create_archive(folder, origin="apps.example/log", entries=entries, fetch=fetch)
        with open_desk(folder, durable=False) as desk:
            assert sync(desk).counts["new"] > 10
            index_new(desk)
    return folder


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "archive"))


def add_user(folder: Path, name: str = NAME, password: str = PASSWORD) -> str:
    """Makes an account; returns an app password."""
    accounts = open_accounts(folder, config.load(config.read_file(folder)))
    try:
        door = Doorkeeper(accounts, SystemClock(), SystemEntropy())
        return door.app_password(door.add(name, password), "test")
    finally:
        accounts.close()


@pytest.fixture
def site(archive: Path) -> Iterator[Site]:
    """The copy, served, with one account, logged in."""
    served = Site(archive, add_user(archive))
    served.login()
    yield served
    assert "Traceback" not in served.close()
