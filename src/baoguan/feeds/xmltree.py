"""Bytes of XML to a tree, by a parser that recovers, loads nothing and expands nothing."""

import re

import msgspec
from lxml import etree

from baoguan.feeds.encoding import decode_document, may_be_plain_utf8
from baoguan.feeds.limits import MAX_TAG_BYTES, MAX_TAGS
from baoguan.feeds.part import MARK, Aside
from baoguan.feeds.repair import repair_xml, without_declaration
from baoguan.feeds.seek import has_rare

_LONG_TAG = re.compile(rb"<[^<>]{%d}" % MAX_TAG_BYTES)
_DECLARES = re.compile(rb"<!DOCTYPE[^>\[]*(?:\[|PUBLIC|SYSTEM)", re.IGNORECASE)
"""A document type that may hold or load entities; they are taken out by repair_xml."""
_C1_BYTES = re.compile(rb"\xc2[\x80-\x9f]")
_C1_NUMBERS = re.compile(rb"&#(1(?:2[89]|[345]\d));")
_ODD_NUMBER = re.compile(rb"#(?<=&#)(?:1(?:2[89]|[345]\d)|0*5734[45]|[xX]0*[eE]00[01]);")
"""The same or a mark of ours, begun with the rarer byte: found in two thirds of the time."""

_BEGIN, _END = MARK.encode(), "\ue001".encode()
_MARK_NUMBER = re.compile(rb"&#(?:0*57344|[xX]0*[eE]000);")
_CDATA = re.compile(rb"!(?<=<!)\[CDATA\[")
_CDATA_END = re.compile(rb"\](?=\]>)")
"""These begin with one rare byte, which `re` finds several times as fast as a search for all of their bytes would."""
_ASIDE_NODES = (etree.Comment, etree.ProcessingInstruction)
_LONG_TEXT = 200
_MAX_TEXT_BYTES = 9_000_000
"""The parser gives up at ten million."""
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed document."""

    root: etree._Element | None
    """None when there is no element in it."""
    encoding: str
    warnings: tuple[str, ...] = ()
    aside: Aside = ()
    """Long texts that were not given to the parser; `part_of` puts them in place."""


def parse_xml(data: bytes, content_type: str = "") -> Tree:
    """Parses XML of any encoding and any state; raises nothing.

    Well-formed UTF-8 is parsed as it stands; everything else is decoded and repaired first. What lies beyond a cap on
    tags is cut off with a warning.
    """
    declares = _DECLARES.search(data[:4096]) is not None
    plain = not declares and may_be_plain_utf8(data, content_type)
    if plain:
        odd = _ODD_NUMBER.search(data) is not None
        cut, warnings = _capped(_without_c1(data, odd))
        short, aside = (cut, ()) if odd and _MARK_NUMBER.search(cut) else set_aside(cut)
        root, clean = _parse(short, asides=bool(aside))
        if aside and ((not clean and warnings) or (root is not None and not _without_asides(root))):
            # Cut off, so that there is as much of it as there can be; or marks where they can't be told from text.
            aside = ()
            root, clean = _parse(cut)
        if root is not None and (clean or warnings):
            return Tree(root=root, encoding="utf-8", warnings=warnings, aside=aside)
    decoded = decode_document(data, content_type)
    if not declares and not plain:
        cut, warnings = _capped(_without_c1(without_declaration(decoded.text).encode("utf-8", "replace"), True))
        root, clean = _parse(cut)
        if root is not None and clean:
            return Tree(root=root, encoding=decoded.encoding, warnings=(*decoded.warnings, *warnings))
    cut, warnings = _capped(repair_xml(decoded.text).encode("utf-8", "replace"))
    root, clean = _parse(cut)
    if not clean:
        warnings = (*warnings, "XML that isn't well-formed: read as far as it goes")
    return Tree(root=root, encoding=decoded.encoding, warnings=(*decoded.warnings, *warnings))


def _parse(data: bytes, *, asides: bool = False) -> tuple[etree._Element | None, bool]:
    """(root, whether nothing was wrong). Comments and instructions are kept where `asides` asks for it."""
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=not asides,
        remove_pis=not asides,
        strip_cdata=True,
        collect_ids=False,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None, False
    return root, not len(parser.error_log)


def set_aside(data: bytes) -> tuple[bytes, Aside]:
    """A document with marks in place of its long CDATA sections, and these; unchanged where that might not be exact.

    The parser looks at them character by character, and they are half of what feeds are made of: without them it takes
    two thirds of the time.
    """
    if _BEGIN[:1] in data and (_BEGIN in data or _END in data):
        return data, ()
    pieces, aside, kept, at = list[bytes](), list[str](), 0, 0
    while (opening := _CDATA.search(data, at)) is not None:
        start = opening.end()
        closing = _CDATA_END.search(data, start)
        if closing is None:
            return data, ()
        at = closing.start()
        if _LONG_TEXT < at - start < _MAX_TEXT_BYTES:
            long = _legal(data[start:at])
            if long is None:
                return data, ()
            pieces += (data[kept:start], b"%b%d%b" % (_BEGIN, len(aside), _END))
            aside.append(long)
            kept = at
    if not aside:
        return data, ()
    pieces.append(data[kept:])
    return b"".join(pieces), aside


def _without_asides(root: etree._Element) -> bool:
    """Takes comments and instructions out; False where one quotes a mark, as the text behind it might have ended it."""
    inside = list(root.iter(*_ASIDE_NODES))
    around = (*root.itersiblings(preceding=True), *root.itersiblings())
    if any(MARK in (node.text or "") for node in (*inside, *around)):
        return False
    if inside:
        etree.strip_tags(root, *_ASIDE_NODES)
    return True


def _legal(text: bytes) -> str | None:
    """A text as a parser gives it; None where it holds what XML forbids."""
    if len(text.translate(None, _CONTROLS)) < len(text):
        return None
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return None
    return None if "\ufffe" in decoded or "\uffff" in decoded else decoded


def _without_c1(data: bytes, numbers: bool) -> bytes:
    """C1 controls are Windows-1252 put into Unicode the wrong way, as bytes or, where there may be, as `numbers`."""
    if has_rare(data, _C1_BYTES, b"\xc2"):
        data = _C1_BYTES.sub(lambda found: _windows(found[0][1]), data)
    if numbers:
        data = _C1_NUMBERS.sub(lambda found: _windows(int(found[1])), data)
    return data


def _windows(code: int) -> bytes:
    return bytes((code,)).decode("cp1252", "ignore").encode()


def _has_long_run(data: bytes) -> bool:
    """Whether some MAX_TAG_BYTES / 2 aligned bytes hold no angle bracket, as every over-long tag makes them."""
    size = MAX_TAG_BYTES // 2
    windows = range(0, len(data) - size + 1, size)
    return any(data.find(b"<", at, at + size) < 0 and data.find(b">", at, at + size) < 0 for at in windows)


def _capped(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    warnings: tuple[str, ...] = ()
    if len(data) > MAX_TAG_BYTES and _has_long_run(data):
        long = _LONG_TAG.search(data)
        if long:
            data, warnings = (
                data[: long.start()],
                (f"cut at byte {long.start()}: a tag longer than {MAX_TAG_BYTES} bytes",),
            )
    if len(data) > MAX_TAGS * len(b"<a>") and data.count(b"<") > MAX_TAGS:
        end = _nth(data, MAX_TAGS)
        data, warnings = data[:end], (*warnings, f"cut at byte {end}: more than {MAX_TAGS} tags")
    return data, warnings


def _nth(data: bytes, number: int) -> int:
    """Where the `<` of that number stands."""
    at = 0
    for part in data.split(b"<", number)[:number]:
        at += len(part) + 1
    return at - 1
