"""Makes broken XML readable: entities that only HTML knows, bare ampersands, control characters, junk, DOCTYPE.

Runs only on documents that the XML parser complains about, or that declare entities of their own. CDATA sections pass
untouched.
"""

import re
from html.entities import html5

from baoguan.feeds.limits import MAX_ENTITIES, MAX_REPAIRS

_DOCTYPE = re.compile(
    r"<!DOCTYPE\b(?:[^\[\]<>\"']|\"[^\"]*\"|'[^']*')*(?:\[(?P<subset>.*?)\]\s*)?>", re.DOTALL | re.IGNORECASE
)
_DECLARED = re.compile(r"""<!ENTITY\s+([A-Za-z_][\w.\-]{0,60})\s+(?:"([^"]{0,1000})"|'([^']{0,1000})')\s*>""")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]+")
_PARTS = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos);)(?:#(?P<dec>\d{1,8});?|#[xX](?P<hex>[0-9a-fA-F]{1,7});?|(?P<name>[A-Za-z][A-Za-z0-9_.\-]{0,60});|)"
    r"|<(?=[\s\d=])",
    re.DOTALL,
)
_START = re.compile(r"<(?=[?!A-Za-z_])")
_DECLARATION = re.compile(r"^<\?xml\b[^>]{0,1000}?\?>", re.IGNORECASE)
_CP1252 = bytes(range(0x80, 0xA0)).decode("cp1252", "replace")
_C1 = {0x80 + index: char for index, char in enumerate(_CP1252) if char != "\ufffd"}
_ROOT = re.compile(r"<(?:rss|feed|rdf:RDF|channel)\b[^<>]{0,4000}>", re.IGNORECASE)
_BARE_VALUE = re.compile(r"=\s*([^\s\"'<>=/]+)(?=[\s>])")
_C1_CHARS = re.compile("[\x80-\x9f]")
_C1_BYTES = re.compile(b"\xc2[\x80-\x9f]")
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")
_ILLEGAL_BYTES = re.compile(b"\xed[\xa0-\xbf]|\xef\xbf[\xbe\xbf]")
"""Surrogates, U+FFFE and U+FFFF."""


def without_declaration(text: str) -> str:
    """XML without what stands before its first tag or instruction, and without the declaration of an encoding."""
    start = _START.search(text)
    return _DECLARATION.sub("", text[start.start() :] if start else text, count=1).lstrip()


def repair_xml(text: str) -> str:
    """XML that a recovering parser reads without loss, whatever `text` is. Linear in its length."""
    text = without_declaration(text)
    text = _without_illegal(text)
    text, entities = _without_doctype(text)
    text = _ROOT.sub(lambda tag: _BARE_VALUE.sub(r'="\1"', tag[0]), text, count=1)
    return _close_cdata(_repaired(text, entities))


def _repaired(text: str, entities: dict[str, str]) -> str:
    """What stands outside of CDATA sections put right, at most MAX_REPAIRS times."""
    pieces, at, left = list[str](), 0, MAX_REPAIRS
    while at < len(text) and left > 0:
        start = text.find("<![CDATA[", at)
        piece, count = _PARTS.subn(
            lambda found: _part(found, entities), text[at : start if start >= 0 else len(text)], count=left
        )
        end = text.find("]]>", start) if start >= 0 else -1
        at = end if end >= 0 else len(text)
        pieces += (piece, text[start:at] if start >= 0 else "")
        left -= count
    return "".join((*pieces, text[at:]))


def _without_illegal(text: str) -> str:
    """The text without what XML forbids, and with Windows-1252's characters for C1 controls.

    Whether there is any is asked of the bytes, in a sixth of the time of the expressions.
    """
    data = text.encode("utf-8", "surrogatepass")
    if len(data.translate(None, _CONTROLS)) < len(data) or _ILLEGAL_BYTES.search(data):
        text = _ILLEGAL.sub("", text)
    if not data.isascii() and _C1_BYTES.search(data):
        text = _C1_CHARS.sub(lambda found: _C1.get(ord(found[0]), ""), text)
    return text


def _close_cdata(text: str) -> str:
    opened = text.rfind("<![CDATA[")
    return text + "]]>" if opened >= 0 and text.find("]]>", opened) < 0 else text


def _without_doctype(text: str) -> tuple[str, dict[str, str]]:
    """The text without its document type, and the plain entities that this declares (RSS 0.91 lists Latin-1 there)."""
    head = text[:4_000].upper()
    if "<!DOCTYPE" not in head:
        return text, {}
    start = head.index("<!DOCTYPE")
    found = _DOCTYPE.match(text[start : start + 500_000])
    if not found:
        return text, {}
    entities: dict[str, str] = {}
    for name, double, single in _DECLARED.findall(found["subset"] or "")[:MAX_ENTITIES]:
        value = double or single
        # What a declared value refers to stays as written, so that entities can't multiply each other.
        entities.setdefault(name, value.replace("&", "&amp;").replace("<", "&lt;") if "&#" not in value else value)
    return text[:start] + text[start + found.end() :], entities


def _part(found: re.Match[str], entities: dict[str, str]) -> str:
    whole = found[0]
    if whole.startswith("<"):
        return "&lt;" if whole == "<" else whole
    name = found["name"]
    if name:
        return _named(name, whole, entities)
    digits = found["dec"] or found["hex"]
    if digits:
        return _numbered(int(digits, 10 if found["dec"] else 16))
    return "&amp;"


def _named(name: str, whole: str, entities: dict[str, str]) -> str:
    if name in entities:
        return entities[name]
    value = html5.get(name + ";")
    if value is None:
        return "&amp;" + whole[1:]
    return value.replace("&", "&amp;").replace("<", "&lt;")


def _numbered(code: int) -> str:
    if code in _C1:
        return _C1[code]
    if code in (0x9, 0xA, 0xD) or 0x20 <= code < 0xD800 or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF:
        return f"&#{code};"
    return ""
