"""The keys of an archive in private/: shown, rotated, and a new log where the key is lost.

Write order of a rotation, which is the safety argument: private/key.next durable -> the `key` leaf committed, its
checkpoint signed by both keys -> private/key kept as private/key.<id>, key.next renamed to key -> key.pub. A crash
before the commit leaves a key.next that no checkpoint knows and that the next rotation drops; one after it is finished
by the next start.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from baoguan import config
from baoguan.archive.keys import NEW_ORIGIN, rotation_line
from baoguan.archive.note import Signer, cosign, signing_id
from baoguan.archive.store import Archive
from baoguan.errors import ConfigError, NotFound, VerifyError
from baoguan.model.log import Checkpoint, ManifestLine
from baoguan.ports import Entropy

NEXT_FILE = "private/key.next"
_BATCH = 2000


class _Both(Signer):
    """The new key with the old one's signature below its own: for the one checkpoint between them."""

    def __init__(self, new: Signer, old: Signer) -> None:
        self._pair = (new, old)
        self.verifier = new.verifier

    def sign(self, text: str) -> bytes:
        """The note with both signatures, the new one first."""
        return cosign(text, *self._pair)


def write_secret(path: Path, text: str) -> None:
    """Writes a file that only its owner reads, durably. Raises ConfigError where one stands."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{path} stands there already: nothing was overwritten") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_signer(path: Path) -> Signer:
    """The private key in a file. Raises FileNotFoundError, PermissionError, ConfigError."""
    return Signer.parse(path.read_text("ascii").strip())


def rotate(folder: Path, archive: Archive, entropy: Entropy) -> Signer:
    """Makes a new key the log's own from the next entry on. Raises ConfigError without the old one."""
    old = archive.signer
    if old is None:
        raise ConfigError("the private key is not here: restore private/ or see `baoguan key new-origin`")
    new = Signer.generate(old.verifier.name, entropy)
    with archive.begin() as batch:
        # Under the lock: nobody else rotates now, and what stands there is of a rotation that never was.
        (folder / NEXT_FILE).unlink(missing_ok=True)
        write_secret(folder / NEXT_FILE, new.text + "\n")
        batch.append(rotation_line(batch.first, old, new))
        archive.signer = _Both(new, old)
        try:
            batch.commit()
        finally:
            archive.signer = old
    finish_rotation(folder)
    archive.signer, archive.verifier = new, new.verifier
    return new


def finish_rotation(folder: Path) -> None:
    """After a crash: makes key.next the key where the checkpoint bears its signature; else does nothing."""
    waiting = folder / NEXT_FILE
    try:
        new = read_signer(waiting)
        note = (folder / "public" / "checkpoint").read_bytes()
        committed = signing_id(note, new.verifier.name) == new.verifier.id
    except (FileNotFoundError, PermissionError):
        return
    except (ConfigError, VerifyError):
        # Cut off while it was written: no leaf can name it.
        committed = False
    if not committed:
        return
    key = folder / config.KEY_FILE
    if key.exists():
        old = read_signer(key)
        kept = folder / "private" / f"key.{old.verifier.id.hex()}"
        if old.verifier != new.verifier and not kept.exists():
            os.link(key, kept)
    with contextlib.suppress(FileNotFoundError):
        # Another process finished it in the meantime.
        waiting.replace(key)
    beside = folder / (config.VERIFIER_FILE + ".new")
    beside.write_text(new.verifier.text + "\n")
    beside.replace(folder / config.VERIFIER_FILE)


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a new log took over."""

    head: Checkpoint
    """The old log's last."""
    lines: int
    files: int
    """Pictures and captures."""


def new_origin(old_folder: Path, old: Archive, new_folder: Path, new: Archive) -> Moved:
    """Starts the log `new` with a leaf that names the old head, then says again all that the old one holds.

    The old folder is only read. Records, pictures and captures are the same files (hard links where the disk allows);
    what was withdrawn stays so. Raises NotFound for an empty old log, ConfigError where the new one has entries.
    """
    head = old.checkpoint()
    if head is None:
        raise NotFound(f"{old_folder} has no log yet: `baoguan init` makes a new archive")
    if new.size or new.signer is None:
        raise ConfigError(f"{new_folder} holds a log already: name a new folder")
    files = sum(_link(old_folder / "public", new_folder / "public", path) for path in _files(old))
    moved: dict[int, int] = {}
    with new.begin() as batch:
        key = new.signer.verifier.text
        batch.append(ManifestLine(salt="", kind="key", reason=NEW_ORIGIN, key=key, note=head.note.decode()))
        batch.commit()
    lines = iter(old.lines())
    while _say_again(old, new, lines, moved):
        pass
    return Moved(head=head, lines=len(moved), files=files)


def _files(archive: Archive) -> Iterator[str]:
    for folder in ("media", "captures"):
        yield from archive.objects.list(folder)


def _link(source: Path, target: Path, path: str) -> bool:
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source / path, target / path)
    except FileExistsError:
        return False
    except OSError:
        shutil.copy2(source / path, target / path)
    return True


def _say_again(
    old: Archive, new: Archive, lines: Iterator[tuple[int, ManifestLine | None]], moved: dict[int, int]
) -> bool:
    """One batch; False once nothing is left."""
    with new.begin() as batch:
        taken = 0
        for index, line in lines:
            taken += 1
            if line is not None and line.kind not in ("key", "ts"):
                if line.record is not None:
                    batch.add_record(line.record.path, old.record(line))
                prev = None if line.prev is None else moved.get(line.prev)
                flags = tuple(flag for flag in line.flags if flag != "clock-back")
                moved[index] = batch.append(msgspec.structs.replace(line, salt="", prev=prev, flags=flags))
            if taken == _BATCH:
                break
        batch.commit()
    return taken == _BATCH
