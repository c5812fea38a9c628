"""Builds the object graph of an archive from its folder and settings: which engines, which clock, whose key."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import msgspec

from baoguan import config
from baoguan.archive.backup import RESTORED
from baoguan.archive.mirror_state import Choice, PullReport
from baoguan.archive.mirror_witness import Cosigner
from baoguan.archive.note import Signer, Verifier
from baoguan.archive.store import Archive
from baoguan.archive.withdraw_deny import Denials
from baoguan.archive.withdraw_plan import read_plan
from baoguan.backends.clock import SystemClock, SystemEntropy
from baoguan.backends.files import FileLock
from baoguan.backends.sqlite.catalogue import SqliteCatalog
from baoguan.backends.sqlite.photos import SqlitePhotos
from baoguan.capture.warc import WarcWriter
from baoguan.config import Settings
from baoguan.desk import CrawlState, Desk, catch_up
from baoguan.engines import open_outbox, open_pace, open_schedule, open_search, open_shared, open_store, open_writing
from baoguan.errors import ConfigError, MirrorError, StoreError
from baoguan.indexing import Forgetter
from baoguan.keyring import finish_rotation
from baoguan.mirrorhead import believe, published_key, read_note
from baoguan.mirrorhost import Host
from baoguan.mirroring import Progress, Target, pull
from baoguan.model.outlet import FeedSpec, Outlet
from baoguan.networks import open_fetcher, open_file_fetcher
from baoguan.outlets.checks import check_outlet
from baoguan.outlets.registry import load_outlets
from baoguan.photographing import FILE as PHOTOS
from baoguan.photographing import PhotoForgetter
from baoguan.ports import Clock, Entropy
from baoguan.text.urls import host_of
from baoguan.withdrawing import finish
from baoguan.witnessing import check_restored


class OutletEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[outlet]] of baoguan.toml."""

    key: str
    name: str = ""
    home: str = ""
    language: str = ""
    zone: str = ""
    feeds: tuple[str, ...] | None = None
    """Feeds to poll; absent: those that the outlet file knows."""
    proxy: str = ""
    serve: Literal["all", "no-text", "no-pictures", "headlines"] = "all"
    """What the reader, its feeds and exports are given of what is kept."""
    hosts: tuple[str, ...] = ()


def create_archive(
    folder: Path,
    *,
    origin: str,
    vantage: str = "",
    entries: Sequence[OutletEntry] = (),
    entropy: Entropy | None = None,
    fetch: Mapping[str, object] | None = None,
) -> Verifier:
    """Makes a new archive: settings, key, empty folders. Raises ConfigError where one stands already."""
    if (folder / config.FILE).exists():
        raise ConfigError(f"{folder} is an archive already ({config.FILE}); add outlets with `baoguan add`")
    signer = Signer.generate(origin, entropy or SystemEntropy())
    for name in ("public", "index", "state", "private"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "private").chmod(0o700)
    key = folder / config.KEY_FILE
    descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(signer.text + "\n")
    (folder / config.VERIFIER_FILE).write_text(signer.verifier.text + "\n")
    text = config.template(origin, vantage)
    for name, value in (fetch or {}).items():
        default = next(line for line in text.splitlines() if line.startswith(f"# {name} = "))
        text = text.replace(default, f"{name} = {msgspec.json.encode(value).decode()}")
    (folder / config.FILE).write_text(text + "".join(_entry_text(entry) for entry in entries), "utf-8")
    return signer.verifier


def _entry_text(entry: OutletEntry) -> str:
    lines = ["", "[[outlet]]"]
    for name, value in msgspec.to_builtins(entry).items():
        if value not in ("", None, (), "all"):
            lines.append(f"{name} = {msgspec.json.encode(value).decode()}")
    return "\n".join(lines) + "\n"


def add_entry(folder: Path, entry: OutletEntry) -> bool:
    """Writes an outlet, or more feeds of a known one, into baoguan.toml; False when all of it stands there already."""
    import tomlkit

    path = folder / config.FILE
    document = tomlkit.parse(path.read_text("utf-8"))
    for table in document.get("outlet", ()):
        if table.get("key") != entry.key:
            continue
        held = list(table.get("feeds", ()))
        more = [url for url in entry.feeds or () if url not in held]
        if not more:
            return False
        table["feeds"] = [*held, *more]
        _replace_text(path, tomlkit.dumps(document))
        return True
    _replace_text(path, path.read_text("utf-8") + _entry_text(entry))
    return True


def set_settings(folder: Path, **values: str) -> None:
    """Writes settings of [archive] into baoguan.toml; an empty value takes the line out."""
    import tomlkit

    path = folder / config.FILE
    document = tomlkit.parse(path.read_text("utf-8"))
    section = document.setdefault("archive", tomlkit.table())
    for name, value in values.items():
        if value:
            section[name] = value
        else:
            section.pop(name, None)
    _replace_text(path, tomlkit.dumps(document))


def _replace_text(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, "utf-8")
    beside.replace(path)


def read_entries(file: Mapping[str, Any]) -> list[OutletEntry]:
    """The [[outlet]] tables. Raises ConfigError naming the table that is wrong."""
    try:
        entries = msgspec.convert(file.get("outlet", []), list[OutletEntry])
    except msgspec.ValidationError as error:
        raise ConfigError(f"{config.FILE}: [[outlet]] {error}") from error
    keys = [entry.key for entry in entries]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"{config.FILE}: [[outlet]] {key} stands there twice")
        if not key or not all(char.isascii() and (char.isalnum() or char in "-_") for char in key):
            raise ConfigError(f"{config.FILE}: [[outlet]] key {key!r}: use letters, digits and hyphens")
    return entries


def outlets_of(entries: Sequence[OutletEntry], folder: Path | None = None) -> tuple[dict[str, Outlet], dict[str, str]]:
    """(all outlets by key, the operator's over the known ones; feed URL to key of those set up).

    Files of outlets/ in the archive `folder` replace those that ship. Raises ConfigError for values of no use.
    """
    outlets = load_outlets(folder / "outlets" if folder else None)
    feeds: dict[str, str] = {}
    for entry in entries:
        outlet = outlets.get(entry.key) or Outlet(key=entry.key, name=entry.name or entry.key)
        given = {name: getattr(entry, name) for name in ("name", "home", "language", "zone", "proxy", "serve")}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value}
        if entry.hosts or not outlet.hosts:
            host = host_of(entry.home)
            changes["hosts"] = entry.hosts or ((host,) if "." in host else ())
        if entry.feeds is not None:
            changes["feeds"] = tuple(FeedSpec(url=url) for url in entry.feeds)
        outlets[entry.key] = msgspec.structs.replace(outlet, **changes)
        check_outlet(outlets[entry.key], config.FILE)
        feeds.update({feed.url: entry.key for feed in outlets[entry.key].feeds})
    return outlets, feeds


@contextmanager
def open_desk(
    folder: Path,
    options: Mapping[str, Any] | None = None,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    durable: bool = True,
    lean: bool = False,
) -> Iterator[Desk]:
    """Opens the archive in `folder` for the joiners and the reader. Raises ConfigError where there is none.

    `lean`: for who only fetches; where there is a shared catalogue the own one isn't brought up.
    """
    folder = folder.resolve()
    file = config.read_file(folder)
    settings = config.load(file, options=options)
    outlets, feeds = outlets_of(read_entries(file), folder)
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    archive = open_archive(folder, settings, clock=clock, entropy=entropy, durable=durable)
    catalog = SqliteCatalog(folder / "index" / "catalogue.sqlite")
    schedule = open_schedule(folder, settings)
    shared = open_shared(settings)
    pace = open_pace(settings)
    outbox = open_outbox(settings, archive.head)
    search = open_search(folder, settings)
    photos = SqlitePhotos(folder / PHOTOS)
    try:
        _tell_feeds(schedule, feeds)
        desk = Desk(
            folder=folder,
            settings=settings,
            outlets=outlets,
            feeds=feeds,
            archive=archive,
            catalog=catalog,
            schedule=schedule,
            search=search,
            indexes=(*((Forgetter(archive, search),) if search is not None else ()), PhotoForgetter(photos)),
            clock=clock,
            entropy=entropy,
            open_fetcher=lambda: open_fetcher(settings, outlets, entropy=entropy, hosts=schedule.hosts(), pace=pace),
            denials=Denials(folder / "private", entropy),
            sync_lock=lambda: _sync_lock(folder, settings),
            outbox=outbox,
            shared=shared,
            lean=lean and shared is not None,
            spool_name=f"spool-{os.getpid()}" if settings.database else "spool",
        )
        catch_up(desk)
        if not desk.lean:
            _end_withdrawal(desk)
        yield desk
    finally:
        catalog.close()
        schedule.close()
        photos.close()
        archive.close()
        for one in (pace, outbox, shared, search):
            if one is not None:
                one.close()


def _tell_feeds(schedule: CrawlState, feeds: Mapping[str, str]) -> None:
    """What baoguan.toml wants polled; a digest spares reading a million feeds to see that nothing changed."""
    digest = hashlib.sha256(msgspec.json.encode(sorted(feeds.items()))).digest()
    if schedule.get("feeds-digest") != digest:
        schedule.sync_feeds(feeds)
        schedule.put("feeds-digest", digest)


def _sync_lock(folder: Path, settings: Settings) -> AbstractContextManager[object]:
    """One sync at a time in a folder; as many as there are workers where PostgreSQL hands out the work."""
    return nullcontext() if settings.database else FileLock(folder / "state" / "sync.lock", timeout_s=5)


def _end_withdrawal(desk: Desk) -> None:
    """Ends a withdrawal that a crash cut short; where another process writes just now, the next opening does."""
    if read_plan(desk.folder / "private") is None:
        return
    try:
        with FileLock(desk.folder / "state" / "write.lock", timeout_s=0.0):
            pass
    except StoreError:
        return
    finish(desk)


def open_archive(folder: Path, settings: Settings, *, clock: Clock, entropy: Entropy, durable: bool = True) -> Archive:
    """The store alone. Without the private key it can only be read."""
    lock = FileLock(folder / "state" / "write.lock")
    objects, head = open_store(folder, settings, lock)
    finish_rotation(folder)
    signer = verifier = None
    try:
        signer = Signer.parse((folder / config.KEY_FILE).read_text("ascii").strip())
    except (FileNotFoundError, PermissionError):
        verifier = read_verifier(folder)
    shared = None
    if settings.database:
        shared = open_writing(folder, settings, head)
        head, lock_of_all = shared.head, shared.lock
    archive = Archive(
        objects=objects,
        head=head,
        staging_dir=folder / "state" / "staging",
        lock=lock_of_all if shared else lock,
        signer=signer,
        verifier=verifier,
        clock=clock,
        entropy=entropy,
        warc=WarcWriter(entropy=entropy, gzip_level=settings.gzip_level),
        vantage=settings.vantage,
        sync=durable,
    )
    if shared is not None:
        archive.staging, archive.close = shared.staging, shared.close
    if (folder / RESTORED).exists():
        archive.guard = lambda archive: _ask_others(folder, settings, archive, entropy)
    return archive


def _ask_others(folder: Path, settings: Settings, archive: Archive, entropy: Entropy) -> None:
    if (folder / RESTORED).exists():
        check_mirrors(folder, settings, archive, allow=settings.allow_networks, entropy=entropy)


def check_mirrors(
    folder: Path, settings: Settings, archive: Archive, *, allow: Sequence[str], entropy: Entropy
) -> list[str]:
    """What the mirrors and witnesses of the settings know of this log. Raises as check_restored; else it may append."""
    said: list[str] = []
    if settings.mirrors or settings.witnesses:
        with open_file_fetcher(allow, entropy=entropy) as fetcher:
            said = check_restored(archive, folder, fetcher, settings.mirrors, settings.witnesses)
    (folder / RESTORED).unlink(missing_ok=True)
    return said


def read_verifier(folder: Path) -> Verifier:
    """The public key of the archive. Raises ConfigError where there is none."""
    try:
        return Verifier.parse((folder / config.VERIFIER_FILE).read_text("ascii").strip())
    except OSError as error:
        raise ConfigError(
            f"{folder / config.VERIFIER_FILE}: {error.strerror}; restore private/ from the backup"
        ) from error


def pull_mirror(
    folder: Path,
    url: str,
    *,
    key: str = "",
    allow: Sequence[str] = (),
    recover: bool = False,
    fetch: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> PullReport:
    """Pulls into the mirror in `folder`, which is made by the first pull once the host's head is believed.

    `allow`: private networks that may be asked, for this call alone; `fetch`: more fields of FetchOptions. `recover`:
    the folder is the archive itself, restored from a backup. Raises as mirroring.pull, ConfigError for folders that
    are something else.
    """
    folder = folder.resolve()
    stands = (folder / config.FILE).exists()
    if not stands and folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} holds other files: name a new folder, or that of a mirror")
    if (folder / config.KEY_FILE).exists() and not recover:
        raise ConfigError(f"{folder} is an archive of its own, not a mirror (restored from a backup? --recover)")
    settings = config.load(config.read_file(folder) if stands else {}, options=options)
    url = url or settings.mirror_of
    clock, entropy = SystemClock(), SystemEntropy()
    with open_file_fetcher(allow, entropy=entropy, **(fetch or {})) as fetcher:
        host = Host(fetcher, url, folder / "state" / "parts")
        if not stands:
            verifier = Verifier.parse(key) if key else published_key(host)
            believe(read_note(host), verifier, host)
            _create_mirror(folder, verifier, host.url, settings)
            settings = config.load(config.read_file(folder), options=options)
        elif key and Verifier.parse(key) != read_verifier(folder):
            raise MirrorError(f"{folder} is held by another key than {key}", kind="swapped")
        archive = open_archive(folder, settings, clock=clock, entropy=entropy)
        target = Target(
            folder=folder,
            archive=archive,
            verifier=read_verifier(folder),
            new_key=lambda verifier: _replace_text(folder / config.VERIFIER_FILE, verifier.text + "\n"),
            choice=Choice.of(settings),
            witnesses=tuple(Cosigner.parse(text) for text in settings.witness_keys),
            clock=clock,
            picture_cap=int(settings.picture_mb * 1e6),
        )
        return pull(target, host, progress=progress)


def _create_mirror(folder: Path, verifier: Verifier, url: str, settings: Settings) -> None:
    for name in ("public", "index", "state", "private"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "private").chmod(0o700)
    (folder / config.VERIFIER_FILE).write_text(verifier.text + "\n")
    text = config.template(verifier.name, "")
    for name in ("mirror_of", "mirror_media", "mirror_recent_days", "mirror_captures", "mirror_gone"):
        value = url if name == "mirror_of" else getattr(settings, name)
        default = next(line for line in text.splitlines() if line.startswith(f"# {name} = "))
        text = text.replace(default, f"{name} = {msgspec.json.encode(value).decode()}")
    (folder / config.FILE).write_text(text, "utf-8")
