"""Snippets: marks in the script that stands there."""

from hypothesis import given
from hypothesis import strategies as st

from baoguan.search.snippet import Passage, find_marks, snippet


def marked(text: str, *queries: str) -> list[str]:
    return [text[low:high] for low, high in find_marks(text, queries)]


def test_marks_are_in_the_original_script():
    assert marked("台灣的網路安全", "网路") == ["網路"]
    assert marked("我们的网络安全", "網路") == ["网络"]
    assert marked("ＧＤＰ增长5％", "gdp增长") == ["ＧＤＰ增长"]
    assert marked("㍻の时代、平成", "平成") == ["㍻", "平成"]


def test_letters_are_whole_words():
    assert marked("law, lawyer, LAW", "law") == ["law", "LAW"]


def test_a_snippet_stands_around_the_first_match():
    text = "开头。" * 100 + "后来拜登说了话。" + "结尾。" * 100
    pieces = snippet(text, ["拜登"], width=40)
    assert ("拜登", True) in pieces
    assert pieces[0] == ("…", False)
    assert pieces[-1] == ("…", False)
    assert len("".join(piece for piece, _ in pieces)) <= 44


def test_without_a_match_it_is_the_beginning():
    assert snippet("开头。中间。", ["没有"]) == [("开头。中间。", False)]


@given(st.text(max_size=80), st.text(max_size=6))
def test_pieces_are_the_text(text: str, query: str):
    spans = find_marks(text, [query])
    assert all(0 <= low < high <= len(text) for low, high in spans)
    snippet(text, [query], width=20)


def test_a_passage_gives_the_same_snippets_again():
    texts = [
        "國家" * 3 + "ｗｉｄｅ ｔｅｘｔ。" * 40 + "國家的網路",
        "㎏" * 30 + "中国，国家" * 400,
        "x" * 4000 + "国家",
        "",
    ]
    for text in texts:
        passage = Passage(text)
        for queries in (["国家"], ["网络", "wide"], ["国"], ["kg", "中国"], ["nothing"], []):
            assert passage.snippet(queries) == snippet(text, queries) == passage.snippet(iter(queries))
            marks = find_marks(text, queries)
            shown = [piece for piece, marked in passage.snippet(queries, width=10**6) if marked]
            assert shown == [text[low:high] for low, high in marks]
        assert passage.size_bytes >= 2 * len(text)
