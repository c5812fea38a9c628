"""Dates as outlets write them, to aware instants that keep the publisher's offset."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

import msgspec


class ReadDate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An instant as it was written."""

    at: datetime
    """Aware; the writer's own offset."""
    zone_assumed: bool = False
    """No usable zone was written and `zone` of parse_date was taken."""
    precision: str = "second"
    """second, minute or day."""


_DIGIT = re.compile(r"\d")
_ISO = re.compile(
    r"([+-]?\d{4})(?:[-/.年]\s*(\d{1,2}))?(?:[-/.月]\s*(\d{1,2})日?)?"
    r"(?:(?:\s*[Tt_,]\s*|\s+|-(?=\d\d:\d\d:\d\d))(\d{1,2})\s*[:.時时点]\s*(\d{1,2})分?(?:[:.]?(\d{1,2})秒?(?:[.,:](\d{1,9}))?)?)?"
    r"\s*(.*)$",
    re.DOTALL,
)
_RFC822 = re.compile(
    r"(?:[A-Za-z]{3}, ?)?([0-3]?[0-9]) ([A-Za-z]{3}) ([12][0-9]{3}) ([0-2][0-9]:[0-5][0-9]:[0-5][0-9])"
    r" (?:([+-][0-9]{2}[0-5][0-9])|GMT|UTC|Z)\Z"
)
_RFC3339 = re.compile(r"[12]\d{3}-\d\d-\d\dT[012]\d:\d\d:[0-5]\d(?:\.\d{3}(?:\d{3})?)?(?:Z|[+-]\d\d:[0-5]\d)$")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[Tt ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?\s*(Z|[+-]\d{2}:?\d{2})?$")
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})(?:[Tt](\d{2}):?(\d{2})(?::?(\d{2}))?\s*(.*))?$", re.DOTALL)
_WEEK = re.compile(r"(\d{4})-?W(\d{2})(?:-?(\d))?$")
_EPOCH = re.compile(r"(\d{10})(?:\.\d+|(\d{3}))?$")
_TIME = re.compile(
    r"(?<![\d:+\-])(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?(?![\d:])\s*(am|pm|a\.m\.|p\.m\.|上午|下午|오전|오후)?",
    re.IGNORECASE,
)
_MERIDIEM = re.compile(r"(上午|下午|오전|오후)")
_ZONE = re.compile(r"(?:(?:GMT|UTC|UT)\s*)?([+-])\s?(\d{1,2}):?(\d{2})?(?!\d)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_DAY_NUMBER = re.compile(r"(?<![\d:])\d{1,4}(?![\d:])")
_YEAR = re.compile(r"(?<![\d:+\-])\d{4}(?![\d:])")
_CJK_DATE = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일號号]?")
_CJK_TIME = re.compile(r"(\d{1,2})\s*[時时点點시]\s*(\d{1,2})\s*[分분]?(?:\s*(\d{1,2})\s*[秒초])?")
_SHORT_YEAR = re.compile(r"(\d{2})-(\d{1,2})(?:-(\d{1,2}))?$")

_MONTH_WORDS = (  # English, Greek, Hungarian, what differs in German, Romance and Slavic languages and Dutch; then
    # Finnish, Turkish, Indonesian, Ukrainian, Arabic as in Cairo and as in Damascus, Hebrew
    "jan ιαν január janv ene gen янв ledn stycz ianu tammi ocak січ يناير ינואר",
    "feb φεβ februári február fév fev фев únor luty luteg helmi şub лют فبراير شباط פברואר",
    "mar μάώ μαώ μαρ μάρ március mär mrz mrt мар břez maali бере مارس آذار מרץ",
    "apr απρ áprili április avr abr апр dubn kwie huhti nisan квіт أبريل ابريل إبريل نيسان אפריל",
    "may μάι μαϊ μαι máujus május mai mag mei мая май maj květ touko трав مايو أيار ايار מאי",
    "jun ιούν ιον ιουν június juin giu июн červn červen czerw iuni kesä hazir черв يونيو حزيران יוני",
    "jul ιούλ ιολ ιουλ július juil lug июл července červenec lipc iuli heinä temmuz липн يوليو تموز יולי",
    "aug αύγ αυγ augusztus aoû aou ago авг srpn sierp elok ağu agust серп أغسطس اغسطس آب אוגוסט",
    "sep σεπ szeptember set сен zář wrześ syysk eyl вере سبتمبر أيلول ايلول ספטמבר",
    "oct οκτ október okt out ott окт říj paźdz lokak ekim жовт أكتوبر اكتوبر אוקטובר",
    "nov νοέ νοε november ноя listop noie marras kasım нояб листоп نوفمبر נובמבר",
    "dec δεκ december dez déc dic дек desem prosin grud joulu aralık груд ديسمبر דצמבר",
)
_MONTHS = {word: number for number, words in enumerate(_MONTH_WORDS, 1) for word in words.split()}
_TUESDAYS = frozenset(("martes", "mardi", "martedì", "martedi", "marți", "marti"))
"""They begin as March does."""
_ZONE_WORDS = {  # minutes east of Greenwich; single letters are military
    -720: "y",
    -660: "x",
    -600: "hst w",
    -540: "akst v",
    -480: "pst pt akdt u",
    -420: "mst mt pdt",
    -360: "cst ct mdt s",
    -300: "est et cdt r",
    -240: "edt ast q",
    -210: "nst",
    -180: "adt brt art p",
    -150: "ndt",
    -120: "o",
    -60: "n",
    0: "z ut utc gmt wet",
    60: "bst west cet met mez a",
    120: "cest mest mesz eet b",
    180: "eest msk c",
    240: "d",
    300: "e",
    330: "ist",
    360: "f",
    420: "ict wib g",
    480: "hkt sgt pht awst h",
    540: "jst kst i",
    570: "acst",
    600: "aest k",
    630: "acdt",
    660: "aedt l",
    720: "nzst m",
    780: "nzdt",
}
_ZONES = {word: minutes for minutes, words in _ZONE_WORDS.items() for word in words.split()}
_CHINA = 480
"""CST is China's time for outlets of Asia/Shanghai and its neighbours, Chicago's for all others."""
_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - only to ask a zone for its offset
_FIRST_YEAR, _LAST_YEAR = 1000, 2200
_LAST_HOUR = 24


def parse_date(text: str, *, zone: tzinfo | None = None) -> ReadDate | None:
    """Reads a date of a feed, page or header: RFC 822 and 850, asctime, ISO 8601 and cousins, epochs, CJK, Greek.

    `zone` is the outlet's own: it stands in where none is written (UTC when None) and settles what CST means.
    Returns None when the text holds no date. Two-digit years from 70 are of the last century; 24:00 and leap seconds
    roll over.
    """
    text = text.strip()[:200]
    try:
        found = _usual(text)
    except ValueError:
        found = None
    if found or not _DIGIT.search(text):
        return found
    try:
        return _general(text, zone)
    except (ValueError, OverflowError):
        return None


def _usual(text: str) -> ReadDate | None:
    """The two forms that nearly all feeds write, ten times as fast as the general way."""
    found = _RFC822.match(text)
    if found:
        day, word, year, time, offset = found.groups()
        month = _MONTHS.get(word) or _MONTHS.get(word.lower())
        if month is None:
            return None
        iso = f"{year}-{month:02}-{day:0>2}T{time}{offset or 'Z'}"  # the least that Python can be given to do
        return ReadDate(at=datetime.fromisoformat(iso))
    if _RFC3339.match(text):
        return ReadDate(at=datetime.fromisoformat(text))
    return None


@lru_cache(maxsize=256)
def _fixed(minutes: int) -> timezone:
    """The zone so many minutes east of Greenwich."""
    return timezone(timedelta(minutes=minutes)) if minutes else UTC


def _general(text: str, zone: tzinfo | None) -> ReadDate | None:
    if text[0].isdigit() or text[0] in "+-":
        found = _numeric(text, zone)
        if found:
            return found
    return _wordy(text, zone)


def _numeric(text: str, zone: tzinfo | None) -> ReadDate | None:
    epoch = _EPOCH.match(text)
    if epoch:
        return ReadDate(at=datetime.fromtimestamp(int(epoch[1]), UTC))
    compact = _COMPACT.match(text)
    if compact:
        year, month, day, hour, minute, second, rest = compact.groups()
        return _build((int(year), int(month), int(day)), (hour, minute, second), rest or "", zone)
    ordinal = _ORDINAL.match(text)
    if ordinal and 1 <= int(ordinal[2]) <= 366:
        first = datetime(int(ordinal[1]), 1, 1) + timedelta(days=int(ordinal[2]) - 1)  # noqa: DTZ001 - only the day is taken
        return _build(
            (first.year, first.month, first.day), (ordinal[3], ordinal[4], ordinal[5]), ordinal[6] or "", zone
        )
    week = _WEEK.match(text)
    if week:
        first = datetime.fromisocalendar(int(week[1]), int(week[2]), int(week[3] or 1))
        return _build((first.year, first.month, first.day), (None, None, None), "", zone)
    return _iso(text, zone)


def _iso(text: str, zone: tzinfo | None) -> ReadDate | None:
    found = _ISO.match(text)
    if not found:
        short = _SHORT_YEAR.match(text)
        return (
            _build((_year(short[1]), int(short[2]), int(short[3] or 1)), (None, None, None), "", zone)
            if short
            else None
        )
    year, month, day, hour, minute, second, fraction, rest = found.groups()
    if month is None and _DIGIT.search(rest):  # 2003 Jan 5, 2003년 1월 5일, 2003. január 5.
        return None
    micro = int(fraction[:6].ljust(6, "0")) if fraction else 0
    meridiem = _MERIDIEM.search(rest) if hour is None else None
    if meridiem or (hour is None and ":" in rest):
        return None
    return _build((int(year), int(month or 1), int(day or 1)), (hour, minute, second), rest, zone, micro)


def _wordy(text: str, zone: tzinfo | None) -> ReadDate | None:
    """Day, month and year in any order and language, the time recognised by its colons, the zone after the time."""
    cjk = _CJK_DATE.search(text)
    if cjk and (spelled := _CJK_TIME.search(text, cjk.end())):
        text = f"{text[: spelled.start()]}{':'.join(filter(None, spelled.groups()))}{text[spelled.end() :]}"
    time = _TIME.search(text)
    clock = _clock(time, text) if time else (None, None, None)
    rest = text[time.end() :] if time else ""
    before = text[: time.start()] if time else text
    if cjk:
        return _build((int(cjk[1]), int(cjk[2]), int(cjk[3])), clock, rest, zone)
    day = _calendar_day(before, rest)
    return _build(day, clock, rest, zone) if day else None


def _clock(time: re.Match[str], text: str) -> tuple[str | None, str | None, str | None]:
    hour = int(time[1])
    mark = _MERIDIEM.search(text)
    word = (time[4] or (mark[1] if mark else "")).lower().replace(".", "")
    if word in ("pm", "下午", "오후") and hour < 12:
        hour += 12
    if word in ("am", "上午", "오전") and hour == 12:
        hour = 0
    return str(hour), time[2], time[3]


def _calendar_day(before: str, after: str) -> tuple[int, int, int] | None:
    words = [word for word in _WORD.findall(f"{before} {after}") if _month(word)]
    if len(words) > 1 and words[0].lower() == "mar":  # Tuesday: mar. 5 janv. 2021
        del words[0]
    month = _month(words[0]) if words else None
    # asctime and `Thu, 01 Jan 12:00:00 2004 PST` write the year behind the time
    numbers = _DAY_NUMBER.findall(before) + _YEAR.findall(after)
    if month is None:
        return _numeric_day(numbers)
    if len(numbers) < 2:
        return None
    first, second = numbers[0], numbers[1]
    if len(first) == 4:
        return int(first), month, int(second)
    return _year(second), month, int(first)


def _numeric_day(numbers: list[str]) -> tuple[int, int, int] | None:
    """01/02/2004 is written by Americans, 15/02/2004 by all others; both are tried."""
    if len(numbers) < 3:
        return None
    first, second, third = numbers[:3]
    if len(first) == 4:
        return int(first), int(second), int(third)
    year = _year(third)
    return (year, int(second), int(first)) if int(first) > 12 else (year, int(first), int(second))


def _month(word: str) -> int | None:
    word = word.lower()
    if word in _TUESDAYS:
        return None
    for size in (len(word), 8, 6, 5, 4, 3):
        if word[:size] in _MONTHS:
            return _MONTHS[word[:size]]
    return None


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    return year + (1900 if year >= 70 else 2000)


def _build(
    day: tuple[int, int, int],
    clock: tuple[str | None, str | None, str | None],
    rest: str,
    zone: tzinfo | None,
    micro: int = 0,
) -> ReadDate | None:
    year, month, date = day
    if not _FIRST_YEAR <= year <= _LAST_YEAR or int(clock[0] or 0) > _LAST_HOUR:
        return None
    if month > 12 >= date:
        month, date = date, month
    hour, minute, second = (int(part) if part else 0 for part in clock)
    offset = _offset(rest, zone)
    # hour 24, minute 60 and leap seconds are written; timedelta carries them over
    midnight = datetime(year, month, date)  # noqa: DTZ001 - the zone follows
    naive = midnight + timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)
    precision = "day" if clock[0] is None else ("minute" if clock[2] is None else "second")
    if offset is None:
        return ReadDate(at=naive.replace(tzinfo=zone or UTC), zone_assumed=True, precision=precision)
    fixed = _fixed(offset)
    return ReadDate(at=naive.replace(tzinfo=fixed), precision=precision)


def _offset(rest: str, zone: tzinfo | None) -> int | None:
    """Minutes east of Greenwich of the zone in `rest`, the text behind the time; None when there is none."""
    rest = rest.strip()
    if not rest:
        return None
    numbers = _ZONE.search(rest)
    if numbers:
        minutes = int(numbers[2]) * 60 + int(numbers[3] or 0)
        if minutes <= 15 * 60:
            return -minutes if numbers[1] == "-" else minutes
    for word in _WORD.findall(rest):
        name = word.lower()
        if name == "cst" and zone is not None and zone.utcoffset(_ANY_DAY) == timedelta(minutes=_CHINA):
            return _CHINA
        if name in _ZONES:
            return _ZONES[name]
    return None
