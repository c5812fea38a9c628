"""The sequencer: takes what workers finished from the outbox and appends it to the log, batch by batch.

One process at a time is elected; it needs the key, the workers don't. A row leaves the outbox in the transaction that
moves the head, together with its item, its re-check and what was learned of its feed: each is logged exactly once,
whoever dies between two lines.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from baoguan.batching import Draft, Logged
from baoguan.committing import Committed, Work, commit_work, conflicts, recheck_times
from baoguan.desk import Desk, Outbox
from baoguan.errors import BaoguanError
from baoguan.handing import Unpacked, unpack
from baoguan.model.outbox import TakenRow
from baoguan.picking import LATE_STEPS_S
from baoguan.polling import Report
from baoguan.ports import Schedule
from baoguan.reading import Reader
from baoguan.withdrawing import clean_feeds

BATCH_BYTES = 16_000_000
ROWS_AN_ARTICLE = 8
"""Rows are taken until a batch has its articles: most of a quiet hour are answers without one."""


def sequence(desk: Desk, outbox: Outbox, *, report: Report | None = None, rows: int = 0) -> int:
    """Logs the oldest rows of the outbox as one batch; returns how many. `rows`: at most so many, 0: by the settings.

    A row that breaks its reader is set aside with a note, and never stops the others. Raises StoreError, Conflict
    (another sequencer was quicker), DiskFull.
    """
    limit = rows or desk.settings.batch_articles * ROWS_AN_ARTICLE
    with desk.archive.writing():
        taken = outbox.take(limit=limit, size_bytes=BATCH_BYTES)
        if not taken:
            return 0
        try:
            _log(desk, outbox, taken, report or Report())
            clean_feeds(desk)
        except BaoguanError:
            raise
        except Exception as error:  # noqa: BLE001 - one row that breaks its reader never stops the others
            _find_out(desk, outbox, taken, repr(error))
        finally:
            _clear(desk.spool)
    return len(taken)


def _find_out(desk: Desk, outbox: Outbox, taken: Sequence[TakenRow], problem: str) -> None:
    """Which row it was is found by logging them one by one."""
    if len(taken) == 1:
        _set_aside(desk, outbox, taken[0].n, problem)
        return
    for _ in taken:
        sequence(desk, outbox, rows=1)


def _set_aside(desk: Desk, outbox: Outbox, n: int, problem: str) -> None:
    desk.schedule.note(desk.now_ms(), "", f"outbox {n} is set aside: {problem}"[:300])
    outbox.set_aside(n, problem[:300])


def _log(desk: Desk, outbox: Outbox, taken: Sequence[TakenRow], report: Report) -> None:
    desk.spool.mkdir(parents=True, exist_ok=True)
    found = unpack(desk, Reader(desk), outbox, taken)
    for n, problem in found.broken.items():
        _set_aside(desk, outbox, n, problem)
    done = Committed()
    again: dict[str, tuple[int, int]] = {}

    def settle(schedule: Schedule) -> None:
        again.update(recheck_times(desk, done.outcomes, found.steps))
        _settle(desk, schedule, found, done, again)

    with outbox.committing([row.n for row in taken if row.n not in found.broken], settle):
        if found.work:
            commit_work(desk, found.work, done)
    counts = Counter(f"article_{logged.outcome}" for _, logged in done.outcomes)
    if counts:
        desk.schedule.count(counts)
    for draft, logged in done.outcomes:
        report.article(draft.outlet.key, draft.feeds, logged.outcome, draft.article.title)


def _settle(
    desk: Desk, schedule: Schedule, found: Unpacked, done: Committed, again: dict[str, tuple[int, int]]
) -> None:
    now = desk.now_ms()
    keys = [draft.key for draft, _ in done.outcomes]
    schedule.set_feed_captures(done.refs, keys)
    for outlet, text in conflicts(done.outcomes):
        schedule.note(now, outlet, text)
    schedule.settle_items(keys, (), again)
    schedule.settle_pictures(_came(found.work), _waits(found, done.outcomes, now))


def _came(work: Work) -> list[str]:
    return [picked.url for _, picked in work.late]


def _waits(found: Unpacked, outcomes: Sequence[tuple[Draft, Logged]], now_ms: int) -> list[tuple[str, str, int, int]]:
    """(URL, article, tries, epoch ms) of pictures that logged articles lack."""
    return [
        (url, logged.id, 0, now_ms + LATE_STEPS_S[0] * 1000)
        for draft, logged in outcomes
        if logged.outcome != "withdrawn"
        for url in found.missing.get(draft.key, ())
    ]


def _clear(spool: Path) -> None:
    for path in spool.glob("*"):
        path.unlink(missing_ok=True)
