"""The picture proxy of an opened archive, by its settings."""

import hashlib
import os

from baoguan.backends.file_cache import FileCache
from baoguan.backends.vips.pool import is_installed
from baoguan.desk import Desk
from baoguan.errors import ConfigError
from baoguan.web.accounts_store import read_secret
from baoguan.web.images import MODES, ImageOptions, ImageSite
from baoguan.web.images_source import ArchivedPictures, Originals, OriginPictures, proxy_options


def open_images(desk: Desk, *, warm: bool = False) -> ImageSite | None:
    """None where the settings say off, or where the extra `images` is missing. Raises ConfigError.

    `warm`: a worker is begun at once.
    """
    settings = desk.settings
    if settings.images not in MODES:
        raise ConfigError(f"images = {settings.images!r}: {', '.join(MODES)} are known")
    if settings.images == "off" or not is_installed():
        return None
    originals: Originals = ArchivedPictures(desk)
    if settings.images in ("signed", "open"):
        originals = origins_of(desk, originals)
    options = ImageOptions(
        mode=settings.images,
        savers=settings.images_savers,
        secret=image_secret(desk),
        jobs=min(4, os.cpu_count() or 1),
        warm=warm,
    )
    return ImageSite(originals, options, variants_of(desk))


def origins_of(desk: Desk, archived: Originals) -> OriginPictures:
    """The archive's pictures, and what modes signed and open fetch: files of index/origins."""
    room = max(1, int(desk.settings.images_mb * 1e6))
    return OriginPictures(archived, proxy_options(desk), FileCache(desk.folder / "index" / "origins", room))


def variants_of(desk: Desk) -> FileCache:
    """The files of what was made of pictures: <sha256 of the original>/<width>.<format>, or a digest of the query."""
    return FileCache(desk.folder / "index" / "variants", max(1, int(desk.settings.images_mb * 1e6)))


def image_secret(desk: Desk) -> bytes:
    """What queries are signed with in mode signed; made of the archive's own secret."""
    return hashlib.sha256(b"baoguan images\0" + read_secret(desk.folder, desk.entropy)).digest()
