"""PostgreSQL: crawl state, the head and the write lock of one archive, shared by workers on many machines.

Every archive has a schema of its own, named after its log. State is changed by numbered steps; what is derived is not
kept here at all. Tested with PostgreSQL 15.
"""

import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from baoguan.errors import ConfigError, StoreError

R = TypeVar("R")
STEPS = (
    """
    CREATE TABLE feed (url text PRIMARY KEY, outlet text NOT NULL, host text NOT NULL, at_ms bigint NOT NULL,
      next_ms bigint NOT NULL, not_before_ms bigint NOT NULL, lease_ms bigint NOT NULL, state bytea NOT NULL)
      WITH (fillfactor = 80);
    CREATE INDEX feed_at ON feed (at_ms);
    CREATE TABLE host (key text PRIMARY KEY, free_ms bigint NOT NULL DEFAULT 0, not_before_ms bigint NOT NULL DEFAULT 0)
      WITH (fillfactor = 70);
    CREATE TABLE pending (key text PRIMARY KEY, feed text NOT NULL, feed_ms bigint NOT NULL, next_ms bigint NOT NULL,
      lease_ms bigint NOT NULL DEFAULT 0, item bytea NOT NULL);
    CREATE INDEX pending_next ON pending (next_ms);
    CREATE INDEX pending_feed ON pending (feed, feed_ms);
    CREATE TABLE print (key text PRIMARY KEY, print bytea NOT NULL);
    CREATE TABLE recheck (id text PRIMARY KEY, step integer NOT NULL, next_ms bigint NOT NULL);
    CREATE INDEX recheck_next ON recheck (next_ms);
    CREATE TABLE note (at_ms bigint NOT NULL, outlet text NOT NULL, text text NOT NULL, UNIQUE (outlet, text));
    CREATE TABLE picture (url text PRIMARY KEY, article text NOT NULL, tries integer NOT NULL, next_ms bigint NOT NULL);
    CREATE INDEX picture_next ON picture (next_ms);
    CREATE TABLE awaited (url text, article text, PRIMARY KEY (url, article));
    CREATE TABLE kv (key text PRIMARY KEY, value bytea NOT NULL);
    CREATE TABLE head (one boolean PRIMARY KEY DEFAULT true CHECK (one), note bytea NOT NULL);
    CREATE TABLE staged (batch text PRIMARY KEY, list bytea NOT NULL);
    """,
    "CREATE TABLE counter (name text PRIMARY KEY, n bigint NOT NULL)",
    """
    CREATE TABLE outbox (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, size integer NOT NULL,
      failed text NOT NULL DEFAULT '', body bytea NOT NULL);
    CREATE INDEX outbox_open ON outbox (n) WHERE failed = '';
    ALTER TABLE outbox ALTER body SET STORAGE EXTERNAL;
    CREATE TABLE part (n bigint REFERENCES outbox ON DELETE CASCADE, sha256 text, data bytea NOT NULL,
      PRIMARY KEY (n, sha256));
    ALTER TABLE part ALTER data SET STORAGE EXTERNAL;
    """,
    # A place at a host is held from when it is taken until its host has answered, or held_ms has passed. A server that
    # crashed may have forgotten who held what: once it is up again nobody is asked for as long as a place can be held.
    """
    ALTER TABLE host ADD held_ms bigint NOT NULL DEFAULT 0;
    CREATE FUNCTION take_place(names text[], paces bigint[], hold bigint, OUT wait bigint, OUT token bigint) AS $$
    DECLARE at bigint; seen bigint;
    BEGIN
      PERFORM 1 FROM host WHERE key = ANY (names) ORDER BY key FOR UPDATE;
      GET DIAGNOSTICS seen = ROW_COUNT;
      IF seen < cardinality(names) THEN
        INSERT INTO host (key) SELECT n FROM unnest(names) n ORDER BY n ON CONFLICT DO NOTHING;
        PERFORM 1 FROM host WHERE key = ANY (names) ORDER BY key FOR UPDATE;
      END IF;
      at := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
      SELECT max(greatest(free_ms, not_before_ms, CASE WHEN held_ms = 0 THEN 0 ELSE least(held_ms, at) + pace END,
          (extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint + hold + pace)) - at
        INTO wait FROM unnest(names, paces) AS asked (name, pace) JOIN host ON host.key = name;
      token := 0;
      IF wait <= 0 THEN
        wait := 0;
        token := at + hold;
        UPDATE host SET held_ms = token WHERE key = ANY (names);
      END IF;
    END $$ LANGUAGE plpgsql;
    CREATE FUNCTION leave_place(names text[], paces bigint[], token bigint) RETURNS void AS $$
    DECLARE at bigint;
    BEGIN
      PERFORM 1 FROM host WHERE key = ANY (names) ORDER BY key FOR UPDATE;
      at := (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 1;
      UPDATE host SET free_ms = greatest(free_ms, at + pace),
        held_ms = CASE held_ms WHEN token THEN 0 ELSE held_ms END
        FROM unnest(names, paces) AS asked (name, pace) WHERE key = name;
    END $$ LANGUAGE plpgsql;
    """,
    """
    CREATE TABLE account (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,
      password text NOT NULL, created_ms bigint NOT NULL, version bigint NOT NULL DEFAULT 0);
    CREATE UNIQUE INDEX account_name ON account (lower(name));
    CREATE TABLE secret (n bigint GENERATED ALWAYS AS IDENTITY, digest bytea PRIMARY KEY, account bigint NOT NULL,
      kind text NOT NULL, label text NOT NULL, created_ms bigint NOT NULL, expires_ms bigint NOT NULL);
    CREATE INDEX secret_account ON secret (account, kind, n);
    CREATE TABLE mark (account bigint, kind text, key text, value bytea NOT NULL, PRIMARY KEY (account, kind, key));
    """,
    "ALTER TABLE outbox ADD made timestamptz NOT NULL DEFAULT now()",
)
"""Applied in order, each once, each with its number in one transaction. One that stands is never changed."""


def _name() -> str:
    """What an operator sees in pg_stat_activity: which process of which machine."""
    return f"baoguan {socket.gethostname()[:30]} {os.getpid()}"


def schema_of(origin: str) -> str:
    """baoguan_ and the log's name, as far as it fits, with a digest so that no two archives share one."""
    digest = hashlib.sha256(origin.encode()).hexdigest()[:8]
    return f"baoguan_{re.sub(r'[^a-z0-9]+', '_', origin.lower())[:40]}_{digest}"


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the driver as those of the archive; a lost connection is worth another try."""
    try:
        yield
    except psycopg.Error as error:
        raise failure(error) from error


def failure(error: psycopg.Error) -> StoreError:
    """One line."""
    said = StoreError(f"postgres: {' '.join(str(error).split())[:300]}")
    said.retryable = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return said


class Link:
    """A connection that is made when it is first needed, and made anew once it is broken. For one thread at a time."""

    def __init__(self, address: str, origin: str, *, durable: bool = True) -> None:
        """`address`: postgres://... as libpq reads it. Not `durable`: a crash of the server may take back the last
        transactions, newest first, half a second's worth: right for crawl state, whose loss costs politeness alone."""
        self._address, self._schema, self._durable = address, schema_of(origin), durable
        self._held: psycopg.Connection | None = None

    @property
    def db(self) -> psycopg.Connection:
        """In autocommit; statements that belong together are in `db.transaction()`. Raises ConfigError, StoreError."""
        if self._held is None or self._held.closed:
            self._held = self._connect()
        return self._held

    def _connect(self) -> psycopg.Connection:
        try:
            db = psycopg.connect(self._address, autocommit=True, connect_timeout=10, application_name=_name())
        except psycopg.ProgrammingError as error:
            raise ConfigError(f"database: {' '.join(str(error).split())[:200]}") from error
        except psycopg.Error as error:
            raise failure(error) from error
        db.execute(f"SET search_path TO {self._schema}".encode())
        if not self._durable:
            db.execute("SET synchronous_commit TO off")
        return db

    def prepare(self) -> None:
        """Makes the schema, or brings it up to this program. Raises ConfigError for one of a newer program."""
        with translated(), self.db.transaction():
            self.db.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (self._schema + " steps",))
            self.db.execute(f"CREATE SCHEMA IF NOT EXISTS {self._schema}".encode())
            self.db.execute("CREATE TABLE IF NOT EXISTS step (n integer PRIMARY KEY)")
            row = self.db.execute("SELECT coalesce(max(n), 0) FROM step").fetchone()
            done = int(row[0]) if row else 0
            if done > len(STEPS):
                raise ConfigError(f"{self._schema}: step {done} is of a newer baoguan than this ({len(STEPS)})")
            for number, step in enumerate(STEPS[done:], done + 1):
                self.db.execute(step.encode())
                self.db.execute("INSERT INTO step VALUES (%s)", (number,))

    def drop(self) -> None:
        """Deletes the schema with all in it."""
        with translated():
            self.db.execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE".encode())

    def lock_key(self, name: str) -> int:
        """The number of an advisory lock of this archive."""
        return int.from_bytes(hashlib.sha256(f"{self._schema} {name}".encode()).digest()[:8], "big", signed=True)

    def close(self) -> None:
        """Ends the connection."""
        if self._held is not None:
            self._held.close()
            self._held = None


def guarded(method: Callable[..., R]) -> Callable[..., R]:
    """A method whose errors of the driver come out as those of the archive."""

    def wrapped(*args: object, **given: object) -> R:
        with translated():
            return method(*args, **given)

    wrapped.__doc__ = method.__doc__
    return wrapped
