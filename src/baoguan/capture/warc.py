"""Writing WARC 1.1: one gzip member a record, sha256 digests, nothing of the operator.

Headers and URLs come from strangers: no CR, LF or NUL of theirs reaches a header, cookies and echoes of our address are
dropped. The body is kept as it came, still content-encoded.
"""

import hashlib
import itertools
import re
import zlib
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from isal import isal_zlib

from baoguan.capture.read import WarcRecord, scan_captures, status_of
from baoguan.model.capture import CaptureRef, Hop, Response
from baoguan.ports import Entropy

__all__ = ["Member", "WarcWriter", "scan_captures"]

IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
HTTP_TYPE = "application/http; msgtype=response"
RENAMED = "X-Baoguan-Orig-"
"""Before the name of a header that no longer fits the body as it is stored."""
_DROPPED_NAMES = (
    "set-cookie set-cookie2 x-client-ip x-real-ip x-forwarded-for forwarded client-ip true-client-ip x-remote-addr "
    "x-remote-ip x-your-ip cf-connecting-ip fastly-client-ip x-cluster-client-ip x-originating-ip x-client-address "
    "x-amzn-client-ip x-akamai-client-ip x-userip x-user-ip x-visitor-ip"
)
"""Cookies, and headers in which servers echo the address of who asks."""
_DROPPED = frozenset(_DROPPED_NAMES.split())
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BREAKS = re.compile(r"[\0-\x08\x0a-\x1f\x7f]+")
_PACKED = re.compile(
    r"(image/(?!svg|bmp|x-ms-bmp|tiff)|video/|audio/|font/woff|application/(gzip|zip|x-gzip|zstd|x-xz|pdf))", re.I
)
_TRUNCATED = {"bytes": "length", "time": "time", "decompressed": "length", "disconnect": "disconnect"}
_FAST_LEVELS = 3
_STORE_ABOVE = 16 << 10
_PAIRS = ["".join(pair) for pair in itertools.product("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", repeat=2)]
_SHIFTS = range(250, -1, -10)
_UUID_MASK = ~((0xF000 << 64) | (0xC000 << 48))
_UUID_BITS = (4 << 76) | (0x8000 << 48)
_PLAIN_URL = re.compile(r"[!#$%&'()*+,\-./:;=?@\[\]_~|^`{}\\\"0-9A-Za-z]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Member(msgspec.Struct, frozen=True, gc=False):
    """A record as stored: one gzip member, and its name."""

    ref: CaptureRef
    data: bytes


class WarcWriter:
    """Makes records; holds nothing but its options and the chance that record ids come from."""

    def __init__(self, *, entropy: Entropy, gzip_level: int = 6, software: str = "baoguan") -> None:
        """`gzip_level` 0..9 for text; what is compressed already is stored."""
        self._entropy = entropy
        self._level = gzip_level
        self._software = software

    def info(self, filename: str, at_ms: int) -> Member:
        """The first record of a WARC file."""
        body = (
            f"software: {self._software}\r\nformat: WARC File Format 1.1\r\n"
            "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
        ).encode()
        fields = [("WARC-Filename", filename), ("Content-Type", "application/warc-fields")]
        member = self._member("warcinfo", "", at_ms, fields, body)
        # A mirror finds the file of a batch by this name: nothing else in the log tells it.
        return Member(msgspec.structs.replace(member.ref, url=filename), member.data)

    def resource(self, url: str, content_type: str, data: bytes, at_ms: int, *, sha256: str = "") -> Member:
        """The record of a file that came by another way than HTTP. `sha256`: of `data`, in hex, where it is known."""
        payload = "sha256:" + base32(bytes.fromhex(sha256)) if sha256 else digest(data)
        fields = [("WARC-Payload-Digest", payload), ("Content-Type", content_type or "application/octet-stream")]
        return self._member("resource", url, at_ms, fields, data, block_digest=payload)

    def stub(self, reason: str, at_ms: int) -> Member:
        """What stands in place of a withdrawn record: when and why, nothing of what it was."""
        return self._member(
            "metadata", "", at_ms, [("Content-Type", "text/plain")], f"withdrawn: {reason}\r\n".encode()
        )

    def moved(self, revisit: WarcRecord, payload: bytes | None, target: CaptureRef | None) -> Member:
        """A revisit whose target was withdrawn, under its own id: with the payload, or referring to who has it now."""
        fields = [("WARC-Payload-Digest", revisit.header("WARC-Payload-Digest")), ("Content-Type", HTTP_TYPE)]
        if target is not None:
            fields = [*_refers_to(target, revisit.header("WARC-Profile") or IDENTICAL), *fields]
        return self._member(
            "revisit" if payload is None else "response",
            revisit.url,
            revisit.at_ms,
            [field for field in fields if field[1]],
            revisit.block + (payload or b""),
            status=status_of(revisit),
            identity=revisit.record_id,
        )

    def response(
        self, response: Response, *, payload_in_media: bool = False, revisit_of: CaptureRef | None = None
    ) -> list[Member]:
        """The records of a response and of the redirects before it, the response itself last.

        payload_in_media: headers alone, as a revisit whose payload digest (of the decoded body) names a file of media/.
        revisit_of: headers alone; the raw body is byte for byte that of the older capture (a 304: what it spares).
        """
        at_ms = _epoch_ms(response.at)
        members = [self._hop(hop, at_ms) for hop in response.hops]
        fields: list[tuple[str, str]] = []
        if response.truncated:
            fields.append(("WARC-Truncated", _TRUNCATED.get(response.truncated, "unspecified")))
        kind, body = "response", response.raw
        payload = body
        if payload_in_media:
            kind, body, payload = "revisit", b"", response.body
            fields.append(("WARC-Profile", IDENTICAL))
        elif revisit_of is not None:
            kind, body = "revisit", b""
            fields += _refers_to(revisit_of, NOT_MODIFIED if response.status == 304 else IDENTICAL)
        if kind == "response" or response.status != 304:
            fields.append(("WARC-Payload-Digest", digest(payload)))
        fields.append(("Content-Type", HTTP_TYPE))
        head = http_head(response, size=len(payload), decoded=payload_in_media)
        packed = bool(response.header("content-encoding") or _PACKED.match(response.header("content-type")))
        members.append(
            self._member(
                kind,
                response.final_url or response.url,
                at_ms,
                fields,
                head + body,
                status=response.status,
                store=packed and len(body) > _STORE_ABOVE,
            )
        )
        return members

    def _hop(self, hop: Hop, at_ms: int) -> Member:
        head = (
            _status_line(hop.status, "", "1.1") + f"Location: {clean_value(hop.location)}\r\nContent-Length: 0\r\n\r\n"
        )
        fields = [("WARC-Payload-Digest", digest(b"")), ("Content-Type", HTTP_TYPE)]
        return self._member("response", hop.url, at_ms, fields, _encode(head), status=hop.status)

    def _member(
        self,
        kind: str,
        url: str,
        at_ms: int,
        fields: list[tuple[str, str]],
        block: bytes,
        *,
        status: int = 0,
        store: bool = False,
        identity: str = "",
        block_digest: str = "",
    ) -> Member:
        identity = identity or record_urn(self._entropy.token_bytes(16))
        url = clean_url(url)
        target = f"WARC-Target-URI: {url}\r\n" if url else ""
        rest = "".join([f"{name}: {clean_value(value)}\r\n" for name, value in fields])
        head = (
            f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <{identity}>\r\nWARC-Date: {warc_date(at_ms)}\r\n"
            f"{target}{rest}WARC-Block-Digest: {block_digest or digest(block)}\r\nContent-Length: {len(block)}\r\n\r\n"
        )
        data = gzip_member(_encode(head) + block + b"\r\n\r\n", 0 if store else self._level)
        sha256 = hashlib.sha256(data).hexdigest()
        ref = CaptureRef(record_id=identity, sha256=sha256, kind=kind, url=url, status=status, at_ms=at_ms)
        return Member(ref, data)


def gzip_member(data: bytes, level: int) -> bytes:
    """One gzip member, without a time or a name in its header.

    Levels 1 to 3 are igzip's (ISA-L): 27 (level 2) to 49 microseconds on 5 KB articles where zlib takes 113, for
    2 to 3 % more bytes.
    """
    if 0 < level <= _FAST_LEVELS:
        return bytes(isal_zlib.compress(data, level, 31))
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def digest(data: bytes) -> str:
    """sha256 in padded base32: the form that every WARC tool tried can check."""
    return "sha256:" + base32(hashlib.sha256(data).digest())


def base32(value: bytes) -> str:
    """Padded base32 of 32 bytes, pair by pair; base64.b32encode takes 5 times as long."""
    bits = int.from_bytes(value, "big") << 4
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS]) + "===="


def record_urn(chance: bytes) -> str:
    """urn:uuid of version 4 from 16 random bytes, as uuid.UUID makes it."""
    text = (int.from_bytes(chance, "big") & _UUID_MASK | _UUID_BITS).to_bytes(16, "big").hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def warc_date(at_ms: int) -> str:
    """UTC with milliseconds."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


def clean_value(value: str) -> str:
    """A header's value without line breaks or other control characters."""
    if value.isprintable():
        return value.strip()
    return _BREAKS.sub(" ", value).strip()


def clean_url(url: str) -> str:
    """A URL in visible ASCII: all else percent-encoded."""
    url = url.strip()
    if _PLAIN_URL.fullmatch(url):
        return url
    return quote(url, safe="!#$%&'()*+,-./:;=?@[]_~|^`{}\\\"", errors="replace")


def http_head(response: Response, *, size: int, decoded: bool = False) -> bytes:
    """Status line and headers as received, but for what is dropped and what no longer fits a body of `size` bytes.

    Transfer-Encoding, a wrong Content-Length and (when the body is stored decoded) Content-Encoding get another name.
    """
    lines = [_status_line(response.status, response.reason, response.http_version)]
    length = str(size)
    for name, value in response.headers:
        lower = name.lower()
        value = clean_value(value)
        if lower in _DROPPED or not _NAME.fullmatch(name):
            continue
        wrong_length = lower == "content-length" and value != length
        if wrong_length or lower == "transfer-encoding" or (decoded and lower == "content-encoding"):
            name = RENAMED + name
        elif lower == "content-length":
            continue
        lines.append(f"{name}: {value}\r\n")
    if response.status not in (204, 304) and response.status >= 200:
        lines.append(f"Content-Length: {length}\r\n")
    lines.append("\r\n")
    return _encode("".join(lines))


def _status_line(status: int, reason: str, version: str) -> str:
    if not reason:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    version = version if re.fullmatch(r"\d(\.\d)?", version) else "1.1"
    return f"HTTP/{version} {status:03d} {clean_value(reason)}\r\n"


def _refers_to(ref: CaptureRef, profile: str) -> list[tuple[str, str]]:
    return [
        ("WARC-Profile", profile),
        ("WARC-Refers-To", f"<{ref.record_id}>"),
        ("WARC-Refers-To-Target-URI", clean_url(ref.url)),
        ("WARC-Refers-To-Date", warc_date(ref.at_ms)),
    ]


def _encode(text: str) -> bytes:
    # Header bytes that are no UTF-8 reach us as lone surrogates and leave as the bytes they were.
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _epoch_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
