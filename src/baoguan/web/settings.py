"""/settings: what a reader chooses, kept in cookies of this host."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from baoguan.web.render import OUTLETS_ZONE, Renderer, known_zone, style

ZONES = (
    *("Asia/Shanghai", "Asia/Taipei", "Asia/Hong_Kong", "Asia/Tokyo", "Asia/Seoul", "Asia/Singapore", "Asia/Bangkok"),
    *("Asia/Kolkata", "Asia/Almaty", "Europe/Istanbul", "Europe/Berlin", "Europe/Paris", "Europe/London", "UTC"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Vancouver"),
    *("America/Sao_Paulo", "Australia/Sydney", "Pacific/Auckland"),
)
"""Offered; any IANA name and UTC+8 are understood."""


class SettingsPage:
    """The form and its answer are one page: choices are part of the address, as everywhere, and become cookies."""

    def __init__(self, renderer: Renderer) -> None:
        self._show = renderer

    def endpoints(self) -> list[tuple[str, Callable[[Request], Response]]]:
        """(path, what answers there)"""
        return [("/settings", self.settings)]

    def settings(self, request: Request) -> Response:
        """An empty zone takes the reader's own one back; one that is not known is named."""
        ui = self._show.ui(request)
        asked = request.query_params.get("zone")
        if asked is not None and not asked.strip() and ui.own_zone:
            ui = self._show.ui(request)
            ui.forget_zone()
        unknown = bool(asked and asked.strip()) and asked != OUTLETS_ZONE and known_zone(str(asked)[:64]) is None
        ui.sheet += style("accounts.css")
        return self._show.page(request, ui, "settings.html", cache="no-cache", zones=ZONES, unknown=unknown)
