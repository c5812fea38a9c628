"""Which items are news: by identity and content, never by order, newest id or date."""

import pytest

from baoguan.feeds.novelty import MOST_NAMES, item_print, judge_item
from baoguan.model.feed import Item


@pytest.mark.parametrize(
    ("known", "waiting", "then", "same_title", "verdict"),
    [
        (False, False, None, False, "new"),
        (False, False, b"1", False, "new"),  # printed before a crash lost its pending row: still not in the log
        (False, True, b"1", False, "same"),
        (False, True, b"0", False, "new"),
        (True, False, b"1", True, "same"),
        (True, False, b"0", True, "changed"),
        (True, False, None, True, "same"),  # state lost: a rebuilt archive fetches nothing again
        (True, False, None, False, "changed"),
    ],
)
def test_verdicts(known: bool, waiting: bool, then: bytes | None, same_title: bool, verdict: str) -> None:
    found = judge_item(known=known, waiting=waiting, print_now=b"1", print_then=then, same_title=same_title)
    assert found == verdict


@pytest.mark.parametrize(
    ("then", "named", "verdict"),
    [(b"1", 0, "named"), (None, MOST_NAMES - 1, "named"), (b"1", MOST_NAMES, "same"), (b"0", MOST_NAMES, "changed")],
)
def test_a_new_name_of_a_known_item_is_worth_a_few_looks(then: bytes | None, named: int, verdict: str) -> None:
    known = {"known": True, "waiting": False, "same_title": True, "same_names": False}
    assert judge_item(**known, print_now=b"1", print_then=then, named=named) == verdict


def test_the_print_follows_title_clocks_and_text_alone() -> None:
    item = Item(title="t", summary_html="s", guid="1", url="https://a.example/1")
    assert item_print(item) == item_print(Item(title="t", summary_html="s", guid="2", url="https://a.example/2"))
    assert item_print(item) != item_print(Item(title="t!", summary_html="s"))
    assert item_print(item) != item_print(Item(title="t", summary_html="s", content_html="c"))
    assert item_print(Item(title="\ud800")) != b""
