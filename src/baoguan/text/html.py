"""An article's body: sanitised and normalised once, with its pictures, its embeds and its plain text."""

import re
from collections.abc import Callable

import msgspec
import nh3
from selectolax.lexbor import LexborHTMLParser

from baoguan.model.article import Embed, Picture
from baoguan.text.attributes import limit_attributes
from baoguan.text.depth import is_deeper, limit_depth
from baoguan.text.escape import INVISIBLE, escape_value, plain
from baoguan.text.names import cut_names
from baoguan.text.options import limit_options
from baoguan.text.pictures import unwrap_proxy
from baoguan.text.sanitise import walk
from baoguan.text.sanitise_state import Writer
from baoguan.text.urls import TRACKING_PARAMS, TRACKING_PREFIXES, absolute_url, canonical_url

_TAGS = """
    p h2 h3 h4 h5 h6 ul ol li blockquote pre hr table caption thead tbody tr td th figure figcaption img
    a em strong b i u s sub sup small code time ruby rt rp br
"""
ALLOWED_TAGS = frozenset(_TAGS.split())
ALLOWED_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "time": {"datetime"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
MAX_CHARS = 4_000_000
"""What is read of one body; more is cut and flagged `truncated`."""
MAX_DEPTH = 200
"""Open elements beyond this are left out before parsing: a parser's time grows with the square of the depth."""
_MANY_TAGS = 1_500

_GATE = nh3.Cleaner(
    tags=set(ALLOWED_TAGS),
    attributes={tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()},
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
    strip_comments=True,
)
_HANDLER = re.compile(rb"on(?<=[\s\"'/]on)[a-z]{3,20}\s*=")
# Words in attributes that make class, style and the like worth asking for; looked for in the lower-cased bytes.
_TELLING = (
    *(b"shar", b"social", b"related", b"addtoany", b"a2a_kit", b"adsby", b"print-link", b"selfpromo", b"hidden"),
    *(b"display:", b"display :", b"aria-label"),
)
_REFERENCE = re.compile(rb"&#(?:0*(?:[0-2]?\d|3[01]|127|6553[45])|x0*(?:1?[\da-f]|7f|fff[ef]))(?![\da-f])")
_CONTROL_BYTES = bytes([*range(9), 11, *range(14, 32), 127])
_LOWER = bytes(range(256)).lower()
_NOT_ASCII = bytes(range(128, 256))
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?:/[\w!$&'()*+,;=:@/%.~?#-]*)?", re.ASCII)
_TRACKERS = "|".join(map(re.escape, (*TRACKING_PREFIXES, *sorted(TRACKING_PARAMS))))
_TRACKER = re.compile(f"[?&](?:{_TRACKERS})", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s/?#\[\]<>\"\\^`{|}%@:]+(?::\d{1,5})?(?:[/?#]|$)", re.IGNORECASE)
_PLUG = "获取更多RSS"
_FEEDX = re.compile(rf"(?:<br\s*/?>\s*)?(?:<hr\s*/?>\s*)?<div[^>]*>\s*{_PLUG}(?:(?!</?div).)*(?:</div>)?", re.DOTALL)


class CleanBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A body as it is kept."""

    html: str
    """Only the elements that text.sanitise lists; top-level blocks joined by a newline, none within but in <pre>."""
    pictures: tuple[Picture, ...] = ()
    """In reading order; `url` is exactly the unescaped `src` in html."""
    embeds: tuple[Embed, ...] = ()
    text: str = ""
    """Plain text without captions, a line a paragraph."""
    flags: tuple[str, ...] = ()
    """What was dropped: scripts, forms, frames (kept as links), truncated, nested."""


def clean_body(html: str, base_url: str) -> CleanBody:
    """Sanitises and normalises a fragment or a page; relative addresses are resolved against `base_url`.

    Never raises on what it reads. The same input gives the same bytes. What the output can't hold is written by
    hand in text.sanitise; nh3 (ammonia over html5ever, another parser than the one here) is asked last, but for mark-up
    that is_proven reads whole: 199 of 200 bodies.
    """
    flags = set()
    if len(html) > MAX_CHARS:
        html = html[:MAX_CHARS]
        flags.add("truncated")
    html = _without_plug(html)
    if html.count("<") > _MANY_TAGS:
        html = limit_options(html)
        if is_deeper(html, MAX_DEPTH):
            html = limit_depth(html, MAX_DEPTH)
            flags.add("nested")
    html = limit_attributes(html)
    if (named := cut_names(html)) is not html:
        html = named
        flags.add("truncated")
    data = html.encode("utf-8", "replace")
    # All that is asked below is ASCII: what is not in the ASCII alone, a third of a Chinese article, is not in it.
    slim = data.translate(_LOWER, _NOT_ASCII)
    if len(slim.translate(None, _CONTROL_BYTES)) < len(slim):
        data, slim = data.translate(None, _CONTROL_BYTES), slim.translate(None, _CONTROL_BYTES)
    if _has_scripts(slim) and _has_scripts(data.lower()):
        flags.add("scripts")
    root = LexborHTMLParser(data).body
    writer = new_writer(
        base_url,
        attributes=any(map(slim.__contains__, _TELLING)),
        controls=(b"&#" in slim and _REFERENCE.search(slim) is not None) or b"\xef\xbf" in data,
    )
    if root is not None:
        walk(writer, root)
    writer.flags |= flags
    return finish_body(writer)


def new_writer(base_url: str, *, attributes: bool = False, controls: bool = True) -> Writer:
    """A writer of a body whose relative addresses are resolved against `base_url`; for the rest see Writer."""
    link = _resolver(base_url)
    return Writer(link, lambda value: _picture(link(value)), attributes=attributes, controls=controls)


def finish_body(writer: Writer) -> CleanBody:
    """The body after the last element was written, through the last gate."""
    while writer.blocks and writer.blocks[-1] == "<hr>":
        writer.blocks.pop()
    written = "\n".join(writer.blocks)
    safe = written if is_proven(written) else gate(written)
    return CleanBody(
        html=safe,
        pictures=tuple(picture for picture in writer.pictures if f'src="{escape_value(picture.url)}"' in safe),
        embeds=tuple(writer.embeds),
        text=_text_of(writer.blocks) if safe == written and "<pre>" not in safe else plain_text(safe),
        flags=tuple(sorted(writer.flags)),
    )


def _has_scripts(lower: bytes) -> bool:
    return b"<script" in lower or b"javascript:" in lower or (b"on" in lower and _HANDLER.search(lower) is not None)


_VALUE = r"(?:[^\x00-\x1f\x7f-\xa0\"<>&]++|&(?:amp|lt|gt|nbsp|quot);)*+"
_ADDRESS = rf"https?://(?:[a-z0-9-]++\.)++[a-z][a-z0-9-]*+(?:[/?#]{_VALUE})?+"
_PROVEN = re.compile(
    r"(?:[^\x00-\x09\x0b-\x1f\x7f-\xa0<>&]++"
    r"|<(?:/p>\n<p>|/?(?:p|h[2-6]|ul|ol|li|blockquote|figure|figcaption|em|strong|b|i|u|s|small|time)>|br>|hr>|/a>"
    rf'|a href="{_ADDRESS}">|img src="{_ADDRESS}" alt="{_VALUE}"(?: width="\d++")?+(?: height="\d++")?+>'
    r'|time datetime="[0-9A-Za-z:+. -]*+">)|&(?:amp|lt|gt|nbsp);)*+'
)


def is_proven(html: str) -> bool:
    """Whether every character is text, a reference or one of a few tags in their one spelling: nothing to take out.

    None of those tags moves a tokeniser out of its data state (no raw text, no foreign content, no comment), so every
    parser finds just these tags in it. A fifth of the time of nh3, which is asked about the rest: tables, ruby, odd
    addresses. No host of punycode: nh3 refuses those that can't be decoded.
    """
    return _PROVEN.fullmatch(html) is not None and "xn--" not in html


def gate(html: str) -> str:
    """The last gate: nh3 under the same allow-list. For what clean_body wrote it changes nothing (tested)."""
    cleaned: str = _GATE.clean(html)
    return cleaned


_BLOCK_END = re.compile(r"</?(?:p|h[2-6]|ul|ol|li|blockquote|pre|table|caption|thead|tbody|tr|td|th)(?: [^>]*)?>|<hr>")
_FIGURE = re.compile(r"<figure>.*?</figure>", re.DOTALL)
_EMBED = re.compile(r'<p><a href="[^"]*">▶ [^<]*</a></p>')
_PRE_SPLIT = re.compile(r"(<pre>.*?</pre>)\n?|\n", re.DOTALL)


def plain_text(html: str) -> str:
    """Text of a body that clean_body wrote, a line a paragraph; no captions, no links that stand for media."""
    if "<pre>" in html:
        return _text_of([block for block in _PRE_SPLIT.split(html) if block])
    return _text_of(html.split("\n"))


def _text_of(blocks: list[str]) -> str:
    lines = []
    for block in blocks:
        if block.startswith("<p>"):
            if block.startswith("<p><a ") and _EMBED.fullmatch(block):
                continue
            text = block[3:-4]
            lines.append((plain(text) if "<" in text or "&" in text else text).strip(INVISIBLE))
        elif not block.startswith(("<figure>", "<hr>")):
            block = _EMBED.sub("", _FIGURE.sub("", block))
            if block.startswith("<pre>"):
                lines.append(plain(block).strip(INVISIBLE))
                continue
            lines += [line for part in _BLOCK_END.split(block) if (line := plain(part).strip(INVISIBLE))]
    return "\n".join(lines)


def _picture(url: str) -> str:
    return unwrap_proxy(url) if url.startswith("http") else ""


def _resolver(base_url: str) -> Callable[[str], str]:
    seen: dict[str, str] = {}

    def resolve(value: str) -> str:
        found = seen.get(value)
        if found is None:
            found = seen[value] = _absolute(value, base_url)
        return found

    return resolve


def _absolute(value: str, base_url: str) -> str:
    """The http(s) address that a browser would ask for, without tracking parameters; else the empty string."""
    if _PLAIN_URL.fullmatch(value):
        url = value
    else:
        url = absolute_url(base_url, value)
        if value.startswith("#") or not _WEB.match(url):
            return ""
    if "?" in url and _TRACKER.search(url):
        page, mark, fragment = url.partition("#")
        url = canonical_url(page) + mark + fragment
    return url


def _without_plug(html: str) -> str:
    """The body without feedx.net's line about itself, looked for from two tags before it on: the pattern is slow."""
    at = html.find(_PLUG)
    if at < 0:
        return html
    for _ in range(3):
        at = max(0, html.rfind("<", 0, at))
    return html[:at] + _FEEDX.sub("", html[at:])
