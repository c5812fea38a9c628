"""Which engine keeps what, by the settings: folder or bucket, FTS5 or tantivy. Extras are imported when chosen."""

from pathlib import Path

from baoguan.backends.files import FileHead, FileLock, FileObjects
from baoguan.config import Settings
from baoguan.errors import ConfigError
from baoguan.ports import Head, ObjectStore, SearchIndex
from baoguan.text.zones import zone_of


def open_search(folder: Path, settings: Settings) -> SearchIndex | None:
    """The search index that the settings want. Raises ConfigError for one that isn't known."""
    if settings.search == "none":
        return None
    zone = zone_of(settings.zone)
    if settings.search == "tantivy":
        try:
            from baoguan.backends.tantivy.search import TantivySearch
        except ImportError as error:
            raise ConfigError('search = "tantivy" needs the extra: pip install "baoguan[tantivy]"') from error
        return TantivySearch(folder / "index" / "tantivy", zone=zone)
    if settings.search != "fts5":
        raise ConfigError(f"search = {settings.search!r}: fts5, tantivy and none are known")
    from baoguan.backends.sqlite.search import SqliteSearch

    return SqliteSearch(folder / "index" / "search.sqlite", zone=zone)


def open_store(folder: Path, settings: Settings, lock: FileLock) -> tuple[ObjectStore, Head]:
    """public/ of the archive: its folder, or the bucket that the settings name. ConfigError without the extra."""
    if not settings.objects:
        tmp = folder / "state" / "tmp"
        return FileObjects(folder / "public", tmp), FileHead(folder / "public" / "checkpoint", lock, tmp)
    try:
        from baoguan.backends.s3.objects import S3Head, S3Objects, open_bucket
    except ImportError as error:
        raise ConfigError(f'{settings.objects} needs the extra: pip install "baoguan[s3]"') from error
    bucket = open_bucket(settings.objects, region=settings.s3_region, endpoint=settings.s3_endpoint)
    return S3Objects(bucket), S3Head(bucket)
