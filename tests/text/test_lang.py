"""Languages by script."""

import pytest

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
