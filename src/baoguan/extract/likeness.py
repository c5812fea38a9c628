"""What two renderings of one text share."""

import hashlib
import re

_NORMAL = re.compile(r"[\W_]+")
_HASHED = 200


def normal(text: str) -> str:
    """Letters and digits only, lower case."""
    return _NORMAL.sub("", text).lower()


def hash_text(text: str) -> int:
    """A hash of a block's first 200 letters, the same in every process (63 bits of BLAKE2b)."""
    digest = hashlib.blake2b(normal(text)[:_HASHED].encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
