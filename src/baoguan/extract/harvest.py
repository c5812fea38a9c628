"""What the page says about itself in its head: JSON-LD, metas, links."""

import re
from typing import Any

import msgspec

from baoguan.extract.dom import Page

_ARTICLE_TYPES = re.compile(
    r"(?:News|Reportage|Opinion|Analysis|Background|Review|AskPublic|Satirical|Advertiser|Blog|Scholarly|Tech|Live)?"
    r"(?:Article|BlogPosting|Posting|LiveBlogPosting|Report|Review|SocialMediaPosting)$",
    re.IGNORECASE,
)
_PAGE_TYPES = ("WebPage", "ItemPage", "VideoObject", "AudioObject", "PodcastEpisode", "Recipe", "Event")
_INDEX_TYPES = ("CollectionPage", "SearchResultsPage", "ItemList")
_BEFORE = (("/*", "*/"), ("//", "\n"), ("<!--", ""), ("<![CDATA[", ""))
_BEHIND = (("*/", "/*"), ("-->", ""), ("]]>", ""), (";", ""))
_WRAPS = 8
"""Comments before and behind JSON that are taken off, at most."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MAX_OBJECTS = 2000
_MAX_TITLE = 2000
_decode = msgspec.json.Decoder().decode

Thing = dict[str, Any]


class Head:
    """What the head of a page and its structured data say."""

    __slots__ = ("base", "canonical", "graph", "ld", "metas", "next_data", "things", "title")

    def __init__(self) -> None:
        self.metas: dict[str, list[str]] = {}
        """Values by lower-cased name, property or itemprop, in order."""
        self.title = ""
        self.canonical = ""
        self.base = ""
        self.ld: Thing = {}
        """The JSON-LD object that is the article; empty when there is none."""
        self.things: list[Thing] = []
        """All typed JSON-LD objects, outermost first."""
        self.graph: dict[str, Thing] = {}
        self.next_data: Any = None

    def meta(self, *names: str) -> str:
        """The first value that isn't empty."""
        for name in names:
            for value in self.metas.get(name, ()):
                if value.strip():
                    return value.strip()
        return ""


def harvest(page: Page) -> Head:
    """Reads metas, links, titles and JSON-LD. Broken JSON is skipped."""
    head = Head()
    _read_metas(head, page)
    for i in page.found["link"]:
        attrs = page.attrs(i)
        if (attrs.get("rel") or "").lower() == "canonical" and not head.canonical:
            head.canonical = (attrs.get("href") or "").strip()
    for i in page.found["base"][:1]:
        head.base = page.attr(i, "href").strip()
    for i in page.found["title"][:1]:
        head.title = page.text(i)[:_MAX_TITLE]
    for name, text in page.scripts:
        if "ld+json" in name.lower():
            _read_ld(head, text)
    head.ld = _pick(head)
    return head


def _read_metas(head: Head, page: Page) -> None:
    """Values by name and, where a meta has both, by what its itemprop lists, too."""
    for i in page.found["meta"]:
        attrs = page.attrs(i)
        item = attrs.get("itemprop")
        name = attrs.get("property") or attrs.get("name") or item or attrs.get("http-equiv")
        value = attrs.get("content") or attrs.get("value")
        if not (name and value):
            continue
        head.metas.setdefault(name.lower(), []).append(value)
        if item and (item is not name or " " in item):
            for one in item.lower().split():
                head.metas.setdefault(one, []).append(value)


def load_json(text: str) -> Any:
    """Reads JSON as pages hold it: control characters in strings, comments around it. None when it is broken."""
    for attempt in (text, _CONTROL.sub(" ", _bare(text)).replace("\n", " ").replace("\t", " ")):
        try:
            return _decode(attempt)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            continue
    return None


def _bare(text: str) -> str:
    """JSON without the comments and marks around it (one pattern for them took minutes on many comments)."""
    text = text.strip()
    for _ in range(_WRAPS):
        begin, end = next((pair for pair in _BEFORE if text.startswith(pair[0])), ("", ""))
        if not begin:
            break
        stop = text.find(end, len(begin)) if end else len(begin)
        if stop < 0:
            return ""
        text = text[stop + len(end) :].lstrip()
    for _ in range(_WRAPS):
        end, begin = next((pair for pair in _BEHIND if text.endswith(pair[0])), ("", ""))
        if not end:
            break
        stop = text.rfind(begin, 0, -len(end)) if begin else len(text) - len(end)
        text = text[: max(0, stop)].rstrip()
    return text


def _read_ld(head: Head, text: str) -> None:
    stack: list[Any] = [load_json(text)]
    seen = 0
    while stack and seen < _MAX_OBJECTS:
        value = stack.pop(0)
        seen += 1
        if isinstance(value, list):
            stack[:0] = value[:200]
        elif isinstance(value, dict):
            if "@id" in value and len(value) > 1:
                head.graph.setdefault(str(value["@id"]), value)
            if "@type" in value:
                head.things.append(value)
            nested = (value.get(key) for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement"))
            stack.extend(part for part in nested if isinstance(part, (dict, list)))


def types_of(thing: Thing) -> list[str]:
    """The names of a JSON-LD object's types."""
    kind = thing.get("@type")
    return [str(name) for name in kind] if isinstance(kind, list) else [str(kind)]


def _pick(head: Head) -> Thing:
    """The article among the JSON-LD objects: by type, then by what it says."""
    best: Thing = {}
    best_score = 0.0
    for thing in head.things[:200]:
        names = types_of(thing)
        if any(_ARTICLE_TYPES.search(name) for name in names):
            score = 10.0
        elif any(name in _PAGE_TYPES for name in names):
            score = 2.0
        else:
            continue
        score += sum(1 for key in ("headline", "datePublished", "author", "image", "articleBody") if thing.get(key))
        if score > best_score and (thing.get("headline") or thing.get("datePublished") or thing.get("articleBody")):
            best, best_score = thing, score
    return best


def is_article_type(head: Head) -> bool:
    """Whether structured data or Open Graph call the page an article."""
    if any(_ARTICLE_TYPES.search(name) for name in types_of(head.ld)):
        return True
    return head.meta("og:type").lower() in ("article", "news", "newsarticle", "video.other", "blog")


def is_index_type(head: Head) -> bool:
    """Whether structured data call the page a collection and nothing calls it an article."""
    return not is_article_type(head) and any(name in _INDEX_TYPES for thing in head.things for name in types_of(thing))


def strings(value: Any, *keys: str) -> list[str]:
    """Strings of a JSON value: itself, or those of its objects under the first of `keys` that they have."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, list):
        return [text for part in value[:50] for text in strings(part, *keys)]
    if isinstance(value, dict):
        for key in keys:
            if found := strings(value.get(key), *keys):
                return found
    return []
