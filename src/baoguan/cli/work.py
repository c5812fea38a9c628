"""worker."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, settings_options
from baoguan.cli.logs import Log
from baoguan.config import Settings

_IDLE_S = 5.0
_GATHER_S = 1.0
"""Between two small batches: each costs a sync of the disk and a signature, however little is in it."""
_FULL = 5000
"""Rows in the outbox above which nothing is fetched: the sequencer is behind, or there is none."""


@click.command()
@archive_option
@click.option("--until-idle", is_flag=True, help="end when nothing is due any more")
@click.option("--claim", "limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="feeds at once")
@click.option("--only", type=click.Choice(["fetch", "sequence"]), help="one of the two; default: both, where a key is")
@settings_options("fetch", "poll", "archive")
def worker(folder: Path, *, until_idle: bool, limit: int, only: str | None, **options: Any) -> None:
    """Poll and archive beside other workers, on this machine or others. Needs the setting `database`. Ctrl-C stops.

    Workers claim feeds, fetch and read, and leave what they finished in the outbox; a worker without private/key does
    no more than that. Of those with the key one at a time is the sequencer: it appends batches to the log. What a dead
    worker held comes back when its lease ends, and another one becomes the sequencer. A lost database is waited for.
    """
    from baoguan import config
    from baoguan.errors import ConfigError

    settings = config.load(config.read_file(folder), options=options)
    if not settings.database:
        raise ConfigError("workers need a database: `baoguan migrate --to postgres://...`, or `baoguan sync` for one")
    keyed = (folder / config.KEY_FILE).exists()
    if only == "sequence" and not keyed:
        raise ConfigError(f"{folder / config.KEY_FILE}: the sequencer needs the key, this machine can only fetch")
    log = Log(settings.log, "worker")
    _clear_dead(folder)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    worker = _Worker(folder, options, stop, log, limit=limit, until_idle=until_idle)
    side = threading.Thread(target=worker.persist, args=(worker.sequence,), name="sequencer")
    if keyed and only != "fetch":
        side.start()
    try:
        worker.persist(worker.wait_idle if only == "sequence" else worker.fetch)
    finally:
        stop.set()
        if side.ident is not None:
            side.join()
    for spool in ("spool", "spool-log"):
        shutil.rmtree(folder / "state" / f"{spool}-{os.getpid()}", ignore_errors=True)
    if worker.error is not None:
        raise worker.error


class _Worker:
    """One process: the fetching half in its main thread, the sequencing half in another with a desk of its own."""

    def __init__(
        self, folder: Path, options: Mapping[str, Any], stop: threading.Event, log: Log, *, limit: int, until_idle: bool
    ) -> None:
        self.folder, self.options, self.stop, self.log = folder, options, stop, log
        self.limit, self.until_idle = limit, until_idle
        self.error: Exception | None = None
        self.opened = threading.Event()
        """The sequencing half has told the database which feeds there are."""

    def persist(self, half: Callable[[], None]) -> None:
        """Runs one half until it ends; a database or store that is lost is waited for. Other errors end both."""
        from baoguan.errors import DiskFull, StoreError

        while not self.stop.is_set():
            try:
                half()
                return
            except DiskFull as error:
                self.error = error
                self.stop.set()
            except StoreError as error:
                self.log.warn(f"worker: {error}; tried again", retryable=error.retryable)
                self.stop.wait(1.0)
            except Exception as error:  # noqa: BLE001 - neither half goes on alone; main tells it
                self.error = error
                self.stop.set()

    def fetch(self) -> None:
        """Claims, fetches, reads, and leaves it in the outbox."""
        from baoguan.app import open_desk
        from baoguan.ingest import sync as run

        with open_desk(self.folder, self.options, lean=True) as desk:
            assert desk.outbox is not None
            while not self.stop.is_set():
                if desk.outbox.waiting() < _FULL:
                    report = run(desk, which="due", limit=self.limit, stop=self.stop.is_set, outbox=desk.outbox)
                    if report.feeds:
                        failed = len(report.failed)
                        self.log.say(
                            f"{len(report.feeds)} feeds polled, {failed} failed", feeds=len(report.feeds), failed=failed
                        )
                        continue
                due = desk.schedule.next_due_ms()
                wait_s = _IDLE_S if due is None else (due - desk.now_ms()) / 1000
                if self.until_idle and not desk.schedule.open_work(desk.now_ms()):
                    return
                self.stop.wait(min(max(wait_s, 0.05), 0.5 if self.until_idle else _IDLE_S))

    def wait_idle(self) -> None:
        """Until nothing is due and the outbox is empty, where that is wanted."""
        from baoguan import config
        from baoguan.backends.clock import SystemClock
        from baoguan.engines import open_schedule

        settings: Settings = config.load(config.read_file(self.folder), options=self.options)
        schedule = open_schedule(self.folder, settings)
        try:
            while not self.stop.wait(0.5):
                now_ms = int(SystemClock().now().timestamp() * 1000)
                if self.until_idle and self.opened.is_set() and not schedule.open_work(now_ms):
                    return
        finally:
            schedule.close()

    def sequence(self) -> None:
        """Stands for election, and appends what lies in the outbox once it is the sequencer."""
        from baoguan.app import open_desk
        from baoguan.polling import Report
        from baoguan.sequencing import sequence

        with open_desk(self.folder, self.options) as opened:
            # The other half has a spool of its own.
            desk, outbox = replace(opened, spool_name=f"spool-log-{os.getpid()}"), opened.outbox
            assert outbox is not None
            self.opened.set()
            while not self.stop.is_set():
                if not outbox.elect():
                    self.stop.wait(0.5)
                    continue
                report = Report()
                rows = sequence(desk, outbox, report=report)
                if rows:
                    counts = report.counts
                    text = f"log {desk.archive.size}: {counts['new']} new, {counts['changed']} edited"
                    self.log.say(text, size=desk.archive.size, articles=counts)
                if rows < desk.settings.batch_articles:
                    self.stop.wait(_GATHER_S)


def _clear_dead(folder: Path) -> None:
    """Spools of workers of this machine that are no more."""
    for path in (folder / "state").glob("spool-*"):
        try:
            os.kill(int(path.name.rpartition("-")[2]), 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
        except (ValueError, PermissionError):
            continue
