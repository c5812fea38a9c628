"""ls, show, status."""

import textwrap
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baoguan.cli.common import archive_option, print_json, size_text, style, when

if TYPE_CHECKING:
    from baoguan.desk import Desk

COLOURS = {"ok": "green", "empty": "yellow", "emptied": "yellow", "stale": "yellow", "moved": "yellow"}


@click.command()
@archive_option
@click.option("--outlet", default="", help="only of this outlet")
@click.option("-n", "--limit", default=30, show_default=True, help="so many")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def ls(folder: Path, outlet: str, limit: int, *, as_json: bool) -> None:
    """The newest articles."""
    from baoguan.app import open_desk

    with open_desk(folder) as desk:
        rows = desk.catalog.articles(outlet=outlet, limit=limit)
        revisions = [one for row in rows if row.rev for one in desk.catalog.revisions(row.id)]
    edited = {one.id for one in revisions if one.rev and one.cause == "outlet"}
    for row in rows:
        if as_json:
            print_json(row)
            continue
        mark = style("*", fg="yellow") if row.id in edited else style("x", fg="red") if row.lost else " "
        click.echo(f"{row.id} {when(row.shown_ms)} {mark} {row.outlet:<10} {row.title}")
    if not rows and not as_json:
        click.echo("nothing kept yet: `baoguan sync`")


@click.command()
@archive_option
@click.argument("identity", metavar="ID")
@click.option("--rev", type=int, default=None, help="an older revision")
@click.option("--html", "as_html", is_flag=True, help="the body as kept")
@click.option("--json", "as_json", is_flag=True, help="the manifest line and the body")
def show(folder: Path, identity: str, *, rev: int | None, as_html: bool, as_json: bool) -> None:
    """One article in the terminal. ID may be shortened as long as it names one article; a URL works too."""
    from baoguan.app import open_desk
    from baoguan.errors import NotFound
    from baoguan.publish.markdown import parse_record

    with open_desk(folder) as desk:
        found = find_article(desk, identity)
        revisions = desk.catalog.revisions(found)
        row = desk.catalog.article(found)
        assert row is not None
        index = row.index if rev is None else next((one.index for one in revisions if one.rev == rev), None)
        line = None if index is None else desk.archive.line(index)
        if line is None or line.record is None:
            raise NotFound(f"{found} has no revision {rev}; it has {', '.join(str(one.rev) for one in revisions)}")
        record = parse_record(desk.archive.record(line))
        if as_json:
            print_json({"line": line, "index": index, "body_html": record.body_html, "revisions": revisions})
            return
        if as_html:
            click.echo(record.body_html)
            return
        _print_article(desk, line, index, record.body_html, len(revisions), row.lost)


def find_article(desk: "Desk", name: str) -> str:
    """The id that `name` means: an id, the start of one, or a URL. Raises NotFound."""
    from baoguan.errors import NotFound

    found = desk.catalog.named(name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"no article {name}; `baoguan ls` lists them")
    raise NotFound(f"{name} is not one article: {', '.join(found[:5])}")


def _print_article(desk: "Desk", line: Any, index: int | None, body: str, revisions: int, lost: str) -> None:
    from baoguan.text.html import plain_text

    click.echo(style(line.title, bold=True))
    published = line.published or "unknown"
    assumed = " (zone assumed)" if line.zone_assumed else ""
    click.echo(f"{desk.outlet(line.outlet).name} · {', '.join(line.authors) or 'no author given'}")
    click.echo(f"published by the outlet: {published}{assumed}")
    click.echo(f"kept by this archive:    {when(line.captured_ms)}  revision {line.rev} of {revisions}, leaf {index}")
    click.echo(line.url)
    if lost:
        click.echo(style(f"gone at the outlet: {lost}", fg="red"))
    click.echo()
    for paragraph in plain_text(body).split("\n"):
        click.echo(wrap(paragraph) + "\n" if paragraph.strip() else "", nl=bool(paragraph.strip()))
    for media in line.media:
        click.echo(f"[{'kept' if media.path else 'not kept yet'}] {media.path or media.url}")


def wrap(text: str, width: int = 78) -> str:
    """Lines of at most `width` columns; a CJK character takes two and may end any line."""
    if text.isascii():
        return textwrap.fill(text, width)
    lines, line, used = [], "", 0
    for char in text.strip():
        columns = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used + columns > width and char not in "，。、；：？！”’）》」』":
            lines.append(line)
            line, used = "", 0
        line += char
        used += columns
    return "\n".join([*lines, line])


@click.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def status(folder: Path, *, as_json: bool) -> None:
    """Health of every feed, what waits, and the disk. Says what is wrong and when it is tried again."""
    from baoguan.app import open_desk
    from baoguan.upkeep import status as read

    with open_desk(folder) as desk:
        report = read(desk)
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{report.origin}: {report.articles} articles, {report.revisions} revisions, {report.pictures} pictures;"
        f" log size {report.log_size}"
    )
    for feed in report.feeds:
        kind = feed.kind or "not polled yet"
        click.echo(f"\n{feed.outlet}  {feed.url}\n  {style(kind, fg=COLOURS.get(kind, 'red' if feed.kind else None))}")
        click.echo(f"  last good {when(feed.last_ok_ms)}, last new item {when(feed.last_new_ms)}")
        if feed.problem:
            click.echo(f"  {feed.problem}")
        click.echo("  polled no more" if feed.stopped else f"  next poll {when(feed.next_ms)}")
        if report.pending.get(feed.url):
            reason = report.problems.get(feed.url, "not tried yet")
            click.echo(f"  {report.pending[feed.url]} items wait for their page: {reason}")
    if not report.feeds:
        click.echo("no feeds: `baoguan add URL` finds some")
    for one in report.layouts:
        pages = "1 page departs" if one.pages == 1 else f"{one.pages} pages depart"
        click.echo(f"\n{one.outlet}  {style('layout', fg='yellow')}: {pages} from its habit; kept texts stay")
        click.echo(f"  {when(one.at_ms)} {one.url}\n  {one.reason}\n  see `baoguan extract {one.url} --explain`")
    for note in report.notes:
        click.echo(f"\n{when(note.at_ms)} {note.outlet}: {note.text}")
    _print_disk(report.disk)


def _print_disk(disk: Any) -> None:
    kinds = ", ".join(f"{kind} {size_text(size)}" for kind, size in disk.by_kind.items() if size)
    left = "" if disk.days_left is None else f", about {disk.days_left:,.0f} days at {size_text(disk.a_day)} a day"
    click.echo(f"\ndisk: {kinds or 'nothing yet'}; {size_text(disk.free)} free{left}")
