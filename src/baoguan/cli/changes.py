"""changes: what outlets edited, and pages that vanished."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baoguan.cli.common import archive_option, print_json, style, when
from baoguan.model.change import KINDS

if TYPE_CHECKING:
    from baoguan.desk import Desk
    from baoguan.model.change import ChangeRow, Comparison, Row, Span

COLOURS = {"vanished": "red", "removal": "red", "headline": "yellow", "figure": "yellow", "correction": "cyan"}
CONTEXT = 24
"""Characters of unchanged text shown on either side of a change."""
_SPAN = re.compile(r"(\d{1,6})\s*([hdwmy])")
_HOURS = {"h": 1, "d": 24, "w": 168, "m": 730, "y": 8766}


@click.command()
@archive_option
@click.argument("article", metavar="[ID]", default="")
@click.option("--outlet", default="", help="only of this outlet")
@click.option("--since", default="", metavar="TIME", help="noticed since: 2026-11-23, 2026-11-23T08:00Z, 24h, 7d")
@click.option("--until", default="", metavar="TIME", help="noticed before")
@click.option("--kind", default="", metavar="KIND", help=f"only of this kind: {', '.join(KINDS)}")
@click.option("--id", "identity", default="", help="only of this article, as a list")
@click.option("--full", is_flag=True, help="with ID: unchanged paragraphs too")
@click.option("-n", "--limit", type=click.IntRange(1, 100_000), default=30, show_default=True, help="so many")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def changes(
    folder: Path,
    article: str,
    *,
    outlet: str,
    since: str,
    until: str,
    kind: str,
    identity: str,
    full: bool,
    limit: int,
    as_json: bool,
) -> None:
    """What outlets changed in kept articles, newest first; with ID (or a URL) what exactly, word by word.

    Pages that vanished or came back count as changes. Two readings of a page that differ though the outlet edited
    nothing are told only with --kind extraction.
    """
    from baoguan.app import open_desk
    from baoguan.backends.sqlite.changes import SqliteChanges
    from baoguan.changing import catch_up_changes
    from baoguan.cli.read import find_article

    if kind and kind not in KINDS:
        raise click.BadParameter(f"{kind!r}; known are {', '.join(KINDS)}", param_hint="--kind")
    with open_desk(folder) as desk:
        now = desk.clock.now()
        store = SqliteChanges(desk.folder / "index" / "catalogue.sqlite")
        try:
            catch_up_changes(desk.archive, store)
            name = article or identity
            found = store.changes(
                outlet=outlet,
                kind=kind,
                identity=find_article(desk, name) if name else "",
                since_ms=moment_ms(since, now, "--since"),
                until_ms=moment_ms(until, now, "--until"),
                limit=limit,
            )
        finally:
            store.close()
        for row, before, after in found:
            if as_json:
                print_json(_as_json(desk, row, before, after, diff=bool(article)))
            else:
                _print_change(desk, row, before, after)
                if article:
                    _print_diff(desk, row, full=full)
    if not found and not as_json:
        click.echo("no change is known" + (" that is so" if any((outlet, since, until, kind, name)) else " yet"))


def moment_ms(text: str, now: datetime, option: str = "TIME") -> int | None:
    """A day, an instant, or how long ago, as epoch ms; None for nothing. Raises BadParameter."""
    if not text:
        return None
    span = _SPAN.fullmatch(text.strip().lower())
    try:
        if span:
            return int((now - timedelta(hours=int(span[1]) * _HOURS[span[2]])).timestamp() * 1000)
        at = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r}; say 2026-11-23, 2026-11-23T08:00Z, 24h or 7d", param_hint=option) from None
    at = at if at.tzinfo else at.astimezone()
    return int(at.astimezone(UTC).timestamp() * 1000)


def _as_json(desk: "Desk", row: "ChangeRow", before: str, after: str, *, diff: bool) -> dict[str, Any]:
    from baoguan.changing import compare_revisions

    told: dict[str, Any] = {
        "index": row.index,
        "id": row.id,
        "outlet": row.outlet,
        "at_ms": row.at_ms,
        "cause": row.cause,
        "kinds": row.kinds,
        "reason": row.reason,
        "title_before": before,
        "title_after": after or before,
        "before": row.before,
    }
    if row.cause:
        earlier, later = desk.archive.line(row.before), desk.archive.line(row.index)
        for name, line in (("before", earlier), ("after", later)):
            told[f"published_{name}"] = line.published if line else ""
            told[f"captured_ms_{name}"] = line.captured_ms if line else 0
            told[f"rev_{name}"] = line.rev if line else 0
        if diff and earlier and later:
            _, _, comparison = compare_revisions(desk.archive, row.before, row.index)
            told["title"], told["rows"], told["cut"] = comparison.title, comparison.rows, comparison.cut
            told["swapped"] = [
                {"url": ref.url, "before": ref.replaces, "after": ref.path} for ref in later.media if ref.replaces
            ]
    return told


def _print_change(desk: "Desk", row: "ChangeRow", before: str, after: str) -> None:
    kinds = ", ".join(style(kind, fg=COLOURS.get(kind)) for kind in row.kinds)
    label = f" ({row.reason})" if row.reason else ""
    source = {"import": " · seen by an imported archive", "extractor": " · read again by another program"}
    click.echo(f"{row.id}  {when(row.at_ms)}  {row.outlet:<10} {kinds}{label}{source.get(row.cause, '')}")
    if before and after and before != after:
        click.echo(f"  {style('-', fg='red')} {before}\n  {style('+', fg='green')} {after}")
    else:
        click.echo(f"    {after or before}")
    if row.cause:
        lines = [desk.archive.line(index) for index in (row.before, row.index)]
        clocks = [f"{line.published or 'no time'}, kept {when(line.captured_ms)}" for line in lines if line]
        click.echo("    published " + "  ->  ".join(dict.fromkeys(clocks)))


def _print_diff(desk: "Desk", row: "ChangeRow", *, full: bool) -> None:
    from baoguan.changing import compare_revisions

    if row.cause:
        _, _, comparison = compare_revisions(desk.archive, row.before, row.index)
        click.echo()
        for line in diff_lines(comparison, full=full):
            click.echo(line)
        later = desk.archive.line(row.index)
        for ref in later.media if later else ():
            if ref.replaces:
                click.echo(f"  {style('-', fg='red')} {ref.replaces}\n  {style('+', fg='green')} {ref.path}  {ref.url}")
    click.echo()


def diff_lines(comparison: "Comparison", *, full: bool) -> Iterator[str]:
    """A comparison for a terminal: -[removed] in red, +[added] in green; the brackets stand without colour too."""
    unchanged = 0
    for row in comparison.rows:
        if row.kind == "same" and not full:
            unchanged += 1
            continue
        if unchanged:
            yield style(f"    ··· {unchanged} unchanged", dim=True)
            unchanged = 0
        yield from _row_lines(row)
    if unchanged:
        yield style(f"    ··· {unchanged} unchanged", dim=True)
    if comparison.cut:
        yield "    (too long or too different to be compared word by word: whole paragraphs stand for it)"


def _row_lines(row: "Row") -> Iterator[str]:
    moved = "moved: " if row.kind == "moved" else ""
    if row.kind == "same":
        yield f"    {_text(row.after, '')}"
        return
    if row.before:
        yield f"  {style('-', fg='red')} {moved}{_text(row.before, 'red')}"
    if row.after:
        yield f"  {style('+', fg='green')} {moved}{_text(row.after, 'green')}"


def _text(spans: "tuple[Span, ...]", colour: str) -> str:
    parts = []
    whole = all(span.changed for span in spans)
    for number, span in enumerate(spans):
        text = span.text.rstrip("\n").replace("\n", " ⏎ ")
        if span.changed:
            parts.append(style(text if whole else f"[{text}]", fg=colour))
        elif colour and len(text) > 2 * CONTEXT + 6:
            head = "" if number == 0 else text[:CONTEXT]
            tail = "" if number == len(spans) - 1 else text[-CONTEXT:]
            parts.append(f"{head} … {tail}".strip())
        else:
            parts.append(text)
    return "".join(parts)
