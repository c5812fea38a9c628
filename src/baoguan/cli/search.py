"""search."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from baoguan.cli.common import archive_option, print_json, progress_bar, style, when

if TYPE_CHECKING:
    from baoguan.finding import Findings, Found

NOTES = {
    "date": "a date was not understood: write 2023, 2023-07 or 2023-07-01",
    "field": "a field's value was not understood: has:picture, changed:yes, changed:no, changed:2023-07",
    "long": "the query is long: only its beginning was read",
}


@click.command()
@archive_option
@click.argument("query", metavar="QUERY", nargs=-1, required=True)
@click.option("--order", type=click.Choice(["relevance", "date"]), default="relevance", show_default=True)
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="so many")
@click.option("--start", type=click.IntRange(0), default=0, help="after the first so many")
@click.option("--facets", is_flag=True, help="also how many by outlet and by month")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def search(
    folder: Path, query: tuple[str, ...], *, order: str, limit: int, start: int, facets: bool, as_json: bool
) -> int:
    """Find articles: exact in Chinese, Japanese and Korean, whole words in Latin script, in either script of Chinese.

    \b
    拜登 关税           both             outlet:voa-zh,dw-zh    of one of these outlets
    "wall street"       in this order    lang:zh  lang:ja       zh: zh-Hans and zh-Hant
    拜登 OR 特朗普      one of both      after:2023-07-01       from that day on
    拜登 -关税          not 关税         before:2023-08         before that month
    title:峰会          in the title     has:picture  changed:yes  changed:2023-07

    Options go before the query; what begins with - goes after `--`. Exit code 1 where nothing was found.
    """
    from baoguan.app import open_desk
    from baoguan.finding import find
    from baoguan.indexing import index_new

    with open_desk(folder) as desk:
        with progress_bar("indexing") as progress:
            index_new(desk, progress)
        findings = find(
            desk,
            " ".join(query),
            order="date" if order == "date" else "relevance",
            start=start,
            limit=limit,
            facets=facets,
        )
    if as_json:
        print_json(findings)
    else:
        _print(findings, start)
    return int(not findings.total)


def _print(findings: "Findings", start: int) -> None:
    for note in findings.notes:
        click.echo(f"baoguan: {NOTES.get(note, note)}", err=True)
    for one in findings.found:
        _print_found(one)
    last = start + len(findings.found)
    click.echo(f"{findings.total} found" + (f", {start + 1} to {last} shown" if last < findings.total or start else ""))
    for facet in (findings.outlets, findings.months):
        if facet:
            click.echo("  " + "  ".join(f"{name} {count}" for name, count in facet[:12]))


def _print_found(one: "Found") -> None:
    click.echo(f"{style(one.id, fg='cyan')} {when(one.shown_ms)} {one.outlet:<10} {style(one.title, bold=True)}")
    text = "".join(style(piece, fg="yellow", bold=True) if marked else piece for piece, marked in one.snippet)
    if text:
        click.echo(f"    {text}")
