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


@mirror.command()
@click.argument(
    "folders", metavar="DIR DIR...", nargs=-1, required=True, type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def compare(folders: tuple[Path, ...], *, as_json: bool) -> int:
    """What several archives (or mirrors of them) saw of the same articles: by outlet and URL, whose text agrees."""
    from baoguan import config
    from baoguan.app import open_archive
    from baoguan.backends.clock import SystemClock, SystemEntropy
    from baoguan.comparing import check_distinct
    from baoguan.comparing import compare as run

    check_distinct(folders)
    found = run(
        [
            open_archive(folder, config.load(config.read_file(folder)), clock=SystemClock(), entropy=SystemEntropy())
            for folder in folders
        ]
    )
    if as_json:
        print_json(found)
        return 0
    for origin, count in zip(found.archives, found.articles, strict=True):
        click.echo(f"{origin}: {count} articles")
    for row in found.differ:
        click.echo(f"{style('differs', fg='yellow')}: {row.url}: {row.words}")
        for sight in row.sights:
            click.echo(f"    {when(sight.captured_ms)}  {sight.archive}  {sight.texts[0][:8]}  {sight.title}")
    click.echo(f"{found.shared} articles are held by two or more; all saw the same text of {found.agree}")
    return 0


@mirror.command()
@archive_option
@ALLOW
@click.option("--accept", is_flag=True, help="go on without asking: this is the newest state")
def check(folder: Path, *, allow: tuple[str, ...], accept: bool) -> None:
    """Ask the mirrors and witnesses of the settings whether they know more of this log than the archive holds."""
    from baoguan import config
    from baoguan.app import check_mirrors, open_archive
    from baoguan.archive.backup import RESTORED
    from baoguan.backends.clock import SystemClock, SystemEntropy

    settings = config.load(config.read_file(folder))
    if accept:
        (folder / RESTORED).unlink(missing_ok=True)
        click.echo("accepted: the next batch is appended to the log as it stands here")
        return
    archive = open_archive(folder, settings, clock=SystemClock(), entropy=SystemEntropy())
    for line in check_mirrors(folder, settings, archive, allow=allow, entropy=SystemEntropy()):
        click.echo(line)
    click.echo(f"this archive holds {archive.size} entries; nobody asked knows more")


@click.group()
def witness() -> None:
    """Witnesses: cosign the heads of logs that only ever grow (C2SP tlog-witness), and ask for cosignatures."""


@witness.command("init")
@click.argument("place", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", required=True, help="name of the witness, like an address without https://")
def init_(place: Path, name: str) -> None:
    """Make a witness in DIR and print its verifier key."""
    from baoguan.backends.clock import SystemClock, SystemEntropy
    from baoguan.witnessing import Witness

    click.echo(Witness.create(place, name, SystemClock(), SystemEntropy()).cosigner.text)


@witness.command()
@click.argument("place", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.argument("key")
def add(place: Path, key: str) -> None:
    """Let the witness in DIR cosign the log with that verifier KEY."""
    from baoguan.archive.note import Verifier
    from baoguan.backends.clock import SystemClock
    from baoguan.witnessing import Witness

    log = Verifier.parse(key)
    added = Witness(place, SystemClock()).trust(log)
    click.echo(f"{log.name}: {'added' if added else 'known already'}")


@witness.command()
@click.argument("place", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", help="address to listen on  [default: 127.0.0.1]")
@click.option("--port", default=8711, help="port to listen on  [default: 8711]")
def serve(place: Path, *, host: str, port: int) -> None:
    """Answer add-checkpoint requests until Ctrl-C."""
    from baoguan.backends.clock import SystemClock
    from baoguan.web.serve import serve as run
    from baoguan.web.witness import create_witness
    from baoguan.witnessing import Witness

    one = Witness(place, SystemClock())
    run(create_witness(one.add_checkpoint), host, port, on_ready=lambda url: click.echo(f"{url}  {one.cosigner.text}"))


@witness.command()
@archive_option
@click.argument("urls", metavar="[URL]...", nargs=-1)
@ALLOW
def request(folder: Path, urls: tuple[str, ...], *, allow: tuple[str, ...]) -> int:
    """Have the head of the log cosigned by witnesses (default: those of the settings); they stand in the checkpoint."""
    from baoguan import config
    from baoguan.app import open_archive
    from baoguan.archive.mirror_witness import Cosigner
    from baoguan.backends.clock import SystemClock, SystemEntropy
    from baoguan.networks import open_file_fetcher
    from baoguan.witnessing import request_cosignature

    settings = config.load(config.read_file(folder))
    known = [Cosigner.parse(text) for text in settings.witness_keys]
    archive = open_archive(folder, settings, clock=SystemClock(), entropy=SystemEntropy())
    with open_file_fetcher(allow, entropy=SystemEntropy()) as fetcher:
        for url in urls or settings.witnesses:
            names = request_cosignature(archive, fetcher, url, known)
            click.echo(f"{url}: cosigned {archive.size} entries as {', '.join(names)}")
    return 0
