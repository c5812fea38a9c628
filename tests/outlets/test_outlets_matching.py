"""Pages, feeds and the ancestors' folders find their outlet; a site that none is known for gets one."""

import pytest

from baoguan.errors import ConfigError
from baoguan.model.outlet import Outlet
from baoguan.outlets.checks import check_outlet
from baoguan.outlets.matching import adhoc_outlet, outlet_for_legacy, outlet_for_url
from baoguan.outlets.registry import load_outlets

OUTLETS = load_outlets()

PAGES = {
    "https://www.voachinese.com/a/harris-20210119/5743809.html": "voa-zh",
    "https://www.voanews.com/a/1.html": "voa-en",
    "http://www.bbc.com/zhongwen/simp/world-55651034": "bbc-zh",
    "https://www.bbc.co.uk/zhongwen/trad/rolling_news": "bbc-zh",
    "https://www.bbc.com/news/world-1": None,
    "https://www.bbc.com/": None,
    "https://www.dw.com/zh/abc/a-56199364": "dw-zh",
    "https://www.dw.com/de/abc/a-1": None,
    "http://www.rfi.fr//cn/%E6%B3%95%E5%9B%BD/20210111-a": "rfi-zh",
    "https://www.rfi.fr/en/france/1": None,
    "https://www.rfa.org/mandarin/yataibaodao/jingmao/pl-01122021113001.html": "rfa-zh",
    "https://www.rfa.org/english/news/1.html": None,
    "https://cn.nytimes.com/world/20210115/canada-meng-huawei-detention/": "nyt-zh",
    "https://www.nytimes.com/2021/01/15/a.html": None,
    "https://cn.ft.com/story/001088690?full=y": "ft-zh",
    "https://cn.reuters.com/article/china-yuan-fx-0112-idCNKBS29H0Z3": "reuters",
    "https://www.cna.com.tw/news/afe/202101210334.aspx": "cna",
    "https://www.zaobao.com/realtime/china/story20210121-1118148": "zaobao",
    "https://chinadigitaltimes.net/chinese/2021/01/x/": "cdt",
    "https://chinadigitaltimes.net/2021/01/x/": None,
    "https://www.epochtimes.com/gb/21/1/11/n12681255.htm": "epochtimes",
    "https://www.rti.org.tw/news/view/id/2073917": "rti",
    "https://www.solidot.org/story?sid=66645": "solidot",
    "https://www.economist.com/asia/2021/01/23/mongolians": "economist",
    "https://nei.st/medium/bloomberg/refusing-free-money": "neist",
    "https://wqw2010.blogspot.com/2021/01/blog-post_54.html": "wqw",
    "https://zh.bitterwinter.org/new-unified-arrest-operations/": "bitterwinter",
    "https://cn.govopendata.com/xinwenlianbo/20210113/": "xinwenlianbo",
    # feeds lie on other hosts
    "https://feeds.bbci.co.uk/zhongwen/simp/rss.xml": "bbc-zh",
    "https://rss.dw.com/rdf/rss-chi-all": "dw-zh",
    "https://feeds.feedburner.com/rsscna/politics": "cna",
    "https://feeds.feedburner.com/another": None,
    "https://evilvoachinese.com/a/1.html": None,
    "https://voachinese.com.evil.example/a/1.html": None,
    "mailto:a@voachinese.com": None,
    "https://[broken": None,
    "": None,
}


@pytest.mark.parametrize("url", PAGES)
def test_a_url_finds_its_outlet(url: str) -> None:
    outlet = outlet_for_url(OUTLETS, url)
    assert (outlet and outlet.key) == PAGES[url]


def test_the_longest_host_wins() -> None:
    wide = Outlet(key="wide", name="w", hosts=("a.example",))
    narrow = Outlet(key="narrow", name="n", hosts=("news.a.example",))
    for outlets in ({"wide": wide, "narrow": narrow}, {"narrow": narrow, "wide": wide}):
        assert outlet_for_url(outlets, "https://www.news.a.example/1") is narrow
        assert outlet_for_url(outlets, "https://b.a.example/1") is wide


LEGACY = {
    "[ (臺)中央社CNA ]": "cna", "[ 法广 ]": "rfi-zh", "[ 联合早报 ]": "zaobao", "[ 路透 ]": "reuters",
    "[ 大纪元 ]": "epochtimes", "[ 美国之音 ]": "voa-zh", "[ 德国之声 ]": "dw-zh", "[ BBC ]": "bbc-zh",
    "[ RTI 中央廣播電臺 ]": "rti", "[ 自由亚洲电台 ]": "rfa-zh", "[ 中国数字时代 ]": "cdt", "[ Solidot ]": "solidot",
    "[ 经济学人en ]": "economist", "[ Nei.st ]": "neist", "[ 纽约时报 ]": "nyt-zh", "[ 维权网 ]": "wqw",
    "[ 寒冬 ]": "bitterwinter", "[ CCTV新闻联播 ]": "xinwenlianbo", "[ 金融时报 ]": "ft-zh",
    "voa": "voa-zh", "bbc": "bbc-zh", "rfi": "rfi-zh", "dw": "dw-zh", "nyt": "nyt-zh", "ft": "ft-zh",
    "reuters": "reuters", "rfa": "rfa-zh", "cdt": "cdt", "voa-en": "voa-en", "美國之音": "voa-zh",
    "没有这家": None, "": None, "[ ]": None,
}  # fmt: skip


@pytest.mark.parametrize("name", LEGACY)
def test_the_ancestors_names(name: str) -> None:
    """The 19 categories of the YAML mirror and the folders of the others."""
    outlet = outlet_for_legacy(OUTLETS, name)
    assert (outlet and outlet.key) == LEGACY[name]


@pytest.mark.parametrize(
    ("source", "key", "home"),
    [
        ("https://example.org/news", "example-org", "https://example.org/"),
        ("https://www.example.org/", "example-org", "https://www.example.org/"),
        ("example.org/blog", "example-org", "https://example.org/"),
        ("http://127.0.0.1:8080/feed", "127-0-0-1", "http://127.0.0.1:8080/"),
        ("https://新闻.example/", "example-", None),
        ("老子到处说", "outlet-", ""),
        ("Some Paper", "some-paper", ""),
    ],
)
def test_an_outlet_for_an_unknown_site(source: str, key: str, home: str | None) -> None:
    outlet = adhoc_outlet(source)
    check_outlet(Outlet(key=outlet.key, name=outlet.name), source)
    assert outlet.key.startswith(key)
    assert home is None or outlet.home == home
    assert outlet == adhoc_outlet(source)


def test_a_key_that_is_taken_gets_the_folder_then_a_number() -> None:
    taken = {"example-org"}
    assert adhoc_outlet("https://example.org/news", taken=taken).key == "example-org-news"
    assert adhoc_outlet("https://example.org/", taken=taken).key == "example-org-2"
    taken |= {"example-org-news", "example-org-2"}
    assert adhoc_outlet("https://example.org/news", taken=taken).key == "example-org-news-2"
    assert adhoc_outlet("https://example.org/", taken=taken).key == "example-org-3"


def test_an_adhoc_outlet_is_found_again_by_url_and_by_legacy_name() -> None:
    site = adhoc_outlet("https://www.example.org/news", title="Example")
    assert site.name == "Example"
    assert site.discover == ("https://www.example.org/news",)
    assert outlet_for_url({site.key: site}, "https://example.org/2026/1.html") is site
    folder = adhoc_outlet("老子到处说")
    assert outlet_for_legacy({folder.key: folder}, "[ 老子到处说 ]") is folder


def test_nothing_gives_no_outlet() -> None:
    with pytest.raises(ConfigError):
        adhoc_outlet("  ")
