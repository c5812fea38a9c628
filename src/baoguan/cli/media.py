"""media: pictures that are kept, missing or dead, fetched again or taken from another archive."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baoguan.cli.common import archive_option, print_json, progress_bar, settings_options

if TYPE_CHECKING:
    from baoguan.gathering import Gathered, GetFile


@click.group()
def media() -> None:
    """Pictures: what is kept and what is missing, fetched again, taken from elsewhere."""


@media.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def status(folder: Path, *, as_json: bool) -> int:
    """How many pictures are kept, missing, dead or lost, by outlet.

    missing: not kept yet; dead: missing, and asked for in vain for over a month (still asked once a month); lost: the
    log names their digest, but the file is gone (`media fix`). Exit code 1 where a file is lost.
    """
    from baoguan.app import open_desk
    from baoguan.gathering import picture_status
    from baoguan.photographing import index_photos, look_at_photos, open_photos

    with open_desk(folder) as desk:
        rows = picture_status(desk)
        photos = open_photos(desk)
        try:
            index_photos(desk, photos)
            with progress_bar("looking at pictures") as progress:
                look_at_photos(desk, photos, progress=progress)
            files, seen, names = photos.counts()
        finally:
            photos.close()
    total = {name: sum(getattr(row, name) for row in rows) for name in ("kept", "missing", "dead", "lost")}
    if as_json:
        print_json({**total, "files": files, "looked_at": seen, "photos": names, "outlets": rows})
        return int(bool(total["lost"]))
    click.echo(f"{'outlet':24}{'kept':>9}{'missing':>9}{'dead':>7}{'lost':>7}")
    for row in rows:
        click.echo(f"{row.outlet:24}{row.kept:9}{row.missing:9}{row.dead:7}{row.lost:7}")
    click.echo(f"{'all':24}{total['kept']:9}{total['missing']:9}{total['dead']:7}{total['lost']:7}")
    click.echo(f"{files} files, {seen} looked at, {names} photos by their outlets' names")
    return int(bool(total["lost"]))


@media.command()
@archive_option
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=200, show_default=True, help="pictures asked for at most"
)
@click.option("--now", "hurry", is_flag=True, help="also those whose time hasn't come")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
@settings_options("fetch")
def fetch(folder: Path, *, limit: int, hurry: bool, as_json: bool, **options: Any) -> None:
    """Ask again for pictures that were missing when their article was archived, the longest overdue first.

    Waits grow from ten minutes to a month. A picture that comes is a `late` entry; the record never changes.
    """
    from baoguan.app import open_desk
    from baoguan.gathering import fetch_missing

    with open_desk(folder, options) as desk:
        _tell(fetch_missing(desk, limit=limit, hurry=hurry), as_json)


@media.command()
@archive_option
@click.option("--from", "sources", metavar="DIR|URL", multiple=True, help="another archive, its public/, or a mirror")
@click.option("--allow", metavar="CIDR", multiple=True, help="private network that a --from address may be in")
@click.option("--offline", is_flag=True, help="ask no origin")
@click.option("-n", "--limit", type=click.IntRange(1), default=10_000, show_default=True, help="origins asked at most")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
@settings_options("fetch")
def fix(
    folder: Path,
    *,
    sources: tuple[str, ...],
    allow: tuple[str, ...],
    offline: bool,
    limit: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Bring back lost files and missing pictures: from --from first, then from their origins.

    What another archive names under the same address is taken when its bytes have the digest that archive's log names;
    a lost file when it has the digest that our own log names.
    """
    from baoguan.app import open_desk
    from baoguan.gathering import fix_pictures

    with open_desk(folder, options) as desk, ExitStack() as stack:
        opened = [stack.enter_context(_source(desk.folder, source, allow)) for source in sources]
        _tell(fix_pictures(desk, opened, offline=offline, limit=limit), as_json)


@contextmanager
def _source(folder: Path, source: str, allow: tuple[str, ...]) -> "Iterator[GetFile]":
    if "://" not in source:
        yield _folder_source(Path(source))
        return
    from baoguan.backends.clock import SystemEntropy
    from baoguan.mirrorhost import Host
    from baoguan.networks import open_file_fetcher

    with open_file_fetcher(allow, entropy=SystemEntropy()) as fetcher:
        yield Host(fetcher, source, folder / "state" / "parts").get


def _folder_source(place: Path) -> "GetFile":
    from baoguan.errors import NotFound

    root = place / "public" if (place / "public").is_dir() else place
    if not (root / "checkpoint").is_file():
        raise NotFound(f"{place}: no archive there (no checkpoint)")

    def get(path: str, cap: int) -> bytes | None:
        try:
            with (root / path).open("rb") as file:
                data = file.read(cap + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        return data if len(data) <= cap else None

    return get


def _tell(done: "Gathered", as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    click.echo(f"{done.came} pictures came ({done.taken} from other archives), {done.restored} files are there again")
    click.echo(f"{done.asked} asked for at their origins, {done.refused} refused, {done.left} still missing")
