"""Politeness that all workers share: who may ask a host when is decided in one row of it."""

import threading

import psycopg

from baoguan.backends.postgres import Link, failure

_SLOT = """
INSERT INTO host AS h (key, free_ms) VALUES (%(key)s, %(at)s + %(pace)s)
ON CONFLICT (key) DO UPDATE SET free_ms = greatest(h.free_ms, h.not_before_ms, %(at)s) + %(pace)s
RETURNING free_ms - %(pace)s
"""
_LATER = """
INSERT INTO host AS h (key, not_before_ms) VALUES (%s, %s)
ON CONFLICT (key) DO UPDATE SET not_before_ms = greatest(h.not_before_ms, excluded.not_before_ms)
"""
_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


class PgPace:
    """fetch.options.Pace over PostgreSQL. Safe from several threads; a lost connection is made anew."""

    def __init__(self, link: Link) -> None:
        self._link, self._lock = link, threading.Lock()

    def reserve(self, names: list[tuple[str, float]]) -> float:
        """Takes the next free place of every (host, pace in seconds); returns how many seconds to wait for it.

        By the clock of the database, so that the clocks of the workers needn't agree. Raises StoreError.
        """
        with self._lock:
            try:
                db = self._link.db
                row = db.execute(_NOW).fetchone()
                now = at = int(row[0]) if row else 0
                for name, pace_s in names:
                    row = db.execute(_SLOT, {"key": name, "at": at, "pace": int(pace_s * 1000)}).fetchone()
                    at = int(row[0]) if row else at
                return (at - now) / 1000
            except psycopg.Error as error:
                self._link.close()
                raise failure(error) from error

    def later(self, name: str, until_ms: int) -> None:
        """The host wants no request before `until_ms` (epoch): from now on no worker asks it. Raises StoreError."""
        with self._lock:
            try:
                self._link.db.execute(_LATER, (name, until_ms))
            except psycopg.Error as error:
                self._link.close()
                raise failure(error) from error

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._link.close()
