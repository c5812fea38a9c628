"""withdraw."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baoguan.cli.common import archive_option, print_json, style, when

if TYPE_CHECKING:
    from baoguan.desk import Desk

HELD = "Mirrors that pulled before this still hold the text, and nothing can call it back: tell those who run them."


@click.command()
@archive_option
@click.argument("names", metavar="[ID]...", nargs=-1)
@click.option(
    "--reason", metavar="CODE", default="", help="a word for the log, public: court-order, privacy, error, ..."
)
@click.option("--note", default="", help="your own words, kept in private/ only")
@click.option("--everywhere", is_flag=True, help="also cut out captured pages of others that show its title or URL")
@click.option("--dry-run", is_flag=True, help="only say what would go")
@click.option("--list", "as_list", is_flag=True, help="what was withdrawn, when and why")
@click.option("--undo", is_flag=True, help="only lift the ban on the IDs: what was taken away stays away")
@click.option("--json", "as_json", is_flag=True, help="one JSON object an article and line")
def withdraw(
    folder: Path,
    names: tuple[str, ...],
    *,
    reason: str,
    note: str,
    everywhere: bool,
    dry_run: bool,
    as_list: bool,
    undo: bool,
    as_json: bool,
) -> int:
    """Take articles out of everything that this archive keeps and serves, for good.

    Every revision, their captures (feeds that carried them too), pictures that nothing else shows, index rows. The log
    keeps a leaf that says `gone`; all proofs hold, and `verify` calls the rest withheld. URL, guid and text are banned,
    so that neither sync nor import nor a mirror brings them back. Copies elsewhere are out of reach: mirrors that
    pulled before hold text and salt, exports and backups are listed.
    """
    from baoguan.app import open_desk
    from baoguan.errors import ConfigError
    from baoguan.withdrawing import CODE
    from baoguan.withdrawing import withdraw as run

    if not as_list and not names:
        raise ConfigError("name what to withdraw (`baoguan ls`), or --list")
    if not (as_list or undo) and not re.fullmatch(CODE, reason):
        raise ConfigError(
            "--reason CODE: a short word in small letters (court-order, privacy, error): the log shows it"
        )
    with open_desk(folder) as desk:
        if as_list:
            return _print_list(desk, as_json=as_json)
        if undo:
            return _lift(desk, names)
        from baoguan.cli.read import find_article

        ids = dict.fromkeys(find_article(desk, name) for name in names)
        reports = [run(desk, [one], reason=reason, note=note, dry_run=dry_run, everywhere=everywhere) for one in ids]
    for report in reports:
        _print(report, dry_run=dry_run, as_json=as_json)
    if not as_json:
        click.echo(HELD)
    return 0


def _print(report: Any, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    word = "would go" if dry_run else "gone"
    click.echo(
        f"{', '.join(report.ids)} {style(word, fg='yellow')}: {report.lines} log lines, {report.records} records,"
        f" {report.captures} captures, {report.pictures} pictures"
    )
    for one in report.exports:
        click.echo(f"  still in the {one['kind']} of {when(int(one['at_ms']))}: {one['place']}")
    if not report.finished:
        click.echo("  another process still reads the index: the next command wipes the rest", err=True)


def _print_list(desk: "Desk", *, as_json: bool) -> int:
    denials = desk.denials.all()
    for one in denials:
        if as_json:
            print_json({name: getattr(one, name) for name in ("at_ms", "ids", "reason", "note", "lifted_ms")})
            continue
        lifted = f"  (ban lifted {when(one.lifted_ms)})" if one.lifted_ms else ""
        click.echo(f"{', '.join(one.ids)}  {when(one.at_ms)}  {one.reason}{'  ' if one.note else ''}{one.note}{lifted}")
    if not denials and not as_json:
        click.echo("nothing was withdrawn here")
    return 0


def _lift(desk: "Desk", names: tuple[str, ...]) -> int:
    from baoguan.errors import NotFound

    for name in names:
        with desk.archive.writing():
            if not desk.denials.lift(name, desk.now_ms()):
                raise NotFound(f"{name} is not banned; `baoguan withdraw --list` says what is, by full id")
        click.echo(
            f"{name}: the ban is lifted. Nothing is restored: it comes back only if its outlet still carries it."
        )
    return 0
