"""What has been written so far of one article: paragraphs, containers, pictures and their captions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from baoguan.model.article import Embed, Picture
from baoguan.text.escape import FOLDED, INVISIBLE, clean_value, drop_controls, escape_text, escape_value, fold, plain
from baoguan.text.pictures import is_picture_file, unwrap_proxy

Exit = Callable[["Writer"], None] | None
"""What to do after an element's last child."""

MAX_NESTED = 32


class Node(Protocol):
    """What is asked of an element: one of selectolax, or what stands for one of an already flattened page."""

    @property
    def tag(self) -> str | None: ...
    @property
    def attributes(self) -> Mapping[str, str | None]: ...
    @property
    def first_child(self) -> "Node | None": ...
    @property
    def next(self) -> "Node | None": ...
    @property
    def parent(self) -> "Node | None": ...
    def css(self, query: str, /) -> "Sequence[Node]": ...


def _trim(html: str) -> str:
    html = html.strip(" ")
    if "<br>" not in html:
        return html
    while html.endswith("<br>"):
        html = html[:-4].rstrip(" ")
    while html.startswith("<br>"):
        html = html[4:].lstrip(" ")
    return html


class Frame:
    """A container that is being written: where its blocks go back to, and what its children were."""

    __slots__ = ("blocks", "cells", "kind", "last", "open", "para")

    def __init__(self, kind: str, open_tag: str, writer: "Writer") -> None:
        self.kind = kind
        self.open = open_tag
        self.blocks = writer.blocks
        self.para = writer.para
        self.cells = 0
        self.last: list[str] = []


class Writer:
    """What has been written so far of one article; `walk` does it all."""

    def __init__(
        self, link: Callable[[str], str], source: Callable[[str], str], *, attributes: bool, controls: bool
    ) -> None:
        """`link` and `source` make addresses of links and of pictures absolute (empty: refused).

        `attributes` says whether class, style and the like are worth asking for (a pre-filter saw something in them),
        `controls` whether a character reference may stand for a control character.
        """
        self.link = link
        self.source = source
        self.attributes = attributes
        self.controls = controls
        self.blocks: list[str] = []
        self.texts = 0
        self.pictures: list[Picture] = []
        self.embeds: list[Embed] = []
        self.flags: set[str] = set()
        self.para = "p"
        self.buf: list[str] = []
        self.opened: list[tuple[str, str]] = []
        self.written = 0
        self.frames: list[Frame] = []
        self.href = ""
        self.pre = 0
        self.caption = False
        self.fig: tuple[list[str], int] | None = None

    def text(self, text: str) -> None:
        """A text node. White space that a browser would fold is folded; nothing else is touched."""
        if self.pre:
            text = drop_controls(text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " "))
        else:
            if "\n" in text or "  " in text or "\t" in text or "\r" in text or "\f" in text:
                text = fold(text) if text.strip(FOLDED) else " "
            if not self.buf and (text == " " or not text):
                return
            if self.controls:
                text = drop_controls(text)
        if not text:
            return
        if self.written < len(self.opened):
            self._reopen()
        self.buf.append(escape_text(text))

    def paragraph(self, text: str) -> None:
        """A paragraph of nothing but one text, neither preformatted nor a caption's: flush, text, flush."""
        if self.buf:
            self.flush()
        if self.opened or self.controls or "\n" in text or "  " in text or "\t" in text or "\r" in text or "\f" in text:
            self.text(text)
            self.flush()
        elif text.strip(INVISIBLE):
            self.blocks.append(f"<{self.para}>{escape_text(text).strip(' ')}</{self.para}>")
            self.texts += not self.caption
            self.fig = None

    def _reopen(self) -> None:
        for _, opened in self.opened[self.written :]:
            self.buf.append(opened)
        self.written = len(self.opened)

    def open_inline(self, name: str, opened: str) -> tuple[bool, Exit]:
        """Opened when text comes, so that nothing empty is written. The same element twice is once."""
        if (self.caption and name == "small") or (self.opened and any(name == other for other, _ in self.opened)):
            return True, None
        self.opened.append((name, opened))
        return True, Writer.close_inline

    def close_inline(self) -> None:
        """Closes the innermost inline element, in the output only where it was opened there."""
        name, _ = self.opened.pop()
        if self.written > len(self.opened):
            self.written -= 1
            self.buf.append(f"</{name}>")
        if name == "a":
            self.href = ""

    def flush(self) -> None:
        """Ends the paragraph that is being written, when there is one."""
        if not self.buf:
            return
        while self.written:
            self.written -= 1
            self.buf.append(f"</{self.opened[self.written][0]}>")
        html = self.buf[0] if len(self.buf) == 1 else "".join(self.buf)
        self.buf = []
        para = self.para
        # A parser drops a newline right after <pre>.
        html = html.strip("\n") if para == "pre" else _trim(html)
        if not (plain(html) if "<" in html or "&" in html else html).strip(INVISIBLE):
            return
        self.blocks.append(f"<{para}>{html}</{para}>")
        self.texts += not self.caption
        self.fig = None

    def line_break(self) -> None:
        """<br>; two of them end the paragraph."""
        if self.pre:
            self.text("\n")
            return
        while self.buf and self.buf[-1] == " ":
            self.buf.pop()
        if not self.buf:
            return
        if self.buf[-1] == "<br>" and not self.caption and self.para == "p":
            self.buf.pop()
            self.flush()
        else:
            self.buf.append("<br>")

    def inside(self, *kinds: str) -> bool:
        """Whether the innermost container is one of these."""
        return bool(self.frames) and self.frames[-1].kind in kinds

    def push(self, kind: str, opened: str) -> None:
        """Starts a container."""
        self.flush()
        frame = Frame(kind, opened, self)
        self.frames.append(frame)
        self.blocks = []
        self.para = "p"
        self.fig = None

    def pop(self) -> tuple[Frame, list[str]]:
        """Ends a container; returns it and its blocks."""
        self.flush()
        frame = self.frames.pop()
        children, self.blocks, self.para = self.blocks, frame.blocks, frame.para
        self.fig = None
        return frame, children

    def captionless(self) -> int | None:
        """Index of the block that is a figure still without caption, when it is the last one here."""
        if self.fig is None or self.buf:
            return None
        blocks, index = self.fig
        return index if blocks is self.blocks and len(blocks) == index + 1 else None

    def enter_caption(self) -> Callable[["Writer"], None]:
        """What comes now is the caption of the picture just written or of the next one, or stands as small print."""
        fig = self.fig if self.captionless() is not None else None
        frame = Frame("figcaption", "", self)
        self.blocks = []
        self.para = "p"
        self.caption = True

        def leave(_: "Writer") -> None:
            self.flush()
            children, self.blocks, self.para = self.blocks, frame.blocks, frame.para
            self.caption = False
            text = "<br>".join(child[3:-4] for child in children if child.startswith("<p>"))
            others = [child for child in children if not child.startswith("<p>")]
            self.fig = fig
            if fig is None and others and others[-1].startswith("<figure>"):
                self.blocks.extend(others)
                self.fig, others = (self.blocks, len(self.blocks) - 1), []
            if text and self.fig is not None:
                self._set_caption(text)
            elif text:
                self.blocks.append(f"<p><small>{text}</small></p>")
            self.blocks.extend(others)

        return leave

    def _set_caption(self, html: str) -> None:
        if self.fig is None:
            return
        blocks, index = self.fig
        self.fig = None
        block = blocks[index]
        blocks[index] = f"{block[:-9]}<figcaption>{html}</figcaption></figure>"
        caption = clean_value(plain(html))
        if self.pictures:
            last = self.pictures[-1]
            self.pictures[-1] = msgspec.structs.replace(last, caption=caption)

    def figure(
        self, url: str, candidates: tuple[str, ...], alt: str, size: tuple[int | None, int | None], link: str = ""
    ) -> None:
        """Writes a picture as a block of its own; `link` is the video that it stands for."""
        if self.href and is_picture_file(self.href) and self.href != url and self.href not in candidates:
            candidates = (unwrap_proxy(self.href), *candidates)
        if self.pictures and self.pictures[-1].url == url:
            return
        self.flush()
        lead = not self.pictures and not self.texts
        width, height = size
        self.pictures.append(Picture(url=url, candidates=candidates, alt=alt, width=width, height=height, lead=lead))
        image = f'<img src="{escape_value(url)}" alt="{escape_value(alt)}"'
        if width:
            image += f' width="{width}"'
        if height:
            image += f' height="{height}"'
        image += ">"
        if link:
            image = f'<a href="{escape_value(link)}">{image}</a>'
        self.blocks.append(f"<figure>{image}</figure>")
        self.fig = (self.blocks, len(self.blocks) - 1)

    def link_block(self, url: str, label: str) -> None:
        """A film, a sound or a frame that is kept as its address."""
        self.flush()
        if not self.caption:
            self.blocks.append(f'<p><a href="{escape_value(url)}">▶ {escape_text(clean_value(label))}</a></p>')
