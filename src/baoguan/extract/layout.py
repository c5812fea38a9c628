"""Records of one page's layout, filled by the scan and read by all that follows."""

from baoguan.extract.dom import Page


class Block:
    """One run of text. `first` and `last` are its text nodes; `owner` its nearest block-level element."""

    __slots__ = ("first", "good", "junk", "keep", "last", "linked", "mass", "owner", "text", "why")

    def __init__(self, first: int, owner: int) -> None:
        self.first = first
        self.last = first
        self.owner = owner
        self.mass = 0.0
        """Characters, a CJK one counted as 2.5."""
        self.linked = 0.0
        """Mass inside links."""
        self.text = ""
        self.good = 0.0
        """Mass when it reads like a sentence, else 0."""
        self.junk = False
        self.keep = False
        self.why = ""


class Layout:
    """What the scan of a page found."""

    __slots__ = ("blocks", "heading", "junk", "mass", "page", "top", "verdict")

    def __init__(self, page: Page) -> None:
        self.page = page
        self.top = 0
        self.heading = -1
        """The node of the headline, -1 when none shows it."""
        self.blocks: list[Block] = []
        self.verdict: list[int] = []
        """Bits of tokens.verdict_of for each element."""
        self.junk: set[int] = set()
        """Elements that hold no article text, guard applied."""
        self.mass: dict[int, float] = {}
        """Good mass under each element that has some, junk left out."""


def weigh(text: str) -> float:
    """Characters of `text`, CJK ones counted as 2.5."""
    size = len(text)
    if text.isascii():
        return float(size)
    return size + 0.75 * max(0, len(text.encode("utf-8", "replace")) - size - 0.35 * size)
