"""One item or entry of an XML feed, whatever mixture of RSS, RDF, Atom, CDF and modules it is written in."""

from collections.abc import Iterable

import msgspec
from lxml import etree

from baoguan.feeds.elements import (
    Children,
    Link,
    alternate,
    base_of,
    category_names,
    dated,
    language_of,
    language_tag,
    link_elements,
    read_at,
)
from baoguan.feeds.limits import MAX_MEDIA
from baoguan.feeds.links import is_web, resolve, resolve_html
from baoguan.feeds.media import read_media
from baoguan.feeds.names import Names, attribute
from baoguan.feeds.part import Part, all_text, begun_text, head_of
from baoguan.feeds.people import item_people, names_of
from baoguan.feeds.texts import EMPTY, Text, as_html, as_plain, collapse, first_words, read_text
from baoguan.feeds.vocabulary import TITLES, Plan, Plans
from baoguan.model.feed import Author, FeedMedia, Item

ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What an item inherits from its feed."""

    names: Names
    plans: Plans
    atom: bool
    """Texts say by their type whether they are HTML."""
    base: str
    """xml:base in force, else the site, else the document's own address."""
    language: str = ""
    site: str = ""
    authors: tuple[str, ...] = ()
    author_details: tuple[Author, ...] = ()
    categories: tuple[str, ...] = ()


def read_item(element: etree._Element, scope: Scope) -> Item:
    """Reads an item; what is missing stays empty, nothing raises."""
    names = scope.names
    children = names.children(element)
    plan = scope.plans.of(children)
    own = head_of(element)
    base = base_of(own, scope.base)
    links = link_elements(children, plan.links)
    media = _media(children, plan, links, names, base)
    guid, permalink = _guid(own, children, base)
    url = _url(own, children, links, base) or _lesser_url(guid, permalink, links, media, base) or scope.site
    content_part, content = _content(children, plan, scope.atom)
    content_base = base_of(content_part, base) if content_part is not None else base
    summary_part = _named(children, plan.summaries, "media:description", names)
    summary = read_text(summary_part, atom=scope.atom) if summary_part is not None else EMPTY
    title_part = _named(children, plan.titles, "media:title", names)
    title = read_text(title_part, atom=scope.atom) if title_part is not None else EMPTY
    published, published_raw = dated(children, plan.published) if plan.published else (None, "")
    updated, updated_raw = dated(children, plan.updated) if plan.updated else (None, "")
    read = published or updated
    people = item_people(children, names, plan.authors) if plan.authors else ()
    source_title, source_url = _source(children, plan, names, base)
    return Item(
        guid=guid,
        guid_is_permalink=permalink,
        url=url,
        title=as_plain(title) or first_words(summary.value) or first_words(content.value) or url,
        title_html=markup(title, title_part, base),
        summary_html=_html(summary, summary_part, base),
        content_html=resolve_html(content_base, as_html(content)) if content.value else "",
        authors=names_of(people) if people else scope.authors,
        author_details=people or scope.author_details,
        published=read_at(published),
        published_raw=published_raw or updated_raw,
        updated=read_at(updated),
        updated_raw=updated_raw,
        zone_assumed=read is not None and read.zone_assumed,
        categories=(category_names(children, plan.categories) if plan.categories else ()) or scope.categories,
        language=_language(own, content_part, children, scope.language),
        rights_html=rights(children, plan.rights, scope.atom, base) if plan.rights else "",
        source_title=source_title,
        source_url=source_url,
        comments_url=_comments(children, links, base),
        base_url=content_base,
        media=media,
    )


def rights(children: Children, words: Iterable[str], atom: bool, base: str) -> str:
    """The licence or copyright line as HTML."""
    part = _first(children, words)
    return _html(read_text(part, atom=atom), part, base) if part is not None else ""


def _media(children: Children, plan: Plan, links: list[Link], names: Names, base: str) -> tuple[FeedMedia, ...]:
    enclosed = [link for link in links if link.rel == "enclosure"]
    return read_media(children, enclosed, names, base) if plan.media or enclosed else ()


def _first(children: Children, words: Iterable[str]) -> Part | None:
    """The first element with something in it under the first name that has one."""
    for word in words:
        for part in children.get(word, ()):
            if part.text or part.size:
                return part
    return None


def _named(children: Children, words: tuple[str, ...], in_group: str, names: Names) -> Part | None:
    """The first element of these names; where none is, one in a media group."""
    for word in words:
        for part in children[word]:
            if part.text or part.size:
                return part
    if "media:group" in children:
        groups = (names.children(group.element) for group in children["media:group"][:MAX_MEDIA])
        return next((found for inner in groups if (found := _first(inner, (in_group,))) is not None), None)
    return None


def _html(text: Text, part: Part | None, base: str) -> str:
    if not text.value or part is None:
        return ""
    return resolve_html(base_of(part, base), as_html(text))


def _content(children: Children, plan: Plan, atom: bool) -> tuple[Part | None, Text]:
    """The longest of the full texts."""
    best: Part | None = None
    text = EMPTY
    for word in plan.contents:
        for part in children[word]:
            read = read_text(part, atom=atom and word != "content:encoded")
            if best is None or len(read.value) > len(text.value):
                best, text = part, read
    return best, text


def _source(children: Children, plan: Plan, names: Names, base: str) -> tuple[str, str]:
    """(title, address) of the feed that an aggregated item was taken from: RSS's source, Atom's source feed."""
    for word in plan.sources:
        for part in children[word][:1]:
            if not part.size:
                return collapse(part.text), resolve(base, attribute(part, "url"))
            inner = names.children(part.element)
            title = _first(inner, TITLES)
            links = link_elements(inner)
            own = next((link.href for link in links if link.rel == "self"), "")
            address = alternate(links) or own or next((all_text(one) for one in inner.get("id", ())), "")
            return as_plain(read_text(title, atom=True)) if title is not None else "", resolve(base, address)
    return "", ""


def markup(text: Text, part: Part | None, base: str) -> str:
    """A text as HTML when it has tags or entities, URLs resolved; empty otherwise."""
    if part is None or not text.is_html or not ("<" in text.value or "&" in text.value):
        return ""
    return resolve_html(base_of(part, base), text.value)


def _guid(own: Part, children: Children, base: str) -> tuple[str, bool]:
    """(guid, whether it is the item's address). Only RSS has permalinks; Atom ids and rdf:about are names."""
    for one in children.get("guid", ()):
        text = all_text(one)
        if text:
            permalink = attribute(one, "ispermalink").lower() != "false" and is_web(text)
            return text, permalink
    for word in ("id", "atom:id"):
        for one in children.get(word, ()):
            text = all_text(one)
            if text:
                return (resolve(base, text) if text.startswith("/") else text), False
    about = own.attributes.get(ABOUT, "")
    if about.strip():
        return about.strip(), False
    identifier = children.get("dc:identifier")
    return (all_text(identifier[0]) if identifier else ""), False


def _url(own: Part, children: Children, links: list[Link], base: str) -> str:
    for one in children.get("feedburner:origlink", ()):
        original = resolve(base, all_text(one))
        if is_web(original):
            return original
    for one in children.get("link", ()):
        text = begun_text(one)
        if text:
            return resolve(base_of(one, base), text)
    page = alternate(links)
    if page:
        return resolve(base_of(children.get("link", children.get("atom:link", [own]))[0], base), page)
    return resolve(base, attribute(own, "href")) if "title" in children else ""


def _lesser_url(guid: str, permalink: bool, links: list[Link], media: tuple[FeedMedia, ...], base: str) -> str:
    """Where no link is given: the permalink, an id that is an address, a related or self link, the first enclosure."""
    if guid and (permalink or is_web(guid)):
        return resolve(base, guid)
    for rel in ("via", "related", "self"):
        for link in links:
            if link.rel == rel:
                return resolve(base, link.href)
    return next((one.url for one in media), "")


def _language(own: Part, content: Part | None, children: Children, outer: str) -> str:
    stated = children.get("dc:language") or children.get("language")
    if stated:
        text = all_text(stated[0])
        if text:
            return language_tag(text)
    language = language_of(own, outer)
    return language_of(content, language) if content is not None else language


def _comments(children: Children, links: list[Link], base: str) -> str:
    for part in children.get("comments", ()):
        url = resolve(base, all_text(part))
        if is_web(url) and "%20" not in url:
            return url
    for link in links:
        if link.rel == "replies" and link.type in ("text/html", "application/xhtml+xml"):
            return resolve(base, link.href)
    return ""
