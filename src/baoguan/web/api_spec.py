"""openapi.json: OpenAPI 3.1 from the table of operations and the types of their answers."""

import re
from typing import Any

import msgspec

from baoguan import __version__
from baoguan.model.api import Problem
from baoguan.web.api_table import OPERATIONS, Operation

PROBLEM = "application/problem+json"
_WHY = {
    400: "A parameter is unknown, missing or no such value.",
    403: "The archive keeps it and doesn't serve it.",
    404: "Nothing is kept under that name.",
    410: "It was withdrawn.",
    429: "Too many requests: come back after Retry-After.",
    503: "Files of the archive can't be read now.",
}


def statuses(operation: Operation) -> tuple[int, ...]:
    """Those of problems that the operation may answer with."""
    article = operation.missing and any(param.name == "id" for param in operation.params)
    kept_back = article or operation.searches
    return (
        400,
        *((403,) if kept_back else ()),
        *((404,) if operation.missing else ()),
        *((410,) if article else ()),
        429,
        503,
    )


def openapi(base: str) -> dict[str, Any]:
    """The whole document; `base` is the address of the reader."""
    kinds = [one.kind for one in OPERATIONS if one.kind not in (str, dict[str, Any])]
    shapes, components = msgspec.json.schema_components([*kinds, Problem], ref_template="#/components/schemas/{name}")
    names = {name: _name(name) for name in components}
    schema_of = {repr(kind): _renamed(shape, names) for kind, shape in zip(kinds, shapes, strict=False)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "baoguan",
            "version": __version__,
            "summary": "A news archive that proves what it kept.",
            "description": "Read-only. Lists go on with `cursor`, answers have ETags, errors are RFC 9457 problems.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"{base}/api/v1"}],
        "paths": {one.path: {"get": _operation(one, schema_of)} for one in OPERATIONS},
        "components": {"schemas": {names[name]: _renamed(shape, names) for name, shape in components.items()}},
    }


def _name(name: str) -> str:
    return re.sub(r"\W+|_", "", name)


def _renamed(shape: Any, names: dict[str, str]) -> Any:
    if isinstance(shape, dict):
        ref = "#/components/schemas/"
        return {
            key: ref + names[value.removeprefix(ref)] if key == "$ref" else _renamed(value, names)
            for key, value in shape.items()
            if key != "title"
        }
    return [_renamed(one, names) for one in shape] if isinstance(shape, list) else shape


def _operation(one: Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
    shape: Any = {"type": "string"} if one.kind is str else {"type": "object"}
    if one.media_type == "application/x-ndjson":  # OpenAPI 3.1 has no word for the shape of a line
        shape = {"type": "string", "description": "Lines of ArticleText.", "x-line": schema_of[repr(one.kind)]}
    elif repr(one.kind) in schema_of:
        shape = schema_of[repr(one.kind)]
    problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    etag = {"ETag": {"schema": {"type": "string"}, "description": "For If-None-Match."}}
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    streamed = one.media_type == "application/x-ndjson"
    answers: dict[str, Any] = {
        "200": {
            "description": one.about,
            "content": {one.media_type: {"schema": shape}},
            **({} if streamed else {"headers": etag}),
        },
        **({} if streamed else {"304": {"description": "As If-None-Match says."}}),
    }
    for status in statuses(one):
        answers[str(status)] = {
            "description": _WHY[status],
            "content": problem,
            **({"headers": retry} if status == 429 else {}),
        }
    return {
        "operationId": one.name,
        "summary": one.about,
        "parameters": [
            {
                "name": param.name,
                "in": param.place,
                "required": param.required,
                "description": param.about,
                "schema": dict(param.schema),
            }
            for param in one.params
        ],
        "responses": answers,
    }
