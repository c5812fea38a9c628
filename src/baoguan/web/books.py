"""Chapters of a book out of kept articles: what `export epub` and the catalogue for e-readers share."""

from collections.abc import Iterator
from datetime import tzinfo

from baoguan.errors import StoreError
from baoguan.media.location import strip_location
from baoguan.publish.epub import Chapter
from baoguan.web.body import BodyStyle, show_body
from baoguan.web.source import ArticlePage, Cursor, ReaderSource
from baoguan.web.views import body_lang, moment, outlet_name, publisher_moment
from baoguan.web.words import words


def pages_of(
    source: ReaderSource, outlet: str, start_ms: int | None, end_ms: int | None = None
) -> Iterator[ArticlePage]:
    """Articles of an outlet (of all: empty) that are shown between two times, newest first.

    A damaged record is left out: `verify` names it.
    """
    before: Cursor | None = None
    while cards := source.cards(start_ms=start_ms, end_ms=end_ms, outlet=outlet or None, before=before, limit=100):
        for card in cards:
            try:
                page = source.article(card.id)
            except StoreError:
                continue
            if page is not None:
                yield page
        before = Cursor(shown_ms=cards[-1].shown_ms, id=cards[-1].id)


def chapter_of(
    source: ReaderSource, page: ArticlePage, *, lang: str, zone: tzinfo
) -> tuple[Chapter, Iterator[tuple[str, bytes]]]:
    """An article as a chapter, and its pictures (path, bytes without the place where they were taken).

    `lang`: of the words around the text; `zone`: of this archive's clock. Pictures are read when they are taken.
    """
    t = words(lang)
    outlet = source.outlet(page.outlet)
    published = publisher_moment(page.published, t)
    kept = moment(page.captured_ms, zone, t)
    lines = (
        outlet_name(outlet, page.outlet, lang),
        f"{t('article.published')}: {published.text}" if published else t("article.no_clock"),
        f"{t('article.kept')}: {kept.text}",
        t("article.entry", index=page.index),
    )
    body = show_body(page.body_html, page.media, BodyStyle(no_picture=t("article.no_picture")))
    chapter = Chapter(
        name=f"a{page.id}",
        title=page.title or t("article.untitled"),
        lang=body_lang(page, outlet),
        lines=lines,
        url=page.url,
        body_html=body.html,
    )
    return chapter, _pictures(source, page)


def _pictures(source: ReaderSource, page: ArticlePage) -> Iterator[tuple[str, bytes]]:
    for path in dict.fromkeys(ref.path for ref in page.media if ref.path):
        size = source.public_size(path)
        if size is not None:
            yield path, strip_location(source.read_public(path, 0, size))
