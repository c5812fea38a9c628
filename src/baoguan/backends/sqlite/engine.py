"""The one SQLite of a process: Python's own, or pysqlite3's where that one is too old to withdraw quickly.

FTS5 can take a row's entries out of its segments since 3.42; before, a withdrawal writes the whole search index anew
(seconds for 60,000 articles). Debian 12 and its images have 3.40. Everything under baoguan imports `sqlite3` from here:
two copies of SQLite in a process drop each other's locks on a file (https://sqlite.org/howtocorrupt.html, 2.2.1).
"""

import sqlite3 as own
from types import ModuleType
from typing import TYPE_CHECKING

SECURE = (3, 42, 0)
"""The SQLite whose FTS5 removes the entries of a deleted row at once."""


def _choose() -> ModuleType:
    if own.sqlite_version_info >= SECURE:
        return own
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return own
    return dbapi2 if dbapi2.sqlite_version_info >= SECURE else own


if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = _choose()

__all__ = ["SECURE", "sqlite3"]
