"""Writes the kept part of a page as plain mark-up, before sanitising: what the exact export of the ancestors' form is
made of. The clean body of the same nodes is written by extract.body.
"""

from bisect import bisect_left
from collections.abc import Iterable

from baoguan.extract.layout import Layout
from baoguan.extract.picture import Figure

_VOID = frozenset(("br", "hr", "img", "wbr"))
DROPPED_TEXT = """script style template svg math button form input select textarea label img amp-img source link meta
    object embed"""
DROPPED = frozenset(DROPPED_TEXT.split())
KEPT_ATTRIBUTES = {
    "a": ("href",),
    "time": ("datetime",),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan"),
    "ol": ("start",),
    "video": ("src", "poster", "data-src"),
    "audio": ("src", "data-src"),
    "iframe": ("src", "data-src", "width", "height"),
    "amp-video": ("src", "poster"),
    "amp-iframe": ("src",),
}


def escape(text: str) -> str:
    """Text and values for mark-up."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def write_figure(figure: Figure) -> str:
    """A picture with caption and credit in the one form that is kept."""
    size = "".join(
        f' {name}="{value}"'
        for name, value in (("width", figure.width), ("height", figure.height))
        if value and value > 2
    )
    html = f'<figure><img src="{escape(figure.url)}" alt="{escape(figure.alt)}"{size}>'
    caption = escape(figure.caption)
    if figure.credit and figure.credit not in figure.caption:
        caption = (
            f"{caption} <small>{escape(figure.credit)}</small>"
            if caption
            else f"<small>{escape(figure.credit)}</small>"
        )
    if caption:
        html += f"<figcaption>{caption}</figcaption>"
    return html + "</figure>"


def write_body(layout: Layout, roots: Iterable[int], dropped: set[int], figures: list[Figure]) -> str:
    """The mark-up under `roots`, without junk elements and without the text nodes in `dropped`."""
    writer = _Writer(layout, dropped, figures)
    for root in roots:
        writer.write(root, layout.page.end[root])
    return "".join(writer.out)


class _Writer:
    """One pass over the container; `out` is what was written."""

    def __init__(self, layout: Layout, dropped: set[int], figures: list[Figure]) -> None:
        self.layout = layout
        self.dropped = dropped
        self.at: dict[int, list[Figure]] = {}
        for figure in figures:
            self.at.setdefault(figure.start, []).append(figure)
        self.starts = sorted(self.at)
        self.out: list[str] = []

    def write(self, i: int, stop: int) -> None:
        """Writes the nodes from `i` to before `stop`."""
        tags, data = self.layout.page.tags, self.layout.page.data
        closing: list[tuple[int, str]] = []
        while True:
            while closing and closing[-1][0] <= i:
                self.out.append(closing.pop()[1])
            if i >= stop:
                return
            if tags[i]:
                i = self._element(i, closing)
            else:
                if i not in self.dropped:
                    self.out.append(escape(data[i]))  # type: ignore[arg-type]
                i += 1

    def _element(self, i: int, closing: list[tuple[int, str]]) -> int:
        """Writes the start of an element, or what stands for it; returns the node to go on with."""
        page = self.layout.page
        tag, stop = page.tags[i], page.end[i]
        if i in self.at:
            return self._figures(i)
        if tag in DROPPED or i in self.layout.junk:
            n = bisect_left(self.starts, i)
            if n == len(self.starts) or self.starts[n] >= stop:
                return stop
            self.dropped.update(node for node in range(i, stop) if not page.tags[node])
            tag = "div"
        _open(tag, page.attrs(i), stop if stop > i else i, self.out, closing)
        return i + 1

    def _figures(self, i: int) -> int:
        """Writes the pictures whose box begins at `i` or inside that box; returns the node after it."""
        stop = max(figure.stop for figure in self.at[i])
        for start in self.starts[bisect_left(self.starts, i) : bisect_left(self.starts, stop)]:
            self.out.extend(write_figure(figure) for figure in self.at[start])
        return stop


def _open(tag: str, attrs: dict[str, str | None], stop: int, out: list[str], closing: list[tuple[int, str]]) -> None:
    if tag in _VOID:
        out.append(f"<{tag}>")
        return
    written = ""
    for name in KEPT_ATTRIBUTES.get(tag, ()):
        if value := attrs.get(name):
            written += f' {name}="{escape(value)}"'
    if "-" in tag and not written:
        tag = "div"
    out.append(f"<{tag}{written}>")
    closing.append((stop, f"</{tag}>"))
