"""multipart/form-data, the one way in which a browser sends a file: fields and files of a body that is held whole."""

import re

from starlette.requests import Request

from baoguan.web.accounts_http import FIELDS

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))')
_NAME = re.compile(rb'form-data;.{0,200}?\bname="([^"]{0,100})"', re.I)
_PARTS = 200


def uploaded(request: Request, body: bytes) -> tuple[list[tuple[str, str]], dict[str, bytes]]:
    """(fields, files by the field's name) of a form with a file in it; nothing of any other body."""
    kind = request.headers.get("content-type", "")
    found = _BOUNDARY.search(kind) if kind.lower().startswith("multipart/form-data") else None
    if found is None:
        return [], {}
    mark = b"\r\n--" + (found[1] or found[2]).encode("latin-1", "replace")
    fields: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(mark, min(_PARTS, FIELDS))[1:]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head[:2000])
        if name is None:
            continue  # the end mark, or nothing that a browser writes
        key = name[1].decode("utf-8", "replace")
        if b'filename="' in head:
            files[key] = value
        else:
            fields.append((key, value.decode("utf-8", "replace")))
    return fields, files
