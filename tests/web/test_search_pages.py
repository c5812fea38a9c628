"""Search in the browser, over a real archive: found, marked, narrowed down, paged, as a feed, limited."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from lxml import html as lxml_html

from baoguan.app import create_archive, open_desk
from baoguan.importing import import_path
from baoguan.indexing import index_new
from baoguan.web.app import create_app
from baoguan.web.desk_search import DeskSearch
from baoguan.web.desk_source import DeskSource
from baoguan.web.limits import ADDRESSES, RateLimit, network_of
from baoguan.web.options import WebOptions
from baoguan.web.search import _next
from baoguan.web.words import LANGUAGES
from tests.web.conftest import Ask, asker
from tests.web.test_pages import BUDGET, check_page

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def find_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    tree, folder = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("a") / "archive"
    for number in range(50):
        outlet = ("voa", "rfa")[number % 2]
        site = ("https://www.voachinese.com", "https://www.rfa.org/mandarin")[number % 2]
        path = tree / "articles" / outlet / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        at = 1600000000000 + number * 86_400_000 * 3
        body = f"<p>布林肯說，網路安全是第 {number} 次會議的議題之一。&lt;b&gt;</p>" * 3
        path.write_text(
            f"<!--{at}-->\n[美國務卿訪問北京 {number}]({site}/a/{number}.html)\n------\n\n{body}\n",
            "utf-8",
        )
    create_archive(folder, origin="example.org/test")
    with open_desk(folder) as desk:
        import_path(desk, tree)
        index_new(desk)
        source = DeskSource(desk)
        yield asker(create_app(source, WebOptions(searches_a_second=1000), search=DeskSearch(desk)))
        source.close()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_finds_marks_and_narrows_down(find_in: Ask, lang: str) -> None:
    got = find_in("/search?q=议题之一", headers={"accept-language": lang})
    assert got.status == 200
    assert got.wire <= BUDGET
    check_page(got.text, got.headers["content-security-policy"])
    tree = lxml_html.document_fromstring(got.text)
    assert len(tree.xpath("//ol[contains(@class,'found')]/li")) == 20
    assert tree.xpath("//mark/text()")[0] == "議題之一"
    assert tree.xpath("//input[@name='q']/@value") == ["议题之一"]
    facets = tree.xpath("//details//nav/a")
    assert len(tree.xpath("//details//nav")) == 2
    for link in facets:
        narrowed = lxml_html.document_fromstring(find_in(str(link.get("href"))).text)
        said = int(str(link.text).rsplit(" ", 1)[1])
        shown = len(narrowed.xpath("//ol[contains(@class,'found')]/li"))
        assert shown == min(said, 20), link.text


@pytest.mark.parametrize("order", ["", "&order=date"])
def test_walking_the_pages_gives_each_article_once(find_in: Ask, order: str) -> None:
    path, ids = f"/search?q=北京{order}", []
    while path:
        tree = lxml_html.document_fromstring(find_in(path).text)
        ids += tree.xpath("//ol[contains(@class,'found')]//h2/a/@href")
        path = next(iter(tree.xpath("//a[@rel='next']/@href")), "")
    assert len(ids) == len(set(ids)) == 50


def test_nothing_asked_nothing_found_and_odd_queries_help(find_in: Ask) -> None:
    for query in (
        "",
        "?q=",
        "?q=+%00",
        "?q=鲸鱼",
        "?q=" + "x" * 5000,
        "?q=before:never",
        f"?q={HOSTILE}",
        "?q=北京&start=99999999",
    ):
        got = find_in(f"/search{query}")
        assert got.status == 200, query
        check_page(got.text, got.headers["content-security-policy"])
        assert HOSTILE not in got.text
    assert "A date was not understood" in find_in("/search?q=before:never").text
    assert "Nothing was found" in find_in("/search?q=鲸鱼").text


def test_a_saved_search_is_an_atom_feed(find_in: Ask) -> None:
    page = lxml_html.document_fromstring(find_in("/search?q=议题之一").text)
    link = page.xpath("//link[@type='application/atom+xml']/@href")[0]
    feed = etree.fromstring(find_in(str(link)).body)
    name = "{http://www.w3.org/2005/Atom}"
    stamps = [str(one.text) for one in feed.iter(f"{name}published")]
    assert len(list(feed.iter(f"{name}entry"))) == 20
    assert stamps == sorted(stamps, reverse=True)
    assert "議題之一" in "".join(feed.itertext())


def test_every_page_has_the_form_where_there_is_search(find_in: Ask, ask: Ask) -> None:
    for path in ("/", "/outlets", "/status", "/about", "/missing"):
        assert len(lxml_html.document_fromstring(find_in(path).text).xpath("//form[@role='search']")) == 1
    assert 'role="search"' not in ask("/").text
    assert ask("/search?q=x").status == 404


def test_who_asks_too_much_waits(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    create_archive(folder, origin="example.org/test")
    with open_desk(folder) as desk:
        source = DeskSource(desk)
        ask_it = asker(create_app(source, WebOptions(searches_a_second=0.01), search=DeskSearch(desk)))
        answers = [ask_it(f"/search?q={number}") for number in range(25)]
        assert [one.status for one in answers] == [200] * 20 + [429] * 5
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert ask_it("/search.atom?q=x").status == 429
        assert ask_it("/").status == 200
        source.close()


def test_the_limit_forgets_old_addresses_and_refills() -> None:
    limit = RateLimit(2.0, 3)
    assert [limit.wait_s("a", 0.0) for _ in range(3)] == [0, 0, 0]
    assert limit.wait_s("a", 0.0) == 0.5
    assert limit.wait_s("b", 0.0) == 0
    assert limit.wait_s("a", 0.5) == 0
    assert limit.wait_s("a", 0.4) > 0, "a clock that steps back gives nothing"
    for number in range(ADDRESSES + 10):
        limit.wait_s(str(number), 1.0)
    assert len(limit._left) == ADDRESSES
    assert network_of("2001:db8:1:2:3::9") == network_of("2001:db8:1:2:ff::1")
    assert network_of("192.0.2.7") == "192.0.2.7"


def test_the_month_after() -> None:
    assert [_next(month) for month in ("2026-01", "2026-12")] == ["2026-02", "2027-01"]
