"""Title, authors, section and language of a page."""

import re

from baoguan.extract.dom import Page
from baoguan.extract.harvest import Head, strings
from baoguan.extract.layout import Layout
from baoguan.extract.likeness import normal
from baoguan.extract.tokens import words_of
from baoguan.text.lang import detect_language

_SITE_TAIL = re.compile(r"\s+[|–—•·»:-]\s+[^|–—•·»]{2,60}$|\s*[|｜_]\s*[^|｜_]{2,40}$|[-－–—]\s*[^-－–—\s]{2,20}$")
_BY = re.compile(
    r"^\s*(?:by|von|par|por|di|door|av|af|od|przez|por:|text:|words by|written by|reported by|story by|author:?"
    r"|автор:?|作者|記者|记者|文|文/|編輯|撰文)"
    r"\s*[:：/]?\s+|^\s*(?:作者|记者|記者|撰文|文)[:：/]\s*",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*(?:,|;|、|，|；|\||/|\band\b|\bund\b|\bet\b|\by\b|\be\b|&|\boch\b|\bog\b|\bi\b)\s*")
_NOT_NAME = re.compile(r"https?:|@|www\.|\d{2,}|^\W*$|^(?:admin|null|undefined|none|redaktion|staff)$", re.IGNORECASE)
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_MAX_NAME = 60
_MAX_AUTHORS = 12
_LONG = 8
_ALIKE = 0.6
Shown = tuple[int, str, str]
"""Node, text and normal form of a heading."""


def read_title(page: Page, head: Head) -> tuple[str, int]:
    """The headline and the node of the element that shows it (-1 when none does).

    A heading that structured data repeat is the headline, without a kicker that they leave out.
    """
    stated = [*strings(head.ld.get("headline"))[:1], head.meta("og:title"), head.meta("twitter:title"), head.title]
    stated = [cut_site(" ".join(unescape(text).split()), head) for text in stated if text]
    shown = [(i, text, normal(text)) for i in page.found["h1"][:20] if (text := page.text(i))]
    found = _repeated(stated, shown)
    if found is not None:
        return found
    for text in stated[:2]:
        wanted = normal(text)
        for i in page.found["h2"][:20]:
            if normal(page.text(i)) == wanted:
                return page.text(i), i
    return _likeliest(stated, shown)


def _repeated(stated: list[str], shown: list[Shown]) -> tuple[str, int] | None:
    """The heading that says what structured data say, wholly or in part."""
    for wanted in map(normal, stated):
        for i, heading, key in shown:
            if key and key == wanted:
                return _without_kicker(heading, key, stated), i
    for text in stated:
        wanted = normal(text)
        for i, heading, key in shown:
            if len(wanted) > _LONG and key.endswith(wanted):
                return text, i
            if len(key) > _LONG and wanted.startswith(key):
                return heading, i
    return None


def _without_kicker(heading: str, key: str, stated: list[str]) -> str:
    """The heading as the page is shared, where only a kicker before it is left out there."""
    for text in stated[1:3]:
        wanted = normal(text)
        if len(wanted) > _LONG and wanted != key and key.endswith(wanted):
            return text
    return heading


def _likeliest(stated: list[str], shown: list[Shown]) -> tuple[str, int]:
    """Nothing on the page repeats what is stated: the heading that shares most words with it, else what is stated."""
    if not shown:
        return (stated[0] if stated else ""), -1
    wanted = {word for text in stated for word in text.lower().split() if len(word) > 3}
    best = max(shown, key=lambda one: len(wanted.intersection(one[1].lower().split())))
    common = len(wanted.intersection(best[1].lower().split()))
    if not stated or common >= _ALIKE * max(1, len(best[1].split())):
        return best[1], best[0]
    return stated[0], best[0] if len(shown) == 1 else -1


def unescape(text: str) -> str:
    """Undoes entities that a CMS escaped twice."""
    if "&" not in text:
        return text
    for entity, char in (
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&#039;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ):
        text = text.replace(entity, char)
    text = re.sub(r"&#(\d{2,6});", lambda m: chr(int(m[1])) if 31 < int(m[1]) < 0x110000 else " ", text)
    return text.replace("&amp;", "&")


def cut_site(title: str, head: Head) -> str:
    """A title without the name of its site at the end."""
    site = normal(head.meta("og:site_name"))
    if not site:
        return title
    for _ in range(2):
        match = _SITE_TAIL.search(title)
        if match is None or (
            normal(match[0]) != site and site not in normal(match[0]) and normal(match[0]) not in site
        ):
            break
        title = title[: match.start()].strip()
    return title


def read_authors(layout: Layout, head: Head, near: tuple[int, int]) -> tuple[str, ...]:
    """Names of the authors: JSON-LD, metas, then what the page shows between headline and text."""
    found = clean_names(_ld_authors(head))
    if not found:
        metas = [
            v
            for n in ("author", "article:author", "dc.creator", "parsely-author", "sailthru.author", "byl", "creator")
            for v in head.metas.get(n, ())
        ]
        found = clean_names(metas[:6])
    if not found:
        found = clean_names(_shown(layout, near))
    return tuple(found[:_MAX_AUTHORS])


def _ld_authors(head: Head) -> list[str]:
    raw = head.ld.get("author") or head.ld.get("creator")
    people = raw if isinstance(raw, list) else [raw]
    found: list[str] = []
    for person in people[:30]:
        if isinstance(person, dict) and "name" not in person and "@id" in person:
            person = head.graph.get(str(person["@id"]), person)
        found += strings(person, "name")
    return found


def clean_names(texts: list[str]) -> list[str]:
    """Single names out of bylines, without `by`, addresses and times."""
    found: dict[str, str] = {}
    for text in texts:
        text = _BY.sub("", " ".join(unescape(text).split()))
        for name in _SPLIT.split(text) if len(text) > 20 or "," in text else [text]:
            name = name.strip(" .,:;|-–—•·/")
            if name and len(name) <= _MAX_NAME and not _NOT_NAME.search(name):
                found.setdefault(normal(name), name)
    return list(found.values())


def _shown(layout: Layout, near: tuple[int, int]) -> list[str]:
    """Visible names: rel=author, itemprop=author, an element called byline or author."""
    page = layout.page
    ranked: list[tuple[int, str]] = []
    for i in range(max(near[0], 0), min(near[1], len(page.tags))):
        if not page.tags[i]:
            continue
        attrs = page.attrs(i)
        if not attrs:
            continue
        words = words_of(attrs.get("class") or "")
        item = (attrs.get("itemprop") or "") + " " + (attrs.get("rel") or "")
        rank = 0 if "author" in item else 1 if "author" in words else 2 if "byline" in words else 9
        if rank < 9:
            text = page.text(i)
            if 1 < len(text) < 2 * _MAX_NAME:
                ranked.append((rank, text))
    best = min((rank for rank, _ in ranked), default=9)
    return [text for rank, text in ranked if rank == best][:3]


def read_section(head: Head) -> str:
    """The section that the page says it stands in."""
    for text in (
        *strings(head.ld.get("articleSection"))[:1],
        head.meta("article:section", "og:article:section", "section", "parsely-section"),
    ):
        if text:
            return " ".join(unescape(text).split())[:80]
    return ""


def read_language(page: Page, head: Head, text: str, fallback: str) -> str:
    """BCP 47: what the text is written in; what the page says of itself, else the outlet's language, is the hint.

    Pages say `en` over Chinese text (templates), so the text decides where scripts differ.
    """
    stated = (
        page.attr(0, "lang") or page.attr(0, "xml:lang") or head.meta("og:locale", "content-language", "dc.language")
    )
    if not stated:
        stated = next(iter(strings(head.ld.get("inLanguage"), "alternateName", "name")), "")
    stated = stated.replace("_", "-").strip()
    hint = stated if _TAG.fullmatch(stated) else fallback
    low = hint.lower()
    if low.startswith("zh") or low in ("cn", "tw"):
        hint = "zh-Hant" if any(part in low for part in ("hant", "tw", "hk", "mo")) else "zh-Hans"
    else:
        hint = hint.split("-")[0].lower()
    return detect_language(text, hint) if text else hint
