"""C2SP signed notes and tlog-checkpoints with Ed25519 keys. `cryptography` is imported where a key is used.

A note is text, an empty line and signature lines `— <name> <base64(key id || signature)>`. Base64 is accepted in its
canonical form only, so that no bit of a note can be flipped unseen.
"""

import base64
import binascii
import hashlib
import re

import msgspec

from baoguan.errors import ConfigError, VerifyError
from baoguan.model.log import Checkpoint
from baoguan.ports import Entropy

ED25519 = 1
_PRIVATE = "PRIVATE+KEY+"
_DASH = "— "
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


def _decode64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VerifyError(f"not base64: {text[:60]!r}") from error
    if base64.b64encode(data).decode() != text:
        raise VerifyError(f"base64 with stray bits: {text[:60]!r}")
    return data


def key_id(name: str, public: bytes) -> bytes:
    """The first 4 bytes of sha256(name, newline, algorithm, public key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([ED25519]) + public).digest()[:4]


def check_name(name: str) -> str:
    """Returns a key name or origin that notes allow; ConfigError for empty ones, spaces, `+` and control characters."""
    if not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name):
        raise ConfigError(f"{name!r} can't name a key: no spaces, no +, not empty")
    return name


class Verifier(msgspec.Struct, frozen=True):
    """A public key with its name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Reads `<name>+<key id in hex>+<base64>`. Raises ConfigError."""
        parts = text.strip().split("+", 2)
        try:
            data = _decode64(parts[2]) if len(parts) == 3 else b""
        except VerifyError as error:
            raise ConfigError(f"not a verifier key: {text[:80]!r}") from error
        if len(data) != 33 or data[0] != ED25519:
            raise ConfigError(f"not an Ed25519 verifier key (name+hash+base64): {text[:80]!r}")
        verifier = cls(check_name(parts[0]), data[1:])
        if parts[1] != verifier.id.hex():
            raise ConfigError(f"verifier key {parts[0]} was altered: its hash doesn't fit")
        return verifier

    @property
    def id(self) -> bytes:
        """The 4 bytes that signature lines carry."""
        return key_id(self.name, self.public)

    @property
    def text(self) -> str:
        """`<name>+<key id in hex>+<base64>`, what strangers are given."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([ED25519]) + self.public).decode()}"

    def check(self, message: bytes, signature: bytes) -> None:
        """Raises VerifyError unless the 64 bytes sign `message`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise VerifyError(f"the signature of {self.name} doesn't hold") from error


class Signer:
    """A private key with its name; `verifier` is its public half."""

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed`: the 32 bytes of an Ed25519 private key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.verifier = Verifier(check_name(name), self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str, entropy: Entropy) -> "Signer":
        """A new key."""
        return cls(name, entropy.token_bytes(32))

    @classmethod
    def parse(cls, text: str) -> "Signer":
        """Reads `PRIVATE+KEY+<name>+<key id in hex>+<base64>`. Raises ConfigError."""
        parts = text.strip().removeprefix(_PRIVATE).split("+", 2)
        try:
            data = _decode64(parts[2]) if len(parts) == 3 and text.startswith(_PRIVATE) else b""
        except VerifyError:
            data = b""
        if len(data) != 33 or data[0] != ED25519:
            raise ConfigError("not a private key (PRIVATE+KEY+name+hash+base64)")
        signer = cls(parts[0], data[1:])
        if signer.verifier.id.hex() != parts[1]:
            raise ConfigError(f"private key {parts[0]} was altered: its hash doesn't fit")
        return signer

    @property
    def text(self) -> str:
        """The private key as text; belongs in private/ only."""
        key = base64.b64encode(bytes([ED25519]) + self._seed).decode()
        return f"{_PRIVATE}{self.verifier.name}+{self.verifier.id.hex()}+{key}"

    def sign_bytes(self, message: bytes) -> bytes:
        """The 64 bytes of a signature over `message`."""
        return self._key.sign(message)

    def sign(self, text: str) -> bytes:
        """The signed note over `text`, which ends with a newline."""
        signature = base64.b64encode(self.verifier.id + self._key.sign(text.encode())).decode()
        return f"{text}\n{_DASH}{self.verifier.name} {signature}\n".encode()


def cosign(text: str, *signers: Signer) -> bytes:
    """The note over `text` with a signature line of each signer, in that order."""
    lines = b"".join(signer.sign(text).rpartition(b"\n\n")[2] for signer in signers)
    return f"{text}\n".encode() + lines


def signature_lines(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """(text, (name, key id, signature) of each line) of a note; nothing is checked. Raises VerifyError."""
    text, lines = _split(note)
    found = []
    for line in lines:
        name, _, blob = line.removeprefix(_DASH).rpartition(" ")
        data = _decode64(blob)
        found.append((name, data[:4], data[4:]))
    return text, found


def signing_id(note: bytes, name: str) -> bytes:
    """The key id of the first signature line of `name`: whose log this is now. Raises VerifyError."""
    for line in _split(note)[1]:
        who, _, blob = line.removeprefix(_DASH).rpartition(" ")
        if who == name:
            return _decode64(blob)[:4]
    raise VerifyError(f"the checkpoint carries no signature of {name}")


def open_note(note: bytes, verifier: Verifier) -> str:
    """The text of a note that `verifier` has signed; lines of other signers are ignored. Raises VerifyError."""
    text, lines = _split(note)
    others = []
    for line in lines:
        name, _, blob = line.removeprefix(_DASH).rpartition(" ")
        data = _decode64(blob)
        if name == verifier.name:
            if data[:4] == verifier.id:
                verifier.check(text.encode(), data[4:])
                return text
            others.append(data[:4].hex())
    if others:
        who, ours = ", ".join(others), verifier.id.hex()
        raise VerifyError(
            f"the checkpoint is signed by key {who} of {verifier.name}, not by {ours}: key and log are of different "
            "times (before and after `key rotate`?); restore both of one backup"
        )
    raise VerifyError(f"the checkpoint carries no signature of {verifier.name}")


def _split(note: bytes) -> tuple[str, list[str]]:
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise VerifyError("the checkpoint is not UTF-8") from error
    text, gap, signatures = whole.rpartition("\n\n")
    lines = signatures.split("\n")
    if not gap or lines.pop() != "" or not lines or not all(line.startswith(_DASH) for line in lines):
        raise VerifyError("the checkpoint is not a signed note")
    return text + "\n", lines


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The three lines of a checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def parse_checkpoint(note: bytes, verifier: Verifier | None = None) -> Checkpoint:
    """Reads a checkpoint, and its signature when a verifier is given. Raises VerifyError."""
    text = open_note(note, verifier) if verifier else _split(note)[0]
    lines = text.split("\n")
    if len(lines) < 4 or not _SIZE.fullmatch(lines[1]):
        raise VerifyError("the checkpoint lacks origin, size or root")
    root = _decode64(lines[2])
    if len(root) != 32 or not lines[0]:
        raise VerifyError("the checkpoint's root is no sha256")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root, note=note)
