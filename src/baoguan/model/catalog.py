"""What the catalogue answers: rows derived from manifest lines, never the truth."""

import msgspec


class ArticleRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The current revision of an article."""

    id: str
    outlet: str
    url: str
    title: str
    lang: str
    rev: int
    """Highest revision number, not always the current one: an import may add an older text."""
    index: int
    """Log index of the current revision's leaf."""
    captured_ms: int
    shown_ms: int
    """The publisher's clock where known, else captured_ms: what lists are sorted by."""
    content_sha256: str
    confidence: float = 1.0
    extractor: str = ""
    lead: str = ""
    """media/ path of the lead picture, empty when none is kept."""
    lead_width: int = 0
    lead_height: int = 0
    lost: str = ""
    """Reason while the page is gone upstream, empty otherwise."""
    checked_ms: int = 0
    """When its page was last looked at."""


class RevisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of an article."""

    id: str
    rev: int
    index: int
    captured_ms: int
    title: str
    cause: str
    path: str
    legacy_path: str = ""


class CaptureRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a WARC record lies."""

    record_id: str
    file: str
    offset: int
    length: int


class KeptMedia(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is kept, by the URL under which it was met."""

    sha256: str
    path: str
    width: int = 0
    height: int = 0
    record_id: str = ""
