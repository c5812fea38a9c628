"""Feeds of an outlet: RSS with summaries or with the whole text, Atom, RDF, JSON Feed."""

# ruff: noqa: E501 - mark-up reads better unbroken

import json
from datetime import UTC
from email.utils import format_datetime
from html import escape

from newsroom.shapes import article_path, picture_path
from newsroom.stories import Desk, Story

KINDS = {
    "feed.xml": "application/rss+xml; charset=utf-8",
    "full.xml": "application/rss+xml; charset=utf-8",
    "atom.xml": "application/atom+xml; charset=utf-8",
    "rdf.xml": "application/rdf+xml; charset=utf-8",
    "feed.json": "application/feed+json; charset=utf-8",
}


def render_feed(desk: Desk, name: str, base: str) -> bytes:
    """The feed document `name`, newest first."""
    stories = [] if desk.emptied else [story for story in desk.stories if story.in_feed]
    stories.sort(key=lambda story: story.published, reverse=True)
    make = {"atom.xml": _atom, "rdf.xml": _rdf, "feed.json": _json}
    if name in make:
        return make[name](desk, stories, base).encode("utf-8")
    return _rss(desk, stories, base, full=name == "full.xml").encode("utf-8")


def full_html(desk: Desk, story: Story, base: str) -> str:
    """The whole text as a feed carries it."""
    parts = [f"<p>{escape(text)}</p>" for text in story.paragraphs]
    for number, photo in enumerate(story.photos):
        figure = f'<img src="{base}{picture_path(desk, photo, 900)}" alt="{escape(photo.caption)}">'
        parts.insert(2 * number, f"<figure>{figure}<figcaption>{escape(photo.caption)}</figcaption></figure>")
    return "".join(parts)


def _rss(desk: Desk, stories: list[Story], base: str, *, full: bool) -> str:
    items = "".join(_rss_item(desk, story, base, full=full) for story in stories)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>{escape(desk.name)}</title><link>{base}/{desk.key}/</link>'
        f"<description>{escape(desk.name)}</description><language>{desk.language}</language>"
        f'<atom:link rel="self" type="application/rss+xml" href="{base}/{desk.key}/{"full" if full else "feed"}.xml"/>'
        f"<ttl>15</ttl>{items}</channel></rss>\n"
    )


def _rss_item(desk: Desk, story: Story, base: str, *, full: bool) -> str:
    url = base + article_path(desk, story)
    media = "".join(
        f'<media:content url="{base}{picture_path(desk, photo, 900)}" medium="image" type="image/jpeg">'
        f"<media:description>{escape(photo.caption)}</media:description></media:content>"
        for photo in story.photos[:1]
    )
    author = f"<dc:creator>{escape(story.author)}</dc:creator>" if story.author else ""
    content = f"<content:encoded><![CDATA[{full_html(desk, story, base)}]]></content:encoded>" if full else ""
    return (
        f'<item><title>{escape(story.title)}</title><link>{url}?utm_source=rss</link><guid isPermaLink="false">'
        f"{desk.key}:{story.slug}</guid><pubDate>{format_datetime(story.published)}</pubDate>{author}"
        f"<category>{escape(story.section)}</category><description>{escape(story.summary)}</description>{media}{content}</item>\n"
    )


def _atom(desk: Desk, stories: list[Story], base: str) -> str:
    newest = max((story.modified or story.published for story in desk.stories), default=None)
    entries = "".join(
        f'<entry><title>{escape(story.title)}</title><link href="{base}{article_path(desk, story)}"/>'
        f"<id>tag:newsroom.invalid,2026:{desk.key}:{story.slug}</id><published>{story.published.isoformat()}</published>"
        f"<updated>{(story.modified or story.published).isoformat()}</updated><author><name>"
        f"{escape(story.author or desk.name)}</name></author><summary>{escape(story.summary)}</summary></entry>\n"
        for story in stories
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{desk.language}">'
        f"<title>{escape(desk.name)}</title><id>tag:newsroom.invalid,2026:{desk.key}</id>"
        f'<link href="{base}/{desk.key}/"/><link rel="self" href="{base}/{desk.key}/atom.xml"/>'
        f"<updated>{newest.isoformat() if newest else '2026-01-01T00:00:00Z'}</updated>{entries}</feed>\n"
    )


def _rdf(desk: Desk, stories: list[Story], base: str) -> str:
    urls = [base + article_path(desk, story) for story in stories]
    seq = "".join(f'<rdf:li rdf:resource="{url}"/>' for url in urls)
    items = "".join(
        f'<item rdf:about="{url}"><title>{escape(story.title)}</title><link>{url}</link>'
        f"<description>{escape(story.summary)}</description><dc:date>{story.published.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        "</dc:date></item>\n"
        for story, url in zip(stories, urls, strict=True)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF xmlns="http://purl.org/rss/1.0/" '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="{base}/{desk.key}/"><title>{escape(desk.name)}</title><link>{base}/{desk.key}/</link>'
        f"<description>{escape(desk.name)}</description><items><rdf:Seq>{seq}</rdf:Seq></items></channel>{items}</rdf:RDF>\n"
    )


def _json(desk: Desk, stories: list[Story], base: str) -> str:
    items = [
        {
            "id": f"{desk.key}:{story.slug}",
            "url": base + article_path(desk, story),
            "title": story.title,
            "summary": story.summary,
            "content_html": full_html(desk, story, base),
            "date_published": story.published.isoformat(),
            "authors": [{"name": story.author}] if story.author else [],
        }
        for story in stories
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": desk.name,
        "home_page_url": f"{base}/{desk.key}/",
        "language": desk.language,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1)
