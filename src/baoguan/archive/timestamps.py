"""Trusted time: RFC 3161 tokens over a checkpoint's text, kept as `ts` leaves. A notary's clock beside our own.

A token shows that the log had its first entries by then, since their root stands in the text. What it needs is the
extra `timestamp` (rfc3161-client), imported where it is used; without it tokens are told as not judged.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from baoguan.archive.note import checkpoint_text
from baoguan.errors import ConfigError, VerifyError
from baoguan.model.log import Checkpoint, ManifestLine

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

MAX_TOKEN = 64 << 10
"""Bytes of an answer; real ones have 2 to 8 kB."""


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What one ts leaf says."""

    index: int
    size: int
    """The first so many entries were there."""
    at: str = ""
    """The authority's clock, RFC 3339; empty when the token couldn't be read here."""
    authority: str = ""
    """URL that was asked."""
    judged: bool = False
    """Whether the signature was followed to a root certificate that the reader trusts."""
    why: str = ""
    """Why it was not."""


def stamped_text(head: Checkpoint) -> bytes:
    """The bytes that an authority signs for: the checkpoint without its signatures."""
    return checkpoint_text(head.origin, head.size, head.root).encode()


def make_request(head: Checkpoint) -> bytes:
    """The query, DER: the sha256 of stamped_text with a nonce. Raises ConfigError without the extra."""
    library = _library()
    request = (
        library.TimestampRequestBuilder()
        .data(stamped_text(head))
        .hash_algorithm(library.HashAlgorithm.SHA256)
        .nonce(nonce=True)
    )
    data: bytes = request.cert_request(cert_request=True).build().as_bytes()
    return data


def check_answer(answer: bytes, head: Checkpoint, roots: Sequence[bytes]) -> datetime:
    """The time of an answer to make_request. Raises VerifyError for one of something else, or signed by nobody.

    `roots`: PEM certificates; none: only what it speaks of is judged.
    """
    return _check(answer, stamped_text(head), roots)


def stamp_line(answer: bytes, head: Checkpoint, url: str) -> ManifestLine:
    """The manifest line of a ts leaf."""
    token = base64.b64encode(answer).decode()
    return ManifestLine(salt="", kind="ts", url=url, note=stamped_text(head).decode(), token=token)


def read_stamp(index: int, line: ManifestLine, roots: Sequence[bytes]) -> Stamp:
    """What a ts line shows. Raises VerifyError where its token isn't over its text, or its signature doesn't hold.

    That the text is of this log, the caller judges by `size` and root_of.
    """
    size, _ = root_of(line)
    if size > index:
        raise VerifyError(f"speaks of {size} entries, at entry {index}")
    try:
        answer = base64.b64decode(line.token, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VerifyError("a token that is not base64") from error
    if hashlib.sha256(line.note.encode()).digest() not in answer:
        raise VerifyError("the token is not over the checkpoint beside it")
    stamp = Stamp(index=index, size=size, authority=line.url)
    try:
        at = _check(answer, line.note.encode(), roots)
    except ConfigError as error:
        return msgspec.structs.replace(stamp, why=str(error))
    why = "" if roots else "no root certificate to judge it by: --tsa-root"
    return msgspec.structs.replace(stamp, at=at.isoformat().replace("+00:00", "Z"), judged=bool(roots), why=why)


def judge_stamps(
    pairs: Iterable[tuple[int, ManifestLine]], head: Checkpoint, root_at: Callable[[int], bytes], roots: Sequence[bytes]
) -> tuple[tuple[Stamp, ...], list[tuple[int, str]]]:
    """(what ts lines show, (log index, what is wrong) of those that don't hold). `root_at`: of the first entries."""
    stamps, wrong = [], []
    for index, line in pairs:
        try:
            stamp = read_stamp(index, line, roots)
            size, root = root_of(line)
            if line.note.split("\n")[0] != head.origin or root_at(size) != root:
                raise VerifyError(f"the token is over another log of {size} entries")
        except VerifyError as error:
            wrong.append((index, str(error)))
        else:
            stamps.append(stamp)
    return tuple(stamps), wrong


def root_of(line: ManifestLine) -> tuple[int, bytes]:
    """(size, root) that the text of a ts line names. Raises VerifyError."""
    parts = line.note.split("\n")
    try:
        size, root = int(parts[1][:18]), base64.b64decode(parts[2], validate=True)
    except (IndexError, ValueError) as error:
        raise VerifyError("a ts leaf without the text of a checkpoint") from error
    if line.note != checkpoint_text(parts[0], size, root):
        raise VerifyError("a ts leaf without the text of a checkpoint")
    return size, root


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise ConfigError("trusted time needs rfc3161-client: pip install 'baoguan[timestamp]'") from error
    return rfc3161_client


def _check(answer: bytes, message: bytes, roots: Sequence[bytes]) -> datetime:
    library = _library()
    from cryptography.x509 import load_pem_x509_certificates

    if len(answer) > MAX_TOKEN:
        raise VerifyError(f"an answer of {len(answer)} bytes is no token")
    try:
        response: TimeStampResponse = library.decode_timestamp_response(answer)
        if response.status not in (0, 1):
            raise VerifyError(f"the authority refused: {' '.join(response.status_string) or response.status}")
        info = response.tst_info
        if info.message_imprint.message != hashlib.sha256(message).digest():
            raise VerifyError("the token is not over this checkpoint")
        if roots:
            builder = library.VerifierBuilder()
            for pem in roots:
                for certificate in load_pem_x509_certificates(pem):
                    builder = builder.add_root_certificate(certificate)
            builder.build().verify_message(response, message)
    except (ValueError, library.VerificationError) as error:
        raise VerifyError(f"the token doesn't hold: {' '.join(str(error).split())[:200]}") from error
    at: datetime = info.gen_time
    return at
