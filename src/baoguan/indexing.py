"""The search index follows the log: revisions come in, withdrawn articles go out. A crash only delays it."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from baoguan.archive.store import Archive
from baoguan.backends.executors import read_ahead
from baoguan.desk import Desk
from baoguan.errors import NotFound
from baoguan.model.log import ManifestLine
from baoguan.model.search import SearchDoc
from baoguan.ports import Executor, SearchIndex
from baoguan.publish.markdown import record_body
from baoguan.text.html import plain_text

CHUNK = 1000
"""Entries indexed in one transaction; where much is to be done, as many as the engine likes."""


def index_new(
    desk: Desk,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    *,
    executor: Executor | None = None,
) -> int:
    """Brings the search index up to the head of the log; returns how many articles were put.

    A short step after each batch keeps a new article findable at once; much at once (after an import, a pull, a
    rebuild) is merged at the end. `progress` is told (leaves done, leaves in all); `executor` reads the records.
    """
    if desk.search is None:
        return 0
    start, size, put = desk.search.size(), desk.archive.size, 0
    chunk = CHUNK if size - start < desk.search.together else desk.search.together
    for low in range(start, size, chunk):
        high = min(low + chunk, size)
        ids: dict[str, None] = {}
        gone: list[str] = []
        for _, line in desk.archive.lines(low, high):
            if line is not None and line.kind in ("rev", "late"):
                ids[line.id] = None
            elif line is not None and line.kind == "gone" and line.id:
                gone.append(line.id)
        docs = list(search_docs(desk, [identity for identity in ids if identity not in set(gone)], executor))
        held = desk.search.held([*ids, *gone])
        old = {name: doc for name, index in held.items() if (doc := search_doc(desk, name, index)) is not None}
        desk.search.drop(name for name in held if name not in old)
        desk.search.put(docs, size=high, old=old)
        put += len(docs)
        progress(high - start, size - start)
    if put > 2 * CHUNK:
        desk.search.finish()
    return put


class Forgetter:
    """ports.Forgets over a search index: the words are read from the records that are about to go."""

    def __init__(self, archive: Archive, search: SearchIndex) -> None:
        self._archive, self._search = archive, search

    def forget(self, ids: Sequence[str]) -> bool:
        """Takes the articles out; what can't be read any more is dropped, and the index is remade when next opened.

        False while another process reads old pages of the index: the withdrawal stays planned and comes again.
        """
        docs = []
        for identity, index in self._search.held(ids).items():
            line = self._archive.line(index)
            text = _record_text(self._archive, line)
            if line is not None and text is not None:
                docs.append(_bare_doc(identity, index, line, text))
        is_clean = self._search.forget(docs)
        self._search.drop(ids)
        return is_clean


def _record_text(archive: Archive, line: ManifestLine | None) -> str | None:
    if line is None or line.record is None:
        return None
    try:
        return plain_text(record_body(archive.record(line)))
    except NotFound:
        return None


def _bare_doc(identity: str, index: int, line: ManifestLine, text: str) -> SearchDoc:
    return SearchDoc(
        id=identity, index=index, outlet=line.outlet, lang=line.lang, title=line.title, text=text, shown_ms=0
    )


def search_docs(desk: Desk, ids: Sequence[str], executor: Executor | None) -> Iterator[SearchDoc]:
    """The current revisions as the index takes them, those that were withdrawn left out."""
    if executor is None:
        yield from (doc for identity in ids if (doc := search_doc(desk, identity)) is not None)
        return
    parts = [ids[start : start + _TOGETHER] for start in range(0, len(ids), _TOGETHER)]
    works = ([_record(desk, identity) for identity in part] for part in parts)
    for part, texts in read_ahead(executor, zip(parts, works, strict=True), _text_work, ahead=_AHEAD):
        for identity, text in zip(part[0], texts() if texts else (), strict=True):
            if text is not None and (doc := search_doc(desk, identity, text=text)) is not None:
                yield doc


_TOGETHER, _AHEAD = 64, 8


def _record(desk: Desk, identity: str) -> bytes | None:
    row = desk.catalog.article(identity)
    line = desk.archive.line(row.index) if row is not None else None
    try:
        return desk.archive.record(line) if line is not None and line.record is not None else None
    except NotFound:
        return None


def _text_work(
    part: tuple[Sequence[str], list[bytes | None]],
) -> tuple[Callable[..., list[str | None]], tuple[object, ...]]:
    return _texts, (part[1],)


def _texts(records: Sequence[bytes | None]) -> list[str | None]:
    return [None if data is None else plain_text(record_body(data)) for data in records]


def search_doc(desk: Desk, identity: str, index: int | None = None, *, text: str | None = None) -> SearchDoc | None:
    """A revision (by log index; default: the current) as the index takes it; None where it was withdrawn.

    `text`: of its record, where that was read already.
    """
    row = desk.catalog.article(identity)
    index = row.index if row is not None and index is None else index
    line = desk.archive.line(index) if index is not None else None
    text = _record_text(desk.archive, line) if text is None else text
    if row is None or line is None or index is None or text is None:
        return None
    edits = (one.captured_ms for one in desk.catalog.revisions(identity) if one.rev and one.cause == "outlet")
    return msgspec.structs.replace(
        _bare_doc(identity, index, line, text),
        shown_ms=row.shown_ms,
        picture=bool(row.lead) or _has_picture(line),
        changed_ms=max(edits, default=0),
    )


def _has_picture(line: ManifestLine) -> bool:
    return any(ref.path for ref in line.media)
