"""A fork on one page: two heads signed by one key that can't both be true, checked by anybody without the archive.

Two heads of one size with two roots need no more. For two sizes the evidence carries what the larger tree says its
first `size` leaves hash to, with the consistency proof of that: another root than the smaller head signs.
"""

import base64

import msgspec

from baoguan.archive.note import Verifier, parse_checkpoint
from baoguan.archive.tree import TreeReader, check_consistency
from baoguan.errors import VerifyError
from baoguan.model.log import Checkpoint

FORMAT = "baoguan-fork-evidence/1"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the file holds, as JSON."""

    format: str = ""
    key: str
    """The verifier key that both heads bear."""
    first: str
    """The signed note of the smaller log (of one size: that which was held)."""
    second: str
    """The signed note of the larger log."""
    prefix_root: str = ""
    """base64: the root of the second log's first leaves, as many as the first head counts; empty for one size."""
    proof: tuple[str, ...] = ()
    """base64: the consistency proof from `prefix_root` to the second head."""
    seen: tuple[str, ...] = ()
    """Where and when each head was met: for people, proves nothing."""


def make_evidence(
    verifier: Verifier, first: Checkpoint, second: Checkpoint, tree: TreeReader | None, seen: tuple[str, ...] = ()
) -> bytes:
    """The file for two heads; `tree`: of the larger, None for one size. Raises VerifyError where there is no fork."""
    if first.size > second.size:
        first, second = second, first
    prefix, proof = b"", []
    if first.size != second.size:
        assert tree is not None
        prefix, proof = tree.root(0, first.size), tree.consistency(first.size, second.size)
    data = msgspec.json.format(
        msgspec.json.encode(
            Evidence(
                format=FORMAT,
                key=verifier.text,
                first=first.note.decode(),
                second=second.note.decode(),
                prefix_root=_text(prefix),
                proof=tuple(_text(step) for step in proof),
                seen=seen,
            )
        ),
        indent=2,
    )
    check_evidence(data + b"\n")
    return data + b"\n"


def is_evidence(data: bytes) -> bool:
    """Whether a file says that it is evidence of a fork; not whether it proves one."""
    return FORMAT.encode() in data[:200]


def check_evidence(data: bytes, verifier: Verifier | None = None) -> str:
    """One line that says what is proven. Raises VerifyError when nothing is.

    `verifier`: whose fork it must be; without it the key in the file is taken, and named in the answer.
    """
    try:
        said = msgspec.json.decode(data, type=Evidence)
    except msgspec.DecodeError as error:
        raise VerifyError(f"not evidence of a fork: {error}") from error
    if said.format != FORMAT:
        raise VerifyError(f"not evidence of a fork: format {said.format[:40]!r}, {FORMAT} expected")
    key = Verifier.parse(said.key)
    if verifier is not None and key != verifier:
        raise VerifyError(f"the evidence speaks of the key {key.text}, not of {verifier.text}")
    first, second = (parse_checkpoint(note.encode(), key) for note in (said.first, said.second))
    if first.origin != second.origin:
        raise VerifyError(f"the heads are of two logs, {first.origin} and {second.origin}: no fork")
    if first.size == second.size:
        if first.root == second.root:
            raise VerifyError("both heads say the same: no fork")
        return f"fork proven: {key.text} signed two roots for the {first.size} entries of {first.origin}"
    prefix = _bytes(said.prefix_root)
    if prefix == first.root:
        raise VerifyError("the larger log holds the smaller one: no fork")
    proof = [_bytes(step) for step in said.proof]
    check_consistency(old=first.size, size=second.size, old_root=prefix, root=second.root, proof=proof)
    return (
        f"fork proven: {key.text} signed a log of {first.size} entries and one of {second.size} of {first.origin},"
        " and the second doesn't hold the first"
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise VerifyError(f"not base64: {text[:60]!r}") from error
