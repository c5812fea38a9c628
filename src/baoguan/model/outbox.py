"""What a worker hands to the sequencer: finished items, captured responses, late pictures. Rows of the outbox."""

import msgspec

from baoguan.model.article import Article
from baoguan.model.capture import CaptureRef, Response
from baoguan.model.catalog import KeptMedia
from baoguan.model.schedule import PendingItem


class SentPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a finished item."""

    url: str
    """As it stands in the article."""
    width: int = 0
    height: int = 0
    extension: str = ""
    sha256: str = ""
    """Of its bytes, which travel as a part of their own; empty when it was kept before."""
    response: Response | None = None
    """Of the fetch, without its body."""
    kept: KeptMedia | None = None
    replaces: str = ""
    """media/ path of the photo that stood under this address before."""


class SentItem(msgspec.Struct, frozen=True, kw_only=True, tag="item"):
    """An item whose page and pictures are settled."""

    pending: PendingItem
    article: Article
    response: Response | None = None
    """Of the page; None where the text is the feed's."""
    flags: tuple[str, ...] = ()
    pictures: tuple[SentPicture, ...] = ()
    missing: tuple[str, ...] = ()
    """Pictures that did not come: asked for again later."""
    lost: str = ""
    """Why the page of a known article is none now; then there is no text."""
    step: int | None = None
    """Of the re-check that led to it."""
    habit: bytes = b""
    """What was known of the outlet's pages when this one was read, of a known article."""


class SentResponse(msgspec.Struct, frozen=True, kw_only=True, tag="response"):
    """A response to be captured: a feed, robots.txt, an error."""

    response: Response
    feed: str = ""
    """Of which feed it is a new body."""
    same_as: CaptureRef | None = None
    """A capture that holds this very body."""
    keys: tuple[str, ...] = ()
    """Identity keys of the items that it carries."""


class SentLate(msgspec.Struct, frozen=True, kw_only=True, tag="late"):
    """A picture that came after its record."""

    article: str
    picture: SentPicture


Sent = SentItem | SentResponse | SentLate


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """On its way in."""

    key: str = ""
    """Of the pending item that is finished by it; empty for what is no item."""
    body: bytes
    """A packed Sent."""
    parts: dict[str, bytes] = {}
    """sha256 (hex) to bytes of pictures."""


class OutboxHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The outbox in numbers."""

    waiting: int
    """Rows to be logged."""
    set_aside: int
    """Rows that can't be: for a person."""
    size_bytes: int
    """Of those that wait."""
    age_s: float
    """Of the oldest that waits; 0 where none does."""


class TakenRow(msgspec.Struct, frozen=True, kw_only=True):
    """On its way out."""

    n: int
    """Its number: ascending."""
    body: bytes
    capture: CaptureRef | None = None
    """Where the feed that carried the item is kept, if that became known since."""
