"""sync, serve."""

import signal
import sys
import threading
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
    from baoguan.web.desk_source import open_reader
    from baoguan.web.serve import serve as run_server

    stop = threading.Event()
    with open_desk(folder, options) as desk:
        worker, log = None, Log(desk.settings.log, "serve")
        if not no_sync:
            work = (folder, options, stop, log)
            worker = threading.Thread(target=_keep_syncing, args=work, name="sync", daemon=True)
            worker.start()
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        try:
            run_server(
                open_reader(desk, warm=True),
                desk.settings.host,
                desk.settings.port,
                on_ready=lambda url: log.say(f"{url}  (Ctrl-C stops)", url=url),
            )
        finally:
            stop.set()
            if worker is not None:
                worker.join(timeout=30)
    return 0


def _keep_syncing(folder: Path, options: dict[str, Any], stop: threading.Event, log: Log) -> None:
    """Syncs what is due, sleeps until the next is; a failure is a line, never the end."""
    from baoguan.app import open_desk
    from baoguan.ingest import sync as run

    while not stop.is_set():
        try:
            with open_desk(folder, options) as desk:
                report = run(desk, which="due", stop=stop.is_set)
                _look_at_photos(desk, stop)
                if report.counts["new"] or report.counts["changed"]:
                    text = f"sync: {report.counts['new']} new, {report.counts['changed']} edited"
                    log.say(text, feeds=len(report.feeds), failed=len(report.failed), articles=report.counts)
                due = desk.schedule.next_due_ms()
                wait_s = 60.0 if due is None else min(max((due - desk.now_ms()) / 1000, 5.0), 300.0)
        except Exception as error:  # noqa: BLE001 - the shell's last line: a failed sync never ends the reader
            log.warn(f"sync: {' '.join(str(error).split()) or type(error).__name__}; tried again")
            wait_s = 60.0
        stop.wait(wait_s)


def _look_at_photos(desk: Any, stop: threading.Event) -> None:
    """What came is looked at here, so that no reader waits for it: colours, and which photos are the same."""
    from baoguan.photographing import index_photos, look_at_photos, open_photos

    photos = open_photos(desk)
    try:
        index_photos(desk, photos, stop=stop.is_set)
        look_at_photos(desk, photos, stop=stop.is_set)
    finally:
        photos.close()
