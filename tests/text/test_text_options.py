"""Pages of ten thousand choices, which a parser takes minutes for."""

import time

from baoguan.extract.article import extract_article
from baoguan.publish.ancestor_exact import exact_body_from_page
from baoguan.text.html import clean_body
from baoguan.text.options import MAX_OPTIONS, limit_options

MANY = "<select>" + "<OPTION value='<'>x</option>" * 50_000 + "</select>"


def test_few_stay() -> None:
    html = "<select>" + "<option>x" * MAX_OPTIONS + "<optional>"
    assert limit_options(html) is html


def test_many_are_no_choices_any_more() -> None:
    assert "option>x" not in limit_options("<select>" + "<option>x" * (MAX_OPTIONS + 1)).replace("</option", "")


def test_a_page_and_a_body_of_many_take_little() -> None:
    start = time.process_time()
    extract_article(f"<h1>T</h1><p>text</p>{MANY}".encode(), url="https://x.example/a")
    clean_body(MANY, "https://x.example/")
    assert time.process_time() - start < 2  # some 0.2 s on a quiet core; before, a quarter of a minute


def test_the_exact_export_of_a_hostile_page_takes_little() -> None:
    start = time.process_time()
    for unit in ("<select>" + "<option>" * 32_000, "<p " + " ".join(f"a{n}" for n in range(50_000)) + ">"):
        exact_body_from_page(f'<html><div class="wsw">{unit}'.encode(), "https://x.example/a")
    assert time.process_time() - start < 2
