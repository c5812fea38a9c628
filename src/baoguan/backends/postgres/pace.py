"""Politeness that all workers share: who may ask a host when is decided in one row of it."""

import threading
from typing import Any

import psycopg

from baoguan.backends.postgres import Link, failure

_LATER = """
INSERT INTO host AS h (key, not_before_ms) VALUES (%s, %s)
ON CONFLICT (key) DO UPDATE SET not_before_ms = greatest(h.not_before_ms, excluded.not_before_ms)
RETURNING 1
"""


class PgPace:
    """fetch.options.Pace over PostgreSQL. Safe from several threads; a lost connection is made anew."""

    def __init__(self, link: Link) -> None:
        self._link, self._lock = link, threading.Lock()

    def take(self, names: list[tuple[str, float]], hold_s: float) -> tuple[float, int]:
        """As ports.SharedPace. By the clock of the database, so that the clocks of the workers needn't agree."""
        hosts, paces = _columns(names)
        row = self._run("SELECT wait, token FROM take_place(%s, %s, %s)", (hosts, paces, int(hold_s * 1000)))
        return int(row[0]) / 1000, int(row[1])

    def leave(self, names: list[tuple[str, float]], token: int) -> None:
        """As ports.SharedPace."""
        self._run("SELECT leave_place(%s, %s, %s)", (*_columns(names), token))

    def later(self, name: str, until_ms: int) -> None:
        """The host wants no request before `until_ms` (epoch): from now on no worker asks it. Raises StoreError."""
        self._run(_LATER, (name, until_ms))

    def _run(self, sql: str, given: tuple[object, ...]) -> tuple[Any, ...]:
        with self._lock:
            try:
                row = self._link.db.execute(sql.encode(), given).fetchone()
                assert row is not None
                return row
            except psycopg.Error as error:
                self._link.close()
                raise failure(error) from error

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._link.close()


def _columns(names: list[tuple[str, float]]) -> tuple[list[str], list[int]]:
    return [name for name, _ in names], [int(pace_s * 1000) for _, pace_s in names]
