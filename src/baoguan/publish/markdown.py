"""The record: one revision of an article as one Markdown file, and the way back. docs/formats.md specifies it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from baoguan.errors import Corrupt
from baoguan.model.article import Article, Clock
from baoguan.text.escape import clean_value, escape_text, escape_value, unescape_text

_TO_MEDIA = "../../../../../"
"""From articles/<outlet>/YYYY/MM/DD/ to the folder that holds media/."""
_RULE = "\n------\n\n"
_TITLE_SPECIAL = re.compile(r"[\\`*_\[\]<~|\x00-\x1f\x7f-\x9f\u2028\u2029]|&(?=[#a-zA-Z0-9]+;)|^ | $")
_URL_SPECIAL = re.compile(r"[\\()<>\x00-\x20\x7f-\xa0\u2028\u2029]|&(?=[#a-zA-Z0-9]+;)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|&#(\d+);|&(amp|lt);")
_HEAD = re.compile(r"<!--(-?\d+)-->\n\[((?:[^\]\\\n]|\\.)*)\]\(((?:[^)\\\n]|\\.)*)\)\n------\n\n([^\n]*)\n")
_TIME = re.compile(r'<time( class="modified")? datetime="([^"]*)" data-source="([^"]*)"( data-zone="assumed")?>')
_AUTHOR = re.compile(r"<b>([^<]*)</b>")
_LANG = re.compile(r'^<div lang="([^"]*)">')
_IMAGE = re.compile(r'<img src="([^"]*)"')
_KEPT = re.compile(r'<img src="([^"]*)" data-origin="([^"]*)"')
_PRE = re.compile(r"<pre>.*?</pre>", re.DOTALL)
_NO_CLOCK = "<i>the outlet gave no time</i>"


class KeptPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture whose file is kept."""

    path: str
    """media/<aa>/<sha256>.<ext>"""
    width: int | None = None
    height: int | None = None


class RecordDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a record is written from."""

    epoch_ms: int
    """When this archive captured it."""
    article: Article
    url: str = ""
    """The article's own when empty."""
    media: Mapping[str, KeptPicture] = {}
    """By origin URL, as it stands in the article's body."""


class ParsedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says; the inverse of render_record."""

    epoch_ms: int
    title: str
    url: str
    body_html: str
    """As it was given: pictures by their origin."""
    published: str = ""
    """RFC 3339, or YYYY-MM-DD when only the day is known; empty when unknown."""
    published_from: str = ""
    modified: str = ""
    modified_from: str = ""
    zone_assumed: bool = False
    authors: tuple[str, ...] = ()
    language: str = ""
    media: dict[str, str] = {}
    """Path of the kept file (media/...) by origin URL."""


def render_record(draft: RecordDraft) -> bytes:
    """The record's bytes: UTF-8, a block a line, one newline at the end. The same draft gives the same bytes."""
    article = draft.article
    title = _escape_markdown(_TITLE_SPECIAL, article.title)
    url = _escape_markdown(_URL_SPECIAL, draft.url or article.canonical_url or article.url)
    body = article.body_html
    if "<pre>" in body:
        # A blank line would end the HTML block for Markdown, and the rest would be read as Markdown.
        body = _PRE.sub(lambda match: match[0].replace("\n", "&#10;"), body)
    if draft.media:
        body = _IMAGE.sub(lambda match: _point_to_kept(match, draft.media), body)
    text = f"<!--{draft.epoch_ms}-->\n[{title}]({url}){_RULE}{_date_line(article)}\n{body}\n"
    return text.encode("utf-8", "replace")


def parse_record(data: bytes) -> ParsedRecord:
    """Reads a record. Raises Corrupt when it isn't one."""
    head, body = _framed(data)
    media: dict[str, str] = {}
    if "data-origin=" in body:
        for path, origin in _KEPT.findall(body):
            media[unescape_text(origin)] = unescape_text(path).removeprefix(_TO_MEDIA)
        body = _KEPT.sub(r'<img src="\2"', body)
    if "&#10;" in body:
        body = body.replace("&#10;", "\n")
    return ParsedRecord(
        epoch_ms=int(head[1]),
        title=_unescape_markdown(head[2]),
        url=_unescape_markdown(head[3]),
        body_html=body,
        media=media,
        **_read_date_line(head[4]),
    )


def record_body(data: bytes) -> str:
    """The body alone, kept pictures by their path and not by their origin: for its text. Raises Corrupt."""
    body = _framed(data)[1]
    return body.replace("&#10;", "\n") if "&#10;" in body else body


def _framed(data: bytes) -> tuple[re.Match[str], str]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Corrupt(f"record is not UTF-8: {error}") from error
    head = _HEAD.match(text)
    if head is None or not text.endswith("\n") or not head[4].startswith("<div"):
        raise Corrupt("record without the frame of docs/formats.md")
    return head, text[head.end() : -1]


def _escape_markdown(special: re.Pattern[str], text: str) -> str:
    if special.search(text) is None:
        return text

    def escape(match: re.Match[str]) -> str:
        char = match[0]
        if char == "&":
            return "&amp;"
        if char == "<":
            return "&lt;"
        return f"&#{ord(char)};" if char <= " " or char >= "\x7f" else "\\" + char

    return special.sub(escape, text)


def _unescape_markdown(text: str) -> str:
    if "\\" not in text and "&" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        return chr(int(match[2])) if match[2] else {"amp": "&", "lt": "<"}[match[3]]

    return _ESCAPED.sub(plain, text)


def _point_to_kept(match: re.Match[str], media: Mapping[str, KeptPicture]) -> str:
    kept = media.get(unescape_text(match[1]))
    return f'<img src="{_TO_MEDIA}{escape_value(kept.path)}" data-origin="{match[1]}"' if kept else match[0]


def _date_line(article: Article) -> str:
    """The outlet's own clock, authors and language; says so where there is no clock."""
    parts = [_clock_html(article.published, "") if article.published else _NO_CLOCK]
    if article.modified:
        parts.append("modified " + _clock_html(article.modified, ' class="modified"'))
    parts += [f"<b>{escape_text(author)}</b>" for name in article.authors if (author := clean_value(name))]
    lang = ""
    if article.language:
        lang = f' lang="{escape_value(clean_value(article.language))}"'
        parts.append(escape_text(clean_value(article.language)))
    return f"<div{lang}>{' · '.join(parts)}</div>"


def _clock_html(clock: Clock, attribute: str) -> str:
    stamp = _stamp(clock.at, clock.precision)
    zone = ' data-zone="assumed"' if clock.zone_assumed else ""
    shown = stamp + (" (zone assumed)" if clock.zone_assumed else "")
    return f'<time{attribute} datetime="{stamp}" data-source="{escape_value(clock.source)}"{zone}>{shown}</time>'


def _stamp(at: datetime, precision: str) -> str:
    if precision == "day":
        return at.date().isoformat()
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _read_date_line(line: str) -> dict[str, Any]:
    found: dict[str, Any] = {"authors": tuple(unescape_text(name) for name in _AUTHOR.findall(line))}
    if lang := _LANG.match(line):
        found["language"] = unescape_text(lang[1])
    for modified, stamp, source, assumed in _TIME.findall(line):
        name = "modified" if modified else "published"
        found[name], found[f"{name}_from"] = stamp, unescape_text(source)
        if assumed:
            found["zone_assumed"] = True
    return found
