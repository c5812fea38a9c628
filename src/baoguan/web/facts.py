"""What the page of an article tells, to be compared: equal facts, equal pages."""

import re
from collections.abc import Iterable, Mapping

from baoguan.errors import StoreError
from baoguan.model.log import MediaRef
from baoguan.model.photo import Look
from baoguan.web.photos_source import PhotosSource
from baoguan.web.pictures import digest_of
from baoguan.web.source import ArticlePage, ReaderSource, facts_of

_ARTICLE = re.compile(r"/article/([0-9a-f]{16})(?:/(\d{1,6}))?")


class PageFacts:
    """The facts of pages over one source: what may change while program and settings stay."""

    def __init__(self, source: ReaderSource, photos: PhotosSource | None) -> None:
        self._source, self._photos = source, photos

    def __call__(self, path: str) -> object:
        """Of the page at `path`; None for what is no article's page, and where it can't be told."""
        found = _ARTICLE.fullmatch(path)
        if found is None:
            return None
        try:
            facts = self._source.facts(found[1], int(found[2]) if found[2] else None)
        except StoreError:
            return None  # who asks for the page is told
        return None if facts is None else (facts, sorted(self.looks(facts.media).items()))

    def of(self, page: ArticlePage, looks: Mapping[str, Look]) -> object:
        """As they were when a page was read."""
        return facts_of(page), sorted(looks.items())

    def looks(self, media: Iterable[MediaRef]) -> Mapping[str, Look]:
        """Of the pictures of an article, as far as they are known."""
        if self._photos is None:
            return {}
        return self._photos.looks(ref.sha256 or digest_of(ref.path) for ref in media if ref.path)
