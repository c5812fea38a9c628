"""verify, rebuild."""

from pathlib import Path

import click

from baoguan.cli.common import archive_option, print_json


@click.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="the report as one JSON object")
@click.option("--jobs", default=0, help="processes  [default: one a core]")
@click.option("--key", default="", help="verifier key to believe, for a copy without private/")
def verify(folder: Path, *, as_json: bool, jobs: int, key: str) -> int:
    """Check everything in public/ against the log, from the signed checkpoint down to each byte.

    Exit code: 0 all holds, 6 something is altered, 7 missing, 8 extra.
    """
    from baoguan.cli.verifying import run_verify

    report, code = run_verify(folder, key=key, jobs=jobs, progress=not as_json)
    if as_json:
        print_json(report)
    else:
        for text in report.lines():
            click.echo(text)
    return code


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
        click.echo(f"index rebuilt from {desk.archive.size} leaves: {articles} articles, {revisions} revisions, {pictures} pictures")
