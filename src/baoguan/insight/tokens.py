"""A text as the units in which people see it change: characters of Chinese and Japanese, words of others, numbers."""

import re
import unicodedata
from functools import lru_cache

from baoguan.text.sameness import fold

_CJK = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_NUMERALS = "〇零一二三四五六七八九十百千万萬亿億兆两兩"
_TOKEN = re.compile(
    # Most of a Chinese text by the first branch: the others would be tried in vain for each character.
    rf"(?:(?![{_NUMERALS}数數几幾])[{_CJK}]|[0-9０-９]+(?:[,.，．:：][0-9０-９]+)*[%％‰]?|[数數几幾]?[{_NUMERALS}]{{2,}}|[数數几幾][{_NUMERALS}]"
    rf"|(?:(?![{_CJK}])[^\W\d_])+(?:['’\-](?:(?![{_CJK}])[^\W\d_])+)*|\S)\s*"
)
_VALUE = {**{char: value for value, char in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2, "兩": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_NUMBER = re.compile(rf"[0-9][0-9,.:]*[%‰]?|[数數几幾]?[{_NUMERALS}]+")


def split_tokens(text: str) -> list[str]:
    """Units with the white space behind them; every character but leading white space stands in one."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=1 << 15)
def token_key(token: str) -> str:
    """The token folded: equal keys are no change."""
    return fold(token)


@lru_cache(maxsize=1 << 14)
def number_value(key: str) -> str:
    """What a number token says, in one notation, so that 三千 and 3,000 are one figure; empty for other tokens."""
    if not _NUMBER.fullmatch(key):
        return ""
    if key[0].isascii():
        return key.replace(",", "").rstrip(".:")
    if key[0] in "数數几幾":
        return key
    if len(key) > 1 and all(char in _VALUE for char in key):
        return "".join(str(_VALUE[char]) for char in key)
    return str(_spoken(key))


def _spoken(text: str) -> int:
    total = section = digit = 0
    for char in text:
        if char in _VALUE:
            digit = _VALUE[char]
        elif char in _SMALL:
            section += (digit or 1) * _SMALL[char]
            digit = 0
        else:
            total += (section + digit or 1) * _LARGE[char]
            section = digit = 0
    return total + section + digit


def is_word(key: str) -> bool:
    """Whether a token is more than punctuation."""
    return any(unicodedata.category(char)[0] in "LN" for char in key)


@lru_cache(maxsize=1 << 15)
def weight(key: str) -> int:
    """How much a reader sees change: a character of Chinese or Japanese is 1, a word or number 2, a mark 0."""
    if not is_word(key):
        return 0
    return 1 if len(key) == 1 else 2
