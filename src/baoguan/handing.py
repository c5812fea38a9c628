"""Finished work as rows of the outbox, and rows as work: what a worker and the sequencer agree on."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import zstandard

from baoguan.archive.revisions import Verdict
from baoguan.batching import Draft, Picked
from baoguan.committing import Work, draft_of
from baoguan.desk import Desk, Outbox
from baoguan.extract.profile import Profile
from baoguan.model.outbox import OutboxRow, Sent, SentItem, SentLate, SentPicture, SentResponse, TakenRow
from baoguan.polling import KeptResponse
from baoguan.reading import Reader

_decode: msgspec.msgpack.Decoder[Sent] = msgspec.msgpack.Decoder(SentItem | SentResponse | SentLate)
_habit = msgspec.msgpack.Decoder(Profile)
_encode = msgspec.msgpack.encode
_MOST_BYTES = 256_000_000
"""Of one row unpacked: pages and feeds have caps far below."""


def pack(work: Work, steps: Mapping[str, int]) -> list[OutboxRow]:
    """Rows for all of it, responses first: a feed is logged before its items, or with them."""
    rows = [_row("", _response(kept), {}) for kept in work.responses]
    for draft, verdict in [*((draft, None) for draft in work.drafts), *work.facts]:
        assert draft.pending is not None
        parts: dict[str, bytes] = {}
        sent = SentItem(
            pending=draft.pending,
            article=draft.article,
            response=draft.response,
            flags=draft.flags,
            pictures=tuple(_picture(picked, parts) for picked in draft.picked),
            missing=tuple(draft.missing),
            lost=verdict.reason if verdict is not None else "",
            step=steps.get(draft.identity) if draft.identity else None,
            habit=_encode(draft.habit) if draft.habit is not None and draft.identity else b"",
        )
        rows.append(_row(draft.key, sent, parts))
    for identity, picked in work.late:
        parts = {}
        rows.append(_row("", SentLate(article=identity, picture=_picture(picked, parts)), parts))
    return rows


def pack_response(kept: KeptResponse) -> OutboxRow:
    """A row for one response."""
    return _row("", _response(kept), {})


def _row(key: str, sent: Sent, parts: dict[str, bytes]) -> OutboxRow:
    return OutboxRow(key=key, body=zstandard.compress(_encode(sent), 3), parts=parts)


def _response(kept: KeptResponse) -> SentResponse:
    return SentResponse(response=kept.response, feed=kept.feed, same_as=kept.same_as, keys=kept.keys)


def _picture(picked: Picked, parts: dict[str, bytes]) -> SentPicture:
    sha256 = ""
    if picked.kept is None:
        data = Path(picked.spooled).read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        parts[sha256] = data
    return SentPicture(
        url=picked.url,
        width=picked.width,
        height=picked.height,
        extension=picked.extension,
        sha256=sha256,
        response=picked.response,
        kept=picked.kept,
        replaces=picked.replaces,
    )


class Unpacked(msgspec.Struct, kw_only=True):
    """Rows as work."""

    work: Work
    steps: dict[str, int]
    missing: dict[str, tuple[str, ...]]
    """By key of an item: pictures that did not come."""
    broken: dict[int, str]
    """Numbers of rows that are none of this program's, and why."""


def unpack(desk: Desk, reader: Reader, outbox: Outbox, rows: Sequence[TakenRow]) -> Unpacked:
    """The inverse of `pack`; bytes of pictures are spooled. A row that is none stops no other."""
    found = Unpacked(work=Work(), steps={}, missing={}, broken={})
    for row in rows:
        try:
            data = zstandard.ZstdDecompressor().decompress(row.body, max_output_size=_MOST_BYTES)
            sent = _decode.decode(data)
        except (zstandard.ZstdError, msgspec.DecodeError) as error:
            found.broken[row.n] = f"not a row of this program ({error})"
            continue
        _take(desk, reader, outbox, row, sent, found)
    return found


def _take(desk: Desk, reader: Reader, outbox: Outbox, row: TakenRow, sent: Sent, found: Unpacked) -> None:
    work = found.work
    if isinstance(sent, SentResponse):
        kept = KeptResponse(response=sent.response, feed=sent.feed, same_as=sent.same_as, keys=sent.keys)
        work.responses.append(kept)
        return
    if isinstance(sent, SentLate):
        work.late.append((sent.article, _picked(desk, outbox, row.n, sent.picture)))
        return
    draft = _draft(desk, reader, row, sent)
    draft.picked = [_picked(desk, outbox, row.n, one) for one in sent.pictures]
    if sent.missing:
        found.missing[draft.key] = sent.missing
    if sent.step is not None:
        found.steps[draft.identity] = sent.step
    if sent.lost:
        work.facts.append((draft, Verdict(kind="lost", reason=sent.lost)))
    else:
        work.drafts.append(draft)


def _draft(desk: Desk, reader: Reader, row: TakenRow, sent: SentItem) -> Draft:
    draft = draft_of(desk, sent.pending, sent.article, sent.response)
    draft.flags, draft.missing = sent.flags, list(sent.missing)
    draft.item_capture = draft.item_capture or row.capture
    habit = _habit.decode(sent.habit) if sent.habit else reader.profile(draft.outlet.key)
    draft.again = reader.again(sent.pending.item, draft.outlet, habit)
    return draft


def _picked(desk: Desk, outbox: Outbox, n: int, sent: SentPicture) -> Picked:
    spooled = ""
    if sent.kept is None:
        path = desk.spool / sent.sha256
        if not path.exists():
            path.write_bytes(outbox.part(n, sent.sha256))
        spooled = str(path)
    return Picked(
        url=sent.url,
        width=sent.width,
        height=sent.height,
        extension=sent.extension,
        spooled=spooled,
        response=sent.response,
        kept=sent.kept,
        replaces=sent.replaces,
    )
