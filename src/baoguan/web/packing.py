"""`export epub`: articles of an archive as one book, with their pictures, for reading offline."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from baoguan.desk import Desk
from baoguan.errors import NotFound
from baoguan.publish.epub import Book, Chapter, write_epub
from baoguan.text.zones import zone_of
from baoguan.web.books import chapter_of, pages_of
from baoguan.web.desk_source import DeskSource
from baoguan.web.source import ArticlePage
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
    pages = islice(pages_of(source, outlet, since_ms), limit)
    zone = zone_of(desk.settings.zone)

    def told(pages: Iterator[ArticlePage]) -> Iterator[tuple[Chapter, Iterator[tuple[str, bytes]]]]:
        for page in pages:
            progress(1)
            yield chapter_of(source, page, lang=lang, zone=zone)

    try:
        with beside.open("wb") as out:
            written = write_epub(out, book, told(pages))
        if not written[0]:
            raise NotFound("no article to write: choose an earlier --since or another --outlet")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
        source.close()
    return written
