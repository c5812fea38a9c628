"""ports.Accounts, the same for every backend."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from baoguan.backends.memory_accounts import MemoryAccounts
from baoguan.backends.postgres import Link
from baoguan.backends.postgres.accounts import PgAccounts
from baoguan.backends.sqlite.accounts import SqliteAccounts
from baoguan.errors import Conflict, NotFound
from baoguan.model.account import Secret
from baoguan.ports import Accounts
from tests.backends.postgres_server import Postgres

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start("fsync=off")
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def accounts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Accounts]:
    if request.param == "memory":
        yield MemoryAccounts()
        return
    kept: SqliteAccounts | PgAccounts = SqliteAccounts(tmp_path / "private" / "accounts.sqlite")
    if request.param == "postgres":
        kept = PgAccounts(Link(request.getfixturevalue("postgres").address, f"test/accounts{next(NUMBERS)}"))
    yield kept
    kept.close()


def secret(user: int, digest: bytes, kind: str = "token", **fields: object) -> Secret:
    return Secret(user=user, digest=digest, kind=kind, **fields)  # type: ignore[arg-type]


def test_users_by_name_whatever_its_case(accounts: Accounts) -> None:
    lin = accounts.add_user("Lin", "hash", 5)
    accounts.add_user("ada", "other", 6)
    assert accounts.user("LIN") == lin
    assert accounts.user("nobody") is None
    assert [user.name for user in accounts.users()] == ["ada", "Lin"]
    with pytest.raises(Conflict, match="lin"):
        accounts.add_user("lin", "again", 7)


def test_a_new_password_ends_sessions_and_tokens(accounts: Accounts) -> None:
    user = accounts.add_user("lin", "hash", 0).id
    for digest, kind in ((b"a", "app"), (b"s", "session"), (b"t", "token")):
        accounts.put_secret(secret(user, digest, kind))
    accounts.set_password(user, "new")
    assert [one.kind for one in accounts.secrets(user)] == ["app"]
    found = accounts.secret(b"a")
    assert found is not None
    assert found[1].password == "new"
    assert accounts.secret(b"s") is None


def test_secrets_are_bounded_and_end(accounts: Accounts) -> None:
    user = accounts.add_user("lin", "hash", 0).id
    accounts.put_secret(secret(user, b"old", expires_ms=10))
    accounts.put_secret(secret(user, b"app", "app"))
    for number in range(5):
        accounts.put_secret(secret(user, b"%d" % number, expires_ms=100), keep=3, now_ms=50)
    assert [one.digest for one in accounts.secrets(user)] == [b"app", b"2", b"3", b"4"]
    accounts.delete_secret(b"3")
    accounts.delete_secret(b"3")
    assert accounts.secret(b"3") is None


def test_rows_and_their_version(accounts: Accounts) -> None:
    user, other = (accounts.add_user(name, "hash", 0).id for name in ("lin", "ada"))
    start = accounts.version(user)
    assert accounts.put(user, [("mark", "1", b"x"), ("mark", "2", b"y")]) == accounts.version(user) == start + 1
    accounts.put(user, [("mark", "1", None), ("mark", "2", b"z"), ("mark", "9", None)])
    assert accounts.rows(user) == [("mark", "2", b"z")]
    assert (accounts.rows(other), accounts.version(user)) == ([], start + 2)


def test_deleting_leaves_nothing(accounts: Accounts) -> None:
    user = accounts.add_user("lin", "hash", 0).id
    accounts.put(user, [("mark", "1", b"x")])
    accounts.put_secret(secret(user, b"a"))
    accounts.delete_user(user)
    accounts.delete_user(user)
    assert (accounts.users(), accounts.rows(user), accounts.secret(b"a"), accounts.version(user)) == ([], [], None, -1)
    with pytest.raises(NotFound):
        accounts.put(user, [("mark", "1", b"x")])
    assert accounts.add_user("lin", "hash", 0).id != user


def test_no_byte_of_a_deleted_account_stays_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    accounts = SqliteAccounts(path)
    user = accounts.add_user("somebody-unique", "hash", 0).id
    accounts.put(user, [("mark", f"{n:016x}", b"unmistakable value") for n in range(500)])
    accounts.delete_user(user)
    accounts.close()
    data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"unmistakable" not in data
    assert b"somebody-unique" not in data
    assert path.stat().st_mode & 0o777 == 0o600


def test_they_move_between_engines_and_new_users_get_new_numbers(tmp_path: Path, postgres: Postgres) -> None:
    here, there = SqliteAccounts(tmp_path / "a.sqlite"), PgAccounts(Link(postgres.address, "test/moved"))
    back = SqliteAccounts(tmp_path / "b.sqlite")
    gone, user = here.add_user("gone", "hash", 1).id, here.add_user("lin", "hash", 2).id
    here.delete_user(gone)
    here.put_secret(secret(user, b"d\0", "app", label="reader"))
    here.put(user, [("mark", "1", b"\0x"), ("folder", "新聞", b"")])
    there.add_user("old", "x", 3)
    there.load(here.dump())
    back.load(there.dump())
    assert list(here.dump()) == list(there.dump()) == list(back.dump())
    assert there.add_user("ada", "hash", 4).id > user
    for one in (here, there, back):
        one.close()


def test_two_servers_share_marks(postgres: Postgres) -> None:
    one, other = (PgAccounts(Link(postgres.address, "test/shared")) for _ in range(2))
    user = one.add_user("lin", "hash", 0).id
    threads = [
        threading.Thread(target=lambda who=who, n=n: who.put(user, [("mark", str(n), b"x")]))
        for n, who in enumerate([one, other] * 10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.version(user) == other.version(user) == 20
    assert len(one.rows(user)) == 20
    assert one.rows(user) == other.rows(user)
    one.close()
    other.close()
