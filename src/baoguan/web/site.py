"""The reader as a folder of plain files: the very pages of the live one, walked from the front page.

Links are relative and name their file, so the folder reads from a disk, any path of any host, or a memory stick. What
needs a server (search, health, captures) is left out; what is kept back or withdrawn never gets in, and a file that is
no page any more is deleted by the next export. An article whose facts are those of the last export is not made again:
its file is read for its links alone.
"""

import asyncio
import gzip
import hashlib
import posixpath
import re
import sys
from collections import deque
from collections.abc import Callable, Sequence
from html import escape, unescape
from importlib import metadata
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

import msgspec
from starlette.types import ASGIApp, Message

import baoguan
from baoguan.desk import Desk
from baoguan.errors import ConfigError
from baoguan.photographing import index_photos, look_at_photos, open_photos
from baoguan.web.changes_source import DeskChanges
from baoguan.web.desk_source import DeskSource
from baoguan.web.facts import PageFacts
from baoguan.web.options import WebOptions
from baoguan.web.photos_source import DeskPhotos
from baoguan.web.words import LANGUAGES

MARK = ".baoguan-site.json"
"""In the folder: the files that the last export wrote, and what they were made of."""
_PAGE_SIZE = 200
_KEPT = frozenset(("before", "outlet", "by", "kind", "page"))
"""Queries that name a page of their own; others (script, pictures) are ways to see one."""
_WALKED = re.compile(
    r"/(?:|about|outlets|changes|calendar(?:/.*)?|feed\.atom|changes\.atom|icon\.svg|day/[^/]+|outlet/[^/]+(?:/feed\.atom)?"
    r"|article/[0-9a-f]{16}(?:/\d+)?|change/\d+|photo/[0-9a-f]{64}|media/.+)"
)
_FORM = re.compile(r"<form\b.*?</form>", re.S)
_SCRIPT = re.compile(r"<script\b[^>]*></script>\n?")
_ANCHOR = re.compile(r'<a\b([^>]*?)\bhref="([^"]*)"([^>]*)>(.*?)</a>', re.S)
_HEAD_LINK = re.compile(r'<link\b[^>]*\bhref="(/[^"]*)"[^>]*>\n?')
_SRC = re.compile(r'\b(src|poster)="(/[^"]*)"')
_LINK = re.compile(r'\b(?:href|src|poster)="([^"]*)"')
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)
_SOURCES = (".py", ".html", ".css", ".js", ".toml", ".svg")
_RENDERS = ("jinja2", "lxml", "markupsafe", "nh3", "opencc")
_ATOM = re.compile(r'(href|src)="(/[^"]*)"')
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'"


class SiteReport(msgspec.Struct, kw_only=True):
    """What an export did."""

    pages: int = 0
    made: int = 0
    """Pages that were made; the others stood there, with the facts of today."""
    pictures: int = 0
    feeds: int = 0
    unchanged: int = 0
    """Files that stood there with the same bytes."""
    removed: int = 0
    """Files of an earlier export that are nothing any more."""


class _Mark(msgspec.Struct, kw_only=True):
    """The file MARK."""

    ground: str = ""
    """Digest of the program and the settings that the pages were made with."""
    files: dict[str, tuple[str, str]] = {}
    """By name: digest of the facts of an article's page, digest of its bytes; both empty for other files."""


class _Answer(msgspec.Struct, frozen=True):
    status: int
    kind: str
    body: bytes


def export_site(
    desk: Desk,
    destination: Path,
    *,
    languages: Sequence[str] = tuple(LANGUAGES),
    base_url: str = "",
    progress: Callable[[int], None] = lambda _done: None,
) -> SiteReport:
    """Writes the site; the first language stands at its root, the others in folders of their names.

    `base_url`: where it will be served, for feeds, which need absolute addresses; without it there are none. Raises
    ConfigError for a folder that holds something else.
    """
    unknown = [lang for lang in languages if lang not in LANGUAGES]
    if unknown or not languages:
        raise ConfigError(f"--lang {' '.join(unknown)}: {', '.join(LANGUAGES)} are known")
    if destination.is_dir() and any(destination.iterdir()) and not (destination / MARK).exists():
        raise ConfigError(f"{destination} holds other files: name a new folder, or that of an earlier export")
    from baoguan.web.app import create_app

    photos = open_photos(desk)
    try:  # so that the first export has the colours behind pictures, too
        index_photos(desk, photos)
        look_at_photos(desk, photos)
    finally:
        photos.close()
    source, changes = DeskSource(desk), DeskChanges(desk)
    options = WebOptions(
        zone=desk.settings.zone, noindex=desk.settings.noindex, base_url=base_url, page_size=_PAGE_SIZE, script=False
    )
    try:
        while changes.behind():
            pass
        photos_source = DeskPhotos(desk)
        app = create_app(source, options, changes=changes, photos=photos_source)
        facts = PageFacts(source, photos_source)
        ground = _ground(desk, languages, base_url)
        walk = _Walk(app, destination, languages, base_url.rstrip("/"), progress, facts=facts, ground=ground)
        asyncio.run(walk.run())
    finally:
        source.close()
        changes.close()
    return walk.report


class _Walk:
    """The state of one export."""

    def __init__(
        self,
        app: ASGIApp,
        folder: Path,
        languages: Sequence[str],
        base: str,
        progress: Callable[[int], None],
        *,
        facts: Callable[[str], object],
        ground: str,
    ) -> None:
        self._app, self._folder, self._languages, self._base = app, folder, languages, base
        self._progress = progress
        self._queue: deque[tuple[str, str]] = deque()
        self._known: set[tuple[str, str]] = set()
        self._facts = facts
        self._held = _read_mark(folder / MARK)
        self._new = _Mark(ground=ground)
        self.report = SiteReport()

    async def run(self) -> None:
        """All languages, then the files that are nothing any more."""
        for lang in self._languages:
            self._want(lang, "/")
        while self._queue:
            lang, url = self._queue.popleft()
            await self._page(lang, url)
            self._progress(1)
        self._sweep()

    def _want(self, lang: str, url: str) -> str | None:
        """The file of an address of this site; None for what isn't part of it. It is walked, too."""
        path, _, query = url.partition("#")[0].partition("?")
        if not _WALKED.fullmatch(path) or (path.endswith(".atom") and not self._base):
            return None
        kept = urlencode([pair for pair in parse_qsl(query) if pair[0] in _KEPT])
        where = "" if path.startswith("/media/") else lang
        address = path + (f"?{kept}" if kept else "")
        if (where, address) not in self._known:
            self._known.add((where, address))
            self._queue.append((where, address))
        return self._file(where, path, kept)

    def _file(self, lang: str, path: str, query: str) -> str:
        name = unquote(path).strip("/")
        digest = hashlib.sha256(query.encode()).hexdigest()[:12] if query else ""
        stem, ext = posixpath.splitext(name)
        if re.fullmatch(r"\.(atom|svg|[a-z0-9]{2,5})", ext):
            name = f"{stem}-{digest}{ext}" if digest else name
        else:
            name = posixpath.join(name, digest, "index.html")
        return name if lang in ("", self._languages[0]) else f"{lang}/{name}"

    async def _page(self, lang: str, address: str) -> None:
        path, _, query = address.partition("?")
        name = self._file(lang, path, query)
        facts = None if query else self._facts(path)
        told = "" if facts is None else _digest(repr(facts).encode())
        if told and self._stands(name, told):
            return
        got = await self._ask(path, query, lang or self._languages[0])
        if got.status != 200:
            return
        if got.kind.startswith("text/html"):
            self.report.pages += 1
            self.report.made += 1
            self._write(name, self._rewritten(got.body.decode(), lang, address, name).encode(), told)
        elif "atom" in got.kind:
            self.report.feeds += 1
            self._write(name, got.body)
        else:
            self.report.pictures += path.startswith("/media/")
            self._write(name, got.body)

    def _stands(self, name: str, told: str) -> bool:
        """Whether the last export wrote this page of these facts, and nobody else since; its links are walked."""
        held, path = self._held.files.get(name), self._folder / name
        if self._held.ground != self._new.ground or held is None or held[0] != told or not path.is_file():
            return False
        data = path.read_bytes()
        if held[1] != _digest(data):
            return False
        for link in _LINK.findall(data.decode()):
            file = unquote(unescape(link))
            if file and not file.startswith(("#", "/")) and not _SCHEME.match(file):
                self._want(*self._place(posixpath.normpath(posixpath.join(posixpath.dirname(name), file))))
        self._new.files[name] = held
        self.report.pages += 1
        self.report.unchanged += 1
        return True

    def _place(self, file: str) -> tuple[str, str]:
        """The language and the address of a file that an article's page links: none of these has a query."""
        first, _, rest = file.partition("/")
        lang, file = (first, rest) if first in self._languages[1:] else (self._languages[0], file)
        return lang, "/" + quote(file.removesuffix("index.html").rstrip("/"))

    async def _ask(self, path: str, query: str, lang: str) -> _Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"localhost"), (b"accept-language", lang.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        messages: list[Message] = []
        asked, ended = False, asyncio.Event()

        async def receive() -> Message:
            nonlocal asked
            if asked:  # who streams waits for the client's end, and must not spin
                await ended.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                ended.set()

        await self._app(scope, receive, send)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in messages[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in messages[1:])
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return _Answer(messages[0]["status"], headers.get("content-type", ""), body)

    def _rewritten(self, html: str, lang: str, address: str, name: str) -> str:
        """The page with links to files; links to what is not part of the site become their text."""
        here = posixpath.dirname(name)

        def relative(file: str) -> str:
            return quote(posixpath.relpath(file, here or "."))

        def anchor(found: re.Match[str]) -> str:
            before, url, after, text = found.groups()
            url = unescape(url)
            if url.startswith(("http:", "https:", "mailto:", "#")):
                return found[0]
            target = self._target(lang, address, url)
            return f'<a{before}href="{escape(relative(target))}"{after}>{text}</a>' if target else _unlinked(url, text)

        def head(found: re.Match[str]) -> str:
            target = self._want(lang, unescape(found[1]))
            return found[0].replace(f'"{found[1]}"', f'"{escape(relative(target))}"') if target else ""

        def picture(found: re.Match[str]) -> str:
            target = self._want(lang, unescape(found[2]))
            return f'{found[1]}="{escape(relative(target))}"' if target else f'{found[1]}=""'

        policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        html = _SCRIPT.sub("", _FORM.sub("", html)).replace(
            '<meta charset="utf-8">\n', f'<meta charset="utf-8">\n{policy}'
        )
        return _SRC.sub(picture, _HEAD_LINK.sub(head, _ANCHOR.sub(anchor, html)))

    def _target(self, lang: str, address: str, url: str) -> str | None:
        """The file that a link of a page leads to."""
        if not url.startswith("?"):
            return self._want(lang, url)
        pairs = dict(parse_qsl(url[1:]))
        other = pairs.get("lang", "")
        if other in self._languages:
            return self._want(other, address)
        if set(pairs) <= _KEPT:
            return self._want(lang, address.partition("?")[0] + url)
        return None

    def _write(self, name: str, data: bytes, told: str = "") -> None:
        path = self._folder / name
        self._new.files[name] = (told, _digest(data)) if told else ("", "")
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            self.report.unchanged += 1
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(data)
        beside.replace(path)

    def _sweep(self) -> None:
        for name in self._held.files:
            path = self._folder / name
            if name not in self._new.files and ".." not in Path(name).parts and path.is_file():
                path.unlink()
                self.report.removed += 1
        (self._folder / MARK).write_bytes(msgspec.json.encode(self._new, order="sorted"))


def _read_mark(path: Path) -> _Mark:
    """What the last export left; before there were facts it was a list of names."""
    if not path.exists():
        return _Mark()
    held = msgspec.json.decode(path.read_bytes(), type=list[str] | _Mark)
    return held if isinstance(held, _Mark) else _Mark(files=dict.fromkeys(held, ("", "")))


def _ground(desk: Desk, languages: Sequence[str], base_url: str) -> str:
    """Of all that is the same for every page: the program, the packages that it uses, and the settings."""
    digest = hashlib.sha256()
    package = Path(baoguan.__file__).parent
    for path in sorted(path for path in package.rglob("*") if path.is_file() and path.suffix in _SOURCES):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    settings = desk.settings
    outlets = [
        (one.key, one.name, one.names, one.home, one.language, one.zone, one.serve) for one in desk.outlets.values()
    ]
    packages = [(one, metadata.version(one)) for one in _RENDERS]
    told = (list(languages), base_url, settings.zone, settings.noindex, sorted(outlets), packages, sys.version)
    digest.update(repr(told).encode())
    return digest.hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:24]


def _unlinked(url: str, text: str) -> str:
    """The words of a link that leads nowhere here; ways to see a page otherwise vanish whole."""
    return "" if url.startswith(("?", "/offline", "/settings", "/status", "/search")) else text
