"""The pictures of an article, each with caption and credit, one rendition each."""

import re
from bisect import bisect_left
from urllib.parse import unquote, urlsplit

from baoguan.extract.captions import WRAPPER_MAX, read_caption
from baoguan.extract.dom import Page
from baoguan.extract.layout import Layout
from baoguan.extract.picture import Figure, Resolve, picture_key
from baoguan.extract.tokens import FOREIGN, JUNK, words_of
from baoguan.text.pictures import choose_source, first_source, size_of

_MAX_IMAGES = 400
"""Images that are looked at on one page."""
_BOX = 1500
"""Nodes in the box of a teaser."""
_MANY = 20
_SMALL = 100
_CLIMB = 7
_FILE_END = 120
"""Characters at the end of an address in which its file's name is looked at."""
_LONG_STEM = 12
_STEM = 8
_BAD_WORDS_TEXT = """logo logos icon icons avatar avatars sprite emoji smiley spinner loader author authors byline
    profile badge flag flags headshot pixel tracking beacon qrcode gravatar rating star stars appstore
    googleplay bookmark"""
_BAD_WORDS = frozenset(_BAD_WORDS_TEXT.split())
_BAD_FILE = re.compile(
    r"(?:^|[/_.-])(?:logo|icon|avatar|sprite|spacer|blank|pixel|1x1|loading|placeholder|transparent|emoji"
    r"|gravatar|qrcode|erweima|"
    r"btn|button|arrow|badge|google-?play|app-?store)s?(?:$|[/_.\d-])|\.svg(?:$|[?#])",
    re.IGNORECASE,
)
_FILE_WORDS = re.compile(r"[a-z]+")
_LAZY_NAME = re.compile(r"(?:lazy|data).*(?:src|url|image)|^data-(?:full|large|hi)", re.IGNORECASE)
_QUOTED_URL = re.compile(r"https?://[^\"'\s\\]+")
_TEMPLATE = re.compile(r"\*\*|[{}]|%7B", re.IGNORECASE)
"""An address that a script fills in."""
_WHOLE = 0.4
"""Share of the page's sentences in a box that holds the article, whatever it is called (js_img_share_area)."""
_HEADINGS = frozenset(("h2", "h3", "h4", "h5"))
_LONGEST = 1000
"""Characters of an attribute that may be a picture's address."""
_IMAGE_LINK = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|[?#])", re.IGNORECASE)


def find_figures(
    layout: Layout, span: tuple[int, int, int], stated: frozenset[str], resolve: Resolve, page_url: str
) -> list[Figure]:
    """Pictures that belong to the article, in order, one rendition each.

    `span`: first node of the article's surroundings, first node of the article, end. `stated`: keys of the pictures
    that structured data give for the article; those are never foreign, and the only ones taken from the surroundings.
    """
    page = layout.page
    found: list[Figure] = []
    taken: dict[str, Figure] = {}
    inside = [i for i in (*page.found["img"], *page.found["amp-img"]) if span[0] <= i < span[2]]
    bare = {i for i in page.found["figure"] if span[0] <= i < span[2] and not page.images(i)}
    for i in sorted((*inside, *bare))[:_MAX_IMAGES]:
        figure = _look_at_bare(layout, i, resolve) if i in bare else _look_at(layout, i, resolve)
        if figure is None:
            continue
        if figure.key not in stated and (i < span[1] or _is_foreign(layout, figure, span[1], page_url, resolve)):
            continue
        read_caption(layout, figure)
        known = taken.get(figure.key)
        if known is not None:
            if not known.caption and figure.caption:
                known.caption, known.credit = figure.caption, figure.credit
            continue
        taken[figure.key] = figure
        found.append(_complete(layout, figure, resolve))
    return found or _by_script(layout, span, stated, resolve)


def _by_script(layout: Layout, span: tuple[int, int, int], stated: frozenset[str], resolve: Resolve) -> list[Figure]:
    """The stated picture where no <img> shows it: in attributes of an element that a script or a style fills."""
    page = layout.page
    stems = {key.rpartition("/")[2] for key in stated}
    stems = {stem for stem in stems if len(stem) >= _STEM}
    for i in range(span[0], span[2]) if stems else ():
        for value in page.data[i].values() if page.tags[i] else ():  # type: ignore[union-attr]
            if value and len(value) > _STEM and any(stem in value.lower() for stem in stems):
                quoted = _QUOTED_URL.search(value)
                url = resolve(quoted[0].rstrip(")") if quoted else value)
                if url and picture_key(url) in stated:
                    figure = Figure(i, url)
                    figure.key = picture_key(url)
                    read_caption(layout, figure)
                    return [figure]
    return []


def read_image(layout: Layout, i: int, resolve: Resolve) -> Figure | None:
    """The picture of an <img>, unless it is too small or named like furniture."""
    figure = _look_at(layout, i, resolve)
    return _complete(layout, figure, resolve) if figure is not None else None


def _complete(layout: Layout, figure: Figure, resolve: Resolve) -> Figure:
    """The picture with its other renditions: asked for only where it is kept."""
    page = layout.page
    attrs = page.attrs(figure.node)
    figure.candidates = choose_source(attrs, _sources(page, figure.node), resolve)[1]
    figure.alt = " ".join((attrs.get("alt") or "").split())
    return figure


def _look_at(layout: Layout, i: int, resolve: Resolve) -> Figure | None:
    page = layout.page
    attrs = page.attrs(i)
    width, height = size_of(attrs.get("width")), size_of(attrs.get("height"))
    if (width is not None and 1 < width < _SMALL and (height or 0) < _SMALL) or width == 1 or height == 1:
        return None
    if _BAD_WORDS.intersection(words_of(f"{attrs.get('class') or ''} {attrs.get('id') or ''}")):
        return None
    url = first_source(attrs, _sources(page, i), resolve)
    if not url or _is_bad(url):
        url = _lazy(attrs, resolve) or url
        if not url or _is_bad(url):
            return None
    figure = Figure(i, url)
    figure.width, figure.height = width, height
    figure.key = picture_key(url)
    return figure


def _look_at_bare(layout: Layout, i: int, resolve: Resolve) -> Figure | None:
    """The picture that a <figure> without <img> names in an attribute (itemid, data-...), for a script to show."""
    for value in layout.page.attrs(i).values():
        if value and len(value) < _LONGEST and value.startswith(("http", "/")) and _IMAGE_LINK.search(value):
            url = resolve(value)
            if url and not _is_bad(url):
                figure = Figure(i, url)
                figure.key = picture_key(url)
                return figure
    return None


def _sources(page: Page, i: int) -> list[str]:
    """The srcset of each <source> beside an image in a <picture>."""
    parent = page.parent[i]
    if page.tags[parent] != "picture":
        return []
    return [
        value
        for j in page.children(parent)
        if page.tags[j] == "source" and (value := page.attr(j, "srcset") or page.attr(j, "data-srcset"))
    ]


def _is_bad(url: str) -> bool:
    """Whether a picture's file is named like furniture."""
    end = urlsplit(url).path[-_FILE_END:]
    return _BAD_FILE.search(end) is not None or ("%" in end and _BAD_FILE.search(unquote(end)) is not None)


def _lazy(attrs: dict[str, str | None], resolve: Resolve) -> str:
    """The address in an attribute of an outlet's own making; of JSON, the first address in it."""
    for name, value in attrs.items():
        if value and _LAZY_NAME.search(name):
            quoted = _QUOTED_URL.search(value) if value[:1] in "{[" else None
            found = resolve(quoted[0] if quoted else value.split(" ")[0])
            if found and not _TEMPLATE.search(found):
                return found
    return ""


def _is_foreign(layout: Layout, figure: Figure, low: int, page_url: str, resolve: Resolve) -> bool:
    """Whether a picture stands under junk, beside an author's name or in a link to another page."""
    page = layout.page
    i = page.parent[figure.node]
    steps = 0
    while i > layout.top and (i >= low or steps < _CLIMB):
        tag = page.tags[i]
        if tag not in ("picture", "button", "noscript") and i in layout.junk and not _doubled(layout, i):
            own = layout.verdict[i]
            if own & FOREIGN or not own & JUNK:
                return page.tags[i] != "aside" or not _has_caption(layout, i)
        elif layout.verdict[i] & FOREIGN and i > low and steps < 4 and not _holds_article(layout, i):
            return True
        if tag == "a" and steps < _CLIMB and _leads_away(layout, i, figure.key, page_url, resolve):
            return True
        i = page.parent[i]
        steps += 1
    return _is_teaser(layout, figure.node)


def _holds_article(layout: Layout, i: int) -> bool:
    return layout.page.tags[i] in ("picture", "article", "main") or (
        layout.mass.get(i, 0.0) >= _WHOLE * layout.sums[-1] > 0
    )


def _doubled(layout: Layout, i: int) -> bool:
    """Whether an element is junk as text only: a link hidden from screen readers because the text beside it leads to
    the same place, or a box that enlarges its picture when it is pressed.
    """
    page = layout.page
    if page.attr(i, "role") == "button":
        return not layout.verdict[i] & (JUNK | FOREIGN)
    return page.tags[i] == "a" and not layout.verdict[i] & JUNK and page.attr(i, "aria-hidden") == "true"


def _has_caption(layout: Layout, i: int) -> bool:
    page, stop = layout.page, layout.page.end[i]
    captions = page.found["figcaption"]
    n = bisect_left(captions, i)
    return (n < len(captions) and captions[n] < stop) or layout.captions_under(i) > 0


def _leads_away(layout: Layout, link: int, key: str, page_url: str, resolve: Resolve) -> bool:
    """Whether a link round a picture goes to another page, not to a larger version of the picture."""
    href = layout.page.attr(link, "href")
    if not href or _IMAGE_LINK.search(href):
        return False
    target = resolve(href)
    if "sponsored" in layout.page.attr(link, "rel") and layout.page.attr(link, "aria-hidden") == "true":
        return False
    if not target or target.split("#")[0] == page_url.split("#")[0] or _names_picture(target, key):
        return False
    return not _is_picture_page(layout, link)


def _names_picture(target: str, key: str) -> bool:
    """Whether an address is the picture's own, or of a page called as its file."""
    other = picture_key(target)
    stem = other.rpartition(".")[0] or other
    return other == key or (len(stem) > _LONG_STEM and key.startswith(stem))


def _is_teaser(layout: Layout, node: int) -> bool:
    """Whether the box round a single picture holds a linked heading: a teaser of another article."""
    page = layout.page
    i = node
    for _ in range(5):
        i = page.parent[i]
        if i <= layout.top or page.tags[i] in ("article", "main", "section", "body") or page.end[i] - i > _BOX:
            return False
        if _images_under(layout, i) > 1:
            return False
        if layout.said_under(i) > 3 * WRAPPER_MAX:
            return False
        for tag in _HEADINGS:
            headings = page.found[tag]
            for j in headings[bisect_left(headings, i) : bisect_left(headings, page.end[i])]:
                if page.tags[page.parent[j]] == "a" or "a" in page.tags[j : page.end[j]]:
                    return True
    return False


def _images_under(layout: Layout, i: int) -> int:
    """How many different pictures stand under `i`."""
    page = layout.page
    images = [j for j in page.images(i)[:_MANY] if page.tags[page.parent[j]] != "noscript"]
    if len(images) < 2:
        return len(images)
    return len({picture_key(page.attr(j, "data-src") or page.attr(j, "src")) for j in images})


def _is_picture_page(layout: Layout, link: int) -> bool:
    """A link round a picture in a figure with a caption leads to its large version, not to another article."""
    page = layout.page
    i = link
    for _ in range(4):
        i = page.parent[i]
        if i <= layout.top:
            return False
        if page.tags[i] == "figure":
            return any(page.tags[j] == "figcaption" for j in range(i, min(page.end[i], i + _BOX)))
    return False
