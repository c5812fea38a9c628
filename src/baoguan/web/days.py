"""The calendar: months with their counts, and the days of one month."""

import re
from collections.abc import Callable
from datetime import date

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from baoguan.web import views
from baoguan.web.render import Renderer, Ui
from baoguan.web.source import ReaderSource

_MONTH = re.compile(r"(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])")
_FIRST = date(1970, 1, 1)


class Cell(msgspec.Struct, frozen=True):
    """A day of the month that is shown."""

    day: date
    articles: int


class CalendarPages:
    """/calendar and /calendar/YYYY-MM. Days begin and end in the zone of the page."""

    def __init__(self, source: ReaderSource, renderer: Renderer, now_ms: Callable[[], int]) -> None:
        self._source, self._show, self._now_ms = source, renderer, now_ms

    def endpoints(self) -> list[tuple[str, Callable[[Request], Response | None]]]:
        """(path, what answers there)"""
        return [("/calendar", self.calendar), ("/calendar/{month}", self.calendar)]

    def calendar(self, request: Request) -> Response | None:
        """A month, the newest that has begun by default, and links to all that hold something. None for no month."""
        ui = self._show.ui(request)
        found = _MONTH.fullmatch(request.path_params.get("month", "")) if "month" in request.path_params else None
        if "month" in request.path_params and found is None:
            return None
        months = self._months(ui)
        newest = months[-1][0] if months else views.day_of(self._now_ms(), ui.at).replace(day=1)
        month = date(int(found[1]), int(found[2]), 1) if found else newest
        if month.year > views.LAST_YEAR:
            return None
        cells = self._cells(ui, month)
        return self._show.page(
            request,
            ui,
            "calendar.html",
            month=month,
            total=sum(cell.articles for cell in cells),
            weeks=_weeks(cells),
            weekdays=ui.t("date.weekdays").split(),
            years=_by_year(months),
        )

    def _months(self, ui: Ui) -> list[tuple[date, int]]:
        """(first day, articles) of every month up to now that holds any, oldest first."""
        end = _next(views.day_of(self._now_ms(), ui.at).replace(day=1))
        oldest = self._source.neighbours(0, 0)[1]
        if oldest is None:
            return []
        month = max(_FIRST, views.day_of(oldest, ui.at).replace(day=1))
        months = []
        while month < end:
            months.append(month)
            month = _next(month)
        bounds = [views.day_bounds(day, ui.at)[0] for day in (*months, month)]
        counts = self._source.tally(bounds)
        return [(day, n) for day, n in zip(months, counts, strict=True) if n]

    def _cells(self, ui: Ui, month: date) -> list[Cell]:
        after = _next(month)
        days = [date.fromordinal(number) for number in range(month.toordinal(), after.toordinal())]
        counts = self._source.tally([views.day_bounds(day, ui.at)[0] for day in (*days, after)])
        return [Cell(day, n) for day, n in zip(days, counts, strict=True)]


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _weeks(cells: list[Cell]) -> list[list[Cell | None]]:
    """Rows from Monday to Sunday, with None beside the month."""
    row: list[Cell | None] = [None] * cells[0].day.weekday()
    padded = [*row, *cells]
    padded += [None] * (-len(padded) % 7)
    return [padded[at : at + 7] for at in range(0, len(padded), 7)]


def _by_year(months: list[tuple[date, int]]) -> list[tuple[int, int, list[tuple[date, int]]]]:
    """(year, articles, its months), newest year first."""
    years: dict[int, list[tuple[date, int]]] = {}
    for month, n in months:
        years.setdefault(month.year, []).append((month, n))
    return [(year, sum(n for _, n in some), some) for year, some in sorted(years.items(), reverse=True)]
