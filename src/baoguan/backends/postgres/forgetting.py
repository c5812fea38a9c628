"""What a withdrawal takes out of the crawl state.

The server's write-ahead log and its backups hold deleted rows until they are recycled: docs/operate.md says how long.
"""

from collections.abc import Sequence

import psycopg

from baoguan.archive.withdraw_plan import Plan

_HELD_WORDS = ("note", "pending", "print", "kv", "picture", "outbox", "part")


def forget_rows(db: psycopg.Connection, plan: Plan, needles: Sequence[bytes]) -> None:
    """Deletes what waits for, or remembers, a withdrawn article."""
    names = [f"{outlet}\n{name}" for outlet in plan.outlets for name in plan.names]
    names += [f"{outlet}\nagain:{identity}" for outlet in plan.outlets for identity in plan.ids]
    ids = list(plan.ids)
    with db.transaction():
        for table in ("pending", "print", "outbox"):
            db.execute(f"DELETE FROM {table} WHERE key = ANY (%s)".encode(), (names,))  # noqa: S608 - fixed words
        db.execute("DELETE FROM recheck WHERE id = ANY (%s)", (ids,))
        db.execute("DELETE FROM awaited WHERE article = ANY (%s)", (ids,))
        db.execute(
            "UPDATE picture SET article = (SELECT min(a.article) FROM awaited a WHERE a.url = picture.url)"
            " WHERE article = ANY (%s) AND url IN (SELECT url FROM awaited)",
            (ids,),
        )
        db.execute("DELETE FROM picture WHERE article = ANY (%s)", (ids,))
        for needle in needles:
            db.execute("DELETE FROM note WHERE position(%s IN text) > 0", (needle.decode("utf-8", "replace"),))
            db.execute("DELETE FROM pending WHERE position(%s IN item) > 0", (needle,))
            db.execute("DELETE FROM kv WHERE position(%s IN value) > 0", (needle,))


def rewrite_tables(db: psycopg.Connection) -> None:
    """No byte of what was deleted stays in a table's file."""
    for table in _HELD_WORDS:
        db.execute(f"VACUUM FULL {table}".encode())
