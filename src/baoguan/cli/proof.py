"""verify, rebuild."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, print_json, size_text, style

SMALL = 2000
"""Fewer entries than that are checked in one process: starting others costs more."""


@click.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="the report as one JSON object")
@click.option("--jobs", default=0, help="processes  [default: one a core]")
@click.option("--key", default="", help="verifier key to believe  [default: private/key.pub]")
def verify(folder: Path, *, as_json: bool, jobs: int, key: str) -> int:
    """Check everything in public/ against the log, from the signed checkpoint down to each byte.

    Works on a copy of public/ alone when --key is given. Exit code: 0 all holds, 6 altered, 7 missing, 8 extra.
    """
    from baoguan.archive.note import Verifier
    from baoguan.archive.verify import verify as run
    from baoguan.backends.files import FileObjects
    from baoguan.errors import ConfigError

    public = folder / "public" if (folder / "public").is_dir() else folder
    if not (public / "checkpoint").exists() and not (folder / "baoguan.toml").exists():
        raise ConfigError(f"{folder} holds no archive and no copy of one: no public/ and no checkpoint")
    if key:
        verifier = Verifier.parse(key)
    else:
        from baoguan.cli.common import read_verifier

        verifier = read_verifier(folder)
    bar = _Bar(sys.stderr.isatty() and not as_json)
    with _pool(jobs, public) as pmap:
        report = run(FileObjects(public), verifier, progress=bar.progress, pmap=pmap)
    bar.close()
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    return report.exit_code


def _print_report(report: Any) -> None:
    for fault in report.faults:
        where = "" if fault.index is None else f" (leaf {fault.index})"
        click.echo(f"{style(fault.kind, fg='red')}: {fault.path}{where}{': ' if fault.detail else ''}{fault.detail}")
    counts = report.counts
    click.echo(
        f"{report.origin}: {report.size} leaves, {counts.get('records', 0)} records, {counts.get('media', 0)} pictures,"
        f" {counts.get('captures', 0)} captures; {size_text(counts.get('bytes', 0))} read"
    )
    for index in report.withheld:
        click.echo(f"withheld: leaf {index} was withdrawn")
    for index in report.clock_back:
        click.echo(f"clock: leaf {index} is more than five minutes earlier than the one before it")
    kinds = {kind: len(report.of(kind)) for kind in ("altered", "missing", "extra")}
    wrong = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    click.echo(style(wrong, fg="red") if wrong else style("everything stands as the log says", fg="green"))


class _Bar:
    """Progress on a terminal."""

    def __init__(self, show: bool) -> None:
        self.show = show
        self.bar: Any = None
        self.what = ""

    def progress(self, what: str, done: int, total: int) -> None:
        """Called by verify."""
        if not self.show:
            return
        if what != self.what:
            from tqdm import tqdm

            self.close()
            self.bar, self.what = tqdm(total=total, desc=what, leave=False), what
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Ends the bar."""
        if self.bar is not None:
            self.bar.close()


class _pool:  # noqa: N801 - a context manager that reads as a function
    """The builtin map for small archives and one job; else a pool of processes, in order, with bounded look-ahead."""

    def __init__(self, jobs: int, public: Path) -> None:
        self.jobs = jobs or len(os.sched_getaffinity(0))
        big = sum(1 for _ in zip(range(SMALL // 256), (public / "bundle").glob("**/*.zst"), strict=False))
        self.pool: Any = None
        if self.jobs > 1 and big >= SMALL // 256:
            from multiprocessing import get_context

            self.pool = get_context("spawn").Pool(self.jobs)

    def __enter__(self) -> Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]:
        return self.pool.imap if self.pool is not None else map

    def __exit__(self, *_error: object) -> None:
        if self.pool is not None:
            self.pool.terminate()


@click.command()
@archive_option
def rebuild(folder: Path) -> None:
    """Delete index/ and make it anew from public/, to the same answers."""
    from baoguan import config
    from baoguan.app import open_desk
    from baoguan.upkeep import drop_index

    config.read_file(folder)
    drop_index(folder)
    with open_desk(folder) as desk:
        articles, revisions, pictures = desk.catalog.counts()
        counts = f"{articles} articles, {revisions} revisions, {pictures} pictures"
        click.echo(f"index rebuilt from {desk.archive.size} leaves: {counts}")
