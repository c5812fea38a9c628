"""JSON Feed 1 and 1.1."""

from datetime import datetime
from html import escape
from typing import Any

import msgspec

from baoguan.errors import FeedError
from baoguan.feeds.channel import Origin
from baoguan.feeds.elements import language_tag
from baoguan.feeds.limits import MAX_ITEMS, MAX_JSON_OBJECTS, MAX_MEDIA, MAX_TEXT, MAX_VALUES
from baoguan.feeds.links import is_web, resolve, resolve_html
from baoguan.feeds.media import media_kind
from baoguan.feeds.people import names_of
from baoguan.feeds.texts import collapse, first_words
from baoguan.model.feed import Author, FeedDoc, FeedMedia, Item
from baoguan.text.dates import ReadDate, parse_date

_Object = dict[str, Any]


def looks_like_json(text: str) -> bool:
    """Whether a document is meant to be JSON."""
    return text[:64].lstrip().startswith("{")


def read_json_feed(text: str, origin: Origin) -> FeedDoc:
    """Reads a JSON Feed. Fields of the wrong type count as missing. Raises FeedError for any other JSON."""
    if text.count("{") > MAX_JSON_OBJECTS:
        raise FeedError(f"a JSON document of more than {MAX_JSON_OBJECTS} objects")
    try:
        top = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise FeedError(f"JSON that can't be read: {error}") from error
    if not isinstance(top, dict) or not ("jsonfeed.org" in _text(top, "version") or isinstance(top.get("items"), list)):
        raise FeedError("JSON, but no JSON Feed: neither its version nor items")
    version = _text(top, "version").rstrip("/").rsplit("/", 1)[-1]
    own = resolve(origin.location or origin.url, _text(top, "feed_url")) or origin.url
    site = resolve(own, _text(top, "home_page_url")) or own
    language = language_tag(_text(top, "language") or origin.language)
    rows = [row for row in _list(top, "items") if isinstance(row, dict)]
    authors = _authors(top)
    items = tuple(_item(row, base=site, language=language, authors=authors) for row in rows[:MAX_ITEMS])
    return FeedDoc(
        format="json" + version.replace("version", "").strip() if version else "json",
        title=collapse(_text(top, "title")) or site,
        url=site,
        self_url=own,
        hub_urls=tuple(_text(hub, "url") for hub in _objects(top, "hubs") if _text(hub, "url"))[:MAX_VALUES],
        description=escape(_text(top, "description"), quote=False),
        language=language,
        image_url=resolve(site, _text(top, "icon") or _text(top, "favicon")),
        authors=names_of(authors),
        author_details=authors,
        next_url=resolve(own, _text(top, "next_url")),
        items=items,
        warnings=(f"{len(rows) - MAX_ITEMS} items beyond the cap of {MAX_ITEMS}",) if len(rows) > MAX_ITEMS else (),
    )


def _item(row: _Object, *, base: str, language: str, authors: tuple[Author, ...]) -> Item:
    guid = _text(row, "id") or (str(row["id"]) if isinstance(row.get("id"), int | float) else "")
    media = _media(row, base)
    url = (
        resolve(base, _text(row, "url")) or resolve(base, _text(row, "external_url")) or (guid if is_web(guid) else "")
    )
    summary = escape(_text(row, "summary"), quote=False)
    html, text = _text(row, "content_html"), _text(row, "content_text")
    content = html or escape(text, quote=False)
    published, updated = _date(row, "date_published"), _date(row, "date_modified")
    read = published or updated
    people = _authors(row) or authors
    return Item(
        guid=guid,
        url=url,
        title=collapse(_text(row, "title"))
        or first_words(summary)
        or first_words(escape(text, quote=False) or html)
        or url,
        summary_html=summary,
        content_html=resolve_html(base, content),
        authors=names_of(people),
        author_details=people,
        published=_at(published),
        published_raw=_text(row, "date_published") or _text(row, "date_modified"),
        updated=_at(updated),
        updated_raw=_text(row, "date_modified"),
        zone_assumed=bool(read and read.zone_assumed),
        categories=tuple(
            dict.fromkeys(tag.strip() for tag in _list(row, "tags") if isinstance(tag, str) and tag.strip())
        ),
        language=language_tag(_text(row, "language")) or language,
        base_url=base,
        media=media,
    )


def _media(row: _Object, base: str) -> tuple[FeedMedia, ...]:
    found: dict[str, FeedMedia] = {}
    for key in ("image", "banner_image"):
        url = resolve(base, _text(row, key))
        if url:
            found.setdefault(url, FeedMedia(url=url, kind="image"))
    for attached in _objects(row, "attachments")[:MAX_MEDIA]:
        url, mime, size = (
            resolve(base, _text(attached, "url")),
            _text(attached, "mime_type"),
            attached.get("size_in_bytes"),
        )
        if url:
            found.setdefault(
                url,
                FeedMedia(
                    url=url,
                    kind=media_kind("", mime, url),
                    type=mime,
                    size_bytes=int(size) if isinstance(size, int | float) and 0 < size < 1e15 else None,
                    title=collapse(_text(attached, "title")),
                ),
            )
    return tuple(found.values())


def _authors(row: _Object) -> tuple[Author, ...]:
    author = row.get("author")
    rows = [*_objects(row, "authors"), *([author] if isinstance(author, dict) else [])]
    people = (Author(name=collapse(_text(one, "name")), url=_text(one, "url")) for one in rows[:MAX_VALUES])
    return tuple(dict.fromkeys(one for one in people if one.name or one.url))


def _date(row: _Object, key: str) -> ReadDate | None:
    return parse_date(_text(row, key))


def _at(read: ReadDate | None) -> datetime | None:
    return read.at if read else None


def _text(row: _Object, key: str) -> str:
    value = row.get(key)
    return value[:MAX_TEXT].strip() if isinstance(value, str) else ""


def _list(row: _Object, key: str) -> list[Any]:
    value = row.get(key)
    return value if isinstance(value, list) else []


def _objects(row: _Object, key: str) -> list[_Object]:
    return [one for one in _list(row, key) if isinstance(one, dict)]
