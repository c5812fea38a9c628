"""The way of an article: outlet -> feed -> items -> page -> capture -> extract -> article -> media -> record -> log.

One joiner for the command line, the reader, cron and tests. It names the stages in this order; each is a function in
the folder of that name (pictures are asked for in picking.py, the batch is written in batching.py). Two promises
hold at every line: the validators of a feed are kept only together with a pending row for each item that the log lacks,
and a pending row goes only after the checkpoint that covers its article.
"""

from collections.abc import Callable

import msgspec

from baoguan import polling
from baoguan.archive.ledger import Ledger
from baoguan.archive.revisions import Verdict
from baoguan.batching import Draft, Logged, log_draft, log_fact, log_late
from baoguan.desk import Desk, catch_up, exclusive
from baoguan.extract.combine import article_from_item
from baoguan.feeds.novelty import item_print, judge_item
from baoguan.indexing import index_new
from baoguan.model.article import Article
from baoguan.model.capture import CaptureRef, FetchRequest, FetchResult, Response
from baoguan.model.feed import FeedDoc, FeedState, Item
from baoguan.model.outlet import Outlet
from baoguan.model.schedule import PendingItem
from baoguan.picking import PictureDesk
from baoguan.polling import FeedOutcome, KeptResponse, Report, item_keys, note_run, settle_poll
from baoguan.reading import Reader
from baoguan.text.identity import keys_of
from baoguan.withdrawing import clean_feeds

OPEN_DRAFTS = 24
"""Articles in work at once: bounds memory, whatever the number of feeds."""
FLUSH_BYTES = 16_000_000
FLUSH_RESPONSES = 400
GONE = {404: "404", 410: "410"}


def sync(
    desk: Desk,
    *,
    which: str = "allowed",
    limit: int = 1_000_000,
    report: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Polls the feeds that are asked for (Schedule.claim), archives what is new or edited, looks again at known pages.

    Raises DiskFull before anything is fetched. `stop` ends it after the open work.
    """
    with exclusive(desk):
        catch_up(desk)
        desk.check_disk()
        run = _Sync(desk, report or Report(), stop)
        try:
            run.poll(which, limit)
            run.look_again()
            run.fetch_late_pictures()
        finally:
            run.close()
        clean_feeds(desk)
        note_run(desk, run.report)
        return run.report


class _Sync:
    """The state of one run. Owned by one thread; the network has its own, behind the Fetcher port."""

    def __init__(self, desk: Desk, report: Report, stop: Callable[[], bool]) -> None:
        self.desk, self.report, self.stop = desk, report, stop
        self.fetcher = desk.open_fetcher()
        self.pictures, self.reader = PictureDesk(desk, self.fetcher), Reader(desk)
        self.states: dict[str, FeedState] = {}
        self.waiting: dict[str, PendingItem] = {}
        self.drafts: dict[str, Draft] = {}
        self.ready: list[Draft] = []
        self.facts: list[tuple[Draft, Verdict]] = []
        self.done: list[str] = []
        self.retry: list[PendingItem] = []
        self.quiet: list[FeedState] = []
        """Feeds that brought nothing: their states are kept together, a crash costs only politeness."""
        self.more_due = True
        self.steps: dict[str, int] = {}
        self.responses: list[KeptResponse] = []
        self.bytes_waiting = 0

    def close(self) -> None:
        """Keeps what hosts asked of us, and ends the network."""
        self.desk.schedule.set_hosts(self.fetcher.host_state())
        self.fetcher.close()

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
        if response is not None:
            read = polling.read_feed(self.desk, state, response)
            doc, problem = read.doc, read.problem
            self.keep(read.kept)
            if doc is not None:
                fresh, prints = self.judge_items(state, doc, response)
        news = sum(not item.article for item in fresh)
        settled = settle_poll(
            self.desk, state, result, doc, problem, known=doc is None or len(prints) > news, new_items=news
        )
        if prints:
            self.desk.schedule.settle_feed(settled, fresh, prints)
            self.more_due = self.more_due or bool(fresh)
        else:
            self.quiet.append(settled)
        self.report.feed(FeedOutcome.of(settled, result, fresh))

    def judge_items(
        self, state: FeedState, doc: FeedDoc, response: Response
    ) -> tuple[list[PendingItem], dict[str, bytes]]:
        """Which items need work, and the prints of all. Nothing depends on order, newest id or date."""
        outlet = self.desk.outlet(state.outlet)
        rows = list(item_keys(outlet, doc))
        held = self.desk.schedule.prints([key for key, _, _, _ in rows])
        waiting = self.desk.schedule.pending_keys([key for key, _, _, _ in rows])
        feed_ms = int(response.at.timestamp() * 1000)
        fresh: list[PendingItem] = []
        prints: dict[str, bytes] = {}
        for key, item, guid, url in rows:
            prints[key] = item_print(item)
            known, same = self.known(outlet, guid, url, item.title)
            now, then = prints[key], held.get(key)
            verdict = judge_item(
                known=bool(known), waiting=key in waiting, print_now=now, print_then=then, same_title=same
            )
            if verdict != "same":
                fresh.append(
                    PendingItem(
                        key=key,
                        outlet=outlet.key,
                        feed=state.url,
                        item=item,
                        guid=guid,
                        url=url,
                        article=known,
                        first_ms=feed_ms,
                        feed_ms=feed_ms,
                    )
                )
        return fresh, prints

    def known(self, outlet: Outlet, guid: str, url: str, title: str) -> tuple[str, bool]:
        """(id of the article that the item speaks of, whether its title is the kept one and no key is new)."""
        who = Ledger(self.desk.catalog).resolve(outlet.key, guid, url, outlet.drop_params)
        if who.standing is None:
            return "", False
        row = self.desk.catalog.article(who.id)
        keys = keys_of([guid], [who.url], conflict=who.conflict)
        owned = all(self.desk.catalog.find(outlet.key, [key]) == [who.id] for key in keys)
        return who.id, bool(owned and row is not None and (row.title == title or not title))

    # pages

    def top_up(self) -> bool:
        """Opens as many due items as there is room for; returns whether any is under way."""
        room = OPEN_DRAFTS - len(self.waiting) - len(self.drafts)
        if room > 0 and self.more_due and not self.stop() and len(self.ready) < 2 * self.desk.settings.batch_articles:
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
        row = self.desk.catalog.article(pending.article) if pending.article and pending.feed else None
        if pending.article and (row is None or not row.extractor.startswith("feed/")):
            self.done.append(pending.key)
            self.steps.setdefault(pending.article, 0)
        else:
            self.draft_item(pending, None, ("from-feed", f"page: {problem}"[:120]))

    def try_later(self, pending: PendingItem, problem: str, deferred_ms: int) -> None:
        """The item waits on, with jitter, so that what failed together is not tried together."""
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
        draft = self.new_draft(pending, read.article, response)
        draft.flags, draft.again = (*flags, *read.flags), read.again
        self.drafts[draft.key] = draft
        if self.pictures.ask(draft):
            self.finish(draft)

    def lose(self, pending: PendingItem, response: Response | None, reason: str) -> None:
        """A known article's page is no article now: a fact for the log, its text stays."""
        draft = self.new_draft(pending, article_from_item(pending.item), response)
        self.facts.append((draft, Verdict(kind="lost", reason=reason)))

    def new_draft(self, pending: PendingItem, article: Article, response: Response | None) -> Draft:
        """The item as the batch will take it."""
        return Draft(
            key=pending.key,
            outlet=self.desk.outlet(pending.outlet),
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
        )

    def finish(self, draft: Draft) -> None:
        """All its pictures are settled: it may go into the next batch."""
        if self.drafts.pop(draft.key, None) is not None:
            self.ready.append(draft)
            self.bytes_waiting += len(draft.response.raw) if draft.response else len(draft.article.body_html)

    def look_again(self) -> None:
        """Known pages, fresh ones often and old ones rarely, for ever, within the budget of the settings."""
        now = self.desk.now_ms()
        due = self.desk.schedule.rechecks(now, limit=self.desk.settings.recheck) if self.desk.settings.pages else []
        for identity, step in due:
            row = self.desk.catalog.article(identity)
            if row is None or not row.url.startswith("http"):
                continue
            self.steps[identity] = step
            pending = PendingItem(
                key=f"{row.outlet}\nagain:{identity}",
                outlet=row.outlet,
                item=Item(url=row.url, title=row.title),
                url=row.url,
                article=identity,
                first_ms=now,
                feed_ms=now,
                tries=self.desk.settings.page_tries,
            )
            self.open_item(pending)
        self.work()

    def fetch_late_pictures(self) -> None:
        """Pictures that were missing when their article was logged."""
        self.pictures.ask_late(self.desk.now_ms())
        self.work()

    # the batch

    def flush(self) -> None:
        """Everything that is ready becomes one committed batch; only then is the crawl state settled."""
        outcomes: list[tuple[Draft, Logged]] = []
        refs: dict[tuple[str, int], CaptureRef] = {}
        late = self.pictures.late
        if self.ready or self.facts or self.responses or late:
            self.desk.check_disk()
            with self.desk.archive.begin() as batch:
                catch_up(self.desk)
                ledger = Ledger(self.desk.catalog, self.desk.denials)
                for kept in self.responses:
                    ref, response = polling.capture_kept(self.desk, batch, kept), kept.response
                    if kept.feed and response.status == 200:
                        refs[kept.feed, int(response.at.timestamp() * 1000)] = ref
                for draft in self.ready:
                    if draft.feeds and draft.item_capture is None:
                        draft.item_capture = refs.get((draft.feeds[0], draft.feed_ms))
                    if draft.response is None:
                        draft.capture = draft.item_capture
                    outcomes.append((draft, log_draft(self.desk.archive, batch, ledger, draft)))
                for draft, verdict in self.facts:
                    outcomes.append((draft, log_fact(batch, ledger, draft, verdict)))
                for identity, picked in late:
                    log_late(batch, ledger, identity=identity, picked=picked, now_ms=self.desk.now_ms())
                self.desk.commit(batch, ledger)
            index_new(self.desk)
        self.settle(outcomes, refs)

    def settle(self, outcomes: list[tuple[Draft, Logged]], refs: dict[tuple[str, int], CaptureRef]) -> None:
        """After the checkpoint: what is in the log waits no more, what is not yet whole waits on."""
        schedule, now = self.desk.schedule, self.desk.now_ms()
        for (feed, feed_ms), ref in refs.items():
            schedule.set_feed_capture(feed, feed_ms, ref)
        again: dict[str, tuple[int, int]] = {}
        for draft, logged in outcomes:
            self.report.article(draft.outlet.key, draft.feeds, logged.outcome, draft.article.title)
            if logged.outcome == "withdrawn":
                continue
            step = 0 if logged.outcome in ("new", "changed") else self.steps.get(logged.id, 0) + 1
            step = min(step, len(polling.RECHECK_STEPS_S) - 1)
            again[logged.id] = (
                step,
                now + int(polling.RECHECK_STEPS_S[step] * 1000 * self.desk.entropy.uniform(0.9, 1.1)),
            )
            if logged.conflict and logged.outcome == "new":
                text = f"guid and URL of {draft.url} belong to two articles: kept as a third"
                schedule.note(now, draft.outlet.key, text)
        schedule.settle_feeds(self.quiet)
        schedule.settle_items([draft.key for draft, _ in outcomes] + self.done, self.retry, again)
        self.pictures.settle({draft.key: one.id for draft, one in outcomes if one.outcome != "withdrawn"}, now)
        self.reader.keep()
        self.ready, self.facts, self.responses, self.done, self.retry, self.quiet = [], [], [], [], [], []
        self.bytes_waiting = 0
