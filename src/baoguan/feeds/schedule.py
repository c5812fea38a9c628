"""When a feed is polled next, and what `status` says of it: one pure decider.

What an outlet asks for (ttl, max-age, Expires, skipHours, Retry-After) is obeyed up to a day. A failing feed is asked
ever less often but never given up; only 410 stops it, until the operator says otherwise.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from baoguan.feeds.identity import ItemIdentity, identity_keys, is_same_feed
from baoguan.model.feed import FeedDoc, FeedState

__all__ = ["ItemIdentity", "PollFact", "PollSettings", "fact_of", "identity_keys", "is_same_feed", "next_poll"]

_DAY_S = 86_400
_STABLE_MOVES = 4
"""Permanent redirects to the same place in a row before it is believed: maintenance pages redirect permanently too."""
_STALE_S = 60 * _DAY_S
_BACKOFF_MAX_S = 3 * _DAY_S
_NOT_MODIFIED, _GONE, _OK = 304, 410, 200
_BLOCKED = frozenset((401, 402, 403, 407, 429, 451))


class PollSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of polling, in seconds."""

    min_interval_s: int = 300
    max_interval_s: int = _DAY_S
    default_interval_s: int = 2_700
    """Of a feed that was never polled with success."""


class PollFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a poll came to. Exactly one of status and error is set, but for a body that is no feed (both)."""

    status: int = 0
    """HTTP status, 0 without a response."""
    error: str = ""
    """One line: why there is no feed. Empty for a good document and for 304."""
    error_kind: str = ""
    """As FetchError.kind; `feed` for a body that is no feed, `cloudflare` for a bot wall."""
    items: int | None = None
    """Items of the document; None when none was parsed (304, the same body again, an error)."""
    new_items: int = 0
    title: str = ""
    ttl_s: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[str, ...] = ()
    cache_max_age_s: int | None = None
    expires_ms: int | None = None
    retry_after_ms: int | None = None
    """Epoch before which the host wants no request."""
    etag: str = ""
    last_modified: str = ""
    body_sha256: str = ""
    moved_to: str = ""
    """Where a chain of nothing but 301 and 308 led; empty otherwise."""
    moved_is_same: bool = True
    """The document there goes on with this feed."""
    deferred_ms: int = 0
    """Not asked at all: the host wants no request before this epoch."""


def fact_of(doc: FeedDoc | None, fact: PollFact, *, new_items: int = 0) -> PollFact:
    """`fact` with what a parsed document adds: number of items, title and pace."""
    if doc is None:
        return fact
    return msgspec.structs.replace(
        fact,
        items=len(doc.items),
        new_items=new_items,
        title=doc.title,
        ttl_s=doc.ttl_s,
        skip_hours=doc.skip_hours,
        skip_days=doc.skip_days,
    )


def next_poll(state: FeedState, fact: PollFact, now_ms: int, settings: PollSettings, jitter: float) -> FeedState:
    """The state after a poll: when the next one is, how the feed is, and what is wrong with it in one line.

    `jitter` is between 0 and 1: what failed together is not tried together. Validators are taken from `fact` only when
    it has a good document; the caller stores the state together with the document's items.
    """
    if fact.deferred_ms:
        wait = min(fact.deferred_ms, now_ms + _DAY_S * 1000)
        return msgspec.structs.replace(state, next_ms=wait, not_before_ms=wait, lease_ms=0)
    polled = msgspec.structs.replace(state, last_poll_ms=now_ms, last_status=fact.status, lease_ms=0)
    if fact.status == _GONE:
        return _gone(polled, now_ms)
    if fact.error or not (fact.status == _NOT_MODIFIED or _OK <= fact.status < 300):
        return _failed(polled, fact, now_ms, settings, jitter)
    return _moved(_succeeded(polled, fact, now_ms, settings, jitter), fact)


def _gone(state: FeedState, now_ms: int) -> FeedState:
    problem = "the outlet says that this feed is gone for good (410): polled no more until you ask for it"
    return msgspec.structs.replace(
        state, stopped=True, kind="gone", problem=problem, fails=state.fails + 1, next_ms=now_ms + 365 * _DAY_S * 1000
    )


def _failed(state: FeedState, fact: PollFact, now_ms: int, settings: PollSettings, jitter: float) -> FeedState:
    fails = state.fails + 1
    base = max(settings.min_interval_s, min(state.interval_s or settings.default_interval_s, 3600))
    wait_s = min(_BACKOFF_MAX_S, base * 2 ** min(fails - 1, 12))
    next_ms = now_ms + int(wait_s * 1000 * (0.75 + 0.5 * jitter))
    asked_ms = min(fact.retry_after_ms or 0, now_ms + _DAY_S * 1000)
    if asked_ms > next_ms:  # a little later than asked: the others wait for the same moment
        next_ms = asked_ms + int(60_000 * jitter)
    times = f", {fails} times in a row" if fails > 1 else ""
    return msgspec.structs.replace(
        state,
        fails=fails,
        kind=_failure_kind(fact),
        problem=f"{_failure(fact)}{times}"[:300],
        next_ms=next_ms,
        not_before_ms=next_ms,
        moved_seen=0,
    )


def _failure_kind(fact: PollFact) -> str:
    if fact.error_kind == "feed":
        return "not-a-feed"
    return "blocked" if fact.status in _BLOCKED or fact.error_kind in ("cloudflare", "robots") else "failing"


def _failure(fact: PollFact) -> str:
    if fact.error:
        return fact.error if not fact.status or fact.error_kind == "feed" else f"HTTP {fact.status}: {fact.error}"
    words = {
        429: "the outlet asks for fewer requests",
        403: "the outlet refuses us (a proxy may help)",
        404: "nothing is there any more; look for the feed's new address",
        451: "blocked for legal reasons",
        503: "the outlet is out of service for now",
    }
    return f"HTTP {fact.status}: {words.get(fact.status, 'no feed came')}"


def _succeeded(state: FeedState, fact: PollFact, now_ms: int, settings: PollSettings, jitter: float) -> FeedState:
    interval_s = _interval(state, fact, settings)
    asked_s = _asked_s(fact, now_ms)
    wait_s = min(_DAY_S, max(interval_s, asked_s))
    next_ms = now_ms + int(wait_s * 1000 * (1 + 0.1 * jitter))
    next_ms = _outside_skipped(next_ms, fact)
    kind, problem = _health(state, fact, now_ms)
    changed = fact.items is not None
    return msgspec.structs.replace(
        state,
        title=fact.title or state.title,
        etag=fact.etag if changed else fact.etag or state.etag,
        last_modified=fact.last_modified if changed else fact.last_modified or state.last_modified,
        body_sha256=fact.body_sha256 or state.body_sha256,
        next_ms=next_ms,
        not_before_ms=next_ms if asked_s > interval_s or fact.skip_hours or fact.skip_days else 0,
        interval_s=interval_s,
        fails=0,
        last_ok_ms=now_ms,
        last_new_ms=now_ms if fact.new_items else state.last_new_ms,
        items=_items(state, fact),
        kind=kind,
        problem=problem,
        stopped=False,
    )


def _items(state: FeedState, fact: PollFact) -> int:
    """Items of the last document that had any: an emptied feed stays recognisable as emptied."""
    return fact.items or state.items


def _interval(state: FeedState, fact: PollFact, settings: PollSettings) -> int:
    """Shorter by a third when news came, longer by a quarter when not; straight to the floor for a burst."""
    current = state.interval_s or settings.default_interval_s
    if not state.interval_s:
        wanted = float(current)
    elif fact.new_items:
        wanted = current / (3.0 if fact.new_items > 5 else 1.5)
    else:
        wanted = current * 1.25
    return int(min(settings.max_interval_s, max(settings.min_interval_s, wanted)))


def _asked_s(fact: PollFact, now_ms: int) -> int:
    """The longest pause that the outlet asks for, in seconds."""
    expires_s = (fact.expires_ms - now_ms) // 1000 if fact.expires_ms and fact.cache_max_age_s is None else 0
    retry_s = (fact.retry_after_ms - now_ms) // 1000 if fact.retry_after_ms else 0
    return max(0, fact.ttl_s or 0, fact.cache_max_age_s or 0, expires_s, retry_s)


def _outside_skipped(next_ms: int, fact: PollFact) -> int:
    """The first moment from `next_ms` that lies in no skipped hour or day (GMT); unmoved when all are skipped."""
    hours, days = frozenset(fact.skip_hours), frozenset(fact.skip_days)
    if len(hours) >= 24 or len(days) >= 7:
        return next_ms
    at = datetime.fromtimestamp(next_ms / 1000, UTC)
    while at.hour in hours or f"{at:%A}" in days:
        at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return max(next_ms, int(at.timestamp() * 1000))


def _health(state: FeedState, fact: PollFact, now_ms: int) -> tuple[str, str]:
    if fact.items == 0:
        if state.items:
            return "emptied", f"the feed had {state.items} items and has none now: the archive keeps what it has"
        return "empty", "the feed has no items"
    if fact.items is None and state.kind in ("empty", "emptied"):
        return state.kind, state.problem
    quiet_s = (now_ms - state.last_new_ms) // 1000 if state.last_new_ms else 0
    if not fact.new_items and quiet_s > _STALE_S:
        return "stale", f"no new item for {quiet_s // _DAY_S} days"
    return "ok", ""


def _moved(state: FeedState, fact: PollFact) -> FeedState:
    """Counts permanent redirects; a new address is taken only after several to the same place and the same feed."""
    if not fact.moved_to or fact.moved_to == state.url:
        return msgspec.structs.replace(state, moved_to="", moved_seen=0)
    seen = state.moved_seen + 1 if fact.moved_to == state.moved_to else 1
    if not fact.moved_is_same:
        problem = f"redirected for good to {fact.moved_to}, which is another feed: the address is kept"
        return msgspec.structs.replace(state, moved_to=fact.moved_to, moved_seen=0, kind="moved", problem=problem)
    if seen < _STABLE_MOVES:
        return msgspec.structs.replace(state, moved_to=fact.moved_to, moved_seen=seen)
    kind = "moved" if state.kind == "ok" else state.kind
    problem = f"moved for good from {state.url}"
    return msgspec.structs.replace(state, url=fact.moved_to, moved_to="", moved_seen=0, kind=kind, problem=problem)
