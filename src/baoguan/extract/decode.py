"""Bytes of a page -> text. Order: BOM, HTTP header, strict UTF-8, meta, gb18030.

UTF-8 is tried before the page's own <meta>: portals that moved to UTF-8 left `charset=gbk` in their templates
(4 of 61 Chinese sample pages), and bytes that aren't UTF-8 practically never decode as it by chance.
"""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,100}encoding\s*=\s*[\"']([\w.:-]{2,40})", re.IGNORECASE)
_LOOK_IN = 4096
_LABELS = {
    # What browsers mean by these names (WHATWG Encoding): the superset, not the standard of that name.
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312": "gb18030", "x-gbk": "gb18030", "gb18030": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "euc-jp": "euc_jp", "x-euc-jp": "euc_jp",
    "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "ksc5601": "cp949", "windows-949": "cp949",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252", "iso8859-1": "cp1252",
    "iso-8859-9": "cp1254", "tis-620": "cp874", "iso-8859-11": "cp874", "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8",
}  # fmt: skip
_BROKEN_SHARE = 0.005


def decode_page(body: bytes, content_type: str = "") -> tuple[str, str]:
    """Text of a page and the name of the encoding it was read in. Never raises: what can't be read becomes U+FFFD."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace"), name
    header = _HEADER.search(content_type)
    declared = [header[1]] if header else []
    text = _try(body, declared[0]) if declared else None
    if text is not None and not _is_single_byte(declared[0]):
        return text, _codec(declared[0])
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    declared += [match[1].decode("ascii", "replace") for match in _declarations(body)]
    for name in declared:
        text = _try(body, name)
        if text is not None:
            return text, _codec(name)
    return _guess(body, declared)


def _declarations(body: bytes) -> list[re.Match[bytes]]:
    head = body[:_LOOK_IN]
    found = [_XML.search(head), _META.search(head) or _META.search(body[: 16 * _LOOK_IN])]
    return [match for match in found if match]


def _codec(label: str) -> str:
    label = label.lower().strip()
    return _LABELS.get(label, label)


def _is_single_byte(label: str) -> bool:
    """Servers add `charset=iso-8859-1` by default, and any bytes decode as it: no evidence against UTF-8."""
    return _codec(label).startswith(("cp125", "iso-8859", "iso8859"))


def _try(body: bytes, label: str) -> str | None:
    """The text when `label` names an encoding of text and all bytes are valid in it."""
    try:
        return body.decode(_codec(label))
    except (LookupError, UnicodeError, ValueError):
        return None


def _guess(body: bytes, declared: list[str]) -> tuple[str, str]:
    """The reading with the fewest bad characters; a page with one broken byte keeps the encoding that it declares."""
    limit = max(1, int(len(body) * _BROKEN_SHARE))
    best, best_name, fewest = body.decode("utf-8", "replace"), "utf-8", -1
    fewest = best.count("�")
    if fewest <= limit:
        return best, best_name
    for name in dict.fromkeys([*(_codec(label) for label in declared), "gb18030"]):
        try:
            text = body.decode(name, "replace")
        except (LookupError, UnicodeError, ValueError):
            continue
        bad = text.count("�")
        if bad <= limit:
            return text, name
        if bad < fewest:
            best, best_name, fewest = text, name, bad
    if fewest > limit and not any(byte in body[:_LOOK_IN] for byte in (b"\x00",)):
        return body.decode("cp1252", "replace"), "cp1252"
    return best, best_name
