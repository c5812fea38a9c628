"""One committed batch out of finished work: whoever finished it, this process or a worker elsewhere."""

from collections.abc import Iterable, Mapping

import msgspec

from baoguan import polling
from baoguan.archive.ledger import Ledger
from baoguan.archive.revisions import Verdict
from baoguan.batching import Draft, Logged, Picked, log_draft, log_fact, log_late
from baoguan.desk import Desk, catch_up
from baoguan.indexing import index_new
from baoguan.model.article import Article
from baoguan.model.capture import CaptureRef, Response
from baoguan.model.schedule import PendingItem


class Work(msgspec.Struct, kw_only=True):
    """What is ready to be logged. Owned by the joiner's thread."""

    drafts: list[Draft] = []
    facts: list[tuple[Draft, Verdict]] = []
    responses: list[polling.KeptResponse] = []
    late: list[tuple[str, Picked]] = []
    """(article id, picture) that came after its record."""

    def __bool__(self) -> bool:
        return bool(self.drafts or self.facts or self.responses or self.late)


class Committed(msgspec.Struct, kw_only=True):
    """What became of it; complete before the head moves."""

    outcomes: list[tuple[Draft, Logged]] = []
    refs: dict[tuple[str, int], CaptureRef] = {}
    """By feed and time (epoch ms): where its new body is kept."""


def draft_of(desk: Desk, pending: PendingItem, article: Article, response: Response | None) -> Draft:
    """The item as the batch will take it."""
    return Draft(
        key=pending.key,
        outlet=desk.outlet(pending.outlet),
        identity=pending.article,
        guid=pending.guid,
        url=pending.url,
        feeds=(pending.feed,) if pending.feed else (),
        feed_ms=pending.feed_ms,
        article=article,
        captured_ms=int(response.at.timestamp() * 1000) if response else pending.feed_ms,
        response=response,
        item_capture=pending.capture,
        item_published=polling.pub_date(pending.item),
        pending=pending,
    )


def commit_work(desk: Desk, work: Work, done: Committed) -> None:
    """Appends all of it and moves the head, then follows with catalogue and search. `done` is filled on the way."""
    desk.check_disk()
    with desk.archive.begin() as batch:
        catch_up(desk)
        ledger = Ledger(desk.catalog, desk.denials)
        for kept in work.responses:
            ref, response = polling.capture_kept(desk, batch, kept), kept.response
            if kept.feed and response.status == 200:
                done.refs[kept.feed, int(response.at.timestamp() * 1000)] = ref
        for draft in work.drafts:
            if draft.feeds and draft.item_capture is None:
                draft.item_capture = done.refs.get((draft.feeds[0], draft.feed_ms))
            if draft.response is None:
                draft.capture = draft.item_capture
            done.outcomes.append((draft, log_draft(desk.archive, batch, ledger, draft)))
        for draft, verdict in work.facts:
            done.outcomes.append((draft, log_fact(batch, ledger, draft, verdict)))
        for identity, picked in work.late:
            log_late(batch, ledger, identity=identity, picked=picked, now_ms=desk.now_ms())
        desk.commit(batch, ledger)
    index_new(desk)


def recheck_times(
    desk: Desk, outcomes: Iterable[tuple[Draft, Logged]], steps: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """By article: (step, epoch ms) of the next look at its page; early after news, with jitter."""
    now, again = desk.now_ms(), {}
    for _, logged in outcomes:
        if logged.outcome == "withdrawn":
            continue
        # A picture that changes all the time, a weather map, doesn't make its article a fresh one for ever.
        fresh = logged.outcome in ("new", "changed") and not logged.pictures_alone
        step = 0 if fresh else steps.get(logged.id, 0) + 1
        step = min(step, len(polling.RECHECK_STEPS_S) - 1)
        wait_ms = int(polling.RECHECK_STEPS_S[step] * 1000 * desk.entropy.uniform(0.9, 1.1))
        again[logged.id] = (step, now + wait_ms)
    return again


def missed_times(desk: Desk, missed: Mapping[str, int], steps: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """As recheck_times, of looks that came to nothing: `missed` says until when a host wants to be left alone, or 0.

    They count as looks. Else the pages of one dead host are due for ever, longer than all others, and take every place
    of every sync (`./run bench recheck`).
    """
    now, again = desk.now_ms(), {}
    for identity, until_ms in missed.items():
        step = min(steps.get(identity, 0) + 1, len(polling.RECHECK_STEPS_S) - 1)
        wait_s = min(polling.RECHECK_STEPS_S[step], polling.MISSED_S) * desk.entropy.uniform(0.9, 1.1)
        again[identity] = (step, max(until_ms, now + int(wait_s * 1000)))
    return again


def conflicts(outcomes: Iterable[tuple[Draft, Logged]]) -> list[tuple[str, str]]:
    """(outlet, line for `status`) of new articles whose guid and URL belong to two others."""
    return [
        (draft.outlet.key, f"guid and URL of {draft.url} belong to two articles: kept as a third")
        for draft, logged in outcomes
        if logged.conflict and logged.outcome == "new"
    ]
