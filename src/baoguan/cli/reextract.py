"""reextract: captures read again, without the network."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, engine_options, print_json

SHOWN = 40
"""Changes that are listed without --all."""


@click.command()
@archive_option
@click.option("--outlet", default="", help="only of this outlet")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), default=None, help="only captures from this day on (UTC)")
@click.option(
    "--rules",
    type=click.Choice(["then", "today"]),
    default="then",
    show_default=True,
    help="the rules of the day of each capture, or those of today",
)
@click.option("--commit", is_flag=True, help="write the changes as revisions with cause `extractor`")
@engine_options
@click.option("--all", "every", is_flag=True, help=f"list every change, not only {SHOWN}")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a change and line, then one with the counts")
def reextract(
    folder: Path,
    *,
    outlet: str,
    since: datetime | None,
    rules: str,
    commit: bool,
    engine: str,
    jobs: int,
    ray_address: str,
    every: bool,
    as_json: bool,
) -> int:
    """Read captured pages again, without the network. Tells what would change; only --commit writes.

    Committed changes are revisions with cause `extractor`, never shown as an edit of the outlet; a page that now reads
    as less changes nothing. An interrupted --commit goes on where it ended. Exit code 1 when a capture can't be read.
    """
    from baoguan.app import open_desk
    from baoguan.engines import open_executor
    from baoguan.reextracting import Outcome, Plan
    from baoguan.reextracting import reextract as run

    since_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000) if since else 0
    plan = Plan(outlet=outlet, since_ms=since_ms, rules=rules, commit=commit)
    watcher = _Watcher(as_json=as_json, limit=10**9 if every else SHOWN)
    with open_desk(folder) as desk, open_executor(engine, jobs, ray_address) as executor:
        outcome = run(desk, plan, Outcome(watcher.watch), executor=executor)
    watcher.close()
    if as_json:
        print_json({"counts": dict(outcome.counts), "failed": outcome.failed, "committed": commit})
    else:
        _summary(outcome, commit=commit)
    return 1 if outcome.failed else 0


def _summary(outcome: Any, *, commit: bool) -> None:
    counts = outcome.counts
    if counts["changed"] > SHOWN:
        click.echo(f"{counts['changed']} changes in all")
    if outcome.resumed:
        click.echo("gone on after an interrupted run")
    for name in ("title", "authors", "text", "lead", "pictures", "published"):
        if count := sum(name in change.what for change in outcome.changes):
            click.echo(f"  {name}: {count}")
    click.echo(
        f"{counts['read']} captures read: {counts['same']} the same, {counts['changed']} otherwise,"
        f" {counts['kept']} as less now (kept as they are), {counts['failed']} failed;"
        f" {counts['skipped']} articles have no captured page"
    )
    if counts["changed"]:
        click.echo(
            f"{counts['committed']} revisions written (cause extractor)" if commit else "nothing written; --commit does"
        )


class _Watcher:
    """A progress bar on a terminal, a line for each change."""

    def __init__(self, *, as_json: bool, limit: int) -> None:
        self.as_json, self.left = as_json, limit
        self.bar: Any = None

    def watch(self, event: str, what: Any) -> None:
        """Called by the joiner."""
        if event == "start" and sys.stderr.isatty() and what and not self.as_json:
            from tqdm import tqdm

            self.bar = tqdm(total=what, unit="page", leave=False, dynamic_ncols=True)
        elif event == "done" and self.bar is not None:
            self.bar.update()
        elif event == "failed":
            click.echo(f"{what[0]} {what[1]}: {what[2]}", err=True)
        elif event == "change":
            self.change(what)

    def change(self, change: Any) -> None:
        """One line."""
        if self.as_json:
            print_json(change)
            return
        self.left -= 1
        if self.left < 0:
            return
        (before, after), (doubt, now) = change.chars, change.confidence
        click.echo(
            f"{change.id} {change.outlet:<10} {before} -> {after} characters ({after - before:+d}),"
            f" confidence {doubt:.2f} -> {now:.2f}, {', '.join(change.what)}: {change.title}"
        )

    def close(self) -> None:
        """Ends the bar."""
        if self.bar is not None:
            self.bar.close()
