"""Accounts in PostgreSQL, so that several web servers of one archive share marks and sessions.

The server's write-ahead log and its own backups hold what was deleted until they are recycled: docs/operate.md.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from baoguan.backends.postgres import Link, failure
from baoguan.backends.postgres.settling import run_rows
from baoguan.errors import Conflict, NotFound
from baoguan.model.account import Secret, User

TABLES = ("account", "secret", "mark")
_USER = "id, name, password, created_ms"
_COLUMNS = "digest, account, kind, label, created_ms, expires_ms"
_PUT_SECRET = f"""
INSERT INTO secret ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (digest) DO UPDATE SET n = DEFAULT,
  account = excluded.account, kind = excluded.kind, label = excluded.label, created_ms = excluded.created_ms,
  expires_ms = excluded.expires_ms
"""  # noqa: S608 - our own columns
_KEEP = """
DELETE FROM secret WHERE account = %(user)s AND kind = %(kind)s AND n NOT IN
  (SELECT n FROM secret WHERE account = %(user)s AND kind = %(kind)s ORDER BY n DESC LIMIT %(keep)s)
"""
_PUT = """
INSERT INTO mark SELECT r.account, r.kind, r.key, r.value
  FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::bytea[]) AS r (account, kind, key, value)
ON CONFLICT (account, kind, key) DO UPDATE SET value = excluded.value
"""
_REMOVE = """
DELETE FROM mark USING unnest(%b::bigint[], %b::text[], %b::text[]) AS r (account, kind, key)
WHERE mark.account = r.account AND mark.kind = r.kind AND mark.key = r.key
"""


class PgAccounts:
    """ports.Accounts over one connection, which a lock guards; a lost one is made anew by the next call."""

    def __init__(self, link: Link) -> None:
        self._link, self._lock = link, threading.Lock()
        link.prepare()

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._link.close()

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        with self._lock:
            try:
                with self._link.db.transaction():
                    yield self._link.db
            except psycopg.Error as error:
                raise failure(error) from error

    def _all(self, sql: str, *given: object) -> list[tuple[Any, ...]]:
        with self._transaction() as db:
            return db.execute(sql.encode(), given).fetchall()

    def users(self) -> list[User]:
        """As ports.Accounts."""
        sql = f'SELECT {_USER} FROM account ORDER BY lower(name) COLLATE "C"'  # noqa: S608 - our own columns
        return [_user(row) for row in self._all(sql)]

    def user(self, name: str) -> User | None:
        """As ports.Accounts."""
        rows = self._all(f"SELECT {_USER} FROM account WHERE lower(name) = lower(%s)", name)  # noqa: S608
        return _user(rows[0]) if rows else None

    def add_user(self, name: str, password: str, created_ms: int) -> User:
        """As ports.Accounts."""
        sql = "INSERT INTO account (name, password, created_ms) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING id"
        rows = self._all(sql, name, password, created_ms)
        if not rows:
            raise Conflict(f"user {name}: there is one of that name already")
        return User(id=int(rows[0][0]), name=name, password=password, created_ms=created_ms)

    def set_password(self, user: int, password: str) -> None:
        """As ports.Accounts."""
        with self._transaction() as db:
            db.execute("UPDATE account SET password = %s WHERE id = %s", (password, user))
            db.execute("DELETE FROM secret WHERE account = %s AND kind <> 'app'", (user,))

    def delete_user(self, user: int) -> None:
        """As ports.Accounts; the tables' files are written anew without the rows."""
        with self._transaction() as db:
            db.execute("DELETE FROM mark WHERE account = %s", (user,))
            db.execute("DELETE FROM secret WHERE account = %s", (user,))
            db.execute("DELETE FROM account WHERE id = %s", (user,))
        with self._lock:
            try:
                for table in TABLES:
                    self._link.db.execute(f"VACUUM FULL {table}".encode())
            except psycopg.Error as error:
                raise failure(error) from error

    def secret(self, digest: bytes) -> tuple[Secret, User] | None:
        """As ports.Accounts."""
        rows = self._all(
            "SELECT s.digest, s.account, s.kind, s.label, s.created_ms, s.expires_ms, u.id, u.name, u.password,"
            " u.created_ms FROM secret s JOIN account u ON u.id = s.account WHERE s.digest = %s",
            digest,
        )
        return (_secret(rows[0][:6]), _user(rows[0][6:])) if rows else None

    def secrets(self, user: int) -> list[Secret]:
        """As ports.Accounts."""
        rows = self._all(f"SELECT {_COLUMNS} FROM secret WHERE account = %s ORDER BY n", user)  # noqa: S608
        return [_secret(row) for row in rows]

    def put_secret(self, secret: Secret, *, keep: int = 0, now_ms: int = 0) -> None:
        """As ports.Accounts."""
        with self._transaction() as db:
            db.execute("DELETE FROM secret WHERE expires_ms > 0 AND expires_ms <= %s", (now_ms,))
            db.execute(
                _PUT_SECRET,
                (secret.digest, secret.user, secret.kind, secret.label, secret.created_ms, secret.expires_ms),
            )
            if keep:
                db.execute(_KEEP, {"user": secret.user, "kind": secret.kind, "keep": keep})

    def delete_secret(self, digest: bytes) -> None:
        """As ports.Accounts."""
        with self._transaction() as db:
            db.execute("DELETE FROM secret WHERE digest = %s", (digest,))

    def version(self, user: int) -> int:
        """As ports.Accounts."""
        rows = self._all("SELECT version FROM account WHERE id = %s", user)
        return int(rows[0][0]) if rows else -1

    def rows(self, user: int) -> list[tuple[str, str, bytes]]:
        """As ports.Accounts."""
        sql = 'SELECT kind, key, value FROM mark WHERE account = %s ORDER BY kind COLLATE "C", key COLLATE "C"'
        return [(str(kind), str(key), bytes(value)) for kind, key, value in self._all(sql, user)]

    def put(self, user: int, rows: Iterable[tuple[str, str, bytes | None]]) -> int:
        """As ports.Accounts. The user's row is locked first: of two servers one waits for the other."""
        last = {(kind, key): value for kind, key, value in rows}
        with self._transaction() as db:
            sql = "UPDATE account SET version = version + 1 WHERE id = %s RETURNING version"
            found = db.execute(sql, (user,)).fetchone()
            if found is None:
                raise NotFound(f"user {user} is deleted")
            run_rows(db, _REMOVE, [(user, kind, key) for (kind, key), value in last.items() if value is None])
            kept = [(user, kind, key, value) for (kind, key), value in last.items() if value is not None]
            run_rows(db, _PUT, kept)
            return int(found[0])

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """(table, row) of everything, as `load` of any engine takes it."""
        for table, sql in (
            ("account", "SELECT id, name, password, created_ms, version FROM account ORDER BY id"),
            ("secret", f"SELECT {_COLUMNS} FROM secret ORDER BY n"),  # noqa: S608 - our own columns
            ("mark", "SELECT account, kind, key, value FROM mark ORDER BY 1, 2, 3"),
        ):
            yield from ((table, row) for row in self._all(sql))

    def load(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Takes what other accounts dumped, in place of what is here."""
        into = {
            "account": "account (id, name, password, created_ms, version) OVERRIDING SYSTEM VALUE",
            "secret": f"secret ({_COLUMNS})",
            "mark": "mark",
        }
        with self._transaction() as db:
            db.execute("TRUNCATE account, secret, mark")
            for table, row in rows:
                marks = ", ".join(["%s"] * len(row))
                db.execute(f"INSERT INTO {into[table]} VALUES ({marks})".encode(), row)  # noqa: S608 - our own names
            db.execute(
                "SELECT setval(pg_get_serial_sequence('account', 'id'),"
                " greatest((SELECT max(id) FROM account), nextval(pg_get_serial_sequence('account', 'id'))))"
            )


def _user(row: tuple[Any, ...]) -> User:
    return User(**dict(zip(("id", "name", "password", "created_ms"), row, strict=True)))


def _secret(row: tuple[Any, ...]) -> Secret:
    names = ("digest", "user", "kind", "label", "created_ms", "expires_ms")
    return Secret(**dict(zip(names, row, strict=True)))
