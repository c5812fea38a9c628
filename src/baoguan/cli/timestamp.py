"""timestamp: trusted time of the log's head."""

from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, settings_options

ROOTS = "private/tsa-roots"
"""PEM files: certificates of authorities that this archive trusts."""


def read_roots(folder: Path, more: Path | None = None) -> tuple[bytes, ...]:
    """The PEM files that tokens are judged by. Raises OSError for one named that can't be read."""
    paths = sorted((folder / ROOTS).glob("*.pem"))
    return tuple(path.read_bytes() for path in (*paths, *([more] if more else [])))


@click.command()
@archive_option
@click.option("--tsa", metavar="URL", required=True, help="time-stamping authority (RFC 3161 over HTTP)")
@click.option(
    "--tsa-root", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="its root certificate, PEM; kept"
)
@settings_options("fetch")
def timestamp(folder: Path, *, tsa: str, tsa_root: Path | None, **options: Any) -> None:
    """Have the log's head stamped by a time-stamping authority; the token becomes a `ts` leaf that verify judges.

    Nothing of the archive but a digest is sent. The authority's clock then shows that all entries so far existed.
    """
    from baoguan.app import open_desk
    from baoguan.archive.timestamps import MAX_TOKEN, check_answer, make_request, stamp_line
    from baoguan.errors import FetchError, NotFound
    from baoguan.model.capture import FetchRequest

    with open_desk(folder, options) as desk:
        head = desk.archive.checkpoint()
        if head is None:
            raise NotFound("the log is empty: nothing to stamp yet")
        roots = read_roots(folder, tsa_root)
        request = FetchRequest(url=tsa, kind="timestamp", post=make_request(head), cap_bytes=MAX_TOKEN)
        fetcher = desk.open_fetcher()
        try:
            result = fetcher.fetch(request)
        finally:
            fetcher.close()
        if result.response is None:
            raise FetchError(f"{tsa}: {result.error}", url=tsa, kind=result.error_kind or "status")
        if result.response.status != 200:
            raise FetchError(f"{tsa}: answered {result.response.status}", url=tsa, kind="status")
        answer = result.response.body
        at = check_answer(answer, head, roots)
        with desk.archive.begin() as batch:
            index = batch.append(stamp_line(answer, head, tsa))
            batch.commit()
    if tsa_root is not None:
        _keep_root(folder, tsa_root)
    judged = "" if roots else "; its signature was not judged: give --tsa-root"
    click.echo(f"leaf {index}: the first {head.size} entries existed by {at:%Y-%m-%dT%H:%M:%SZ} ({tsa}){judged}")


def _keep_root(folder: Path, path: Path) -> None:
    import hashlib

    data = path.read_bytes()
    kept = folder / ROOTS / f"{hashlib.sha256(data).hexdigest()[:16]}.pem"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(data)
