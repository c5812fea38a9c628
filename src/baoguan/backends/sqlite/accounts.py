"""Accounts in private/accounts.sqlite: a small file of its own, so that the archive stays as it is.

secure_delete is on (see `connect`): what a deleted account held is overwritten.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from baoguan.backends.sqlite import connect, transaction
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.errors import Conflict, NotFound
from baoguan.model.account import Secret, User

FILE = "private/accounts.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS user (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE NOCASE, password TEXT, created_ms INTEGER,
  version INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS secret (
  n INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB UNIQUE, user INTEGER, kind TEXT, label TEXT, created_ms INTEGER,
  expires_ms INTEGER);
CREATE INDEX IF NOT EXISTS secret_user ON secret (user, kind, n);
CREATE TABLE IF NOT EXISTS item (
  user INTEGER, kind TEXT, key TEXT, value BLOB, PRIMARY KEY (user, kind, key)) WITHOUT ROWID;
"""
_USER = "id, name, password, created_ms"
_COLUMNS = "digest, user, kind, label, created_ms, expires_ms"


class SqliteAccounts:
    """ports.Accounts in one file. Usable from any thread; the lock guards the connection."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._lock = threading.Lock()
        self._db = connect(path, SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, transaction(self._db):
            yield self._db

    def _all(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def users(self) -> list[User]:
        """As ports.Accounts."""
        return [_user(row) for row in self._all(f"SELECT {_USER} FROM user ORDER BY lower(name)")]  # noqa: S608

    def user(self, name: str) -> User | None:
        """As ports.Accounts."""
        rows = self._all(f"SELECT {_USER} FROM user WHERE name = ?", name)  # noqa: S608
        return _user(rows[0]) if rows else None

    def add_user(self, name: str, password: str, created_ms: int) -> User:
        """As ports.Accounts."""
        try:
            with self._transaction() as db:
                cursor = db.execute(
                    "INSERT INTO user (name, password, created_ms) VALUES (?,?,?)", (name, password, created_ms)
                )
                return User(id=int(cursor.lastrowid or 0), name=name, password=password, created_ms=created_ms)
        except sqlite3.IntegrityError as error:
            raise Conflict(f"user {name}: there is one of that name already") from error

    def set_password(self, user: int, password: str) -> None:
        """As ports.Accounts."""
        with self._transaction() as db:
            db.execute("UPDATE user SET password = ? WHERE id = ?", (password, user))
            db.execute("DELETE FROM secret WHERE user = ? AND kind != 'app'", (user,))

    def delete_user(self, user: int) -> None:
        """As ports.Accounts; the file is written anew and its log folded in, so that no older page is left of it."""
        with self._transaction() as db:
            db.execute("DELETE FROM item WHERE user = ?", (user,))
            db.execute("DELETE FROM secret WHERE user = ?", (user,))
            db.execute("DELETE FROM user WHERE id = ?", (user,))
        with self._lock:
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def secret(self, digest: bytes) -> tuple[Secret, User] | None:
        """As ports.Accounts."""
        rows = self._all(
            "SELECT s.digest, s.user, s.kind, s.label, s.created_ms, s.expires_ms, u.id, u.name, u.password,"
            " u.created_ms FROM secret s JOIN user u ON u.id = s.user WHERE s.digest = ?",
            digest,
        )
        return (_secret(rows[0][:6]), _user(rows[0][6:])) if rows else None

    def secrets(self, user: int) -> list[Secret]:
        """As ports.Accounts."""
        rows = self._all(f"SELECT {_COLUMNS} FROM secret WHERE user = ? ORDER BY n", user)  # noqa: S608
        return [_secret(row) for row in rows]

    def put_secret(self, secret: Secret, *, keep: int = 0, now_ms: int = 0) -> None:
        """As ports.Accounts."""
        with self._transaction() as db:
            db.execute("DELETE FROM secret WHERE expires_ms > 0 AND expires_ms <= ?", (now_ms,))
            db.execute(
                f"INSERT OR REPLACE INTO secret ({_COLUMNS}) VALUES (?,?,?,?,?,?)",  # noqa: S608
                (secret.digest, secret.user, secret.kind, secret.label, secret.created_ms, secret.expires_ms),
            )
            if keep:
                db.execute(
                    "DELETE FROM secret WHERE user = ?1 AND kind = ?2 AND n NOT IN"
                    " (SELECT n FROM secret WHERE user = ?1 AND kind = ?2 ORDER BY n DESC LIMIT ?3)",
                    (secret.user, secret.kind, keep),
                )

    def delete_secret(self, digest: bytes) -> None:
        """As ports.Accounts."""
        with self._transaction() as db:
            db.execute("DELETE FROM secret WHERE digest = ?", (digest,))

    def version(self, user: int) -> int:
        """As ports.Accounts."""
        rows = self._all("SELECT version FROM user WHERE id = ?", user)
        return int(str(rows[0][0])) if rows else -1

    def rows(self, user: int) -> list[tuple[str, str, bytes]]:
        """As ports.Accounts."""
        return self._all("SELECT kind, key, value FROM item WHERE user = ? ORDER BY kind, key", user)  # type: ignore[return-value]

    def put(self, user: int, rows: Iterable[tuple[str, str, bytes | None]]) -> int:
        """As ports.Accounts."""
        given = list(rows)
        with self._transaction() as db:
            found = db.execute(
                "UPDATE user SET version = version + 1 WHERE id = ? RETURNING version", (user,)
            ).fetchall()
            if not found:
                raise NotFound(f"user {user} is deleted")
            db.executemany(
                "DELETE FROM item WHERE user = ? AND kind = ? AND key = ?",
                [(user, kind, key) for kind, key, value in given if value is None],
            )
            db.executemany(
                "INSERT OR REPLACE INTO item VALUES (?,?,?,?)",
                [(user, kind, key, value) for kind, key, value in given if value is not None],
            )
            return int(found[0][0])

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """(table, row) of everything, as `load` of any engine takes it."""
        for table, sql in (
            ("account", "SELECT id, name, password, created_ms, version FROM user ORDER BY id"),
            ("secret", f"SELECT {_COLUMNS} FROM secret ORDER BY n"),  # noqa: S608 - our own columns
            ("mark", "SELECT user, kind, key, value FROM item ORDER BY 1, 2, 3"),
        ):
            yield from ((table, row) for row in self._all(sql))

    def load(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Takes what other accounts dumped, in place of what is here."""
        into = {
            "account": "user (id, name, password, created_ms, version)",
            "secret": f"secret ({_COLUMNS})",
            "mark": "item",
        }
        with self._transaction() as db:
            for table in ("user", "secret", "item"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            for table, row in rows:
                marks = ",".join("?" * len(row))
                db.execute(f"INSERT INTO {into[table]} VALUES ({marks})", row)  # noqa: S608 - our own names


def _user(row: tuple[object, ...]) -> User:
    return User(**dict(zip(("id", "name", "password", "created_ms"), row, strict=True)))  # type: ignore[arg-type]


def _secret(row: tuple[object, ...]) -> Secret:
    return Secret(**dict(zip(_COLUMNS.split(", "), row, strict=True)))  # type: ignore[arg-type]
