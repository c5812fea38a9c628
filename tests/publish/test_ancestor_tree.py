"""The seed and the list pages of a real tree, written anew."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baoguan.publish.ancestor import parse_ancestor
from baoguan.publish.ancestor_exact import exact_body_from_feed, exact_body_from_page, joined, rewrite_pictures
from baoguan.publish.ancestor_tree import (
    TreeEntry,
    article_path,
    exact_article,
    list_page,
    next_number,
    readme_page,
    tree_pages,
)

EPOCH = 1689069544000


@pytest.fixture(scope="module")
def seed(shared: Path) -> bytes:
    return (shared / "data/records/seed-voa-1023757.md").read_bytes()


def page_of(body: str, *, renditions: str) -> str:
    """A page of VOA's CMS that holds what the seed's body says."""
    lead = re.search(r'url=(gdb\S+?)" width', body)[1]
    caption = re.search(r"<small[^>]*>(.*?)</small>", body)[1]
    text = body[body.index("</small></div>") + len("</small></div>") :]

    def inline(match: re.Match[str]) -> str:
        return f"""
<div class="wsw__embed"><figure class="media-image js-media-expand wsw__embed"><div class="img-wrap"><div class="thumb">
{image(match[1], match[2])}</div></div><figcaption><span class="caption">{match[2]}</span></figcaption></figure></div>
"""

    def image(address: str, alt: str) -> str:
        small = re.sub(r"(_r1_s)?_w900", r"_w250\1", address)
        return {
            "src": f'<img src="https://{address}" alt="{alt}">',
            "lazy": f'<img data-src="https://{address}" src="data:image/gif;base64,R0lGOD" alt="{alt}"/>',
            "set": f'<img src="https://{small}" srcset="https://{small} 250w, https://{address} 900w" alt="{alt}">',
            "small": f'<img src="https://{small}" alt="{alt}">',
        }[renditions]

    text = re.sub(
        r'<div ><img  src="https://images.weserv.nl\?url=(\S+)" alt="(.*?)" border="0"/>.*?</div></div>', inline, text
    )
    return f"""<!DOCTYPE html><html><head><script type="application/ld+json">
{{"@type":"NewsArticle","datePublished":"2023-07-11 09:42:28Z",
"dateModified":"2023-07-11 10:00:00Z"}}</script></head><body>
<h1 class="title pg-title">T</h1><time pubdate datetime="2023-07-11T17:42:28+08:00">x</time>
<div class="cover-media"><figure class="media-image"><div class="img-wrap">
<div class="thumb thumb16_9">{image(lead, "x")}</div></div>
<figcaption>
<span class="caption">{caption}</span>
</figcaption></figure></div>
<div class="body-container"><div id="article-content" class="content-floated-wrap"><div class="wsw">
{text.replace("</p><p", "</p>" + chr(10) + "<p")}
<div class="wsw__related">RELATED</div><script>alert(1)</script>
</div></div></div></body></html>"""


def test_seed_from_a_feed_item(seed: bytes) -> None:
    parsed = parse_ancestor(seed, "articles/voa/1023757.md")
    for content in (
        parsed.body_html,
        parsed.body_html.replace("https://images.weserv.nl?url=", "https://"),
        f"\n {parsed.body_html}\n",
    ):
        body = exact_body_from_feed(content)
        assert exact_article(EPOCH, parsed.title, parsed.url, body, "weserv") == seed


@pytest.mark.parametrize("renditions", ["src", "lazy", "set", "small"])
def test_seed_from_a_page(seed: bytes, renditions: str) -> None:
    parsed = parse_ancestor(seed, "articles/voa/1023757.md")
    body = exact_body_from_page(page_of(parsed.body_html, renditions=renditions).encode(), parsed.url)
    assert exact_article(EPOCH, parsed.title, parsed.url, body, "weserv") == seed


def test_list_pages_and_readme_of_2020(shared: Path, ancestors_2020: dict[str, bytes]) -> None:
    pages = {path: data for path, data in ancestors_2020.items() if path.startswith("lists/")}
    assert len(pages) == 9
    for path, data in pages.items():
        name = path[len("lists/") : -len(".md")]
        files = sorted(p for p in ancestors_2020 if p.startswith(f"articles/{name}/"))[:100]
        parsed = [parse_ancestor(ancestors_2020[p], p) for p in files]
        entries = [TreeEntry(path=one.path, title=one.title, epoch_ms=one.epoch_ms) for one in parsed]
        assert list_page(name, entries, length=100, more=f"articles/{name}") == data, path
    names = re.findall(r"^\[(.*)\]\(lists", ancestors_2020["README.md"].decode(), re.MULTILINE)
    assert readme_page([(name, f"lists/{name}.md") for name in names]) == ancestors_2020["README.md"]


def test_tree_pages_name_every_outlet() -> None:
    entry = TreeEntry(path="articles/voa/1048575.md", title="题", epoch_ms=EPOCH)
    pages = dict(tree_pages({"voa-zh": [entry] * 301, "x-org": [entry]}, {"x-org": "X/Y"}))
    assert list(pages) == ["lists/美国之音.md", "lists/X--Y.md", "README.md"]
    assert pages["lists/美国之音.md"].decode().count("7-11 [题](/articles/voa/1048575.md)\n") == 300


def test_ids_count_down_in_fixed_width_by_outlet() -> None:
    paths = [
        "articles/voa/1000000.md",
        "articles/美国之音/1047748_题.md",
        "articles/rfi/0000007.md",
        "articles/voa/notes.md",
    ]
    assert next_number([], "voa-zh") == 0xFFFFF
    assert next_number(paths, "voa-zh") == 999_999
    assert article_path("voa-zh", 999_999) == "articles/voa/0999999.md"
    assert article_path("voa-zh", 999_999) < article_path("voa-zh", 1_000_000)
    with pytest.raises(ValueError, match="no id"):
        next_number(["articles/rfi/0000000.md"], "rfi-zh")


def test_picture_forms() -> None:
    body = (
        '<p>a</p><img src="https://images.weserv.nl/?url=h.org/a.jpg">'
        '<video poster="https://h.org/p.jpg" src="https://h.org/v.mp4">'
    )
    assert 'src="https://h.org/a.jpg">' in rewrite_pictures(body, "origin")
    assert 'poster="https://images.weserv.nl?url=h.org/p.jpg"' in rewrite_pictures(body, "weserv")
    assert 'src="https://p.org/h.org/a.jpg"' in rewrite_pictures(body, "https://p.org/")


@given(st.text(alphabet="ab字。<p> \n", max_size=40))
def test_lines_are_joined_on_one(text: str) -> None:
    line = joined(text)
    assert "\n" not in line
    assert re.sub(r"\s", "", line) == re.sub(r"\s", "", text)
