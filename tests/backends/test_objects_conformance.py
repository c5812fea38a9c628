"""One suite over every object store and head: memory, files, S3 (moto's server, Ceph's); heads in PostgreSQL too."""

import errno
import itertools
import os

import pytest

from baoguan.backends import files as files_module
from baoguan.backends.files import FileHead, FileLock, FileObjects
from baoguan.backends.memory import MemoryHead, MemoryObjects
from baoguan.backends.postgres import Link
from baoguan.backends.postgres.head import PgHead, PgLock
from baoguan.backends.s3.objects import S3Head, S3Objects, open_bucket
from baoguan.errors import ConfigError, Conflict, DiskFull, NotFound, StoreError
from tests.backends.postgres_server import Postgres
from tests.backends.s3_servers import KINDS, make_bucket, serve_s3

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def moto():
    with serve_s3("moto") as endpoint:
        yield endpoint


def make_store(kind, request):
    """A bucket of its own, under a prefix."""
    name = f"test-{next(NUMBERS)}"
    if kind == "moto":
        endpoint = request.getfixturevalue("moto")
    else:
        with serve_s3("radosgw") as endpoint:
            pass
    make_bucket(endpoint, name)
    return open_bucket(f"s3://{name}/some/where", key="key", secret="secret", endpoint=endpoint)


@pytest.fixture(params=KINDS)
def bucket(request):
    return make_store(request.param, request)


@pytest.fixture(params=["memory", "files", "files-no-syncfs", *KINDS])
def objects(request, tmp_path, monkeypatch):
    if request.param in KINDS:
        store = S3Objects(make_store(request.param, request))
        store.check_conditions()
        return store
    if request.param == "memory":
        return MemoryObjects()
    if request.param == "files-no-syncfs":
        monkeypatch.setattr(files_module, "SYNCFS", None)
    return FileObjects(tmp_path / "public")


@pytest.fixture(scope="module")
def postgres():
    server = Postgres().start("fsync=off")
    yield server
    server.stop()


@pytest.fixture
def row(postgres):
    """A head in PostgreSQL, under the write lock of its session."""
    link = Link(postgres.address, f"test/head{next(NUMBERS)}")
    link.prepare()
    lock = PgLock(link)
    with lock:
        yield PgHead(link, MemoryHead(), lock)
    link.close()


@pytest.fixture(params=["memory", "files", "postgres", *KINDS])
def head(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("row")
    if request.param in KINDS:
        return S3Head(make_store(request.param, request))
    if request.param == "memory":
        return MemoryHead()
    return FileHead(tmp_path / "public" / "checkpoint", FileLock(tmp_path / "state" / "lock"))


def test_write_once(objects):
    assert objects.put_new("a/b/c", b"one") is True
    assert objects.put_new("a/b/c", b"one") is False
    with pytest.raises(Conflict, match="a/b/c"):
        objects.put_new("a/b/c", b"two")
    assert objects.get("a/b/c") == b"one"
    objects.replace("a/b/c", b"two")
    objects.replace("new", iter([b"in", b"", b" parts"]))
    assert objects.get("new") == b"in parts"
    objects.replace("new", b"")
    assert (objects.get("a/b/c"), objects.get("new")) == (b"two", b"")
    objects.sync(["a/b/c", "new"])


def test_a_listed_name_is_written_once(objects):
    assert objects.put_listed("l/b/c", b"one") is True
    assert objects.put_listed("l/b/c", b"one") is False
    with pytest.raises(Conflict, match="l/b/c"):
        objects.put_listed("l/b/c", b"two")
    assert objects.get("l/b/c") == b"one"
    objects.delete("l/b/c")
    assert objects.put_listed("l/b/c", b"again") is True
    for path in ("../x", "a//b", "/a", "a/", ".", "", "a/./b", "a\\b", "a\0b"):
        with pytest.raises(StoreError):
            objects.put_listed(path, b"x")


def test_a_file_is_moved_in(objects, tmp_path):
    for turn, new in enumerate((True, False)):
        source = tmp_path / f"source{turn}"
        source.write_bytes(b"data")
        assert objects.put_file("x/y", str(source)) is new
    other = tmp_path / "other"
    other.write_bytes(b"other")
    with pytest.raises(Conflict):
        objects.put_file("x/y", str(other))
    assert objects.get("x/y") == b"data"


def test_several_at_once_come_in_their_order(objects):
    sizes = (0, 1, 4095, 4096, 16_384, 16_385, 65_536, 70_001, *range(2, 60))
    kept = {f"e/{size % 3}/{size}": bytes(range(256)) * (size // 256) + bytes(size % 256) for size in sizes}
    for path, data in kept.items():
        objects.put_new(path, data)
    asked = [
        path for pair in zip(reversed(kept), (f"e/0/none{n}" for n in range(len(kept))), strict=True) for path in pair
    ]
    assert list(objects.get_each(asked)) == [kept.get(path) for path in asked]
    assert list(objects.get_each(["e/missing/1", "e/1/1", "e/1/1"])) == [None, b"\0", b"\0"]
    assert list(objects.get_each([])) == []
    for path in ("../x", "e/1/..", "e/1/a\\b", "/e/1/1", "e/1/", ""):
        with pytest.raises(StoreError):
            list(objects.get_each(["e/1/1", path]))


def test_what_is_not_known_is_listed(objects):
    assert list(objects.list_unknown(set())) == []
    paths = ("a/b/1", "a/b/2", "a/b/c/1", "a/2", "top", "d/1")
    for path in paths:
        objects.put_new(path, b"x")
    assert sorted(objects.list_unknown(set())) == sorted(paths)
    for known in ({"a/b/1", "a/b/2"}, {"top"}, {"a/b/c/1", "a/2", "d/1"}, {"a/b/1", "a/b/c/1", "d"}, set(paths)):
        found = list(objects.list_unknown({hash(path) for path in known}))
        assert sorted(found) == sorted(set(paths) - known)


def test_ranges_and_sizes(objects):
    objects.put_new("r", b"0123456789")
    assert objects.get("r", 3) == b"3456789"
    assert objects.get("r", 3, 4) == b"3456"
    assert objects.get("r", 8, 100) == b"89"
    assert objects.get("r", 20, 5) == b""
    assert objects.size("r") == 10
    for call in (objects.get, objects.size):
        with pytest.raises(NotFound):
            call("absent")
    with pytest.raises(NotFound):
        objects.get("r/below")


def test_lists_are_sorted_and_go_on_after_a_key(objects):
    names = ["a-b/1", "a/10", "a/2", "a/b/c", "a.txt", "b", "ab/1"]
    for name in names:
        objects.put_new(name, b"x")
    assert list(objects.list("")) == sorted(names)
    assert list(objects.list("a")) == ["a/10", "a/2", "a/b/c"]
    assert list(objects.list("a/")) == ["a/10", "a/2", "a/b/c"]
    for after in [*names, "a", "a/", "a/b", "zzz", "a/3"]:
        assert list(objects.list("", after)) == [name for name in sorted(names) if name > after]
    assert list(objects.list("absent")) == []


def test_deleting(objects):
    objects.put_new("d/e/f", b"x")
    objects.delete("d/e/f")
    objects.delete("d/e/f")
    objects.delete("never/there")
    assert not objects.exists("d/e/f")
    assert objects.put_new("d/e/f", b"y")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\0b", "a\\b"])
def test_paths_stay_inside(objects, path):
    for call in (
        lambda: objects.put_new(path, b"x"),
        lambda: objects.get(path),
        lambda: objects.delete(path),
        lambda: objects.replace(path, b"x"),
        lambda: objects.exists(path),
    ):
        with pytest.raises(StoreError):
            call()


def test_the_head_moves_only_from_where_it_is(head):
    assert head.read() is None
    head.replace(None, b"one")
    with pytest.raises(Conflict):
        head.replace(None, b"two")
    with pytest.raises(Conflict):
        head.replace(b"zero", b"two")
    head.replace(b"one", b"two")
    assert head.read() == b"two"


def test_two_writers_of_one_head(bucket):
    """One wins, the other is told; a large object goes in parts."""
    one, other = S3Head(bucket), S3Head(bucket)
    one.replace(None, b"a")
    other.replace(b"a", b"b")
    with pytest.raises(Conflict):
        one.replace(b"a", b"c")
    large = os.urandom(12_000_000)
    objects = S3Objects(bucket)
    assert objects.put_new("large", large)
    assert not objects.put_new("large", large)
    assert objects.get("large", 11_999_990) == large[-10:]


@pytest.mark.parametrize("url", ["http://bucket", "s3://", "bucket"])
def test_a_wrong_name_of_a_bucket_is_said(url):
    with pytest.raises(ConfigError, match="s3://BUCKET"):
        open_bucket(url)
    with pytest.raises(ConfigError, match="loopback"):
        open_bucket("s3://bucket", endpoint="http://example.org")


def test_files_are_not_writable_and_leave_nothing_beside_them(tmp_path):
    objects = FileObjects(tmp_path / "public")
    objects.put_new("a/b", b"x")
    assert (tmp_path / "public/a/b").stat().st_mode & 0o777 == 0o444 & ~_umask()
    assert [path.name for path in (tmp_path / "public").rglob("*")] == ["a", "b"]
    assert list((tmp_path / "state/tmp").iterdir()) == []
    objects.delete("a/b")
    assert list((tmp_path / "public").iterdir()) == []


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    objects = FileObjects(tmp_path / "public")

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files_module, "write_all", full)
    for call in (objects.put_new, objects.replace, objects.put_listed):
        with pytest.raises(DiskFull, match="no room"):
            call("a/b", b"x")
    assert not objects.exists("a/b")
    assert list((tmp_path / "state/tmp").iterdir()) == []
    head = FileHead(tmp_path / "public/checkpoint", FileLock(tmp_path / "state/lock"))
    with pytest.raises(DiskFull):
        head.replace(None, b"x")
    assert head.read() is None


def test_the_lock_can_be_taken_again_by_its_thread(tmp_path):
    lock = FileLock(tmp_path / "lock", timeout_s=0.05)
    with lock, lock, pytest.raises(StoreError, match=f"process {os.getpid()}"):
        FileLock(tmp_path / "lock", timeout_s=0.05).__enter__()
    with FileLock(tmp_path / "lock", timeout_s=0.05):
        pass
