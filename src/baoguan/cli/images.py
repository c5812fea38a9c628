"""images: the picture proxy from the command line."""

import hashlib
from pathlib import Path

import click

from baoguan.cli.common import archive_option


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
        variants, groups = variants_of(desk), [url]
        count = 0
        if len(url) != 64:
            address = parse_address(url)
            origins = FileCache(folder / "index" / "origins", 1)
            group = hashlib.sha256(address.encode()).hexdigest()
            data = origins.get(group, "data")
            groups = [hashlib.sha256(data).hexdigest()] if data is not None else []
            count = origins.drop(group)
            try:
                groups.append(ArchivedPictures(desk).find(address).sha256)
            except PictureError:
                groups = groups or []
        count += sum(variants.drop(one) for one in groups)
    click.echo(f"{count} files forgotten; running readers show them for 30 s more")
    return 0
