"""What is to be fetched, and when."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from baoguan.model.capture import CaptureRef
from baoguan.model.feed import FeedState
from baoguan.model.schedule import PendingItem


class Schedule(Protocol):
    """Crawl state. Each method is one transaction. `settle_feeds` is what keeps a 304 from hiding an item."""

    def claim(self, now_ms: int, *, limit: int, lease_ms: int, which: str = "due") -> list[FeedState]:
        """Feeds to poll, each under a lease."""
        ...

    def hurry(self) -> None:
        """Makes every waiting item due now."""
        ...

    def settle_feeds(
        self, states: Iterable[FeedState], items: Iterable[PendingItem] = (), prints: Mapping[str, bytes] | None = None
    ) -> None:
        """Validators together with a pending row for each item that the log lacks."""
        ...

    def settle_items(
        self,
        done: Iterable[str],
        retry: Iterable[PendingItem] = (),
        recheck: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        """After a checkpoint: what is in the log waits no more."""
        ...

    def pending(self, now_ms: int, *, limit: int, skip: Iterable[str] = ()) -> list[PendingItem]:
        """Items that are due."""
        ...

    def pending_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that wait already."""
        ...

    def prints(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Fingerprints of items as last seen."""
        ...

    def set_feed_captures(self, captures: Mapping[tuple[str, int], CaptureRef], done: Sequence[str] = ()) -> None:
        """By (feed, epoch ms): where the responses that carried items are kept. `done`: items that needn't know."""
        ...

    def rechecks(self, now_ms: int, *, limit: int) -> list[tuple[str, int]]:
        """(article id, step) of pages to look at again."""
        ...

    def late_pictures(self, now_ms: int, *, limit: int) -> list[tuple[str, str, int]]:
        """(URL, article id, tries) of pictures not kept yet."""
        ...

    def awaiting(self, url: str) -> list[str]:
        """Ids of all the articles that wait for a picture."""
        ...

    def settle_pictures(self, kept: Iterable[str], missing: Iterable[tuple[str, str, int, int]]) -> None:
        """Pictures that wait no more, and those that do."""
        ...

    def hosts(self) -> dict[str, int]:
        """Hosts that want no request before an epoch (ms)."""
        ...

    def set_hosts(self, hosts: Mapping[str, int]) -> None:
        """Replaces them."""
        ...

    def note(self, at_ms: int, outlet: str, text: str) -> None:
        """A line for `status`."""
        ...

    def get(self, key: str) -> bytes | None:
        """A small value that must outlive a run."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keeps it."""
        ...
