"""A page as flat lists in document order: the thin shim over the HTML parser.

selectolax (lexbor) parses; one walk copies what reading needs into lists indexed by node number. Then a subtree is
the range `i .. end[i]`, its siblings are `end[i]`, and nothing else of this package knows which parser it was.
Another parser needs only another `parse_page`.
"""

from bisect import bisect_left
from collections import defaultdict

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from baoguan.extract.strip import strip_page
from baoguan.text.attributes import limit_attributes
from baoguan.text.depth import is_deeper, limit_depth
from baoguan.text.names import cut_names
from baoguan.text.options import limit_options

MAX_ELEMENTS = 200_000
"""Elements that are looked at on one page (the largest of 880 sample pages has 17,000); the rest is cut, and `cut` says
so."""
MAX_READ = 50_000
"""Nodes that are read of one page, likewise."""
MAX_TAGS = 2 * MAX_ELEMENTS
"""`<` that are read of one page, before parsing."""
_LARGE = 60_000
"""Tags of a large page, ..."""
_ALL, _FIRST = 24_000, 8_000
"""... of which the first 8,000 nodes are read whatever they say (of others 24,000); then only what may be an article's
text or headline. To read 200,000 links or cells that stand before an article would take a second."""
_WORTH = 120
"""Characters of an element that is read all the same ..."""
_ONE = 10_000
"""Characters of what may be one article: its parts are read whole."""
_NOWHERE = 1 << 30
_WORTHY = frozenset(("h1", "h2", "h3", "figure", "time", "address"))
"""... and elements that are read however short they are."""
GAP = "bg-gap"
"""An element that stands where others were passed over."""
MAX_DEPTH = 400
"""Deeper start tags are left out before parsing (a tree builder's time grows with the square of the depth)."""
MAX_CHARS = 6_000_000
_MANY_TAGS = 6_000
_LEAF = frozenset(("style", "svg", "template", "math", "object", "canvas", "select", "textarea", "script"))
_ASIDE = frozenset((*_LEAF, "footer", "amp-sidebar"))
_SPECIAL = frozenset((*_ASIDE, "ul"))


class Page:
    """One parsed page. Node 0 is <html>; `tags[i]` is empty for text."""

    __slots__ = ("cut", "data", "end", "found", "others", "parent", "scripts", "skipped", "source", "tags")

    def __init__(self) -> None:
        self.tags: list[str] = []
        self.data: list[dict[str, str | None] | str] = []
        """Attributes of an element, or the text of a text node."""
        self.parent: list[int] = []
        self.end: list[int] = []
        """One past the last node of the subtree."""
        self.found: defaultdict[str, list[int]] = defaultdict(list)
        """Elements by tag, in document order; under `amp-img` all of an outlet's own picture elements."""
        self.scripts: list[tuple[str, str]] = []
        """(type or __NEXT_DATA__, text) of the scripts that hold JSON."""
        self.others: list[tuple[int, int]] = []
        """Where the other scripts stand in `source`, the page as text."""
        self.source = ""
        self.cut = False
        self.skipped = False
        """Whether something was left out: a footer, a menu, comments, scripts."""

    def attrs(self, i: int) -> dict[str, str | None]:
        """Attributes of element `i`."""
        return self.data[i]  # type: ignore[return-value]

    def attr(self, i: int, name: str) -> str:
        """One attribute, empty when absent."""
        return self.data[i].get(name) or ""  # type: ignore[union-attr]

    def children(self, i: int) -> list[int]:
        """Child nodes of `i`, texts too."""
        found, j, stop = [], i + 1, self.end[i]
        while j < stop:
            found.append(j)
            j = self.end[j]
        return found

    def text(self, i: int) -> str:
        """All text under `i`, white space folded."""
        if not self.tags[i]:
            return " ".join(str(self.data[i]).split())
        pieces = []
        for j in range(i + 1, self.end[i]):
            if not self.tags[j]:
                pieces.append(str(self.data[j]))
            elif self.tags[j] in _BREAKING:
                pieces.append(" ")
        return " ".join("".join(pieces).split())

    def images(self, i: int) -> list[int]:
        """<img> elements under `i`."""
        found = self.found["img"]
        return found[bisect_left(found, i) : bisect_left(found, self.end[i])]

    def inside(self, i: int, ancestor: int) -> bool:
        """Whether `i` is `ancestor` or under it."""
        return ancestor <= i < self.end[ancestor]


_STRUCTURE_TEXT = "html head body div ul ol li table tbody tr section article main header nav p figure"
_STRUCTURE = frozenset(_STRUCTURE_TEXT.split())
"""White space right after the start tag of these says nothing."""
_BREAKING_TEXT = """p div br li tr td th h1 h2 h3 h4 h5 h6 section article ul ol blockquote figcaption figure"""
_BREAKING = frozenset(_BREAKING_TEXT.split())


def parse_page(html: str, marks: tuple[tuple[str, tuple[str, ...]], ...] = (), *, whole: bool = False) -> Page:
    """Parses and flattens, without <footer> and the lists of <nav> unless `whole`.

    `marks`: (name, CSS selectors). The first selector that matches writes the attribute `bg-NAME` on its matches
    (of `drop`: all selectors do), which is how outlet rules reach the flat page.
    """
    page = Page()
    if len(html) > MAX_CHARS:
        html, page.cut = html[:MAX_CHARS], True
    stripped = strip_page(html)
    page.scripts, page.others, page.source = stripped.data, stripped.others, html
    if not whole:
        page.skipped = len(stripped.html) < len(html)
        html = stripped.html
    tags = html.count("<")
    if tags > MAX_TAGS:
        html, page.cut = html[: _nth(html, "<", MAX_TAGS)], True
    if tags > _MANY_TAGS:
        html = limit_options(html)
    # Scripts and styles hold no tags.
    if tags > _MANY_TAGS and is_deeper(stripped.html if whole else html, MAX_DEPTH):
        html = limit_depth(html, MAX_DEPTH)
    html = limit_attributes(html)
    named = cut_names(html)
    page.cut = page.cut or named is not html
    parser = LexborHTMLParser(named)
    for name, selectors in marks:
        whole = _mark(parser, name, selectors) or whole
    root = parser.root
    if root is not None:
        _flatten(page, root, _LEAF if whole else _ASIDE, _FIRST if tags > _LARGE else _ALL)
        own = [tag for tag in page.found if "-" in tag and ("image" in tag or "img" in tag)]
        page.found["amp-img"] = sorted(i for tag in own for i in page.found[tag])
    if not page.tags:
        page.tags, page.data, page.parent, page.end = ["html"], [{}], [-1], [1]
    return page


def _nth(text: str, char: str, count: int) -> int:
    """Where `char` stands for the `count`-th time; it stands there more often."""
    at = -1
    for _ in range(count):
        at = text.find(char, at + 1)
    return at


def _mark(parser: LexborHTMLParser, name: str, selectors: tuple[str, ...]) -> bool:
    """Marks the matches; returns whether one of them stands in a part of the page that is not read otherwise."""
    for rank, selector in enumerate(selectors):
        try:
            nodes = parser.css(selector)
        except (ValueError, SelectolaxError):
            continue
        for node in nodes:
            node.attrs[f"bg-{name}"] = str(rank)
        if nodes and name != "drop":
            return any(_is_aside(node) for node in nodes[:20])
    return False


def _is_aside(node: LexborNode) -> bool:
    above = node.parent
    while above is not None:
        if above.tag in ("footer", "nav"):
            return True
        above = above.parent
    return False


_TEXT = 2
"""Lexbor's number of a text node."""
_FIXED = 200
"""Lexbor's numbers of the tags that it knows are smaller; those of others are made anew for each page."""
_NAMES: list[str] = [""] * _FIXED


def _name_of(node: LexborNode, number: int) -> str:
    """The tag of a node that is no text; empty for comments and the like. Asked once for each number that is fixed."""
    tag = node.tag or ""
    if tag[:1] in ("_", "-", "!", "#"):
        return ""
    if 0 <= number < _FIXED:
        _NAMES[number] = tag
    return tag


def _flatten(page: Page, root: LexborNode, leaves: frozenset[str], most: int) -> None:
    """Copies the tree, without recursion; beyond `most` nodes only what is worth it."""
    tags, data, parents, ends, found = page.tags, page.data, page.parent, page.end, page.found
    add_tag, add_data, add_parent, add_end = tags.append, data.append, parents.append, ends.append
    stack: list[tuple[LexborNode | None, int]] = []
    current, i = -1, 0
    sieve = _Sieve(page)
    node: LexborNode | None = root
    before = ""
    while True:
        while node is None:
            if not stack:
                return
            ends[current] = i
            before = tags[current]
            node, current = stack.pop()
        if i > most:
            node = sieve.pick(node, current, len(stack))
            i = len(tags)
            if node is None:
                continue
        number = node.tag_id
        if number == _TEXT:
            text = node.text_content or ""
            if not (text.isspace() and (tags[-1] in _STRUCTURE or before in _BREAKING)):
                add_tag("")
                add_data(text)
                add_parent(current)
                i += 1
                add_end(i)
            before = ""
            node = node.next
            continue
        tag = (_NAMES[number] if number < _FIXED else "") or _name_of(node, number)
        if not tag:
            before = ""
            node = node.next
            continue
        add_tag(tag)
        add_data(node.attributes)
        add_parent(current)
        found[tag].append(i)
        i += 1
        add_end(i)
        after = node.next
        child = None if tag in _SPECIAL and _is_passed(page, node, tag, leaves, current) else node.first_child
        if child is None:
            node, before = after, tag
        else:
            stack.append((after, current))
            current, node, before = i - 1, child, ""


class _Sieve:
    """Picks what is read of the rest of a large page."""

    __slots__ = ("looked", "page", "zone")

    def __init__(self, page: Page) -> None:
        self.page = page
        self.looked = 0
        """Elements that were passed over."""
        self.zone = _NOWHERE
        """Depth of an element that is read whole, while the walk is in it."""

    def pick(self, node: LexborNode, current: int, depth: int) -> LexborNode | None:
        """`node` or the first of its next siblings that is worth reading; a GAP stands for those before it."""
        if len(self.page.tags) > MAX_READ:
            self.page.cut = True
            return None
        if depth > self.zone:
            return node
        self.zone = _NOWHERE
        found: LexborNode | None = node
        passed = 0
        while found is not None:
            size = _size_of(found)
            if size >= _WORTH:
                self.zone = depth if size <= _ONE else _NOWHERE
                break
            passed += 1
            found = found.next
        self.looked += passed
        if passed:
            self._note(current)
        if self.looked > MAX_ELEMENTS:
            self.page.cut = True
            return None
        return found

    def _note(self, current: int) -> None:
        page = self.page
        page.found[GAP].append(len(page.tags))
        page.tags.append(GAP)
        page.data.append({})
        page.parent.append(current)
        page.end.append(len(page.tags))


def _size_of(node: LexborNode) -> int:
    """Characters of text, of what is read however short it is just enough."""
    number = node.tag_id
    if number == _TEXT:
        return len((node.text_content or "").strip())
    name = (_NAMES[number] if number < _FIXED else "") or _name_of(node, number)
    size = len(node.text_lexbor() or "")
    return max(size, _WORTH) if name in _WORTHY else size


def _is_passed(page: Page, node: LexborNode, tag: str, leaves: frozenset[str], current: int) -> bool:
    """Whether nothing under an element is wanted."""
    if tag in leaves:
        page.skipped = page.skipped or tag == "footer"
        return True
    if tag == "ul" and leaves is not _LEAF and _is_menu(node, page.tags, page.parent, current):
        page.skipped = True
        return True
    return False


def _is_menu(node: LexborNode, tags: list[str], parents: list[int], i: int) -> bool:
    """Whether a list is the outlet's menu: three levels are looked at, for an unclosed <nav> may hold the article,
    and breadcrumbs may hold the headline.
    """
    for _ in range(3):
        if i < 0:
            return False
        if tags[i] == "nav":
            return node.css_first("h1") is None
        i = parents[i]
    return False
