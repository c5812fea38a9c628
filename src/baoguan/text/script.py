"""Traditional and Simplified Chinese for who reads the other: converted when shown, never stored."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import opencc

SCRIPTS = {"hans": "tw2sp", "hant": "s2twp"}
"""What a reader may ask for, and OpenCC's name of the way there (with the words of Taiwan)."""
_TAG = re.compile(r"(<[^>]*>)")


@cache
def _converter(name: str) -> "opencc.OpenCC":
    import opencc

    return opencc.OpenCC(name)


def convert_text(text: str, script: str) -> str:
    """`text` in a script of SCRIPTS."""
    converted: str = _converter(SCRIPTS[script]).convert(text)
    return converted


def convert_html(html: str, script: str) -> str:
    """Sanitised HTML (no bare < in text) with its text in a script of SCRIPTS; tags and attributes stay as they are."""
    return "".join(part if part.startswith("<") else convert_text(part, script) for part in _TAG.split(html) if part)


def other_script(lang: str) -> str:
    """The script that a Chinese text of language `lang` can be shown in instead; empty for other languages."""
    tag = lang.lower()
    if tag.split("-")[0] not in ("zh", "cmn", "yue"):
        return ""
    return "hans" if {"hant", "tw", "hk", "mo"} & set(tag.split("-")) else "hant"
