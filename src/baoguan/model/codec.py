"""The one canonical encoder of what is hashed or signed. Changing it is a format change (docs/formats.md)."""

import hashlib

import msgspec

from baoguan.errors import Corrupt
from baoguan.model.log import Leaf, ManifestLine

_ENCODER = msgspec.json.Encoder()
_LEAF = msgspec.json.Decoder(Leaf)
_LINE = msgspec.json.Decoder(ManifestLine)


def encode_line(line: ManifestLine) -> bytes:
    """JSON of a manifest line, UTF-8, fields in the record's order, defaults left out, no newline."""
    return _ENCODER.encode(line)


def decode_line(data: bytes) -> ManifestLine:
    """Reads a manifest line; unknown fields are ignored. Raises Corrupt."""
    try:
        return _LINE.decode(data)
    except msgspec.DecodeError as error:
        raise Corrupt(f"manifest line can't be read: {error}") from error


def encode_leaf(kind: str, at_ms: int, line: bytes) -> bytes:
    """The leaf that commits to the manifest line `line`; at_ms is the append time."""
    return _ENCODER.encode(Leaf(k=kind, t=at_ms, c=hashlib.sha256(line).hexdigest()))


def decode_leaf(data: bytes) -> Leaf:
    """Reads a leaf. Raises Corrupt."""
    try:
        return _LEAF.decode(data)
    except msgspec.DecodeError as error:
        raise Corrupt(f"leaf can't be read: {error}") from error
