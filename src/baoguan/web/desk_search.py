"""Search over an opened archive, for the reader."""

from baoguan.desk import Desk
from baoguan.finding import Findings, Passages, find
from baoguan.serving import silent_outlets


class DeskSearch:
    """web.search.Search over a desk; outlets whose text is kept back are left out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._passages = Passages()

    def __call__(self, text: str, *, by_date: bool, start: int, limit: int, facets: bool) -> Findings:
        """As `baoguan search`."""
        return find(
            self._desk,
            text,
            order="date" if by_date else "relevance",
            start=start,
            limit=limit,
            facets=facets,
            without=silent_outlets(self._desk),
            passages=self._passages,
        )

    def size(self) -> int:
        """Of the index."""
        return self._desk.search.size() if self._desk.search else 0
