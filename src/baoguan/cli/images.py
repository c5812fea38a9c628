"""images: the picture proxy from the command line."""

import hashlib
import re
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import click

from baoguan.cli.common import archive_option, settings_options

_DIGEST = re.compile(r"[0-9a-f]{64}")


@click.group()
def images() -> None:
    """The picture proxy: sign addresses, forget what was made of a picture."""


@images.command()
@archive_option
@click.argument("query")
def sign(folder: Path, query: str) -> int:
    """Print QUERY (url=example.org/a.jpg&w=300) with the signature that `images = "signed"` asks for."""
    from baoguan.app import open_desk
    from baoguan.web.images import sign as make
    from baoguan.web.images_open import image_secret

    with open_desk(folder) as desk:
        click.echo(f"{query}&s={make(image_secret(desk), query)}")
    return 0


@images.command()
@archive_option
@click.argument("url")
def purge(folder: Path, url: str) -> int:
    """Forget what was made of the picture of URL (its address or sha256): it is made anew, or asked for again."""
    from baoguan.app import open_desk
    from baoguan.backends.file_cache import FileCache
    from baoguan.errors import PictureError
    from baoguan.media.asking import parse_address
    from baoguan.web.images_open import variants_of
    from baoguan.web.images_source import ArchivedPictures

    with open_desk(folder) as desk:
        variants = variants_of(desk)
        groups, count = {url}, 0
        if not _DIGEST.fullmatch(url):
            address, groups = parse_address(url), set()
            origins = FileCache(folder / "index" / "origins", 1)
            group = hashlib.sha256(address.encode()).hexdigest()
            data = origins.get(group, "data")
            if data is not None:
                groups.add(hashlib.sha256(data).hexdigest())
            count = origins.drop(group)
            with suppress(PictureError), closing(ArchivedPictures(desk)) as archived:
                groups.add(archived.find(address).sha256)
        count += sum(variants.drop(one) for one in groups)
    click.echo(f"{count} files forgotten; running readers show them for 30 s more")
    return 0


@images.command()
@archive_option
@click.argument("url")
@settings_options("fetch")
def refresh(folder: Path, url: str, **options: Any) -> int:
    """Ask the origin of URL for its picture again. Other bytes are kept beside the old ones, which the log names.

    The proxy and later articles then show the new ones, articles that were archived with the old ones keep these. Exit
    code 1 where the origin is gone or did not answer: what is kept stays and is shown on.
    """
    from baoguan.app import open_desk
    from baoguan.errors import PictureError
    from baoguan.gathering import refresh_picture
    from baoguan.media.asking import parse_address
    from baoguan.web.images_open import origins_of
    from baoguan.web.images_source import ArchivedPictures

    address = parse_address(url)
    with open_desk(folder, options) as desk, closing(ArchivedPictures(desk)) as archived:
        located = archived.locate(address)
        if located is None:
            origins = origins_of(desk, archived)
            try:
                found = origins.refresh(address)
            except PictureError as error:
                click.echo(f"{address}: {error} What is held stays.")
                return 1
            finally:
                origins.close()
            click.echo(f"{address}: {len(found.data)} bytes, sha256 {found.sha256}")
            return 0
        done = refresh_picture(desk, located.canonical)
    click.echo(_REFRESHED[done.outcome].format(url=located.canonical, done=done))
    return int(done.outcome in ("gone", "failed"))


_REFRESHED = {
    "same": "{url}: the same picture, sha256 {done.old}",
    "changed": "{url}: another picture, sha256 {done.new}, is kept beside {done.old} for {done.articles} articles",
    "gone": "{url}: the origin has no such picture any more; {done.old} stays",
    "failed": "{url}: the origin did not answer with a picture; {done.old} stays",
}
