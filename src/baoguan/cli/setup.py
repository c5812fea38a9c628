"""init, outlets, add, settings, completion."""

import difflib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baoguan.cli.common import archive_option, named, print_json, settings_options, style

if TYPE_CHECKING:
    from baoguan.discovery import Found
    from baoguan.model.outlet import Outlet

SOURCE_SHELLS = {"bash": "bash_source", "zsh": "zsh_source", "fish": "fish_source"}


@click.command()
@archive_option
@click.argument("place", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default=None)
@click.option("--outlet", "keys", multiple=True, metavar="KEY", help="an outlet of `baoguan outlets`; may be repeated")
@click.option(
    "--origin", default="", help="name of the log, for ever in its checkpoints  [default: made from the folder]"
)
@click.option("--vantage", default="", help="where this archive looks from, e.g. a city or network")
@click.option("--proxy", default=None, help="http:// or socks5:// proxy for everything  [asked on a terminal]")
@click.option("--allow-networks", multiple=True, help="private networks that may be fetched from, as CIDR")
@click.option("--no-try", is_flag=True, help="don't try a feed now")
def init(
    folder: Path,
    place: Path | None,
    keys: tuple[str, ...],
    *,
    origin: str,
    vantage: str,
    proxy: str | None,
    **more: Any,
) -> int:
    """Make an archive in DIR and try one feed at once."""
    from baoguan.app import OutletEntry, create_archive
    from baoguan.backends.clock import SystemEntropy

    folder = place or folder
    known = _known(keys)
    if proxy is None:
        proxy = (
            click.prompt("proxy (http:// or socks5://, empty for none)", default="", show_default=False)
            if (sys.stdin.isatty() and sys.stdout.isatty())
            else ""
        )
    fetch: dict[str, object] = {"proxy": proxy} if proxy else {}
    if more["allow_networks"]:
        fetch["allow_networks"] = list(more["allow_networks"])
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", folder.resolve().name).strip("-") or "archive"
    origin = origin or f"baoguan.archive/{slug}-{SystemEntropy().token_bytes(4).hex()}"
    verifier = create_archive(
        folder, origin=origin, vantage=vantage, entries=[OutletEntry(key=key) for key in keys], fetch=fetch
    )
    click.echo(f"{folder.resolve()}: a new archive, its log is {origin}")
    click.echo(f"verifier key (publish it): {verifier.text}")
    click.echo(style(f"back up {folder / 'private'} now: without its key the log can't go on", bold=True))
    failed = _find_missing_feeds(folder, known) | (0 if more["no_try"] else _try_one(folder))
    click.echo(f"next: baoguan sync -C {folder}")
    return failed


def _known(keys: tuple[str, ...]) -> "list[Outlet]":
    """The outlets of those keys. Raises a usage error that names the nearest known ones."""
    from baoguan.outlets.registry import load_outlets

    outlets = load_outlets()
    for key in keys:
        if key not in outlets:
            near = difflib.get_close_matches(key, outlets, 3) or sorted(outlets)[:8]
            raise click.UsageError(f"no outlet {key}; did you mean {', '.join(near)}? `baoguan outlets` lists them")
    return [outlets[key] for key in keys]


def _find_missing_feeds(folder: Path, outlets: "list[Outlet]") -> int:
    """Discovers the feeds of outlets whose file names none."""
    from baoguan.app import OutletEntry, add_entry, open_desk
    from baoguan.discovery import find_feeds

    failed = 0
    for outlet in outlets:
        if outlet.feeds:
            continue
        with open_desk(folder) as desk:
            found: list[Found] = []
            for page in outlet.discover or (outlet.home,):
                found = found or find_feeds(desk, page)[0]
        if found:
            add_entry(folder, OutletEntry(key=outlet.key, feeds=tuple(one.url for one in found[:1])))
            click.echo(f"{outlet.key}: found {found[0].url} ({found[0].items} items)")
        else:
            failed = 1
            click.echo(
                f"{outlet.key}: no feed found now ({outlet.note or outlet.state});"
                f" try `baoguan add {outlet.home}` later",
                err=True,
            )
    return failed


def _try_one(folder: Path) -> int:
    """Fetches one feed and says what came."""
    from baoguan.app import open_desk
    from baoguan.discovery import read_feed

    with open_desk(folder) as desk:
        if not desk.feeds:
            click.echo("no feeds yet: `baoguan add URL` finds those of a site")
            return 0
        url = next(iter(desk.feeds))
        found, problem = read_feed(desk, url)
        if found is not None:
            click.echo(f"tried {url}: {style('ok', fg='green')}, {found.items} items, “{found.title}”")
            return 0
    click.echo(f"tried {named(url, problem)}; is a proxy needed? (`proxy` in baoguan.toml)", err=True)
    return 0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object an outlet and line")
def outlets(*, as_json: bool) -> None:
    """The known outlets: live, quiet or closed since when."""
    from baoguan.outlets.registry import load_outlets

    for key, outlet in sorted(load_outlets().items()):
        if as_json:
            print_json(outlet)
            continue
        state = outlet.state + (f" since {outlet.since}" if outlet.since else "")
        colour = {"live": "green", "quiet": "yellow", "closed": "red"}.get(outlet.state)
        feeds = f"{len(outlet.feeds)} feeds" if outlet.feeds else "feeds by discovery"
        click.echo(f"{key:<14} {style(f'{state:<20}', fg=colour)} {outlet.language:<8} {feeds:<18} {outlet.name}")


@click.command()
@archive_option
@click.argument("url")
@click.option("-y", "--yes", is_flag=True, help="take the best one found without asking")
@click.option("--all", "take_all", is_flag=True, help="take every feed found")
@click.option("--outlet", "key", default="", help="key of the outlet  [default: by the host of URL]")
@settings_options("fetch")
def add(folder: Path, url: str, *, yes: bool, take_all: bool, key: str, **options: Any) -> int:
    """Find the feeds of a site, show what was found, and add one (or a feed by its own URL)."""
    from baoguan.app import OutletEntry, add_entry, open_desk
    from baoguan.discovery import find_feeds
    from baoguan.outlets.matching import adhoc_outlet, outlet_for_url

    with open_desk(folder, options) as desk:
        found, problem = find_feeds(desk, url)
        outlet = desk.outlets.get(key) or outlet_for_url(desk.outlets, url) or adhoc_outlet(url, taken=desk.outlets)
        is_known = outlet.key in desk.outlets
    if not found:
        click.echo(named(url, problem), err=True)
        return 1
    for number, one in enumerate(found, 1):
        click.echo(f"{number}. {one.url}\n   {one.format}, {one.items} items, “{one.title}” ({one.how})")
    chosen = found if take_all else found[:1] if yes or (len(found) == 1 and not sys.stdin.isatty()) else _ask(found)
    entry = OutletEntry(
        key=key or outlet.key,
        name="" if is_known else found[0].title or outlet.name,
        home="" if is_known else outlet.home,
        feeds=tuple(one.url for one in chosen),
    )
    added = bool(chosen) and add_entry(folder, entry)
    click.echo(f"added to {entry.key}: next `baoguan sync`" if added else "nothing was added")
    return 0


def _ask(found: "list[Found]") -> "list[Found]":
    if not sys.stdin.isatty():
        raise click.UsageError(f"{len(found)} feeds found: say --yes for the first or --all")
    answer = click.prompt("which (number, all or none)", default="1")
    if answer == "all":
        return found
    return [found[int(answer) - 1]] if answer.isdigit() and 0 < int(answer) <= len(found) else []


@click.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def settings(folder: Path, *, as_json: bool) -> None:
    """Every setting, its value here and where it can be set."""
    from baoguan import config

    file = config.read_file(folder) if (folder / config.FILE).exists() else {}
    values = config.load(file)
    if as_json:
        print_json(values)
        return
    for row in config.table():
        value = getattr(values, row.name)
        mark = "" if value == row.default else style(" (set)", fg="green")
        click.echo(f"[{row.section}] {row.name} = {value!r}{mark}\n    {row.help}; {row.env}, {row.option}")


@click.command()
@click.argument("shell", type=click.Choice([*SOURCE_SHELLS]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: `eval "$(baoguan completion bash)"`."""
    from click.shell_completion import get_completion_class

    from baoguan.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "baoguan", "_BAOGUAN_COMPLETE").source())
