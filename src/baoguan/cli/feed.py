"""feed: what the feed reader understood."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from baoguan.cli.common import archive_option, print_json
from baoguan.errors import BaoguanError, FeedError, FetchError, NotFound

if TYPE_CHECKING:
    from baoguan.ports import Fetcher


@click.command()
@archive_option
@click.argument("source", metavar="FILE|URL|DIR")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a feed and line; fields: docs/reference.md")
@click.option("--allow-networks", multiple=True, help="private networks that may be fetched from, as CIDR")
def feed(folder: Path, source: str, *, as_json: bool, allow_networks: tuple[str, ...]) -> int:
    """What the feed reader understands of a feed. Exit code 1 when one can't be read."""
    from baoguan.feeds.describe import describe_feed, summarise_feed
    from baoguan.feeds.fallback import parse_feed_or_fallback

    failed = 0
    for name, data, url, kind in _sources(folder, source, allow_networks):
        try:
            doc = parse_feed_or_fallback(data, url=url, content_type=kind)
        except FeedError as error:
            failed = 1
            if as_json:
                print_json({"source": name, "error": str(error)})
            else:
                click.echo(f"{name}: {error}", err=True)
            continue
        if as_json:
            print_json({"source": name, **describe_feed(doc)})
        else:
            click.echo(f"{name}\n{summarise_feed(doc)}\n")
    return failed


def _sources(folder: Path, source: str, allow: tuple[str, ...]) -> Iterator[tuple[str, bytes, str, str]]:
    """(name, bytes, URL, content type) of every feed that `source` names."""
    if "://" in source:
        yield fetch_once(folder, source, allow, kind="feed")
        return
    path = Path(source)
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    if not path.exists():
        raise NotFound(f"{source}: no such file or folder")
    for one in files:
        yield str(one), one.read_bytes(), "", ""


def open_once(folder: Path, allow: tuple[str, ...]) -> "Fetcher":
    """The network by the settings of the archive in `folder`, the program's own where there is none."""
    from baoguan import config
    from baoguan.backends.clock import SystemEntropy
    from baoguan.networks import open_fetcher

    try:
        file = config.read_file(folder)
    except BaoguanError:
        file = {}
    settings = config.load(file, options={"allow_networks": allow or None})
    return open_fetcher(settings, {}, entropy=SystemEntropy())


def _told(url: str, error: str) -> str:
    """What failed, with the address once, and what allows a private one."""
    told = error if error.startswith(url) else f"{url}: {error}"
    private = "refused" in error and any(word in error for word in ("is loopback", "is private"))
    return f"{told} (--allow-networks CIDR permits it)" if private else told


def fetch_once(folder: Path, url: str, allow: tuple[str, ...], *, kind: str) -> tuple[str, bytes, str, str]:
    """(URL, body, final URL, content type), by the settings of the archive in `folder`. Raises FetchError."""
    from baoguan.model.capture import FetchRequest

    fetcher = open_once(folder, allow)
    try:
        result = fetcher.fetch(FetchRequest(url=url, kind=kind))
    finally:
        fetcher.close()
    if result.response is None:
        raise FetchError(_told(url, result.error), url=url, kind=result.error_kind)
    if result.response.status != 200:
        raise FetchError(f"{url}: HTTP {result.response.status}", url=url, kind="status")
    return url, result.response.body, result.response.final_url, result.response.header("content-type")
