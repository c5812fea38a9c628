"""`export epub`: articles of an archive as one book, with their pictures, for reading offline."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from baoguan.desk import Desk
from baoguan.errors import NotFound
from baoguan.media.location import strip_location
from baoguan.publish.epub import Book, Chapter, write_epub
from baoguan.text.zones import zone_of
from baoguan.web.body import BodyStyle, show_body
from baoguan.web.desk_source import DeskSource
from baoguan.web.source import ArticlePage, Cursor
from baoguan.web.views import body_lang, moment, outlet_name, publisher_moment
from baoguan.web.words import words


def export_epub(
    desk: Desk,
    target: Path,
    *,
    outlet: str = "",
    since_ms: int | None = None,
    limit: int = 500,
    lang: str = "en",
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[int, int]:
    """Writes the newest articles, at most `limit`, into `target`, beside and then in place.

    `since_ms`: shown no earlier. `lang`: of the words around the texts. Returns (articles, pictures). Raises NotFound
    where there is no article to write.
    """
    source = DeskSource(desk)
    t = words(lang)
    info = source.archive_info()
    shown = desk.outlet(outlet).name if outlet else ""
    scope = f"epub/{info.origin}/{info.size}/{outlet}/{since_ms}/{limit}/{lang}"
    found = source.newest_kept(limit=1)
    book = Book(
        id=uuid.uuid5(uuid.NAMESPACE_URL, scope),
        title=" – ".join(part for part in (t("site.name"), shown, info.origin) if part),
        lang=lang,
        modified=datetime.fromtimestamp((found[0].captured_ms if found else 0) / 1000, UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
        contents=t("nav.front"),
    )
    beside = target.with_name(f".new-{target.name[-40:]}")
    pages = islice(_pages(source, outlet, since_ms), limit)
    try:
        with beside.open("wb") as out:
            written = write_epub(out, book, (_chapter(desk, source, page, lang, progress) for page in pages))
        if not written[0]:
            raise NotFound("no article to write: choose an earlier --since or another --outlet")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
        source.close()
    return written


def _pages(source: DeskSource, outlet: str, since_ms: int | None) -> Iterator[ArticlePage]:
    before: Cursor | None = None
    while cards := source.cards(start_ms=since_ms, outlet=outlet or None, before=before, limit=100):
        for card in cards:
            page = source.article(card.id)
            if page is not None:
                yield page
        before = Cursor(shown_ms=cards[-1].shown_ms, id=cards[-1].id)


def _chapter(
    desk: Desk, source: DeskSource, page: ArticlePage, lang: str, progress: Callable[[int], None]
) -> tuple[Chapter, Iterator[tuple[str, bytes]]]:
    t = words(lang)
    outlet = source.outlet(page.outlet)
    published = publisher_moment(page.published, t)
    kept = moment(page.captured_ms, zone_of(desk.settings.zone), t)
    lines = (
        outlet_name(outlet, page.outlet, lang),
        f"{t('article.published')}: {published.text}" if published else t("article.no_clock"),
        f"{t('article.kept')}: {kept.text}",
        t("article.proof", index=page.index, size=source.archive_info().size),
    )
    body = show_body(page.body_html, page.media, BodyStyle(no_picture=t("article.no_picture")))
    progress(1)
    chapter = Chapter(
        name=f"a{page.id}",
        title=page.title or t("article.untitled"),
        lang=body_lang(page, outlet),
        lines=lines,
        url=page.url,
        body_html=body.html,
    )
    return chapter, _pictures(source, page)


def _pictures(source: DeskSource, page: ArticlePage) -> Iterator[tuple[str, bytes]]:
    for path in dict.fromkeys(ref.path for ref in page.media if ref.path):
        size = source.public_size(path)
        if size is not None:
            yield path, strip_location(source.read_public(path, 0, size))
