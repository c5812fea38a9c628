"""Bytes of a feed to text: byte order marks, HTTP charset, XML prolog, and what the bytes themselves say."""

import codecs
import re

import msgspec

_PROLOG = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([A-Za-z0-9_.:\-]{1,40})""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:\-]{1,40})""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BARE = (  # the first characters of `<?` or `<x` in encodings without a byte order mark
    (re.compile(rb"^<\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"^\x00\x00\x00<"), "utf-32-be"),
    (re.compile(rb"^(?:[<{\s]\x00)"), "utf-16-le"),
    (re.compile(rb"^(?:\x00[<{\s])"), "utf-16-be"),
    (re.compile(rb"^\x4c\x6f\xa7\x94"), "cp037"),
)
# What outlets call an encoding is mostly a subset of what they send: the superset reads both (WHATWG does the same).
_SUPERSET = {
    "gb2312": "gb18030", "gb_2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "cp936": "gb18030", "ms936": "gb18030", "euc-cn": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030",
    "big5": "big5hkscs", "big-5": "big5hkscs", "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ms_kanji": "cp932",
    "windows-31j": "cp932", "x-euc-jp": "euc_jp", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "euckr": "cp949",
    "korean": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "iso-8859-1": "cp1252", "latin1": "cp1252",
    "latin-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "iso-8859-9": "cp1254", "tis-620": "cp874", "iso-8859-11": "cp874", "unicode": "utf-8", "utf8": "utf-8",
    "utf-8": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
}  # fmt: skip
_COMMON = (  # an encoding that is tried unasked, and characters that no text of its language goes without
    ("gb18030", frozenset("的一是不了在人有我他这中大来上个国和也子时道说年地为，。")),
    ("big5hkscs", frozenset("的一是不了在人有我他這中大來上個國和也子時道說年地為，。")),
    ("cp932", frozenset("のにはをたがでてとしれさるいなもすっ、。ー")),
    ("euc_jp", frozenset("のにはをたがでてとしれさるいなもすっ、。ー")),
    ("cp949", frozenset("이다의는에을가은를한고지사로하기")),
)
_ASCII = bytes(range(128))
_NO_LEADS = bytes(range(0xC2))
"""All that begins no multi-byte sequence of UTF-8."""
_SEVEN_BIT = ("iso2022", "iso-2022", "hz")
"""Beginnings of the names of codecs that write everything in ASCII bytes, so that the bytes can't contradict them."""
_SURE_OF_UTF8 = 12
"""So many multi-byte sequences, none broken, are no accident: UTF-8 whatever was declared."""


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """A document as text."""

    text: str
    encoding: str
    """The codec that read it, by Python's name."""
    warnings: tuple[str, ...] = ()


def charset_of(content_type: str) -> str:
    """The charset that a Content-Type header names, lower case; empty when it names none."""
    found = _CHARSET.search(content_type)
    return found[1].lower() if found else ""


def may_be_plain_utf8(data: bytes, content_type: str) -> bool:
    """Whether an XML parser can be given `data` as UTF-8: nothing declares anything else. It finds bad bytes itself."""
    if data[:1] not in (b"<", b"\n", b" ", b"\r", b"\t") or b"\x00" in data[:4]:
        return False
    declared = _PROLOG.match(data[:400])
    if declared and _codec(declared[1].decode("ascii")) != "utf-8":
        return False
    return not content_type or (_codec(charset_of(content_type)) or "utf-8") == "utf-8"


def decode_document(data: bytes, content_type: str = "") -> Decoded:
    """Decodes a feed; never fails. What was declared is tried first, then what the bytes look like.

    `content_type` is the header's value, its charset outranks the prolog. Illegal bytes become U+FFFD, with a warning.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _lenient(data[len(mark) :], name)
    for pattern, name in _BARE:
        if pattern.match(data):
            return _lenient(data, name)
    wanted = _wanted(data, content_type)
    if wanted[0].startswith(_SEVEN_BIT) and (text := _strict(data, wanted[0])) is not None:
        return Decoded(text=text, encoding=wanted[0])
    if _surely_utf8(data):
        stated = [name for name in wanted if name != "utf-8"]
        notes = (f"declared as {stated[0]}, is UTF-8",) if stated else ()
        return Decoded(text=data.decode("utf-8"), encoding="utf-8", warnings=notes)
    for name in wanted:
        text = _strict(data, name)
        if text is not None:
            notes = () if name == wanted[0] else (f"not {wanted[0]} as declared: read as {name}",)
            return Decoded(text=text, encoding=name, warnings=notes)
    return _guess(data, wanted)


def _wanted(data: bytes, content_type: str) -> list[str]:
    declared = _PROLOG.match(data[:400])
    named = [charset_of(content_type), declared[1].decode("ascii") if declared else "", "utf-8"]
    codecs_named = [_codec(name) for name in named]
    # A prolog that could be read byte by byte is not in UTF-16, whatever it says.
    return list(dict.fromkeys(name for name in codecs_named if name and not name.startswith(("utf-16", "utf-32"))))


def _codec(label: str) -> str:
    """Python's codec for a label of the wild; empty for one that is unknown or no text encoding."""
    label = label.strip().lower()
    name = _SUPERSET.get(label, label)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    if not found._is_text_encoding or found.name in (
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "utf-7",
    ):
        return ""
    return _SUPERSET.get(found.name, found.name)


def _surely_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return data.isascii() or len(data.translate(None, _NO_LEADS)) >= _SURE_OF_UTF8


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeDecodeError, UnicodeError):
        return None


def _lenient(data: bytes, name: str) -> Decoded:
    text = data.decode(name, "replace")
    bad = text.count("\ufffd")
    notes = (f"{bad} illegal bytes in {name}",) if bad else ()
    return Decoded(text=text, encoding=name, warnings=notes)


def _guess(data: bytes, wanted: list[str]) -> Decoded:
    """Nothing declared reads every byte: take what was declared if it nearly does, else what looks like a language."""
    high = len(data[:200_000].translate(None, _ASCII))
    for name in wanted:
        decoded = _lenient(data, name)
        if decoded.text[:200_000].count("\ufffd") * 20 <= high:
            return decoded
    best, best_score = "", 0.02
    for name, common in _COMMON:
        text = data.decode(name, "replace")[:100_000]
        foreign = [char for char in text if char > "\x7f"]
        score = sum(char in common for char in foreign) / max(1, len(foreign)) - text.count("\ufffd") / max(
            1, len(foreign)
        )
        if score > best_score:
            best, best_score = name, score
    name = best or next((name for name in wanted if name != "utf-8"), "cp1252")
    decoded = _lenient(data, name)
    return msgspec.structs.replace(decoded, warnings=(*decoded.warnings, f"not {wanted[0]}: read as {name}"))
