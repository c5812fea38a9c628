"""What a poll of a feed meant, for the schedule and for people."""

from collections.abc import Callable, Sequence

import msgspec

from baoguan.model.capture import FetchResult
from baoguan.model.feed import FeedState
from baoguan.model.schedule import PendingItem


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
        """An article was committed: new, changed, same or lost."""
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
