"""What a poll of a feed meant, for the schedule and for people."""

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

import msgspec

from baoguan.archive.store import Batch
from baoguan.desk import Desk, carried_keys
from baoguan.errors import FeedError
from baoguan.feeds.fallback import parse_feed_or_fallback
from baoguan.feeds.identity import identity_keys
from baoguan.feeds.schedule import PollFact, PollSettings, fact_of, next_poll
from baoguan.fetch.headers import cache_max_age, parse_http_date, parse_retry_after
from baoguan.model.capture import CaptureRef, FetchResult, Response
from baoguan.model.feed import FeedDoc, FeedState, Item
from baoguan.model.outlet import Outlet
from baoguan.model.schedule import PendingItem
from baoguan.text.identity import keys_of
from baoguan.text.urls import canonical_url

RECHECK_STEPS_S = (3600, 6 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400)
"""A page is looked at again after the first, then the next ...; the last for ever."""
MISSED_S = 90 * 86_400
"""A look at a page that failed counts as one, but the next comes after so many seconds at most."""
_AGES_S = (0, *accumulate(RECHECK_STEPS_S))
"""How old a text is at its first look, the second ..., when each comes in time; nothing at 0."""
RETRY_STEPS_S = (300, 1800, 7200, 6 * 3600, 86_400)
"""A page that did not come is asked for again after the first, then the next ..."""


CLOCK_OFF_S = 300.0
MIN_CLOCKS = 3
"""One server's clock may be wrong; the median of several is not."""


class KeptResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A response that waits for the next batch."""

    response: Response
    feed: str = ""
    """Of which feed it is a new body; empty for anything else."""
    same_as: CaptureRef | None = None
    """A capture that holds this very body."""
    keys: tuple[str, ...] = ()
    """Identity keys of the items that it carries."""


class FeedRead(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a poll, as far as it was understood."""

    kept: KeptResponse
    doc: FeedDoc | None = None
    problem: str = ""
    """Why the body is no feed."""


def read_feed(desk: Desk, state: FeedState, response: Response) -> FeedRead:
    """body -> items, without those that were withdrawn: of a feed that still carries one only the headers are kept."""
    same = response.status == 200 and body_digest(response) == state.body_sha256 and state.kind == "ok"
    if same and state.capture is not None:
        return FeedRead(kept=KeptResponse(response=response, same_as=state.capture))
    if response.status != 200:
        return FeedRead(kept=KeptResponse(response=response, feed=state.url))
    try:
        doc = parse_feed_or_fallback(
            response.body, url=response.final_url, content_type=response.header("content-type")
        )
    except FeedError as error:
        return FeedRead(kept=KeptResponse(response=response, feed=state.url), problem=str(error))
    outlet = desk.outlet(state.outlet)
    doc, withheld = desk.denials.strip(outlet, doc)
    if withheld:
        response = msgspec.structs.replace(response, raw=b"", body=b"", truncated="withheld")
    keys = () if withheld else tuple(carried_keys(outlet, doc))
    return FeedRead(kept=KeptResponse(response=response, feed=state.url, keys=keys), doc=doc)


def capture_kept(desk: Desk, batch: Batch, kept: KeptResponse) -> CaptureRef:
    """Adds it to the batch; what was withdrawn since it came is left out."""
    response = kept.response
    outlet = desk.feeds.get(kept.feed, "")
    if kept.keys and desk.denials.refuses(key if key.startswith("u:") else f"{outlet}\n{key}" for key in kept.keys):
        return batch.add_capture(msgspec.structs.replace(response, raw=b"", body=b"", truncated="withheld"))
    ref = batch.add_capture(response, revisit_of=kept.same_as)
    if kept.keys:
        batch.sightings.append((ref.url, ref.at_ms, list(kept.keys)))
    return ref


class FeedOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One feed of a run, for its line on the terminal."""

    url: str
    outlet: str
    status: int
    """HTTP status, 0 when there was no response."""
    kind: str
    """As FeedState.kind."""
    fresh: int
    """Items that were new or changed."""
    problem: str = ""
    clock_gap_s: float | None = None
    """This machine's clock less the server's; None when it told none."""

    @staticmethod
    def of(state: FeedState, result: FetchResult, fresh: Sequence[PendingItem]) -> "FeedOutcome":
        """From the settled state and the result."""
        return FeedOutcome(
            url=state.url,
            outlet=state.outlet,
            status=result.response.status if result.response else 0,
            kind=state.kind,
            fresh=len(fresh),
            problem=state.problem,
            clock_gap_s=clock_gap_s(result.response) if result.response else None,
        )


class Report:
    """What a run did; shells watch it through `watch(event, outcome)`."""

    def __init__(self, watch: Callable[[str, object], None] = lambda _event, _what: None) -> None:
        self.watch = watch
        self.total = 0
        self.feeds: list[FeedOutcome] = []
        self.counts: dict[str, int] = {"new": 0, "changed": 0, "same": 0, "lost": 0}
        self.waiting: dict[str, int] = {}
        """Items that wait for another try, by reason."""

    def start(self, total: int) -> None:
        """So many feeds will be polled."""
        self.total = total
        self.watch("start", total)

    def feed(self, outcome: FeedOutcome) -> None:
        """A feed was polled."""
        self.feeds.append(outcome)
        self.watch("feed", outcome)

    def article(self, outlet: str, feeds: tuple[str, ...], outcome: str, title: str) -> None:
        """An article was committed: new, changed, same or lost; withdrawn: it was left out."""
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        self.watch("article", (outlet, feeds, outcome, title))

    def wait(self, outlet: str, problem: str) -> None:
        """An item waits for another try."""
        self.waiting[problem] = self.waiting.get(problem, 0) + 1
        self.watch("wait", (outlet, problem))

    @property
    def failed(self) -> list[FeedOutcome]:
        """Feeds that gave no feed."""
        return [feed for feed in self.feeds if feed.kind in ("failing", "blocked", "gone", "not-a-feed")]


def step_at(step: int, age_ms: int) -> int:
    """The step of a look that comes now, at a text of that age (ms).

    Where more are due than the budget has room for, looks come late: those that were missed meanwhile are left out, so
    that what waits doesn't grow without end.
    """
    missed = bisect_right(_AGES_S, age_ms // 1000) - 2
    return max(step, min(missed, len(RECHECK_STEPS_S) - 1))


def item_keys(outlet: Outlet, doc: FeedDoc) -> Iterator[tuple[str, Item, str, str]]:
    """(key, item, guid, canonical URL) of the items that can be told apart; what can't identify is empty."""
    seen: set[str] = set()
    for item, identity in zip(doc.items, identity_keys(doc), strict=True):
        url = canonical_url(identity.url, drop_params=outlet.drop_params) if identity.url else ""
        guid = identity.guid or ("" if url else f"title:{item.title}" if item.title else "")
        keys = keys_of([guid], [url])
        if keys and keys[0] not in seen:
            seen.add(keys[0])
            yield f"{outlet.key}\n{keys[0]}", item, guid, url


def settle_poll(
    desk: Desk, state: FeedState, result: FetchResult, doc: FeedDoc | None, problem: str, *, known: bool, new_items: int
) -> FeedState:
    """The state of a feed after a poll, to be kept together with its items.

    `problem`: why the body is no feed. `known`: the document holds an item that the archive knows, so that an address
    to which the feed moved is believed to be the same feed.
    """
    fact = fact_of(doc, _fact(desk, state, result, problem, known=known), new_items=new_items)
    settings = PollSettings(
        min_interval_s=desk.settings.min_interval_s, max_interval_s=max(desk.settings.max_interval_s, 1)
    )
    after = next_poll(
        msgspec.structs.replace(state, url=state.address or state.url),
        fact,
        desk.now_ms(),
        settings,
        desk.entropy.uniform(0.0, 1.0),
    )
    address = after.url if after.url != state.url else ""
    # Who types `sync` overrides pace and backoff, not what the host asked for.
    not_before = fact.retry_after_ms or fact.deferred_ms
    return msgspec.structs.replace(after, url=state.url, address=address, not_before_ms=not_before)


def _fact(desk: Desk, state: FeedState, result: FetchResult, problem: str, *, known: bool) -> PollFact:
    response = result.response
    if response is None:
        kind, error = result.error_kind, result.error or "the host asked to wait"
        return PollFact(error=error, error_kind=kind, deferred_ms=result.deferred_ms)
    now = desk.clock.now()
    retry_s = parse_retry_after(response.header("retry-after"), now) if response.header("retry-after") else None
    if response.truncated and not problem:
        problem = f"the response was cut ({response.truncated})"
    walled = response.header("cf-mitigated").lower() == "challenge"
    return PollFact(
        status=response.status,
        error="a bot wall (Cloudflare challenge) answers; another exit address may help" if walled else problem,
        error_kind="cloudflare" if walled else "feed" if problem else "",
        cache_max_age_s=cache_max_age(response.headers),
        retry_after_ms=desk.now_ms() + int(retry_s * 1000) if retry_s is not None else None,
        etag=response.header("etag"),
        last_modified=response.header("last-modified"),
        body_sha256=body_digest(response) if response.status == 200 else "",
        moved_to=permanent_target(response),
        moved_is_same=known or not state.items,
    )


def body_digest(response: Response) -> str:
    """sha256 of the decoded body, hex."""
    return hashlib.sha256(response.body).hexdigest()


def note_run(desk: Desk, report: Report) -> None:
    """Adds what a run did to the counters that /metrics tells; leaves a line for `status` when our clock is off."""
    note_clock(desk, report)
    counts = Counter({f"article_{outcome}": n for outcome, n in report.counts.items() if n})
    counts.update({"polls": len(report.feeds)} if report.feeds else {})
    counts.update(f"poll_{feed.kind}" for feed in report.failed)
    if counts:
        desk.schedule.count(counts)


def note_clock(desk: Desk, report: Report) -> None:
    """Leaves a line for `status` when this machine's clock is off: by more than five minutes from most servers."""
    gaps = sorted(feed.clock_gap_s for feed in report.feeds if feed.clock_gap_s is not None)
    off_s = gaps[len(gaps) // 2] if len(gaps) >= MIN_CLOCKS else 0.0
    if abs(off_s) > CLOCK_OFF_S:
        text = f"this machine's clock is {'ahead of' if off_s > 0 else 'behind'} the servers' by minutes: set it (NTP)"
        desk.schedule.note(desk.now_ms(), "", text)
        report.watch("note", f"{text} ({abs(off_s) / 60:.0f} min by {len(gaps)} servers)")


def clock_gap_s(response: Response) -> float | None:
    """Our clock less the server's, in seconds; None when it tells none, or a cache's (Age)."""
    theirs = parse_http_date(response.header("date")) if not response.header("age") else None
    return None if theirs is None else (response.at - theirs).total_seconds()


def pub_date(item: Item) -> str:
    """pubDate of the item, else when it was updated, RFC 3339: the ancestors' clock; empty when it has none."""
    at = item.published or item.updated
    return at.isoformat() if at else ""


def permanent_target(response: Response) -> str:
    """Where a chain of nothing but 301 and 308 led; empty otherwise."""
    if response.hops and all(hop.status in (301, 308) for hop in response.hops):
        return response.final_url
    return ""
