"""Title, authors and clock of extracted rows against the gold: what extract_score.py doesn't measure."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

_MINUTE_S = 60
_DAY = len("2024-05-01")
OTHERS = ("traf", "postlight")
"""Of the others gne's titles are <title> as it stands, and Readability's its own output."""
_NAMES = re.compile(r"\s*[;,]\s*|\s+(?:and|und|et|&)\s+")
_NORMAL = re.compile(r"[\W_]+")


def score_meta(rows: Iterable[str], gold: Path) -> dict[str, float]:
    """Shares over the fundus pages whose gold has the field: title, all authors, same day, same minute.

    `rows` are JSON lines of extraction, `gold` the folder of the pages' JSON. Theirs is the only gold with a time of
    day. A clock whose gold has no zone is compared by what it shows.
    """
    found: dict[str, list[bool]] = {"title": [], "authors": [], "day": [], "minute": []}
    for row in _rows(rows, ("fundus",)):
        wanted = json.loads((gold / row["file"]).with_suffix(".json").read_text())
        meta = row.get("meta") or {}
        if wanted.get("title"):
            found["title"].append(_normal(wanted["title"]) == _normal(meta.get("title")))
        if wanted.get("authors"):
            names = [_normal(name) for name in meta.get("authors") or re.split(r"[,;]", meta.get("author") or "")]
            found["authors"].append(all(any(_normal(one) in name for name in names) for one in wanted["authors"]))
        if stated := wanted.get("date") or wanted.get("publishing_date"):
            day, minute = _same(stated, meta.get("date"))
            found["day"].append(day)
            found["minute"].append(minute)
    return _shares(found)


def score_others(rows: Iterable[str], gold: Path, source: str) -> dict[str, float]:
    """Title, all authors and day against the gold of another collection: a check on what was tuned on fundus.

    Their pages are blogs, shops and forums too, their authors one string, their clocks mostly days; some gold says
    nothing that the page holds. Read the differences between two versions, not the level.
    """
    found: dict[str, list[bool]] = {"title": [], "authors": [], "day": []}
    for row in _rows(rows, (source,)):
        wanted = json.loads((gold / row["file"]).with_suffix(".json").read_text())
        meta = row.get("meta") or {}
        if wanted.get("title"):
            found["title"].append(_normal(wanted["title"]) == _normal(meta.get("title")))
        if authors := wanted.get("authors") or wanted.get("author"):
            names = [_normal(name) for name in _NAMES.split(authors if isinstance(authors, str) else ";".join(authors))]
            told = _normal(",".join(meta.get("authors") or [meta.get("author") or ""]))
            found["authors"].append(all(name in told for name in names if name))
        if stated := wanted.get("date"):
            shown = str(meta.get("date") or "")[:10]
            found["day"].append(shown in (str(stated)[:10], _same_instant(str(stated), meta.get("date"))))
    return _shares(found)


def _rows(rows: Iterable[str], sources: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for line in filter(None, rows):
        row = json.loads(line)
        if row["file"].partition("__")[0] in sources:
            yield row


def _shares(found: dict[str, list[bool]]) -> dict[str, float]:
    return {name: round(sum(hits) / len(hits), 3) for name, hits in found.items() if hits}


def _same_instant(stated: str, found: str | None) -> str | None:
    """The day that `found` shows when it is the minute of `stated` in another zone."""
    try:
        apart = datetime.fromisoformat(found or "") - datetime.fromisoformat(stated)
    except (ValueError, TypeError):
        return None
    return str(found)[:_DAY] if len(stated) > _DAY and abs(apart.total_seconds()) < _MINUTE_S else None


def _normal(text: Any) -> str:
    return _NORMAL.sub("", str(text or "")).lower()


def _same(stated: str, found: str | None) -> tuple[bool, bool]:
    """Whether two clocks show the same day, and the same minute."""
    try:
        ours, theirs = datetime.fromisoformat(found or ""), datetime.fromisoformat(stated)
    except ValueError:
        return False, False
    if theirs.tzinfo is None or ours.tzinfo is None:
        ours, theirs = ours.replace(tzinfo=None), theirs.replace(tzinfo=None)
    return ours.date() == theirs.date(), abs((ours - theirs).total_seconds()) < _MINUTE_S
