"""Requests, responses and the archived records that are made of them."""

from datetime import datetime

import msgspec


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to get over the network."""

    url: str
    kind: str
    """feed, page, picture, robots, probe or file; decides caps, Accept and whether robots.txt is asked. A `file` is a
    static one of another archive: asked for without a content-encoding. `timestamp`: an RFC 3161 query."""
    outlet: str = ""
    """Key of the outlet: its proxy and its allowances."""
    etag: str = ""
    last_modified: str = ""
    referer: str = ""
    key: str = ""
    """The caller's own; comes back in the result."""
    start: int = 0
    stop: int = 0
    """Only the bytes start..stop-1 are asked for (Range); stop 0: no range."""
    cap_bytes: int = 0
    """Largest answer, in bytes; 0: that of the kind."""
    post: bytes | None = None
    """Sent as the body of a POST; redirects are then an answer like any other."""


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One redirect that was followed."""

    url: str
    status: int
    location: str
    """Absolute."""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response as received, and decoded."""

    url: str
    """That was asked for."""
    final_url: str
    """That answered, after redirects."""
    hops: tuple[Hop, ...] = ()
    status: int
    reason: str = ""
    http_version: str = "1.1"
    headers: tuple[tuple[str, str], ...] = ()
    """As received, in order, repeated ones repeated."""
    raw: bytes = b""
    """The body as it came, still content-encoded, transfer-encoding removed."""
    body: bytes = b""
    """The body, content-encoding removed."""
    at: datetime
    """When the response's head arrived; aware UTC."""
    truncated: str = ""
    """bytes, time or decompressed when a cap or a cut connection ended the body early; empty when whole."""

    def header(self, name: str) -> str:
        """The first header of that name (case-insensitive), or the empty string."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), "")


class FetchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request. Exactly one of `response` and `error` is set, except for `deferred_ms`."""

    request: FetchRequest
    response: Response | None = None
    """Any status, 304 and 5xx too."""
    error: str = ""
    """One line for operators; empty when there is a response."""
    error_kind: str = ""
    """The `kind` of errors.FetchError."""
    retryable: bool = True
    deferred_ms: int = 0
    """Not asked at all: the host wants no request before this epoch (Retry-After, crawl pace, backoff)."""
    extra: tuple[Response, ...] = ()
    """Other responses seen on the way, to be captured too: robots.txt."""


class CaptureRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Names one archived WARC record. File and offset are derived (CDXJ)."""

    record_id: str
    """<urn:uuid:...> without the brackets."""
    sha256: str
    """Of the stored gzip member, hex."""
    kind: str = "response"
    """response, revisit, resource or warcinfo."""
    url: str = ""
    """What was fetched; of a warcinfo: the name of its file."""
    status: int = 0
    at_ms: int = 0
