"""Title, authors and clock of extracted rows against the gold: what extract_score.py doesn't measure."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

_MINUTE_S = 60
_NORMAL = re.compile(r"[\W_]+")


def score_meta(rows: Iterable[str], gold: Path) -> dict[str, float]:
    """Shares over the pages whose gold has the field: title, all authors, same day, same minute.

    `rows` are JSON lines of extraction, `gold` the folder of the pages' JSON. Only fundus pages count: theirs is the
    only gold with a time of day. A clock whose gold has no zone is compared by what it shows.
    """
    found: dict[str, list[bool]] = {"title": [], "authors": [], "day": [], "minute": []}
    for line in rows:
        row = json.loads(line)
        if not row["file"].startswith("fundus__"):
            continue
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
    return {name: round(sum(hits) / max(1, len(hits)), 3) for name, hits in found.items()}


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
