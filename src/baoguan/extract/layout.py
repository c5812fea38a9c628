"""Records of one page's layout, filled by the scan and read by all that follows."""

from bisect import bisect_left
from itertools import accumulate

from baoguan.extract.dom import Page
from baoguan.extract.tokens import CAPTION


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

    __slots__ = ("_captions", "_said", "blocks", "firsts", "heading", "junk", "mass", "page", "sums", "top", "verdict")

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
        self.firsts: list[int] = []
        """First text node of each block, for `good_under`."""
        self.sums: list[float] = []
        self._said: list[int] = []
        self._captions: list[int] = []

    def index(self) -> None:
        """Prepares `good_under` and `blocks_under`, once all blocks are known."""
        self.firsts = [block.first for block in self.blocks]
        self.sums = [0.0, *accumulate(block.good for block in self.blocks)]

    def good_under(self, i: int) -> float:
        """Good mass of the blocks that begin under `i`, junk or not."""
        low, high = bisect_left(self.firsts, i), bisect_left(self.firsts, self.page.end[i])
        return self.sums[high] - self.sums[low]

    def said_under(self, i: int) -> int:
        """Characters of text under `i`, without white space at the ends of its nodes. Summed once for all pictures."""
        page = self.page
        if not self._said:
            said = [0 if tag else len(text.strip()) for tag, text in zip(page.tags, page.data, strict=True)]  # type: ignore[union-attr]
            self._said = [0, *accumulate(said)]
        return self._said[page.end[i]] - self._said[i]

    def captions_under(self, i: int) -> int:
        """How many elements from `i` to its end are named as captions. Summed once for all pictures."""
        if not self._captions:
            self._captions = [0, *accumulate(1 if bits & CAPTION else 0 for bits in self.verdict)]
        return self._captions[self.page.end[i]] - self._captions[i]

    def only_junk(self, i: int) -> bool:
        """Whether `i` is the only junk element of its line."""
        while (i := self.page.parent[i]) > self.top:
            if i in self.junk:
                return False
        return True

    def blocks_under(self, i: int) -> list[Block]:
        """The blocks that begin under `i`."""
        return self.blocks[bisect_left(self.firsts, i) : bisect_left(self.firsts, self.page.end[i])]


def weigh(text: str) -> float:
    """Characters of `text`, CJK ones counted as 2.5."""
    size = len(text)
    if text.isascii():
        return float(size)
    return size + 0.75 * max(0, len(text.encode("utf-8", "replace")) - size - 0.35 * size)
