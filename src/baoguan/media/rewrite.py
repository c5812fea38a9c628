"""Puts kept pictures in place of their origin in a body, for readers, late pictures and exports."""

import re
from collections.abc import Mapping
from html import escape, unescape

# Every tag is matched, so that one that stands in another's attribute isn't taken for a tag; `<` ends a tag that never
# closes, which keeps a body of them linear.
_TAG = re.compile(r"""<!--.*?(?:-->|\Z)|<[a-z](?:[^"'<>]|"[^"]*"|'[^']*')*+>""", re.IGNORECASE | re.DOTALL)
_PICTURE = re.compile(r"<(?:img|video|source)(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_NAMES = frozenset(("src", "poster"))


def substitute_sources(body_html: str, mapping: Mapping[str, str]) -> str:
    """The body with `src` and `poster` of img, video and source replaced where `mapping` holds their address.

    Keys are addresses as an HTML parser reads them (entities resolved), values go in escaped. All that isn't such a
    value stays byte for byte; other attributes, text and comments are never touched. One pass over the body.
    """
    if not mapping or "<" not in body_html:
        return body_html
    return _TAG.sub(lambda tag: _in_tag(tag[0], mapping), body_html)


def _in_tag(tag: str, mapping: Mapping[str, str]) -> str:
    start = _PICTURE.match(tag)
    if start is None:
        return tag
    out: list[str] = []
    end = 0
    seen: set[str] = set()
    for match in _ATTRIBUTE.finditer(tag, start.end()):
        name, value = match[1].lower(), match[2]
        if value is None or name in seen or name not in _NAMES:
            seen.add(name)
            continue
        seen.add(name)
        bare = value[1:-1] if value[0] in "\"'" else value
        new = mapping.get(unescape(bare).strip())
        if new is not None:
            out += (tag[end : match.start(2)], f'"{escape(new)}"')
            end = match.end(2)
    return "".join((*out, tag[end:])) if out else tag
