"""A feed item read as an article, and what a page and its item say together. Pure."""

from datetime import datetime

import msgspec

from baoguan.model.article import Article, Clock
from baoguan.model.feed import Item
from baoguan.text.html import clean_body
from baoguan.text.lang import detect_language

NOT_ARTICLES = ("index", "consent", "error", "login", "empty")
_FEED_WINS = 2.0
"""The feed's text is taken when it is so many times longer than the page's (a paywalled or broken page)."""


def article_from_item(item: Item, *, language: str = "") -> Article:
    """The item alone as an article: its full text, else its summary, with its enclosed pictures."""
    body = clean_body(item.content_html or item.summary_html, item.base_url or item.url)
    pictures = body.pictures
    html = body.html
    if not pictures:
        enclosed = next((media for media in item.media if media.kind == "image" and media.url), None)
        if enclosed is not None:
            figure = clean_body(f'<figure><img src="{_attribute(enclosed.url)}" alt=""></figure>', item.url)
            if figure.pictures:
                pictures = (msgspec.structs.replace(figure.pictures[0], caption=enclosed.caption, lead=True),)
                html = f"{figure.html}\n{html}".strip()
    return Article(
        url=item.url,
        title=item.title,
        authors=item.authors,
        published=_clock(item.published or item.updated, item),
        modified=_clock(item.updated, item) if item.published else None,
        section=item.categories[0] if item.categories else "",
        language=item.language or detect_language(item.title + body.text, language),
        body_html=html,
        pictures=pictures,
        embeds=body.embeds,
        confidence=0.7 if item.content_html else 0.3,
        reasons=("full text from the feed",) if item.content_html else ("only the feed's summary",),
        extractor="feed/1",
    )


def combine(page: Article | None, item: Item, feed: Article) -> Article:
    """The page, completed by what only the feed says; the feed alone where the page is none or a shell."""
    if page is None or page.kind in NOT_ARTICLES or not page.body_html:
        return feed
    if item.content_html and len(feed.body_html) > _FEED_WINS * len(page.body_html):
        return complete(feed, page)
    return complete(page, feed)


def complete(first: Article, second: Article) -> Article:
    """`first` with its gaps filled from `second`: what only a feed, or an earlier reading, says."""
    published = first.published
    if published is None or (published.precision == "day" and second.published is not None):
        published = second.published or published
    return msgspec.structs.replace(
        first,
        title=first.title or second.title,
        authors=first.authors or second.authors,
        published=published,
        modified=first.modified or second.modified,
        section=first.section or second.section,
        language=first.language or second.language,
    )


def _clock(at: datetime | None, item: Item) -> Clock | None:
    return Clock(at=at, source="feed", zone_assumed=item.zone_assumed) if at else None


def _attribute(url: str) -> str:
    return url.replace("&", "&amp;").replace('"', "%22").replace("<", "%3C")
