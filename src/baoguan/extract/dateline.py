"""Dates that a page shows: between headline and text, and where nothing else says when, around the article.

Around it a date counts that stands alone or behind a word that says what it is (published, 发布时间, Stand), near the
article or in an element that is named for it. Of several the nearest wins; behind the article a dozen teasers have
dates too.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice

from baoguan.extract.dom import Page
from baoguan.extract.layout import Block, Layout
from baoguan.extract.likeness import normal
from baoguan.extract.tokens import FOREIGN, HARD, words_of

FULL_DATE = re.compile(
    r"(?:(?:19|20)\d\d\s*[-/.年년]\s*\d{1,2}\s*[-/.月월]\s*\d{1,2}\s*[日일]?"
    r"|(?:令和|平成|民國|民国)\s*(?:\d{1,3}|元)\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日"
    r"|(?<!\d)\d{1,2}/\d{1,2}/(?:19|20)\d\d(?!\d)|(?<![\d-])\d{1,2}-\d{1,2}-(?:19|20)\d\d(?![\d-])"
    r"|(?<!\d)\d{1,2}\.\s?\d{1,2}\.\s?(?:19|20)\d\d(?!\d)|(?<!\d)(?:19|20)\d\d\.\s+[^\W\d_]{3,12}\s+\d{1,2}\b"
    r"|(?<!\d)\d{1,2}(?:st|nd|rd|th|\.|er)?\s+(?:de\s+|of\s+)?[^\W\d_]{2,12}(?:/[^\W\d_]{2,12})?\.?,?\s+(?:de\s+)?(?:19|20)"
    r"\d\d(?!\d)|[^\W\d_]{3,12}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d(?!\d))"
    r"(?:\s*[(（][^\W\d_]{1,9}[)）])?"
    r"(?:\s*(?:[-–|,·Tt@]|at|um|às|à|kl\.?|ore|上午|下午|午前|午後|오전|오후)?\s*,?\s*(?:上午|下午|午前"
    r"|午後)?\s*\d{1,2}\s*[:：時时点點h시]\s*\d{1,2}\s*(?:[分분]|:\d\d)?\s*(?:[ap]\.?m\.?)?"
    r"(?:\s*(?:Z|GMT|UTC|JST|KST|[ECMP][SD]T|CES?T|[+-]\d\d:?\d\d))?)?",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"publi|post(?:ed|ado)|veröffentlicht|erstellt|geschrieben|written|gespeichert|stand\b|date|datum|fecha|updat|aktualisiert|created|modif"
    r"|submitted|issued|gepost|geplaatst|opublikowan|发布|發布|发表|發表|时间|時間|日期|更新|公開|掲載|配信|投稿|입력|승인"
    r"|등록|опубликован|新聞|نشر|تحديث",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:^|[^a-z])(?:date|datum|datetime|pubdate|pubtime|time|timestamp|publish|published|posted|submitted|created"
    r"|dateline|byline|meta|postmeta|fecha|shijian|riqi|stand|release)(?:[^a-z]|$)|[a-z](?:Date|Time|Datum)(?![a-z])",
)
_YEAR = re.compile(r"(?:19|20)\d\d|令和|平成|民[國国]")
_TIME = re.compile(r"[:：時时点點h시]")
_SITE_TEXT = (
    "header masthead topbar top banner toolbar current today heute aujourd hoy weather ticker clock heutiges dangqian"
)
_SITE = frozenset(_SITE_TEXT.split())
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W_]")
_MAX_TEXT = 160
_MAX_NODES = 200
_READ = 2000
"""Nodes and characters of an element that is read for each of its texts."""
_SENTENCE = 100
"""Mass of a block that is a sentence and no line with author, source and date."""
_BESIDE = 24
"""Letters and digits beside a date that stands alone: a weekday, a place, a name."""
_NEAR, _FAR = 300, 4000
"""Characters of text between a date and the article, without and with a name or label."""
_BEHIND = 3.0
"""What a character behind the article counts for: dates stand before it."""
_UNNAMED = 40.0
"""Characters that a date without name or label is taken to be further away."""
_MOST = 12
_TITLE = 12
"""Letters of the title that are looked for."""
_LOOKED = 300
"""Dates that are looked at: a table may have thousands."""


class _Anchor:
    """What boxes of the article hold, and the top of every page doesn't: its headline, shown as a heading or not, or
    the end of its text.
    """

    __slots__ = ("_key", "_known", "_nodes", "_page")

    def __init__(self, layout: Layout, span: tuple[int, int], title: str) -> None:
        self._page = layout.page
        self._nodes = (layout.heading if layout.heading > layout.top else span[0], span[1])
        self._key = normal(title)[:_TITLE]
        self._known: dict[int, bool] = {}

    def is_in(self, i: int) -> bool:
        """Whether an element holds it."""
        if any(self._page.inside(node, i) for node in self._nodes):
            return True
        if i not in self._known:
            short = self._key and _is_short(self._page, i)
            self._known[i] = bool(short) and self._key in normal(self._page.text(i))
        return self._known[i]


def shown_dates(layout: Layout, near: tuple[int, int]) -> tuple[list[str], list[str]]:
    """Strings that look like a date from the headline to the first paragraph: those of lines, those of sentences."""
    page, blocks = layout.page, layout.blocks
    lines: list[str] = []
    sentences: list[str] = []
    start, stop = near
    for i in range(max(0, start), min(stop, len(page.tags))):
        if page.tags[i]:
            continue
        text = str(page.data[i])
        if len(text) > 4 and _DIGIT.search(text):
            up = page.parent[i]
            joined = page.text(up) if _is_short(page, up) else ""
            if not joined or len(joined) > _MAX_TEXT:
                joined = " ".join(text.split())
            joined = joined[:_MAX_TEXT]
            n = bisect_right(layout.firsts, i) - 1
            mass = blocks[n].good if n >= 0 and blocks[n].last >= i else 0.0
            for match in FULL_DATE.finditer(joined):
                stated = mass <= _SENTENCE and (_TIME.search(match[0]) or _is_alone(joined, match))
                (lines if stated else sentences).append(match[0])
    return list(dict.fromkeys(lines))[:_MOST], list(dict.fromkeys(sentences))[:_MOST]


def _is_alone(text: str, match: re.Match[str]) -> bool:
    """Whether a line holds little else than a date, or says what it is."""
    if _LABEL.search(text, 0, match.start()):
        return True
    return len(_LETTER.findall(text)) - len(_LETTER.findall(match[0])) <= _BESIDE


def _is_short(page: Page, i: int) -> bool:
    """Whether an element can be read for each of its texts: it is looked at once for each of them."""
    stop = page.end[i]
    return stop - i < _MAX_NODES and sum([len(page.data[j]) for j in range(i, stop) if not page.tags[j]]) < _READ


def dates_around(layout: Layout, begin: int, end: int, title: str) -> list[str]:
    """Strings that look like a date around the article, which stands at the nodes `begin` to `end`, nearest first.

    `title`: of the page, by which a top with the article's headline is told from the top of every page.
    """
    blocks = layout.blocks
    anchor = _Anchor(layout, (begin, end - 1), title)
    found = [
        (away, n, match.start(), match[0])
        for n, far, match in islice(_dated(layout, begin, end), _LOOKED)
        if (away := _distance(layout, blocks[n], match, far, anchor)) is not None
    ]
    return list(dict.fromkeys(text for *_, text in sorted(found)))[:_MOST]


def _dated(layout: Layout, begin: int, end: int) -> Iterator[tuple[int, float, re.Match[str]]]:
    """The dates in short blocks: the block's number, how far it stands from the article, the date."""
    blocks = layout.blocks
    before = [0, *accumulate([len(block.text) for block in blocks])]
    first, last = bisect_left(layout.firsts, begin), bisect_left(layout.firsts, end)
    low = bisect_left(before, before[first] - _FAR)
    high = bisect_left(before, before[last] + _FAR / _BEHIND)
    for n in range(low, min(high, len(blocks))):
        text = blocks[n].text
        if len(text) > _MAX_TEXT or not _YEAR.search(text):
            continue
        far = before[first] - before[n + 1] if n < first else _BEHIND * (before[n] - before[last]) if n >= last else 0.0
        for match in FULL_DATE.finditer(text):
            yield n, far, match


def _distance(layout: Layout, block: Block, match: re.Match[str], far: float, anchor: _Anchor) -> float | None:
    """How far away a date stands, None where it is no date of the article."""
    if not _is_alone(block.text, match):
        return None
    labelled = _LABEL.search(block.text, 0, match.start()) is not None
    named = _is_named(layout, block, anchor)
    if named is None:
        return None
    if named or labelled:
        return far
    return far + _UNNAMED if far <= _NEAR else None


def _is_named(layout: Layout, block: Block, anchor: _Anchor) -> bool | None:
    """Whether an element close above is named for a date; None where it belongs to other articles, to comments, or to
    the top of every page, which shows today's date: that of the visit, another one each time.
    """
    page, named = layout.page, False
    i, steps = page.parent[block.first], 0
    while i > layout.top:
        if page.tags[i] in ("footer", "option", "select") or layout.verdict[i] & HARD:
            return None
        if _is_of_the_site(page, i) and not anchor.is_in(i):
            return None
        if layout.verdict[i] & FOREIGN and not _is_named_for_it(page, i):
            return None
        named = named or (steps < 3 and _is_named_for_it(page, i))
        i, steps = page.parent[i], steps + 1
    return named


def _is_of_the_site(page: Page, i: int) -> bool:
    if page.tags[i] in ("header", "nav"):
        return True
    attrs = page.attrs(i)
    return any((name := attrs.get(key)) and not _SITE.isdisjoint(words_of(name)) for key in ("class", "id"))


def _is_named_for_it(page: Page, i: int) -> bool:
    attrs = page.attrs(i)
    return page.tags[i] == "time" or any(
        _NAMED.search(name) is not None for key in ("class", "id", "itemprop") if (name := attrs.get(key))
    )
