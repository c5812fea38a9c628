"""mirror, witness."""

import sys
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, print_json, size_text, style, when

ALLOW = click.option("--allow", multiple=True, metavar="NET", help="private network that may be asked now, as CIDR")


@click.group()
def mirror() -> None:
    """Mirrors of archives: pull from any static host, compare what several hold."""


@mirror.command()
@click.argument("url", required=False, default="")
@click.argument("place", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
@archive_option
@click.option("--media", "mirror_media", type=click.Choice(["all", "none", "recent"]), help="pictures to keep")
@click.option("--captures", "mirror_captures", type=click.Choice(["all", "none"]), help="raw responses to keep")
@click.option("--withdrawn", "mirror_gone", type=click.Choice(["apply", "keep"]), help="what the origin withdrew")
@click.option("--verify-key", default="", metavar="KEY", help="the archive's verifier key, got by another way")
@ALLOW
@click.option("--pace", default=0.05, help="seconds between requests  [default: 0.05]")
@click.option("--timeout", default=120.0, help="seconds for one answer  [default: 120]")
@click.option("--recover", is_flag=True, help="DIR is the archive itself: get back what a restored backup lacks")
@click.option("--json", "as_json", is_flag=True, help="the report as one JSON object")
def pull(url: str, place: Path | None, folder: Path, *, as_json: bool, **more: Any) -> int:
    """Copy the archive at URL (its public/ folder on any web server) into DIR, and later only what is new.

    Nothing is believed: every byte is checked against the log before it is kept, the log against the one held. The
    choices of the first pull are kept in DIR's settings. Exit codes 20 to 26 name what is wrong with a host.
    """
    from baoguan.app import pull_mirror
    from baoguan.cli.proof import _Bar

    target = place or folder
    first = not (target / "baoguan.toml").exists()
    bar = _Bar(sys.stderr.isatty() and not as_json)
    try:
        report = pull_mirror(
            target,
            url,
            key=more["verify_key"],
            allow=more["allow"],
            recover=more["recover"],
            fetch={"pace_s": more["pace"], "timeout_s": more["timeout"], "idle_s": min(15.0, more["timeout"])},
            options={name: more[name] for name in ("mirror_media", "mirror_captures", "mirror_gone")},
            progress=bar.progress,
        )
    finally:
        bar.close()
    if as_json:
        print_json(report)
        return 0
    if first and not more["verify_key"]:
        click.echo(f"trusted on first use: {report.key}")
        click.echo("compare it with the key that the archive publishes elsewhere: whoever runs the host chose this one")
    _print_pull(report)
    return 0


def _print_pull(report: Any) -> None:
    grown = report.size - report.old_size
    click.echo(
        f"{report.origin}: {report.size} entries, {grown} new; {report.articles} records, {report.pictures} pictures,"
        f" {report.captures} capture files; {report.requests} requests, {size_text(report.bytes)}"
    )
    if report.absent:
        click.echo(f"{report.absent} pictures or captures are not on this host; the next pull asks again")
    if report.erased:
        click.echo(f"{report.erased} entries were withdrawn at the origin and erased here")
    if report.kept:
        click.echo(f"{report.kept} entries were withdrawn at the origin; kept here (mirror_gone = keep)")
    if report.pruned:
        click.echo(f"{report.pruned} pictures older than this mirror keeps were removed")
    if report.stale_days:
        click.echo(style(f"stale: nothing new since {when(report.last_ms)}, {report.stale_days} days", fg="yellow"))
