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
from baoguan.feeds.part import Aside, Part, all_text, begun_text, head_of, part_of
from baoguan.feeds.people import feed_people, names_of
from baoguan.feeds.texts import EMPTY, Text, as_html, as_plain, read_text
from baoguan.feeds.vocabulary import RIGHTS, Plans
from baoguan.model.feed import FeedDoc

_ITEMS = frozenset(("item", "entry", "atom:entry"))
_NO_HEAD = _ITEMS | {""}
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


def read_channel(root: etree._Element, origin: Origin, *, form: str, aside: Aside = ()) -> FeedDoc:
    """Reads a feed whose root is rss, RDF, feed or channel. `form` is what format_of said, `aside` parse_xml."""
    names = Names(root, aside)
    atom = form.startswith("atom")
    top = _head(root, names)
    children = names.children(top, without=_NO_HEAD)
    outer, head = head_of(root), head_of(top)
    base = base_of(head, base_of(outer, origin.location or origin.url))
    links = link_elements(children)
    site = _site(head, children, links, base)
    language = _language(outer, head, children) or language_tag(origin.language)
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
    elements, more = _item_elements(root, top, names)
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
    found = [child for place in places for child in place if names.of(child) in _ITEMS]
    if not found:
        loose = [element for element in root.iter() if local_name(element) in ("item", "entry")]
        found = [element for element in loose if _is_outermost(element)]
    return found[:MAX_ITEMS], max(0, len(found) - MAX_ITEMS)


def _is_outermost(element: etree._Element) -> bool:
    parent = element.getparent()
    return parent is None or local_name(parent) not in ("item", "entry")


def _site(head: Part, children: Children, links: list[Link], base: str) -> str:
    for part in children.get("link", ()):
        text = begun_text(part)
        if text:
            return resolve(base_of(part, base), text)
    page = alternate(links)
    if page:
        return resolve(base, page)
    return resolve(base, attribute(head, "href")) or resolve(base, attribute(head, "base"))


def _related(links: list[Link], rel: str, base: str) -> str:
    return next((resolve(base, link.href) for link in links if link.rel == rel), "")


def _language(root: Part, head: Part, children: Children) -> str:
    for word in ("language", "dc:language"):
        for part in children.get(word, ()):
            text = all_text(part)
            if text:
                return language_tag(text)
    return language_of(head, language_of(root, ""))


def _with_texts(doc: FeedDoc, head: Part, children: Children, scope: Scope) -> FeedDoc:
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


def _guid(head: Part, children: Children, base: str) -> str:
    for word in ("id", "atom:id", "guid"):
        for part in children.get(word, ()):
            text = all_text(part)
            if text:
                return resolve(base, text) if text.startswith("/") else text
    return head.attributes.get(ABOUT, "").strip()


def _text(children: Children, words: tuple[str, ...], scope: Scope) -> tuple[Part | None, Text]:
    for word in words:
        for part in children.get(word, ()):
            text = read_text(part, atom=scope.atom)
            if text.value:
                return part, text
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
        for part in children.get(word, ()):
            inner = scope.names.children(part.element) if part.size else {}
            urls = inner.get("url", ())
            url = all_text(urls[0]) if urls else attribute(part, "href") or attribute(part, "url") or ""
            url = url or part.text or attribute(part, "resource")
            if url:
                return resolve(base_of(part, scope.base), url)
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
    return [
        all_text(part_of(one)) for part in children.get(outer, ()) for one in part.element if local_name(one) in inner
    ]


def _ttl(children: Children) -> int | None:
    """<ttl> is in minutes; the syndication module says how often in a period."""
    for part in children.get("ttl", ()):
        text = all_text(part)
        if text.isdecimal() and text.isascii() and len(text) < 8:
            return int(text) * 60 or None
    period = next((_PERIODS.get(all_text(part).lower()) for part in children.get("sy:updateperiod", ())), None)
    if period is None:
        return None
    frequency = next((all_text(part) for part in children.get("sy:updatefrequency", ())), "1")
    times = int(frequency) if frequency.isdecimal() and frequency.isascii() and len(frequency) < 8 else 1
    return max(60, period // max(1, times))
