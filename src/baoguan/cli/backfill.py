"""backfill, reindex."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, engine_options, print_json, progress_bar


@click.command()
@archive_option
@click.argument("places", nargs=-1, metavar="[WARC|URL]...")
@click.option("--list", "lists", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--only", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="a list of page URLs to take"
)
@click.option("--allow", multiple=True, metavar="NET", help="a private network that may be asked, as CIDR")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def backfill(
    folder: Path,
    places: tuple[str, ...],
    *,
    lists: tuple[Path, ...],
    only: Path | None,
    allow: tuple[str, ...],
    engine: str,
    jobs: int,
    ray_address: str,
    as_json: bool,
) -> int:
    """Take in the pages of many WARC files: paths, http(s) addresses, or --list files of them (warc.paths of CC-NEWS).

    A file that was read to its end is passed over by the next run; one that fails is named and passed over by this one,
    and tried again by the next. Exit code 1 when something failed.
    """
    from baoguan.app import open_desk
    from baoguan.backends.clock import SystemEntropy
    from baoguan.backfilling import backfill as run
    from baoguan.backfilling import read_list, wanted
    from baoguan.engines import open_executor
    from baoguan.errors import ConfigError
    from baoguan.indexing import index_new
    from baoguan.networks import open_file_fetcher

    named = [*places, *(entry for path in lists for entry in read_list(path.read_text("utf-8").splitlines()))]
    if not named:
        raise ConfigError("name WARC files: paths, addresses, or --list FILE")
    with (
        open_desk(folder) as desk,
        open_executor(engine, jobs, ray_address) as executor,
        progress_bar("files", show=not as_json) as progress,
    ):
        filled = run(
            desk,
            named,
            only=wanted(only.read_text("utf-8").splitlines()) if only else None,
            executor=executor,
            fetcher=lambda: open_file_fetcher(allow, entropy=SystemEntropy()),
            watch=_watching(len(named), progress),
        )
        index_new(desk)
    if as_json:
        print_json(filled)
    else:
        _print(filled)
    return int(bool(filled.failed))


def _watching(total: int, progress: Callable[[int, int], None]) -> Callable[[str, str], None]:
    done = 0

    def watch(event: str, place: str) -> None:
        nonlocal done
        done += event != "begin"
        progress(done, total)
        if event == "failed":
            click.echo(f"not read whole: {place}", err=True)

    return watch


def _print(filled: Any) -> None:
    for name, why in filled.failed[:40]:
        click.echo(f"{name}: {why}", err=True)
    click.echo(
        f"{filled.files} files read, {filled.passed} read before; {filled.pages} articles' pages:"
        f" {filled.added} added, {filled.known} known already; {len(filled.failed)} failed"
    )


@click.command()
@archive_option
@engine_options
def reindex(folder: Path, *, engine: str, jobs: int, ray_address: str) -> None:
    """Delete the search index and make it anew, its texts read by --jobs processes or Ray."""
    from baoguan import config
    from baoguan.app import open_desk
    from baoguan.engines import open_executor
    from baoguan.errors import ConfigError
    from baoguan.indexing import index_new
    from baoguan.upkeep import drop_search

    settings = config.load(config.read_file(folder))
    if settings.search == "none":
        raise ConfigError('search is off: set search = "fts5" in baoguan.toml')
    drop_search(folder)
    with (
        open_desk(folder) as desk,
        open_executor(engine, jobs, ray_address) as executor,
        progress_bar("indexing", show=sys.stderr.isatty()) as progress,
    ):
        put = index_new(desk, progress, executor=executor)
    click.echo(f"{put} articles indexed ({settings.search})")
