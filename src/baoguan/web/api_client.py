"""The calls of the API asked of a server: what `baoguan.open(url)` gives. The same records as from a folder."""

from collections.abc import Iterator
from datetime import date
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from baoguan.errors import BaoguanError, ConfigError, FetchError, NotFound, Withdrawn, Withheld
from baoguan.fetch.plain import PlainClient
from baoguan.model import api

T = TypeVar("T")
_ERRORS: dict[int, type[BaoguanError]] = {400: ConfigError, 403: Withheld, 404: NotFound, 410: Withdrawn}
CAP_BYTES = 100_000_000
"""Of one answer, decompressed; of one line of an export."""


class ServerReader:
    """As DeskReader, over HTTP. Raises what that raises, and FetchError where the server can't be asked."""

    def __init__(self, url: str, *, timeout_s: float = 60.0) -> None:
        """`url`: of the reader, https://name:password@host/ where it asks for a login. Raises ConfigError."""
        self._client = PlainClient(url, timeout_s=timeout_s, cap_bytes=CAP_BYTES)

    def _ask(self, path: str, given: dict[str, Any]) -> bytes:
        answer = self._client.get(_address(path, given))
        if answer.status == 200:
            return answer.body
        try:
            detail = msgspec.json.decode(answer.body, type=api.Problem).detail
        except msgspec.DecodeError:
            detail = ""
        kind = _ERRORS.get(answer.status)
        if kind is not None and detail:
            raise kind(detail)
        said = f"{self._client.base}{path}: status {answer.status} {detail or 'and no word of why: is it a baoguan?'}"
        raise FetchError(said, url=self._client.base, kind="status", retryable=answer.status >= 429)

    def _record(self, path: str, shape: type[T], /, **given: Any) -> T:
        body = self._ask(path, given)
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.DecodeError as error:
            raise FetchError(f"{self._client.base}{path}: {error}", url=self._client.base, kind="encoding") from error

    def archive(self) -> api.ArchiveSummary:
        """As DeskReader.archive."""
        return self._record("/archive", api.ArchiveSummary)

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
        """As DeskReader.articles."""
        return self._record(
            "/articles",
            api.Page[api.ArticleSummary],
            outlet=outlet,
            after=after,
            before=before,
            order=order,
            cursor=cursor,
            limit=limit,
        )

    def article(self, identity: str, rev: int | None = None) -> api.ArticleText:
        """As DeskReader.article."""
        path = f"/articles/{quote(identity, safe='')}"
        return self._record(path if rev is None else f"{path}/revisions/{rev}", api.ArticleText)

    def revisions(self, identity: str) -> api.Page[api.RevisionSummary]:
        """As DeskReader.revisions."""
        return self._record(f"/articles/{quote(identity, safe='')}/revisions", api.Page[api.RevisionSummary])

    def markdown(self, identity: str, rev: int | None = None) -> bytes:
        """As DeskReader.markdown."""
        return self._ask(f"/articles/{quote(identity, safe='')}/markdown", {"rev": rev})

    def proof(self, identity: str, rev: int | None = None, *, media: bool = False) -> bytes:
        """As DeskReader.proof: judge it by a key that came another way."""
        return self._ask(f"/articles/{quote(identity, safe='')}/proof", {"rev": rev, "media": media})

    def outlets(self) -> api.Page[api.OutletSummary]:
        """As DeskReader.outlets."""
        return self._record("/outlets", api.Page[api.OutletSummary])

    def outlet(self, key: str) -> api.OutletSummary:
        """As DeskReader.outlet."""
        return self._record(f"/outlets/{quote(key, safe='')}", api.OutletSummary)

    def feeds(self, *, outlet: str = "") -> api.Page[api.FeedStatus]:
        """As DeskReader.feeds."""
        return self._record("/feeds", api.Page[api.FeedStatus], outlet=outlet)

    def search(
        self, query: str, *, order: str = "relevance", facets: bool = False, cursor: str = "", limit: int = 30
    ) -> api.Hits:
        """As DeskReader.search."""
        return self._record("/search", api.Hits, q=query, order=order, facets=facets, cursor=cursor, limit=limit)

    def changes(
        self, *, outlet: str = "", kind: str = "", article: str = "", cursor: str = "", limit: int = 30
    ) -> api.Page[api.ChangeSummary]:
        """As DeskReader.changes."""
        return self._record(
            "/changes",
            api.Page[api.ChangeSummary],
            outlet=outlet,
            kind=kind,
            article=article,
            cursor=cursor,
            limit=limit,
        )

    def change(self, index: int) -> api.ChangeText:
        """As DeskReader.change."""
        return self._record(f"/changes/{index}", api.ChangeText)

    def names(self, name: str) -> api.Page[api.NamedArticle]:
        """As DeskReader.names."""
        return self._record("/names", api.Page[api.NamedArticle], name=name)

    def export(self, *, outlet: str = "", since: int = 0) -> Iterator[api.ArticleText]:
        """As DeskReader.export, as the lines come."""
        for line in self._client.lines(_address("/export", {"outlet": outlet, "since": since})):
            try:
                yield msgspec.json.decode(line, type=api.ArticleText)
            except msgspec.DecodeError as error:
                raise FetchError(f"{self._client.base}: {error}", url=self._client.base, kind="encoding") from error

    def picture(self, path: str) -> bytes:
        """As DeskReader.picture."""
        answer = self._client.get("/" + quote(path)) if path.startswith("media/") else None
        if answer is None or answer.status != 200:
            raise NotFound(f"no picture {path}")
        return answer.body


def _address(path: str, given: dict[str, Any]) -> str:
    pairs = [
        (name, _text(value)) for name, value in given.items() if value is not None and (value != "" or name == "q")
    ]
    return f"/api/v1{path}" + (f"?{urlencode(pairs)}" if pairs else "")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
