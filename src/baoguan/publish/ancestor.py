"""The ancestors' article files: every variant of their form read, and each written back byte for byte."""

import re

import msgspec

from baoguan.model.article import Article, Clock
from baoguan.publish.ancestor_dates import read_date_line
from baoguan.publish.legacy import LegacyOutlet, find_outlet
from baoguan.text.dates import parse_date
from baoguan.text.escape import escape_text
from baoguan.text.html import clean_body, plain_text
from baoguan.text.lang import detect_language

_COMMENT = re.compile(r"<!--(-?\d+|NaN)-->\n")
_RULE = "\n------\n"
_FIELD = re.compile(r"^(layout|title|date|author|from|tags|comments|categories):[ \t]*(.*)$", re.MULTILINE)
_DATED = re.compile(r"日期：([^\n]*)\n\n?")
_FOLDER = re.compile(r"(?:^|/)articles/([^/]+)/")
_ID = re.compile(r"(?:^|/)articles/[^/]+/(\d+)[_.]")
_MAX_EPOCH_MS = 7_258_118_400_000
_STUB = 50


class AncestorFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One file of an ancestor's tree."""

    path: str
    form: str
    """comment (the seed's), dated (v0: 日期：), yaml (waimei), plain (nothing of these)."""
    outlet: str
    """Key here: voa-zh; a slug of the folder's name when it is unknown."""
    outlet_name: str = ""
    """As the ancestor wrote it: folder or category."""
    url: str = ""
    title: str = ""
    """As it stands, not escaped, newlines and all."""
    epoch: str = ""
    """As it stands: digits, NaN or empty."""
    epoch_ms: int | None = None
    """The ancestor's clock: pubDate of the feed item; None when the file has none."""
    clock: Clock | None = None
    """The publisher's, of the date line."""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    guid: str = ""
    """articles/<folder>/<id>: the name of a file without URL."""
    language: str = ""
    head: str = ""
    """Front matter, comment, link line and rule up to the body."""
    body_html: str = ""
    """The body's own mark-up, as kept."""
    tail: str = "\n"
    """What follows the body."""
    lead_in: int = 0
    """Length of the date line at the start of body_html."""
    raw: bytes | None = None
    """The file itself, where head + body_html + tail is not it (other encodings)."""
    flags: tuple[str, ...] = ()
    """epoch-from-date, relative-time, unread-time, clock-after-epoch, encoding."""


def parse_ancestor(data: bytes, path: str) -> AncestorFile:
    """Reads any file of the ancestors' trees; never raises. `path` is that below the tree's root, with `/`."""
    flags: list[str] = []
    raw = None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text, raw = data.decode("utf-8", "replace"), data
        flags.append("encoding")
    fields, start = _front_matter(text)
    epoch, start = _epoch(text, start)
    title, url, end = _link_line(text, start)
    stamp, end = _dated(text, end)
    form = "yaml" if fields else "comment" if epoch else "dated" if stamp else "plain"
    end, stop = _body(text, end, form)
    name = _outlet_name(fields, path)
    url = url or fields.get("from", "")
    outlet = find_outlet(name, url)
    epoch_ms = _epoch_ms(epoch, fields, flags)
    body = text[end:stop]
    line = read_date_line(body, stamp, outlet, epoch_ms)
    ident = _ID.search(path)
    return AncestorFile(
        path=path,
        form=form,
        outlet=outlet.key,
        outlet_name=name,
        url=url,
        title=title or _unquote(fields.get("title", "")),
        epoch=epoch,
        epoch_ms=epoch_ms,
        clock=line.clock,
        authors=_authors(line.authors, fields, name, outlet),
        tags=_tags(fields),
        guid=f"{name}/{ident[1]}" if ident else path,
        language=outlet.language,
        head=text[:end],
        body_html=body,
        tail=text[stop:],
        lead_in=line.length,
        raw=raw,
        flags=(*flags, *line.flags),
    )


def render_ancestor(file: AncestorFile) -> bytes:
    """The file's bytes: parse_ancestor's inverse for every file."""
    return file.raw if file.raw is not None else (file.head + file.body_html + file.tail).encode()


def to_article(file: AncestorFile) -> tuple[Article, str, tuple[str, ...]]:
    """The article, its plain text and the flags of the file; mark-up sanitised, the date line taken out.

    The text is what plain_text gives for the article's body_html.
    """
    content = file.body_html[file.lead_in :]
    body = clean_body(content, file.url or "https://invalid.invalid/")
    title = " ".join(file.title.split())
    html, text = body.html, body.text
    heading = f"<h2>{escape_text(title)}</h2>"
    if title and html.startswith(heading):
        html = html[len(heading) :].lstrip("\n")
        text = plain_text(html)
    kind = "article" if len(text) >= _STUB or body.pictures or body.embeds else "stub" if text else "empty"
    article = Article(
        url=file.url,
        title=title,
        authors=file.authors,
        published=file.clock,
        language=detect_language(f"{title} {text[:400]}", file.language),
        body_html=html,
        pictures=body.pictures,
        embeds=body.embeds,
        kind=kind,
        confidence=1.0 if kind == "article" else 0.3,
        reasons=() if kind == "article" else (kind,),
        extractor="import/1",
    )
    return article, text, (*file.flags, *body.flags)


def _front_matter(text: str) -> tuple[dict[str, str], int]:
    if not text.startswith("---\n"):
        return {}, 0
    stop = text.find("\n---\n", 3)
    if stop < 0:
        return {}, 0
    return dict(_FIELD.findall(text, 4, stop + 1)), stop + 5


def _epoch(text: str, start: int) -> tuple[str, int]:
    found = _COMMENT.match(text, start)
    return (found[1], found.end()) if found else ("", start)


def _link_line(text: str, start: int) -> tuple[str, str, int]:
    """[TITLE](URL) and the rule; a title may hold brackets and newlines, as nothing was escaped."""
    rule = text.find(_RULE, start)
    if rule < 0 or text[start : start + 1] != "[" or text[rule - 1] != ")":
        return "", "", start
    middle = text.rfind("](", start, rule)
    if middle < 0:
        return "", "", start
    end = rule + len(_RULE)
    return text[start + 1 : middle], text[middle + 2 : rule - 1], end + (text[end : end + 1] == "\n")


def _dated(text: str, start: int) -> tuple[str, int]:
    found = _DATED.match(text, start)
    return (found[1], found.end()) if found else ("", start)


def _body(text: str, start: int, form: str) -> tuple[int, int]:
    """Where the body begins and ends; waimei's stands between <div> and </div> on lines of their own."""
    stop = len(text) - text.endswith("\n")
    if form == "yaml" and text.startswith("<div>\n", start) and text.endswith("\n</div>\n"):
        return min(start + 6, len(text) - 8), len(text) - 8
    return min(start, stop), stop


def _epoch_ms(epoch: str, fields: dict[str, str], flags: list[str]) -> int | None:
    if epoch and epoch != "NaN":
        value = int(epoch[:18])
        return value if 0 < value < _MAX_EPOCH_MS else None
    if epoch == "NaN":
        return None
    found = parse_date(fields.get("date", ""))
    if found is None or found.zone_assumed or not 0 < found.at.timestamp() * 1000 < _MAX_EPOCH_MS:
        return None
    flags.append("epoch-from-date")
    return int(found.at.timestamp() * 1000)


def _outlet_name(fields: dict[str, str], path: str) -> str:
    named = _tags({"tags": fields.get("categories", "")})
    if named:
        return named[0]
    folder = _FOLDER.search(path)
    return folder[1] if folder else fields.get("author", "")


def _tags(fields: dict[str, str]) -> tuple[str, ...]:
    value = fields.get("tags", "").strip().removeprefix("[").removesuffix("]")
    return tuple(name for part in value.split(",") if (name := _unquote(part.strip())))


def _unquote(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value


def _authors(found: tuple[str, ...], fields: dict[str, str], name: str, outlet: LegacyOutlet) -> tuple[str, ...]:
    """Of the date line, else of the front matter; the outlet itself is no author."""
    names = found or (fields.get("author", "").strip(),)
    if names == ("",):
        return ()
    known = {name, outlet.name, *outlet.names, "", "unknown", "admin"}
    return tuple(dict.fromkeys(one for one in names if one not in known))
