"""Which engine keeps what, by the settings: folder or bucket, FTS5 or tantivy. Extras are imported when chosen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from baoguan.archive.staging import Staging
from baoguan.backends.executors import LocalExecutor
from baoguan.backends.files import FileHead, FileLock, FileObjects
from baoguan.backends.sqlite.accounts import FILE, SqliteAccounts
from baoguan.backends.sqlite.schedule import SqliteSchedule
from baoguan.config import Settings
from baoguan.desk import CrawlState, KeptAccounts
from baoguan.errors import ConfigError
from baoguan.migrating import copy_accounts
from baoguan.ports import Executor, Head, ObjectStore, SearchIndex
from baoguan.text.zones import zone_of

if TYPE_CHECKING:
    from baoguan.backends.postgres import Link
    from baoguan.backends.postgres.catalogue import PgCatalog
    from baoguan.backends.postgres.head import PgHead, PgLock
    from baoguan.backends.postgres.outbox import PgOutbox
    from baoguan.backends.postgres.pace import PgPace


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


def open_link(settings: Settings, *, durable: bool = True) -> "Link":
    """A connection to the database of the settings (see Link). Raises ConfigError without the extra."""
    if not settings.database.startswith(("postgres://", "postgresql://")):
        raise ConfigError(f"database = {settings.database!r}: postgres://user@host/name is wanted")
    try:
        from baoguan.backends.postgres import Link
    except ImportError as error:
        raise ConfigError('database needs the extra: pip install "baoguan[postgres]"') from error
    return Link(settings.database, settings.origin, durable=durable)


def open_schedule(folder: Path, settings: Settings) -> CrawlState:
    """The crawl state: SQLite in the folder, or PostgreSQL."""
    if not settings.database:
        return SqliteSchedule(folder / "state" / "schedule.sqlite")
    link = open_link(settings, durable=False)
    from baoguan.backends.postgres.schedule import PgSchedule

    return PgSchedule(link, lease_ms=int(settings.lease_s * 1000))


def open_accounts_of(folder: Path, settings: Settings) -> KeptAccounts:
    """The accounts: SQLite in private/, or PostgreSQL, where several web servers share them."""
    if not settings.database:
        return SqliteAccounts(folder / FILE)
    link = open_link(settings)
    from baoguan.backends.postgres.accounts import PgAccounts

    return PgAccounts(link)


@contextmanager
def move_accounts(folder: Path, here: Settings, there: Settings) -> Iterator[int]:
    """Copies the accounts; once the settings name the new place, on leaving, the old ones are deleted."""
    source, goal = open_accounts_of(folder, here), open_accounts_of(folder, there)
    try:
        yield copy_accounts(source, goal)
        for user in source.users():
            source.delete_user(user.id)
    finally:
        source.close()
        goal.close()


@contextmanager
def accounts_in_folder(folder: Path, settings: Settings) -> Iterator[None]:
    """For a backup: what the database holds of accounts lies in private/ meanwhile, as a folder of its own has it."""
    if not settings.database:
        yield
        return
    there, here = (
        open_accounts_of(folder, settings),
        open_accounts_of(folder, msgspec.structs.replace(settings, database="")),
    )
    try:
        copy_accounts(there, here)
        here.close()
        yield
    finally:
        there.close()
        here.close()
        for path in (folder / FILE).parent.glob(f"{Path(FILE).name}*"):
            path.unlink()


def open_shared(settings: Settings) -> "PgCatalog | None":
    """The catalogue of all workers where the settings want one. Raises ConfigError for a setting that isn't known."""
    if settings.catalogue == "own":
        return None
    if settings.catalogue != "shared" or not settings.database:
        raise ConfigError(f"catalogue = {settings.catalogue!r}: own, or shared where `database` is set")
    link = open_link(settings, durable=False)
    from baoguan.backends.postgres.catalogue import PgCatalog

    return PgCatalog(link)


def reset_shared(settings: Settings) -> None:
    """Empties the shared catalogue: the next opening fills it from the log. Nothing where there is none."""
    shared = open_shared(settings)
    if shared is not None:
        shared.reset()
        shared.close()


class Writing(msgspec.Struct, frozen=True, kw_only=True):
    """What several writers of one archive share."""

    head: "PgHead"
    lock: "PgLock"
    staging: Staging
    close: Callable[[], None]


def open_writing(folder: Path, settings: Settings, published: Head) -> Writing:
    """Lock, head and staging lists in PostgreSQL; `published`: the head that readers see."""
    link = open_link(settings)
    from baoguan.backends.postgres.head import PgHead, PgLock, PgStaging

    link.prepare()
    lock = PgLock(link)
    head = PgHead(link, published, lock)
    return Writing(head=head, lock=lock, staging=PgStaging(folder / "state" / "staging", link, head), close=link.close)


def adopt_head(folder: Path, settings: Settings, published: Head) -> None:
    """Makes the head of a database that of the log as it stands; nothing where the settings name none."""
    note = published.read()
    if not settings.database or note is None:
        return
    shared = open_writing(folder, settings, published)
    try:
        with shared.lock:
            shared.head.adopt(note)
    finally:
        shared.close()


ENGINES = ("local", "ray")


@contextmanager
def open_executor(engine: str, jobs: int, address: str = "") -> Iterator[Executor | None]:
    """Where pages are read: here and now (None), in `jobs` processes, or by Ray. ConfigError without the extra."""
    if engine == "local":
        if jobs == 1:
            yield None
            return
        with LocalExecutor(jobs) as local:
            yield local
        return
    try:
        from baoguan.backends.ray.executor import RayExecutor
    except ImportError as error:
        raise ConfigError('--engine ray needs the extra: pip install "baoguan[cluster]"') from error
    with RayExecutor(jobs, address) as cluster:
        yield cluster


def open_outbox(settings: Settings, head: Head) -> "PgOutbox | None":
    """Where workers leave what they finished; `head`: of open_writing. None where there is one process."""
    if not settings.database:
        return None
    link = open_link(settings, durable=False)
    from baoguan.backends.postgres.head import PgHead
    from baoguan.backends.postgres.outbox import PgOutbox

    assert isinstance(head, PgHead)
    return PgOutbox(link, head)


def open_pace(settings: Settings) -> "PgPace | None":
    """Politeness that all workers share; None where there is one writer."""
    if not settings.database:
        return None
    link = open_link(settings, durable=False)
    from baoguan.backends.postgres.pace import PgPace

    return PgPace(link)


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
