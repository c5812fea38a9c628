"""Writes the kept part of a page as its clean body, straight from the flat page.

The rules of what is written are text.sanitise's: this walk only calls them for each element, as text.sanitise.walk does
for a parsed fragment. Writing mark-up and parsing it again would give the same bytes for three times the time.
"""

from bisect import bisect_left
from collections.abc import Iterable

from baoguan.extract.emit import DROPPED, KEPT_ATTRIBUTES
from baoguan.extract.layout import Layout
from baoguan.extract.picture import Figure
from baoguan.text.escape import drop_controls
from baoguan.text.html import CleanBody, finish_body, new_writer
from baoguan.text.sanitise import enter
from baoguan.text.sanitise_media import on_image
from baoguan.text.sanitise_state import Exit, Node, Writer

MAX_BODY = 400_000
"""Characters of mark-up that are kept of one article."""
_VOID = frozenset(("br", "hr", "wbr"))
_IN_TABLES = ("table", "thead", "tbody", "tr")
_NONE: dict[str, str | None] = {}
_TAG_SIZE = 5
"""Characters of a start and an end tag beside the name twice."""


class _Stands:
    """An element as text.sanitise asks for one: only what is written of it."""

    __slots__ = ("attributes", "body", "node", "tag")
    parent: Node | None = None
    next: Node | None = None

    def __init__(self, tag: str, attributes: dict[str, str | None], body: "_Body | None" = None, node: int = 0) -> None:
        self.tag = tag
        self.attributes = attributes
        self.body = body
        self.node = node
        """Of the flat page."""

    @property
    def first_child(self) -> "_Stands | None":
        """Its child, where it has just one."""
        return self.body.lone_child(self.node) if self.body is not None else None

    def css(self, _query: str) -> list["_Stands"]:
        """Nothing: sources of films aren't written."""
        return []


def write_clean(
    layout: Layout, roots: Iterable[int], dropped: set[int], figures: tuple[list[Figure], list[Figure]], base_url: str
) -> tuple[CleanBody, bool]:
    """The clean body under `roots`, without junk elements and the text nodes in `dropped`, and whether it was cut.

    `figures`: those that come before everything, and those that stand where their boxes are.
    """
    body = _Body(layout, dropped, figures[1], new_writer(base_url))
    for figure in figures[0]:
        write_picture(body.writer, figure)
    for root in roots:
        body.write(root, layout.page.end[root])
    return finish_body(body.writer), body.left < 0


def write_picture(writer: Writer, figure: Figure) -> None:
    """A picture with caption and credit; out of a table's rows it goes before the table, as a parser would put it."""
    outer = len(writer.frames)
    while outer and writer.frames[outer - 1].kind in _IN_TABLES:
        outer -= 1
    if outer == len(writer.frames):
        _write_picture(writer, figure)
        return
    frames, blocks = writer.frames, writer.blocks
    writer.flush()
    writer.blocks, writer.frames = frames[outer].blocks, frames[:outer]
    _write_picture(writer, figure)
    writer.blocks, writer.frames, writer.fig = blocks, frames, None


def _write_picture(writer: Writer, figure: Figure) -> None:
    writer.flush()
    writer.fig = None
    attributes: dict[str, str | None] = {"src": figure.url, "alt": figure.alt}
    for name, value in (("width", figure.width), ("height", figure.height)):
        if value and value > 2:
            attributes[name] = str(value)
    on_image(writer, "img", _Stands("img", attributes))
    credit = figure.credit if figure.credit not in figure.caption else ""
    if figure.caption or credit:
        writer.flush()
        leave = Writer.flush if writer.caption else writer.enter_caption()
        writer.text(f"{figure.caption} {credit}" if figure.caption and credit else figure.caption or credit)
        leave(writer)
    writer.flush()


class _Body:
    """One pass over the container."""

    def __init__(self, layout: Layout, dropped: set[int], figures: list[Figure], writer: Writer) -> None:
        self.page = layout.page
        self.junk = layout.junk
        self.dropped = dropped
        self.writer = writer
        self.left = MAX_BODY
        self.text = ""
        self.stands = _Stands("", _NONE, self)
        """Asked about while an element is written, and kept by nobody: one for all."""
        self.at: dict[int, list[Figure]] = {}
        for figure in figures:
            self.at.setdefault(figure.start, []).append(figure)
        self.starts = sorted(self.at)

    def write(self, i: int, stop: int) -> None:
        """Writes the nodes from `i` to before `stop`, until the most is written that is kept."""
        tags, data, writer = self.page.tags, self.page.data, self.writer
        dropped = self.dropped
        exits: list[tuple[int, Exit]] = []
        while i < stop and self.left >= 0:
            while exits and exits[-1][0] <= i:
                if self.text:
                    self._say()
                leave = exits.pop()[1]
                if leave is not None:
                    leave(writer)
            if tags[i]:
                i = self._element(i, exits)
            else:
                if i not in dropped:
                    self.text += data[i]  # type: ignore[operator]
                i += 1
        if self.text:
            self._say()
        for _, leave in reversed(exits):
            if leave is not None:
                leave(writer)
        writer.flush()

    def _say(self) -> None:
        """Writes the text that was collected: with what stood between left out, it is one."""
        self.writer.text(self.text[: self.left])
        self.left -= len(self.text)
        self.text = ""

    def _element(self, i: int, exits: list[tuple[int, Exit]]) -> int:
        """Writes the start of an element, or what stands for it; returns the node to go on with."""
        page, stands = self.page, self.stands
        tag, stop = page.tags[i], page.end[i]
        if i in self.at:
            if self.text:
                self._say()
            return self._figures(i)
        if tag in DROPPED or i in self.junk:
            if not self._holds_figure(i, stop):
                return stop
            self.dropped.update(node for node in range(i, stop) if not page.tags[node])
            tag = "div"
        if self.text:
            self._say()
        stands.attributes = self._kept(tag, i) if tag in KEPT_ATTRIBUTES else _NONE
        if "-" in tag and not stands.attributes:
            tag = "div"
        stands.tag, stands.node = tag, i
        self.left -= 2 * len(tag) + _TAG_SIZE
        descend, leave = enter(self.writer, tag, stands)
        if not descend:
            return i + 1 if tag in _VOID else stop
        if stop > i + 1:
            exits.append((stop, leave))
        elif leave is not None:
            leave(self.writer)
        return i + 1

    def _kept(self, tag: str, i: int) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        attrs = self.page.attrs(i)
        for name in KEPT_ATTRIBUTES[tag]:
            if value := attrs.get(name):
                found[name] = value if value.isprintable() else drop_controls(value)
                self.left -= len(value)
        return found

    def _holds_figure(self, i: int, stop: int) -> bool:
        n = bisect_left(self.starts, i)
        return n < len(self.starts) and self.starts[n] < stop

    def _figures(self, i: int) -> int:
        """Writes the pictures whose box begins at `i` or inside that box; returns the node after it."""
        stop = max(figure.stop for figure in self.at[i])
        for start in self.starts[bisect_left(self.starts, i) : bisect_left(self.starts, stop)]:
            for figure in self.at[start]:
                write_picture(self.writer, figure)
        return stop

    def lone_child(self, i: int) -> _Stands | None:
        """The one child of `i` that is written, None where there are several or none."""
        page = self.page
        found = -1
        j = i + 1
        while j < page.end[i]:
            tag = page.tags[j]
            if tag:
                written = (tag not in DROPPED and j not in self.junk) or self._holds_figure(j, page.end[j])
            else:
                written = j not in self.dropped
            if written and found >= 0:
                return None
            found = j if written else found
            j = page.end[j]
        return _Stands(page.tags[found], _NONE) if found >= 0 else None
