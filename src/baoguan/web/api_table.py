"""The operations of /api/v1: one table from which requests are answered and openapi.json is made."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from baoguan.errors import ConfigError
from baoguan.model import api
from baoguan.model.change import KINDS
from baoguan.web.api_cursor import ARTICLES, CHANGES, FOUND
from baoguan.web.api_source import MOST, DeskReader

_NUMBER = 2_147_483_647
Given = Mapping[str, Any]


class Param(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter: its place, JSON schema, and meaning."""

    name: str
    schema: Mapping[str, Any]
    about: str
    place: str = "query"
    required: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """GET of one address."""

    path: str
    """Below /api/v1, parts in {braces} as parameters."""
    name: str
    """operationId; the method of `baoguan.Reader`."""
    about: str
    answer: Callable[[DeskReader, Given], Any]
    """A record, bytes, or an iterator of records that is sent as lines."""
    kind: Any
    """Type of the record; of a line."""
    params: tuple[Param, ...] = ()
    media_type: str = "application/json"
    searches: bool = False
    """Counts against the limit of searches, too."""
    missing: bool = False
    """May answer 404; with an article, 403 and 410."""


def _text(name: str, about: str, most: int = 100) -> Param:
    return Param(name=name, schema={"type": "string", "maxLength": most}, about=about)


_ID = Param(
    name="id",
    schema={"type": "string", "pattern": "^[0-9a-f]{16}$"},
    about="of the article, 16 hex digits",
    place="path",
    required=True,
)
_REV_IN_PATH = Param(
    name="rev",
    schema={"type": "integer", "minimum": 0, "maximum": _NUMBER},
    about="number of the revision",
    place="path",
    required=True,
)
_REV = msgspec.structs.replace(_REV_IN_PATH, place="query", required=False, about="the current one without it")
_OUTLET = _text("outlet", "key of an outlet")


def _cursor(pattern: str) -> Param:
    return Param(name="cursor", schema={"type": "string", "pattern": pattern}, about="`next` of the page before")


_LIMIT = Param(
    name="limit", schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": 30}, about="items of a page"
)
_INDEX = Param(
    name="index",
    schema={"type": "integer", "minimum": 0, "maximum": _NUMBER},
    about="log index",
    place="path",
    required=True,
)


def _day(name: str, about: str) -> Param:
    day = [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
    return Param(name=name, schema={"anyOf": day}, about=about)


def _choice(name: str, values: tuple[str, ...], about: str, default: str = "") -> Param:
    schema = {"type": "string", "enum": list(values), **({"default": default} if default else {})}
    return Param(name=name, schema=schema, about=about)


def _flag(name: str, about: str) -> Param:
    return Param(name=name, schema={"type": "boolean", "default": False}, about=about)


OPERATIONS = (
    Operation(
        path="/archive",
        name="archive",
        about="The archive at its checkpoint.",
        answer=lambda reader, _: reader.archive(),
        kind=api.ArchiveSummary,
    ),
    Operation(
        path="/articles",
        name="articles",
        about="Articles, newest first.",
        answer=lambda reader, given: reader.articles(**given),
        kind=api.Page[api.ArticleSummary],
        params=(
            _OUTLET,
            _day("after", "shown on that day (it begins in the archive's zone) or from that instant on"),
            _day("before", "shown before it"),
            _choice("order", ("shown", "kept"), "by the publisher's clock, or as they came into the log", "shown"),
            _cursor(ARTICLES),
            _LIMIT,
        ),
    ),
    Operation(
        path="/articles/{id}",
        name="article",
        about="An article whole, in its current revision.",
        answer=lambda reader, given: reader.article(given["id"]),
        kind=api.ArticleText,
        params=(_ID,),
        missing=True,
    ),
    Operation(
        path="/articles/{id}/revisions",
        name="revisions",
        about="All revisions of an article, by number.",
        answer=lambda reader, given: reader.revisions(given["id"]),
        kind=api.Page[api.RevisionSummary],
        params=(_ID,),
        missing=True,
    ),
    Operation(
        path="/articles/{id}/revisions/{rev}",
        name="revision",
        about="One revision whole.",
        answer=lambda reader, given: reader.article(given["id"], given["rev"]),
        kind=api.ArticleText,
        params=(_ID, _REV_IN_PATH),
        missing=True,
    ),
    Operation(
        path="/articles/{id}/markdown",
        name="markdown",
        about="The record as kept: a Markdown file.",
        answer=lambda reader, given: reader.markdown(given["id"], given.get("rev")),
        kind=str,
        params=(_ID, _REV),
        media_type="text/markdown",
        missing=True,
    ),
    Operation(
        path="/articles/{id}/proof",
        name="proof",
        about="What `baoguan prove` writes and `baoguan check` judges, offline and with the key alone.",
        answer=lambda reader, given: reader.proof(given["id"], given.get("rev"), media=given.get("media", False)),
        kind=dict[str, Any],
        params=(_ID, _REV, _flag("media", "with the pictures")),
        missing=True,
    ),
    Operation(
        path="/outlets",
        name="outlets",
        about="Every outlet, by key.",
        answer=lambda reader, _: reader.outlets(),
        kind=api.Page[api.OutletSummary],
    ),
    Operation(
        path="/outlets/{key}",
        name="outlet",
        about="One outlet.",
        answer=lambda reader, given: reader.outlet(given["key"]),
        kind=api.OutletSummary,
        params=(msgspec.structs.replace(_text("key", "of the outlet"), place="path", required=True),),
        missing=True,
    ),
    Operation(
        path="/feeds",
        name="feeds",
        about="How the feeds do.",
        answer=lambda reader, given: reader.feeds(**given),
        kind=api.Page[api.FeedStatus],
        params=(_OUTLET,),
    ),
    Operation(
        path="/search",
        name="search",
        about="Articles that hold what is asked for, in any script of Chinese.",
        answer=lambda reader, given: reader.search(given["q"], **{k: v for k, v in given.items() if k != "q"}),
        kind=api.Hits,
        params=(
            msgspec.structs.replace(_text("q", "the query, in the language of `baoguan search`", 400), required=True),
            _choice("order", ("relevance", "date"), "best first, or newest first", "relevance"),
            _flag("facets", "count by outlet and month"),
            _cursor(FOUND),
            _LIMIT,
        ),
        searches=True,
    ),
    Operation(
        path="/changes",
        name="changes",
        about="What outlets changed, newest first.",
        answer=lambda reader, given: reader.changes(**given),
        kind=api.Page[api.ChangeSummary],
        params=(
            _OUTLET,
            _choice("kind", KINDS, "of the change"),
            msgspec.structs.replace(_ID, name="article", place="query", required=False, about="of that article alone"),
            _cursor(CHANGES),
            _LIMIT,
        ),
    ),
    Operation(
        path="/changes/{index}",
        name="change",
        about="A change, both versions side by side.",
        answer=lambda reader, given: reader.change(given["index"]),
        kind=api.ChangeText,
        params=(_INDEX,),
        missing=True,
    ),
    Operation(
        path="/names",
        name="names",
        about="The articles that a name means: an address at the outlet (any it had), an id, or the start of one.",
        answer=lambda reader, given: reader.names(given["name"]),
        kind=api.Page[api.NamedArticle],
        params=(msgspec.structs.replace(_text("name", "what it is called", 2000), required=True),),
    ),
    Operation(
        path="/export",
        name="export",
        about="Articles whole, a JSON object a line, in the order of the log. Go on later with the last `index` + 1.",
        answer=lambda reader, given: reader.export(**given),
        kind=api.ArticleText,
        params=(
            _OUTLET,
            Param(
                name="since",
                schema={"type": "integer", "minimum": 0, "maximum": _NUMBER, "default": 0},
                about="log index to begin with",
            ),
        ),
        media_type="application/x-ndjson",
    ),
)


def read_given(operation: Operation, in_path: Given, query: list[tuple[str, str]]) -> dict[str, Any]:
    """The arguments of a request. Raises ConfigError, a line, for what is unknown, twice, missing or no such value."""
    params = {param.name: param for param in operation.params}
    given: dict[str, Any] = {}
    for name, text in (*in_path.items(), *query):
        param = params.get(name)
        if param is None or (param.place == "path") != (name in in_path):
            raise ConfigError(f"{name[:50]!r} is no parameter here; known are {', '.join(params) or 'none'}")
        if name in given:
            raise ConfigError(f"{name}: given twice")
        given[name] = _value(param, text)
    missing = [param.name for param in operation.params if param.required and param.name not in given]
    if missing:
        raise ConfigError(f"{missing[0]}: missing")
    return given


def _value(param: Param, text: str) -> Any:
    schema = param.schema
    if "anyOf" in schema:
        return _day_text(param.name, text)
    if schema["type"] == "integer":
        if not re.fullmatch(r"0|[1-9]\d{0,9}", text, re.A) or not schema["minimum"] <= int(text) <= schema["maximum"]:
            raise ConfigError(f"{param.name}: a number from {schema['minimum']} to {schema['maximum']} is wanted")
        return int(text)
    if schema["type"] == "boolean":
        if text not in ("true", "false"):
            raise ConfigError(f"{param.name}: true or false is wanted")
        return text == "true"
    if "enum" in schema and text not in schema["enum"]:
        raise ConfigError(f"{param.name}: one of {', '.join(schema['enum'])} is wanted")
    if "pattern" in schema and not re.fullmatch(schema["pattern"][1:-1], text):
        raise ConfigError(f"{param.name}: {text[:40]!r} doesn't look like one ({schema['pattern']})")
    if len(text) > schema.get("maxLength", len(text)):
        raise ConfigError(f"{param.name}: longer than {schema['maxLength']} characters")
    return text


def _day_text(name: str, text: str) -> str:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.A):
            date.fromisoformat(text)
            return text
        # A leap second is an instant of RFC 3339 that Python can't hold; + of an offset may come as a space.
        said = re.fullmatch(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[ +-]\d\d:\d\d)", text, re.A)
        if said is None:
            raise ValueError
        fraction = (said[3] or "")[:7]
        whole = f"{said[1]}{min(int(said[2]), 59):02}{fraction}{said[4].replace(' ', '+')}".upper()
        return datetime.fromisoformat(whole).isoformat()
    except ValueError as error:
        raise ConfigError(f"{name}: a day (2023-07-01) or an instant (2023-07-01T09:00:00Z) is wanted") from error
