"""One walk over a parsed page that writes the small set of elements that an article is kept in.

Written: p h2-h6 ul ol li blockquote pre hr table caption thead tbody tr td th figure figcaption img, and inside text
a em strong b i u s sub sup small code time ruby rt rp br. Attributes: a[href] img[src alt width height] time[datetime]
ol[start] td,th[colspan rowspan]. Nothing of the source is copied through: every tag is written here and every text
and value escaped, so that what a page holds besides can't reach the output, however it is broken. Elements nest as
HTML's content model wants them, so that a second parser reads the same tree (no mutation XSS); text.html proves it.
"""

import re
from collections.abc import Callable, Mapping

from selectolax.lexbor import LexborNode

from baoguan.model.article import Embed, Picture
from baoguan.text.pictures import choose_source, is_picture_file, size_of, unwrap_proxy

Exit = str | Callable[[], None] | None

_INLINE = {
    "em": "em", "strong": "strong", "b": "b", "i": "i", "u": "u", "s": "s", "sub": "sub", "sup": "sup", "small": "small",
    "code": "code", "ruby": "ruby", "kbd": "code", "samp": "code", "tt": "code", "strike": "s", "del": "s", "cite": "i",
    "dfn": "i",
}  # fmt: skip
_BLOCK = frozenset(
    "div p section article main header footer aside nav address center dl dt dd details summary hgroup fieldset "
    "dialog search menu dir amp-carousel multicol".split()
)
_SKIP = frozenset(
    "script style template textarea select option optgroup datalist button input label legend output progress meter "
    "object embed applet param svg math canvas map area frame frameset noframes noembed title head meta link base "
    "track colgroup col xmp plaintext portal bgsound -comment marquee blink "
    "amp-ad amp-analytics amp-pixel amp-social-share amp-sidebar".split()
)
_HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6"}
_SECTIONS = {"thead": "thead", "tbody": "tbody", "tfoot": "tbody"}
_SPACES = re.compile(r"[ \t\n\r\f]{2,}|[\t\n\r\f]")
_TAGS = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"\s*<br>\s*")
_CJK_GAP = re.compile(r"(?<=[　-〿぀-ヿ㐀-鿿豈-﫿＀-￯])[ \t\n\r\f]*[\n\r][ \t\n\r\f]*(?=[　-〿぀-ヿ㐀-鿿豈-﫿＀-￯])")
_INVISIBLE = " \t\n\r\f\v\xa0\u3000\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xad"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_CAPTION_CLASS = re.compile(r"caption|legend|wsw__cap|图注|圖說")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_JUNK_CLASS = re.compile(
    r"(?:^|[\s_-])(?:sharedaddy|jp-relatedposts|addtoany\w*|a2a_kit|sharethis|share-?(?:bar|box|buttons?|links?|tools?|widget)"
    r"|social-?(?:share|links?|buttons?|media|bar)|adsbygoogle|print-link|selfpromo)(?:$|[\s_-])", re.IGNORECASE
)  # fmt: skip
_TRACKER = re.compile(r"^https?://(?:[^/]*\.)?(?:doubleclick\.net|scorecardresearch\.com|feedburner\.com/~|pixel\.wp\.com|"
                      r"google-analytics\.com|facebook\.com/tr|feeds\.feedburner\.com/~|stats\.wordpress\.com)")  # fmt: skip
_MAX_NESTED = 32
_MAX_FORM_TEXT = 3


def escape_text(text: str) -> str:
    """Text as HTML's serialiser writes it: & < > and the no-break space."""
    if not ("&" in text or "<" in text or ">" in text or "\xa0" in text):
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def escape_value(text: str) -> str:
    """An attribute's value, between double quotes."""
    return escape_text(text).replace('"', "&quot;")


def unescape_text(text: str) -> str:
    """Undoes escape_text and escape_value."""
    if "&" not in text:
        return text
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\xa0").replace("&quot;", '"')
    return text.replace("&amp;", "&")


def plain(html: str) -> str:
    """Text of inline mark-up that this module wrote; a line break for each <br>."""
    if "<" in html:
        if "<br>" in html:
            html = _BREAK.sub("\n", html)
        html = _TAGS.sub("", html)
    return unescape_text(html)


def _clean_value(value: str) -> str:
    return _SPACES.sub(" ", _CONTROL.sub("", value)).strip()


class _Frame:
    """A container that is being written: where its blocks go back to, and what its children were."""

    __slots__ = ("blocks", "cells", "kind", "last", "open", "para", "pictures")

    def __init__(self, kind: str, open_tag: str, writer: "Writer") -> None:
        self.kind = kind
        self.open = open_tag
        self.blocks = writer.blocks
        self.para = writer.para
        self.pictures = len(writer.pictures)
        self.cells = 0
        self.last: list[str] = []


class Writer:
    """What has been written so far of one article; `walk` does it all."""

    def __init__(
        self, link: Callable[[str], str], source: Callable[[str], str], *, attributes: bool, controls: bool
    ) -> None:
        """`link` and `source` make addresses of links and of pictures absolute (empty: refused).

        `attributes` says whether class, style and the like are worth asking for (a pre-filter saw something in them), `controls` whether a
        character reference may stand for a control character.
        """
        self.link = link
        self.source = source
        self.attributes = attributes
        self.controls = controls
        self.blocks: list[str] = []
        self.lines: list[str] = []
        self.pictures: list[Picture] = []
        self.embeds: list[Embed] = []
        self.flags: set[str] = set()
        self.para = "p"
        self.buf: list[str] = []
        self.opened: list[tuple[str, str]] = []
        self.written = 0
        self.frames: list[_Frame] = []
        self.href = ""
        self.pre = 0
        self.caption = False
        self.fig: tuple[list[str], int] | None = None
        self.lead_open = True

    # -- the walk ------------------------------------------------------------------------------------------------

    def walk(self, root: LexborNode) -> None:
        """Writes the children of `root`. No recursion: depth costs memory only."""
        node = root.first_child
        exits: list[tuple[LexborNode, Exit]] = []
        while True:
            while node is None:
                if not exits:
                    self.flush()
                    return
                parent, leave = exits.pop()
                self._leave(leave)
                node = parent.next
            tag = node.tag
            if tag == "-text":
                self.text(node.text_content or "")
                node = node.next
                continue
            enter, leave = self._enter(tag, node)
            child = node.first_child if enter else None
            if child is None:
                if enter:
                    self._leave(leave)
                node = node.next
            else:
                exits.append((node, leave))
                node = child

    def _leave(self, leave: Exit) -> None:
        if leave is None:
            return
        if isinstance(leave, str):
            self._close_inline()
        else:
            leave()

    def _enter(self, tag: str | None, node: LexborNode) -> tuple[bool, Exit]:
        """Whether to go on into `node`, and what to do after its last child."""
        if tag is None or tag in _SKIP:
            return False, None
        if self.attributes and tag not in _INLINE and self._is_junk(node):
            return False, None
        if tag in _BLOCK:
            return self._enter_block(tag, node)
        if tag in _INLINE:
            name = _INLINE[tag]
            return self._open_inline(name, f"<{name}>")
        special = _SPECIAL.get(tag)
        if special is not None:
            return special(self, tag, node)
        return True, None

    def _is_junk(self, node: LexborNode) -> bool:
        attributes = node.attributes
        if not attributes:
            return False
        style = attributes.get("style")
        if "hidden" in attributes or "data-selfpromo" in attributes or (style and _HIDDEN_STYLE.search(style)):
            return True
        label = attributes.get("aria-label")
        if label and label.startswith(("广告", "廣告", "advert", "Advert")):
            return True
        classes = attributes.get("class")
        return bool(classes) and _JUNK_CLASS.search(classes or "") is not None

    def _enter_block(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        if self.buf:
            self.flush()
        if self.fig is not None and not self.caption and self._is_caption(tag, node):
            return True, self._enter_caption()
        return True, self.flush

    def _is_caption(self, tag: str, node: LexborNode) -> bool:
        """The ancestors' caption: a lone <small> in a <div> after a picture; or a class that says so."""
        if self._captionless() is None:
            return False
        first = node.first_child
        if tag == "div" and first is not None and first.tag == "small" and first.next is None:
            return True
        classes = node.attributes.get("class")
        return bool(classes) and _CAPTION_CLASS.search(classes or "") is not None

    # -- text and inline elements --------------------------------------------------------------------------------

    def text(self, text: str) -> None:
        """A text node. White space that a browser would fold is folded; nothing else is touched."""
        if self.pre:
            text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " "))
        else:
            if "\n" in text or "  " in text or "\t" in text or "\r" in text or "\f" in text:
                text = _SPACES.sub(" ", _CJK_GAP.sub("", text))
            if not self.buf and (text == " " or not text):
                return
            if self.controls:
                text = _CONTROL.sub("", text)
        if not text:
            return
        if self.written < len(self.opened):
            self._reopen()
        self.buf.append(escape_text(text))

    def _reopen(self) -> None:
        self.buf.extend(opened for _, opened in self.opened[self.written :])
        self.written = len(self.opened)

    def _open_inline(self, name: str, opened: str) -> tuple[bool, Exit]:
        """Opened when text comes, so that nothing empty is written. The same element twice is once."""
        if (self.caption and name == "small") or any(name == other for other, _ in self.opened):
            return True, None
        self.opened.append((name, opened))
        return True, name

    def _close_inline(self) -> None:
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
        html = "".join(self.buf).strip(" ")
        self.buf = []
        while html.endswith("<br>"):
            html = html[:-4].rstrip(" ")
        while html.startswith("<br>"):
            html = html[4:].lstrip(" ")
        text = plain(html).strip(_INVISIBLE)
        if not text:
            return
        self.blocks.append(f"<{self.para}>{html}</{self.para}>")
        if not self.caption:
            self.lines.append(text)

    def _on_br(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del tag, node
        if self.pre:
            self.text("\n")
        elif self.buf:
            while self.buf and self.buf[-1] == " ":
                self.buf.pop()
            if self.buf and self.buf[-1] == "<br>" and not self.caption and self.para == "p":
                self.buf.pop()
                self.flush()
            elif self.buf:
                self.buf.append("<br>")
        return False, None

    def _on_link(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del tag
        href = node.attributes.get("href")
        url = self.link(href) if href else ""
        if not url or self.href:
            if href and href.lstrip().lower().startswith("javascript:"):
                self.flags.add("scripts")
            return True, None
        self.href = url
        return self._open_inline("a", f'<a href="{escape_value(url)}">')

    def _on_time(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        value = _clean_value(node.attributes.get("datetime") or "")
        return self._open_inline(tag, f'<time datetime="{escape_value(value)}">' if value else "<time>")

    def _on_ruby_part(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del node
        if self.opened and self.opened[-1][0] == "ruby":
            return self._open_inline(tag, f"<{tag}>")
        return True, None

    # -- blocks --------------------------------------------------------------------------------------------------

    def _on_heading(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del node
        self.flush()
        before, self.para = self.para, "p" if self.caption or self._inside("li", "td") else _HEADINGS[tag]

        def leave() -> None:
            self.flush()
            self.para = before

        return True, leave

    def _on_hr(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del tag, node
        self.flush()
        if not self.frames and self.blocks and self.blocks[-1] != "<hr>":
            self.blocks.append("<hr>")
        return False, None

    def _on_pre(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del tag, node
        if self.caption:
            return True, None
        self.flush()
        before, self.para = self.para, "pre"
        self.pre += 1

        def leave() -> None:
            self.pre -= 1
            if not self.pre and self.buf:
                self.buf[0] = self.buf[0].lstrip("\n")
                first = next((i for i, piece in enumerate(self.buf) if piece), 0)
                self.buf[first] = self.buf[first].lstrip("\n")
            self.flush()
            self.para = before

        return True, leave

    def _on_form(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        """Dropped with its text; but some sites wrap the whole page in one."""
        del tag
        self.flush()
        if len(node.css("p")) >= _MAX_FORM_TEXT:
            return True, self.flush
        self.flags.add("forms")
        return False, None

    def _inside(self, *kinds: str) -> bool:
        return bool(self.frames) and self.frames[-1].kind in kinds

    def _push(self, kind: str, opened: str) -> None:
        self.flush()
        frame = _Frame(kind, opened, self)
        self.frames.append(frame)
        self.blocks = []
        self.para = "p"
        self.fig = None

    def _pop(self) -> tuple[_Frame, list[str]]:
        self.flush()
        frame = self.frames.pop()
        children, self.blocks, self.para = self.blocks, frame.blocks, frame.para
        self.fig = None
        return frame, children

    def _on_container(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del node
        if self.caption or self.pre or len(self.frames) >= _MAX_NESTED:
            self.flush()
            return True, self.flush
        self._push(tag, f"<{tag}>")
        return True, self._leave_container

    def _leave_container(self) -> None:
        frame, children = self._pop()
        if frame.kind in ("ul", "ol"):
            children = [child if child.startswith("<li>") else f"<li>{child}</li>" for child in children]
        if children:
            self.blocks.append(frame.open + "".join(children) + f"</{frame.kind}>")

    def _on_li(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del node
        if not self._inside("ul", "ol"):
            self.flush()
            return True, self.flush
        self._push(tag, "<li>")
        return True, self._leave_cell

    def _leave_cell(self) -> None:
        """li, td, th: a lone first paragraph stands without its <p>."""
        frame, children = self._pop()
        if self.frames:
            self.frames[-1].cells += 1
            self.frames[-1].last = children
        if not children and frame.kind == "li":
            return
        paragraphs = sum(child.startswith("<p>") for child in children)
        if paragraphs == 1 and children[0].startswith("<p>"):
            children = [children[0][3:-4], *children[1:]]
        self.blocks.append(frame.open + "".join(children) + f"</{frame.kind}>")

    # -- tables --------------------------------------------------------------------------------------------------

    def _on_table(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del node
        if self.caption or self.pre or len(self.frames) >= _MAX_NESTED:
            self.flush()
            return True, self.flush
        self._push(tag, "<table>")
        return True, self._leave_table

    def _leave_table(self) -> None:
        frame, children = self._pop()
        if frame.cells == 1:
            self.blocks.extend(frame.last)
        elif rows := [child for child in children if child.startswith(("<caption>", "<thead>", "<tbody>"))]:
            self.blocks.append(f"<table>{''.join(rows)}</table>")

    def _on_table_part(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        """thead, tbody, tfoot, tr, td, th, caption: only where the content model has them, else mere blocks."""
        name = _SECTIONS.get(tag, tag)
        parent = {"tr": ("thead", "tbody"), "td": ("tr",), "th": ("tr",)}.get(tag, ("table",))
        if not self._inside(*parent):
            self.flush()
            return True, self.flush
        if name in ("td", "th"):
            self._push(name, f"<{name}{_spans(node.attributes)}>")
            return True, self._leave_cell
        self._push(name, f"<{name}>")
        return True, self._leave_caption_part if name == "caption" else self._leave_rows

    def _leave_rows(self) -> None:
        frame, children = self._pop()
        wanted = ("<td", "<th") if frame.kind == "tr" else ("<tr>",)
        children = [child for child in children if child.startswith(wanted)]
        if self.frames:
            self.frames[-1].cells += frame.cells
            self.frames[-1].last = frame.last
        if children:
            self.blocks.append(frame.open + "".join(children) + f"</{frame.kind}>")

    def _leave_caption_part(self) -> None:
        _, children = self._pop()
        text = "<br>".join(child[3:-4] for child in children if child.startswith("<p>"))
        if text:
            self.blocks.append(f"<caption>{text}</caption>")

    # -- pictures, media, frames ---------------------------------------------------------------------------------

    def _captionless(self) -> int | None:
        """Index of the block that is a figure still without caption, when it is the last one here."""
        if self.fig is None or self.buf:
            return None
        blocks, index = self.fig
        return index if blocks is self.blocks and len(blocks) == index + 1 else None

    def _on_figure(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del tag, node
        self.flush()
        self.fig = None
        return True, self.flush

    def _on_figcaption(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del tag, node
        self.flush()
        if self.caption:
            return True, self.flush
        return True, self._enter_caption()

    def _enter_caption(self) -> Callable[[], None]:
        fig = self.fig if self._captionless() is not None else None
        frame = _Frame("figcaption", "", self)
        self.blocks = []
        self.para = "p"
        self.caption = True

        def leave() -> None:
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
        if not block.endswith("></figure>") and not block.endswith("</a></figure>"):
            return
        blocks[index] = f"{block[:-9]}<figcaption>{html}</figcaption></figure>"
        caption = _SPACES.sub(" ", plain(html)).strip()
        if self.pictures:
            last = self.pictures[-1]
            self.pictures[-1] = Picture(
                url=last.url, candidates=last.candidates, alt=last.alt, caption=caption, credit=last.credit,
                width=last.width, height=last.height, lead=last.lead,
            )  # fmt: skip

    def _on_image(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        attributes = node.attributes
        width, height = size_of(attributes.get("width")), size_of(attributes.get("height"))
        alt = _clean_value(attributes.get("alt") or "")
        if self._is_small(attributes, width, height, alt):
            return False, None
        extra: list[str] = []
        parent = node.parent
        if parent is not None and parent.tag == "picture":
            extra = [
                s for n in parent.css("source") if (s := n.attributes.get("srcset") or n.attributes.get("data-srcset"))
            ]
        url, candidates = choose_source(attributes, extra, self.source)
        if url and not _TRACKER.match(url):
            self.figure(url, candidates, alt, (width, height))
        return False, None

    def _is_small(self, attributes: Mapping[str, str | None], width: int | None, height: int | None, alt: str) -> bool:
        """Trackers vanish; pictures that stand for a character become it."""
        if (width is not None and width <= 2) or (height is not None and height <= 2):
            return True
        if (
            len(alt) <= 2
            and alt
            and not alt.isalnum()
            and "emoji" in (attributes.get("class") or "") + (attributes.get("src") or "")
        ):
            self.text(alt)
            return True
        return False

    def figure(
        self, url: str, candidates: tuple[str, ...], alt: str, size: tuple[int | None, int | None], link: str = ""
    ) -> None:
        """Writes a picture as a block of its own; `link` is the video that it stands for."""
        if self.href and is_picture_file(self.href) and self.href != url and self.href not in candidates:
            candidates = (unwrap_proxy(self.href), *candidates)
        if self.pictures and self.pictures[-1].url == url:
            return
        self.flush()
        lead = self.lead_open and not self.pictures and not self.lines
        width, height = size
        self.pictures.append(
            Picture(url=url, candidates=candidates, alt=alt, width=width, height=height, lead=lead)
        )  # fmt: skip
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

    def _on_media(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        """video, audio: a link to the file, under its poster where it has one."""
        attributes = node.attributes
        sources = [attributes.get("src"), attributes.get("data-src")]
        sources += [source.attributes.get("src") for source in node.css("source")]
        url = next((found for value in sources if value and (found := self.link(value))), "")
        poster_value = attributes.get("poster") or attributes.get("data-poster") or ""
        poster = self.source(poster_value) if poster_value else ""
        kind = tag.removeprefix("amp-")
        if url:
            self.embeds.append(Embed(kind=kind, url=url, poster=poster))
        if poster:
            self.figure(poster, (), "", (size_of(attributes.get("width")), size_of(attributes.get("height"))), url)
        elif url:
            self._link_block(url, url.partition("?")[0].rpartition("/")[2] or url)
        return False, None

    def _link_block(self, url: str, label: str) -> None:
        self.flush()
        if not self.caption:
            self.blocks.append(f'<p><a href="{escape_value(url)}">▶ {escape_text(_clean_value(label))}</a></p>')

    def _on_frame(self, tag: str, node: LexborNode) -> tuple[bool, Exit]:
        del tag
        self.flush()
        attributes = node.attributes
        width, height = size_of(attributes.get("width")), size_of(attributes.get("height"))
        value = attributes.get("src") or attributes.get("data-src") or ""
        url = self.link(value) if value else ""
        if url and not (width is not None and width <= 2) and not (height is not None and height <= 2):
            self.flags.add("frames")
            self.embeds.append(Embed(kind="frame", url=url))
            self._link_block(url, url.split("/", 3)[2])
        return False, None


def _spans(attributes: Mapping[str, str | None]) -> str:
    found = ""
    for name in ("colspan", "rowspan"):
        value = attributes.get(name) or ""
        if value.isascii() and value.isdigit() and 1 < int(value) <= 1000:  # noqa: PLR2004
            found += f' {name}="{int(value)}"'
    return found


_SPECIAL: dict[str, Callable[[Writer, str, LexborNode], tuple[bool, Exit]]] = {
    "a": Writer._on_link,
    "br": Writer._on_br,
    "hr": Writer._on_hr,
    "img": Writer._on_image,
    "amp-img": Writer._on_image,
    "amp-anim": Writer._on_image,
    "figure": Writer._on_figure,
    "figcaption": Writer._on_figcaption,
    "video": Writer._on_media,
    "audio": Writer._on_media,
    "amp-video": Writer._on_media,
    "amp-audio": Writer._on_media,
    "iframe": Writer._on_frame,
    "amp-iframe": Writer._on_frame,
    "pre": Writer._on_pre,
    "form": Writer._on_form,
    "time": Writer._on_time,
    "rt": Writer._on_ruby_part,
    "rp": Writer._on_ruby_part,
    "li": Writer._on_li,
    "table": Writer._on_table,
    **dict.fromkeys(("ul", "ol", "blockquote"), Writer._on_container),
    **dict.fromkeys(_HEADINGS, Writer._on_heading),
    **dict.fromkeys(("caption", "thead", "tbody", "tfoot", "tr", "td", "th"), Writer._on_table_part),
}
