"""worker."""

import os
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, settings_options
from baoguan.cli.logs import Log

_IDLE_S = 5.0


@click.command()
@archive_option
@click.option("--until-idle", is_flag=True, help="end when nothing is due any more")
@click.option("--claim", "limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="feeds at once")
@settings_options("fetch", "poll", "archive")
def worker(folder: Path, *, until_idle: bool, limit: int, **options: Any) -> None:
    """Poll and archive beside other workers, on this machine or others. Needs the setting `database`. Ctrl-C stops.

    Each worker claims feeds, fetches and reads; whoever has a batch ready takes the lock of the log and appends it.
    What a dead worker held comes back when its lease ends. A lost database is waited for.
    """
    from baoguan import config
    from baoguan.app import open_desk
    from baoguan.errors import ConfigError, DiskFull, StoreError
    from baoguan.ingest import sync as run

    settings = config.load(config.read_file(folder), options=options)
    if not settings.database:
        raise ConfigError("workers need a database: `baoguan migrate --to postgres://...`, or `baoguan sync` for one")
    log = Log(settings.log, "worker")
    _clear_dead(folder)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    while not stop.is_set():
        try:
            with open_desk(folder, options) as desk:
                while not stop.is_set():
                    report = run(desk, which="due", limit=limit, stop=stop.is_set)
                    counts = report.counts
                    if report.feeds or any(counts.values()):
                        text = f"{len(report.feeds)} feeds: {counts['new']} new, {counts['changed']} edited"
                        log.say(text, feeds=len(report.feeds), failed=len(report.failed), articles=counts)
                        continue
                    due = desk.schedule.next_due_ms()
                    wait_s = _IDLE_S if due is None else (due - desk.now_ms()) / 1000
                    if until_idle and not desk.schedule.open_work(desk.now_ms()):
                        return
                    stop.wait(min(max(wait_s, 0.05), 0.5 if until_idle else _IDLE_S))
        except DiskFull:
            raise
        except StoreError as error:
            log.warn(f"worker: {error}; tried again", retryable=error.retryable)
            stop.wait(1.0)
    shutil.rmtree(folder / "state" / f"spool-{os.getpid()}", ignore_errors=True)


def _clear_dead(folder: Path) -> None:
    """Spools of workers of this machine that are no more."""
    for path in (folder / "state").glob("spool-*"):
        try:
            os.kill(int(path.name.removeprefix("spool-")), 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
        except (ValueError, PermissionError):
            continue
