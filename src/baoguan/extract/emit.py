"""Writes the kept part of a page as plain mark-up, which text.html then sanitises and normalises."""

from collections.abc import Iterable

from baoguan.extract.layout import Layout
from baoguan.extract.figures import Figure

_VOID = frozenset(("br", "hr", "img", "wbr"))
_DROPPED = frozenset(
    "script style template svg math button form input select textarea label img amp-img source link meta object embed".split()
)
_KEPT_ATTRIBUTES = {
    "a": ("href",), "time": ("datetime",), "td": ("colspan", "rowspan"), "th": ("colspan", "rowspan"), "ol": ("start",),
    "video": ("src", "poster", "data-src"), "audio": ("src", "data-src"), "iframe": ("src", "data-src", "width", "height"),
    "amp-video": ("src", "poster"), "amp-iframe": ("src",),
}  # fmt: skip
_MEDIA = ("video", "audio")


def escape(text: str) -> str:
    """Text and values for mark-up."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def write_figure(figure: Figure) -> str:
    """A picture with caption and credit in the one form that is kept."""
    size = "".join(
        f' {name}="{value}"'
        for name, value in (("width", figure.width), ("height", figure.height))
        if value and value > 2  # noqa: PLR2004
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
    page = layout.page
    at = {figure.start: figure for figure in figures}
    out: list[str] = []
    for root in roots:
        _write(layout, root, page.end[root], dropped, at, out)
    return "".join(out)


def _write(layout: Layout, i: int, stop: int, dropped: set[int], at: dict[int, Figure], out: list[str]) -> None:
    tags, data, ends = layout.page.tags, layout.page.data, layout.page.end
    junk = layout.junk
    closing: list[tuple[int, str]] = []
    while True:
        while closing and closing[-1][0] <= i:
            out.append(closing.pop()[1])
        if i >= stop:
            return
        tag = tags[i]
        if i in at:
            out.append(write_figure(at[i]))
            i = _after_figure(layout, i, at, out)
            continue
        if not tag:
            if i not in dropped:
                out.append(escape(data[i]))  # type: ignore[arg-type]
            i += 1
            continue
        foreign = tag in _DROPPED or i in junk
        if foreign and not _holds_figure(i, ends[i], at):
            i = ends[i]
            continue
        if foreign:
            for node in range(i, ends[i]):
                if not tags[node]:
                    dropped.add(node)
        _open("div" if foreign else tag, data[i], i, ends[i], out, closing)  # type: ignore[arg-type]
        i += 1


def _after_figure(layout: Layout, i: int, at: dict[int, Figure], out: list[str]) -> int:
    """Writes the other figures of the same wrapper and returns the node after it."""
    stop = at[i].stop
    out.extend(write_figure(figure) for start, figure in at.items() if i < start < stop)
    return stop


def _holds_figure(i: int, stop: int, at: dict[int, Figure]) -> bool:
    return any(i <= start < stop for start in at)


def _open(
    tag: str, attrs: dict[str, str | None], i: int, stop: int, out: list[str], closing: list[tuple[int, str]]
) -> None:
    if tag in _VOID:
        out.append(f"<{tag}>")
        return
    written = ""
    for name in _KEPT_ATTRIBUTES.get(tag, ()):
        if value := attrs.get(name):
            written += f' {name}="{escape(value)}"'
    if tag in _MEDIA:
        out.append(f"<{tag}{written}>")
        closing.append((stop, f"</{tag}>"))
        return
    if "-" in tag and not written:
        tag = "div"
    out.append(f"<{tag}{written}>")
    if stop > i:
        closing.append((stop, f"</{tag}>"))
