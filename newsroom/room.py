"""The newsroom itself: outlets, their paths, the script of the day, and the log of requests."""

import hashlib
import re
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from newsroom import photos
from newsroom.shapes import DW_FORMATS, article_path, picture_path, render_home, render_page
from newsroom.stories import Desk, Photo, Story, load_desk, sample_keys
from newsroom.syndication import KINDS, render_feed
from newsroom.wire import Act, Exchange, Reply, Request, Server, compress

EPOCH = datetime(2026, 9, 1, tzinfo=UTC)
_WIDTH = re.compile(r"_w(\d+)|/w:(\d+)/|/news/(\d+)/|_(\d{3})\.jpg$")


class Newsroom:
    """Serves the outlets of sample/ (or those named) on loopback until closed; changes take effect at once.

    Each outlet has an address of its own (127.0.0.2, .3 ...) so that pace is felt by outlet, `spread=False` puts all on
    127.0.0.1. All methods may be called from any thread.
    """

    def __init__(self, *outlets: str, spread: bool = True, port: int = 0) -> None:
        self.desks: dict[str, Desk] = {key: load_desk(key) for key in outlets or sample_keys()}
        self._hosts = {key: f"127.0.0.{number + 2}" if spread else "127.0.0.1" for number, key in enumerate(self.desks)}
        self._acts: dict[str, list[tuple[Act, int | None]]] = {}
        self._swapped: dict[str, str] = {}
        self._lock = threading.Lock()
        hosts = list(dict.fromkeys(["127.0.0.1", *self._hosts.values()]))
        self._server = Server(hosts, self._serve, port)
        self._hosts = {key: host if self._server.listens(host) else "127.0.0.1" for key, host in self._hosts.items()}

    def __enter__(self) -> "Newsroom":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server."""
        self._server.close()

    @property
    def log(self) -> list[Request]:
        """Every request so far, in order of arrival."""
        return list(self._server.log)

    @property
    def port(self) -> int:
        """The port on every address."""
        return self._server.port

    def base(self, key: str = "") -> str:
        """Scheme, address and port of an outlet."""
        return f"http://{self._hosts.get(key, '127.0.0.1')}:{self.port}"

    def url(self, key: str, path: str = "") -> str:
        """The outlet's front page, or a path on its server."""
        return self.base(key) + (path or f"/{key}/")

    def feed_url(self, key: str, name: str = "feed.xml") -> str:
        """A feed: feed.xml (summaries), full.xml, atom.xml, rdf.xml or feed.json."""
        return self.url(key, f"/{key}/{name}")

    def article_url(self, key: str, slug: str) -> str:
        """The page of an article."""
        return self.url(key, article_path(self.desks[key], self.desks[key].story(slug)))

    def picture_url(self, key: str, name: str, width: int = 900) -> str:
        """A rendition of a photo."""
        return self.url(key, picture_path(self.desks[key], Photo(name), width))

    def act(self, target: str, act: Act, times: int | None = None) -> None:
        """Has requests for a URL or path answered by `act`, so many times (None: always). Acts of a path queue up."""
        with self._lock:
            self._acts.setdefault(_path_of(target), []).append((act, times))

    def behave(self, target: str = "") -> None:
        """Ends the acts of a URL or path; of all of them without one."""
        with self._lock:
            if target:
                self._acts.pop(_path_of(target), None)
            else:
                self._acts.clear()

    def edit(self, key: str, slug: str, **changes: Any) -> None:
        """Changes an article silently: title, paragraphs, summary, state ...; `body` is text with blank lines."""
        if "body" in changes:
            changes["paragraphs"] = [part.strip() for part in changes.pop("body").split("\n\n")]
        with self._lock:
            desk = self.desks[key]
            story = desk.story(slug)
            for name, value in changes.items():
                if not hasattr(story, name):
                    raise AttributeError(name)
                setattr(story, name, value)
            desk.version += 1

    def publish(self, key: str, slug: str, title: str, body: str, **fields: Any) -> str:
        """Adds an article to page and feeds, an hour after the newest unless `published` is given; returns its URL."""
        with self._lock:
            desk = self.desks[key]
            newest = max((story.published for story in desk.stories), default=EPOCH)
            paragraphs = [part.strip() for part in body.split("\n\n")]
            known: dict[str, Any] = {"published": newest + timedelta(hours=1), "summary": paragraphs[0][:80]}
            desk.stories.append(Story(slug=slug, title=title, paragraphs=paragraphs, **(known | fields)))
            desk.version += 1
        return self.article_url(key, slug)

    def empty_feed(self, key: str, emptied: bool = True) -> None:
        """Takes all items out of the outlet's feeds, or puts them back."""
        with self._lock:
            self.desks[key].emptied = emptied
            self.desks[key].version += 1

    def swap_picture(self, key: str, name: str, other: str) -> None:
        """Serves another photo under every URL of the photo `name`."""
        with self._lock:
            self._swapped[f"{key}/{name}"] = other

    def robots(self, key: str, text: str | None) -> None:
        """robots.txt of the outlet's address; None: 404."""
        with self._lock:
            self.desks[key].robots = text

    async def _serve(self, exchange: Exchange) -> bool:
        request = exchange.request
        exchange.reply = lambda: self._reply(request)
        act = self._next_act(_path_of(request.path))
        if act is not None:
            return await act(exchange)
        reply = _conditional(self._reply(request), request)
        await exchange.answer(compress(reply, request.headers.get("accept-encoding", "")))
        return True

    def _next_act(self, path: str) -> Act | None:
        with self._lock:
            queued = self._acts.get(path)
            if not queued:
                return None
            act, times = queued[0]
            if times is not None:
                queued[:1] = [(act, times - 1)] if times > 1 else []
            return act

    def _reply(self, request: Request) -> Reply:
        path = _path_of(request.path)
        with self._lock:
            if path == "/robots.txt":
                return self._robots(request)
            desk = self.desks.get(path.split("/")[1] if "/" in path else "")
            if desk is None:
                return _missing()
            return self._of_desk(desk, path)

    def _robots(self, request: Request) -> Reply:
        texts = [desk.robots for key, desk in self.desks.items() if self._hosts[key] == request.host and desk.robots]
        return Reply(200, [("Content-Type", "text/plain")], "\n".join(texts).encode()) if texts else _missing()

    def _of_desk(self, desk: Desk, path: str) -> Reply:
        base = self.base(desk.key)
        name = path.removeprefix(f"/{desk.key}/")
        if name in KINDS:
            return _dated(render_feed(desk, name, base), KINDS[name], desk.version)
        if not name:
            return _dated(render_home(desk, base).encode(), "text/html; charset=utf-8", desk.version)
        for story in desk.stories:
            if path == article_path(desk, story):
                return self._of_story(desk, story, base)
        return self._picture(desk, path)

    def _of_story(self, desk: Desk, story: Story, base: str) -> Reply:
        if story.state == "home":
            return Reply(302, [("Location", f"{base}/{desk.key}/")])
        if story.state in ("gone", "missing"):
            return Reply(410) if story.state == "gone" else _missing()
        return _dated(render_page(desk, story, base).encode(), "text/html; charset=utf-8", desk.version)

    def _picture(self, desk: Desk, path: str) -> Reply:
        for photo in (photo for story in desk.stories for photo in story.photos):
            if photo.name not in path or not path.endswith(".jpg"):
                continue
            found = _WIDTH.search(
                path.replace(photo.name, "", 1) if desk.shape == "rfi" else path.split(photo.name, 1)[1] or path
            )
            found = found or _WIDTH.search(path)
            width = int(next(group for group in found.groups() if group)) if found else photo.width
            if desk.shape == "dw":
                width = DW_FORMATS.get(width, 0)
            if not width:
                return _missing()
            shown = self._swapped.get(f"{desk.key}/{photo.name}", photo.name)
            return _dated(photos.jpeg(shown, photo.width, photo.height, width), "image/jpeg", 0)
        return _missing()


def _path_of(target: str) -> str:
    path = re.sub(r"^https?://[^/]+", "", target)
    return path.partition("?")[0].partition("#")[0] or "/"


def _missing() -> Reply:
    return Reply(404, [("Content-Type", "text/html")], b"<html><body><h1>404</h1></body></html>")


def _dated(body: bytes, kind: str, version: int) -> Reply:
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    modified = format_datetime(EPOCH + timedelta(minutes=version), usegmt=True)
    return Reply(200, [("Content-Type", kind), ("ETag", etag), ("Last-Modified", modified)], body)


def _conditional(reply: Reply, request: Request) -> Reply:
    """304 where the validators say so; If-None-Match alone counts when both are there (RFC 9110, 13.2.2)."""
    fields = dict(reply.headers)
    if reply.status != 200 or "ETag" not in fields:
        return reply
    kept = [(name, fields[name]) for name in ("ETag", "Last-Modified")]
    if "if-none-match" in request.headers:
        tags = {tag.strip().removeprefix("W/") for tag in request.headers["if-none-match"].split(",")}
        return Reply(304, kept) if fields["ETag"] in tags else reply
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        unchanged = parsedate_to_datetime(fields["Last-Modified"]) <= since
    except (ValueError, TypeError):
        return reply
    return Reply(304, kept) if unchanged else reply
