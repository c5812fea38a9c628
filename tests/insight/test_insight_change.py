"""Diff and kinds of a change: real wording of newsrooms, made up here."""

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baoguan.insight.change import compare_versions
from baoguan.insight.compare import Budget, hunks
from baoguan.insight.misreading import misreading
from baoguan.insight.tokens import number_value, split_tokens
from baoguan.model.change import EDITS, Comparison, Row, Version
from baoguan.text.sameness import still_lines

BODY = (
    "港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客 3,000 人次。",
    "局长林海在记者会上说：“我们会按时完工，绝不超出预算，也绝不降低标准。”",
    "工程自去年春天开始，历时十八个月，共有四百名工人参与建设。",
    "附近居民对噪音表示担忧，当局承诺夜间不再施工。",
)


def version(*lines: str, title: str = "新码头七月启用", **fields: object) -> Version:
    return Version(title=title, text="\n".join(lines or BODY), **fields)  # type: ignore[arg-type]


def edited(number: int, old: str, new: str) -> Version:
    lines = list(BODY)
    assert old in lines[number]
    lines[number] = lines[number].replace(old, new)
    return version(*lines)


def marked(row: Row) -> tuple[str, str]:
    def side(spans: tuple) -> str:
        return "".join(f"[{span.text.strip()}]" if span.changed else span.text for span in spans)

    return side(row.before), side(row.after)


KINDS = [
    (
        "headline",
        version(title="新码头七月启用"),
        version(title="新码头推迟到九月启用"),
        {"headline", "figure", "wording"},
    ),
    ("figure", version(), edited(2, "四百", "三百"), {"figure"}),
    ("figure-digits", version(), edited(0, "3,000", "2,500"), {"figure", "lead"}),
    ("figure-unit", version("损失达5万元，多名员工离职。"), version("损失达5亿元，多名员工离职。"), {"figure", "lead"}),
    ("one figure in two notations", version(), edited(2, "四百", "400"), {"typo"}),
    ("quote", version(), edited(1, "绝不超出预算", "尽量控制预算"), {"quote", "wording"}),
    ("removal", version(), version(*BODY[:3]), {"removal"}),
    ("addition", version(*BODY[:3]), version(), {"addition"}),
    ("lead", version(), edited(0, "港口管理局", "港务局"), {"lead", "wording"}),
    ("typo", version(), edited(3, "噪音", "燥音"), {"typo"}),
    ("a negation is no typo", version(), edited(3, "不再施工", "再施工"), {"wording"}),
    ("order", version(), version(BODY[0], BODY[2], BODY[3], BODY[1]), {"order"}),
    (
        "correction",
        version(),
        version(*BODY, "更正：本文此前版本误称码头已经启用。"),
        {"correction", "addition"},
    ),
    (
        "correction-ja",
        version(),
        version(*BODY, "【訂正】記事中の人数に誤りがありました。"),
        {"correction", "addition"},
    ),
    (
        "correction-en",
        version("The pier opens in July."),
        version("The pier opens in July.", "An earlier version of this article misstated the date of the opening."),
        {"correction", "addition"},
    ),
    ("author", version(authors=("林海",)), version(authors=("陈山",)), {"author"}),
    ("authors in another order", version(authors=("A B", "C D")), version(authors=("C D", "a b")), set()),
    ("date", version(published="2026-03-14T08:00:00+08:00"), version(published="2026-03-15T08:00:00+08:00"), {"date"}),
    ("zone", version(published="2026-03-14T08:00:00+08:00"), version(published="2026-03-14T00:00:00+00:00"), set()),
    ("day known better", version(published="2026-03-14"), version(published="2026-03-14T00:00:00+00:00"), set()),
    (
        "picture",
        version(pictures=(("https://a/x.jpg", "1"),)),
        version(pictures=(("https://a/x.jpg", "2"),), swapped=("https://a/x.jpg",)),
        {"picture"},
    ),
    (
        "picture encoded anew",
        version(pictures=(("https://a/x.jpg", "1"),)),
        version(pictures=(("https://a/x.jpg", "2"),)),
        set(),
    ),
    (
        "a picture further down",
        version(pictures=(("https://a/x.jpg", "1"), ("https://a/y.jpg", "2"))),
        version(pictures=(("https://a/x.jpg", "1"), ("https://a/y.jpg", "3")), swapped=("https://a/y.jpg",)),
        {"picture"},
    ),
    (
        "another picture",
        version(pictures=(("https://a/x.jpg", "1"),)),
        version(pictures=(("https://a/z.jpg", "2"),)),
        {"picture"},
    ),
    (
        "same picture moved",
        version(pictures=(("https://a/x.jpg", "1"),)),
        version(pictures=(("https://b/y", "1"),)),
        set(),
    ),
    (
        "another rendition",
        version(pictures=(("https://a/x_w900.jpg", "1"),)),
        version(pictures=(("https://a/x_w300.webp?v=2", "2"),)),
        set(),
    ),
    ("nothing", version(), version(), set()),
]


@pytest.mark.parametrize(("before", "after", "kinds"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS])
def test_kinds(before: Version, after: Version, kinds: set[str]) -> None:
    found = compare_versions(before, after)
    assert set(found.kinds) == kinds
    assert list(found.kinds) == sorted(found.kinds, key=EDITS.index)
    assert found == compare_versions(before, after)


NOISE = [
    ("relative time", ("3 小时前",), ("26 分钟前",)),
    ("relative time in words", ("刚刚",), ("半小时前",)),
    ("relative, English", ("Updated 5 minutes ago",), ("Updated 2 hours ago",)),
    ("relative, Japanese", ("3時間前",), ("1日前",)),
    ("view counter", ("阅读 1,204 · 评论 3",), ("阅读 9.8万 · 评论 412",)),
    ("view counter, English", ("1,204 views",), ("2,018 views | 12 comments",)),
    ("live clock", ("北京时间 2026年11月23日 星期一 07:30:12",), ("北京时间 2026年11月23日 星期一 09:01:44",)),
    ("advert", ("广告",), ()),
    ("advert, English", ("Advertisement",), ()),
    ("reading time", ("5 min read",), ("6 min read",)),
    ("byline with time", ("BBC中文 3 小时前",), ("BBC中文 5 小时前",)),
]


@pytest.mark.parametrize(("before", "after"), [row[1:] for row in NOISE], ids=[row[0] for row in NOISE])
def test_noise_is_no_edit(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    one, other = version(*before, *BODY), version(*after, *BODY)
    found = compare_versions(one, other)
    assert found.kinds == ()
    assert misreading(one, other, found) == "noise"


@pytest.mark.parametrize(
    ("old", "new"),
    [("“", "「"), ("，", ","), ("3,000", "３,０００"), ("。", "。 "), ("局长林海", "局长 林海"), ("：", ":")],
)
def test_form_is_no_edit(old: str, new: str) -> None:
    text = "\n".join(BODY)
    assert old in text
    assert compare_versions(version(), Version(title="新码头七月启用", text=text.replace(old, new))).kinds == ()


def test_paragraphs_broken_elsewhere_are_no_edit() -> None:
    assert compare_versions(version(), version(BODY[0] + BODY[1], BODY[2] + BODY[3])).kinds == ()


def test_a_time_within_a_sentence_counts() -> None:
    before, after = "警方说，事故发生在 3 小时前。现场仍然封锁。", "警方说，事故发生在 5 小时前。现场仍然封锁。"
    assert "figure" in compare_versions(version(before), version(after)).kinds


def test_marks_are_readable() -> None:
    found = compare_versions(version(), edited(1, "绝不超出预算", "尽量控制预算"))
    (row,) = [row for row in found.rows if row.kind != "same"]
    assert marked(row) == (
        "局长林海在记者会上说：“我们会按时完工，[绝不超出]预算，也绝不降低标准。”",
        "局长林海在记者会上说：“我们会按时完工，[尽量控制]预算，也绝不降低标准。”",
    )


def test_english_by_words() -> None:
    before = version("The minister said the talks had failed and would not resume this year.", title="Talks")
    after = version("The minister said the talks had stalled and would resume next year.", title="Talks")
    found = compare_versions(before, after)
    (row,) = [row for row in found.rows if row.kind != "same"]
    assert "[failed]" in marked(row)[0]
    assert "[stalled]" in marked(row)[1]
    assert "typo" not in found.kinds


def test_a_moved_paragraph_is_told_once_on_each_side() -> None:
    found = compare_versions(version(), version(BODY[0], BODY[2], BODY[3], BODY[1]))
    moved = [row for row in found.rows if row.kind == "moved"]
    assert [bool(row.before) for row in moved] == [True, False]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (version(*BODY * 3), version("……"), "stub"),
        (version("见图"), version(*BODY * 3), "stub"),
        (
            version(
                "港口管理局宣布，新码头将于七月启用，更多消息稍后报道，请留意本台后续的新闻。" * 2,
                "记者 乔龙\xa0\xa0 责编 胡力",
            ),
            version(*BODY * 6),
            "",
        ),
        (version(*BODY * 6), version("记者 乔龙   责编 胡力"), "stub"),
        (
            version("港口管理局宣布，新码头将于七月启用，更多消息稍后报道，请留意本台后续的新闻。" * 2),
            version(*BODY * 6),
            "",
        ),
        (version(*BODY * 3), version("Just a moment... Enable JavaScript and cookies to continue"), "error"),
        (version(*BODY * 3), version(BODY[0], BODY[1], "订阅后阅读全文"), "paywall"),
        (version(*BODY * 3), version(*BODY, BODY[0][:20]), "truncated"),
        (version(*BODY), version(*BODY, "Tags: 港口, 码头", "相关阅读"), "template"),
        (version(*BODY), version(*BODY[:3]), ""),
        (version(*BODY), version(*[line.encode().decode("latin-1") for line in BODY]), "encoding"),
    ],
)
def test_misreadings(before: Version, after: Version, reason: str) -> None:
    assert misreading(before, after, compare_versions(before, after)) == reason


def test_template_lines_of_an_outlet() -> None:
    one, other = version(*BODY), version(*BODY, "听更多新闻请至本报平台")
    found = compare_versions(one, other)
    assert misreading(one, other, found) == ""
    assert misreading(one, other, found, template={"听更多新闻请至本报平台"}) == "template"


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("三千", "3000"),
        ("3,000", "3000"),
        ("二〇二六", "2026"),
        ("十八", "18"),
        ("一百零五", "105"),
        ("两万三千", "23000"),
        ("50.4%", "50.4%"),
        ("数十", "数十"),
        ("人", ""),
        ("Covid", ""),
    ],
)
def test_number_value(token: str, value: str) -> None:
    assert number_value(token) == value


TEXTS = st.lists(st.text(alphabet="ab 不是港口，。12", max_size=30), max_size=8)


def sides(found: Comparison) -> tuple[str, str]:
    def join(side: str) -> str:
        parts = ["".join(span.text for span in getattr(row, side)) for row in found.rows]
        return "".join("".join(parts).split())

    return join("before"), join("after")


@given(TEXTS, TEXTS)
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost(before: list[str], after: list[str]) -> None:
    from baoguan.insight.change import text_lines

    one, other = Version(text="\n".join(before)), Version(text="\n".join(after))
    found = compare_versions(one, other)
    assert sides(found) == tuple("".join("".join(text_lines(side)).split()) for side in (one, other))


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.lists(st.sampled_from("abcd"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_hunks_turn_one_into_the_other(before: list[str], after: list[str]) -> None:
    for run, long in ((5, 160), (1, 2), (2, 4)):
        built, at = [], 0
        found = hunks(before, after, Budget(), run=run, long=long)
        for low_a, high_a, low_b, high_b in found:
            built += before[at:low_a] + after[low_b:high_b]
            at = high_a
        assert built + before[at:] == after
    size = sum(high_a - low_a + high_b - low_b for low_a, high_a, low_b, high_b in hunks(before, after, Budget()))
    table = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for a in range(len(before) - 1, -1, -1):
        for b in range(len(after) - 1, -1, -1):
            same = before[a] == after[b]
            table[a][b] = table[a + 1][b + 1] + 1 if same else max(table[a + 1][b], table[a][b + 1])
    assert size == len(before) + len(after) - 2 * table[0][0]


def test_every_character_stands_in_a_token() -> None:
    text = "台积电（TSMC）第3季营收 5,390.4 亿元，同比增长 18.5%；don’t “引用”。한국어 русский\n行"
    assert "".join(split_tokens(text)) == text


def test_edits_of_a_long_paragraph_are_found_where_they_are() -> None:
    before = [f"{number * 7919 % 10007}" for number in range(9000)]
    after = [*before[:1000], "new", *before[1000:5000], *before[5040:8000], "other", *before[8001:]]
    found = hunks(before, after, Budget())
    assert found == [(1000, 1000, 1000, 1001), (5000, 5040, 5001, 5001), (8000, 8001, 7961, 7962)]


@pytest.mark.parametrize("count", [8, 60])
def test_paragraphs_in_another_order_with_an_edit_each_stay_paragraphs(count: int) -> None:
    dice = Random(3)
    letters = [chr(0x4E00 + 7 * number) for number in range(800)]
    before = ["".join(dice.choices(letters, k=120)) for _ in range(count)]
    after = [f"{line[:60]}改动{line[61:]}" for line in dice.sample(before, count)]
    comparison = compare_versions(Version(title="t", text="\n".join(before)), Version(title="t", text="\n".join(after)))
    assert all(sum(len(span.text) for span in row.before) <= 120 for row in comparison.rows)
    assert len(comparison.rows) > count
    again = compare_versions(Version(title="t", text="\n".join(before)), Version(title="t", text="".join(before)))
    assert not again.rows or len(again.rows) == 1  # broken elsewhere: one


def test_what_two_large_blocks_share_pairs_them() -> None:
    before = [" ".join(f"w{number}x{at * at % 97}" for at in range(60)) for number in range(300)]
    after = [line.replace(" ", " and ", 1).replace("x1 ", "y1 ") for line in before]
    comparison = compare_versions(Version(title="t", text="\n".join(before)), Version(title="t", text="\n".join(after)))
    assert [row.kind for row in comparison.rows] == ["changed"] * 300
    assert all(row.before[0].text.split("x")[0] == row.after[0].text.split("x")[0] for row in comparison.rows)


@pytest.mark.parametrize(
    "text",
    ["3小时前", "刚刚", "たった今", "just now", "阅读 1,024", "12 views", "1.2万次播放", "5分前", "コメント3"],
)
def test_what_moves_is_taken_out_of_short_lines(text: str) -> None:
    assert still_lines(f"某报社记者 {text}") == ["某报社记者"]


def test_hostile_sizes_end_soon() -> None:
    random = Random(7)
    words = "".join(chr(0x4E00 + random.randrange(900)) for _ in range(60_000))
    other = "".join(chr(0x4E00 + random.randrange(900)) for _ in range(60_000))
    cases = [
        (words, other),
        ("啊不" * 30_000, "不啊啊" * 20_000),
        (
            "\n".join(words[at : at + 12] for at in range(0, 60_000, 12)),
            "\n".join(other[at : at + 12] for at in range(0, 60_000, 12)),
        ),
        ("\n" * 50_000 + "甲", "\n" * 40_000 + "乙"),
        ("a " * 60_000, "b " * 60_000),
    ]
    for before, after in cases:
        start = time.process_time()
        compare_versions(Version(text=before), Version(text=after))
        assert time.process_time() - start < 4
