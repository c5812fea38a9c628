"""Pictures, films and sound of an item: enclosures, Media RSS, iTunes images; captions and credits with them."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from baoguan.feeds.elements import Link
from baoguan.feeds.limits import MAX_MEDIA
from baoguan.feeds.links import resolve
from baoguan.feeds.names import Names, attribute
from baoguan.feeds.part import Part, all_text
from baoguan.feeds.texts import as_plain, read_text
from baoguan.model.feed import FeedMedia

_EXTENSIONS = {
    "image": frozenset(("jpg", "jpeg", "png", "gif", "webp", "avif", "svg", "bmp", "tif", "tiff", "jxl", "heic")),
    "video": frozenset(("mp4", "m4v", "webm", "mov", "m3u8", "avi", "flv", "mkv", "ogv", "mpg", "mpeg", "wmv")),
    "audio": frozenset(("mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac", "wma", "ra")),
}
_KINDS = {extension: kind for kind, extensions in _EXTENSIONS.items() for extension in extensions}
_ILLUSTRATED = frozenset(("media:content", "media:group", "media:thumbnail", "media:peerlink"))
_SPOKEN = frozenset(("media:title", "media:description", "media:credit", "media:text"))
_Children = dict[str, list[Part]]


def read_media(children: _Children, links: Sequence[Link], names: Names, base: str) -> tuple[FeedMedia, ...]:
    """Media of an item in the order of their kinds, each URL once. `links` are its link elements with rel=enclosure."""
    found: dict[str, FeedMedia] = {}
    for one in _all(children, links, names, base):
        if one.url:
            known = found.get(one.url)
            found[one.url] = _merged(known, one) if known else one
            if len(found) >= MAX_MEDIA:
                break
    return tuple(found.values())


def media_kind(medium: str, mime: str, url: str) -> str:
    """image, video or audio by what the feed says, then by the extension; empty when neither tells."""
    if medium in _EXTENSIONS:
        return medium
    family = mime.split("/", 1)[0].strip().lower()
    if family in _EXTENSIONS:
        return family
    path = urlsplit(url).path if url.count("[") == url.count("]") == 0 else ""
    return _KINDS.get(path.rsplit(".", 1)[-1].lower(), "") if "." in path else ""


def whole_number(text: str | None) -> int | None:
    """A count of bytes or pixels; None for anything else."""
    if not text:
        return None
    text = text.strip().removesuffix("px")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 16 else None


def _all(children: _Children, links: Sequence[Link], names: Names, base: str) -> Iterator[FeedMedia]:
    original = children.get("feedburner:origenclosurelink")
    for part in children.get("enclosure", ()):
        url = all_text(original[0]) if original else attribute(part, "url") or attribute(part, "href")
        yield _record(url, base, mime=attribute(part, "type"), size=attribute(part, "length"))
    for link in links:
        get = link.part.attributes.get
        yield _record(link.href, base, mime=link.type, size=get("length") or "", title=(get("title") or "").strip())
    if not _ILLUSTRATED.isdisjoint(children):
        yield from _illustrations(children, names, base)
    for part in children.get("itunes:image", ()):
        yield _record(attribute(part, "href") or all_text(part), base, kind="image")
    yield from _plain_images(children, names, base)


def _illustrations(children: _Children, names: Names, base: str) -> Iterator[FeedMedia]:
    """Media RSS: contents, groups of renditions, thumbnails, with the words beside or around them."""
    words = _words(children)
    for part in children.get("media:content", ()):
        yield from _content(part, names, base, words)
    for group in children.get("media:group", ()):
        inner = names.children(group.element)
        spoken = _words(inner) or words
        for part in inner.get("media:content", ()):
            yield from _content(part, names, base, spoken)
        yield from _thumbnails(inner, base, spoken)
        yield from _peers(inner, base)
    yield from _thumbnails(children, base, words if "media:content" not in children else {})
    yield from _peers(children, base)


def _plain_images(children: _Children, names: Names, base: str) -> Iterator[FeedMedia]:
    """<image> in an item, with a URL in an attribute, in <url> or as text; Google's image:image too."""
    for part in (*children.get("image", ()), *children.get("image:image", ()), *children.get("thumbnail", ())):
        inner = names.children(part.element) if part.size else {}
        address = next((all_text(named[0]) for word in ("url", "image:loc", "loc") if (named := inner.get(word))), "")
        captions = inner.get("image:caption") or inner.get("image:title")
        url = address or attribute(part, "url") or attribute(part, "href") or attribute(part, "resource")
        url = url or part.text
        if "/" in url or "." in url:
            yield _record(url, base, kind="image", caption=all_text(captions[0]) if captions else "")


def _content(part: Part, names: Names, base: str, outer: dict[str, str]) -> Iterator[FeedMedia]:
    inner = names.children(part.element) if part.size else {}
    words = {**outer, **_words(inner)} if inner else outer
    get = part.attributes.get
    medium, mime = (get("medium") or "").strip().lower(), (get("type") or "").strip()
    url = get("url") or ""
    yield _record(
        url,
        base,
        kind=media_kind(medium, mime, url),
        mime=mime,
        size=get("fileSize") or get("filesize") or "",
        width=get("width"),
        height=get("height"),
        **words,
    )
    yield from _thumbnails(inner, base, words)


def _thumbnails(children: _Children, base: str, words: dict[str, str]) -> Iterator[FeedMedia]:
    for part in children.get("media:thumbnail", ()):
        get = part.attributes.get
        url = get("url") or all_text(part)
        yield _record(url, base, kind="image", width=get("width"), height=get("height"), **words)


def _peers(children: _Children, base: str) -> Iterator[FeedMedia]:
    for part in children.get("media:peerlink", ()):
        yield _record(attribute(part, "href"), base, mime=attribute(part, "type"))


def _words(children: _Children) -> dict[str, str]:
    """Title, caption and credit that stand beside or inside a picture."""
    words: dict[str, str] = {}
    if _SPOKEN.isdisjoint(children):
        return words
    for key, word in (("title", "media:title"), ("caption", "media:description"), ("credit", "media:credit")):
        if word in children:
            spoken = dict.fromkeys(as_plain(read_text(part, atom=False)) for part in children[word])
            text = ", ".join(part for part in spoken if part)
            if text:
                words[key] = text
    if "caption" not in words:
        captions = [all_text(part) for part in children.get("media:text", ()) if not part.attributes.get("start")]
        if captions and captions[0]:
            words["caption"] = captions[0]
    return words


def _record(
    url: str,
    base: str,
    *,
    kind: str = "",
    mime: str = "",
    size: str = "",
    width: str | None = None,
    height: str | None = None,
    title: str = "",
    caption: str = "",
    credit: str = "",
) -> FeedMedia:
    url = resolve(base, url)
    return FeedMedia(
        url=url,
        kind=kind or media_kind("", mime, url),
        type=mime,
        size_bytes=whole_number(size),
        width=whole_number(width),
        height=whole_number(height),
        title=title,
        caption=caption,
        credit=credit,
    )


def _merged(first: FeedMedia, second: FeedMedia) -> FeedMedia:
    """One picture that is named twice: what the first lacks comes from the second."""
    return FeedMedia(
        url=first.url,
        kind=first.kind or second.kind,
        type=first.type or second.type,
        size_bytes=first.size_bytes or second.size_bytes,
        width=first.width or second.width,
        height=first.height or second.height,
        title=first.title or second.title,
        caption=first.caption or second.caption,
        credit=first.credit or second.credit,
    )
