"""sync, serve."""

import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, named, print_json, settings_options, style
from baoguan.cli.logs import Log

KINDS = {"failing": "red", "blocked": "red", "gone": "red", "not-a-feed": "red", "emptied": "yellow", "stale": "yellow"}


@click.command()
@archive_option
@click.option("--due", is_flag=True, help="only feeds whose own pace says so (for cron every few minutes)")
@click.option("--now", "force", is_flag=True, help="also feeds that asked to be left alone for a while")
@click.option("--json", "as_json", is_flag=True, help="one JSON object at the end")
@click.option("-q", "--quiet", is_flag=True, help="only errors and what went wrong")
@settings_options("fetch", "poll", "archive")
def sync(folder: Path, *, due: bool, force: bool, as_json: bool, quiet: bool, **options: Any) -> int:
    """Poll the feeds, archive what is new or edited.

    Exit code: 0 all feeds answered, 3 some gave no feed, 4 none did, 5 the disk is full.
    """
    from baoguan.app import open_desk
    from baoguan.ingest import sync as run
    from baoguan.polling import Report

    watcher = _Watcher(lines=not (as_json or quiet))
    with open_desk(folder, options) as desk:
        report = run(desk, which="all" if force else "due" if due else "allowed", report=Report(watcher.watch))
        watcher.close()
        size = desk.archive.size
    if as_json:
        print_json(
            {
                "feeds": report.feeds,
                "articles": report.counts,
                "waiting": report.waiting,
                "log_size": size,
            }
        )
    else:
        summary(report, size, quiet=quiet)
    if report.feeds and len(report.failed) == len(report.feeds):
        return 4
    return 3 if report.failed else 0


def summary(report: Any, size: int, *, quiet: bool) -> None:
    """The last lines of a sync."""
    for feed in report.failed if quiet else ():
        click.echo(f"{feed.outlet}  {named(feed.url, feed.problem)}", err=True)
    for problem, count in report.waiting.items():
        click.echo(f"waiting: {count} pages ({problem}); tried again later", err=True)
    if quiet:
        return
    counts = report.counts
    click.echo(
        f"{len(report.feeds)} feeds: {counts['new']} new, {counts['changed']} edited, {counts['same']} unchanged,"
        f" {counts['lost']} lost upstream; {len(report.failed)} feeds failed; log size {size}"
    )
    if counts.get("withdrawn"):
        click.echo(f"{counts['withdrawn']} left out: withdrawn here before (`baoguan withdraw --list`)")
    if not report.feeds:
        click.echo("no feed was asked: none is due or none is set up (`baoguan status`, `baoguan add URL`)")


class _Watcher:
    """A progress bar on a terminal, and a line for each feed that has something to tell."""

    def __init__(self, *, lines: bool) -> None:
        self.lines = lines
        self.bar: Any = None

    def watch(self, event: str, what: Any) -> None:
        """Called by the joiner."""
        if event == "start" and self.lines and sys.stderr.isatty() and what:
            from tqdm import tqdm

            self.bar = tqdm(total=what, unit="feed", leave=False, dynamic_ncols=True)
        elif event == "feed":
            if self.bar is not None:
                self.bar.update()
            self.line(feed_line(what))
        elif event == "note":
            click.echo(f"warning: {what}", err=True)
        elif event == "article" and self.bar is not None:
            self.bar.set_postfix_str(f"{what[2]}: {what[3][:24]}")

    def line(self, text: str) -> None:
        """Prints above the bar."""
        if not self.lines:
            return
        if self.bar is not None:
            self.bar.write(text, file=sys.stdout)
        else:
            click.echo(text)

    def close(self) -> None:
        """Ends the bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def feed_line(feed: Any) -> str:
    """One feed on one line."""
    what = f"{feed.fresh} new or changed" if feed.fresh else "unchanged" if feed.status in (200, 304) else "no feed"
    kind = style(feed.kind or "ok", fg=KINDS.get(feed.kind, "green"))
    where = named(feed.url, feed.problem) if feed.problem else feed.url
    return f"{feed.outlet:<12} {feed.status or '---'} {kind:<8} {what:<20} {where}"


@click.command()
@archive_option
@click.option("--no-sync", is_flag=True, help="only read: poll nothing")
@settings_options("serve", "fetch", "poll", "archive")
def serve(folder: Path, *, no_sync: bool, **options: Any) -> int:
    """Serve the reader and, unless --no-sync, keep syncing at each feed's own pace. Ctrl-C stops."""
    from baoguan.app import open_desk
    from baoguan.cli.syncing import SyncProcess
    from baoguan.web.desk_source import open_reader
    from baoguan.web.serve import serve as run_server

    with open_desk(folder, options) as desk:
        log = Log(desk.settings.log, "serve")
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        with nullcontext() if no_sync else SyncProcess(folder, options, log, desk.settings.log) as syncing:

            def ready(url: str) -> None:
                log.say(f"{url}  (Ctrl-C stops)", url=url)
                if syncing is not None:
                    syncing.begin()

            run_server(open_reader(desk, warm=True), desk.settings.host, desk.settings.port, on_ready=ready)
    return 0
