"""What the pages of changes ask of an archive, and an opened archive that answers."""

import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from baoguan.backends.sqlite.changes import SqliteChanges
from baoguan.capture.read import read_member, to_response
from baoguan.changing import catch_up_changes, compare_revisions
from baoguan.desk import Desk
from baoguan.errors import Corrupt, NotFound
from baoguan.extract.decode import decode_page
from baoguan.model.capture import CaptureRef
from baoguan.model.change import ChangeRow, Comparison
from baoguan.model.log import ManifestLine, MediaRef
from baoguan.serving import WITH_PICTURES, WITH_TEXT, is_served

_CATCH_UP_S = 1.5
_TEXT_BYTES = 4_000_000


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One version, without its text."""

    index: int
    rev: int
    title: str
    published: str = ""
    zone_assumed: bool = False
    captured_ms: int = 0
    record_path: str = ""
    capture: bool = False
    """The raw response is kept."""


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that became another one."""

    before: MediaRef
    after: MediaRef


class ChangeCard(msgspec.Struct, frozen=True, kw_only=True):
    """A change with both sides; a fact (vanished, returned) has the version that stood as `before` and no `after`."""

    row: ChangeRow
    lang: str = ""
    url: str = ""
    before: Side | None = None
    after: Side | None = None
    has_capture: bool = False
    """Facts: what the outlet answered is kept."""
    swaps: tuple[Swap, ...] = ()
    """Pictures that are kept on both sides."""
    kept_back: bool = False
    """The outlet's text is kept but not served: no comparison, no capture."""


class ChangesSource(Protocol):
    """Read-only; called from several threads at once."""

    def changes(
        self, *, outlet: str = "", kind: str = "", identity: str = "", before: tuple[int, int] | None = None, limit: int
    ) -> Sequence[ChangeCard]:
        """By (at_ms, index) descending, below `before`. Kind `extraction` only when asked for."""
        ...

    def change(self, index: int) -> tuple[ChangeCard, Comparison | None] | None:
        """The change told by a leaf; None when that leaf tells none or is withheld. Facts have no comparison."""
        ...

    def behind(self) -> int:
        """Leaves of the log that the list does not tell of yet."""
        ...

    def capture(self, index: int) -> tuple[str, bytes] | None:
        """(WARC-Record-ID, stored gzip member) of the capture that a leaf names."""
        ...


class DeskChanges:
    """ChangesSource over an opened archive."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = SqliteChanges(desk.folder / "index" / "catalogue.sqlite")
        self._behind = 0

    def close(self) -> None:
        """Closes the connections."""
        self._store.close()

    def behind(self) -> int:
        """Works on the list for a moment, so that no reader waits for the comparisons of a whole import."""
        if self._store.size() < self._desk.archive.size:
            deadline = time.monotonic() + _CATCH_UP_S
            self._behind = catch_up_changes(self._desk.archive, self._store, stop=lambda: time.monotonic() > deadline)
        else:
            self._behind = 0
        return self._behind

    def changes(
        self, *, outlet: str = "", kind: str = "", identity: str = "", before: tuple[int, int] | None = None, limit: int
    ) -> Sequence[ChangeCard]:
        """From the list, with clocks and titles from the manifest."""
        found = self._store.changes(outlet=outlet, kind=kind, identity=identity, before=before, limit=limit)
        return [card for row, _, _ in found if (card := self._card(row)) is not None]

    def change(self, index: int) -> tuple[ChangeCard, Comparison | None] | None:
        """From the list; a revision that it doesn't hold is compared with its predecessor."""
        if not 0 <= index < self._desk.archive.size:
            return None
        row = self._store.change(index) or self._unlisted(index)
        card = None if row is None else self._card(row)
        if row is None or card is None:
            return None
        if card.after is None or card.before is None or card.kept_back:
            return card, None
        return card, compare_revisions(self._desk.archive, row.before, row.index)[2]

    def _unlisted(self, index: int) -> ChangeRow | None:
        line = self._desk.archive.line(index)
        if line is None or line.kind != "rev" or line.prev is None:
            return None
        return ChangeRow(
            index=index,
            id=line.id,
            outlet=line.outlet,
            at_ms=line.captured_ms,
            cause=line.cause,
            kinds=(),
            before=line.prev,
        )

    def _card(self, row: ChangeRow) -> ChangeCard | None:
        line = self._desk.archive.line(row.index)
        before = self._desk.archive.line(row.before) if row.before >= 0 else None
        if line is None or (row.before >= 0 and before is None):
            return None
        is_version = line.kind == "rev"
        kept_back = self._desk.outlet(line.outlet).serve not in WITH_TEXT
        shown = self._desk.outlet(line.outlet).serve in WITH_PICTURES
        open_captures = is_served(self._desk, "captures/")
        return ChangeCard(
            row=row,
            lang=line.lang or (before.lang if before else ""),
            url=line.url,
            before=_side(row.before, before, text=not kept_back, capture=open_captures) if before else None,
            after=_side(row.index, line, text=not kept_back, capture=open_captures) if is_version else None,
            has_capture=not is_version and line.capture is not None and open_captures,
            swaps=swaps(before, line) if is_version and before is not None and "picture" in row.kinds and shown else (),
            kept_back=kept_back,
        )

    def capture(self, index: int) -> tuple[str, bytes] | None:
        """Read from its WARC file; none while some outlet's text is kept back, for a capture may hold several."""
        if not 0 <= index < self._desk.archive.size:
            return None
        line = self._desk.archive.line(index)
        ref: CaptureRef | None = line.capture if line else None
        place = self._desk.catalog.capture(ref.record_id) if ref else None
        if ref is None or place is None or not is_served(self._desk, place.file):
            return None
        try:
            return ref.record_id, self._desk.archive.objects.get(place.file, place.offset, place.length)
        except NotFound:
            return None


def swaps(before: ManifestLine, after: ManifestLine) -> tuple[Swap, ...]:
    """Pictures that the outlet swapped under their address; else the two leads, where both are kept."""
    sizes = {ref.path: ref for ref in before.media}
    found = [
        Swap(before=sizes.get(ref.replaces) or MediaRef(url=ref.url, path=ref.replaces), after=ref)
        for ref in after.media
        if ref.replaces and ref.path
    ]
    leads = (*before.media[:1], *after.media[:1])
    if not found and len(leads) == 2 and all(ref.path for ref in leads) and leads[0].sha256 != leads[1].sha256:
        found = [Swap(before=leads[0], after=leads[1])]
    return tuple(found)


def _side(index: int, line: ManifestLine, *, text: bool, capture: bool) -> Side:
    return Side(
        index=index,
        rev=line.rev,
        title=line.title,
        published=line.published,
        zone_assumed=line.zone_assumed,
        captured_ms=line.captured_ms,
        record_path=line.record.path if line.record and text else "",
        capture=line.capture is not None and capture,
    )


def capture_text(member: bytes) -> bytes:
    """A stored record as people read it: its headers, then its body without compression, as UTF-8, cut at 4 MB."""
    record = read_member(member)
    head = "".join(f"{name}: {value}\r\n" for name, value in record.headers)
    try:
        response = to_response(record)
    except Corrupt:
        return (head + "\r\n").encode("utf-8", "replace") + record.block[:_TEXT_BYTES]
    head += f"\r\nHTTP {response.status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    body, _ = decode_page(response.body[:_TEXT_BYTES], response.header("content-type"))
    return (head + "\r\n").encode("utf-8", "replace") + body.encode("utf-8", "replace")
