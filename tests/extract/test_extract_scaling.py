"""Time grows with the page and not with its square, whatever is repeated in it: shapes that were found slow, and random
ones (`./run torture` tries many more).
"""

import random
import time

import pytest

from baoguan.extract.article import extract_article

URL = "https://x.example/a"
SENTENCE = "A sentence of the article, which is long enough to be taken for one; it goes on for a while. "
HEAD = "<h1>The harbour stays open</h1>"
BODY = f"<p>{SENTENCE * 3}</p>" * 3
PIECES = """<div>|</div>|<p>|</p>|<span>|</span>|<b>|<a href=/x{}>|</a>|<figure>|</figure>|<figcaption>
<img src=/abcdef{}.jpg>|<img data-src=/a{}.jpg srcset="/b.jpg 1x, /c.jpg 2x">|<h1>|</h1>|<h2>|</h2>|<article>
</article>|<section>|<header>|</header>|<main>|<aside>|<nav>|</nav>|<ul>|<li>|</ul>|<table>|<tr>|<td>|</table>
<blockquote>|<br>|<time datetime=2024-01-02T03:04>|</time>|<address>|</address>|<span class=author>|<dialog>
<p class=byline>By Anna Berg|<div class=caption>|<div class=credit>|<div class=related>|<div class="article-body">
<div class=date>|<noscript>|</noscript>|<template>|</template>|<svg>|</svg>|<picture>|<source srcset=/x{}.jpg>
</picture>|<video poster=/p.jpg>|</video>|<iframe src=https://www.youtube.com/embed/x{}>|</iframe>|<!--|-->|<script>
</script>|<script type="application/ld+json">{"@type":"NewsArticle","headline":"x{}"}</script>|<title>|</title>
<meta property=og:title content=x>|word, word |12 March 2024 10:00 |2024年1月2日 |by Anna Berg |x{} |<div id=a{}>
<p class="c{} x">|<button>|<form>|<select>|<option>|<input>|<amp-img src=/a{}.jpg>|<x-image src=/y{}.jpg>|<hgroup>
<div style="background-image:url(/q{}.jpg)">|<dl><dt>|<dd>|<pre>|&nbsp;|<font>|<math>|<details>|<object>|<small>
<a rel=author href=/>Anna Berg</a>|<div itemprop=articleBody>|<div hidden>|<nobr>|<x-{} y{}=z>|<rt>"""
KNOWN = {
    "texts of one parent": ("<div>", "2024 <b>x1234</b> "),
    "names of one address": ("<address>", "<a rel=author>Anna Berg</a>"),
    "pictures that hold the rest": ("", SENTENCE + "<amp-img src=/a{}.jpg>"),
    "pictures and breaks": ("<article><x-image src=/y.jpg>", "<br><amp-img src=/a{}.jpg><br>"),
    "junk in junk": ("", SENTENCE + "<dd><div class=caption><div hidden><details>"),
    "junk of many names": ("", SENTENCE + '<div class="related r{}">'),
    "items in items": ("", "<dd><li>"),
    "ends of nothing": ("<form><dd>", "</picture><tr><math>"),
    "dates in hidden boxes": ("", "12 March 2024 10:00 <div hidden>"),
    "dates by themselves": ("", "<div>12 March 2024</div>"),
    "dates of other articles": ("", "<div class=related>12.03.2024"),
    "authors of nested boxes": ("", "<div class=author>Anna Berg"),
    "clocks in scripts": ("", '<script>var pubdate = "2024</script>'),
    "choices": ("<select>", "<option>"),
    "captions": ("<figure><img src=/abcdef.jpg>", "<figcaption>A caption here</figcaption>"),
    "invented names": ("", "<x-{} b{}=c>w</x-{}>"),
    "years": ("", "<p class=date>2024年</p>"),
    "separators": ("", "<h2>a | b - c</h2>"),
    "sentences of one paragraph": ("<p>", SENTENCE),
}


def page(before: str, unit: str, size: int, *, where: int) -> bytes:
    """A page with about `size` tags of `unit` before, behind or within an article."""
    many = before + "".join(unit.replace("{}", str(i)) for i in range(size // max(1, unit.count("<"))))
    parts = (
        many + HEAD + BODY,
        HEAD + BODY + many,
        f"<article>{HEAD}{many}{BODY}</article>",
        HEAD + BODY + many + BODY,
    )
    return parts[where].encode()


def spent(body: bytes) -> float:
    """CPU seconds of the better of two readings, of one where that is little."""
    best = 9e9
    for _ in range(2):
        start = time.process_time()
        extract_article(body, url=URL)
        best = min(best, time.process_time() - start)
        if best < 0.4:
            break
    return best


def check(before: str, unit: str, *, where: int) -> None:
    """16,000 tags take little (some 0.1 s on a quiet core), and not much more than twice of what half of them take."""
    whole = spent(page(before, unit, 16_000, where=where))
    assert whole < 1.5, (where, before, unit)
    if whole > 0.4:
        assert whole < 3.2 * spent(page(before, unit, 8_000, where=where)), (where, before, unit)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("where", range(4))
def test_shapes_that_were_slow(name: str, where: int) -> None:
    before, unit = KNOWN[name]
    check(before, unit, where=where)


def some(seed: int) -> tuple[str, str, int]:
    """Something to repeat, what stands before it, and where."""
    chosen = random.Random(seed)
    pieces = PIECES.replace("\n", "|").split("|")
    unit = "".join(chosen.choices(pieces, k=chosen.randint(1, 6)))
    return "".join(chosen.choices(pieces, k=chosen.randint(0, 3))), unit, chosen.randint(0, 3)


@pytest.mark.parametrize("seed", range(24))
def test_random_shapes(seed: int) -> None:
    before, unit, where = some(seed)
    check(before, unit, where=where)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 1_100))
def test_many_random_shapes(seed: int) -> None:
    before, unit, where = some(seed)
    check(before, unit, where=where)
