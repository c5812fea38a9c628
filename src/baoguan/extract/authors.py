"""Authors of a page: structured data, metas, and the byline that readers see."""

import re
from bisect import bisect_left
from html import unescape

from baoguan.extract.harvest import Head, strings, types_of
from baoguan.extract.layout import Layout
from baoguan.extract.likeness import normal
from baoguan.extract.tokens import BYLINE, CAPTION, CREDIT, HARD, TEASER, words_of

_BY = re.compile(
    r"^\s*(?:by|von|par|por|di|door|av|af|od|przez|por:|text:|words by|written by|reported by|story by|author:?"
    r"|(?:erstellt|geschrieben|verfasst|text|ein artikel|interview) von|posted by|published by"
    r"|auteurs?:?|autore?:?|interview:"
    r"|автор:?|作者|記者|记者|文|文/|編輯|撰文)"
    r"\s*[:：/]?\s+|^\s*(?:作者|记者|記者|撰文|文)[:：/]\s*",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*(?:,|;|、|，|；|\||/|\band\b|\bund\b|\bet\b|\by\b|\be\b|&|\boch\b|\bog\b|\bi\b)\s*")
_NOT_NAME = re.compile(
    r"https?:|@|www\.|^\W*\d|\d{3,}|^\W*$|^(?:admin|null|undefined|none|redaktion|staff|posted"
    r"|no author|name\b.*(?:required|erforderlich)\W*|ma|md|ph\.?d|msc|rn|jr|sr)$",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"\s+(?:on\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d.*$|\s+(?:on|am|le|el|vom)\s+\d.*$"
    r"|\s+(?:edited|photographed|illustrated|translated) by\b.*$",
    re.IGNORECASE,
)
"""What stands behind a name in a byline: the day, who else worked on it."""
_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_SPOKEN = re.compile(
    r"^\W{0,3}(?:by|von|par|por|di|door|av|af|przez|words by|written by|reported by|story by|text:|autore?:|auteur:"
    r"|(?:erstellt|geschrieben|verfasst|text) von|posted (?:on [^.:!?]{4,24} )?by)\s+"
    r"([^.:!?]{2,120}?)(?:,\s+in\b|\s*[·|–—(]|\s\d|$)",
    re.IGNORECASE,
)
_SPOKEN_CJK = re.compile(
    r"^[（(\s]*(?:[一-鿿]{2,6}[社网網报報])?(?:文|記者|记者|作者|撰文)\s*[／/:：\s]\s*([^\s，,。；;)）/／|]{2,20})"
)
_ROLE = re.compile(r"[:：]|编辑|編輯|责编|edition|redaktion", re.IGNORECASE)
_ROLES = re.compile(r"(?:实习|特约|見習)?(?:记者|記者|通讯员|通訊員|实习生)|整合|综合|報道|报道|摄影|攝影|编译|整理")
_APART = re.compile(r"[\s、，,；;/]+")
_WRITTEN = re.compile(
    r"written|author|verfasst|geschr|écrit|escrit|scritto|autor|auteur|napisan|skriv|kirjoit|автор|yazan|作者|執筆|글쓴이"
    r"|الكاتب|כתב",
    re.IGNORECASE,
)
_CABLE = re.compile(
    r"^[^。（(]{2,40}[电電讯訊]\s*[（(](?:[^）)]{0,12}[\s，,])?(?:本[报報]|[\u4e00-\u9fff]{2,6}[网網报報社])?"
    r"(?:记者|記者)[\s:：]*([^）)。]{2,40})[）)]"
)
"""新华社巴黎12月9日电（记者唐霁）: how the first sentence of a Chinese agency's report begins."""
_PARTICLES_TEXT = "de da di do dos du van von der den del la le el al bin ibn zu af y e"
_PARTICLES = frozenset(_PARTICLES_TEXT.split())
_DOMAIN = re.compile(r"[\w-]{2,}\.(?:com|net|org|[a-z]{2,7})(?:\.[a-z]{2})?")
_HOUSES = frozenset(("Organization", "NewsMediaOrganization", "Corporation", "WebSite"))
_METAS = ("author", "article:author", "dc.creator", "parsely-author", "sailthru.author", "byl", "creator")
_MAX_NAME = 60
_MAX_AUTHORS = 12
_MAX_LINE = 160
_MAX_NODES = 200
"""Of an element that may hold an author's name."""
_MAX_BYLINE = 4000
"""Characters of a text that lists names."""
_STRICT, _LOOSE = 0, 8
_WORDS = 5
_AROUND = 400
"""Characters of text before and behind the article in which an author is looked for."""
_ABOVE = 20
"""Nodes before its text at which an author's element may begin."""
_LOOKED = 100
"""Elements whose ancestors are looked at."""
_OTHERS = frozenset(("bio", "comment", "comments", "forum", "list", "recent", "related", "sidebar", "widget"))
_FIRST = 3
"""Blocks of the body in which a byline is looked for."""


def read_authors(layout: Layout, head: Head, near: tuple[int, int], around: tuple[int, int]) -> tuple[str, ...]:
    """Names of the authors: JSON-LD, metas, then what the page shows between headline and text, then around both.

    The page is asked too when structured data name only the house, or fewer than all who are marked as authors.
    """
    stated = clean_names(_ld_authors(head))
    if not stated:
        stated = clean_names([value for name in _METAS for value in head.metas.get(name, ())][:6] or _labelled(head))
    if stated and not _is_house(stated, head):
        marked = clean_names(_marked(layout, near, _STRICT))
        keys = {normal(name) for name in marked}
        return tuple(
            (marked if len(marked) > len(stated) and keys.issuperset(map(normal, stated)) else stated)[:_MAX_AUTHORS]
        )
    shown = clean_names(_marked(layout, near, _LOOSE)) or _spoken(layout, near)
    if not shown and (not stated or _is_named_house(stated, head)):
        shown = _shown_around(layout, around)
    if stated and not any(map(_is_person, shown)):
        shown = []
    return tuple((shown or stated)[:_MAX_AUTHORS])


def _labelled(head: Head) -> list[str]:
    """What a card of Twitter's shows as `Written by`, in whatever language (WordPress SEO writes nothing else)."""
    labels = [(head.meta(f"twitter:label{n}"), head.meta(f"twitter:data{n}")) for n in (1, 2)]
    return [value for label, value in labels if label and value and _WRITTEN.search(label)]


def _ld_authors(head: Head) -> list[str]:
    raw = head.ld.get("author") or head.ld.get("creator")
    people = raw if isinstance(raw, list) else [raw]
    found: list[str] = []
    for person in people[:30]:
        found += strings(_resolved(person, head), "name")
    return found


def _resolved(person: object, head: Head) -> object:
    """A JSON-LD object in place of a reference to it."""
    if isinstance(person, dict) and "name" not in person and "@id" in person:
        return head.graph.get(str(person["@id"]), person)
    return person


def _is_house(names: list[str], head: Head) -> bool:
    """Whether only the outlet is named: as the site, as the publisher, as an organisation, or by its domain."""
    raw = head.ld.get("author")
    people = raw if isinstance(raw, list) else [raw]
    kinds = [types_of(thing) for one in people[:30] if isinstance(thing := _resolved(one, head), dict)]
    if kinds and all(_HOUSES.intersection(kind) for kind in kinds):
        return True
    return _is_named_house(names, head)


def _is_named_house(names: list[str], head: Head) -> bool:
    sites = [head.meta("og:site_name", "application-name"), *strings(head.ld.get("publisher"), "name")]
    host = head.canonical.partition("://")[2].partition("/")[0].removeprefix("www.").partition(".")[0]
    houses = {normal(site) for site in (*sites, host) if site}
    return all(normal(name) in houses or _DOMAIN.fullmatch(name) for name in names)


def clean_names(texts: list[str]) -> list[str]:
    """Single names out of bylines, without `by`, addresses and times."""
    found: dict[str, str] = {}
    for text in texts:
        text = _BY.sub("", " ".join(_LINK.sub(" ", unescape(text[:_MAX_BYLINE])).split()) + " ")
        for name in _SPLIT.split(text) if len(text) > 20 or "," in text else [text]:
            name = _DAY.sub("", name.strip(" .,:;|-–—•·/("))
            if name and len(name) <= _MAX_NAME and not _NOT_NAME.search(name):
                found.setdefault(normal(name), name)
    return list(found.values())


def _marked(layout: Layout, near: tuple[int, int], least: int, *, own: bool = False) -> list[str]:
    """Visible names: rel=author or itemprop=author; unless `least` forbids, an element called author or byline.

    `own`: not in boxes of other articles, of comments and the like.
    """
    page = layout.page
    ranked: list[tuple[int, str]] = []
    looked = 0
    for i in range(max(near[0], 0), min(near[1], len(page.tags))):
        if not page.tags[i] or not (attrs := page.attrs(i)):
            continue
        if layout.verdict[i] & (CAPTION | CREDIT):
            continue
        item = (attrs.get("itemprop") or "") + " " + (attrs.get("rel") or "")
        rank = 0 if "author" in item else 9
        if rank and least and layout.verdict[i] & BYLINE:
            words = words_of(f"{attrs.get('class') or ''} {attrs.get('id') or ''}")
            rank = 1 if "author" in words or "authors" in words else 2 if "byline" in words else 9
        if rank <= least:
            looked += own
            if own and (looked > _LOOKED or _is_others(layout, i)):
                continue
            up = page.parent[i]
            text = page.text(up) if page.tags[up] == "address" and page.end[up] - up < _MAX_NODES else ""
            if not 1 < len(text) < _MAX_LINE:
                text = page.text(i) if page.end[i] - i < _MAX_NODES else ""
            if 1 < len(text) < _MAX_LINE:
                ranked.append((rank, text))
    best = min((rank for rank, _ in ranked), default=9)
    return [text for rank, text in ranked if rank == best][: _MAX_AUTHORS if best == 0 else 3]


def _is_others(layout: Layout, i: int) -> bool:
    page = layout.page
    while i > layout.top:
        if page.tags[i] in ("aside", "footer", "nav", "li") or layout.verdict[i] & (HARD | TEASER):
            return True
        if not _OTHERS.isdisjoint(words_of(f"{page.attr(i, 'class')} {page.attr(i, 'id')}")):
            return True
        i = page.parent[i]
    return False


def _shown_around(layout: Layout, around: tuple[int, int]) -> list[str]:
    """Names of persons in elements called author close before the headline or behind the text."""
    blocks = layout.blocks
    first = bisect_left(layout.firsts, around[0])
    last = bisect_left(layout.firsts, around[1])
    begin, end = around[1], around[1]
    for which, step in ((first - 1, -1), (last, 1)):
        n, passed = which, 0
        while 0 <= n < len(blocks) and passed < _AROUND:
            begin = max(blocks[n].owner, blocks[n].first - _ABOVE) if step < 0 else begin
            end = max(end, blocks[n].last + 1)
            passed += len(blocks[n].text)
            n += step
    texts = _marked(layout, (min(begin, around[0]), around[0]), _LOOSE, own=True)
    texts = texts or _marked(layout, (around[0], end), _LOOSE, own=True)
    return [name for name in clean_names(texts) if _is_person(name) and not _ROLE.search(name)]


def _spoken(layout: Layout, near: tuple[int, int]) -> list[str]:
    """Names from a line that reads like a byline, above the text or as one of its first blocks."""
    blocks = [block for block in layout.blocks if near[0] <= block.first]
    above = [block for block in blocks if block.first < near[1]]
    for block in (*above, *blocks[len(above) : len(above) + _FIRST]):
        if len(block.text) > _MAX_LINE or block.junk:
            continue
        match = _SPOKEN.match(block.text) or _SPOKEN_CJK.match(block.text)
        if match and (names := [name for name in clean_names([match[1]]) if _is_name(name)]):
            return names
    for block in blocks[len(above) - 1 if above else 0 :][:_FIRST]:
        if not block.junk and (match := _CABLE.match(block.text[:_MAX_LINE])):
            return _chinese_names(match[1])
    return []


def _chinese_names(text: str) -> list[str]:
    """Names between commas or blanks; two characters of one name may be set apart, too (李　明)."""
    found: list[str] = []
    for part in _APART.split(_ROLES.sub(" ", text)):
        if len(part) == 1 and found and len(found[-1]) == 1:
            found[-1] += part
        elif part:
            found.append(part)
    return [name for name in found if 1 < len(name) <= _MAX_NAME and not _NOT_NAME.search(name)][:_MAX_AUTHORS]


def _is_name(text: str) -> bool:
    """Whether each word begins with a capital (or has none), as names do."""
    words = text.split()
    return len(words) <= _WORDS and all(word in _PARTICLES or not word[0].islower() for word in words)


def _is_person(text: str) -> bool:
    return _is_name(text) and (len(text.split()) > 1 or not text.isascii())
