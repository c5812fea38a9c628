"""The way of an article: outlet -> feed -> items -> page -> capture -> extract -> article -> media -> record -> log.

One joiner for the command line, the reader, cron and tests. It names the stages in this order; each is a function in
the folder of that name (pictures are asked for in picking.py, the batch is
written in committing.py). Two promises
hold at every line: the validators of a feed are kept only together with a pending row for each item that the log lacks,
and a pending row goes only after the checkpoint that covers its article.
"""

from collections.abc import Callable

import msgspec

from baoguan import polling
from baoguan.archive.revisions import Verdict
from baoguan.batching import Draft, clock_of
from baoguan.committing import Committed, Work, commit_work, conflicts, draft_of, missed_times, recheck_times
from baoguan.desk import Desk, Outbox, catch_up, exclusive
from baoguan.extract.combine import article_from_item
from baoguan.handing import pack, pack_response
from baoguan.judging import News, judge_items
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.model.feed import FeedState, Item
from baoguan.model.outbox import OutboxRow
from baoguan.model.schedule import PendingItem
from baoguan.picking import PictureDesk
from baoguan.polling import FeedOutcome, KeptResponse, Report, note_run, settle_poll
from baoguan.reading import Reader
from baoguan.withdrawing import clean_feeds

OPEN_DRAFTS = 24
"""Articles in work at once: bounds memory, whatever the number of feeds."""
MIN_ROOM = 6
"""Items are asked for when there is room for so many: each question is a transaction."""
FLUSH_BYTES = 16_000_000
FLUSH_RESPONSES = 400
NEWS = 32
"""Feeds that brought something and are settled together, while more results wait to be taken."""
GONE = {404: "404", 410: "410"}


def sync(
    desk: Desk,
    *,
    which: str = "allowed",
    limit: int = 1_000_000,
    report: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
    outbox: Outbox | None = None,
) -> Report:
    """Polls the feeds that are asked for (Schedule.claim), archives what is new or edited, looks again at known pages.

    Raises DiskFull before anything is fetched. `stop` ends it after the open work. `outbox`: where a worker leaves what
    it finished, for the sequencer to log; None: this process logs it.
    """
    with exclusive(desk):
        catch_up(desk)
        desk.check_disk()
        run = _Sync(desk, report or Report(), stop, outbox)
        try:
            run.poll(which, limit)
            run.look_again()
            run.fetch_late_pictures()
        finally:
            run.close()
        if not desk.lean:
            clean_feeds(desk)
        note_run(desk, run.report)
        return run.report


class _Sync:
    """The state of one run. Owned by one thread; the network has its own, behind the Fetcher port."""

    def __init__(self, desk: Desk, report: Report, stop: Callable[[], bool], outbox: Outbox | None) -> None:
        self.desk, self.report, self.stop, self.outbox = desk, report, stop, outbox
        self.fetcher = desk.open_fetcher()
        self.pictures, self.reader = PictureDesk(desk, self.fetcher), Reader(desk)
        self.states: dict[str, FeedState] = {}
        self.waiting: dict[str, PendingItem] = {}
        self.drafts: dict[str, Draft] = {}
        self.ready: list[Draft] = []
        self.facts: list[tuple[Draft, Verdict]] = []
        self.done: list[str] = []
        self.retry: list[PendingItem] = []
        self.news: list[News] = []
        self.quiet: list[FeedState] = []
        """Feeds that brought nothing: their states are kept together, a crash costs only politeness."""
        self.more_due = True
        self.steps: dict[str, int] = {}
        self.missed: dict[str, int] = {}
        """Known articles whose page could not be had now, by id: until when their host wants to be left alone, or 0."""
        self.responses: list[KeptResponse] = []
        self.bytes_waiting = 0

    def close(self) -> None:
        """Keeps what hosts asked of us, and ends the network."""
        self.desk.schedule.set_hosts(self.fetcher.host_state())
        self.fetcher.close()
        self.pictures.watch.close()

    # feeds

    def poll(self, which: str, limit: int) -> None:
        """Feeds first; their items follow while other feeds are still on their way.

        Who asks for a sync now means the waiting pages too; their own time holds only for what is polled as due.
        """
        if which != "due":
            self.desk.schedule.hurry()
        lease = int(self.desk.settings.lease_s * 1000)
        claimed = self.desk.schedule.claim(self.desk.now_ms(), limit=limit, lease_ms=lease, which=which)
        self.report.start(len(claimed))
        for state in claimed:
            self.states[state.url] = state
            request = FetchRequest(url=state.address or state.url, kind="feed", outlet=state.outlet, key=state.url)
            self.fetcher.submit(msgspec.structs.replace(request, etag=state.etag, last_modified=state.last_modified))
        self.work()

    def work(self) -> None:
        """Takes results until nothing is open and no item is due."""
        while True:
            self.top_up()
            for result in self.fetcher.results():
                self.take(result)
                self.top_up()
                if self.bytes_waiting + self.pictures.bytes_spooled > FLUSH_BYTES or self.is_full():
                    self.flush()
            self.flush()
            if self.stop() or not self.top_up():
                return

    def is_full(self) -> bool:
        """Enough is ready for a batch, or to be settled."""
        settled = len(self.retry) + len(self.done) + max(len(self.responses), len(self.quiet))
        return len(self.ready) >= self.desk.settings.batch_articles or settled >= FLUSH_RESPONSES

    def take(self, result: FetchResult) -> None:
        """One result goes to the stage that asked for it."""
        for response in result.extra:
            self.keep(KeptResponse(response=response))
        if result.request.kind == "feed":
            self.take_feed(self.states.pop(result.request.key), result)
        elif result.request.kind == "page":
            self.take_page(self.waiting.pop(result.request.key), result)
        else:
            for draft in self.pictures.take(result):
                self.finish(draft)

    def keep(self, kept: KeptResponse) -> None:
        """To be captured with the next batch."""
        self.responses.append(kept)
        self.bytes_waiting += len(kept.response.raw)

    def take_feed(self, state: FeedState, result: FetchResult) -> None:
        """bytes -> items -> pending rows, in one transaction with the validators."""
        response, doc, problem = result.response, None, ""
        fresh: list[PendingItem] = []
        prints: dict[str, bytes] = {}
        row: OutboxRow | None = None
        if response is not None:
            read = polling.read_feed(self.desk, state, response)
            doc, problem = read.doc, read.problem
            if doc is not None:
                fresh, prints = judge_items(self.desk, state, doc, response, self.news)
            if self.outbox is not None and fresh:
                row = pack_response(read.kept)
            else:
                self.keep(read.kept)
        news = sum(not item.article for item in fresh)
        settled = settle_poll(
            self.desk, state, result, doc, problem, known=doc is None or len(prints) > news, new_items=news
        )
        if prints:
            self.news.append(News(state=settled, items=fresh, prints=prints, row=row))
        else:
            self.quiet.append(settled)
        self.report.feed(FeedOutcome.of(settled, result, fresh))

    def settle_news(self) -> None:
        """Validators and items of the feeds that brought some: together, never one without the other."""
        news, self.news = self.news, []
        if not news:
            return
        rows = [one.row for one in news if one.row is not None]
        if self.outbox is not None and rows:
            # Before anybody can be given their items, so that they are logged before them.
            self.outbox.put(rows)
        items = [item for one in news for item in one.items]
        prints = {key: value for one in news for key, value in one.prints.items()}
        self.desk.schedule.settle_feeds([one.state for one in news], items, prints)
        self.more_due = self.more_due or bool(items)

    # pages

    def top_up(self) -> bool:
        """Opens as many due items as there is room for; returns whether any is under way."""
        if len(self.news) >= NEWS or not self.fetcher.ready():
            self.settle_news()
        room = OPEN_DRAFTS - len(self.waiting) - len(self.drafts)
        if (
            room >= MIN_ROOM
            and self.more_due
            and not self.stop()
            and len(self.ready) < 2 * self.desk.settings.batch_articles
        ):
            busy = [*self.waiting, *self.drafts, *self.done]
            busy += [draft.key for draft in self.ready] + [draft.key for draft, _ in self.facts]
            busy += [item.key for item in self.retry]
            due = self.desk.schedule.pending(self.desk.now_ms(), limit=room, skip=busy)
            self.more_due = len(due) == room
            for item in due:
                self.open_item(item)
        return bool(self.waiting or self.drafts or self.ready or self.facts)

    def open_item(self, pending: PendingItem) -> None:
        """Asks for the page of an item, or goes on with the feed's own text where there is none."""
        if pending.url and self.desk.settings.pages:
            self.waiting[pending.key] = pending
            request = FetchRequest(url=pending.item.url, kind="page", outlet=pending.outlet, key=pending.key)
            self.fetcher.submit(request)
        else:
            self.draft_item(pending, None, ("from-feed",))

    def take_page(self, pending: PendingItem, result: FetchResult) -> None:
        """A page that came, or the reason why it didn't."""
        response = result.response
        status = response.status if response else 0
        if response is not None and status == 200 and not response.truncated:
            self.draft_item(pending, response, ())
            return
        if status in GONE and pending.article:
            self.lose(pending, response, GONE[status])
            return
        if response is not None:
            self.keep(KeptResponse(response=response))
        problem = result.error or (f"HTTP {status}" if status else "the host asked to wait")
        final = status in GONE or (not result.retryable and not status and not result.deferred_ms)
        if final or (pending.tries + 1 >= self.desk.settings.page_tries and not result.deferred_ms):
            self.give_up_page(pending, problem)
        else:
            self.try_later(pending, problem, result.deferred_ms)

    def give_up_page(self, pending: PendingItem, problem: str) -> None:
        """The feed's own text is archived; an article known by its page stays as it is until its next re-check."""
        row = self.desk.known.article(pending.article) if pending.article and pending.feed else None
        if pending.article and (row is None or not row.extractor.startswith("feed/")):
            self.done.append(pending.key)
            if pending.article in self.steps:
                self.missed[pending.article] = 0
            self.steps.setdefault(pending.article, 0)
        else:
            self.draft_item(pending, None, ("from-feed", f"page: {problem}"[:120]))

    def try_later(self, pending: PendingItem, problem: str, deferred_ms: int) -> None:
        """The item waits on, with jitter, so that what failed together is not tried together."""
        if not pending.feed and pending.article:
            self.missed[pending.article] = deferred_ms
            return
        step = polling.RETRY_STEPS_S[min(pending.tries, len(polling.RETRY_STEPS_S) - 1)]
        wait_ms = int(step * 1000 * self.desk.entropy.uniform(0.8, 1.2))
        tries = pending.tries if deferred_ms else pending.tries + 1
        next_ms = deferred_ms or self.desk.now_ms() + wait_ms
        self.retry.append(msgspec.structs.replace(pending, tries=tries, next_ms=next_ms, problem=problem))
        self.report.wait(pending.outlet, problem)

    def draft_item(self, pending: PendingItem, response: Response | None, flags: tuple[str, ...]) -> None:
        """page bytes -> Article, completed by the feed; then its pictures are asked for."""
        try:
            read = self.reader.read(pending, response)
        except Exception as error:  # noqa: BLE001 - one page that breaks its reader never stops the others
            if response is not None:
                self.keep(KeptResponse(response=response))
            self.desk.schedule.note(self.desk.now_ms(), pending.outlet, f"{pending.item.url}: {error!r}"[:300])
            self.give_up_page(pending, "unreadable")
            return
        if pending.article and read.loss:
            self.lose(pending, response, read.loss)
            return
        draft = draft_of(self.desk, pending, read.article, response)
        draft.flags, draft.again, draft.habit = (*flags, *read.flags), read.again, read.habit
        self.drafts[draft.key] = draft
        if self.pictures.ask(draft, self.steps.get(pending.article, 0)):
            self.finish(draft)

    def lose(self, pending: PendingItem, response: Response | None, reason: str) -> None:
        """A known article's page is no article now: a fact for the log, its text stays."""
        draft = draft_of(self.desk, pending, article_from_item(pending.item), response)
        self.facts.append((draft, Verdict(kind="lost", reason=reason)))

    def finish(self, draft: Draft) -> None:
        """All its pictures are settled: it may go into the next batch."""
        if self.drafts.pop(draft.key, None) is not None:
            self.ready.append(draft)
            self.bytes_waiting += len(draft.response.raw) if draft.response else len(draft.article.body_html)

    def look_again(self) -> None:
        """Known pages, fresh ones often and old ones rarely, for ever, within the budget of the settings."""
        now = self.desk.now_ms()
        due = self.desk.schedule.rechecks(now, limit=self.desk.settings.recheck) if self.desk.settings.pages else []
        self.pictures.watch.expect(len(due))
        for identity, step in due:
            row = self.desk.known.article(identity)
            self.steps[identity] = step
            if row is None or not row.url.startswith("http"):
                self.missed[identity] = 0
                continue
            self.steps[identity] = polling.step_at(step, now - row.captured_ms)
            pending = PendingItem(
                key=f"{row.outlet}\nagain:{identity}",
                outlet=row.outlet,
                item=self.told(row.index, Item(url=row.url, title=row.title)),
                url=row.url,
                article=identity,
                first_ms=now,
                feed_ms=now,
                tries=self.desk.settings.page_tries,
            )
            self.open_item(pending)
        self.work()

    def told(self, index: int, item: Item) -> Item:
        """With what only the feed said of the article: else an edit found here would take its date away."""
        line = self.desk.archive.line(index)
        clock = clock_of(line.published, "feed") if line is not None and line.published_from == "feed" else None
        if line is None or clock is None:
            return item
        return msgspec.structs.replace(item, published=clock.at, zone_assumed=line.zone_assumed)

    def fetch_late_pictures(self) -> None:
        """Pictures that were missing when their article was logged."""
        self.pictures.ask_late(self.desk.now_ms())
        self.work()

    # the batch

    def flush(self) -> None:
        """Everything that is ready becomes one committed batch; only then is the crawl state settled."""
        self.settle_news()
        work = Work(drafts=self.ready, facts=self.facts, responses=self.responses, late=self.pictures.late)
        if self.outbox is not None:
            self.hand_over(self.outbox, work)
            return
        done = Committed()
        if work:
            commit_work(self.desk, work, done)
        schedule, now = self.desk.schedule, self.desk.now_ms()
        schedule.set_feed_captures(done.refs)
        for draft, logged in done.outcomes:
            self.report.article(draft.outlet.key, draft.feeds, logged.outcome, draft.article.title)
        for outlet, text in conflicts(done.outcomes):
            schedule.note(now, outlet, text)
        again = recheck_times(self.desk, done.outcomes, self.steps)
        self.settle([draft.key for draft, _ in done.outcomes], again)
        self.pictures.settle({draft.key: one.id for draft, one in done.outcomes if one.outcome != "withdrawn"}, now)

    def hand_over(self, outbox: Outbox, work: Work) -> None:
        """A worker's batch: rows of the outbox, and the sequencer's checkpoint settles their items."""
        rows = pack(work, self.steps)
        if rows:
            outbox.put(rows)
        self.pictures.handed([draft.key for draft in work.drafts])
        self.settle([], {})
        self.pictures.settle({}, self.desk.now_ms())

    def settle(self, keys: list[str], again: dict[str, tuple[int, int]]) -> None:
        """After the checkpoint: what is in the log waits no more, what is not yet whole waits on."""
        self.desk.schedule.settle_feeds(self.quiet)
        missed = missed_times(self.desk, self.missed, self.steps)
        self.desk.schedule.settle_items(keys + self.done, self.retry, missed | again)
        self.missed = {}
        self.reader.keep()
        self.ready, self.facts, self.responses, self.done, self.retry, self.quiet = [], [], [], [], [], []
        self.bytes_waiting = 0
