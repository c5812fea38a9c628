"""Streams of the Google Reader API: whole articles as JSON or Atom, ids alone, and articles by id."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote

from lxml import etree
from starlette.responses import Response

from baoguan.text.html import plain_text
from baoguan.web.accounts_desk import AppDesk, Entry
from baoguan.web.accounts_http import Call, Refused
from baoguan.web.accounts_shelf import Item
from baoguan.web.greader_ids import Stream, decimal_id, find_item, long_id, parse_stream, wanted

_ATOM = "http://www.w3.org/2005/Atom"
_READER = "http://www.google.com/schemas/reader/atom/"
_SCHEME = "http://www.google.com/reader/"
_PLACE = re.compile(r"(-?\d{1,18})-(\d{1,18})")
_MOST = {"contents": 1000, "ids": 50_000}
_BAD = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Streams:
    """The endpoints over one AppDesk; each is called under the account's lock."""

    def __init__(self, apps: AppDesk) -> None:
        self._apps = apps

    def _stream(self, call: Call) -> Stream:
        name = call.request.path_params.get("stream") or call.one("s") or "user/-/state/com.google/reading-list"
        stream = parse_stream(self._apps, call.account, name) or parse_stream(self._apps, call.account, unquote(name))
        if stream is None:
            raise Refused(404, "no such stream")
        return stream

    def _select(self, call: Call, stream: Stream, most: int) -> tuple[list[Item], str]:
        chosen = wanted(
            stream,
            include=call.all("it"),
            exclude=call.all("xt"),
            oldest_s=call.number("ot"),
            newest_s=call.number("nt"),
        )
        place = _PLACE.fullmatch(call.one("c"))
        items, more = call.account.select(
            chosen,
            limit=max(1, call.number("n", 20, most)),
            newest_first=call.one("r") != "o",
            beyond=(int(place[1]), int(place[2])) if place else None,
        )
        return items, f"{items[-1].kept_ms}-{items[-1].number}" if more and items else ""

    def contents(self, call: Call) -> Response:
        """Whole articles."""
        stream = self._stream(call)
        items, more = self._select(call, stream, _MOST["contents"])
        if call.one("output") == "atom":
            return self._atom(call, stream, items, more)
        return call.reply(self._page(call, stream, items, more))

    def atom(self, call: Call) -> Response:
        """/reader/atom/<stream>: the same as Atom."""
        stream = self._stream(call)
        return self._atom(call, stream, *self._select(call, stream, _MOST["contents"]))

    def ids(self, call: Call) -> Response:
        """Ids alone, as signed decimals."""
        stream = self._stream(call)
        items, more = self._select(call, stream, _MOST["ids"])
        numbers = self._apps.numbers()
        refs = [
            {
                "id": decimal_id(item),
                "directStreamIds": [f"feed/{numbers[item.outlet]}"],
                "timestampUsec": str(item.kept_ms * 1000),
            }
            for item in items
        ]
        return call.reply({"itemRefs": refs, **({"continuation": more} if more else {})})

    def count(self, call: Call) -> Response:
        """How many articles a stream holds."""
        chosen = wanted(self._stream(call), include=call.all("it"), exclude=call.all("xt"))
        return call.text(str(call.account.count(chosen)))

    def by_ids(self, call: Call) -> Response:
        """Articles by id, at most 1,000, in the order asked."""
        items = [item for name in call.all("i")[:1000] if (item := find_item(self._apps, name)) is not None]
        stream = Stream(name="user/-/state/com.google/reading-list", title="Reading list")
        if call.one("output") == "atom":
            return self._atom(call, stream, items, "")
        return call.reply(self._page(call, stream, items, ""))

    # JSON

    def _page(self, call: Call, stream: Stream, items: list[Item], more: str) -> dict[str, object]:
        page: dict[str, object] = {
            "direction": "ltr",
            "id": stream.name,
            "title": stream.title,
            "self": [{"href": call.base + call.request.url.path}],
            "updated": max((item.kept_ms for item in items), default=self._apps.door.now_ms()) // 1000,
            "items": [self._json(call, entry) for entry in self._apps.entries(items, call.base)],
        }
        return {**page, "continuation": more} if more else page

    def _json(self, call: Call, entry: Entry) -> dict[str, object]:
        feed = self._apps.feed(call.account, entry.item.outlet)
        return {
            "id": long_id(entry.item),
            "crawlTimeMsec": str(entry.item.kept_ms),
            "timestampUsec": str(entry.item.kept_ms * 1000),
            "published": entry.published_ms // 1000,
            "updated": entry.updated_ms // 1000,
            "title": entry.title,
            "canonical": [{"href": entry.url}],
            "alternate": [{"href": entry.url, "type": "text/html"}],
            "author": entry.author,
            "categories": self._categories(call, entry.item),
            "origin": {"streamId": f"feed/{feed.number}", "title": feed.title, "htmlUrl": feed.site_url},
            "summary": {"direction": "ltr", "content": entry.html},
            "enclosure": [{"href": url, "type": kind} for url, kind in entry.pictures[:1]],
        }

    def _categories(self, call: Call, item: Item) -> list[str]:
        account = call.account
        names = ["reading-list"]
        names += ["read"] if account.is_read(item) else ["fresh"]
        names += [name for name, has in (("starred", "starred"), ("read-later", "later")) if account.has(item, has)]
        mark, folder = account.marks.get(item.id), account.folder(item.outlet)
        labels = dict.fromkeys([folder] if folder else [])
        labels.update(dict.fromkeys(mark.labels if mark else ()))
        states = [f"user/-/state/com.google/{name}" for name in names]
        return states + [f"user/-/label/{name}" for name in labels]

    # Atom

    def _atom(self, call: Call, stream: Stream, items: list[Item], more: str) -> Response:
        root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM, "gr": _READER})  # type: ignore[dict-item]
        _add(root, "id", f"tag:google.com,2005:reader/{stream.name}")
        _add(root, "title", stream.title)
        if more:
            etree.SubElement(root, f"{{{_READER}}}continuation").text = more
        _add(root, "updated", _time(max((item.kept_ms for item in items), default=0)))
        _add(root, "generator", "baoguan")
        for entry in self._apps.entries(items, call.base):
            root.append(self._atom_entry(call, entry))
        data = etree.tostring(root, xml_declaration=True, encoding="utf-8")
        return call.text(data.decode(), "application/atom+xml; charset=utf-8")

    def _atom_entry(self, call: Call, entry: Entry) -> etree._Element:
        feed = self._apps.feed(call.account, entry.item.outlet)
        node = etree.Element(f"{{{_ATOM}}}entry")
        node.set(f"{{{_READER}}}crawl-timestamp-msec", str(entry.item.kept_ms))
        _add(node, "id", long_id(entry.item))
        for name in self._categories(call, entry.item):
            # As Google wrote it: newsboat takes the labels of this scheme, and asks whether `read` is among them.
            label = _clean(name.rpartition("/")[2])
            etree.SubElement(node, f"{{{_ATOM}}}category", term=_clean(name), scheme=_SCHEME, label=label)
        _add(node, "title", entry.title or plain_text(entry.html)[:80], type="text")
        _add(node, "published", _time(entry.published_ms))
        _add(node, "updated", _time(entry.updated_ms))
        etree.SubElement(node, f"{{{_ATOM}}}link", rel="alternate", href=_clean(entry.url), type="text/html")
        _add(node, "summary", entry.html, type="html")
        _add(etree.SubElement(node, f"{{{_ATOM}}}author"), "name", entry.author or feed.title)
        source = etree.SubElement(node, f"{{{_ATOM}}}source")
        source.set(f"{{{_READER}}}stream-id", f"feed/{feed.number}")
        _add(source, "id", f"tag:google.com,2005:reader/feed/{feed.number}")
        _add(source, "title", feed.title)
        return node


def _add(parent: etree._Element, name: str, text: str, **attributes: str) -> None:
    etree.SubElement(parent, f"{{{_ATOM}}}{name}", **attributes).text = _clean(text)  # type: ignore[arg-type]


def _clean(text: str) -> str:
    """Without the characters that XML can't hold."""
    return _BAD.sub("", text)


def _time(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
