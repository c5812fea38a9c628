"""One item or entry of an XML feed, whatever mixture of RSS, RDF, Atom, CDF and modules it is written in."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from lxml import etree

from baoguan.feeds.limits import MAX_VALUES
from baoguan.feeds.links import is_web, resolve, resolve_html
from baoguan.feeds.media import read_media
from baoguan.feeds.names import XML, Names, attribute
from baoguan.feeds.people import item_authors
from baoguan.feeds.texts import EMPTY, Text, as_html, as_plain, first_words, plain, raw_text, read_text
from baoguan.model.feed import FeedMedia, Item
from baoguan.text.dates import ReadDate, parse_date

_TITLES = ("title", "dc:title", "atom:title", "media:title", "itunes:title")
_SUMMARIES = (
    "description", "summary", "atom:summary", "dc:description", "abstract", "dcterms:abstract", "itunes:summary",
    "googleplay:description", "media:description", "itunes:subtitle",
)  # fmt: skip
_CONTENTS = (
    "content:encoded",
    "content",
    "atom:content",
    "xhtml:body",
    "xhtml:div",
    "fullitem",
    "body",
    "content:items",
)
_PUBLISHED = (
    "pubdate", "published", "atom:published", "issued", "dc:date", "dcterms:issued", "dcterms:created", "created",
    "date", "dcterms:date", "atom:issued", "atom:created",
)  # fmt: skip
_UPDATED = ("updated", "atom:updated", "modified", "dcterms:modified", "lastbuilddate", "lastmod", "atom:modified")
_Children = dict[str, list[etree._Element]]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What an item inherits from its feed."""

    names: Names
    atom: bool
    """Texts say by their type whether they are HTML."""
    base: str
    """xml:base in force, else the site, else the document's own address."""
    language: str = ""
    site: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def read_item(element: etree._Element, scope: Scope) -> Item:
    """Reads an item; what is missing stays empty, nothing raises."""
    names = scope.names
    children = names.children(element)
    base = base_of(element, scope.base)
    links = link_elements(children)
    media = read_media(children, (link for link in links if link["rel"] == "enclosure"), names, base)
    guid, permalink = _guid(element, children, base)
    url = _url(element, children, links, base) or _lesser_url(guid, permalink, links, media, base) or scope.site
    content_element, content = _content(children, scope)
    content_base = base_of(content_element, base) if content_element is not None else base
    summary_element = (
        _first(children, _SUMMARIES) if "media:group" not in children else _summary_or_group(children, names)
    )
    summary = read_text(summary_element, atom=scope.atom) if summary_element is not None else EMPTY
    title_element = _title(children, scope)
    title = read_text(title_element, atom=scope.atom) if title_element is not None else EMPTY
    published, updated, raw = _dates(children)
    summary_html = _html(summary, summary_element, base)
    return Item(
        guid=guid,
        guid_is_permalink=permalink,
        url=url,
        title=as_plain(title) or first_words(summary.value) or first_words(content.value) or url,
        title_html=markup(title, title_element, base),
        summary_html=summary_html,
        content_html=resolve_html(content_base, as_html(content)) if content.value else "",
        authors=item_authors(children, names) or scope.authors,
        published=published.at if published else None,
        published_raw=raw,
        updated=updated.at if updated else None,
        zone_assumed=bool((published or updated) and (published or updated).zone_assumed),  # type: ignore[union-attr]
        categories=_categories(children) or scope.categories,
        language=_language(element, content_element, children, scope.language),
        comments_url=_comments(children, links, base),
        base_url=content_base,
        media=media,
    )


def base_of(element: etree._Element, outer: str) -> str:
    """The xml:base in force at `element`."""
    own = element.get(XML + "base")
    return resolve(outer, own) if own else outer


def language_of(element: etree._Element, outer: str) -> str:
    """The xml:lang in force at `element`; a blank one ends what was inherited."""
    own = element.get(XML + "lang")
    return outer if own is None else language_tag(own)


def language_tag(text: str) -> str:
    """A language tag in lower case with hyphens, so that zh_CN and zh-cn are one; at most 40 characters."""
    return text.strip().replace("_", "-").lower()[:40]


def link_elements(children: _Children) -> list[dict[str, str]]:
    """Links in Atom's form: rel (alternate when not written), type, href, title, length."""
    found = []
    for word in ("link", "atom:link"):
        for element in children.get(word, ()):
            href = attribute(element, "href")
            if href:
                get = element.get
                rel = (get("rel") or "alternate").strip().lower().rsplit("/", 1)[-1]
                kind = (get("type") or "").strip().lower()
                found.append(
                    {"rel": rel, "type": kind, "href": href, "title": get("title") or "", "length": get("length") or ""}
                )
    return found


def alternate(links: Iterable[dict[str, str]]) -> str:
    """The link to the page itself: rel=alternate, an HTML one before others."""
    pages = [link for link in links if link["rel"] == "alternate"]
    best = next((link for link in pages if link["type"] in ("", "text/html", "application/xhtml+xml")), None)
    return best["href"] if best else (pages[0]["href"] if pages else "")


def dated(children: _Children, words: Iterable[str]) -> tuple[ReadDate | None, str]:
    """The first date that can be read under one of the names, and its text (the first text when none can)."""
    first = ""
    for word in words:
        for element in children.get(word, ()):
            text = raw_text(element)
            if text:
                first = first or text[:200]
                read = parse_date(text)
                if read:
                    return read, text
    return None, first


def category_names(children: _Children) -> tuple[str, ...]:
    """Categories of an item or a feed: text, Atom's label or term, iTunes' text, Media RSS labels; each once."""
    found: dict[str, None] = {}
    for word in ("category", "atom:category", "dc:subject", "itunes:category", "media:category"):
        for element in children.get(word, ())[:MAX_VALUES]:
            for part in element.iter(element.tag) if word == "itunes:category" else (element,):
                name = _category_name(part, word)
                if name:
                    found[name] = None
    return tuple(found)


def _categories(children: _Children) -> tuple[str, ...]:
    if not any(
        word in children for word in ("category", "atom:category", "dc:subject", "itunes:category", "media:category")
    ):
        return ()
    return category_names(children)


def _category_name(element: etree._Element, word: str) -> str:
    get = element.get
    if word == "media:category":
        return (get("label") or "").strip()
    text = get("label") or get("term") or get("text") or ("" if len(element) else element.text) or ""
    return plain(text)


def _dates(children: _Children) -> tuple[ReadDate | None, ReadDate | None, str]:
    published, raw = dated(children, _PUBLISHED)
    updated, raw_updated = dated(children, _UPDATED)
    return published, updated, raw or raw_updated


def _first(children: _Children, words: Iterable[str]) -> etree._Element | None:
    """The first element with something in it under the first name that has one."""
    for word in words:
        for element in children.get(word, ()):
            if len(element) or (element.text and element.text.strip()):
                return element
    return None


def _summary_or_group(children: _Children, names: Names) -> etree._Element | None:
    element = _first(children, _SUMMARIES)
    if element is None:
        groups = (names.children(group) for group in children["media:group"])
        return next((found for inner in groups if (found := _first(inner, ("media:description",))) is not None), None)
    return element


def _html(text: Text, element: etree._Element | None, base: str) -> str:
    if not text.value or element is None:
        return ""
    return resolve_html(base_of(element, base), as_html(text))


def _content(children: _Children, scope: Scope) -> tuple[etree._Element | None, Text]:
    """The longest of the full texts."""
    best: etree._Element | None = None
    text = EMPTY
    for word in _CONTENTS:
        for element in children.get(word, ()):
            read = read_text(element, atom=scope.atom and word != "content:encoded")
            if best is None or len(read.value) > len(text.value):
                best, text = element, read
    return best, text


def markup(text: Text, element: etree._Element | None, base: str) -> str:
    """A text as HTML when it has tags or entities, URLs resolved; empty otherwise."""
    if element is None or not text.is_html or not ("<" in text.value or "&" in text.value):
        return ""
    return resolve_html(base_of(element, base), text.value)


def _title(children: _Children, scope: Scope) -> etree._Element | None:
    element = _first(children, _TITLES)
    if element is None and "media:group" in children:
        groups = (scope.names.children(group) for group in children["media:group"])
        element = next((found for inner in groups if (found := _first(inner, ("media:title",))) is not None), None)
    return element


def _guid(element: etree._Element, children: _Children, base: str) -> tuple[str, bool]:
    """(guid, whether it is the item's address). Only RSS has permalinks; Atom ids and rdf:about are names."""
    for one in children.get("guid", ()):
        text = raw_text(one)
        if text:
            permalink = attribute(one, "ispermalink").lower() != "false" and is_web(text)
            return text, permalink
    for word in ("id", "atom:id"):
        for one in children.get(word, ()):
            text = raw_text(one)
            if text:
                return (resolve(base, text) if text.startswith("/") else text), False
    about = element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about") or ""
    if about.strip():
        return about.strip(), False
    identifier = children.get("dc:identifier")
    return (raw_text(identifier[0]) if identifier else ""), False


def _url(element: etree._Element, children: _Children, links: list[dict[str, str]], base: str) -> str:
    for one in children.get("feedburner:origlink", ()):
        original = resolve(base, raw_text(one))
        if is_web(original):
            return original
    for one in children.get("link", ()):
        text = raw_text(one) if one.text else ""
        if text:
            return resolve(base_of(one, base), text)
    page = alternate(links)
    if page:
        return resolve(base_of(children.get("link", children.get("atom:link", [element]))[0], base), page)
    return resolve(base, attribute(element, "href")) if "title" in children else ""


def _lesser_url(
    guid: str, permalink: bool, links: list[dict[str, str]], media: tuple[FeedMedia, ...], base: str
) -> str:
    """Where no link is given: the permalink, an id that is an address, a related or self link, the first enclosure."""
    if guid and (permalink or is_web(guid)):
        return guid
    for rel in ("via", "related", "self"):
        for link in links:
            if link["rel"] == rel:
                return resolve(base, link["href"])
    return next((one.url for one in media), "")


def _language(element: etree._Element, content: etree._Element | None, children: _Children, outer: str) -> str:
    stated = children.get("dc:language") or children.get("language")
    if stated:
        text = raw_text(stated[0])
        if text:
            return language_tag(text)
    language = language_of(element, outer)
    return language_of(content, language) if content is not None else language


def _comments(children: _Children, links: list[dict[str, str]], base: str) -> str:
    for element in children.get("comments", ()):
        url = resolve(base, raw_text(element))
        if is_web(url) and "%20" not in url:
            return url
    for link in links:
        if link["rel"] == "replies" and link["type"] in ("text/html", "application/xhtml+xml"):
            return resolve(base, link["href"])
    return ""


def first_date(read: ReadDate | None) -> datetime | None:
    """The instant of a date that may be missing."""
    return read.at if read else None
