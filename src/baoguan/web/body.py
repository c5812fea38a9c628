"""Stored body -> what a page or a feed shows: sanitised again, pictures from the archive, none from other hosts."""

import re
from collections.abc import Iterable, Mapping
from html import escape, unescape

import msgspec

from baoguan.model.log import MediaRef
from baoguan.model.photo import Look
from baoguan.web.pictures import Shot, digest_of, on_tap, picture_html
from baoguan.web.safety import clean, kept_path

# Exact on what nh3 writes: text never holds a bare <, values stand in double quotes and never hold one.
_TAG = re.compile(r'<(/?)([a-z0-9]+)((?: [^\s"=<>]+="[^"]*")*) ?/?>')
_ATTRIBUTE = re.compile(r' ([^\s"=<>]+)="([^"]*)"')


class BodyStyle(msgspec.Struct, frozen=True, kw_only=True):
    """How a body is shown."""

    base: str = ""
    """Put before /media/...; a scheme and a host for feeds, empty for pages."""
    no_picture: str
    """Words in place of a picture that is not kept."""
    eager_first: bool = True
    """The first picture is loaded at once, the others when they come near."""
    photo: str = ""
    """Words of the mark that leads from a picture to the page of its photo; empty: no mark."""
    tap: str = ""
    """Words in front of a picture that is shown on tap; empty: pictures are shown."""
    variants: bool = False
    """Renditions are served."""
    looks: Mapping[str, Look] = {}
    """By sha256 of the picture."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A body as shown."""

    html: str
    pictures: int = 0
    """Kept ones among them."""
    missing: int = 0


def show_body(body: str, media: Iterable[MediaRef], style: BodyStyle) -> Shown:
    """`body` as safe HTML in which every picture is the archive's own, with its size, or a placeholder."""
    show = _Show(media, style)
    html = _TAG.sub(show.tag, clean(body))
    return Shown(html=html, pictures=show.pictures, missing=show.missing)


class _Show:
    """One pass over the tags of a clean body; knows whether it stands in a link."""

    def __init__(self, media: Iterable[MediaRef], style: BodyStyle) -> None:
        self._style = style
        self._by_key: dict[str, MediaRef] = {}
        for ref in media:
            if ref.path:
                self._by_key.setdefault(ref.url, ref)
                self._by_key.setdefault(ref.path, ref)
        self._in_link = False
        self.pictures = 0
        self.missing = 0

    def tag(self, match: re.Match[str]) -> str:
        """What stands in the page for one tag."""
        closing, name, attributes = match.groups()
        if name == "a":
            self._in_link = not closing
            return match[0].replace(' href="media/', f' href="{escape(self._style.base)}/media/')
        if name == "h1":  # the page has one already: the title
            return f"<{closing}h2{attributes}>"
        return self._picture(attributes) if name == "img" else match[0]

    def _picture(self, attributes: str) -> str:
        given = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
        src, alt = given.get("src", ""), given.get("alt", "")
        path = kept_path(src) if not src.startswith(("http:", "https:")) else None
        ref = self._by_key.get(path or src)
        path = path or (kept_path(ref.path) if ref else None)
        if path is None:
            self.missing += 1
            return self._placeholder(src, alt)
        self.pictures += 1
        width, height = _size(ref, given)
        digest = digest_of(path)
        shot = Shot(
            path=path,
            alt=alt,
            width=width,
            height=height,
            base=self._style.base,
            eager=self.pictures == 1 and self._style.eager_first,
            variants=self._style.variants,
            look=self._style.looks.get(digest),
        )
        html = picture_html(shot)
        if self._style.tap and not self._in_link:
            html = on_tap(html, f"{self._style.tap}: {alt}" if alt else self._style.tap)
        if self._style.photo and digest and not self._in_link:
            html += f'<a class="pic" href="/photo/{digest}" aria-label="{escape(self._style.photo)}">⧉</a>'
        return html

    def _placeholder(self, src: str, alt: str) -> str:
        words = escape(f"{self._style.no_picture}: {alt}" if alt else self._style.no_picture)
        if src.startswith(("http://", "https://")) and not self._in_link:
            words = f'<a href="{escape(src)}" rel="noopener noreferrer nofollow">{words}</a>'
        return f'<span class="nopic">{words}</span>'


def _size(ref: MediaRef | None, given: dict[str, str]) -> tuple[int, int]:
    """The size of the kept file, else the one that the record gives: a page must not jump while pictures come in."""
    if ref and ref.width > 0 and ref.height > 0:
        return ref.width, ref.height
    width, height = given.get("width", ""), given.get("height", "")
    whole = re.fullmatch(r"[1-9]\d{0,4}", width) and re.fullmatch(r"[1-9]\d{0,4}", height)
    return (int(width), int(height)) if whole else (0, 0)
