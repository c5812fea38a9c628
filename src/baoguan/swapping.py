"""Kept pictures of known articles, asked for again: does the outlet show another photo under the same address?

They are asked for when their article's page is looked at again, so fresh ones often and old ones rarely, politely (with
the validators of the kept capture) and within the budget of a run: lead pictures first. Bytes that differ but show the
same picture, encoded anew, are kept and no edit; where no decoder is at hand, other bytes count as another picture.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from baoguan.backends.thumbs import Thumbs, can_decode
from baoguan.batching import Draft, Picked
from baoguan.capture.read import read_member, to_response
from baoguan.desk import Desk
from baoguan.errors import BaoguanError
from baoguan.media.likeness import is_encoded_anew
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.model.catalog import KeptMedia
from baoguan.model.log import MediaRef
from baoguan.ports import Fetcher

AGAIN = "again\n"
"""Begins the keys of these requests."""
OTHERS_AT_ONCE = 3
"""Of an article's pictures beside the lead: the next ones at its next look."""
Spool = Callable[[str, Response], Picked | None]
"""(address, answer) -> the picture, its bytes spooled; None for what is none."""


class _Check(msgspec.Struct, frozen=True):
    """One picture of one draft that waits for an answer."""

    draft: Draft
    url: str
    """As it stands in the article."""
    own: MediaRef


class PictureWatch:
    """What one run asks again. Owned by the joiner's thread."""

    def __init__(self, desk: Desk, fetcher: Fetcher, spool: Spool) -> None:
        self._desk, self._fetcher, self._spool = desk, fetcher, spool
        self._left = desk.settings.recheck_pictures if desk.settings.pictures else 0
        self._leads = desk.settings.recheck
        """Articles whose lead pictures are still to come in this run: what is set aside for them."""
        self._waiting: dict[str, list[_Check]] = {}
        self._kept: dict[str, KeptMedia] = {}
        """By address under way: what is kept of it."""
        self._now: dict[str, Picked] = {}
        """By address: what it showed in this run."""
        self._thumbs: Thumbs | None = None
        self._same: dict[tuple[str, str], bool] = {}

    def close(self) -> None:
        """Ends the decoder."""
        if self._thumbs is not None:
            self._thumbs.close()

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._waiting)

    def forget(self) -> None:
        """The spool is emptied: what lay there is kept by now."""
        self._now = {address: now for address, now in self._now.items() if now.kept is not None}

    def expect(self, articles: int) -> None:
        """So many articles are about to be looked at again."""
        self._leads = articles

    def is_open(self, draft: Draft) -> bool:
        """Whether the draft waits for an answer."""
        return any(check.draft is draft for checks in self._waiting.values() for check in checks)

    def ask(self, draft: Draft, turn: int = 0) -> None:
        """Judges what is known of a known article's pictures, and asks for some again; `turn` of its looks this is.

        The pictures that are held stand in `draft.picked` already.
        """
        if not draft.identity or draft.response is None:
            return
        own = self._own(draft.identity)
        held = {picked.url: picked for picked in draft.picked if picked.kept is not None and own.get(picked.url)}
        for url, picked in held.items():
            self._judge(draft, url, own[url], picked)
        for url in self._choose(draft, list(held), turn):
            self._open(_Check(draft, url, own[url]), held[url])

    def _own(self, identity: str) -> dict[str, MediaRef]:
        """The article's own pictures by address: of its current revision, else those that came late to it."""
        row = self._desk.known.article(identity)
        line = self._desk.archive.line(row.index) if row is not None else None
        if row is None or line is None:
            return {}
        found = {ref.url: ref for ref in line.media if ref.path}
        if len(found) < len(line.media):
            # A machine without a catalogue of its own knows no entries: pictures that came late wait for one that has.
            for index in self._desk.catalog.entries_of([identity]):
                late = self._desk.archive.line(index) if index > row.index else None
                for ref in late.media if late is not None and late.kind == "late" else ():
                    found.setdefault(ref.url, ref)
        return found

    def _choose(self, draft: Draft, held: list[str], turn: int) -> list[str]:
        """Which to ask for: the lead, and of the others some in turn, as far as no lead to come needs the budget."""
        self._leads = max(0, self._leads - 1)
        pictures = draft.article.pictures
        leads = {picture.url for picture in pictures if picture.lead} or {picture.url for picture in pictures[:1]}
        first = [url for url in held if url in leads][: self._left]
        others = [url for url in held if url not in leads]
        start = turn * OTHERS_AT_ONCE % max(1, len(others))
        spare = max(0, self._left - len(first) - self._leads)
        chosen = first + [*others[start:], *others[:start]][: min(spare, OTHERS_AT_ONCE)]
        self._left -= len(chosen)
        return chosen

    def _open(self, check: _Check, picked: Picked) -> None:
        address = check.own.fetched_url or check.url
        if address in self._now:
            self._judge(check.draft, check.url, check.own, self._now[address])
            return
        waiting = self._waiting.setdefault(address, [])
        waiting.append(check)
        if len(waiting) > 1:
            return
        kept = self._desk.known.media(address) or picked.kept
        assert kept is not None
        self._kept[address] = kept
        etag, last_modified = self._validators(address, kept)
        self._fetcher.submit(
            FetchRequest(
                url=address,
                kind="picture",
                outlet=check.draft.outlet.key,
                referer=check.draft.article.url,
                key=AGAIN + address,
                etag=etag,
                last_modified=last_modified,
            )
        )

    def _validators(self, address: str, kept: KeptMedia) -> tuple[str, str]:
        """ETag and Last-Modified of the kept picture's capture; none where it came another way, or is cut out."""
        place = self._desk.known.capture(kept.record_id) if kept.record_id else None
        if place is None:
            return "", ""
        try:
            record = read_member(self._desk.archive.objects.get(place.file, place.offset, place.length))
            response = to_response(record)
        except BaoguanError:
            return "", ""
        if record.url != address:
            return "", ""
        return response.header("etag"), response.header("last-modified")

    def take(self, result: FetchResult) -> list[Draft]:
        """An answer; returns the drafts that wait for nothing more here. A failure says nothing of the picture."""
        address, response = result.request.url, result.response
        kept = self._kept.pop(address)
        now: Picked | None = None
        if response is not None and response.status == 304:
            now = Picked(url=address, width=kept.width, height=kept.height, kept=kept)
        elif response is not None and response.status == 200:
            now = self._spool(address, response)
            if now is not None and _digest(now) == kept.sha256:
                now = Picked(url=address, width=kept.width, height=kept.height, kept=kept)
        checks = self._waiting.pop(address)
        if now is not None:
            self._now[address] = now
            for check in checks:
                self._judge(check.draft, check.url, check.own, now)
        drafts = {id(check.draft): check.draft for check in checks}
        return [draft for draft in drafts.values() if not self.is_open(draft)]

    def _judge(self, draft: Draft, url: str, own: MediaRef, now: Picked) -> None:
        """Puts into the draft what its picture is now, where that isn't the article's own any more."""
        digest = _digest(now)
        if digest == own.sha256:
            if now.kept is None:
                return
            kept = KeptMedia(sha256=own.sha256, path=own.path, width=own.width, height=own.height)
            fresh = Picked(url=url, width=own.width, height=own.height, kept=kept)
        else:
            replaces = "" if self._is_same(own, now) else own.path
            fresh = msgspec.structs.replace(now, url=url, replaces=replaces)
        draft.picked = [fresh if picked.url == url else picked for picked in draft.picked]

    def _is_same(self, own: MediaRef, now: Picked) -> bool:
        """Whether two files of other bytes show the same picture."""
        pair = (own.sha256, _digest(now))
        if pair not in self._same:
            self._same[pair] = self._look_the_same(own, now)
        return self._same[pair]

    def _look_the_same(self, own: MediaRef, now: Picked) -> bool:
        if not can_decode():
            return False
        self._thumbs = self._thumbs or Thumbs()
        try:
            before = self._desk.archive.objects.get(own.path)
            after = self._desk.archive.objects.get(now.kept.path) if now.kept else _spooled(now)
        except BaoguanError:
            return True  # a file that isn't here can't be compared: `verify` names it, and no edit is claimed
        one, other = self._thumbs(before), self._thumbs(after)
        return is_encoded_anew(one[:3], other[:3])


def _digest(picked: Picked) -> str:
    return picked.kept.sha256 if picked.kept else picked.spooled.rpartition("/")[2]


def _spooled(picked: Picked) -> bytes:
    return Path(picked.spooled).read_bytes()
