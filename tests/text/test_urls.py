"""URLs: identity, joining, hosts; nothing raises, everything is idempotent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baoguan.text.urls import TRACKING_PARAMS, absolute_url, canonical_url, host_of, identity_key, registrable_domain

CANONICAL = [
    ("HTTP://WWW.Example.ORG:80/a", "http://www.example.org/a"),
    ("https://example.org", "https://example.org/"),
    ("https://example.org:443/?", "https://example.org/"),
    ("https://example.org:8443/", "https://example.org:8443/"),
    ("https://example.org./a", "https://example.org/a"),
    ("https://user:pw@example.org/a", "https://example.org/a"),
    ("https://example.org/a/./b/../c", "https://example.org/a/c"),
    ("https://example.org/a/%2e%2E/c/..", "https://example.org/"),
    ("https://example.org/../../a", "https://example.org/a"),
    ("https://example.org//a//b/", "https://example.org//a//b/"),
    ("https://example.org/%7euser/%e4%b8%ad", "https://example.org/~user/%E4%B8%AD"),
    ("https://example.org/中文 新闻", "https://example.org/%E4%B8%AD%E6%96%87%20%E6%96%B0%E9%97%BB"),
    ("https://example.org/100%", "https://example.org/100%25"),
    ("https://example.org/a%2Fb", "https://example.org/a%2Fb"),
    ("https://例え.テスト/記事", "https://xn--r8jz45g.xn--zckzah/%E8%A8%98%E4%BA%8B"),
    ("https://example.org/a#top", "https://example.org/a"),
    ("https://example.org/#!/news/1", "https://example.org/#!/news/1"),
    ("https://www.bbc.com/zhongwen/a?at_medium=RSS&at_campaign=KARANGA", "https://www.bbc.com/zhongwen/a"),
    ("https://www.dw.com/zh/a-1?maca=chi-rss-chi-all-1127-rdf", "https://www.dw.com/zh/a-1"),
    ("https://e.org/?id=7&utm_source=x&UTM_Medium=y&b=2", "https://e.org/?id=7&b=2"),
    ("https://e.org/?b=2&a=1", "https://e.org/?b=2&a=1"),
    ("https://e.org/a;jsessionid=0A1B?x=1", "https://e.org/a?x=1"),
    ("  https://e.org/a\n", "https://e.org/a"),
    ("https://e.org/long/\n  path", "https://e.org/long/%20%20path"),
    ("https:\\\\e.org\\a", "https://e.org/a"),
    ("http://[2001:DB8:0::1]:80/", "http://[2001:db8::1]/"),
    ("tag:example.org,2020:1", "tag:example.org,2020:1"),
    ("http://", "http://"),
    ("http://[::1", "http://[::1"),
    ("http://e.org:99999/", "http://e.org:99999/"),
    ("", ""),
]


@pytest.mark.parametrize(("url", "expected"), CANONICAL)
def test_canonical(url: str, expected: str) -> None:
    assert canonical_url(url) == expected


def test_canonical_drops_what_an_outlet_names() -> None:
    url = "https://e.org/?Ref=tw&id=3&src_a=1&src_b=2"
    assert canonical_url(url, drop_params=("ref", "src_*")) == "https://e.org/?id=3"


def test_tracking_list_is_lower_case() -> None:
    assert all(name == name.lower() for name in TRACKING_PARAMS)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("http://www.e.org/a", "https://e.org/a"),
        ("http://e.org:80/a?utm_source=x", "https://www.e.org:443/a#x"),
        ("http://e.org/%E4%B8%AD", "https://e.org/中"),
    ],
)
def test_two_spellings_share_a_key(left: str, right: str) -> None:
    assert identity_key(left) == identity_key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("https://e.org/a", "https://e.org/a/"),
        ("https://e.org/?id=1", "https://e.org/?id=2"),
        ("https://www.com/", "https://com/"),
        ("https://m.e.org/a", "https://e.org/a"),
        ("https://e.org/A", "https://e.org/a"),
    ],
)
def test_different_pages_do_not(left: str, right: str) -> None:
    assert identity_key(left) != identity_key(right)


BASE = "https://www.e.org/zh/news/a.html?x=1#top"
ABSOLUTE = [
    ("b.jpg", "https://www.e.org/zh/news/b.jpg"),
    ("../b.jpg", "https://www.e.org/zh/b.jpg"),
    ("/b c.jpg", "https://www.e.org/b%20c.jpg"),
    ("//cdn.e.org/中.jpg", "https://cdn.e.org/%E4%B8%AD.jpg"),
    ("\\\\cdn.e.org\\b.jpg", "https://cdn.e.org/b.jpg"),
    ("http://o.org/a%2fb?q=%e4", "http://o.org/a%2fb?q=%e4"),
    ("HTTPS://O.org", "https://o.org/"),
    ("https:b.jpg", "https://www.e.org/zh/news/b.jpg"),
    ("http:/o.org/b.jpg", "http://o.org/b.jpg"),
    ("?y=2", "https://www.e.org/zh/news/a.html?y=2"),
    ("#n1", "https://www.e.org/zh/news/a.html?x=1#n1"),
    (" a\n b.jpg ", "https://www.e.org/zh/news/a%20b.jpg"),
    ("a:b.jpg", ""),
    ("javascript:void(0)", ""),
    ("JavaScript:alert(1)", ""),
    ("java\nscript:alert(1)", ""),
    ("data:image/png;base64,AAAA", ""),
    ("whatsapp://send?text=x", ""),
    ("mailto:a@e.org", ""),
    ("http://[bad/", ""),
    ("//", ""),
    ("", ""),
    ("https://e.org:x/", ""),
]


@pytest.mark.parametrize(("ref", "expected"), ABSOLUTE)
def test_absolute(ref: str, expected: str) -> None:
    assert absolute_url(BASE, ref) == expected


def test_absolute_without_a_base() -> None:
    assert absolute_url("", "https://e.org/a") == "https://e.org/a"
    assert absolute_url("", "a.jpg") == ""
    assert absolute_url("file:///etc/", "passwd") == ""


def test_hosts_and_domains() -> None:
    assert host_of("https://WWW.BBC.co.uk:443/x") == "www.bbc.co.uk"
    assert host_of("http://[::1]:8/") == "::1"
    assert host_of("urn:x") == ""
    assert registrable_domain("news.bbc.co.uk") == "bbc.co.uk"
    assert registrable_domain("a.b.github.io") == "b.github.io"
    assert registrable_domain("127.0.0.7") == "127.0.0.7"
    assert registrable_domain("[::1]") == "::1"
    assert registrable_domain("localhost") == "localhost"
    assert registrable_domain("co.uk") == "co.uk"
    assert registrable_domain("") == ""


_ALPHABET = st.sampled_from(
    [*"aZ09.-_~%/?#&=@:;[]\\!+ \t\n中é\u3000\ud800\x00'\"<>", "%2e", "..", "utm_x=1", ";jsessionid="]
)
_LOOSE = st.lists(_ALPHABET, max_size=24).map("".join)
_URLS = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["http://", "HTTPS://", "https:/", "//", "http://www.e.org/", "https://www.www.e.org:443/"]),
        _LOOSE,
        _LOOSE,
    ),
)


@settings(max_examples=400, deadline=None)
@given(_URLS)
def test_never_raises_and_is_idempotent(url: str) -> None:
    canonical = canonical_url(url)
    assert canonical_url(canonical) == canonical
    key = identity_key(url)
    assert identity_key(key) == key
    assert identity_key(canonical) == key
    assert registrable_domain(host_of(url)) == registrable_domain(registrable_domain(host_of(url)))


@settings(max_examples=400, deadline=None)
@given(_URLS, _URLS)
def test_absolute_is_ascii_and_stable(base: str, ref: str) -> None:
    joined = absolute_url(base, ref)
    assert joined.isascii()
    assert joined == "" or joined.startswith(("http://", "https://"))
    assert absolute_url(base, joined) == joined
    assert not joined or host_of(joined)
