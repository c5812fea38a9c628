"""Captions and credits: which text beside a picture is about it."""

import re

from baoguan.extract.layout import Layout
from baoguan.extract.picture import Figure
from baoguan.extract.tokens import CAPTION, CREDIT

WRAPPER_MAX = 420
"""Characters in the box of a picture and its caption."""
_CLIMB = 7
_BOX = 400
"""Nodes in such a box; what is larger isn't one (and would cost time)."""
_SHARED = 3
_CREDIT_TEXT = re.compile(
    r"(?:^|[\s(（\[|–—-])((?:photo(?:graph)?s?|image|picture|credit|foto|bild|crédits?|photo credit|source|©"
    r"|\(c\)|图片来源|圖片來源|摄影|攝影|图源|写真|"
    r"getty images|ap photo|reuters|afp|epa)\b[^.。]{0,80})\s*[)）\]]?\s*$",
    re.IGNORECASE,
)
_CAPTION_MAX = 2000
_CREDIT_MAX = 300
_READ = 20_000
"""Characters beside a picture that are read, white space and all."""
_NEAR = 30
_LOOSE = 40


def read_caption(layout: Layout, figure: Figure) -> None:
    """Caption and credit: of the <figure>, else what is named caption right after it, else the text beside it."""
    page = layout.page
    wrapper = _wrapper(layout, figure)
    figure.start, figure.stop = wrapper, page.end[wrapper]
    if figure.stop - wrapper > _BOX:
        # An element of an outlet's own that was never closed: the rest of the page stands in it.
        figure.stop = wrapper + 1
        return
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
    split_credit(figure, page.text(credit_at)[:300] if credit_at >= 0 and credit_at != caption_at else "")


def split_credit(figure: Figure, credit: str) -> None:
    """Takes the credit, given or at its end, out of the caption."""
    caption = figure.caption
    figure.credit = credit
    if credit and caption.endswith(credit):
        caption = caption[: -len(credit)].rstrip(" |-–—/(（")
    elif credit and caption.startswith(credit) and len(caption) > len(credit):
        caption = caption[len(credit) :].lstrip(" |-–—/")
    elif not credit and (match := _CREDIT_TEXT.search(caption[-_CREDIT_MAX:])):
        figure.credit = match[1].strip()
    figure.caption = caption[:_CAPTION_MAX].strip()


def _following(layout: Layout, figure: Figure) -> int:
    """An element named caption shortly after the picture, before another picture or sentence; else -1."""
    page = layout.page
    stop = min(figure.stop + _NEAR, len(page.tags))
    for i in range(figure.stop, stop):
        tag = page.tags[i]
        if tag == "figcaption" or (tag and layout.verdict[i] & CAPTION and tag not in ("img", "figure", "picture")):
            return i if 0 < len(page.text(i)) <= _CAPTION_MAX and not page.images(i) else -1
        if tag in ("img", "p", "h2", "article") or (not tag and len(str(page.data[i]).strip()) > _LOOSE):
            return -1
    return -1


def _wrapper(layout: Layout, figure: Figure) -> int:
    """The element that is this picture and its caption, nothing else."""
    page = layout.page
    best = i = figure.node
    for _ in range(_CLIMB):
        up = page.parent[i]
        if up <= layout.top or page.end[up] - up > _BOX or page.tags[up] in ("body", "article", "main"):
            return best
        if page.tags[up] == "figure":
            return up
        if page.inside(layout.heading, up):
            # A short article is itself no longer than a caption: a lone picture's box would take all of it.
            return best
        if (len(page.images(up)) > 1 and not _same_picture(layout, up)) or layout.said_under(up) > WRAPPER_MAX:
            break
        i = up
        if page.tags[up] != "p" or layout.verdict[up] & CAPTION or not layout.said_under(up):
            best = up
    for _ in range(_CLIMB):
        up = page.parent[i]
        if up <= layout.top or page.end[up] - up > _BOX or page.tags[up] in ("body", "article", "main", "section"):
            break
        if page.tags[up] == "figure" and len(page.images(up)) <= _SHARED:
            return best if _first(layout, best, CAPTION, "figcaption") >= 0 else up
        i = up
    return best


def _same_picture(layout: Layout, up: int) -> bool:
    """Whether all images under `up` but one stand in <noscript> or are placeholders."""
    page = layout.page
    real = 0
    for j in page.images(up):
        src = page.attr(j, "src")
        real += bool(src) and not src.startswith("data:") and page.tags[page.parent[j]] != "noscript"
    return real <= 1


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
    pieces: list[str] = []
    size = 0
    j = wrapper + 1
    while j < page.end[wrapper] and size < _READ:
        if j == credit_at or (
            page.tags[j] and (j in layout.junk or page.tags[j] in ("button", "script", "style", "noscript"))
        ):
            j = page.end[j]
            continue
        if not page.tags[j]:
            pieces.append(str(page.data[j])[:_READ])
            size += len(pieces[-1])
        j += 1
    return " ".join(" ".join(pieces).split())
