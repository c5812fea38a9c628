"""The head of an XML feed: title, site, hubs, pace; and where its items lie."""

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
from baoguan.feeds.items import ABOUT, Scope, markup, read_item, rights
from baoguan.feeds.limits import MAX_ITEMS, MAX_VALUES
from baoguan.feeds.links import is_web, resolve, resolve_html
from baoguan.feeds.names import Names, attribute, local_name
from baoguan.feeds.people import feed_people, names_of
from baoguan.feeds.texts import EMPTY, Text, as_html, as_plain, raw_text, read_text
from baoguan.feeds.vocabulary import RIGHTS, Plans
from baoguan.model.feed import FeedDoc

_PUBLISHED = ("published", "pubdate", "atom:published", "issued", "dcterms:issued", "dcterms:created")
_UPDATED = (
    "lastbuilddate",
    "updated",
    "modified",
    "pubdate",
    "dc:date",
    "dcterms:modified",
    "atom:updated",
    "date",
    "atom:modified",
)
_DESCRIPTIONS = (
    "description",
    "subtitle",
    "tagline",
    "abstract",
    "dc:description",
    "atom:subtitle",
    "itunes:summary",
    "itunes:subtitle",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PERIODS = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a document besides its bytes."""

    url: str = ""
    location: str = ""
    """Content-Location, absolute: the base of relative URLs when it is given."""
    language: str = ""
    """Content-Language."""


def read_channel(root: etree._Element, origin: Origin, *, form: str) -> FeedDoc:
    """Reads a feed whose root is rss, RDF, feed or channel. `form` is what format_of said."""
    names = Names(root)
    atom = form.startswith("atom")
    head = _head(root, names)
    children = names.children(head)
    base = base_of(head, base_of(root, origin.location or origin.url))
    links = link_elements(children)
    site = _site(head, children, links, base)
    language = _language(root, head, children) or language_tag(origin.language)
    people, shown = feed_people(children, names)
    written_base = base if base != (origin.location or origin.url) else ""
    scope = Scope(
        names=names,
        plans=Plans(),
        atom=atom,
        base=written_base or (site if is_web(site) else base),
        language=language,
        site=site or origin.url,
        authors=names_of(people),
        author_details=people,
        categories=category_names(children),
    )
    elements, more = _item_elements(root, head, names)
    items = tuple(read_item(element, scope) for element in elements)
    doc = FeedDoc(
        format=form,
        url=site or origin.url,
        self_url=_related(links, "self", base) or origin.url,
        hub_urls=tuple(dict.fromkeys(resolve(base, link.href) for link in links if link.rel == "hub"))[:MAX_VALUES],
        next_url=_related(links, "next", base),
        language=language,
        authors=names_of(shown),
        author_details=shown,
        items=items,
        warnings=(f"{more} items beyond the cap of {MAX_ITEMS}",) if more else (),
    )
    return _with_texts(_with_pace(doc, children), head, children, scope)


def _head(root: etree._Element, names: Names) -> etree._Element:
    """The element that holds title and link: the first channel, or the root itself."""
    if local_name(root) in ("feed", "channel"):
        return root
    channels = [child for child in root if names.of(child) == "channel"]
    return channels[0] if channels else root


def _item_elements(root: etree._Element, head: etree._Element, names: Names) -> tuple[list[etree._Element], int]:
    """Items where they belong; where none is, wherever they are. At most MAX_ITEMS, and how many more there were."""
    places = [head] if head is root else [child for child in root if names.of(child) == "channel"] + [root]
    found = [child for place in places for child in place if names.of(child) in ("item", "entry", "atom:entry")]
    if not found:
        loose = [element for element in root.iter() if local_name(element) in ("item", "entry")]
        found = [element for element in loose if _is_outermost(element)]
    return found[:MAX_ITEMS], max(0, len(found) - MAX_ITEMS)


def _is_outermost(element: etree._Element) -> bool:
    parent = element.getparent()
    return parent is None or local_name(parent) not in ("item", "entry")


def _site(head: etree._Element, children: Children, links: list[Link], base: str) -> str:
    for element in children.get("link", ()):
        text = raw_text(element) if element.text else ""
        if text:
            return resolve(base_of(element, base), text)
    page = alternate(links)
    if page:
        return resolve(base, page)
    return resolve(base, attribute(head, "href")) or resolve(base, attribute(head, "base"))


def _related(links: list[Link], rel: str, base: str) -> str:
    return next((resolve(base, link.href) for link in links if link.rel == rel), "")


def _language(root: etree._Element, head: etree._Element, children: Children) -> str:
    for word in ("language", "dc:language"):
        for element in children.get(word, ()):
            text = raw_text(element)
            if text:
                return language_tag(text)
    return language_of(head, language_of(root, ""))


def _with_texts(doc: FeedDoc, head: etree._Element, children: Children, scope: Scope) -> FeedDoc:
    named, title = _text(children, ("title", "dc:title", "atom:title", "itunes:title"), scope)
    about, description = _text(children, _DESCRIPTIONS, scope)
    published, published_raw = dated(children, _PUBLISHED)
    updated, updated_raw = dated(children, _UPDATED)
    return msgspec.structs.replace(
        doc,
        title=as_plain(title) or (doc.self_url if doc.format.startswith("rdf") else "") or doc.url or doc.self_url,
        title_html=markup(title, named, scope.base),
        description=resolve_html(base_of(about, scope.base), as_html(description)) if about is not None else "",
        guid=_guid(head, children, scope.base),
        published=read_at(published),
        published_raw=published_raw,
        updated=read_at(updated),
        updated_raw=updated_raw,
        rights_html=rights(children, RIGHTS, scope.atom, scope.base),
        image_url=_image(children, scope),
    )


def _guid(head: etree._Element, children: Children, base: str) -> str:
    for word in ("id", "atom:id", "guid"):
        for element in children.get(word, ()):
            text = raw_text(element)
            if text:
                return resolve(base, text) if text.startswith("/") else text
    return (head.get(ABOUT) or "").strip()


def _text(children: Children, words: tuple[str, ...], scope: Scope) -> tuple[etree._Element | None, Text]:
    for word in words:
        for element in children.get(word, ()):
            text = read_text(element, atom=scope.atom)
            if text.value:
                return element, text
    return None, EMPTY


def _image(children: Children, scope: Scope) -> str:
    for word in (
        "icon",
        "logo",
        "image",
        "itunes:image",
        "atom:icon",
        "atom:logo",
        "googleplay:image",
        "media:thumbnail",
    ):
        for element in children.get(word, ()):
            inner = scope.names.children(element)
            parts = inner.get("url", ())
            url = raw_text(parts[0]) if parts else attribute(element, "href") or attribute(element, "url") or ""
            url = url or ("" if len(element) else raw_text(element)) or attribute(element, "resource")
            if url:
                return resolve(base_of(element, scope.base), url)
    return ""


def _with_pace(doc: FeedDoc, children: Children) -> FeedDoc:
    hours = {int(text) % 24 for text in _list(children, "skiphours", ("hour",)) if text.isdecimal() and int(text) <= 24}
    days = {text.strip().capitalize() for text in _list(children, "skipdays", ("day",))}
    return msgspec.structs.replace(
        doc,
        ttl_s=_ttl(children),
        skip_hours=tuple(sorted(hours)),
        skip_days=tuple(day for day in _DAYS if day in days),
    )


def _list(children: Children, outer: str, inner: tuple[str, ...]) -> list[str]:
    return [raw_text(part) for element in children.get(outer, ()) for part in element if local_name(part) in inner]


def _ttl(children: Children) -> int | None:
    """<ttl> is in minutes; the syndication module says how often in a period."""
    for element in children.get("ttl", ()):
        text = raw_text(element)
        if text.isdecimal() and text.isascii() and len(text) < 8:
            return int(text) * 60 or None
    period = next((_PERIODS.get(raw_text(element).lower()) for element in children.get("sy:updateperiod", ())), None)
    if period is None:
        return None
    frequency = next((raw_text(element) for element in children.get("sy:updatefrequency", ())), "1")
    times = int(frequency) if frequency.isdecimal() and frequency.isascii() and len(frequency) < 8 else 1
    return max(60, period // max(1, times))
