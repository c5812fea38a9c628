"""import, export, backup, restore."""

import sys
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, print_json, progress_bar, settings_options, style

SHOWN = 10


@click.command("import")
@archive_option
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--index/--no-index", default=True, help="make what came in findable at once, or at the next search")
@click.option("--json", "as_json", is_flag=True, help="the report as one JSON object a path and line")
@settings_options("archive")
def import_(folder: Path, paths: tuple[Path, ...], *, as_json: bool, index: bool, **options: Any) -> int:
    """Bring in the ancestors' archives (folder or tar, zst too), OPML, or WARC.

    Exit code 1 when a file that should be an article could not be read; the others are in.
    """
    from baoguan.app import open_desk
    from baoguan.importing import import_path
    from baoguan.indexing import index_new

    failed = False
    with open_desk(folder, options) as desk:
        for path in paths:
            if path.suffix.lower() == ".opml":
                _import_opml(folder, path)
                continue
            with _Counter(as_json) as counter:
                report = import_path(desk, path, counter.advance)
            failed = failed or bool(report.failed)
            if as_json:
                print_json(report)
            else:
                _print_import(path, report)
        if index:
            with progress_bar("indexing", show=not as_json) as progress:
                index_new(desk, progress)
    return int(failed)


class _Counter:
    """Files done, on a terminal."""

    def __init__(self, quiet: bool) -> None:
        self.bar: Any = None
        if sys.stderr.isatty() and not quiet:
            from tqdm import tqdm

            self.bar = tqdm(unit=" files", leave=False, dynamic_ncols=True)

    def advance(self, done: int) -> None:
        """So many more are committed."""
        if self.bar is not None:
            self.bar.update(done)

    def __enter__(self) -> "_Counter":
        return self

    def __exit__(self, *_error: object) -> None:
        if self.bar is not None:
            self.bar.close()


def _print_import(path: Path, report: Any) -> None:
    for name, why in report.failed[:SHOWN]:
        click.echo(f"{style('not read', fg='red')}: {name}: {why}", err=True)
    if len(report.failed) > SHOWN:
        click.echo(f"... and {len(report.failed) - SHOWN} more; --json lists them", err=True)
    click.echo(
        f"{path}: {report.files} articles' files, {report.added} added ({report.articles} new articles,"
        f" {report.added - report.articles} further revisions), {report.known} known already"
    )
    if not report.added and report.known:
        click.echo("nothing new: all of it was imported before")
    if report.withdrawn:
        click.echo(f"{report.withdrawn} were withdrawn here before: left out (`baoguan withdraw --list`)")
    if report.untimed:
        click.echo(f"{report.untimed} without a time of their own bear the time of this import, flagged")
    if report.scripts:
        click.echo(f"{report.scripts} held scripts: records are sanitised, the files themselves are kept as captures")
    if report.skipped:
        click.echo(f"{len(report.skipped)} other files left out (lists, README, ...)")


def _import_opml(folder: Path, path: Path) -> None:
    from baoguan.app import OutletEntry, add_entry
    from baoguan.outlets.matching import adhoc_outlet, outlet_for_url
    from baoguan.outlets.registry import load_outlets
    from baoguan.publish.opml import read_opml

    known = load_outlets()
    added = 0
    feeds = read_opml(path.read_bytes())
    for feed in feeds:
        place = feed.site_url or feed.feed_url
        outlet = outlet_for_url(known, place) or adhoc_outlet(place, title=feed.title)
        entry = OutletEntry(
            key=outlet.key,
            name="" if outlet.key in known else feed.title or outlet.name,
            home="" if outlet.key in known else outlet.home,
            feeds=(feed.feed_url,),
        )
        added += add_entry(folder, entry)
    click.echo(f"{path}: {len(feeds)} feeds, {added} added; next `baoguan sync`")


@click.group()
@archive_option
def export(folder: Path) -> None:
    """Write the archive in other forms. The archive itself stays as it is."""


@export.command()
@archive_option
@click.argument("destination", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--lang", "languages", multiple=True, help="zh-Hans, zh-Hant, ja, en; the first stands at the root  [all]"
)
@click.option("--base-url", default="", help="where it will be served: with it, Atom feeds are written too")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def site(folder: Path, destination: Path, *, languages: tuple[str, ...], base_url: str, as_json: bool) -> None:
    """Write the reader as a folder of plain files, for any web server or a memory stick. The same pages, no server.

    Search, health and raw captures need `baoguan serve` and are left out. Run again, it writes what changed and deletes
    what was withdrawn.
    """
    from baoguan.app import open_desk
    from baoguan.web.site import export_site
    from baoguan.web.words import LANGUAGES

    with open_desk(folder) as desk, _Counter(as_json) as counter:
        report = export_site(
            desk, destination, languages=languages or tuple(LANGUAGES), base_url=base_url, progress=counter.advance
        )
        desk.note_export("site", str(destination.resolve()))
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{report.pages} pages, {report.made} of them made, {report.pictures} pictures, {report.feeds} feeds;"
        f" {report.unchanged} files the same, {report.removed} of before removed"
    )
    click.echo(f"open {destination / 'index.html'}")


@export.command()
@archive_option
@click.argument("destination", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--images",
    default="",
    metavar="weserv|relative|origin|URL",
    help="where pictures point: images.weserv.nl, files copied beside, the outlet, or a prefix of your own"
    "  [default: relative; with --exact as they were]",
)
@click.option("--exact", is_flag=True, help="the ancestors' bytes: imported files as they were, scripts and all")
@click.option("--outlet", default="", help="only of this outlet")
def markdown(folder: Path, destination: Path, *, images: str, exact: bool, outlet: str) -> None:
    """The ancestors' tree: articles/, lists/ and README.md, one Markdown file an article."""
    from baoguan.app import open_desk
    from baoguan.exporting import export_markdown

    with open_desk(folder) as desk, _Counter(False) as counter:
        report = export_markdown(desk, destination, images=images, exact=exact, outlet=outlet, progress=counter.advance)
        desk.note_export("markdown", str(destination.resolve()))
    for path in report.scripts[:SHOWN]:
        click.echo(f"{style('holds scripts', fg='yellow')}: {path}", err=True)
    if len(report.scripts) > SHOWN:
        click.echo(f"... {len(report.scripts)} exported files hold scripts: don't serve them as HTML", err=True)
    click.echo(
        f"{destination}: {report.articles} articles, {report.lists} lists, {report.pictures} pictures;"
        f" {report.unchanged} files stood there already"
    )


@export.command()
@archive_option
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m", "%Y"]), help="only from this day on, UTC")
@click.option("--outlet", default="", help="only of this outlet")
@click.option("--limit", type=click.IntRange(1, 100_000), default=500, show_default=True, help="so many, the newest")
@click.option("--lang", type=click.Choice(["zh-Hans", "zh-Hant", "ja", "en"]), default="en", show_default=True)
def epub(folder: Path, target: Path, *, since: Any, outlet: str, limit: int, lang: str) -> None:
    """One book (EPUB 3) of the newest articles with their pictures, to read offline. LANG is of the words around."""
    from datetime import UTC

    from baoguan.app import open_desk
    from baoguan.web.packing import export_epub

    since_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000) if since else None
    with open_desk(folder) as desk, _Counter(False) as counter:
        articles, pictures = export_epub(
            desk, target, outlet=outlet, since_ms=since_ms, limit=limit, lang=lang, progress=counter.advance
        )
        desk.note_export("epub", str(target.resolve()))
    click.echo(f"{target}: {articles} articles, {pictures} pictures")


@click.command()
@archive_option
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
def backup(folder: Path, destination: Path) -> None:
    """Copy public/ as of a checkpoint, state/ and private/ to DEST (a folder, or a .tar.zst file)."""
    from baoguan.app import open_desk
    from baoguan.archive.backup import backup as run
    from baoguan.engines import accounts_in_folder

    with open_desk(folder) as desk:
        places = desk.catalog.capture

        def file_of(record_id: str) -> str | None:
            place = places(record_id)
            return place.file if place else None

        with accounts_in_folder(desk.folder, desk.settings):
            report = run(desk.archive, desk.folder, destination, copy_state=desk.schedule.backup, capture_file=file_of)
        desk.note_export("backup", str(destination.resolve()))
    click.echo(f"{destination}: {report.files} files as of log size {report.size}; it holds the key: keep it private")


@click.command()
@click.argument("source", metavar="SRC", type=click.Path(exists=True, path_type=Path))
@click.argument("place", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--deny",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="PRIVATE",
    help="a private/ folder with a newer deny list than the backup's: what it names is withdrawn here, too",
)
@archive_option
def restore(source: Path, place: Path | None, folder: Path, *, deny: Path | None) -> None:
    """Make the archive DIR from a backup; refuses to touch one that stands there.

    What was withdrawn after the backup was made is in it again: give the newer deny list with --deny.
    """
    from baoguan.app import open_desk
    from baoguan.archive.backup import restore as run
    from baoguan.withdrawing import enforce

    target = place or folder
    report = run(source, target)
    with open_desk(target) as desk:
        if deny is not None:
            desk.denials.adopt(deny)
        for gone in enforce(desk):
            click.echo(f"withdrawn again: {', '.join(gone.ids)} is on the deny list")
        click.echo(
            f"{target}: restored, log size {desk.archive.size}, {report.files} files; `baoguan verify` checks them"
        )
