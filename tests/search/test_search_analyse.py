"""The analyser: what it folds, and that phrases of bigrams are substrings."""

import re
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.search.analyse import CJK, COMMON, analyse, fold, index_text, phrase, tokens, variants


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("網絡安全", "网络安全"),
        ("ＧＤＰ　５％", "gdp 5%"),
        ("ﾃﾚﾋﾞ", "テレビ"),
        ("佐々木", "佐佐木"),
        ("Straße", "strasse"),
        ("，：；", ",:;"),
        ("乾\0隆", "干 隆"),
    ],
)
def test_fold(text: str, folded: str):
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("中国经济", ["中国", "国经", "经济"]),
        ("长", ["长"]),
        ("在GDP增长", ["在", "gdp", "增长"]),
        ("中国GDP", ["中国", "国", "gdp"]),
        ("G7峰会", ["g7", "峰会"]),
        ("don't stop", ["don", "t", "stop"]),
        ("北京，上海", ["北京", "上海"]),
        ("ゼレンスキー・大統領", ["ゼレ", "レン", "ンス", "スキ", "キー", "大统", "统领"]),
        ("우크라이나", ["우크", "크라", "라이", "이나"]),
        ("…!?", []),
    ],
)
def test_tokens(text: str, found: list[str]):
    assert tokens(fold(text)) == found


def test_traditional_words_of_taiwan_are_those_of_the_mainland_too():
    assert variants("網路") == ("网路", "网络")
    assert variants("网路") == ("网路",)
    assert variants("程式") == ("程式",)


def test_a_lone_first_character_stands_apart():
    asked = phrase(fold("部：台湾增加"))
    assert (asked.lone, asked.tokens, asked.prefix) == ("部", ("台湾", "湾增", "增加"), False)
    assert phrase(fold("在GDP")).lone == ""
    assert phrase("增").prefix


def test_characters_that_only_end_runs_are_indexed():
    words = index_text("他很霸").split()
    assert "霸" in words
    assert "霸" not in index_text("霸权霸").split()


def test_no_phrase_reaches_over_a_gap():
    """Found by chance: the bigrams of 中国家 stand in 中国，国家 in order."""
    for text in ("中国，国家", "中中 中中"):
        query = text[:2] + text[-1]
        found, asked = tokens(text), tokens(query)
        assert not any(found[at : at + len(asked)] == asked for at in range(len(found)))
    assert tokens("中国，国家") == tokens("中国 国家")


HAN = st.text(alphabet="中国经济长霸gdp5 ，。", max_size=30)


@given(HAN, st.text(alphabet="中国经济长霸", min_size=2, max_size=5))
def test_a_phrase_is_a_substring(text: str, query: str):
    """Bigrams that stand in order are the substring itself, whatever surrounds it."""
    indexed, asked = index_text(fold(text)).split(), tokens(fold(query))
    size = len(asked)
    by_phrase = any(indexed[at : at + size] == asked for at in range(len(indexed) - size + 1))
    assert by_phrase == (query in text)


@given(st.text(max_size=200))
def test_anything_is_analysed(text: str):
    folded = fold(text)
    assert all(" " not in token for token in tokens(folded))
    assert index_text(folded) == index_text(folded)


@given(st.text(alphabet="中国家国長々ーa1 ,。ab\U00020000\ud800ꀀﬀ", max_size=30))
def test_bigrams_are_the_neighbours_of_each_run(text: str):
    """Against the plain way: neighbours added one by one."""
    found: list[str] = []
    tail = ""
    for run in re.findall(f"[{CJK}]+|[^\\W_{CJK}]+", text):
        if run < "\u2e80":
            found += [tail, run]
            tail = ""
        elif len(run) > 1:
            found += [tail] if tail == run[0] else []
            found += map(add, run, run[1:])
            tail = run[-1]
        else:
            found.append(run)
            tail = ""
    found = [token for token in found if token]
    assert tokens(text) == found
    text_alone, common, ends = analyse(text)
    assert text_alone.split() == found
    assert common == {char for char in text if char in COMMON}
    whole = index_text(text)
    alone = whole.partition(" \ue000 ")[2].split() if "\ue000" in whole else []
    assert all(not any(token.startswith(char) for token in found) for char in alone)
    assert ends == set(alone)
    assert whole.split(" \ue000 ")[0].split() == found
