"""Four languages, one table: no key, placeholder or template word may be missing in one of them."""

import re
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from importlib.resources import files

import pytest

from baoguan.errors import ConfigError
from baoguan.text.zones import zone_of
from baoguan.web.words import LANGUAGES, choose_language, flatten, known_language, words

WEB = files("baoguan.web")
TABLES = {lang: flatten(tomllib.loads((WEB / "locales" / f"{lang}.toml").read_text("utf-8"))) for lang in LANGUAGES}
TEMPLATES = {entry.name: entry.read_text("utf-8") for entry in (WEB / "templates").iterdir()}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_every_key_filled(lang: str) -> None:
    assert TABLES[lang].keys() == TABLES["en"].keys()
    assert not [key for key, text in TABLES[lang].items() if not text.strip()]
    for key, text in TABLES[lang].items():
        if key.startswith("date."):
            continue  # each language needs other parts of a date
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", TABLES["en"][key])), key
    assert len(TABLES[lang]["date.months"].split()) == 12
    assert len(TABLES[lang]["date.weekdays"].split()) == 7


def test_translations_are_in_their_own_script() -> None:
    for lang in ("zh-Hans", "zh-Hant", "ja"):
        same = [key for key, text in TABLES[lang].items() if text == TABLES["en"][key]]
        assert same == [], f"{lang} still speaks English"
    assert re.search("[ぁ-ん]", TABLES["ja"]["about.what"])
    assert "新聞" in TABLES["zh-Hant"]["site.tagline"]
    assert "新闻" in TABLES["zh-Hans"]["site.tagline"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_holds_words_of_its_own(name: str) -> None:
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", TEMPLATES[name], flags=re.S)
    spoken = re.findall(r'(?:alt|title|aria-label|placeholder)="([^"]*)"', text)
    # commands and the program's name are the same in every language
    text = re.sub(r"<code>[^<]*</code>", "", text)
    spoken.append(re.sub(r"<[^>]*>", " ", text))
    assert not re.search(r"[^\W\d_]", " ".join(spoken)), spoken


def test_every_key_that_a_template_names_exists_and_every_key_is_named() -> None:
    source = "".join(TEMPLATES.values()) + "".join(
        entry.read_text("utf-8") for entry in WEB.iterdir() if entry.name.endswith(".py")
    )
    named = set(re.findall(r"""["']([a-z]+\.[a-z0-9_]*[a-z0-9])["']""", "".join(TEMPLATES.values())))
    asked = {key for key in named if key.split(".")[0] in {known.split(".")[0] for known in TABLES["en"]}}
    assert asked - {"empty.html", "outlet.html"} <= TABLES["en"].keys()
    built = (
        "language.",
        "date.",
        "kind.",
        "lost.",
        "article.cause_",
        "article.to_",
        "about.",
        "error.",
        "outlet.",
        "change_kind.",
        "changes.reason_",
        "search.note_",
        "search.help_",
        "offline.key_",
        *(f"my.{name}_" for name in ("act", "age", "do", "has", "note", "show", "wrong")),
    )
    unused = [key for key in TABLES["en"] if not key.startswith(built) and key not in source]
    assert unused == []


@pytest.mark.parametrize(
    ("tag", "lang"),
    [
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh_TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-Hant-CN", "zh-Hant"),
        ("zh-Hans-TW", "zh-Hans"),
        ("ja-JP", "ja"),
        ("EN-gb", "en"),
        ("fr", ""),
        ("", ""),
        ("../../etc", ""),
    ],
)
def test_known_language(tag: str, lang: str) -> None:
    assert known_language(tag) == lang


@pytest.mark.parametrize(
    ("asked", "cookie", "accept", "chosen"),
    [
        ("ja", "en", "zh", "ja"),
        ("xx", "zh-Hant", "en", "zh-Hant"),
        ("", "", "fr, zh-TW;q=0.8, en;q=0.9", "en"),
        ("", "", "zh-TW,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("", "", "en;q=0, ja;q=0.1", "ja"),
        ("", "", "fr;q=x, *", "en"),
        ("", "", "", "en"),
    ],
)
def test_choose_language(asked: str, cookie: str, accept: str, chosen: str) -> None:
    assert choose_language(asked, cookie, accept, "en") == chosen


def test_days_and_moments_in_words() -> None:
    at = datetime(2023, 7, 11, 17, 42, tzinfo=timezone(timedelta(hours=8)))
    assert words("zh-Hans").day(at.date()) == "2023年7月11日 星期二"
    assert words("ja").day(at.date()) == "2023年7月11日（火）"
    assert words("en").day(date(2024, 2, 29)) == "Thursday, 29 February 2024"
    assert words("en").moment(at) == "11 July 2023 17:42 (UTC+8)"
    assert words("zh-Hant").moment(at.astimezone(UTC)) == "2023年7月11日 09:42 (UTC)"


@pytest.mark.parametrize(("name", "minutes"), [("UTC+8", 480), ("+05:30", 330), ("GMT-3", -180), ("Asia/Tokyo", 540)])
def test_zones(name: str, minutes: int) -> None:
    assert datetime(2024, 1, 1, tzinfo=zone_of(name)).utcoffset() == timedelta(minutes=minutes)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "UTC+99"])
def test_unknown_zones_are_named(name: str) -> None:
    with pytest.raises(ConfigError, match="zone"):
        zone_of(name)
