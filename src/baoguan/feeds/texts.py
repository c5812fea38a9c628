"""Text constructs of feeds: what an element says, as HTML or as plain text."""

import base64
import binascii
import re
from html import escape, unescape

import msgspec
from lxml import etree

from baoguan.feeds.limits import MAX_TEXT, MAX_TITLE
from baoguan.feeds.names import local_name
from baoguan.feeds.part import Part, all_text

_HTML_TAGS = (
    "a|abbr|acronym|address|article|aside|audio|b|bdi|bdo|big|blink|blockquote|body|br|button|caption|center|cite|code|col|dd|del"
    "|details|dfn|div|dl|dt|em|embed|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd"
    "|label|li|link|main|mark|meta|nav|nobr|object|ol|p|picture|pre|q|rp|rt|ruby|s|samp|script|section|small|source|span|strike"
    "|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|time|tr|tt|u|ul|var|video|wbr"
)
_TAG = re.compile(r"<(?:!--.*?-->|/?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*|\s*/)?>)", re.DOTALL)
_NAMES = frozenset(_HTML_TAGS.replace("h[1-6]", "h1|h2|h3|h4|h5|h6").split("|"))
_HIDDEN = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_CLOSING = re.compile(rf"<(?:/(?:{_HTML_TAGS})\s*>|(?:br|hr|img|p)(?:\s[^<>]*|\s*)/?>)", re.IGNORECASE)
_LINES = frozenset(("p", "div", "br", "li", "tr", "td", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"))
_ODD_SPACE = re.compile(r"[\t\r\n\f\v\u3000]|  ")
_SPACE = re.compile(r"[ \t\r\n\f\v\u3000]+")
_MAX_PLAIN = 12_000
"""Characters of HTML that are looked at for a line of text: titles and captions are short."""
_VOID = frozenset(("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
_ESCAPED_TYPES = ("html", "text/html")
_MARKUP_TYPES = ("xhtml", "application/xhtml+xml", "text/xml", "application/xml", "image/svg+xml")


class Text(msgspec.Struct, frozen=True, gc=False):
    """What a text construct holds: a string, and whether that string is HTML."""

    value: str
    is_html: bool


EMPTY = Text("", False)


def read_text(part: Part, *, atom: bool) -> Text:
    """The text construct in `part`: by the rules of Atom when `atom`, else as RSS, where everything may be HTML.

    Base64, inline mark-up and types that don't keep what they promise are seen to.
    """
    if not part.size:  # nearly every text
        get = part.attributes.get
        kind = get("type")
        if (kind in _ESCAPED_TYPES if atom else not kind) and not get("mode"):
            return Text(part.text, True)
    return _declared_text(part, atom)


def _declared_text(part: Part, atom: bool) -> Text:
    kind = part.attributes.get("type", "").strip().lower().split(";")[0]
    mode = part.attributes.get("mode", "").strip().lower()
    if mode == "base64" or _is_base64_type(kind, part):
        return Text(_unbase64(all_text(part)), "html" in kind or atom)
    if part.size and _has_markup(part.element):
        return Text(inner_html(part.element, unwrap=kind == "xhtml"), True)
    value = all_text(part)
    if mode == "xml" and "html" not in kind:
        return Text(value, False)
    if not atom or "html" in kind or "xml" in kind:
        return Text(escape(value, quote=False) if kind in _MARKUP_TYPES else value, True)
    return Text(value, "<" in value and bool(_CLOSING.search(value)))


def as_html(text: Text) -> str:
    """HTML that shows `text`."""
    return text.value if text.is_html else escape(text.value, quote=False)


def as_plain(text: Text) -> str:
    """One line of plain text that says what `text` says."""
    return plain(text.value) if text.is_html else collapse(text.value)


def plain(html: str) -> str:
    """HTML to one line of plain text. What only looks like a tag (`List<T>`) stays."""
    html = html[:_MAX_PLAIN]
    if "<" not in html and "&" not in html:
        return collapse(html)
    if "<" in html:
        if _HIDDEN.search(html):
            html = _HIDDEN.sub("", html)
        html = _TAG.sub(_without_tag, html)
    return collapse(unescape(html) if "&" in html else html)


def _without_tag(tag: re.Match[str]) -> str:
    name = tag[1].lower() if tag[1] else ""
    if name and name not in _NAMES:
        return tag[0]
    return " " if name in _LINES else ""


def collapse(text: str) -> str:
    """White space collapsed and trimmed; a no-break space inside is kept."""
    if (not text.isprintable() or "  " in text) and _ODD_SPACE.search(text):
        text = _SPACE.sub(" ", text)
    return text.strip()[:MAX_TITLE]


def first_words(html: str, limit: int = 100) -> str:
    """The beginning of a text, for items without a title: at most `limit` characters and an ellipsis."""
    for size in (8 * limit, 40 * limit):
        head = html[:size]
        if size < len(html) and head.rfind("<") > head.rfind(">"):
            head = head[: head.rfind("<")]
        words = plain(head)
        if len(words) > limit or size >= len(html):
            break
    return words if len(words) <= limit else words[:limit].rstrip() + "…"


def inner_html(element: etree._Element, *, unwrap: bool = False) -> str:
    """The mark-up inside `element` as HTML without namespace prefixes; `unwrap` drops a single div around all of it."""
    if unwrap and len(element) == 1 and local_name(element[0]) == "div" and not (element.text or "").strip():
        element = element[0]
    parts: list[str] = [escape(element.text or "", quote=False)]
    for child in element:
        _serialise(child, parts, element.nsmap.get(None))
    return "".join(parts)[:MAX_TEXT].strip()


def _serialise(element: etree._Element, parts: list[str], space: str | None) -> None:
    tail = escape(element.tail, quote=False) if element.tail else ""
    if not isinstance(element.tag, str):
        parts.append(tail)
        return
    name = etree.QName(element.tag)
    own = name.namespace
    local = name.localname
    attributes = "".join(
        f' {_attribute_name(element, key)}="{escape(str(value))}"' for key, value in sorted(element.attrib.items())
    )
    if own and own != space and own in ("http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"):
        attributes += f' xmlns="{own}"'
    parts.append(f"<{local}{attributes}")
    if local.lower() in _VOID and not len(element) and not element.text:
        parts.append(" />")
    else:
        parts.append(">")
        parts.append(escape(element.text, quote=False) if element.text else "")
        for child in element:
            _serialise(child, parts, own)
        parts.append(f"</{local}>")
    parts.append(tail)


def _attribute_name(element: etree._Element, key: object) -> str:
    name = etree.QName(str(key))
    if not name.namespace:
        return name.localname
    prefix = next((prefix for prefix, space in element.nsmap.items() if space == name.namespace and prefix), "")
    return f"{prefix}:{name.localname}" if prefix else name.localname


def _has_markup(element: etree._Element) -> bool:
    return any(isinstance(child.tag, str) for child in element)


def _is_base64_type(kind: str, part: Part) -> bool:
    """RFC 4287 4.1.3.3: content of any other media type is Base64."""
    binary = "/" in kind and not kind.startswith("text/") and not kind.endswith(("+xml", "/xml"))
    return binary and not part.attributes.get("mode") and not part.size


def _unbase64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace").strip()
    except (binascii.Error, ValueError):
        return text
