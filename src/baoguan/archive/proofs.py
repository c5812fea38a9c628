"""One file that proves an article without the archive: made by `prove`, judged by `check` (docs/formats.md).

All of it is covered: by the signature (checkpoint), the tree (leaf), the leaf (line) or a digest in the line (record,
pictures, capture), and the file as a whole is the one canonical encoding of what it says.
"""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from baoguan.archive.keys import open_checkpoint, read_rotation, rotations_of
from baoguan.archive.note import Verifier
from baoguan.archive.store import Archive
from baoguan.archive.tree import check_inclusion, leaf_hash
from baoguan.errors import BaoguanError, Corrupt, NotFound, VerifyError
from baoguan.model.codec import decode_leaf, decode_line
from baoguan.model.log import Checkpoint, Leaf, ManifestLine

FORMAT = "baoguan-proof/1"
MAX_BYTES = 256 << 20
"""A larger proof file is refused."""
_T = TypeVar("_T")


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The content of a proof file; bytes are base64 in it, texts are texts."""

    format: str
    key: str
    """Verifier key that signs the log now: as trustworthy as the file, until it is compared with the published one."""
    index: int
    """Of the entry in the log."""
    checkpoint: str
    proof: tuple[bytes, ...] = ()
    """Inclusion of the leaf, RFC 6962, from the leaf upwards."""
    rotations: tuple[str, ...] = ()
    """Signed statements of every rotation of the key so far."""
    leaf: str
    line: str
    record: bytes = b""
    """The Markdown file."""
    media: dict[str, bytes] = {}
    """Pictures, by their path."""
    capture: bytes = b""
    """The stored gzip member: the raw response."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof file shows."""

    checkpoint: Checkpoint
    leaf: Leaf
    line: ManifestLine
    record: bytes
    verifier: Verifier
    """Who signed."""
    pictures: int = 0
    raw: bool = False
    """Whether the raw response is in it."""


def key_lines(archive: Archive) -> list[tuple[int, ManifestLine]]:
    """(log index, line) of every key leaf. Reads the entries, and of the manifests only those that have one."""
    found = []
    for index in archive.indexes_of("key"):
        line = archive.line(index)
        if line is not None:
            found.append((index, line))
    return found


def make_proof(archive: Archive, index: int, *, media: bool = False, capture: bytes | None = None) -> Proof:
    """The proof of entry `index` under the head of now. Raises NotFound where the entry was withdrawn."""
    head = archive.checkpoint()
    if head is None or archive.verifier is None:
        raise NotFound("the log is empty: nothing can be proven yet")
    line = archive.raw_line(index)
    if line is None:
        raise NotFound(f"entry {index} was withdrawn: what it committed to isn't here any more")
    said = decode_line(line)
    if capture is not None and (said.capture is None or hashlib.sha256(capture).hexdigest() != said.capture.sha256):
        raise Corrupt(f"the capture of entry {index} isn't what its line names: run verify")
    pictures = {ref.path: archive.media(ref.path) for ref in said.media if ref.path} if media else {}
    proof = Proof(
        format=FORMAT,
        key=archive.verifier.text,
        index=index,
        checkpoint=head.note.decode(),
        proof=tuple(archive.tree().inclusion(index, head.size)),
        rotations=tuple(rotation.note for rotation in rotations_of(key_lines(archive))),
        leaf=archive.leaf(index).decode(),
        line=line.decode(),
        record=archive.record(said) if said.record else b"",
        media=pictures,
        capture=capture or b"",
    )
    check_proof(encode_proof(proof), archive.verifier)
    return proof


def encode_proof(proof: Proof) -> bytes:
    """The file: one JSON object, ended by a newline."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=1) + b"\n"


def decode_proof(data: bytes) -> Proof:
    """Reads a proof file. Raises VerifyError for anything but what encode_proof writes."""
    if len(data) > MAX_BYTES:
        raise VerifyError(f"a proof of {len(data)} bytes: at most {MAX_BYTES} are read")
    try:
        proof = msgspec.json.decode(data, type=Proof)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VerifyError(f"not a proof file: {error}") from error
    if proof.format != FORMAT:
        raise VerifyError(f"a proof of format {proof.format[:40]!r}, this program reads {FORMAT}")
    if encode_proof(proof) != data:
        raise VerifyError("the file was altered: it isn't spelled as `prove` writes it")
    return proof


def check_proof(data: bytes, trusted: Verifier | None = None) -> Checked:
    """Judges a proof file by itself; `trusted` None: by the key that it names. Raises VerifyError naming the part."""
    proof = decode_proof(data)
    named = _said("key", Verifier.parse, proof.key)
    rotations = [_said("rotations", read_rotation, note) for note in proof.rotations]
    head = _said("checkpoint", open_checkpoint, proof.checkpoint.encode(), named, rotations)
    if trusted is not None:
        _said("checkpoint", open_checkpoint, proof.checkpoint.encode(), trusted, rotations)
    if rotations and rotations[-1].new != named:
        raise VerifyError("key: not the one that the last rotation names")
    leaf = proof.leaf.encode()
    try:
        check_inclusion(index=proof.index, size=head.size, leaf=leaf_hash(leaf), proof=proof.proof, root=head.root)
    except VerifyError as error:
        raise VerifyError(f"leaf, index or proof: {error}") from error
    known = _said("leaf", decode_leaf, leaf)
    line = proof.line.encode()
    if hashlib.sha256(line).hexdigest() != known.c:
        raise VerifyError("line: not what the leaf commits to")
    said = _said("line", decode_line, line)
    if said.kind != known.k:
        raise VerifyError(f"line: a {said.kind} line under a {known.k} leaf")
    _check_parts(proof, said)
    return Checked(
        checkpoint=head,
        leaf=known,
        line=said,
        record=proof.record,
        verifier=named,
        pictures=len(proof.media),
        raw=bool(proof.capture),
    )


def _said(field: str, read: Callable[..., _T], *arguments: object) -> _T:
    """What `read` gives; its errors with the name of the field before them."""
    try:
        return read(*arguments)
    except BaoguanError as error:
        raise VerifyError(f"{field}: {error}") from error


def _check_parts(proof: Proof, line: ManifestLine) -> None:
    digest = hashlib.sha256(proof.record).hexdigest()
    if line.record is not None and digest != line.record.sha256:
        raise VerifyError(f"record: not the bytes that the line names ({line.record.path})")
    if line.record is None and proof.record:
        raise VerifyError("record: the line names none")
    wanted = {ref.path: ref.sha256 for ref in line.media if ref.path}
    for path, data in proof.media.items():
        if wanted.get(path) != hashlib.sha256(data).hexdigest():
            raise VerifyError(f"media: not the bytes that the line names ({path})")
    if proof.capture and (line.capture is None or hashlib.sha256(proof.capture).hexdigest() != line.capture.sha256):
        raise VerifyError("capture: not the raw response that the line names")
