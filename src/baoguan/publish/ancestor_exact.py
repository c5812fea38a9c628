"""The ancestors' body from what was captured: the feed's where it carries theirs, else the page's own mark-up.

Their upstream (feedx) wrote a date line, the lead picture across the page, its caption small and grey, inline pictures
in a template of its own (two spaces, one before the bracket), and passed paragraphs on as the outlet wrote them.
"""

import re
from collections.abc import Iterator
from datetime import UTC
from email.utils import format_datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from baoguan.text.dates import parse_date
from baoguan.text.escape import escape_text, escape_value
from baoguan.text.pictures import unwrap_proxy
from baoguan.text.tame import tame

WESERV = "https://images.weserv.nl?url="
LEAD = '<img src="{}" width="100%">'
CAPTION = '<div><small style="color: #999;">{}</small></div>'
INLINE = '<div ><img  src="{}" alt="{}" border="0"/>{}</div>'
_ADDRESS = re.compile(r'(<(?:img|video|source)\b[^>]*?\s(?:src|poster)=")([^"]*)(")', re.IGNORECASE)
_SRCSET = re.compile(r'(<(?:img|source)\b[^>]*?)\s+(?:data-)?srcset="[^"]*"', re.IGNORECASE)
_DATE_LINE = re.compile(r"\s*<div>(?:<i>[^<]*(?:<br\s*/?>[^<]*)?</i>|\s*\d\d/\d\d/\d{4}[^<]*)</div>|\s*<address\b")
_DEPTH = 400
"""Elements within each other that are read."""
_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_FUSED = re.compile(r"(?<=[!-;=?-~\u00a1-\u2e7f])[ \t]*[\r\n]+[ \t]*(?=[!-;=?-~\u00a1-\u2e7f])")
"""A line break between two characters of scripts that put spaces between words; not beside a tag."""
_PANGEA = re.compile(
    r"(?i)^(.*/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})((?:_tv)?(?:_c[xyw]\d+)*)((?:_[a-z]+\d*)*)\.(\w+)$"
)
_BODIES = ("#article-content .wsw", "#article-content", ".wsw", "[itemprop=articleBody]", ".body-container")
_LEADS = (".cover-media", ".media-image.cover", ".article-cover", "#article-content > figure")
_DROPPED = "script,style,.media-pholder,.wsw__related,.c-mmp,.share--box,.news-app-promo,aside,form,.also-read"
_KEPT = frozenset(("p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table", "pre", "hr", "br"))
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)[^>]*>")
_VOID = frozenset(("img", "br", "hr", "source", "input", "meta", "link", "wbr", "area", "col", "embed", "track"))
_PUBLISHED = re.compile(r'"datePublished"\s*:\s*"([^"]+)"')


def rewrite_pictures(html: str, images: str) -> str:
    """`html` with the addresses of pictures and posters as `images` wants them: weserv, origin, or a URL prefix.

    Addresses through an image proxy are those of their origin; a prefix takes host and path, without the scheme. srcset
    goes: browsers would ask it first, and it names the blocked host (failure 5).
    """
    html = _SRCSET.sub(r"\1", html)
    return _ADDRESS.sub(lambda match: match[1] + picture_address(match[2], images) + match[3], html)


def picture_address(url: str, images: str) -> str:
    """One address, as it stands escaped in an attribute."""
    if images == "weserv" and url.startswith("https://images.weserv.nl"):
        return url
    origin = unwrap_proxy(url.replace("&amp;", "&")).replace("&", "&amp;")
    if not origin.startswith(("http://", "https://", "//")):
        return url
    if images == "origin":
        return origin
    prefix = WESERV if images == "weserv" else images
    return prefix + origin.partition("//")[2]


def exact_body_from_feed(content_html: str) -> str:
    """The body of a feed item that carries the ancestors' form (their date line first), on one line; else empty."""
    return joined(content_html) if _DATE_LINE.match(content_html) else ""


def joined(html: str) -> str:
    """Lines stripped and joined with nothing, as the ancestor did; a space where that would fuse two words."""
    return _BREAKS.sub("", _FUSED.sub(" ", html.strip("\r\n\t ")))


def exact_body_from_page(body: bytes, url: str, *, content_type: str = "") -> str:
    """The body of a page of the Pangea CMS (VOA, RFA's sisters): date, lead, caption, then its mark-up as it stands.

    Empty when the page is of another kind. A body that is the ancestors' form already stays as it is.
    """
    if b"wsw" not in body and b"article-content" not in body and b"articleBody" not in body:
        return ""
    del url, content_type  # the CMS writes UTF-8 and absolute addresses
    text = tame(body.decode("utf-8", "replace"), _DEPTH)
    tree = LexborHTMLParser(text)
    root = next((node for selector in _BODIES if (node := tree.css_first(selector)) is not None), None)
    if root is None:
        return ""
    inner = _inner(root)
    if _DATE_LINE.match(inner):
        return joined(_as_written(text) or inner)
    for node in root.css(_DROPPED):
        node.decompose()
    parts = [_date(tree, text), *_lead(tree, root), *_blocks(root)]
    return "".join(joined(part) for part in parts)


def ancestor_body(body_html: str, *, published: str, authors: tuple[str, ...]) -> str:
    """A sanitised body in the ancestors' frame: the date line, then the blocks on one line."""
    stamp = _stamp(published)
    line = "<br>".join(part for part in (escape_text(", ".join(authors)), stamp) if part)
    return (f"<div><i>{line}</i></div>" if line else "") + joined(body_html)


def _date(tree: LexborHTMLParser, text: str) -> str:
    found = _PUBLISHED.search(text)
    written = found[1] if found else ""
    if not written:
        clock = tree.css_first("time[datetime]")
        meta = tree.css_first('meta[property="article:published_time"]')
        written = (clock.attributes.get("datetime") if clock else meta.attributes.get("content") if meta else "") or ""
    stamp = _stamp(written)
    return f"<div><i>{stamp}</i></div>" if stamp else ""


def _stamp(written: str) -> str:
    """RFC 822 in GMT, the day alone where no more is known."""
    read = parse_date(written) if written else None
    if read is None:
        return ""
    if len(written) == 10:
        return written
    return format_datetime(read.at.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _lead(tree: LexborHTMLParser, root: LexborNode) -> Iterator[str]:
    for selector in _LEADS:
        cover = tree.css_first(selector)
        image = cover.css_first("img") if cover is not None else None
        if cover is None or image is None:
            continue
        inside = any(node.mem_id == cover.mem_id for node in root.css(selector))
        caption = _caption(cover) or (image.attributes.get("alt") or "" if inside else "")
        yield LEAD.format(escape_value(_rendition(_source(image), lead=True)))
        if caption:
            yield CAPTION.format(escape_text(caption))
        if inside:
            cover.decompose()
        return


def _blocks(root: LexborNode) -> Iterator[str]:
    for node in root.iter(include_text=False):
        image = node.css_first("img") if node.tag not in _KEPT else None
        if image is not None and (len(node.css("img")) == 1 or node.tag == "img"):
            caption = _caption(node) or image.attributes.get("alt") or ""
            small = CAPTION.format(escape_text(caption)) if caption else ""
            source = escape_value(_rendition(_source(image), lead=False))
            yield INLINE.format(source, escape_value(image.attributes.get("alt") or caption), small)
        elif node.tag in _KEPT:
            yield _outer(node)
        elif node.tag in ("div", "section", "article") and node.css_first("p,h2,h3,ul,ol,blockquote,img") is not None:
            yield from _blocks(node)
        elif node.text(strip=True):
            yield _outer(node)


def _caption(node: LexborNode) -> str:
    found = node.css_first("figcaption .caption") or node.css_first("figcaption, .caption, small")
    return " ".join(found.text().split()) if found is not None else ""


def _source(image: LexborNode) -> str:
    """The rendition of 900 pixels where the page offers it, else the address that it shows."""
    attributes = image.attributes
    offered = [attributes.get(name) or "" for name in ("src", "data-src", "data-original", "data-lazy-src")]
    for name in ("srcset", "data-srcset"):
        offered += [part.split()[0] for part in (attributes.get(name) or "").split(",") if part.split()]
    offered = [one for one in offered if one and not one.startswith("data:")]
    return next((one for one in offered if "_w900" in one), offered[0] if offered else "")


def _rendition(url: str, *, lead: bool) -> str:
    """The ancestors' rendition of a Pangea photo: _r1_s_w900 for the lead, _w900 within the text; crops are kept."""
    match = _PANGEA.match(url)
    if match is None or "_w900" in url or (lead and url.endswith("_r1_s.png")):
        return url
    suffix = "_r1_s_w900" if lead else "_w900"
    if lead and match[4].lower() == "png":
        suffix = "_r1_s"
    return f"{match[1]}{match[2]}{suffix}.{match[4]}"


def _outer(node: LexborNode) -> str:
    """The node's mark-up; what the serialiser writes as an entity and the outlet wrote as itself comes back."""
    return (node.html or "").replace("&nbsp;", "\u00a0")


def _as_written(text: str) -> str:
    """The ancestors' body within a page, from its date line to the end of what holds it; no parser's spelling."""
    start = _DATE_LINE.search(text)
    depth = 0
    for tag in _TAG.finditer(text, start.start()) if start else ():
        if tag[0].startswith("</"):
            depth -= 1
        elif tag[1].lower() not in _VOID and not tag[0].endswith("/>"):
            depth += 1
        if depth < 0:
            return text[start.start() : tag.start()].strip() if start else ""
    return ""


def _inner(node: LexborNode) -> str:
    return "".join((child.html or "") for child in node.iter(include_text=True)).replace("&nbsp;", "\u00a0")
