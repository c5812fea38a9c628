"""The bodies of the ancestors' files made anew: from a feed item that carries one, or from a page of VOA's CMS."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from baoguan.text.dates import parse_date
from baoguan.text.escape import CJK, clean_value, escape_text, escape_value, unescape_text
from baoguan.text.pictures import parse_srcset, unwrap_proxy
from baoguan.text.urls import absolute_url

WESERV = "https://images.weserv.nl?url="
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SCHEME = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_PICTURE_TAG = re.compile(r"<(?:img|video|amp-img)\b[^>]*>", re.IGNORECASE)
_ADDRESS = re.compile(r"(\s(?:src|poster)\s*=\s*)([\"'])(.*?)\2", re.IGNORECASE | re.DOTALL)
_VIDEO_ADDRESS = re.compile(r"(\sposter\s*=\s*)([\"'])(.*?)\2", re.IGNORECASE | re.DOTALL)
_SETS = re.compile(r"\s(?:data-)?srcset\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t\r\n]*")
_NO_SPACE = re.compile(rf"{CJK}|[>]")
_NO_SPACE_AFTER = re.compile(rf"{CJK}|[<]")
_RENDITION = re.compile(r"_[wh]\d+(?=[_.])")
_WIDTH = re.compile(r"_w(\d+)(?=[_.])")
_FEEDX_WIDTH = 900
_LEADS = (".cover-media", ".media-container", ".hdr-container figure", "figure.media-image")
_BODIES = ("#article-content .wsw", ".body-container .wsw", "#article-content", ".wsw", "article")
_JUNK = "script, style, noscript, form, iframe, .wsw__related, .c-mmp, .media-pholder, .share--box, .news-app-promo, .region"
_DATES = ("datePublished", "dateCreated", "uploadDate")


def exact_body_from_feed(content_html: str) -> str:
    """The ancestor's body from a full-text feed item: on one line, picture addresses in weserv's form.

    Lines are joined as the ancestor did, but for words that would fuse: these get a space.
    """
    return rewrite_pictures(_one_line(content_html), "weserv")


def exact_body_from_page(html: str, url: str) -> str:
    """The ancestor's body from a page of VOA's CMS (Pangea): date line, lead picture, paragraphs with their mark-up.

    Empty when the page has no body that is known. `url` resolves relative addresses.
    """
    tree = LexborHTMLParser(html.encode("utf-8", "replace"))
    body = next((node for selector in _BODIES if (node := tree.css_first(selector)) is not None), None)
    if body is None:
        return ""
    parts = [_date_line(tree), _lead(tree, url)]
    parts += [_block(node, url) for node in body.iter(include_text=False)]
    return "".join(parts)


def rewrite_pictures(body_html: str, images: str, media: Mapping[str, str] | None = None) -> str:
    """The body with the addresses of <img> and posters in another form; every other byte is left alone.

    `images`: weserv (`https://images.weserv.nl?url=HOST/PATH`), origin, relative (../../ and the path of the kept
    file, by `media`: origin URL to media/...; origin where it isn't kept), or a URL: a template with {url} (percent-
    encoded) or a prefix that HOST/PATH is put after. srcset is dropped: browsers would ask the origin for it.
    """
    form = _form(images, media or {})

    def tag(match: re.Match[str]) -> str:
        pattern = _VIDEO_ADDRESS if match[0][1:2] in "vV" else _ADDRESS
        return pattern.sub(
            lambda found: found[1] + found[2] + _rewrite(found[3], form) + found[2], _SETS.sub("", match[0])
        )

    return _PICTURE_TAG.sub(tag, body_html)


def rfc822(epoch_s: float) -> str:
    """The date line's form: Tue, 11 Jul 2023 09:42:28 GMT."""
    from datetime import datetime

    at = datetime.fromtimestamp(epoch_s, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} GMT"


def _form(images: str, media: Mapping[str, str]) -> Callable[[str, str], str]:
    """(origin URL, as written) -> the address to write."""

    def relative(origin: str, _written: str) -> str:
        path = media.get(origin)
        return f"../../{path}" if path else origin

    def weserv(origin: str, written: str) -> str:
        return written if written != origin else WESERV + _SCHEME.sub("", origin, count=1)

    def template(origin: str, _written: str) -> str:
        if "{url}" in images:
            return images.replace("{url}", quote(origin, safe=""))
        return images + _SCHEME.sub("", origin, count=1)

    forms = {"weserv": weserv, "origin": lambda origin, _written: origin, "relative": relative}
    return forms.get(images, template)


def _rewrite(value: str, form: Callable[[str, str], str]) -> str:
    written = unescape_text(value)
    if not _SCHEME.match(written):
        return value
    origin = unwrap_proxy(written)
    wanted = form(origin, written)
    return value if wanted == written else escape_value(wanted) if "&amp;" in value or '"' in wanted else wanted


def _one_line(html: str) -> str:
    """Lines stripped and joined; between two words of Latin script by a space, else by nothing."""

    def join(match: re.Match[str]) -> str:
        before, after = html[: match.start()][-1:], html[match.end() : match.end() + 1]
        return "" if not before or not after or _NO_SPACE.match(before) or _NO_SPACE_AFTER.match(after) else " "

    return _BREAKS.sub(join, html.strip()) if "\n" in html or "\r" in html else html.strip()


def _date_line(tree: LexborHTMLParser) -> str:
    for written in _dates(tree):
        if (found := parse_date(written)) is not None:
            return f"<div><i>{rfc822(found.at.timestamp())}</i></div>"
    return ""


def _dates(tree: LexborHTMLParser) -> list[str]:
    """Dates of publication as written: JSON-LD, meta, <time>."""
    found: list[str] = []
    for node in tree.css('script[type="application/ld+json"]'):
        try:
            pending: list[object] = [json.loads(node.text(deep=True))]
        except (ValueError, RecursionError):
            continue
        while pending and len(pending) < 1000:
            value = pending.pop()
            if isinstance(value, dict):
                found += [str(value[name]) for name in _DATES if isinstance(value.get(name), str)]
                pending += value.values()
            elif isinstance(value, list):
                pending += value
    for node in tree.css('meta[property="article:published_time"], meta[itemprop="datePublished"]'):
        found.append(node.attributes.get("content") or "")
    found += [node.attributes.get("datetime") or "" for node in tree.css("time[datetime]")]
    return found


def _lead(tree: LexborHTMLParser, url: str) -> str:
    """The picture above the text with its caption; nothing when it stands in the text."""
    for selector in _LEADS:
        for box in tree.css(selector):
            image = box.css_first("img, amp-img")
            if image is None or _within_body(box):
                continue
            address = feedx_address(image, url)
            if address:
                caption = escape_text(_caption(box))
                small = f'<div><small style="color: #999;">{caption}</small></div>'
                return f'<img src="{WESERV}{address}" width="100%">{small}'
    return ""


def _within_body(node: LexborNode) -> bool:
    parent: LexborNode | None = node
    while parent is not None:
        classes = (parent.attributes.get("class") or "").split() if parent.is_element_node else []
        if "wsw" in classes or (parent.is_element_node and parent.attributes.get("id") == "article-content"):
            return True
        parent = parent.parent
    return False


def _block(node: LexborNode, url: str) -> str:
    """A child of the body: a picture in the ancestor's mark-up, anything else as it stands."""
    if node.tag in ("script", "style", "noscript", "form", "iframe", "-comment") or node.css_matches(_JUNK):
        return ""
    image = node.css_first("img, amp-img")
    if image is not None and (address := feedx_address(image, url)):
        caption = _caption(node)
        alt = clean_value(image.attributes.get("alt") or "") or caption
        return (
            f'<div ><img  src="{WESERV}{address}" alt="{escape_value(alt)}" border="0"/>'
            f'<div><small style="color: #999;">{escape_text(caption or alt)}</small></div></div>'
        )
    for junk in node.css(_JUNK):
        junk.decompose()
    return _one_line(node.html or "").replace("&nbsp;", "\xa0")


def _caption(box: LexborNode) -> str:
    for selector in ("figcaption .caption", "figcaption", ".caption", "small"):
        node = box.css_first(selector)
        if node is not None and (text := clean_value(node.text(deep=True))):
            return text
    return ""


def feedx_address(image: LexborNode, url: str) -> str:
    """HOST/PATH of the rendition that the upstream asked for: 900 wide (`_w900` last); empty without an address."""
    attributes = image.attributes
    written = [attributes.get(name) for name in ("data-src", "src", "data-original")]
    for name in ("srcset", "data-srcset"):
        written += [reference for _, reference in parse_srcset(attributes.get(name) or "")]
    found = [
        _SCHEME.sub("", address, count=1)
        for value in written
        if value and not value.startswith("data:") and (address := unwrap_proxy(absolute_url(url, value)))
    ]
    if not found:
        return ""
    wanted = next((address for address in found if re.search(rf"_w{_FEEDX_WIDTH}\.\w+$", address)), "")
    if wanted:
        return wanted
    best = max(found, key=lambda address: int(match[1]) if (match := _WIDTH.search(address)) else 0)
    if not best.startswith("gdb."):
        return best
    stem, dot, extension = _RENDITION.sub("", best.partition("?")[0]).rpartition(".")
    return f"{stem}_w{_FEEDX_WIDTH}{dot}{extension}"
