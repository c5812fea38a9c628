"""What is made from the log and can be made anew."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from baoguan.model.catalog import ArticleRow, CaptureRow, KeptMedia, RevisionRow
from baoguan.model.log import ManifestLine
from baoguan.model.search import Order, Query, SearchDoc, SearchPage


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
