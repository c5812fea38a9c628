"""The head that a host shows: whose it is, and how it stands to the one that is held. Forks are kept as evidence."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from baoguan.archive.keys import key_at, rotations_of
from baoguan.archive.mirror_evidence import make_evidence
from baoguan.archive.mirror_witness import Cosigner, verified_note
from baoguan.archive.note import Verifier, parse_checkpoint, signing_id
from baoguan.archive.paths import CHECKPOINT_PATH, KEY_PATH, WIDTH, tile_path
from baoguan.archive.store import Archive
from baoguan.archive.tree import TreeReader, check_consistency
from baoguan.errors import BaoguanError, ConfigError, MirrorError, VerifyError
from baoguan.mirrorhost import Host
from baoguan.model.log import Checkpoint, ManifestLine

NOTE_CAP = 64 << 10
EVIDENCE = "evidence"
"""Folder of a mirror, beside public/: heads that disagree."""


def read_note(host: Host) -> bytes:
    """The host's checkpoint, as it came. Raises MirrorError where there is none."""
    note = host.get(CHECKPOINT_PATH, NOTE_CAP)
    if note is None:
        raise MirrorError(f"{host.url}checkpoint: missing; is this the public/ folder of an archive?", kind="missing")
    return note


def published_key(host: Host) -> Verifier:
    """The verifier key that the host gives out. Raises MirrorError where there is none or it is no key."""
    data = host.get(KEY_PATH, 4096)
    if data is None:
        raise MirrorError(f"{host.url}key: the host publishes no key; say --verify-key KEY", kind="unsigned")
    try:
        return Verifier.parse(data.decode("ascii", "replace").strip())
    except ConfigError as error:
        raise MirrorError(f"{host.url}key: {error}", kind="unsigned") from error


def believe(
    note: bytes, verifier: Verifier, host: Host, witnesses: Sequence[Cosigner] = ()
) -> tuple[Checkpoint, Verifier]:
    """(head, its key) of a note, without the signatures of strangers. Raises MirrorError.

    The key is `verifier`, or one that the host publishes under the same name: then it is believed only until the log
    has shown, or not, that the key was rotated (`check_rotation`).
    """
    try:
        said = parse_checkpoint(note)
    except (VerifyError, ValueError) as error:
        raise MirrorError(f"{host.url}checkpoint: {error}", kind="unsigned") from error
    if said.origin != verifier.name:
        raise MirrorError(
            f"{host.url}: another log: its checkpoint is of {said.origin[:80]!r}, {verifier.name} was expected",
            kind="swapped",
        )
    key = verifier
    try:
        if signing_id(note, verifier.name) != verifier.id:
            key = published_key(host)
            if key.name != verifier.name or key == verifier:
                raise MirrorError(f"{host.url}: another key signs this log than {verifier.text}", kind="swapped")
        parse_checkpoint(note, key)
        return msgspec.structs.replace(said, note=verified_note(note, key, witnesses)), key
    except VerifyError as error:
        if isinstance(error, MirrorError):
            raise
        raise MirrorError(f"{host.url}checkpoint: {error}; the key held is {verifier.text}", kind="unsigned") from error


def check_rotation(
    verifier: Verifier, key: Verifier, lines: Sequence[tuple[int, ManifestLine]], size: int, url: str
) -> None:
    """Raises MirrorError unless the log's `key` lines lead from the key held to the one that signs now."""
    try:
        now = key_at(verifier, rotations_of(lines), size)
    except VerifyError as error:
        raise MirrorError(f"{url}: {error}", kind="swapped") from error
    if now != key:
        raise MirrorError(f"{url}: {key.text} signs the log, which never was rotated to it", kind="swapped")


def judge(held: Checkpoint | None, head: Checkpoint, archive: Archive, folder: Path, url: str) -> None:
    """Raises MirrorError when the host's head is older than the one held, or can't be of the same log."""
    if held is None or head.size > held.size:
        return
    own = TreeReader(held.size, archive.read_tile)
    if own.root(0, head.size) != head.root:
        assert archive.verifier is not None
        path = save_evidence(folder, archive.verifier, held, head, own, url)
        raise MirrorError(f"fork: {url} signs another log of {head.size} entries; evidence: {path}", kind="fork")
    if head.size < held.size:
        raise MirrorError(
            f"rollback: {url} offers {head.size} entries, {held.size} are held; nothing was changed here",
            kind="rollback",
        )


def prove_fork(host: Host, held: Checkpoint | None, head: Checkpoint, folder: Path, verifier: Verifier) -> None:
    """Raises MirrorError of kind fork when the host's own tiles show that its longer log doesn't hold ours.

    Returns when they don't give the signed root either: then the host is only damaged, or lies about its tiles.
    """
    if held is None:
        return

    def read(level: int, n: int, width: int) -> bytes:
        data = host.get(tile_path(level, n, width), 32 * WIDTH)
        if data is None and width < WIDTH:
            data = host.get(tile_path(level, n), 32 * WIDTH)
        if data is None or len(data) < 32 * width:
            raise VerifyError(f"tile {level}/{n} can't be had")
        return data[: 32 * width]

    tree = TreeReader(head.size, read)
    try:
        prefix = tree.root(0, held.size)
        proof = tree.consistency(held.size, head.size)
        check_consistency(old=held.size, size=head.size, old_root=prefix, root=head.root, proof=proof)
    except BaoguanError:
        return
    if prefix == held.root:
        return
    path = save_evidence(folder, verifier, held, head, tree, host.url)
    raise MirrorError(
        f"fork: {host.url} signs {head.size} entries that don't begin with the {held.size} held; evidence: {path}",
        kind="fork",
    )


def save_evidence(
    folder: Path, verifier: Verifier, held: Checkpoint, met: Checkpoint, tree: TreeReader, url: str
) -> Path:
    """Writes two heads that disagree, as a file that anybody can check; returns its path."""
    seen = (f"{held.size} entries: held by the mirror", f"{met.size} entries: met at {url}")
    data = make_evidence(verifier, held, met, tree, seen)
    path = folder / EVIDENCE / f"fork-{held.size}-{met.size}-{hashlib.sha256(met.root).hexdigest()[:8]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
