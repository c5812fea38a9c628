"""Calls of the public API as a user would write them: checked by mypy with the sources, run by test_api_calls."""

from datetime import UTC, date, datetime
from pathlib import Path

import baoguan


def calls(place: str | Path) -> list[str]:
    """Every call once, with its result put where only the right type fits."""
    with baoguan.open(place, timeout_s=5.0) as reader:
        told: baoguan.Reader = reader
        about = told.archive()
        said: list[str] = [about.origin, about.checkpoint, str(about.size)]
        until = datetime(2100, 1, 1, tzinfo=UTC)
        page = reader.articles(outlet="voa", after=date(2000, 1, 1), before=until, limit=5)
        for summary in page.items:
            whole = reader.article(summary.id)
            kept: datetime = whole.kept
            pixels: int = sum(picture.width for picture in whole.pictures)
            said += [whole.text, kept.isoformat(), str(pixels), *whole.authors]
            said += [one.cause for one in reader.revisions(summary.id).items]
            raw: bytes = reader.markdown(summary.id, rev=whole.rev)
            said.append(raw.decode())
            said.append(reader.proof(summary.id, media=True).decode())
            said += [one.id for one in reader.names(summary.url).items]
        for article in baoguan.walk(reader.articles, order="kept"):
            said.append(article.title)
        for hit in baoguan.walk(reader.search, "新闻", order="date"):
            said += [piece.text for piece in hit.snippet if piece.marked]
        for change in baoguan.walk(reader.changes, kind="headline"):
            side = reader.change(change.index).comparison
            said += [] if side is None else list(side.kinds)
        said += [one.name for one in reader.outlets().items] + [one.state for one in reader.feeds().items]
        said += [line.title for line in reader.export(since=0)]
    return said
