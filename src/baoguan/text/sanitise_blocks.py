"""Headings, preformatted text, lists, quotes and tables, as HTML's content model wants them."""

from collections.abc import Mapping

from baoguan.text.sanitise_state import MAX_NESTED, Exit, Node, Writer

HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6"}
_SECTIONS = {"thead": "thead", "tbody": "tbody", "tfoot": "tbody"}
_MANY_PARAGRAPHS = 3
_MAX_SPAN = 1000


def on_heading(writer: Writer, tag: str, _node: Node) -> tuple[bool, Exit]:
    """h1 is the title's, so that it becomes an h2; in cells and captions mere text."""
    if writer.pre:
        return True, None
    writer.flush()
    before, writer.para = writer.para, "p" if writer.caption or writer.inside("li", "td") else HEADINGS[tag]

    def leave(_: Writer) -> None:
        writer.flush()
        writer.para = before

    return True, leave


def on_hr(writer: Writer, _tag: str, _node: Node) -> tuple[bool, Exit]:
    """A rule between blocks of the top level, never first, last or twice."""
    writer.flush()
    if not writer.frames and writer.blocks and writer.blocks[-1] != "<hr>":
        writer.blocks.append("<hr>")
    return False, None


def on_pre(writer: Writer, _tag: str, _node: Node) -> tuple[bool, Exit]:
    """White space is kept as it is."""
    if writer.caption:
        return True, None
    writer.flush()
    before, writer.para = writer.para, "pre"
    writer.pre += 1

    def leave(_: Writer) -> None:
        writer.flush()
        writer.pre -= 1
        writer.para = before

    return True, leave


def on_form(writer: Writer, _tag: str, node: Node) -> tuple[bool, Exit]:
    """Dropped with its text; but some sites wrap the whole page in one."""
    writer.flush()
    if len(node.css("p")) >= _MANY_PARAGRAPHS:
        return True, Writer.flush
    writer.flags.add("forms")
    return False, None


def on_container(writer: Writer, tag: str, _node: Node) -> tuple[bool, Exit]:
    """A list or a quotation: holds blocks, and vanishes when it stays empty."""
    if writer.caption or writer.pre or len(writer.frames) >= MAX_NESTED:
        writer.flush()
        return True, Writer.flush
    writer.push(tag, f"<{tag}>")
    return True, _leave_container


def _leave_container(writer: Writer) -> None:
    frame, children = writer.pop()
    if frame.kind in ("ul", "ol"):
        children = [child if child.startswith("<li>") else f"<li>{child}</li>" for child in children]
    if children:
        writer.blocks.append(frame.open + "".join(children) + f"</{frame.kind}>")


def on_li(writer: Writer, tag: str, _node: Node) -> tuple[bool, Exit]:
    """An item of a list; elsewhere a mere block."""
    if not writer.inside("ul", "ol"):
        writer.flush()
        return True, Writer.flush
    writer.push(tag, "<li>")
    return True, _leave_cell


def _leave_cell(writer: Writer) -> None:
    """li, td, th: a lone first paragraph stands without its <p>."""
    frame, children = writer.pop()
    if writer.frames:
        writer.frames[-1].cells += 1
        writer.frames[-1].last = children
    if not children and frame.kind == "li":
        return
    paragraphs = sum(child.startswith("<p>") for child in children)
    if paragraphs == 1 and children[0].startswith("<p>"):
        children = [children[0][3:-4], *children[1:]]
    writer.blocks.append(frame.open + "".join(children) + f"</{frame.kind}>")


def on_table(writer: Writer, tag: str, _node: Node) -> tuple[bool, Exit]:
    """A table: written whole or not at all."""
    if writer.caption or writer.pre or len(writer.frames) >= MAX_NESTED:
        writer.flush()
        return True, Writer.flush
    writer.push(tag, "<table>")
    return True, _leave_table


def _leave_table(writer: Writer) -> None:
    frame, children = writer.pop()
    if frame.cells == 1:
        writer.blocks.extend(frame.last)
    elif rows := [child for child in children if child.startswith(("<caption>", "<thead>", "<tbody>"))]:
        writer.blocks.append(f"<table>{''.join(rows)}</table>")


def on_table_part(writer: Writer, tag: str, node: Node) -> tuple[bool, Exit]:
    """thead, tbody, tfoot, tr, td, th, caption: only where the content model has them, else mere blocks."""
    name = _SECTIONS.get(tag, tag)
    parent = {"tr": ("thead", "tbody"), "td": ("tr",), "th": ("tr",)}.get(tag, ("table",))
    if not writer.inside(*parent):
        writer.flush()
        return True, Writer.flush
    if name in ("td", "th"):
        writer.push(name, f"<{name}{_spans(node.attributes)}>")
        return True, _leave_cell
    writer.push(name, f"<{name}>")
    return True, _leave_caption_part if name == "caption" else _leave_rows


def _leave_rows(writer: Writer) -> None:
    frame, children = writer.pop()
    wanted = ("<td", "<th") if frame.kind == "tr" else ("<tr>",)
    children = [child for child in children if child.startswith(wanted)]
    if writer.frames:
        writer.frames[-1].cells += frame.cells
        writer.frames[-1].last = frame.last
    if children:
        writer.blocks.append(frame.open + "".join(children) + f"</{frame.kind}>")


def _leave_caption_part(writer: Writer) -> None:
    _, children = writer.pop()
    text = "<br>".join(child[3:-4] for child in children if child.startswith("<p>"))
    if text:
        writer.blocks.append(f"<caption>{text}</caption>")


def _spans(attributes: Mapping[str, str | None]) -> str:
    found = ""
    for name in ("colspan", "rowspan"):
        value = attributes.get(name) or ""
        if value.isascii() and value.isdigit() and 1 < int(value[:6]) <= _MAX_SPAN:
            found += f' {name}="{int(value[:6])}"'
    return found
