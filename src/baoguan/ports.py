"""Ports: the fewest methods that the archive needs of disk, network, clock and chance; docstrings are contracts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from baoguan.model.account import Secret, User
from baoguan.model.capture import CaptureRef, FetchRequest, FetchResult
from baoguan.model.catalog import ArticleRow, CaptureRow, KeptMedia, RevisionRow
from baoguan.model.feed import FeedState
from baoguan.model.log import ManifestLine
from baoguan.model.schedule import PendingItem
from baoguan.model.search import Order, Query, SearchDoc, SearchPage

R = TypeVar("R")


class Clock(Protocol):
    """Wall time."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread."""
        ...


class Entropy(Protocol):
    """Chance: salts, record ids, jitter, keys. Seeded in tests."""

    def token_bytes(self, size: int) -> bytes:
        """`size` random bytes, fit for salts and keys."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high, for jitter."""
        ...


class ObjectStore(Protocol):
    """Write-once objects at paths with `/`, durable after `sync`. Errors: NotFound, Conflict, DiskFull, StoreError."""

    def put_new(self, path: str, data: bytes) -> bool:
        """Keeps `data` under `path`, whole or not at all. The same bytes again: fine (False). Other bytes: Conflict."""
        ...

    def put_listed(self, path: str, data: bytes) -> bool:
        """As put_new for a name in a durable staging list: a crash, but no failure, may leave a part for the sweep."""
        ...

    def put_file(self, path: str, source: str) -> bool:
        """As put_new, from a local file on the same disk that is moved (renamed) into place when it can be."""
        ...

    def get(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The bytes from `start`, at most `size`. Raises NotFound."""
        ...

    def get_each(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        """The bytes of each, in that order, None for one that isn't there; for some hundreds of small ones."""
        ...

    def exists(self, path: str) -> bool:
        """Whether something is kept under `path`."""
        ...

    def size(self, path: str) -> int:
        """Bytes kept under `path`. Raises NotFound."""
        ...

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """Paths under the folder `prefix`, sorted, those greater than `after`."""
        ...

    def delete(self, path: str) -> None:
        """Removes; absent is fine. Only withdraw, prune and the sweep of an unfinished batch call it."""
        ...

    def replace(self, path: str, data: bytes | Iterable[bytes]) -> None:
        """Puts `data`, whole or in parts, in place of what stands there, atomically."""
        ...

    def sync(self, paths: Iterable[str]) -> None:
        """Returns once all of `paths` (written before) would survive a power cut."""
        ...


class Head(Protocol):
    """The one mutable object: the signed checkpoint."""

    def read(self) -> bytes | None:
        """The current note, None before the first."""
        ...

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Compare-and-swap, durable on return. Raises Conflict when `old` isn't current."""
        ...


class Fetcher(Protocol):
    """The network, with all politeness inside. One thread calls it; results come in the order of completion."""

    def submit(self, request: FetchRequest) -> None:
        """Queues a request; never blocks."""
        ...

    def results(self) -> Iterator[FetchResult]:
        """Yields a result for every submitted request (also those submitted meanwhile); ends when none is open."""
        ...

    def ready(self) -> bool:
        """Whether a result waits to be taken."""
        ...

    def fetch(self, request: FetchRequest) -> FetchResult:
        """One request, waited for. Not while results() is being consumed."""
        ...

    def host_state(self) -> dict[str, int]:
        """Hosts that want no request before an epoch (ms): what a later run must obey too."""
        ...

    def close(self) -> None:
        """Ends the loop's thread and its connections."""
        ...


class Executor(Protocol):
    """Runs pure functions elsewhere: in processes of this machine, or on a cluster."""

    def submit(self, function: Callable[..., R], *given: object) -> Callable[[], R]:
        """Starts it; what it gives waits for the result. A dead worker's work is done again, at last StoreError."""
        ...


class SharedPace(Protocol):
    """Politeness towards hosts that several processes share. Called from several threads; StoreError when it's lost."""

    def take(self, names: list[tuple[str, float]], hold_s: float) -> tuple[float, int]:
        """Takes the place at all (host, pace in s): (0, token); or none: (seconds until to ask again, 0).

        Nobody else gets one there before a pace after `leave`, or after `hold_s`.
        """
        ...

    def leave(self, names: list[tuple[str, float]], token: int) -> None:
        """The hosts have answered: the next places are a pace from now. A place that another has by now stays its."""
        ...

    def later(self, name: str, until_ms: int) -> None:
        """The host wants no request before an epoch (ms): nobody asks it until then."""
        ...


class Catalog(Protocol):
    """Identity and places of everything in the log. Derived: `apply` of all lines rebuilds it to the same answers.

    `apply` is atomic and idempotent; a crash leaves it behind the log, never ahead. Reads see the last `apply`.
    """

    def size(self) -> int:
        """How many leaves are applied."""
        ...

    def apply(self, lines: Iterable[tuple[int, ManifestLine | None]], *, size: int) -> None:
        """Takes the lines below `size`, skipping what is applied."""
        ...

    def find(self, outlet: str, keys: Sequence[str]) -> list[str]:
        """Ids of the articles that own one of the identity keys."""
        ...

    def key_owners(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """As find, for many (outlet, key) at once."""
        ...

    def article(self, identity: str) -> ArticleRow | None:
        """The current revision."""
        ...

    def standing(self, identities: Iterable[str]) -> Mapping[str, ArticleRow]:
        """As article, for many at once."""
        ...

    def revisions(self, identity: str) -> list[RevisionRow]:
        """All revisions, by number."""
        ...

    def media(self, url: str) -> KeptMedia | None:
        """The picture kept for a URL."""
        ...

    def lowest_legacy(self, outlet: str) -> int | None:
        """The lowest id of the outlet in the ancestors' tree; new articles count down from it."""
        ...

    def imported(self, source_sha256: str, legacy_path: str) -> bool:
        """Whether that very file was imported under that path."""
        ...

    def add_captures(self, file: str, rows: Iterable[CaptureRow]) -> None:
        """Remembers where the records of a WARC file lie."""
        ...

    def has_captures(self, file: str) -> bool:
        """Whether the records of that file are known."""
        ...

    def capture(self, record_id: str) -> CaptureRow | None:
        """Where a WARC record lies."""
        ...


class Forgets(Protocol):
    """A derived index that holds words of articles."""

    def forget(self, ids: Sequence[str]) -> bool:
        """Removes all bytes of these articles. Idempotent. False while another process reads old pages: then again."""
        ...


class SearchIndex(Protocol):
    """Finds current revisions by text. Derived: `put` of all of them rebuilds it to the same answers.

    A crash leaves it behind the log, never ahead. A count is always the length of its list.
    """

    together: int
    """Articles that one put takes where much is to be done: each leaves a segment, and segments are merged."""

    def size(self) -> int:
        """How many leaves of the log are indexed."""
        ...

    def held(self, ids: Iterable[str]) -> Mapping[str, int]:
        """Log index of the revision that is indexed, of those articles that are."""
        ...

    def put(self, docs: Iterable[SearchDoc], *, size: int, old: Mapping[str, SearchDoc]) -> None:
        """Takes revisions and moves `size`; all or nothing. `old`: by id the indexed ones that they replace."""
        ...

    def forget(self, docs: Iterable[SearchDoc]) -> bool:
        """Removes articles as they were put, bytes and all; False while a reader holds old pages: then again later."""
        ...

    def drop(self, ids: Iterable[str]) -> None:
        """Articles whose text can't be had any more: found no longer; the index is made anew when it is next opened."""
        ...

    def search(
        self, query: Query, *, order: Order = "relevance", start: int = 0, limit: int = 30, facets: bool = False
    ) -> SearchPage:
        """The articles that match, `limit` of them after the first `start`."""
        ...

    def finish(self) -> None:
        """After much was put: makes the index small and quick."""
        ...

    def close(self) -> None:
        """Closes the files."""
        ...


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


class Accounts(Protocol):
    """Users, their secrets, rows of what they marked. A method is a transaction; a power cut may lose the last ones.

    Rows are (kind, key) -> bytes of one user; `version` grows with every put, in any process, so that who holds a copy
    knows when it is old. delete_user leaves nothing of that user.
    """

    def users(self) -> list[User]:
        """All of them, by name."""
        ...

    def user(self, name: str) -> User | None:
        """By name, whatever its case."""
        ...

    def add_user(self, name: str, password: str, created_ms: int) -> User:
        """Raises Conflict where the name is taken."""
        ...

    def set_password(self, user: int, password: str) -> None:
        """Also ends every session and token of the user; app passwords stay."""
        ...

    def delete_user(self, user: int) -> None:
        """With secrets and rows."""
        ...

    def secret(self, digest: bytes) -> tuple[Secret, User] | None:
        """The secret of that digest and whose it is; expired ones too."""
        ...

    def secrets(self, user: int) -> list[Secret]:
        """All of a user, oldest first."""
        ...

    def put_secret(self, secret: Secret, *, keep: int = 0, now_ms: int = 0) -> None:
        """Adds one; takes away those expired at `now_ms`, and all but the `keep` newest of its kind (0: none)."""
        ...

    def delete_secret(self, digest: bytes) -> None:
        """Absent is fine."""
        ...

    def version(self, user: int) -> int:
        """Of the user's rows; -1 where there is no such user."""
        ...

    def rows(self, user: int) -> list[tuple[str, str, bytes]]:
        """(kind, key, value) of the user."""
        ...

    def put(self, user: int, rows: Iterable[tuple[str, str, bytes | None]]) -> int:
        """Replaces rows, None removes; returns the new version. Raises NotFound for a user who is gone."""
        ...
