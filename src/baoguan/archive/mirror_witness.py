"""C2SP tlog-cosignature v1 (Ed25519) and the decisions of tlog-witness: pure, bytes in, bytes and a status out.

A cosignature stands as one more line of the checkpoint itself, as C2SP has it: who doesn't know the witness skips the
line, Go's sumdb/note too. Lines that nobody here can check are never kept: each byte of public/ is verified.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from baoguan.archive.note import Signer, Verifier, check_name, parse_checkpoint, signature_lines
from baoguan.archive.paths import CHECKPOINT_PATH
from baoguan.archive.report import ALTERED, Fault, VerifyReport
from baoguan.archive.tree import EMPTY_ROOT, check_consistency
from baoguan.errors import ConfigError, VerifyError
from baoguan.model.log import Checkpoint

COSIGNATURE = 4
"""Signature type of Ed25519 cosignatures."""
PROOF_LINES = 63
BODY_CAP = 64 << 10
SIZE_TYPE = "text/x.tlog.size"


class Cosigner(msgspec.Struct, frozen=True):
    """The public key of a witness."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "Cosigner":
        """Reads `<name>+<key id in hex>+<base64(04 || key)>`. Raises ConfigError."""
        parts = text.strip().split("+", 2)
        try:
            data = base64.b64decode(parts[2], validate=True) if len(parts) == 3 else b""
        except ValueError:
            data = b""
        if len(data) != 33 or data[0] != COSIGNATURE:
            raise ConfigError(f"not the verifier key of a witness (name+hash+base64 of type 4): {text[:80]!r}")
        cosigner = cls(check_name(parts[0]), data[1:])
        if parts[1] != cosigner.id.hex():
            raise ConfigError(f"witness key {parts[0]} was altered: its hash doesn't fit")
        return cosigner

    @property
    def id(self) -> bytes:
        """The 4 bytes that its signature lines carry."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([COSIGNATURE]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """What strangers are given."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([COSIGNATURE]) + self.public).decode()}"

    def check(self, text: str, signature: bytes) -> int:
        """Epoch seconds at which the witness cosigned the note text. Raises VerifyError."""
        if len(signature) != 72:
            raise VerifyError(f"the cosignature of {self.name} has {len(signature)} bytes, 72 expected")
        at_s = int.from_bytes(signature[:8], "big")
        Verifier(self.name, self.public).check(_message(text, at_s), signature[8:])
        return at_s


def cosignature_line(signer: Signer, text: str, at_s: int) -> str:
    """The signature line of a witness over a note's text, with its newline."""
    cosigner = Cosigner(signer.verifier.name, signer.verifier.public)
    signature = cosigner.id + at_s.to_bytes(8, "big") + signer.sign_bytes(_message(text, at_s))
    return f"— {cosigner.name} {base64.b64encode(signature).decode()}\n"


def _message(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def cosignatures(note: bytes, witnesses: Sequence[Cosigner]) -> dict[str, int]:
    """Name to epoch seconds of the witnesses that cosigned. Raises VerifyError for a cosignature that doesn't hold."""
    text, lines = signature_lines(note)
    found: dict[str, int] = {}
    for name, identity, signature in lines:
        for witness in witnesses:
            if (name, identity) == (witness.name, witness.id):
                found[name] = witness.check(text, signature)
    return found


def judge_cosigned(report: VerifyReport, note: bytes, keys: Sequence[str]) -> tuple[VerifyReport, list[str]]:
    """The report with a fault for a known witness's cosignature that doesn't hold, and a line for each that does.

    `keys`: verifier keys of the witnesses that are believed. Lines of others are counted, not judged.
    """
    witnesses = [Cosigner.parse(key) for key in keys]
    try:
        found = cosignatures(note, witnesses)
        lines = len(signature_lines(note)[1]) - 1 - len(found)
    except VerifyError as error:
        fault = Fault(kind=ALTERED, path=CHECKPOINT_PATH, detail=str(error))
        return msgspec.structs.replace(report, faults=(*report.faults, fault)), []
    said = [
        f"cosigned by {name} at {datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}Z" for name, at_s in found.items()
    ]
    if lines > 0:
        said.append(f"{lines} more signatures on the checkpoint, of keys that are not in witness_keys: not judged")
    return report, said


def verified_note(note: bytes, verifier: Verifier, witnesses: Sequence[Cosigner] = ()) -> bytes:
    """The note with the line of its own key and those of known witnesses, each once; no other line can be checked."""
    text, lines = signature_lines(note)
    known = {(verifier.name, verifier.id): None} | {(one.name, one.id): one for one in witnesses}
    kept: dict[tuple[str, bytes], str] = {}
    for name, identity, signature in lines:
        key = (name, identity)
        if key not in known or key in kept:
            continue
        witness = known[key]
        if witness is None:
            verifier.check(text.encode(), signature)
        else:
            try:
                witness.check(text, signature)
            except VerifyError:
                continue
        kept[key] = f"— {name} {base64.b64encode(identity + signature).decode()}\n"
    return (text + "\n" + "".join(kept.values())).encode()


def add_request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of an add-checkpoint request."""
    lines = [f"old {old}", *(base64.b64encode(step).decode() for step in proof), ""]
    return "\n".join(lines).encode() + b"\n" + note


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A witness's answer: HTTP status, body, and the head that it must record before it answers."""

    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    record: Checkpoint | None = None


def judge_request(body: bytes, logs: dict[str, Sequence[Verifier]], last: dict[str, Checkpoint]) -> Verdict:
    """What tlog-witness says to an add-checkpoint request; the caller records, then cosigns (status 200).

    `logs`: origin to the keys that are trusted for it; `last`: the latest heads that were cosigned.
    """
    try:
        old, proof, note = _parse_request(body)
        head = parse_checkpoint(note)
    except VerifyError as error:
        return Verdict(status=400, body=f"{error}\n")
    if head.origin not in logs:
        return Verdict(status=404, body="this witness doesn't know the log\n")
    if not any(_signed(note, key) for key in logs[head.origin]):
        return Verdict(status=403, body="no signature of a key that is trusted for the log\n")
    if old > head.size:
        return Verdict(status=400, body="the old size is above the checkpoint's\n")
    known = last.get(head.origin)
    size, root = (known.size, known.root) if known else (0, EMPTY_ROOT)
    if old != size:
        return Verdict(status=409, body=f"{size}\n", content_type=SIZE_TYPE)
    if known is not None and old == head.size:
        if root != head.root:
            return Verdict(status=409, body=f"{size}\n", content_type=SIZE_TYPE)
        return Verdict(status=200, record=head) if not proof else _unfit("a proof where none is needed")
    try:
        if old == 0 and proof:
            return _unfit("a proof from the empty tree")
        check_consistency(old=old, size=head.size, old_root=root, root=head.root, proof=proof)
    except VerifyError as error:
        return _unfit(str(error))
    return Verdict(status=200, record=head)


def _unfit(why: str) -> Verdict:
    return Verdict(status=422, body=f"{why}\n")


def _signed(note: bytes, key: Verifier) -> bool:
    try:
        parse_checkpoint(note, key)
    except VerifyError:
        return False
    return True


def _parse_request(body: bytes) -> tuple[int, list[bytes], bytes]:
    head, gap, note = body.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    number = lines[0].removeprefix("old ")
    if not gap or not lines[0].startswith("old ") or not number.isascii() or not number.isdigit() or len(number) > 19:
        raise VerifyError("not an add-checkpoint request: `old SIZE`, proof lines, an empty line, a checkpoint")
    if str(int(number)) != number or len(lines) > PROOF_LINES + 1:
        raise VerifyError("the old size or the proof is malformed")
    proof = []
    for line in lines[1:]:
        try:
            step = base64.b64decode(line, validate=True)
        except ValueError as error:
            raise VerifyError(f"not base64: {line[:60]!r}") from error
        if len(step) != 32:
            raise VerifyError(f"a proof line of {len(step)} bytes")
        proof.append(step)
    return int(number), proof, note
