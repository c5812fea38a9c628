"""The query language: what it means, and that nothing breaks it."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.model.search import All, Any, Field, Node, Not, Span, Text
from baoguan.search.query import parse_query

DAY = 86_400_000


def read(text: str) -> Node:
    return parse_query(text, UTC).root


def t(text: str, *, title: bool = False) -> Text:
    return Text(text=text, title=title)


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("拜登", t("拜登")),
        ("拜登 关税", All(parts=(t("拜登"), t("关税")))),
        ("拜登 AND 关税", All(parts=(t("拜登"), t("关税")))),
        ("拜登　关税", All(parts=(t("拜登"), t("关税")))),
        ("拜登 OR 特朗普", Any(parts=(t("拜登"), t("特朗普")))),
        ("拜登 | 特朗普", Any(parts=(t("拜登"), t("特朗普")))),
        ("a b OR c", Any(parts=(All(parts=(t("a"), t("b"))), t("c")))),
        ("a (b OR c)", All(parts=(t("a"), Any(parts=(t("b"), t("c")))))),
        ("（a OR b）c", All(parts=(Any(parts=(t("a"), t("b"))), t("c")))),
        ("拜登 -关税", All(parts=(t("拜登"), Not(part=t("关税"))))),
        ("拜登 NOT 关税", All(parts=(t("拜登"), Not(part=t("关税"))))),
        ("-关税", Not(part=t("关税"))),
        ('"wall street"', t("wall street")),
        ("「wall street」", t("wall street")),
        ("“wall street", t("wall street")),
        ("title:峰会", t("峰会", title=True)),
        ('title:"G7 峰会"', t("G7 峰会", title=True)),
        ("标题：峰会", t("标题:峰会")),
        ("http://x", t("http://x")),
        ("outlet:voa-zh", Field(name="outlet", value="voa-zh")),
        ("outlet：VOA-zh", Field(name="outlet", value="voa-zh")),
        ("outlet:a,b", Any(parts=(Field(name="outlet", value="a"), Field(name="outlet", value="b")))),
        ("-lang:ja", Not(part=Field(name="lang", value="ja"))),
        ("has:picture", Field(name="has", value="picture")),
        ("changed:yes", Field(name="changed", value="yes")),
        ("after:1970-01-02", Span(start_ms=DAY)),
        ("before:1970-01-02", Span(end_ms=DAY)),
        ("before:1970-02", Span(end_ms=31 * DAY)),
        ("changed:1970", Span(start_ms=0, end_ms=365 * DAY, edited=True)),
        ("", All()),
        ("()", All()),
        ("OR", All()),
        ("a OR", t("a")),
        ("NOT", All()),
        (") a (", t("a")),
        ("!!! …", All()),
        ("covid-19", t("covid-19")),
    ],
)
def test_meaning(query: str, meaning: Node):
    assert read(query) == meaning


@pytest.mark.parametrize(
    ("query", "note"),
    [("after:tomorrow", "date"), ("after:2023-99", "date"), ("has:money", "field"), ("x " * 300, "long")],
)
def test_what_is_not_understood_is_noted(query: str, note: str):
    assert note in parse_query(query, UTC).notes


def test_what_is_not_wanted_is_not_marked():
    assert parse_query("拜登 -关税 outlet:x", UTC).marks == ("拜登",)


@given(st.text(alphabet='ab中国()|-:" “”「」ORNTAD　：（）', max_size=60))
def test_nothing_breaks_it(query: str):
    parse_query(query, UTC)
