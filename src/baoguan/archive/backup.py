"""Backup and restore: public/ as of one checkpoint, state/ and private/, in a folder or one .tar.zst.

public/ is written once, so a backup copies what the checkpoint covers while a writer goes on: log files first at the
sizes of that checkpoint, the checkpoint itself last. A later backup into the same folder copies only what is new.
"""

import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from baoguan.archive.batch import captures_of
from baoguan.archive.paths import (
    CHECKPOINT_PATH,
    FORMAT_PATH,
    KEY_PATH,
    bundle_path,
    entries_path,
    manifest_path,
    tile_path,
    tiles_of,
)
from baoguan.archive.store import Archive
from baoguan.errors import ConfigError, Corrupt, NotFound

SETTINGS = "baoguan.toml"
STATE = "state/schedule.sqlite"
RESTORED = "state/restored"
"""Stands from a restore until mirrors and witnesses were asked whether they know a longer log."""


class BackupReport(msgspec.Struct, kw_only=True):
    """What was copied."""

    size: int = 0
    """Entries that the checkpoint covers."""
    files: int = 0
    copied: int = 0
    """Of them: that did not stand there."""


def backup(
    archive: Archive,
    folder: Path,
    destination: Path,
    *,
    copy_state: Callable[[Path], None],
    capture_file: Callable[[str], str | None],
) -> BackupReport:
    """Copies the archive in `folder` to `destination` (a folder, or a new .tar.zst).

    `copy_state` writes a consistent copy of the crawl state to a path, `capture_file` tells the WARC of a record id.
    Raises ConfigError when the destination is something else.
    """
    if destination.name.endswith((".tar.zst", ".tzst")):
        return _into_tar(archive, folder, destination, copy_state, capture_file)
    if destination.exists() and any(destination.iterdir()) and not (destination / SETTINGS).exists():
        raise ConfigError(f"{destination} holds other files: name an empty folder, or an older backup")
    if destination.resolve() == folder.resolve():
        raise ConfigError(f"{destination} is the archive itself")
    return _into_folder(archive, folder, destination, copy_state, capture_file)


def _into_folder(
    archive: Archive,
    folder: Path,
    destination: Path,
    copy_state: Callable[[Path], None],
    capture_file: Callable[[str], str | None],
) -> BackupReport:
    report = BackupReport()
    (destination / "private").mkdir(parents=True, exist_ok=True)
    (destination / "private").chmod(0o700)
    state = destination / STATE
    state.parent.mkdir(parents=True, exist_ok=True)
    # State before the log: items that wait may be in the log already, never the other way round.
    state.unlink(missing_ok=True)
    copy_state(state)
    head = archive.checkpoint()
    names = set(covered(archive, capture_file))
    for name in sorted(names):
        report.files += 1
        report.copied += _copy_once(folder / "public" / name, destination / "public" / name)
    _drop_withdrawn(destination / "public", names)
    for path in _private(folder):
        _copy(path, destination / path.relative_to(folder))
        report.files += 1
    if head is not None:
        report.size = head.size
        _write(destination / "public" / CHECKPOINT_PATH, head.note)
        _drop_other_widths(destination / "public", head.size)
    return report


def _into_tar(
    archive: Archive,
    folder: Path,
    destination: Path,
    copy_state: Callable[[Path], None],
    capture_file: Callable[[str], str | None],
) -> BackupReport:
    import zstandard

    if destination.exists():
        raise ConfigError(f"{destination} stands there already: name a new file")
    report = BackupReport()
    beside = destination.with_name(destination.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        zstandard.ZstdCompressor(level=6).stream_writer(file) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        state = folder / "state" / "backup.sqlite"
        state.unlink(missing_ok=True)
        copy_state(state)
        tar.add(state, STATE)
        state.unlink()
        head = archive.checkpoint()
        for name in covered(archive, capture_file):
            tar.add(folder / "public" / name, f"public/{name}")
            report.files += 1
        for path in _private(folder):
            tar.add(path, path.relative_to(folder).as_posix())
            report.files += 1
        if head is not None:
            report.size = head.size
            info = tarfile.TarInfo(f"public/{CHECKPOINT_PATH}")
            info.size, info.mode = len(head.note), 0o644
            tar.addfile(info, io.BytesIO(head.note))
    report.copied = report.files
    beside.replace(destination)
    return report


def covered(archive: Archive, capture_file: Callable[[str], str | None]) -> Iterator[str]:
    """Every file of public/ that the current checkpoint covers, but the checkpoint: each once."""
    size = archive.size
    if not size:
        return
    yield from (name for name in (FORMAT_PATH, KEY_PATH) if archive.objects.exists(name))
    for level, n, width in tiles_of(size):
        yield tile_path(level, n, width)
        if level == 0:
            yield from (entries_path(n, width), manifest_path(n, width), bundle_path(n, width))
    seen: set[str] = set()
    for _, line in archive.lines(0, size):
        if line is None:
            continue
        names = [media.path for media in line.media if media.path]
        names += [line.record.path] if line.record else []
        names += [name for ref in captures_of(line) if (name := capture_file(ref.record_id))]
        for name in names:
            if name not in seen:
                seen.add(name)
                yield name


def _private(folder: Path) -> Iterator[Path]:
    yield folder / SETTINGS
    for name in ("private", "outlets"):
        if (folder / name).is_dir():
            yield from (path for path in sorted((folder / name).rglob("*")) if path.is_file())


def _copy_once(source: Path, target: Path) -> bool:
    """True when it was copied. A file of the same size that isn't older is the same: only a withdrawal rewrites."""
    try:
        new = source.stat()
        if target.exists() and (old := target.stat()).st_size == new.st_size and old.st_mtime_ns >= new.st_mtime_ns:
            return False
    except FileNotFoundError:
        raise NotFound(f"{source}: missing; `baoguan verify` lists what else is") from None
    _copy(source, target)
    return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(target.name + ".new")
    shutil.copyfile(source, beside)
    shutil.copymode(source, beside)
    beside.replace(target)


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(target.name + ".new")
    beside.write_bytes(data)
    beside.replace(target)


def _drop_withdrawn(public: Path, names: set[str]) -> None:
    """What an older backup in the same folder still holds and the archive doesn't."""
    for kind in ("articles", "media", "captures"):
        for path in sorted((public / kind).rglob("*")):
            if path.is_file() and path.relative_to(public).as_posix() not in names:
                path.unlink()


def _drop_other_widths(public: Path, size: int) -> None:
    """Partial files of an older checkpoint in the same backup: the new one has others."""
    keep = {public / tile_path(level, n, width) for level, n, width in tiles_of(size)}
    for level, n, width in tiles_of(size):
        if level == 0:
            keep |= {public / name for name in (entries_path(n, width), manifest_path(n, width), bundle_path(n, width))}
    for folder in sorted(public.rglob("*.p")):
        for path in folder.iterdir():
            if path not in keep:
                path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def restore(source: Path, target: Path) -> BackupReport:
    """Makes the archive `target` from a backup. Raises ConfigError when something stands there, Corrupt for none."""
    if target.exists() and any(target.iterdir()):
        raise ConfigError(f"{target} is not empty: restore into a new folder")
    report = BackupReport()
    if source.is_dir():
        if not (source / SETTINGS).exists():
            raise Corrupt(f"{source} is no backup: {SETTINGS} is missing")
        for path in sorted(source.rglob("*")):
            if path.is_file():
                _copy(path, target / path.relative_to(source))
                report.files += 1
    else:
        report.files = _unpack(source, target)
    for name in ("public", "private", "state", "index"):
        (target / name).mkdir(exist_ok=True)
    (target / "private").chmod(0o700)
    (target / RESTORED).touch()
    report.copied = report.files
    return report


def _unpack(source: Path, target: Path) -> int:
    import zstandard

    files = 0
    try:
        with (
            source.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file) as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            for member in tar:
                tar.extract(member, target, filter="data")
                files += member.isfile()
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise Corrupt(f"{source}: {error}") from error
    return files
