"""An archive whose public/ is a bucket: the same checkpoint as in a folder, moved there and back, read by a mirror."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from baoguan.app import create_archive, open_desk, set_settings
from baoguan.cli.main import cli
from baoguan.errors import StoreError
from baoguan.finding import find
from baoguan.importing import import_path
from baoguan.indexing import index_new
from tests.backends.s3_servers import KINDS, client, make_bucket, serve_s3


class Dice:
    """Entropy that gives the same twice."""

    def __init__(self) -> None:
        self._dice = random.Random(5)

    def token_bytes(self, size: int) -> bytes:
        return self._dice.randbytes(size)

    def uniform(self, low: float, high: float) -> float:
        return self._dice.uniform(low, high)


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        del seconds


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve_s3(request.param) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def open_to_all(server: str, folder: Path) -> None:
    """What a bucket policy does: anybody may read every object."""
    with open_desk(folder) as desk:
        for path in desk.archive.objects.list(""):
            client(server).put_object_acl(Bucket="open", Key=f"news/{path}", ACL="public-read")


def tree(folder: Path) -> Path:
    for number in range(12):
        path = folder / "articles" / "voa" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f"<!--{1600000000000 + number}-->\n[标题{number}](https://www.voachinese.com/a/{number}.html)\n------\n\n<p>正文第{number}条。</p>\n"
        path.write_text(text, "utf-8")
    return folder


def run(*args: str) -> str:
    result = CliRunner().invoke(cli, args, catch_exceptions=False, standalone_mode=False)
    assert not result.return_value, result.output
    return result.output


def filled(folder: Path, source: Path) -> bytes:
    """The checkpoint after one import with the same clock, key and chance."""
    with open_desk(folder, clock=Still(), entropy=Dice()) as desk:
        import_path(desk, source)
        index_new(desk)
        assert find(desk, "正文").total == 12
        note = desk.archive.head.read()
        assert note is not None
        return note


def test_a_bucket_and_a_folder_give_the_same_checkpoint(tmp_path: Path, server: str):
    make_bucket(server, "same")
    source = tree(tmp_path / "tree")
    notes = []
    for name in ("files", "bucket"):
        create_archive(tmp_path / name, origin="example.org/same", entropy=Dice())
        if name == "bucket":
            set_settings(tmp_path / name, objects="s3://same/news", s3_endpoint=server)
        notes.append(filled(tmp_path / name, source))
    assert notes[0] == notes[1]
    assert not (tmp_path / "bucket" / "public" / "checkpoint").exists()
    assert "everything stands" in run("verify", "-C", str(tmp_path / "bucket"))


def test_a_public_bucket_is_a_mirror(tmp_path: Path, server: str):
    make_bucket(server, "open")
    folder = tmp_path / "archive"
    create_archive(folder, origin="example.org/open")
    set_settings(folder, objects="s3://open/news", s3_endpoint=server)
    filled(folder, tree(tmp_path / "tree"))
    open_to_all(server, folder)
    run("mirror", "pull", f"{server}/open/news", str(tmp_path / "mirror"), "--allow", "127.0.0.0/8")
    assert "everything stands" in run("verify", "-C", str(tmp_path / "mirror"))


def test_there_and_back(tmp_path: Path, server: str):
    make_bucket(server, "moved")
    folder = tmp_path / "archive"
    create_archive(folder, origin="example.org/moved")
    filled(folder, tree(tmp_path / "tree"))
    before = {path.relative_to(folder): path.read_bytes() for path in (folder / "public").rglob("*") if path.is_file()}
    assert "read back and the same" in run("migrate", "-C", str(folder), "--to", "s3://moved", "--endpoint", server)
    (folder / "public").rename(tmp_path / "old")
    (folder / "public").mkdir()
    assert "everything stands" in run("verify", "-C", str(folder))
    assert "标题3" in run("ls", "-C", str(folder))
    run("migrate", "-C", str(folder), "--to", "files")
    after = {path.relative_to(folder): path.read_bytes() for path in (folder / "public").rglob("*") if path.is_file()}
    assert after == before
    with open_desk(folder) as desk:
        assert import_path(desk, tmp_path / "tree").added == 0


def test_without_a_bucket_it_is_one_line(tmp_path: Path, server: str):
    folder = tmp_path / "archive"
    create_archive(folder, origin="example.org/none")
    set_settings(folder, objects="s3://not-there", s3_endpoint=server)
    with pytest.raises(StoreError, match="no such bucket"), open_desk(folder):
        pass
