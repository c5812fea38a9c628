"""What changed between two versions of an article: rows of marked text, and the kinds of the change."""

import msgspec

EDITS = (
    *("headline", "lead", "figure", "quote", "correction", "removal", "addition", "order", "picture", "date"),
    *("author", "typo", "wording", "rewritten"),
)
"""What an outlet does to a text."""
FACTS = ("vanished", "returned")
"""What happens to its page."""
KINDS = (*EDITS, *FACTS, "extraction")
"""`extraction`: two readings of one page differ although the outlet most likely edited nothing."""


class Span(msgspec.Struct, frozen=True):
    """A run of text on one side."""

    text: str
    changed: bool = False
    """Removed on the left, added on the right."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Paragraphs that belong together; a side without spans has none."""

    kind: str
    """same, changed, removed, added, or moved (a whole paragraph: where it stood, or where it stands now)."""
    before: tuple[Span, ...] = ()
    after: tuple[Span, ...] = ()


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version as far as it is compared."""

    title: str = ""
    text: str = ""
    """Plain, a line a paragraph."""
    authors: tuple[str, ...] = ()
    published: str = ""
    """The publisher's clock, RFC 3339; YYYY-MM-DD when only the day is known; empty when unknown."""
    pictures: tuple[tuple[str, str], ...] = ()
    """(URL, sha256 or empty) in reading order, the lead first."""
    swapped: tuple[str, ...] = ()
    """URLs under which the outlet shows another photo than in the version before."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions side by side."""

    kinds: tuple[str, ...] = ()
    """Of EDITS, in that order; empty when nothing differs."""
    title: Row
    rows: tuple[Row, ...] = ()
    cut: bool = False
    """The texts were too different or too long to be compared word by word; whole paragraphs stand for it."""


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change as the catalogue lists it. Holds no text: a withdrawn article leaves none behind."""

    index: int
    """Log index of the leaf that tells it: the later version, or the `lost`, `seen` or `rev` leaf of a fact."""
    id: str
    outlet: str
    at_ms: int
    """This archive's clock: capture of the later version, or of the fact."""
    cause: str
    """outlet, import, extractor; empty for facts."""
    kinds: tuple[str, ...]
    before: int = -1
    """Log index of the earlier version; of the version that stood, for facts."""
    reason: str = ""
    """vanished: 404, 410, home, stub... extraction: why it counts as one."""
