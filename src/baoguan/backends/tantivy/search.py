"""SearchIndex in tantivy: quicker than FTS5 from about 100,000 articles on, slower to show a new one.

A folder of immutable segments, which hold postings and columns, nothing stored; characters that only end runs of a text
have a field without positions. `progress.json` beside them says how far the log is indexed; it is written after the
commit, so that a crash indexes some articles again, which replaces them.
"""

import json
import shutil
import threading
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from pathlib import Path

import tantivy

from baoguan.backends.tantivy.asking import Asker
from baoguan.errors import StoreError
from baoguan.model.search import Order, Query, SearchDoc, SearchPage
from baoguan.search.analyse import VERSION, analyse, fold, id_number, id_text, index_text
from baoguan.search.months import month_name, month_of

LAYOUT = 2
HEAP_BYTES = 200_000_000
"""Of the writer, with one thread."""
FACETS = 2000
"""Outlets and months that are counted at most."""


class TantivySearch:
    """The index of one archive; see ports.SearchIndex for the contract."""

    together = 20_000  # texts of 60 MB; with 5,000 a third fewer articles a second

    def __init__(self, folder: Path, *, zone: tzinfo) -> None:
        self._folder, self._zone = folder, zone
        self._lock = threading.Lock()
        self._writer: tantivy.IndexWriter | None = None
        self._schema = _schema()
        self._asker = Asker(self._schema)
        self._open(anew=self._progress().get("version") != [LAYOUT, VERSION])

    def _open(self, *, anew: bool) -> None:
        segments = self._folder / "segments"
        if anew:
            shutil.rmtree(self._folder, ignore_errors=True)
        segments.mkdir(parents=True, exist_ok=True)
        if anew:
            self._write_progress(0)
        try:
            self._index = tantivy.Index(self._schema, path=str(segments))
        except ValueError as error:
            raise StoreError(f"{segments}: {error}; delete it, it is derived") from error

    def close(self) -> None:
        """Ends the writer."""
        with self._lock:
            if self._writer is not None:
                self._writer.wait_merging_threads()
                self._writer = None

    def size(self) -> int:
        """How many leaves of the log are indexed."""
        return int(str(self._progress().get("size", 0)))

    def held(self, ids: Iterable[str]) -> Mapping[str, int]:
        """Log index of the revision that is indexed, of those articles that are."""
        found: dict[str, int] = {}
        searcher = self._index.searcher()
        for identity in ids:
            query = tantivy.Query.term_query(self._schema, "id", id_number(identity), "basic")
            hits = [address for _, address in searcher.search(query, 1).hits]
            found.update((identity, int(str(index))) for index in searcher.fast_field_values("index", hits))
        return found

    def put(self, docs: Iterable[SearchDoc], *, size: int, old: Mapping[str, SearchDoc]) -> None:
        """One commit. `old` isn't needed: segments hold what to delete by id."""
        del old
        with self._lock:
            writer = self._open_writer()
            for doc in docs:
                writer.delete_documents_by_term("id", id_number(doc.id))
                writer.add_document(self._document(doc))
            writer.commit()
            self._index.reload()
            self._write_progress(max(size, self.size()))

    def forget(self, docs: Iterable[SearchDoc]) -> bool:
        """As drop: segments can't be written anew one by one."""
        self.drop(doc.id for doc in docs)
        return True

    def drop(self, ids: Iterable[str]) -> None:
        """Empties the index where it holds one of them, for a deleted document stays in its segment's bytes.

        The next index_new fills it again: a withdrawal costs a rebuild here.
        """
        if self.held(ids):
            self.close()
            self._open(anew=True)

    def finish(self) -> None:
        """Waits for the merges that are under way."""
        with self._lock:
            if self._writer is not None:
                self._writer.wait_merging_threads()
                self._writer = None
            self._index.reload()

    def search(
        self, query: Query, *, order: Order = "relevance", start: int = 0, limit: int = 30, facets: bool = False
    ) -> SearchPage:
        """The articles that match; relevance: BM25, titles that hold the words first."""
        asked = self._asker.ask(query.root)
        searcher = self._index.searcher()
        field = "shown_ms" if order == "date" else None
        result = searcher.search(asked, max(limit, 1), count=True, order_by_field=field, offset=start)
        hits = [address for _, address in result.hits[:limit]]
        ids = tuple(id_text(number) for number in searcher.fast_field_values("id", hits))
        total = int(result.count or 0)  # type: ignore[attr-defined]
        if not facets:
            return SearchPage(total=total, ids=ids)
        return SearchPage(
            total=total,
            ids=ids,
            outlets=tuple(sorted(self._count(searcher, asked, "outlet"), key=lambda row: (-row[1], row[0]))),
            months=tuple(
                (month_name(number), count)
                for number, count in sorted(
                    ((int(float(name)), n) for name, n in self._count(searcher, asked, "month")), reverse=True
                )
            ),
        )

    def _count(self, searcher: tantivy.Searcher, asked: tantivy.Query, field: str) -> list[tuple[str, int]]:
        counted = searcher.aggregate(asked, {"by": {"terms": {"field": field, "size": FACETS}}})
        return [(str(row["key"]), int(row["doc_count"])) for row in counted["by"]["buckets"]]

    def _document(self, doc: SearchDoc) -> tantivy.Document:
        body, _, ends = analyse(fold(doc.text))
        tag = doc.lang.lower()
        return tantivy.Document(
            id=[id_number(doc.id)],
            index=[doc.index],
            outlet=[doc.outlet.lower()],
            lang=[tag, tag.partition("-")[0]] if "-" in tag else [tag],
            title=[index_text(fold(doc.title))],
            body=[body],
            ends=[" ".join(ends)],
            shown_ms=[doc.shown_ms],
            changed_ms=[doc.changed_ms],
            month=[month_of(doc.shown_ms, self._zone)],
            picture=[int(doc.picture)],
        )

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(HEAP_BYTES, 1)
        return self._writer

    def _progress(self) -> dict[str, object]:
        try:
            return dict(json.loads((self._folder / "progress.json").read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def _write_progress(self, size: int) -> None:
        beside = self._folder / "progress.json.new"
        beside.write_text(json.dumps({"version": [LAYOUT, VERSION], "size": size}), "utf-8")
        beside.replace(self._folder / "progress.json")


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", indexed=True, fast=True)
    builder.add_integer_field("index", fast=True)
    builder.add_text_field("outlet", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("lang", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("title", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("body", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("ends", tokenizer_name="whitespace", index_option="basic")
    for name in ("shown_ms", "changed_ms", "month", "picture"):
        builder.add_integer_field(name, fast=True)  # asked for by ranges alone, which columns answer
    return builder.build()
