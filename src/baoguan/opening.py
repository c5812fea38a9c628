"""`baoguan.open`: one way to ask an archive, in a folder of this machine or behind the reader of another one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from baoguan.app import open_desk
from baoguan.model import api
from baoguan.web.api_client import ServerReader
from baoguan.web.api_source import DeskReader
from baoguan.web.changes_source import DeskChanges
from baoguan.web.desk_source import DeskSource

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Paged(Protocol[T_co]):
    """A part of a list, and the cursor that continues it."""

    @property
    def items(self) -> tuple[T_co, ...]:
        """In the list's order."""
        ...

    @property
    def next(self) -> str:
        """Empty at the end."""
        ...


class Reader(Protocol):
    """An archive that is open for reading. Use it in `with`, or close it; each method is an address of /api/v1.

    Raises NotFound, Withdrawn (taken out for good), Withheld (kept but not served), ConfigError (arguments), FetchError
    (a server that can't be asked).
    """

    def archive(self) -> api.ArchiveSummary:
        """The archive at its checkpoint."""
        ...

    def articles(
        self,
        *,
        outlet: str = "",
        after: str | date = "",
        before: str | date = "",
        order: str = "shown",
        cursor: str = "",
        limit: int = 30,
    ) -> api.Page[api.ArticleSummary]:
        """Newest first: by the publisher's clock (order shown) or as they came into the log (kept).

        `after` and `before`: a day (it begins in the archive's zone) or an instant, as text or as date and datetime.
        `limit`: 1 to 100.
        """
        ...

    def article(self, identity: str, rev: int | None = None) -> api.ArticleText:
        """A revision whole, the current one by default."""
        ...

    def revisions(self, identity: str) -> api.Page[api.RevisionSummary]:
        """All revisions of an article, by number."""
        ...

    def markdown(self, identity: str, rev: int | None = None) -> bytes:
        """The record as kept: the Markdown file."""
        ...

    def proof(self, identity: str, rev: int | None = None, *, media: bool = False) -> bytes:
        """The file that `baoguan prove` writes and `baoguan check` judges."""
        ...

    def outlets(self) -> api.Page[api.OutletSummary]:
        """Every outlet, by key."""
        ...

    def outlet(self, key: str) -> api.OutletSummary:
        """One of them."""
        ...

    def feeds(self, *, outlet: str = "") -> api.Page[api.FeedStatus]:
        """How the feeds do, by address."""
        ...

    def search(
        self, query: str, *, order: str = "relevance", facets: bool = False, cursor: str = "", limit: int = 30
    ) -> api.Hits:
        """What `baoguan search` finds, by relevance or date, with marked snippets."""
        ...

    def changes(
        self, *, outlet: str = "", kind: str = "", article: str = "", cursor: str = "", limit: int = 30
    ) -> api.Page[api.ChangeSummary]:
        """What outlets changed, newest first; `extraction` only when asked for by `kind`."""
        ...

    def change(self, index: int) -> api.ChangeText:
        """One change, both versions side by side."""
        ...

    def names(self, name: str) -> api.Page[api.NamedArticle]:
        """The articles that an address, an id or the start of one means."""
        ...

    def export(self, *, outlet: str = "", since: int = 0) -> Iterator[api.ArticleText]:
        """Whole articles in the order of the log, from log index `since` on: go on later with the last `index` + 1."""
        ...

    def picture(self, path: str) -> bytes:
        """A kept picture, by the path that articles give."""
        ...

    def close(self) -> None:
        """Ends it; twice is once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Closing:
    def __init__(self) -> None:
        self._closing = ExitStack()

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Folder(_Closing, DeskReader):
    def __init__(self, folder: Path) -> None:
        _Closing.__init__(self)
        desk = self._closing.enter_context(open_desk(folder))
        source, changes = DeskSource(desk), DeskChanges(desk)
        self._closing.callback(source.close)
        self._closing.callback(changes.close)
        DeskReader.__init__(self, desk, source, changes)


class _Server(_Closing, ServerReader):
    def __init__(self, url: str, timeout_s: float) -> None:
        _Closing.__init__(self)
        ServerReader.__init__(self, url, timeout_s=timeout_s)
        self.archive()


def open_place(place: str | Path, *, timeout_s: float = 60.0) -> Reader:
    """See baoguan.open."""
    text = str(place)
    if text.startswith(("http://", "https://")):
        return _Server(text, timeout_s)
    return _Folder(Path(place).expanduser())


def walk(call: Callable[..., Paged[T]], *asked: object, **given: object) -> Iterator[T]:
    """Every item of a list, page by page: walk(reader.articles, outlet="dw-zh"), walk(reader.search, "选举")."""
    given = {"limit": 100, **given}
    while True:
        page = call(*asked, **given)
        yield from page.items
        if not page.next:
            return
        given["cursor"] = page.next
