"""The page of a photo: every article that used it, with the words that each gave it."""

import re
from collections.abc import Callable

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from baoguan.web import views
from baoguan.web.photos_source import PhotosSource
from baoguan.web.pictures import Shot, colour_sheet, picture_html
from baoguan.web.render import Renderer
from baoguan.web.source import ReaderSource

_DIGEST = re.compile(r"[0-9a-f]{64}")


class PhotoPages:
    """The endpoints over one source of photos. None: nothing is there, the caller answers 404."""

    def __init__(self, photos: PhotosSource, source: ReaderSource, renderer: Renderer) -> None:
        self._photos, self._source, self._show = photos, source, renderer

    def endpoints(self) -> list[tuple[str, Callable[[Request], Response | None]]]:
        """(path, what answers there)"""
        return [("/photo/{digest}", self.photo)]

    def photo(self, request: Request) -> Response | None:
        """By the sha256 of a kept file."""
        digest = request.path_params["digest"]
        if not _DIGEST.fullmatch(digest):
            return None
        behind = self._photos.behind()
        page = self._photos.photo(digest)
        if page is None:
            return None
        ui = self._show.ui(request)
        look = self._photos.looks([digest]).get(digest)
        ui.sheet = colour_sheet([look.colour] if look else [])
        words = next((text for card in page.uses for text, _ in card.texts if text), "")
        shot = Shot(
            path=page.file.path,
            alt=words,
            width=page.file.width,
            height=page.file.height,
            eager=True,
            variants=self._show.options.variants,
            look=look,
        )
        outlets = {card.outlet: self._source.outlet(card.outlet) for card in page.uses}
        return self._show.page(
            request,
            ui,
            "photo.html",
            page=page,
            behind=behind,
            image=Markup(picture_html(shot)),  # noqa: S704 - every value in it is escaped
            title=words[:80],
            uses=[
                (
                    card,
                    views.outlet_name(outlets[card.outlet], card.outlet, ui.t.lang),
                    views.moment(card.shown_ms, ui.at, ui.t),
                )
                for card in page.uses
            ],
            forms=page.forms,
        )
