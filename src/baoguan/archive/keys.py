"""Whose signature counts: rotations of the log's key, each a `key` leaf whose statement old and new key have signed.

A checkpoint is believed by the key of its time: that of the last rotation below its size. So a key that was stolen and
rotated away signs nothing that is newer than its rotation.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from baoguan.archive.note import Signer, Verifier, cosign, open_note, parse_checkpoint
from baoguan.errors import ConfigError, VerifyError
from baoguan.model.log import Checkpoint, ManifestLine

ROTATION, NEW_ORIGIN = "rotation", "new-origin"
"""`reason` of a key leaf."""
_TITLE = "baoguan key rotation 1"


class Rotation(msgspec.Struct, frozen=True):
    """From the log entry `index` on, `new` signs and `old` doesn't."""

    index: int
    old: Verifier
    new: Verifier
    note: str = ""
    """The statement as signed."""


def rotation_line(index: int, old: Signer, new: Signer) -> ManifestLine:
    """The line that makes `new` the key of the log from its own entry `index` on."""
    if old.verifier.name != new.verifier.name:
        raise ConfigError(f"a key of {new.verifier.name} can't go on with the log {old.verifier.name}")
    text = f"{_TITLE}\n{old.verifier.name}\n{index}\n{old.verifier.text}\n{new.verifier.text}\n"
    note = cosign(text, new, old).decode()
    return ManifestLine(salt="", kind="key", reason=ROTATION, key=new.verifier.text, note=note)


def read_rotation(note: str) -> Rotation:
    """Reads a statement and checks both of its signatures. Raises VerifyError."""
    lines = note.split("\n\n", 1)[0].split("\n")
    if len(lines) != 5 or lines[0] != _TITLE or not re.fullmatch(r"[0-9]{1,18}", lines[2]):
        raise VerifyError("a key leaf without a statement of rotation")
    try:
        old, new = Verifier.parse(lines[3]), Verifier.parse(lines[4])
    except ConfigError as error:
        raise VerifyError(f"key rotation: {error}") from error
    if not old.name == new.name == lines[1]:
        raise VerifyError(f"key rotation of {lines[1]} names keys of {old.name} and {new.name}")
    for verifier in (old, new):
        open_note(note.encode(), verifier)
    return Rotation(int(lines[2]), old, new, note)


def rotations_of(lines: Iterable[tuple[int, ManifestLine]]) -> list[Rotation]:
    """The rotations among (log index, key line), checked each by itself. Raises VerifyError naming the entry."""
    found = []
    for index, line in lines:
        if line.reason == NEW_ORIGIN:
            continue
        try:
            rotation = read_rotation(line.note)
        except VerifyError as error:
            raise VerifyError(f"entry {index}: {error}") from error
        if rotation.index != index or rotation.new.text != line.key:
            raise VerifyError(f"entry {index}: its statement of rotation speaks of entry {rotation.index}")
        found.append(rotation)
    return found


def key_at(trusted: Verifier, rotations: Sequence[Rotation], size: int) -> Verifier:
    """The key that signs a log of `size` entries, for who trusts one of its keys. Raises VerifyError.

    `rotations`: all that the log holds below some size, in order; both signatures of each were checked.
    """
    if not rotations:
        return trusted
    keys = [rotations[0].old]
    for rotation in rotations:
        if rotation.old != keys[-1]:
            raise VerifyError(f"entry {rotation.index}: the key was rotated from one that was not the log's")
        keys.append(rotation.new)
    if trusted not in keys:
        raise VerifyError(f"the key {trusted.id.hex()} of {trusted.name} was never a key of this log")
    return keys[sum(rotation.index < size for rotation in rotations)]


def open_checkpoint(note: bytes, trusted: Verifier, rotations: Sequence[Rotation] = ()) -> Checkpoint:
    """Reads a checkpoint signed by the key of its time. Raises VerifyError."""
    said = parse_checkpoint(note)
    if said.origin != trusted.name:
        raise VerifyError(f"the checkpoint is of {said.origin}, the key of {trusted.name}")
    return parse_checkpoint(note, key_at(trusted, rotations, said.size))
