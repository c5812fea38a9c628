"""From drafts to a committed batch: identity, revision or not, record, manifest line. Shared by all joiners."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from baoguan.archive.ledger import Ledger, Resolution
from baoguan.archive.revisions import Verdict, content_digest, judge_again
from baoguan.archive.store import Archive, Batch
from baoguan.archive.withdraw_deny import identity_names
from baoguan.extract.profile import Profile
from baoguan.model.article import Article, Clock
from baoguan.model.capture import CaptureRef, Response
from baoguan.model.catalog import KeptMedia
from baoguan.model.ids import record_path
from baoguan.model.log import ManifestLine, MediaRef
from baoguan.model.outlet import Outlet
from baoguan.model.schedule import PendingItem
from baoguan.publish.ancestor_tree import FIRST_ID, article_path
from baoguan.publish.markdown import KeptPicture, RecordDraft, parse_record, render_record
from baoguan.reading import DRIFT, led_home
from baoguan.text.html import plain_text
from baoguan.text.sameness import squeeze, still_lines
from baoguan.text.urls import canonical_url

_LESS = 0.7
"""A page out of habit with less than this share of the kept text is the reader's failure, not an edit."""


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that was got for a draft: fetched now (spooled) or kept before."""

    url: str
    """As it stands in the article."""
    width: int = 0
    height: int = 0
    extension: str = ""
    spooled: str = ""
    """File in the spool; empty when it was kept before."""
    response: Response | None = None
    """Of the fetch, without its body."""
    kept: KeptMedia | None = None
    replaces: str = ""
    """media/ path of the other photo that the article had under this address; empty where it is the same."""


class Draft(msgspec.Struct, kw_only=True):
    """An article on its way into the log. Owned by the joiner's thread."""

    key: str
    outlet: Outlet
    identity: str = ""
    """Id of the known article that is looked at again; empty: found by guid and URL."""
    guid: str = ""
    url: str = ""
    feeds: tuple[str, ...] = ()
    feed_ms: int = 0
    article: Article
    text: str | None = None
    """plain_text of the article's body where it is known already."""
    captured_ms: int
    response: Response | None = None
    """Of the page; None where the text is the feed's."""
    capture: CaptureRef | None = None
    """Known already: the feed's, or of an imported file."""
    item_published: str = ""
    item_capture: CaptureRef | None = None
    picked: list[Picked] = []
    missing: list[str] = []
    flags: tuple[str, ...] = ()
    cause: str = ""
    """import, or empty: the outlet's."""
    legacy_path: str = ""
    source_sha256: str = ""
    again: Callable[[ManifestLine], Article | None] | None = None
    """Reads the capture of an older revision as this article was read, so that only the outlet's edits count."""
    habit: Profile | None = None
    """What was known of the outlet's pages when this one was read."""
    pending: PendingItem | None = None
    """The item that it came of; None for imports."""
    always: bool = False
    """Imports: every file is a revision, unchanged text too."""


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a draft."""

    id: str
    outcome: str
    """new, changed, same, lost, or withdrawn: it is on the deny list, nothing of it was kept."""
    conflict: bool = False
    pictures_alone: bool = False
    """Changed, but not a word of it."""


def log_draft(archive: Archive, batch: Batch, ledger: Ledger, draft: Draft) -> Logged:
    """Appends what the draft means: a first revision, a further one, `seen` or `lost`."""
    who = _resolve(ledger, draft)
    text = plain_text(draft.article.body_html) if draft.text is None else draft.text
    if is_refused(ledger, draft, "" if who.standing else text):
        return Logged(id=who.id, outcome="withdrawn")
    digest = content_digest(draft.article, text)
    if who.standing is None or draft.always:
        cause = draft.cause or "outlet"
        _append_revision(batch, ledger, draft, who, digest=digest, cause=cause)
        return Logged(id=who.id, outcome="changed" if who.standing else "new", conflict=who.conflict)
    verdict = _compare(archive, draft, who, digest=digest, text=text)
    swapped = verdict.kind == "seen" and any(picked.replaces for picked in draft.picked)
    if verdict.kind == "rev" or swapped:
        digest = content_digest(draft.article, text)
        _append_revision(batch, ledger, draft, who, digest=digest, cause=verdict.cause or "outlet")
        return Logged(id=who.id, outcome="changed", pictures_alone=swapped)
    logged = log_fact(batch, ledger, draft, verdict)
    if verdict.kind == "seen":
        # The same photo, encoded anew, or one that the record doesn't speak of: no edit, but its bytes are kept.
        for picked in draft.picked:
            if picked.spooled:
                log_late(batch, ledger, identity=who.id, picked=picked, now_ms=draft.captured_ms)
    return logged


def is_refused(ledger: Ledger, draft: Draft, text: str = "") -> bool:
    """Whether the deny list names the draft: by a URL, its guid, the very file, or (for a new article) the text."""
    denials = ledger.denials
    if denials is None:
        return False
    urls = [draft.url, draft.article.url, draft.article.canonical_url]
    urls += [draft.response.url, draft.response.final_url] if draft.response else []
    known = [canonical_url(url, drop_params=draft.outlet.drop_params) for url in urls if url]
    names = identity_names(draft.outlet.key, [draft.guid], known)
    names += identity_names(draft.outlet.key, [draft.guid], known, conflict=True)
    return denials.refuses([*names, f"i:{draft.source_sha256}"] if draft.source_sha256 else names, text)


def _resolve(ledger: Ledger, draft: Draft) -> Resolution:
    """Whom the draft speaks of: the article it was opened for, else the owner of its guid and URL, else a new one."""
    standing = ledger.standing(draft.identity) if draft.identity else None
    if standing is not None:
        url = canonical_url(draft.url, drop_params=draft.outlet.drop_params) if draft.url else ""
        return Resolution(id=draft.identity, url=url, standing=standing)
    return ledger.resolve(draft.outlet.key, draft.guid, draft.url, draft.outlet.drop_params)


def _compare(archive: Archive, draft: Draft, who: Resolution, *, digest: str, text: str) -> Verdict:
    """What a second look means. Where the texts differ, the older capture is read again by today's reader:
    what only the reader sees otherwise (new rules, more learned) is no edit of the outlet.
    """
    assert who.standing is not None
    standing = who.standing
    if digest == standing.content_sha256:
        return Verdict(kind="seen")
    held = archive.line(standing.index)
    kept, extractor, before = "", "", standing.content_sha256
    if held is not None and held.record is not None:
        kept, extractor = plain_text(parse_record(archive.record(held)).body_html), held.extractor
        again = draft.again(held) if draft.again is not None else None
        if again is not None:
            if not again.authors and not draft.article.authors:
                # Neither page names anybody: what stands there only the feed said, and nobody took it back.
                draft.article = msgspec.structs.replace(draft.article, authors=held.authors)
            before, extractor = content_digest(again, plain_text(again.body_html)), again.extractor
    if len(text) < len(kept) and (not text or draft.article.kind in ("stub", "paywall")):
        return Verdict(kind="lost", reason=draft.article.kind if text else "empty")
    if DRIFT in draft.flags and before != digest and _reads_less(text, kept):
        return Verdict(kind="lost", reason=DRIFT)
    verdict = judge_again(
        draft.article,
        digest=digest,
        text_length=len(text),
        held_digest=before,
        held_length=len(kept),
        held_extractor=extractor,
    )
    # Title, authors and lead picture the same: what is left may be clocks and counters, which nobody edited.
    if verdict.kind == "rev" and content_digest(draft.article, kept) == standing.content_sha256:
        return Verdict(kind="seen") if squeezed(text) == squeezed(kept) else verdict
    return verdict


def squeezed(text: str) -> list[str]:
    """What only an editor changes of a text, a line a paragraph, without form."""
    return [line for line in map(squeeze, still_lines(text)) if line]


def _reads_less(text: str, kept: str) -> bool:
    """Whether a page that departs from its outlet's habit gives less than is kept, or the same words alone."""
    return len(text) < _LESS * len(kept) or "".join(text.split()) == "".join(kept.split())


def log_fact(batch: Batch, ledger: Ledger, draft: Draft, verdict: Verdict) -> Logged:
    """Appends `seen` or `lost` of a known article; the same loss twice in a row is one fact.

    Of a page at an address that only a feed gave nothing is lost: the kept page is looked at in its turn.
    """
    who = _resolve(ledger, draft)
    if who.standing is None:
        return Logged(id=who.id, outcome="lost")
    from_feed = draft.pending is not None and draft.pending.feed
    if verdict.kind == "lost" and from_feed and not ledger.knows(draft.outlet.key, who.id, draft.guid, who.url):
        if draft.response is not None:
            batch.add_capture(draft.response)
        return Logged(id=who.id, outcome="same")
    if verdict.kind == "lost" and who.standing.lost == verdict.reason:
        return Logged(id=who.id, outcome="lost")
    if draft.cause == "import" and draft.captured_ms <= who.standing.checked_ms:
        # An older look, out of a WARC: it says nothing of today, and may be in the log already.
        return Logged(id=who.id, outcome="same" if verdict.kind == "seen" else "lost")
    capture = draft.capture
    if draft.response is not None:
        # Unchanged: headers and digest are kept, not the body again.
        capture = batch.add_capture(draft.response, payload_in_media=verdict.kind == "seen")
    line = ManifestLine(
        salt="",
        kind=verdict.kind,
        id=who.id,
        prev=who.standing.index,
        outlet=draft.outlet.key,
        feeds=draft.feeds,
        guids=(draft.guid,) if draft.guid else (),
        url=who.url,
        captured_ms=draft.captured_ms,
        capture=capture,
        reason=verdict.reason,
        vantage=batch.vantage,
        flags=("conflict",) if who.conflict else (),
    )
    ledger.take(batch.append(line), line)
    return Logged(id=who.id, outcome="same" if verdict.kind == "seen" else "lost")


def _append_revision(batch: Batch, ledger: Ledger, draft: Draft, who: Resolution, *, digest: str, cause: str) -> None:
    standing = who.standing
    revision = standing.rev + 1 if standing else 0
    article = draft.article
    capture = batch.add_capture(draft.response) if draft.response else draft.capture
    media, kept = _keep_media(batch, draft)
    path = record_path(draft.outlet.key, draft.captured_ms, who.id, revision)
    url = article.canonical_url or draft.url or article.url
    record = batch.add_record(
        path, render_record(RecordDraft(epoch_ms=draft.captured_ms, url=url, article=article, media=kept))
    )
    flags = draft.flags + (("conflict",) if who.conflict else ())
    line = ManifestLine(
        salt="",
        kind="rev",
        id=who.id,
        rev=revision,
        prev=standing.index if standing else None,
        cause=cause if standing or cause == "import" else "outlet",
        outlet=draft.outlet.key,
        feeds=draft.feeds,
        guids=(draft.guid,) if draft.guid else (),
        url=who.url,
        aliases=_aliases(draft, who),
        title=article.title,
        authors=article.authors,
        section=article.section,
        lang=article.language,
        captured_ms=draft.captured_ms,
        published=clock_text(article.published),
        published_from=article.published.source if article.published else "",
        zone_assumed=article.published.zone_assumed if article.published else False,
        modified=clock_text(article.modified),
        modified_from=article.modified.source if article.modified else "",
        record=record,
        content_sha256=digest,
        media=media,
        capture=capture,
        extractor=article.extractor,
        rules=article.rules,
        confidence=round(article.confidence, 3),
        vantage=batch.vantage,
        flags=flags,
        legacy_path=draft.legacy_path or _new_legacy(ledger, draft.outlet.key, standing is None),
        item_published=draft.item_published,
        item_capture=draft.item_capture,
        source_sha256=draft.source_sha256,
    )
    ledger.take(batch.append(line), line)


def _new_legacy(ledger: Ledger, outlet: str, new: bool) -> str:
    """The path that a new article has in the ancestors' tree: an id below the outlet's last, in fixed width."""
    if not new:
        return ""
    lowest = ledger.lowest_legacy(outlet)
    return article_path(outlet, FIRST_ID if lowest is None else max(lowest - 1, 0))


def _aliases(draft: Draft, who: Resolution) -> tuple[str, ...]:
    """Other URLs of this page: where redirects ended. A redirect to a home page names no article."""
    if draft.response is None or not draft.response.hops or led_home(draft.outlet, draft.response):
        return ()
    final = draft.response.final_url
    return () if final == who.url else (final,)


def _keep_media(batch: Batch, draft: Draft) -> tuple[tuple[MediaRef, ...], dict[str, KeptPicture]]:
    refs: list[MediaRef] = []
    kept: dict[str, KeptPicture] = {}
    for picked in draft.picked:
        ref = _media_ref(batch, picked)
        refs.append(ref)
        kept[picked.url] = KeptPicture(path=ref.path, width=ref.width or None, height=ref.height or None)
    have = {picture.url for picture in draft.picked}
    refs += [MediaRef(url=url) for url in draft.missing if url not in have]
    order = {picture.url: number for number, picture in enumerate(draft.article.pictures)}
    lead = {picture.url for picture in draft.article.pictures if picture.lead}
    refs.sort(key=lambda ref: (ref.url not in lead, order.get(ref.url, len(order))))
    return tuple(refs), kept


def _media_ref(batch: Batch, picked: Picked) -> MediaRef:
    if picked.kept is not None:
        kept = picked.kept
        return MediaRef(
            url=picked.url,
            sha256=kept.sha256,
            path=kept.path,
            width=kept.width,
            height=kept.height,
            replaces=picked.replaces,
        )
    data = Path(picked.spooled).read_bytes()
    path = batch.add_media(data, picked.extension)
    capture = None
    if picked.response is not None:
        response = msgspec.structs.replace(picked.response, body=data, raw=data)
        capture = batch.add_capture(response, payload_in_media=True)
    fetched = picked.response.url if picked.response else ""
    return MediaRef(
        url=picked.url,
        sha256=path.rpartition("/")[2].partition(".")[0],
        path=path,
        width=picked.width,
        height=picked.height,
        fetched_url=fetched if fetched != picked.url else "",
        replaces=picked.replaces,
        capture=capture,
    )


def log_late(batch: Batch, ledger: Ledger, *, identity: str, picked: Picked, now_ms: int) -> None:
    """Appends a `late` leaf: a picture that came after its record, which never changes. None for who was withdrawn."""
    standing = ledger.standing(identity)
    if standing is None:
        return
    line = ManifestLine(
        salt="",
        kind="late",
        id=identity,
        prev=standing.index,
        cause="media",
        captured_ms=now_ms,
        media=(_media_ref(batch, picked),),
        vantage=batch.vantage,
    )
    ledger.take(batch.append(line), line)


def clock_text(clock: Clock | None) -> str:
    """RFC 3339 with the publisher's offset; the day alone when no more is known; empty for None."""
    if clock is None:
        return ""
    if clock.precision == "day":
        return clock.at.date().isoformat()
    return clock.at.isoformat(timespec="seconds")


def clock_of(text: str, source: str) -> Clock | None:
    """The inverse of clock_text."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return Clock(at=at, source=source, precision="day" if len(text) == 10 else "second")
