"""Languages by script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.text import lang
from baoguan.text.lang import detect_language


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("日本首相岸田文雄周二与乌克兰总统会晤", "", "zh-Hans"),
        ("臺北時間今日下午國發會說明", "zh-Hans", "zh-Hant"),
        ("東京都は新たに感染者を確認した", "zh-Hans", "ja"),
        ("서울시는 오늘 발표했다", "zh-Hans", "ko"),
        ("The prime minister said on Tuesday", "zh-Hans", "en"),
        ("Le premier ministre", "fr", "fr"),
        ("", "zh-Hant", "zh-Hant"),
    ],
)
def test_detected(text: str, hint: str, language: str) -> None:
    assert detect_language(text, hint) == language


@given(st.text(alphabet="这個们来國a，中の說说", min_size=1, max_size=12))
def test_where_both_standards_mix_their_characters_are_counted(text: str) -> None:
    simplified = sum(bool(lang._ONLY_SIMPLIFIED.match(char)) for char in text)
    traditional = sum(bool(lang._ONLY_TRADITIONAL.match(char)) for char in text)
    wanted = "zh" if simplified == traditional else "zh-Hans" if simplified > traditional else "zh-Hant"
    assert detect_language(f"中{text}".replace("の", "中")) == wanted
