"""The outlet's clocks of a page: JSON-LD, metas, <time>, visible text, URL, in this order."""

import re
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from baoguan.extract.dom import Page
from baoguan.extract.harvest import Head, strings
from baoguan.model.article import Clock
from baoguan.text.dates import parse_date

_PUBLISHED_TEXT = """article:published_time og:article:published_time og:published_time datepublished date.published
    parsely-pub-date sailthru.date dc.date.issued dcterms.created dc.date.created dcterms.date dc.date
    publishdate publish-date publish_date pubdate published_time publication_date article_date_original
    originalpublicationdate cxenseparse:recs:publishtime cxenseparse:publishtime vr:published_time
    article.published rnews:datepublished weibo:article:create_at apub:time firstpublishtime date ptime
    bytedance:published_time datecreated article:post_date last-published"""
_PUBLISHED = tuple(_PUBLISHED_TEXT.split())
_MODIFIED_TEXT = """article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified last-modified
    lastmod article:update_date modified_time cxenseparse:modifiedtime weibo:article:update_at"""
_MODIFIED = tuple(_MODIFIED_TEXT.split())
_FULL = re.compile(
    r"(?:(?:19|20)\d\d\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?|令和\s*(?:\d{1,2}|元)\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日"
    r"|平成\s*(?:\d{1,2}|元)\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日|(?<!\d)\d{1,2}/\d{1,2}/(?:19|20)\d\d"
    r"|(?<!\d)\d{1,2}\.\s?\d{1,2}\.\s?(?:19|20)\d\d"
    r"|(?:(?<!\d)\d{1,2}(?:st|nd|rd|th|\.)?\s+)?(?:de\s+)?[^\W\d_]{3,12}\.?\s+(?:de\s+)?(?:\d{1,2}(?:st|nd|rd"
    r"|th)?,?\s+)?(?:19|20)\d\d(?!\d))"
    r"(?:\s*[(（][^\W\d_]{1,9}[)）])?"
    r"(?:\s*(?:[-–|,·Tt@]|at|um|às|à|kl\.?|ore|上午|下午|午前|午後|オ)?\s*,?\s*(?:上午|下午|午前"
    r"|午後)?\s*\d{1,2}\s*[:：時时点h]\s*\d{1,2}\s*(?:分|:\d\d)?\s*(?:[ap]\.?m\.?)?"
    r"(?:\s*(?:Z|GMT|UTC|JST|KST|[ECMP][SD]T|CES?T|[+-]\d\d:?\d\d))?)?",
    re.IGNORECASE,
)
_ERA = re.compile(r"(令和|平成)\s*(\d{1,2}|元)\s*年")
_ERA_START = {"令和": 2018, "平成": 1988}
_DAY_FIRST = re.compile(r"^(\d{1,2})([/.])\s?(\d{1,2})\2\s?((?:19|20)\d\d)\b(.*)$", re.DOTALL)
_HALF = re.compile(r"(上午|下午|午前|午後|오전|오후)\s*(\d{1,2})\s*[:：時时点]\s*(\d{1,2})")
_TIME_LEFT = re.compile(r"\d{1,2}[:：]\d{2}")
_URL = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-/_.]?(0[1-9]|1[0-2])[-/_.]?(0[1-9]|[12]\d|3[01])(?!\d)|/((?:19"
    r"|20)\d\d)/(\d{1,2})/(\d{1,2})/"
)
_UPDATED = re.compile(r"updat|modif|更新|修改|aktualisiert|actuali[sz]|mis à jour|修正|изменен|編集", re.IGNORECASE)
_EARLIEST = 1900
_NOT_TIMES = ("comment", "related", "sidebar", "footer")
_DIGIT = re.compile(r"\d")
_MAX_TEXT = 160
_MAX_NODES = 200
_READ = 2000
"""Nodes and characters of an element that is read for each of its texts."""


def zone_of(name: str) -> tzinfo | None:
    """The IANA zone of that name, None when there is none."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def read_clock(text: str, source: str, zone: tzinfo | None) -> Clock | None:
    """One clock from one string, in any form that text.dates reads, and the Japanese and day-first ones."""
    text = _plain_form(text.strip())
    read = parse_date(text, zone=zone)
    if read is None or read.at.year < _EARLIEST:
        return None
    return Clock(at=read.at, source=source, zone_assumed=read.zone_assumed, precision=read.precision)


def _plain_form(text: str) -> str:
    text = text.replace("：", ":").replace("\u3000", " ").replace("\xa0", " ")
    if era := _ERA.search(text):
        year = _ERA_START[era[1]] + (1 if era[2] == "元" else int(era[2]))
        text = f"{text[: era.start()]}{year}年{text[era.end() :]}"
    if day := _DAY_FIRST.match(text):
        first, second = int(day[1]), int(day[3])
        if second > 12:
            first, second = second, first
        text = f"{day[4]}-{second:02d}-{first:02d}{day[5].replace(' - ', ' ').replace('h', ':')}"
    if half := _HALF.search(text):
        hour = int(half[2]) % 12 + (12 if half[1] in ("下午", "午後", "오후") else 0)
        text = f"{text[: half.start()]} {hour:02d}:{half[3]}{text[half.end() :]}"
    return re.sub(r"\s*[(（][^\d)）]{1,9}[)）]\s*", " ", text)


def published_clock(page: Page, head: Head, near: tuple[int, int], url: str, zone: tzinfo | None) -> Clock | None:
    """When the outlet says that it published. `near`: the nodes from the headline to the body's first paragraph."""
    day: Clock | None = None
    for text, source in _stated(page, head, near):
        clock = read_clock(text, source, zone)
        if clock is None:
            continue
        if clock.precision != "day" and not _is_midnight(clock):
            if day is not None and abs((clock.at - day.at).total_seconds()) > 2 * 86_400:
                continue
            return clock
        day = day or clock
    for text in _visible(page, near):
        clock = read_clock(text, "text", zone)
        if clock is None:
            continue
        if day is None or (clock.precision != "day" and abs((clock.at - day.at).total_seconds()) < 2 * 86_400):
            if clock.precision != "day":
                return clock
            day = day or clock
    return day or _url_clock(url, zone)


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


def _is_midnight(clock: Clock) -> bool:
    at: datetime = clock.at
    return clock.zone_assumed and not (at.hour or at.minute or at.second)


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
    times = sorted(page.found["time"], key=lambda i: not near[0] <= i < near[1])
    published: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for i in times[:12]:
        value = page.attr(i, "datetime") or page.attr(i, "content")
        if not value:
            continue
        label = f"{page.attr(i, 'itemprop')} {page.attr(i, 'class')} {page.attr(page.parent[i], 'class')}"
        (others if _UPDATED.search(label) else published).append((value, "time"))
    return found + published[:4] + others[:2]


def _visible(page: Page, near: tuple[int, int]) -> list[str]:
    """Strings that look like a date between the headline and the first paragraph, and shortly before the headline."""
    found: list[str] = []
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
            found += [match[0] for match in _FULL.finditer(joined[:_MAX_TEXT])]
    return list(dict.fromkeys(found))[:12]


def _is_short(page: Page, i: int) -> bool:
    """Whether an element can be read for each of its texts: it is looked at once for each of them."""
    stop = page.end[i]
    return stop - i < _MAX_NODES and sum([len(page.data[j]) for j in range(i, stop) if not page.tags[j]]) < _READ


def _url_clock(url: str, zone: tzinfo | None) -> Clock | None:
    match = _URL.search(url)
    if match is None:
        return None
    year, month, day = (match[1], match[2], match[3]) if match[1] else (match[4], match[5], match[6])
    clock = read_clock(f"{year}-{int(month):02d}-{int(day):02d}", "url", zone)
    return msgspec.structs.replace(clock, precision="day", zone_assumed=True) if clock else None
