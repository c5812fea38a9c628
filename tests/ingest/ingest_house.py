"""An archive over a fake newsroom, driven through the real pipeline: HTTP on loopback, files, log, SQLite."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any

from baoguan.app import OutletEntry, create_archive, open_desk, read_verifier
from baoguan.archive.verify import verify
from baoguan.backends.clock import SystemClock
from baoguan.backends.files import FileObjects
from baoguan.desk import Desk
from baoguan.ingest import sync
from baoguan.model.catalog import ArticleRow
from baoguan.model.log import ManifestLine
from baoguan.polling import Report
from baoguan.publish.markdown import ParsedRecord, parse_record
from baoguan.text.html import plain_text
from baoguan.upkeep import Status, status
from newsroom import Newsroom, acts

LOOPBACK = {"allow_networks": ["127.0.0.0/8"], "pace_s": 0.0, "min_free_mb": 1}


class AheadClock(SystemClock):
    """The machine's clock, set forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """Aware UTC."""
        return super().now() + self.ahead


class House:
    """One archive over one newsroom; what tests do and ask."""

    def __init__(self, folder: Path, room: Newsroom) -> None:
        self.folder, self.room, self.clock = folder, room, AheadClock()

    def make(self, feeds: dict[str, tuple[str, ...]] | None = None, **fetch: Any) -> "House":
        """Creates the archive; `feeds` by outlet key, default feed.xml of every desk."""
        feeds = feeds or {key: (self.room.feed_url(key),) for key in self.room.desks}
        entries = [
            OutletEntry(
                key=key, name=key, home=self.room.url(key), feeds=urls, language="zh-Hans", zone="Asia/Shanghai"
            )
            for key, urls in feeds.items()
        ]
        create_archive(self.folder, origin="test/ingest", entries=entries, fetch=LOOPBACK | fetch)
        return self

    def open(self, **options: Any) -> AbstractContextManager[Desk]:
        """The desk, not fsynced."""
        return open_desk(self.folder, options, clock=self.clock, durable=False)

    def sync(self, which: str = "all", **options: Any) -> Report:
        """One sync in a process that starts anew."""
        with self.open(**options) as desk:
            return sync(desk, which=which)

    def status(self) -> Status:
        """What `baoguan status` tells."""
        with self.open() as desk:
            return status(desk)

    def rows(self, outlet: str = "") -> list[ArticleRow]:
        """Every article."""
        with self.open() as desk:
            return desk.catalog.articles(outlet=outlet, start_ms=-(1 << 62), limit=10_000)

    def row(self, title: str) -> ArticleRow:
        """The one article with that in its current title."""
        (row,) = [row for row in self.rows() if title in row.title]
        return row

    def lines(self, *kinds: str) -> list[ManifestLine]:
        """Lines of the log in order."""
        with self.open() as desk:
            return [line for _, line in desk.archive.lines() if line and (not kinds or line.kind in kinds)]

    def records(self, identity: str = "") -> list[ParsedRecord]:
        """The records of all revisions (of one article), in log order."""
        with self.open() as desk:
            lines = [line for _, line in desk.archive.lines() if line and line.record]
            return [parse_record(desk.archive.record(line)) for line in lines if identity in ("", line.id)]

    def text(self, identity: str) -> str:
        """Plain text of the newest record."""
        return plain_text(self.records(identity)[-1].body_html)

    def public(self) -> dict[str, bytes]:
        """Every file that may be served."""
        root = self.folder / "public"
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def verify(self) -> None:
        """Fails with the faults."""
        report = verify(FileObjects(self.folder / "public"), read_verifier(self.folder))
        assert report.faults == ()
        assert report.size > 0

    def feed(self, key: str, *items: str, name: str = "feed.xml", **headers: str) -> None:
        """Serves a feed of these <item>s from now on, instead of the newsroom's own."""
        self.room.behave(self.room.feed_url(key, name))
        self.room.act(self.room.feed_url(key, name), acts.answer(200, rss(*items), content_type="text/xml", **headers))


def rss(*items: str) -> bytes:
    """A feed document."""
    channel = f"<title>虚构</title><link>http://127.0.0.1/</link><description>x</description>{''.join(items)}"
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
    return f"{head}<channel>{channel}</channel></rss>".encode()


def item(
    title: str = "",
    link: str = "",
    guid: str = "",
    *,
    body: str = "",
    content: str = "",
    date: datetime | str | None = datetime(2026, 9, 1, 8, tzinfo=UTC),
) -> str:
    """One <item>."""
    when = format_datetime(date) if isinstance(date, datetime) else date
    parts = {"title": title, "link": link, "description": body, "content:encoded": content, "pubDate": when or ""}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items() if value)
    return f"<item>{inner}{f'<guid isPermaLink={chr(34)}false{chr(34)}>{escape(guid)}</guid>' if guid else ''}</item>"


def page(title: str, *paragraphs: str, head: str = "", extra: str = "") -> bytes:
    """A plain article page."""
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return (
        f'<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body><main><article><h1>{title}</h1>{body}{extra}</article></main></body></html>"
    ).encode()


LONG = "河湾市政府在星期三宣布，旧码头将改建成一座向所有居民开放的图书馆，工程预计历时两年，费用由市民基金承担。"


def paragraphs(count: int, seed: str = "") -> list[str]:
    """Made-up prose, each paragraph another."""
    return [f"第{number}段{seed}：{LONG}" for number in range(1, count + 1)]
