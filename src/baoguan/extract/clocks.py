"""The outlet's clocks of a page: JSON-LD, metas, <time>, visible text, URL, in this order."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from baoguan.extract.dateline import dates_around, shown_dates
from baoguan.extract.dom import Page
from baoguan.extract.harvest import Head, strings
from baoguan.extract.layout import Layout
from baoguan.model.article import Clock
from baoguan.text.dates import parse_date

_PUBLISHED_TEXT = """article:published_time og:article:published_time og:published_time datepublished date.published
    parsely-pub-date sailthru.date dc.date.issued dcterms.created dc.date.created dcterms.date dc.date
    publishdate publish-date publish_date pubdate published_time publication_date article_date_original
    originalpublicationdate cxenseparse:recs:publishtime cxenseparse:publishtime vr:published_time
    article.published rnews:datepublished weibo:article:create_at apub:time firstpublishtime date ptime
    bytedance:published_time datecreated article:post_date last-published article:published firstpublishedtime
    pdate dateupdate"""
_PUBLISHED = tuple(_PUBLISHED_TEXT.split())
_MODIFIED_TEXT = """article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified last-modified
    lastmod article:update_date modified_time cxenseparse:modifiedtime weibo:article:update_at"""
_MODIFIED = tuple(_MODIFIED_TEXT.split())
_ERA = re.compile(r"(令和|平成|民國|民国)\s*(\d{1,3}|元)\s*年")
_ERA_START = {"令和": 2018, "平成": 1988, "民國": 1911, "民国": 1911}
_DAY_FIRST = re.compile(r"^(\d{1,2})([/.-])\s?(\d{1,2})\2\s?((?:19|20)\d\d)(?!\d)(.*)$", re.DOTALL)
_NO_DAY = re.compile(r"\d{4}(?:-\d{1,2})?")
_HALF = re.compile(r"(上午|下午|午前|午後|오전|오후)\s*(\d{1,2})\s*[:：時时点]\s*(\d{1,2})")
_URL = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-/_.]?(0[1-9]|1[0-2])[-/_.]?(0[1-9]|[12]\d|3[01])(?!\d)|/((?:19"
    r"|20)\d\d)/(\d{1,2})/(\d{1,2})/"
)
_UPDATED = re.compile(r"updat|modif|更新|修改|aktualisiert|actuali[sz]|mis à jour|修正|изменен|編集", re.IGNORECASE)
_SCRIPTED = re.compile(
    r"\b(?:var ct|(?:first_?)?publish(?:ed)?_?(?:time|date|at|on)|pub_?(?:time|date)|create_?time)"
    r"[\\\"']*\s*[:=]\s*[\\\"']*"
    r"(1\d{9}(?:\d{3})?(?!\d)|(?:19|20)\d\d[-/]?\d\d[-/]?\d\d(?!\d)[^\"'\\<,;]{0,20})",
    re.IGNORECASE,
)
_EARLIEST = 1900
_APART = timedelta(days=2)
_MANY = 40
_MAX_SCRIPT = 500_000
_Read = Callable[[str, str], Clock | None]


def zone_of(name: str) -> tzinfo | None:
    """The IANA zone of that name, None when there is none."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def read_clock(text: str, source: str, zone: tzinfo | None, *, month_first: bool = False) -> Clock | None:
    """One clock from one string, in any form that text.dates reads, and the Japanese and day-first ones.

    A year or a month alone is none: it would be told as their first day. `month_first`: 3/4/2020 is in March.
    """
    text = _plain_form(text.strip(), month_first=month_first)
    if _NO_DAY.fullmatch(text):
        return None
    read = parse_date(text, zone=zone)
    if read is None or read.at.year < _EARLIEST:
        return None
    return Clock(at=read.at, source=source, zone_assumed=read.zone_assumed, precision=read.precision)


def _plain_form(text: str, *, month_first: bool) -> str:
    text = text.replace("：", ":").replace("\u3000", " ").replace("\xa0", " ")
    if era := _ERA.search(text):
        year = _ERA_START[era[1]] + (1 if era[2] == "元" else int(era[2]))
        text = f"{text[: era.start()]}{year}年{text[era.end() :]}"
    if day := _DAY_FIRST.match(text):
        first, second = int(day[1]), int(day[3])
        if second > 12 or (month_first and day[2] == "/" and first <= 12):
            first, second = second, first
        text = f"{day[4]}-{second:02d}-{first:02d}{day[5].replace(' - ', ' ').replace('h', ':')}"
    if half := _HALF.search(text):
        hour = int(half[2]) % 12 + (12 if half[1] in ("下午", "午後", "오후") else 0)
        text = f"{text[: half.start()]} {hour:02d}:{half[3]}{text[half.end() :]}"
    return re.sub(r"\s*[(（][^\d)）]{1,9}[)）]\s*", " ", text)


def published_clock(
    layout: Layout, head: Head, near: tuple[int, int], around: tuple[int, int], url: str, zone: tzinfo | None
) -> Clock | None:
    """When the outlet says that it published. `near`: the nodes from the headline to the body's first paragraph;
    `around`: those of the whole article.
    """
    read = partial(read_clock, zone=zone, month_first=_is_american(layout.page, head))
    clock = _choose(_stated(layout.page, head, near), None, read)
    if clock and not _is_day(clock):
        return clock
    lines, sentences = shown_dates(layout, near)
    if clock := _choose([(text, "text") for text in lines], clock, read):
        return clock
    named = _url_clock(url, head, zone)
    for texts in (
        dates_around(layout, *around, head.meta("og:title") or head.title),
        _scripted(layout.page),
        sentences,
    ):
        if shown := _shown_clock(texts, named, read):
            return shown
    return named


def _is_american(page: Page, head: Head) -> bool:
    """Whether a page is written for the United States, which put the month first."""
    stated = page.attr(0, "lang") or head.meta("og:locale")
    return stated.strip().lower().replace("_", "-") == "en-us"


def _choose(stated: list[tuple[str, str]], day: Clock | None, read: _Read) -> Clock | None:
    """The first clock with a time of day, if it fits the first day that was stated; else that day."""
    for text, source in stated:
        clock = read(text, source)
        if clock is None:
            continue
        if _is_day(clock):
            day = day or clock
        elif day is None or abs(clock.at - day.at) <= _APART:
            return clock
    return day


def _shown_clock(texts: list[str], named: Clock | None, read: _Read) -> Clock | None:
    """The first clock of texts; where the address names a day, only one that fits and says more."""
    for text in texts:
        clock = read(text, "text")
        if clock and not (named and (clock.precision == "day" or abs(clock.at - named.at) > _APART)):
            return clock
    return None


def modified_clock(head: Head, zone: tzinfo | None) -> Clock | None:
    """When the outlet says that it modified."""
    for text in strings(head.ld.get("dateModified")):
        if clock := read_clock(text, "jsonld", zone):
            return clock
    for name in _MODIFIED:
        for text in head.metas.get(name, ()):
            if clock := read_clock(text, "meta", zone):
                return clock
    return None


def _is_day(clock: Clock) -> bool:
    """Whether a clock says no time of day: a midnight without a zone doesn't."""
    at: datetime = clock.at
    return clock.precision == "day" or (clock.zone_assumed and not (at.hour or at.minute or at.second))


def _stated(page: Page, head: Head, near: tuple[int, int]) -> list[tuple[str, str]]:
    """Machine-readable strings, best first."""
    found = [
        (text, "jsonld")
        for key in ("datePublished", "dateCreated", "uploadDate")
        for text in strings(head.ld.get(key), "@value")
    ]
    for name in _PUBLISHED:
        found += [(text, "meta") for text in head.metas.get(name, ())]
    if not any(source == "jsonld" for _, source in found):
        for thing in head.things[:40]:
            found += [(text, "jsonld") for text in strings(thing.get("datePublished"), "@value")]
    found += _timed(page, near)
    if not found:
        found = _marked_up(page)
        for thing in head.things[:40]:
            found += [(text, "jsonld") for text in strings(thing.get("uploadDate"), "@value")]
    return found


def _timed(page: Page, near: tuple[int, int]) -> list[tuple[str, str]]:
    """What <time> elements say, those near the headline first."""
    times = sorted(page.found["time"], key=lambda i: not near[0] <= i < near[1])
    published: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for i in times[:12]:
        value = page.attr(i, "datetime") or page.attr(i, "content")
        if not value:
            continue
        label = f"{page.attr(i, 'itemprop')} {page.attr(i, 'class')} {page.attr(page.parent[i], 'class')}"
        (others if _UPDATED.search(label) else published).append((value, "time"))
    return published[:4] + others[:2]


def _marked_up(page: Page) -> list[tuple[str, str]]:
    """Microdata on any element, and hAtom's <abbr class="published" title="...">."""
    dated = [i for i in page.found["abbr"][:_MANY] if "published" in page.attr(i, "class").split()]
    found = [(value, "time") for i in dated if (value := page.attr(i, "title"))]
    for i, attrs in enumerate(page.data if "datePublished" in page.source else ()):
        if isinstance(attrs, dict) and "itemprop" in attrs and "datePublished" in (attrs["itemprop"] or ""):
            value = page.attr(i, "content") or page.attr(i, "datetime") or page.attr(i, "title")
            found += [(value, "time")] if value else []
    return found[:_MANY]


def _scripted(page: Page) -> list[str]:
    """What the scripts that are no JSON call a time of publishing (WeChat says it nowhere else)."""
    found: list[str] = []
    for start, stop in page.others[:_MANY]:
        found += [match[1] for match in _SCRIPTED.finditer(page.source, start, min(stop, start + _MAX_SCRIPT))]
        if len(found) > _MANY:
            break
    return found[:_MANY]


def _url_clock(url: str, head: Head, zone: tzinfo | None) -> Clock | None:
    match = _URL.search(url) or _URL.search(head.canonical) or _URL.search(head.meta("og:url"))
    if match is None:
        return None
    year, month, day = (match[1], match[2], match[3]) if match[1] else (match[4], match[5], match[6])
    clock = read_clock(f"{year}-{int(month):02d}-{int(day):02d}", "url", zone)
    return msgspec.structs.replace(clock, precision="day", zone_assumed=True) if clock else None
