"""The pictures of an article, each with caption and credit, one rendition each."""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote, urljoin, urlsplit

from baoguan.extract.layout import Layout
from baoguan.extract.tokens import CAPTION, CREDIT, FOREIGN, JUNK, words_of
from baoguan.text.pictures import choose_source, size_of

Resolve = Callable[[str], str]

_SMALL = 100
_CAPTION_MAX = 2000
_NEAR = 30
_LOOSE = 40
_WRAPPER_MAX = 420.0
_CLIMB = 7
_BAD_WORDS = frozenset(
    "logo logos icon icons avatar avatars sprite emoji smiley spinner loader author authors byline profile badge flag flags "
    "headshot pixel tracking beacon qrcode gravatar rating star stars appstore googleplay bookmark".split()
)
_BAD_FILE = re.compile(
    r"(?:^|[/_.-])(?:logo|icon|avatar|sprite|spacer|blank|pixel|1x1|loading|placeholder|transparent|emoji|gravatar|qrcode|erweima|"
    r"btn|button|arrow|badge|google-?play|app-?store)s?(?:$|[/_.\d-])|\.svg(?:$|[?#])",
    re.IGNORECASE,
)
_FILE_WORDS = re.compile(r"[a-z]+")
_SIZE_SUFFIX = re.compile(
    r"(?:[_-]\d{2,4}x\d{2,4}|_w\d+(?:_r\d+)?(?:_s)?|_r\d+_s_w\d+|-scaled|@\dx)(?=\.\w+$|$)", re.IGNORECASE
)
_EXTENSION = re.compile(r"\.(?:webp|jpe?g|png|avif|gif)$", re.IGNORECASE)
_GENERIC = re.compile(
    r"w?\d+x?\d*|image|original|free|master.*|.*\bw_\d+.*|photo|default|large|medium|small|thumb", re.IGNORECASE
)
_INNER_URL = re.compile(r"(?:^|[?&/])(?:url|src|image|img)=([^&]+)|/(https?:/{1,2}[^?]+)")
_LAZY_NAME = re.compile(r"(?:lazy|data).*(?:src|url|image)|^data-(?:full|large|hi)", re.IGNORECASE)
_HEADINGS = frozenset(("h2", "h3", "h4", "h5"))
_CREDIT_TEXT = re.compile(
    r"(?:^|[\s(（\[|–—-])((?:photo(?:graph)?s?|image|picture|credit|foto|bild|crédits?|photo credit|source|©|\(c\)|图片来源|圖片來源|摄影|攝影|图源|写真|"
    r"getty images|ap photo|reuters|afp|epa)\b[^.。]{0,80})\s*[)）\]]?\s*$",
    re.IGNORECASE,
)
_IMAGE_LINK = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|[?#])", re.IGNORECASE)


class Figure:
    """One picture of the article. `start` and `stop` are the nodes that it takes the place of."""

    __slots__ = (
        "alt",
        "candidates",
        "caption",
        "credit",
        "height",
        "key",
        "lead",
        "link",
        "node",
        "start",
        "stop",
        "url",
        "width",
        "why",
    )

    def __init__(self, node: int, url: str) -> None:
        self.node = node
        self.start = node
        self.stop = node + 1
        self.url = url
        self.candidates: tuple[str, ...] = ()
        self.alt = self.caption = self.credit = self.link = self.key = self.why = ""
        self.width: int | None = None
        self.height: int | None = None
        self.lead = False


@lru_cache(maxsize=4096)
def picture_key(url: str) -> str:
    """What renditions of one photo share: the file name without size and format, with its folder when it is generic."""
    inner = _INNER_URL.search(unquote(url))
    path = urlsplit(inner[1] or inner[2]).path if inner else ""
    if not path or "." not in path:
        try:
            path = unquote(urlsplit(url).path)
        except ValueError:
            return url
    parts = [part for part in path.rstrip("/").split("/") if part]
    if not parts:
        return url
    name = _EXTENSION.sub("", _SIZE_SUFFIX.sub("", parts[-1]))
    if _GENERIC.fullmatch(name) or len(name) < 5:  # noqa: PLR2004
        name = "/".join([*parts[-3:-1], name])
    return name.lower()


def resolver(base: str) -> Resolve:
    """Makes references absolute; empty for what isn't a web address."""

    def resolve(value: str) -> str:
        value = value.strip()
        if value.startswith(("https://", "http://")):
            return value.replace(" ", "%20")
        if not value or value.startswith(("data:", "blob:", "about:", "javascript:", "#")):
            return ""
        try:
            url = urljoin(base, value)
        except ValueError:
            return ""
        return url if url.startswith(("http://", "https://")) else ""

    return resolve


def find_figures(
    layout: Layout, span: tuple[int, int], stated: frozenset[str], resolve: Resolve, page_url: str
) -> list[Figure]:
    """Pictures between two nodes that belong to the article, in order, one rendition each.

    `stated`: keys of the pictures that structured data give for the article; those are never foreign.
    """
    page = layout.page
    found: list[Figure] = []
    taken: dict[str, Figure] = {}
    for i in sorted([*page.found["img"], *page.found["amp-img"]]):
        if not span[0] <= i < span[1]:
            continue
        figure = _read_image(layout, i, resolve)
        if figure is None or (figure.key not in stated and _is_foreign(layout, figure, span[0], page_url, resolve)):
            continue
        _read_caption(layout, figure)
        known = taken.get(figure.key)
        if known is not None:
            if not known.caption and figure.caption:
                known.caption, known.credit = figure.caption, figure.credit
            continue
        taken[figure.key] = figure
        found.append(figure)
    return found


def _read_image(layout: Layout, i: int, resolve: Resolve) -> Figure | None:
    """The picture of an <img>, unless it is too small or named like furniture."""
    page = layout.page
    attrs = page.attrs(i)
    width, height = size_of(attrs.get("width")), size_of(attrs.get("height"))
    if (width is not None and 1 < width < _SMALL and (height or 0) < _SMALL) or width == 1 or height == 1:
        return None
    extra = []
    parent = page.parent[i]
    if page.tags[parent] == "picture":
        extra = [
            value
            for j in page.children(parent)
            if page.tags[j] == "source" and (value := page.attr(j, "srcset") or page.attr(j, "data-srcset"))
        ]
    url, candidates = choose_source(attrs, extra, resolve)
    if not url or _BAD_FILE.search(urlsplit(url).path[-120:]):
        url = next(
            (
                found
                for name, value in attrs.items()
                if value and _LAZY_NAME.search(name) and (found := resolve(value.split(" ")[0]))
            ),
            url,
        )
    if not url or _BAD_FILE.search(unquote(urlsplit(url).path[-120:])):
        return None
    if _BAD_WORDS.intersection(words_of(f"{attrs.get('class') or ''} {attrs.get('id') or ''}")):
        return None
    figure = Figure(i, url)
    figure.candidates = candidates
    figure.alt = " ".join((attrs.get("alt") or "").split())
    figure.width, figure.height = width, height
    figure.key = picture_key(url)
    return figure


def _is_foreign(layout: Layout, figure: Figure, low: int, page_url: str, resolve: Resolve) -> bool:
    """Whether a picture stands under junk, beside an author's name or in a link to another page."""
    page = layout.page
    i = page.parent[figure.node]
    steps = 0
    while i > layout.top and (i >= low or steps < _CLIMB):
        tag = page.tags[i]
        if tag not in ("picture", "button", "noscript") and i in layout.junk:
            own = layout.verdict[i]
            if own & FOREIGN or not own & JUNK:
                return page.tags[i] != "aside" or not _has_caption(layout, i)
        elif layout.verdict[i] & FOREIGN and tag not in ("picture", "article", "main") and i > low and steps < 4:
            return True
        if tag == "a" and steps < _CLIMB and _leads_away(layout, i, page_url, resolve):
            return True
        i = page.parent[i]
        steps += 1
    return _is_teaser(layout, figure.node)


def _has_caption(layout: Layout, i: int) -> bool:
    page = layout.page
    return any(
        page.tags[j] == "figcaption" or layout.verdict[j] & CAPTION for j in range(i, page.end[i]) if page.tags[j]
    )


def _leads_away(layout: Layout, link: int, page_url: str, resolve: Resolve) -> bool:
    """Whether a link round a picture goes to another page, not to a larger version of the picture."""
    href = layout.page.attr(link, "href")
    if not href or _IMAGE_LINK.search(href):
        return False
    target = resolve(href)
    if not target or target.split("#")[0] == page_url.split("#")[0]:
        return False
    return not _is_picture_page(layout, link)


def _is_teaser(layout: Layout, node: int) -> bool:
    """Whether the box round a single picture holds a linked heading: a teaser of another article."""
    page = layout.page
    i = node
    for _ in range(5):
        i = page.parent[i]
        if i <= layout.top or page.tags[i] in ("article", "main", "section", "body") or _images_under(layout, i) > 1:
            return False
        if _text_mass(layout, i) > 3 * _WRAPPER_MAX:
            return False
        for j in range(i, page.end[i]):
            if page.tags[j] in _HEADINGS and (
                page.tags[page.parent[j]] == "a" or any(page.tags[k] == "a" for k in range(j, page.end[j]))
            ):
                return True
    return False


def _images_under(layout: Layout, i: int) -> int:
    """How many different pictures stand under `i`."""
    page = layout.page
    stop = page.end[i]
    names = set()
    for j in page.found["img"]:
        if i <= j < stop and page.tags[page.parent[j]] != "noscript":
            names.add(picture_key(page.attr(j, "data-src") or page.attr(j, "src")))
    return len(names)


def _is_picture_page(layout: Layout, link: int) -> bool:
    """A link round a picture in a figure with a caption leads to its large version, not to another article."""
    page = layout.page
    i = link
    for _ in range(4):
        i = page.parent[i]
        if i <= layout.top:
            return False
        if page.tags[i] == "figure":
            return any(page.tags[j] == "figcaption" for j in range(i, page.end[i]))
    return False


def _read_caption(layout: Layout, figure: Figure) -> None:
    """Caption and credit: of the <figure>, else what is named caption right after it, else the text beside it."""
    page = layout.page
    wrapper = _wrapper(layout, figure)
    figure.start, figure.stop = wrapper, page.end[wrapper]
    caption_at = _first(layout, wrapper, CAPTION, "figcaption")
    credit_at = _first(layout, wrapper, CREDIT, "")
    if caption_at < 0:
        caption_at = _following(layout, figure)
        if caption_at >= 0 and credit_at < 0:
            credit_at = _first(layout, caption_at, CREDIT, "")
    if caption_at >= 0:
        figure.caption = page.text(caption_at)
    elif page.tags[wrapper] not in ("p", "a", "picture", "img"):
        figure.caption = _loose_text(layout, wrapper, credit_at)
    _split_credit(figure, page.text(credit_at)[:300] if credit_at >= 0 and credit_at != caption_at else "")


def _split_credit(figure: Figure, credit: str) -> None:
    caption = figure.caption
    figure.credit = credit
    if credit and caption.endswith(credit):
        caption = caption[: -len(credit)].rstrip(" |-–—/(（")
    elif credit and caption.startswith(credit) and len(caption) > len(credit):
        caption = caption[len(credit) :].lstrip(" |-–—/")
    elif not credit and (match := _CREDIT_TEXT.search(caption)):
        figure.credit = match[1].strip()
    figure.caption = caption[:_CAPTION_MAX].strip()


def _following(layout: Layout, figure: Figure) -> int:
    """An element named caption shortly after the picture, before any other picture or sentence; -1 when there is none."""
    page = layout.page
    stop = min(figure.stop + _NEAR, len(page.tags))
    for i in range(figure.stop, stop):
        tag = page.tags[i]
        if tag == "figcaption" or (tag and layout.verdict[i] & CAPTION and tag not in ("img", "figure", "picture")):
            return i if 0 < len(page.text(i)) <= _CAPTION_MAX and not _holds_image(layout, i) else -1
        if tag in ("img", "p", "h2", "article") or (not tag and len(str(page.data[i]).strip()) > _LOOSE):
            return -1
    return -1


def _holds_image(layout: Layout, i: int) -> bool:
    return any(layout.page.inside(j, i) for j in layout.page.found["img"])


def _wrapper(layout: Layout, figure: Figure) -> int:
    """The element that is this picture and its caption, nothing else."""
    page = layout.page
    best = i = figure.node
    images = page.found["img"]
    for _ in range(_CLIMB):
        up = page.parent[i]
        if up <= layout.top or page.tags[up] in ("body", "article", "main"):
            break
        if page.tags[up] == "figure":
            return up
        others = sum(1 for j in images if up <= j < page.end[up])
        if others > 1 and not _same_picture(layout, up):
            break
        if _text_mass(layout, up) > _WRAPPER_MAX:
            break
        i = up
        if page.tags[up] != "p" or layout.verdict[up] & CAPTION or not _text_mass(layout, up):
            best = up
    for _ in range(_CLIMB):
        up = page.parent[i]
        if up <= layout.top or page.tags[up] in ("body", "article", "main", "section"):
            break
        if page.tags[up] == "figure" and sum(1 for j in images if up <= j < page.end[up]) < 4:  # noqa: PLR2004
            return best if _first(layout, best, CAPTION, "figcaption") >= 0 else up
        i = up
    return best


def _same_picture(layout: Layout, up: int) -> bool:
    """Whether all images under `up` but one stand in <noscript> or are placeholders."""
    page = layout.page
    real = 0
    for j in page.found["img"]:
        if up <= j < page.end[up]:
            src = page.attr(j, "src")
            real += bool(src) and not src.startswith("data:") and page.tags[page.parent[j]] != "noscript"
    return real <= 1


def _text_mass(layout: Layout, i: int) -> float:
    page = layout.page
    return float(sum(len(page.data[j].strip()) for j in range(i, page.end[i]) if not page.tags[j]))  # type: ignore[union-attr]


def _first(layout: Layout, i: int, bit: int, tag: str) -> int:
    """The first element under `i` with that tag, else with that bit in its names; -1 when there is none."""
    page = layout.page
    named = -1
    for j in range(i + 1, page.end[i]):
        name = page.tags[j]
        if not name:
            continue
        if name == tag:
            return j
        if named < 0 and layout.verdict[j] & bit and name not in ("img", "picture", "source") and page.text(j):
            named = j
    return named


def _loose_text(layout: Layout, wrapper: int, credit_at: int) -> str:
    """Text beside a picture in its wrapper, without buttons and the credit."""
    page = layout.page
    pieces = []
    j = wrapper + 1
    while j < page.end[wrapper]:
        if j == credit_at or (
            page.tags[j] and (j in layout.junk or page.tags[j] in ("button", "script", "style", "noscript"))
        ):
            j = page.end[j]
            continue
        if not page.tags[j]:
            pieces.append(str(page.data[j]))
        j += 1
    return " ".join(" ".join(pieces).split())
