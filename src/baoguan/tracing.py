"""What a withdrawal must reach: every line, capture, picture and key of an article, without reading all of it."""

import hashlib
import html
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from baoguan.archive.withdraw_deny import item_texts
from baoguan.archive.withdraw_plan import Cut, Plan
from baoguan.capture.read import WarcRecord, iter_members, read_member, to_response
from baoguan.desk import Desk, carried_keys
from baoguan.errors import Corrupt, FeedError, NotFound
from baoguan.feeds.fallback import parse_feed_or_fallback
from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedDoc
from baoguan.model.log import ManifestLine, MediaRef
from baoguan.publish.markdown import parse_record
from baoguan.text.html import plain_text
from baoguan.text.identity import keys_of


class Trace:
    """Follows one withdrawal's articles. Owned by the thread that holds the write lock."""

    def __init__(
        self, desk: Desk, ids: Sequence[str], names: Iterable[str] = (), outlet: str = "", *, everywhere: bool = False
    ) -> None:
        """`ids`: articles in the log. `names`, `outlet`: identity keys of what is only in captures of feeds.

        `everywhere`: every capture is read, for pages of others that show its title or URL.
        """
        self._everywhere = everywhere
        self.desk, self.ids = desk, tuple(ids)
        self.lines = {index: line for index in desk.catalog.entries_of(ids) if (line := desk.archive.line(index))}
        revisions = [line for line in self.lines.values() if line.kind == "rev"]
        self.outlets = tuple(dict.fromkeys([*(line.outlet for line in revisions), *([outlet] if outlet else [])]))
        self.records = {line.record.path: desk.archive.record(line) for line in revisions if line.record}
        self.urls = tuple(dict.fromkeys(self._urls()))
        self.names = tuple(dict.fromkeys([*names, *self._names()]))
        self.titles = tuple(dict.fromkeys(line.title for line in revisions if line.title))
        self._cuts: dict[str, Cut] = {}
        self._gone_caps: dict[int, ManifestLine] = {}
        self._at_ms = 0
        self._reason = ""

    def _urls(self) -> Iterator[str]:
        for line in self.lines.values():
            if "conflict" not in line.flags:
                yield from (url for url in (line.url, *line.aliases) if url)
        yield from (url for data in self.records.values() if (url := parse_record(data).url))

    def _names(self) -> Iterator[str]:
        for line in self.lines.values():
            conflict = "conflict" in line.flags
            yield from keys_of(line.guids, (line.url, *line.aliases), conflict=conflict)
        if not any("conflict" in line.flags for line in self.lines.values()):
            yield from keys_of((), self.urls)

    def texts(self) -> list[str]:
        """Plain texts of every revision, and of the feeds' items that brought them."""
        texts = [plain_text(parse_record(data).body_html) for data in self.records.values()]
        captures = {line.item_capture.record_id for line in self.lines.values() if line.item_capture}
        for record_id in captures:
            doc = self._feed(self._record(record_id))
            for item in doc.items if doc else ():
                if not set(self.names).isdisjoint(keys_of([item.guid], [item.url])):
                    texts += item_texts(item)
        return texts

    def plan(self, *, at_ms: int, reason: str, note: str) -> Plan:
        """All that is to go, and what takes its place. Nothing is written."""
        self._at_ms, self._reason = at_ms, reason
        pictures = [media for line in self.lines.values() for media in line.media]
        alone = [media for media in pictures if media.path and self._is_alone(media)]
        self._find_captures(alone)
        entries = {**self.lines, **self._gone_caps}
        return Plan(
            at_ms=at_ms,
            reason=reason,
            note=note,
            ids=self.ids,
            entries=tuple(sorted(entries)),
            owners=tuple(entries[index].id for index in sorted(entries)),
            cuts=tuple(self._cuts.values()),
            renamed=tuple(self._renamed(entries.values())),
            records=tuple(self.records),
            media=tuple(dict.fromkeys(media.path for media in alone)),
            names=self.names,
            outlets=self.outlets,
            titles=self.titles,
            pictures=tuple(dict.fromkeys((media.sha256, url) for media in pictures for url in _urls_of(media))),
            legacy=tuple((line.source_sha256, line.legacy_path) for line in self.lines.values() if line.source_sha256),
        )

    def _is_alone(self, media: MediaRef) -> bool:
        return not self.desk.catalog.shown_elsewhere(media.sha256, self.ids)

    def _find_captures(self, alone: Sequence[MediaRef]) -> None:
        catalog = self.desk.catalog
        refs = [ref for line in self.lines.values() for ref in (line.capture, line.item_capture)]
        for ref in (*refs, *(media.capture for media in alone)):
            if ref is not None:
                self._cut(ref.record_id)
        for record_id in catalog.feed_captures(self.names):
            if record_id not in self._cuts and self._carries(self._record(record_id)):
                self._cut(record_id)
        # Redirects to it and answers that were no article: their cap line names the URL, so it goes with them.
        urls = (*self.urls, *(url for media in alone for url in _urls_of(media)))
        for record_id, index in catalog.captures_of_urls(urls):
            cap = self.desk.archive.line(index)
            if cap is not None:
                self._gone_caps[index] = cap
                self._cut(record_id)
        for record_id in self._mentions() if self._everywhere else ():
            self._cut(record_id)

    def _mentions(self) -> Iterator[str]:
        """Captures of other pages that show its title or its URL: a list of more news, a link."""
        told = [text.encode("utf-8", "replace") for text in (*self.titles, *self.urls)]
        told += [html.escape(title).encode("utf-8", "replace") for title in self.titles]
        for path in self.desk.archive.objects.list("captures"):
            data = self.desk.archive.objects.get(path)
            for offset, length, _ in iter_members(data):
                record = read_member(data[offset : offset + length])
                if record.kind == "response" and any(text in to_response(record).body for text in told):
                    yield record.record_id

    def _cut(self, record_id: str) -> None:
        """A stub takes its place; who referred to it for the body goes too, or takes the body over."""
        if record_id in self._cuts:
            return
        place = self.desk.catalog.capture(record_id)
        if place is None:
            return
        stub = self.desk.archive.warc.stub(self._reason, self._at_ms)
        data = self.desk.archive.objects.get(place.file, place.offset, place.length)
        self._replace(record_id, stub.ref, stub.data)
        heirs = []
        for revisit in self.desk.catalog.revisits_of(record_id):
            if self._may_stay(revisit):
                heirs.append(revisit)
            else:
                self._cut(revisit)
        self._rehome(sorted(heirs, key=self._order), data)

    def _order(self, record_id: str) -> tuple[str, int]:
        """The oldest takes the body over: files are named by their time."""
        place = self.desk.catalog.capture(record_id)
        return (place.file, place.offset) if place else ("", 0)

    def _may_stay(self, record_id: str) -> bool:
        """A revisit that an article's line names, of none that is withdrawn: its own body is the same, and stays."""
        mine = {line.capture.record_id for line in self.lines.values() if line.capture}
        return record_id not in mine and self.desk.catalog.cap_index(record_id) is None

    def _rehome(self, heirs: Sequence[str], data: bytes) -> None:
        payload: bytes | None = read_member(data).block.partition(b"\r\n\r\n")[2]
        target: CaptureRef | None = None
        for heir in heirs:
            record = self._record(heir)
            if record is None or heir in self._cuts:
                continue
            moved = self.desk.archive.warc.moved(record, payload, target)
            self._replace(heir, moved.ref, moved.data, target.record_id if target else "")
            payload, target = None, target or moved.ref

    def _replace(self, record_id: str, ref: CaptureRef, data: bytes, target: str = "") -> None:
        place = self.desk.catalog.capture(record_id)
        if place is None:
            raise NotFound(f"capture {record_id} is not in the index: `baoguan rebuild`, then again")
        old = self.desk.archive.objects.get(place.file, place.offset, place.length)
        self._cuts[record_id] = Cut(
            record_id=record_id,
            sha256=hashlib.sha256(old).hexdigest(),
            file=place.file,
            offset=place.offset,
            length=place.length,
            # Of what moved, the article's own line names the URL: when it goes, no other may tell it.
            ref=msgspec.structs.replace(ref, url="") if ref.record_id == record_id else ref,
            data=data,
            target=target,
        )

    def _record(self, record_id: str) -> WarcRecord | None:
        place = self.desk.catalog.capture(record_id)
        if place is None:
            return None
        return read_member(self.desk.archive.objects.get(place.file, place.offset, place.length))

    def _carries(self, record: WarcRecord | None) -> bool:
        """Whether a feed's capture holds an item of these names: asked by bytes first, which is cheap."""
        if record is None or record.kind != "response":
            return False
        try:
            body = to_response(record).body
        except Corrupt:
            return False
        told = [*self.titles, *self.urls, *(name[2:] for name in self.names if name.startswith("g:"))]
        if any(len(text) >= 12 and text.encode("utf-8", "replace") in body for text in told):
            return True
        doc = self._feed(record)
        outlets = [self.desk.outlet(key) for key in self.outlets]
        return doc is not None and any(not set(self.names).isdisjoint(carried_keys(outlet, doc)) for outlet in outlets)

    def _feed(self, record: WarcRecord | None) -> FeedDoc | None:
        try:
            if record is None:
                return None
            response = to_response(record)
            kind = response.header("content-type")
            return parse_feed_or_fallback(response.body, url=response.final_url, content_type=kind)
        except (FeedError, Corrupt):
            return None

    def _renamed(self, lines: Iterable[ManifestLine]) -> Iterator[CaptureRef]:
        """Captures that stay though their line goes: of shared pictures, and what else a cap line named."""
        told: set[str] = set()
        for line in lines:
            media = [one.capture for one in line.media if one.capture is not None]
            for ref in (*line.captures, *media):
                if ref.record_id not in self._cuts and ref.record_id not in told:
                    told.add(ref.record_id)
                    yield ref


def _urls_of(media: MediaRef) -> tuple[str, ...]:
    return tuple(dict.fromkeys(url for url in (media.url, media.fetched_url) if url))
