"""The catalogue in PostgreSQL: identity and places of everything in the log, for workers that keep no index.

Derived: its tables are made anew where their version isn't this program's, and filled from the log again. A batch is
applied to the few rows that it touches, in memory and by the plainest catalogue, and written back; one transaction
moves `size` with them, so that a crash leaves it behind the log, never ahead.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import psycopg

from baoguan.archive.withdraw_plan import Plan
from baoguan.backends.memory_catalogue import MemoryCatalog
from baoguan.backends.postgres import Link, guarded
from baoguan.backends.postgres.settling import run_rows
from baoguan.model.catalog import ArticleRow, CaptureRow, KeptMedia, RevisionRow
from baoguan.model.log import ManifestLine

VERSION = 1
"""Of the tables below: another one has them dropped."""
TABLES = ("known", "known_article", "known_revision", "alias", "known_media", "imported", "legacy", "warc", "captured")
_SCHEMA = f"""
DROP TABLE IF EXISTS {", ".join(TABLES)};
CREATE TABLE known (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL, size bigint NOT NULL);
CREATE TABLE known_article (id text PRIMARY KEY, row bytea NOT NULL);
CREATE TABLE known_revision (id text, rev integer, row bytea NOT NULL, PRIMARY KEY (id, rev));
CREATE TABLE alias (outlet text, key text, id text NOT NULL, PRIMARY KEY (outlet, key));
CREATE TABLE known_media (url text PRIMARY KEY, row bytea NOT NULL);
CREATE TABLE imported (source_sha256 text, legacy_path text, PRIMARY KEY (source_sha256, legacy_path));
CREATE TABLE legacy (outlet text PRIMARY KEY, low bigint NOT NULL);
CREATE TABLE warc (record_id text PRIMARY KEY, row bytea NOT NULL);
CREATE TABLE captured (file text PRIMARY KEY);
INSERT INTO known (version, size) VALUES ({VERSION}, 0);
"""  # noqa: S608 - our own names
_PUT_ALIAS = "INSERT INTO alias SELECT * FROM unnest(%b::text[], %b::text[], %b::text[]) ON CONFLICT DO NOTHING"
_PUT_IMPORTED = "INSERT INTO imported SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING"
_PUT_LEGACY = """
INSERT INTO legacy AS l SELECT * FROM unnest(%b::text[], %b::bigint[])
ON CONFLICT (outlet) DO UPDATE SET low = least(l.low, excluded.low)
"""
_PUT_REVISION = """
INSERT INTO known_revision SELECT * FROM unnest(%b::text[], %b::integer[], %b::bytea[])
ON CONFLICT (id, rev) DO UPDATE SET row = excluded.row
"""
_encode = msgspec.msgpack.encode
_ARTICLE = msgspec.msgpack.Decoder(ArticleRow)
_REVISION = msgspec.msgpack.Decoder(RevisionRow)
_MEDIA = msgspec.msgpack.Decoder(KeptMedia)
_CAPTURE = msgspec.msgpack.Decoder(CaptureRow)


class PgCatalog:
    """ports.Catalog for one thread at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        link.prepare()
        self._prepare()

    def close(self) -> None:
        """Ends the connection."""
        self._link.close()

    @guarded
    def _prepare(self, *, anew: bool = False) -> None:
        with self._link.db.transaction():
            self._link.db.execute("SELECT pg_advisory_xact_lock(%s)", (self._link.lock_key("catalogue"),))
            there = self._link.db.execute("SELECT to_regclass('known') IS NOT NULL").fetchone()
            row = self._link.db.execute("SELECT version FROM known").fetchone() if there and there[0] else None
            if anew or row is None or row[0] != VERSION:
                self._link.db.execute(_SCHEMA.encode())

    def reset(self) -> None:
        """Empties it: what follows fills it from the log again."""
        self._prepare(anew=True)

    def _rows(self, sql: str, *given: object) -> list[tuple[Any, ...]]:
        return self._link.db.cursor(binary=True).execute(sql.encode(), given).fetchall()

    @guarded
    def size(self) -> int:
        """As ports.Catalog."""
        return int(self._rows("SELECT size FROM known")[0][0])

    @guarded
    def apply(self, lines: Iterable[tuple[int, ManifestLine | None]], *, size: int) -> None:
        """As ports.Catalog."""
        taken = list(lines)
        with self._link.db.transaction():
            done = int(self._rows("SELECT size FROM known FOR UPDATE")[0][0])
            if size <= done:
                return
            ids = {line.id for index, line in taken if line is not None and line.id and index >= done}
            part = MemoryCatalog(size=done, articles=self._standing(ids))
            part.apply(taken, size=size)
            self._write(part)
            self._link.db.execute("UPDATE known SET size = %s", (size,))

    def _write(self, part: MemoryCatalog) -> None:
        db, found = self._link.db, part.tables()
        _put(db, "known_article", "id", found.articles)
        _put(db, "known_media", "url", found.media)
        run_rows(db, _PUT_REVISION, [(*key, _encode(row)) for key, row in sorted(found.revisions.items())])
        run_rows(db, _PUT_ALIAS, [(*key, owner) for key, owner in sorted(found.owners.items())])
        run_rows(db, _PUT_IMPORTED, sorted(found.imported))
        run_rows(db, _PUT_LEGACY, sorted(found.lowest.items()))

    @guarded
    def find(self, outlet: str, keys: Sequence[str]) -> list[str]:
        """As ports.Catalog."""
        rows = self._rows("SELECT key, id FROM alias WHERE outlet = %s AND key = ANY (%s)", outlet, list(keys))
        found = dict(rows)
        return list(dict.fromkeys(found[key] for key in keys if key in found))

    @guarded
    def key_owners(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """As ports.Catalog."""
        asked = list(keys)
        if not asked:
            return {}
        outlets, names = map(list, zip(*asked, strict=True))
        rows = self._rows(
            "SELECT a.outlet, a.key, a.id FROM unnest(%s::text[], %s::text[]) AS r (outlet, key)"
            " JOIN alias a ON a.outlet = r.outlet AND a.key = r.key",
            outlets,
            names,
        )
        return {(str(outlet), str(key)): str(identity) for outlet, key, identity in rows}

    @guarded
    def article(self, identity: str) -> ArticleRow | None:
        """As ports.Catalog."""
        return self._standing([identity]).get(identity)

    @guarded
    def standing(self, identities: Iterable[str]) -> dict[str, ArticleRow]:
        """As ports.Catalog."""
        return self._standing(identities)

    def _standing(self, identities: Iterable[str]) -> dict[str, ArticleRow]:
        ids = list(identities)
        rows = self._rows("SELECT id, row FROM known_article WHERE id = ANY (%s)", ids) if ids else []
        return {str(identity): _ARTICLE.decode(data) for identity, data in rows}

    @guarded
    def revisions(self, identity: str) -> list[RevisionRow]:
        """As ports.Catalog."""
        rows = self._rows("SELECT row FROM known_revision WHERE id = %s ORDER BY rev", identity)
        return [_REVISION.decode(data) for (data,) in rows]

    @guarded
    def media(self, url: str) -> KeptMedia | None:
        """As ports.Catalog."""
        rows = self._rows("SELECT row FROM known_media WHERE url = %s", url)
        return _MEDIA.decode(rows[0][0]) if rows else None

    @guarded
    def lowest_legacy(self, outlet: str) -> int | None:
        """As ports.Catalog."""
        rows = self._rows("SELECT low FROM legacy WHERE outlet = %s", outlet)
        return int(rows[0][0]) if rows else None

    @guarded
    def imported(self, source_sha256: str, legacy_path: str) -> bool:
        """As ports.Catalog."""
        sql = "SELECT 1 FROM imported WHERE source_sha256 = %s AND legacy_path = %s"
        return bool(self._rows(sql, source_sha256, legacy_path))

    @guarded
    def add_captures(self, file: str, rows: Iterable[CaptureRow]) -> None:
        """As ports.Catalog."""
        with self._link.db.transaction():
            _put(self._link.db, "warc", "record_id", {row.record_id: row for row in rows})
            self._link.db.execute("INSERT INTO captured VALUES (%s) ON CONFLICT DO NOTHING", (file,))

    @guarded
    def has_captures(self, file: str) -> bool:
        """As ports.Catalog."""
        return bool(self._rows("SELECT 1 FROM captured WHERE file = %s", file))

    @guarded
    def capture(self, record_id: str) -> CaptureRow | None:
        """As ports.Catalog."""
        rows = self._rows("SELECT row FROM warc WHERE record_id = %s", record_id)
        return _CAPTURE.decode(rows[0][0]) if rows else None

    @guarded
    def forget(self, plan: Plan) -> bool:
        """Deletes what a withdrawal names, and writes the files that held it anew. Idempotent.

        A picture that another article shows is forgotten too: who meets it next keeps the same bytes again. The records
        of a WARC file that was cut have moved: that file is to be read anew.
        """
        db = self._link.db
        ids, files = list(plan.ids), sorted({cut.file for cut in plan.cuts})
        with db.transaction():
            db.execute("DELETE FROM known_article WHERE id = ANY (%s)", (ids,))
            db.execute("DELETE FROM known_revision WHERE id = ANY (%s)", (ids,))
            db.execute(
                "DELETE FROM alias WHERE outlet = ANY (%s) AND key = ANY (%s)", (list(plan.outlets), list(plan.names))
            )
            db.execute("DELETE FROM known_media WHERE url = ANY (%s)", ([url for _, url in plan.pictures],))
            db.cursor().executemany(
                "DELETE FROM imported WHERE source_sha256 = %s AND legacy_path = %s", list(plan.legacy)
            )
            db.execute("DELETE FROM warc WHERE record_id = ANY (%s)", ([cut.record_id for cut in plan.cuts],))
            db.execute("DELETE FROM captured WHERE file = ANY (%s)", (files,))
        for table in ("known_article", "known_revision", "alias", "known_media"):
            db.execute(f"VACUUM FULL {table}".encode())
        return True


def _put(db: psycopg.Connection, table: str, key: str, rows: dict[str, Any]) -> None:
    sql = (
        f"INSERT INTO {table} SELECT * FROM unnest(%b::text[], %b::bytea[])"  # noqa: S608 - our own names
        f" ON CONFLICT ({key}) DO UPDATE SET row = excluded.row"
    )
    run_rows(db, sql, [(name, _encode(row)) for name, row in sorted(rows.items())])
