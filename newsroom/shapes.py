"""Pages in the shapes of real outlets' systems: Pangea (VOA), DW, RFI, BBC (Next.js), NHK. Text and photos made up."""

# ruff: noqa: E501 - mark-up reads better unbroken

import json
from datetime import datetime
from html import escape

from newsroom.stories import Desk, Photo, Story

MENU = ("首页", "时事", "经济", "文化", "关于我们")


def picture_path(desk: Desk, photo: Photo, width: int) -> str:
    """The path of a rendition of a photo, in the grammar of the outlet's system."""
    name = photo.name
    match desk.shape:
        case "voa":
            return f"/{desk.key}/gdb/{name}_w{width}_r1_s.jpg"
        case "dw":
            return f"/{desk.key}/image/{name}_{dw_format(width)}.jpg"
        case "rfi":
            return f"/{desk.key}/media/display/{name}/w:{width}/p:16x9/{name}.jpg"
        case "bbc":
            return f"/{desk.key}/news/{width}/cpsprodpb/{name}.jpg.webp".removesuffix(".webp")
    return f"/{desk.key}/html/{name}_w{width}.jpg"


DW_FORMATS = {303: 340, 302: 700, 605: 1199}


def dw_format(width: int) -> int:
    """The number of the rendition that is nearest in width."""
    return min(DW_FORMATS, key=lambda number: abs(DW_FORMATS[number] - width))


def article_path(desk: Desk, story: Story) -> str:
    """Where the page of an article is."""
    ends = {"voa": "a/{}.html", "dw": "zh/{}", "rfi": "cn/{}", "bbc": "zhongwen/simp/{}", "nhk": "news/html/{}.html"}
    return f"/{desk.key}/" + ends[desk.shape].format(story.slug)


def render_page(desk: Desk, story: Story, base: str) -> str:
    """The article's page. `base`: scheme, host and port of the outlet."""
    if story.state == "stub":
        return _frame(desk, story, base, "<main><h1>" + escape(story.title) + "</h1><p>……</p></main>", "")
    if story.state == "consent":
        wall = "<main><h1>我们重视您的隐私</h1><p>请同意使用 Cookie 后继续。</p><button>同意</button></main>"
        return _frame(desk, story, base, wall, "")
    body, script = {"voa": _voa, "dw": _dw, "rfi": _rfi, "bbc": _bbc, "nhk": _nhk}[desk.shape](desk, story, base)
    return _frame(desk, story, base, body, script)


def _clock(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _frame(desk: Desk, story: Story, base: str, body: str, script: str) -> str:
    url = base + article_path(desk, story)
    lead = base + picture_path(desk, story.photos[0], 1200) if story.photos else ""
    linked = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": story.title,
        "datePublished": _clock(story.published),
        "dateModified": _clock(story.modified or story.published),
        "mainEntityOfPage": url,
        "author": {"@type": "Person", "name": story.author}
        if story.author
        else {"@type": "Organization", "name": desk.name},
        "publisher": {"@type": "Organization", "name": desk.name},
    }
    if lead:
        linked["image"] = {"@type": "ImageObject", "url": lead, "width": 1200, "height": 800}
    og = "".join(
        f'<meta property="{name}" content="{escape(value)}">\n'
        for name, value in (
            ("og:type", "article"),
            ("og:title", story.title),
            ("og:description", story.summary),
            ("og:url", url),
            ("og:image", lead),
            ("og:site_name", desk.name),
            ("article:published_time", _clock(story.published)),
            ("article:section", story.section),
        )
        if value
    )
    menu = "".join(f'<li><a href="/{desk.key}/s/{number}">{name}</a></li>' for number, name in enumerate(MENU))
    others = "".join(
        f'<li><a href="{article_path(desk, other)}">{escape(other.title)}</a></li>'
        for other in desk.stories
        if other.slug != story.slug and other.state == "live"
    )
    return f"""<!DOCTYPE html>
<html lang="{desk.language}">
<head>
<meta charset="utf-8">
<title>{escape(story.title)} | {escape(desk.name)}</title>
<link rel="canonical" href="{url}">
<link rel="alternate" type="application/rss+xml" title="{escape(desk.name)}" href="/{desk.key}/feed.xml">
<link rel="icon" href="/favicon.ico">
<meta name="description" content="{escape(story.summary)}">
{og}<script type="application/ld+json">{json.dumps(linked, ensure_ascii=False)}</script>
<style>.hidden{{display:none}}</style>
</head>
<body>
<header><nav class="menu"><ul>{menu}</ul></nav><form action="/{desk.key}/search"><input name="q"></form></header>
{body}
<aside class="related"><h2>更多</h2><ul>{others}</ul></aside>
<footer><p>© {escape(desk.name)}（虚构的编辑部，供测试与演示）</p><a href="javascript:void(0)">Cookie</a></footer>
<script>window.dataLayer=[];document.querySelector('body').onclick=function(){{}};</script>
{script}</body>
</html>
"""


def _voa(desk: Desk, story: Story, base: str) -> tuple[str, str]:
    parts = [f"<p>{escape(text)}</p>" for text in story.paragraphs]
    for number, photo in enumerate(story.photos[1:], 1):
        small, large = (picture_path(desk, photo, width) for width in (300, 900))
        parts.insert(
            min(2 * number, len(parts)),
            f'<div class="wsw__embed"><figure class="media-image js-media-expand"><div class="img-wrap"><div class="thumb">'
            f'<img data-src="{large}" src="" alt="{escape(photo.caption)}"><noscript><img src="{small}" '
            f'alt="{escape(photo.caption)}"></noscript></div></div><figcaption><span class="caption">'
            f"{escape(photo.caption)}</span></figcaption></figure></div>",
        )
    cover = ""
    if story.photos:
        photo = story.photos[0]
        sizes = ", ".join(f"{base}{picture_path(desk, photo, width)} {width}w" for width in (250, 408, 650, 1023))
        cover = (
            '<div class="cover-media"><figure class="media-image js-media-expand"><div class="img-wrap">'
            f'<div class="thumb thumb16_9"><img src="{base}{picture_path(desk, photo, 250)}" srcset="{sizes}" '
            f'alt="{escape(photo.caption)}"></div></div><figcaption><span class="caption">{escape(photo.caption)}'
            "</span></figcaption></figure></div>"
        )
    author = (
        f'<li class="links__item"><a href="/{desk.key}/author">{escape(story.author)}</a></li>' if story.author else ""
    )
    return (
        f'<div id="page"><div class="hdr-container"><h1 class="title pg-title">{escape(story.title)}</h1>{cover}'
        f'<div class="publishing-details"><ul class="links__list">{author}</ul><div class="published">'
        f'<time pubdate="pubdate" datetime="{_clock(story.published)}">{story.published:%Y年%m月%d日 %H:%M}</time></div></div>'
        '<div class="share--box"><a href="whatsapp://send?text=x">WhatsApp</a><a href="#">分享</a></div></div>'
        f'<div id="article-content" class="content-floated-wrap fb-quotable"><div class="wsw">{"".join(parts)}</div></div></div>',
        "",
    )


def _dw(desk: Desk, story: Story, base: str) -> tuple[str, str]:
    parts = [f"<p>{escape(text)}</p>" for text in story.paragraphs]
    figures = []
    for photo in story.photos:
        sizes = ", ".join(
            f"{base}/{desk.key}/image/{photo.name}_{number}.jpg {width}w" for number, width in DW_FORMATS.items()
        )
        figures.append(
            f'<figure class="placeholder-image big"><img src="" data-format="MASTER_LANDSCAPE" data-id="{photo.name}" '
            f'data-url="{base}/{desk.key}/image/{photo.name}_${{formatId}}.jpg" srcset="{sizes}" '
            f'alt="{escape(photo.caption)}"><figcaption>{escape(photo.caption)}<small class="copyright">图像来源：'
            f"{escape(photo.credit)}</small></figcaption></figure>"
        )
    for number, figure in enumerate(figures[1:], 1):
        parts.insert(min(2 * number, len(parts)), figure)
    author = f'<span class="author">{escape(story.author)}</span>' if story.author else ""
    return (
        f'<div id="root"><article><header><span class="kicker">{escape(story.section)}</span><h1>{escape(story.title)}</h1>'
        f'<div class="author-details">{author}<time aria-hidden="true">{story.published:%Y年%m月%d日}</time></div></header>'
        f'{figures[0] if figures else ""}<p class="teaser-text">{escape(story.summary)}</p>'
        f'<div class="rich-text">{"".join(parts)}<div class="advertisement">广告</div></div>'
        '<footer class="article-footer"><button onclick="share()">分享</button></footer></article></div>',
        "",
    )


def _rfi(desk: Desk, story: Story, base: str) -> tuple[str, str]:
    figures = [
        '<figure class="m-item-image"><picture><source type="image/jpeg" data-srcset="'
        + ", ".join(f"{picture_path(desk, photo, width)} {width}w" for width in (310, 720, 1280))
        + f'"><img class="lazy" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="{picture_path(desk, photo, 720)}"'
        f' alt="{escape(photo.caption)}"></picture><figcaption class="m-figcaption"><span>{escape(photo.caption)}</span>'
        f'<span class="m-figcaption__copyright">{escape(photo.credit)}</span></figcaption></figure>'
        for photo in story.photos
    ]
    parts = [f"<p>{escape(text)}</p>" for text in story.paragraphs[1:]]
    for number, figure in enumerate(figures[1:], 1):
        parts.insert(min(2 * number, len(parts)), figure)
    changed = story.modified or story.published
    return (
        f'<main id="main-content"><article class="t-content"><h1 class="a-page-title">{escape(story.title)}</h1>'
        f'<div class="t-content__dates"><p>发表时间： <time datetime="{_clock(story.published)}">'
        f'{story.published:%d/%m/%Y - %H:%M}</time></p><p>更改时间： <time datetime="{_clock(changed)}">'
        f'{changed:%d/%m/%Y - %H:%M}</time></p></div><div class="t-content__main-media">{figures[0] if figures else ""}</div>'
        f'<div class="m-from-author">作者：{escape(story.author)}</div><p class="t-content__chapo">{escape(story.paragraphs[0])}'
        f'</p><div class="t-content__body u-clearfix">{"".join(parts)}<div class="o-self-promo"><strong>'
        "电邮新闻</strong><p>头条新闻送到您的邮箱</p></div></div></article></main>",
        "",
    )


def _bbc(desk: Desk, story: Story, base: str) -> tuple[str, str]:
    blocks: list[dict[str, object]] = [{"type": "headline", "text": story.title}]
    parts = [
        f'<div dir="ltr" class="bbc-19j92fr"><p class="bbc-1sfx0ph">{escape(text)}</p></div>'
        for text in story.paragraphs
    ]
    blocks += [{"type": "paragraph", "text": text} for text in story.paragraphs]
    for number, photo in enumerate(story.photos):
        sizes = ", ".join(f"{base}{picture_path(desk, photo, width)} {width}w" for width in (240, 480, 800))
        parts.insert(
            min(3 * number, len(parts)),
            f'<figure class="bbc-1qn0xuy"><div><picture><source srcset="{sizes}" type="image/jpeg"><img alt='
            f'"{escape(photo.caption)}" src="{base}{picture_path(desk, photo, 480)}" width="{photo.width}" height='
            f'"{photo.height}"></picture><p role="text"><span class="visually-hidden">图像来源，</span>{escape(photo.credit)}'
            f'</p></div><figcaption><span class="visually-hidden">图像加注文字，</span><p>{escape(photo.caption)}</p></figcaption>'
            "</figure>",
        )
        blocks.append({"type": "image", "locator": photo.name, "caption": photo.caption})
    state = {
        "props": {
            "pageProps": {
                "pageData": {
                    "metadata": {"firstPublished": int(story.published.timestamp() * 1000), "type": "article"},
                    "content": {"model": {"blocks": blocks}},
                }
            }
        },
        "page": "/[service]/articles/[id]",
        "buildId": "newsroom",
    }
    return (
        f'<div id="__next"><main role="main"><h1 id="content" tabindex="-1">{escape(story.title)}</h1>'
        f'<section role="region"><p>{escape(story.author)}</p><time datetime="{story.published:%Y-%m-%d}">'
        f"{story.published:%Y年%-m月%-d日}</time></section>{''.join(parts)}"
        '<section aria-label="相关内容"><h2>相关内容</h2></section></main></div>',
        f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(state, ensure_ascii=False)}</script>\n',
    )


def _nhk(desk: Desk, story: Story, base: str) -> tuple[str, str]:
    parts = [f"<p>{escape(text)}</p>" for text in story.paragraphs[1:]]
    for number, photo in enumerate(story.photos[1:], 1):
        parts.insert(
            min(2 * number, len(parts)),
            f'<div class="content--body-img"><img class="lazyload" data-src="../../html/{photo.name}_w900.jpg" '
            f'src="/blank.gif" alt="{escape(photo.caption)}"><noscript><img src="../../html/{photo.name}_w900.jpg">'
            f'</noscript><div class="caption">{escape(photo.caption)}</div></div>',
        )
    lead = ""
    if story.photos:
        photo = story.photos[0]
        lead = f'<div class="content--thumb"><img src="../../html/{photo.name}_w300.jpg" alt="{escape(photo.caption)}"></div>'
    return (
        f'<main id="main"><section class="module module--detail"><header><h1 class="content--title"><span>'
        f'{escape(story.title)}</span></h1><p class="content--date"><time datetime="{story.published:%Y-%m-%dT%H:%M}">'
        f'{story.published:%Y年%-m月%-d日 %-H時%M分}</time></p></header><div class="content--detail-main">{lead}'
        f'<p class="content--summary">{escape(story.paragraphs[0])}</p><div class="content--detail-more"><section '
        f'class="content--body"><div class="body-text">{"".join(parts)}</div></section></div></div></section></main>',
        "",
    )


def render_home(desk: Desk, base: str) -> str:
    """The front page, with its feeds announced."""
    links = "".join(
        f'<li><a href="{article_path(desk, story)}">{escape(story.title)}</a></li>'
        for story in desk.stories
        if story.state == "live"
    )
    return (
        f'<!DOCTYPE html><html lang="{desk.language}"><head><meta charset="utf-8"><title>{escape(desk.name)}</title>'
        f'<link rel="alternate" type="application/rss+xml" href="/{desk.key}/feed.xml">'
        f'<link rel="alternate" type="application/atom+xml" href="/{desk.key}/atom.xml"></head>'
        f"<body><h1>{escape(desk.name)}</h1><ul>{links}</ul></body></html>"
    )
