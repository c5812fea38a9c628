"""The reader's words: one table of keys in four languages, and the choice among them."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files

LANGUAGES = {"zh-Hans": "简体中文", "zh-Hant": "繁體中文", "ja": "日本語", "en": "English"}
"""UI languages, each by its own name."""


class Words:
    """The words of one language; `words("front.previous", day=...)` fills a sentence in."""

    def __init__(self, lang: str, table: Mapping[str, str]) -> None:
        self.lang = lang
        self._table = table
        self._months = table["date.months"].split()
        self._weekdays = table["date.weekdays"].split()

    def __call__(self, key: str, **values: object) -> str:
        """The sentence under `key`; a missing key is a KeyError, so that a test sees it."""
        text = self._table[key]
        return text.format(**values) if values else text

    def either(self, group: str, name: str, default: str) -> str:
        """The word group.name, else the one under `default`: for states that newer records may bring."""
        return self._table.get(f"{group}.{name}") or self._table[default]

    def language(self, tag: str) -> str:
        """The name of a language tag in this language; the tag itself when it has none here."""
        return self._table.get(f"language.{tag}") or self._table.get(f"language.{tag.partition('-')[0]}") or tag

    def day(self, day: date, key: str = "date.day") -> str:
        """A calendar day, with its weekday by default."""
        return self._table[key].format(
            y=day.year, m=day.month, d=day.day, month=self._months[day.month - 1], weekday=self._weekdays[day.weekday()]
        )

    def moment(self, at: datetime) -> str:
        """A day, a time to the minute and its offset from UTC."""
        return f"{self.day(at, 'date.short')} {at.hour:02}:{at.minute:02} ({offset(at)})"


def offset(at: datetime) -> str:
    """UTC+8, UTC-3:30, UTC."""
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def flatten(table: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """section.key -> words."""
    return {f"{section}.{key}": text for section, keys in table.items() for key, text in keys.items()}


@cache
def words(lang: str) -> Words:
    """The words of one of LANGUAGES."""
    text = (files("baoguan.web") / "locales" / f"{lang}.toml").read_text("utf-8")
    return Words(lang, flatten(tomllib.loads(text)))


def known_language(tag: str) -> str:
    """The UI language that a BCP 47 tag asks for, empty when there is none: zh-TW, zh-HK, zh-MO ask for zh-Hant."""
    parts = tag.strip().lower().replace("_", "-").split("-")
    if parts[0] in ("zh", "cmn", "yue"):
        return "zh-Hant" if "hans" not in parts and {"hant", "tw", "hk", "mo"} & set(parts) else "zh-Hans"
    return parts[0] if parts[0] in LANGUAGES else ""


def choose_language(asked: str, cookie: str, accept: str, default: str) -> str:
    """The UI language: ?lang=, then the cookie, then Accept-Language by its weights, then the default."""
    for tag in (asked, cookie):
        if found := known_language(tag[:35]):
            return found
    return _accepted(accept[:500]) or default


@lru_cache(512)  # browsers send a few hundred such headers in all
def _accepted(accept: str) -> str:
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")):
        tag, _, weight = part.partition(";")
        if found := known_language(tag):
            try:
                quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
            except ValueError:
                continue
            if quality > 0:
                ranked.append((-quality, place, found))
    return min(ranked)[2] if ranked else ""
