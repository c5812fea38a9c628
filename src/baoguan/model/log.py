"""What the log commits to: leaves, manifest lines, checkpoints."""

import msgspec

from baoguan.model.capture import CaptureRef

KINDS = ("rev", "seen", "lost", "gone", "late", "cap", "key", "ts")


class Leaf(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of the log: nothing but kind, time and a salted commitment, so that it can stay for ever."""

    v: int = 1
    k: str
    """One of KINDS."""
    t: int
    """Epoch ms at which it was appended."""
    c: str
    """sha256 of the manifest line's bytes (without its newline), hex."""


class RecordRef(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The Markdown file of a revision."""

    path: str
    """articles/<outlet>/YYYY/MM/DD/<epoch_ms>-<id>[-rN].md"""
    sha256: str


class MediaRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A picture of a revision."""

    url: str
    """At its origin, as it stands in the article."""
    sha256: str = ""
    """Empty while it is not kept."""
    path: str = ""
    """media/<aa>/<sha256>.<ext>"""
    width: int = 0
    height: int = 0
    fetched_url: str = ""
    """The rendition that was fetched, when another than url."""
    replaces: str = ""
    """media/ path of the other photo that the outlet showed under this address before: it was swapped."""
    capture: CaptureRef | None = None


class ManifestLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of manifest/<N>.jsonl: what leaf N commits to. Deletable; the leaf is not."""

    v: int = 1
    salt: str
    """16 random bytes, hex: without it the commitment says nothing."""
    kind: str
    id: str = ""
    """16 hex digits; empty for cap, key and ts."""
    rev: int = 0
    """0 for the first revision."""
    prev: int | None = None
    """Log index of the previous rev leaf; seen, lost, late: the rev they speak of; gone: the withdrawn one."""
    cause: str = ""
    """outlet, extractor, import or media."""
    outlet: str = ""
    feeds: tuple[str, ...] = ()
    guids: tuple[str, ...] = ()
    url: str = ""
    """Canonical URL as first seen."""
    aliases: tuple[str, ...] = ()
    title: str = ""
    authors: tuple[str, ...] = ()
    section: str = ""
    lang: str = ""
    captured_ms: int = 0
    """This archive's clock: when these bytes came (imports: the ancestor's own clock)."""
    published: str = ""
    """The publisher's clock, RFC 3339 with its offset; YYYY-MM-DD when only the day is known; empty when unknown."""
    published_from: str = ""
    zone_assumed: bool = False
    modified: str = ""
    modified_from: str = ""
    record: RecordRef | None = None
    content_sha256: str = ""
    """Of title, authors, normalised text and lead picture: equal means no edit."""
    media: tuple[MediaRef, ...] = ()
    capture: CaptureRef | None = None
    """Of the page (or the feed, where the text is the feed's)."""
    captures: tuple[CaptureRef, ...] = ()
    """cap leaves: every capture of the batch that no article names."""
    extractor: str = ""
    rules: str = ""
    confidence: float = 0.0
    vantage: str = ""
    flags: tuple[str, ...] = ()
    """Facts: time-assumed, conflict, from-feed, clock-back, scripts, drift,
    profile:PAGES-DIGEST (what the reader had learned)."""
    legacy_path: str = ""
    """In the ancestors' tree: the imported file's own, or the next one below the outlet's last for a new article."""
    item_published: str = ""
    """pubDate of the feed item that brought the article, RFC 3339: the ancestors' clock."""
    item_capture: CaptureRef | None = None
    """Of the feed that carried that item."""
    source_sha256: str = ""
    """Imports: sha256 of the ancestor's file, so that a second import adds nothing."""
    reason: str = ""
    """lost: 404, 410, home, stub, error, emptied, drift. gone: reason code."""
    key: str = ""
    """key leaves: the verifier key, in signed-note form."""
    note: str = ""
    """key leaves: the statement of a rotation, signed by old and new key; or the last head of the log before this."""
    token: str = ""
    """ts leaves: base64 of the RFC 3161 token."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A head of the log: C2SP tlog-checkpoint."""

    origin: str
    size: int
    root: bytes
    """32 bytes, RFC 6962."""
    note: bytes
    """The signed note, whole."""
