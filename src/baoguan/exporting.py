"""`export markdown`: the ancestors' tree of an archive, sanitised, or byte for byte as the ancestors would have it."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from baoguan.capture.read import read_member, to_response
from baoguan.desk import Desk
from baoguan.errors import BaoguanError, ConfigError, FeedError
from baoguan.feeds.parse import parse_feed
from baoguan.media.location import strip_location
from baoguan.media.rewrite import substitute_sources
from baoguan.model.capture import CaptureRef
from baoguan.model.catalog import ArticleRow, RevisionRow
from baoguan.model.feed import Item
from baoguan.model.log import ManifestLine
from baoguan.publish.ancestor_exact import (
    ancestor_body,
    exact_body_from_feed,
    exact_body_from_page,
    joined,
    rewrite_pictures,
)
from baoguan.publish.ancestor_tree import TreeEntry, exact_article, tree_pages
from baoguan.publish.markdown import ParsedRecord, parse_record
from baoguan.serving import WITH_PICTURES, served_body
from baoguan.text.html import clean_body
from baoguan.text.identity import keys_of

FORMS = ("weserv", "relative", "origin")


class ExportReport(msgspec.Struct, kw_only=True):
    """What an export wrote."""

    articles: int = 0
    lists: int = 0
    pictures: int = 0
    unchanged: int = 0
    """Files that stood there with the same bytes."""
    scripts: list[str] = []
    """Exact files that hold scripts or handlers."""


def export_markdown(
    desk: Desk,
    destination: Path,
    *,
    images: str = "",
    exact: bool = False,
    outlet: str = "",
    progress: Callable[[int], None] = lambda _done: None,
) -> ExportReport:
    """Writes articles/, lists/ and README.md below `destination`; files of the same bytes are left alone.

    `images`: weserv, relative (files copied to media/), origin, or a URL prefix. Raises ConfigError for another word.
    """
    if images not in ("", *FORMS) and "://" not in images:
        raise ConfigError(f"--images {images}: say weserv, relative, origin or a URL")
    if (destination / "checkpoint").exists() or (destination / "baoguan.toml").exists():
        raise ConfigError(f"{destination} is an archive: export into another folder")
    run = _Export(desk, destination, images, exact=exact)
    for row in run.rows(outlet):
        run.article(row)
        progress(1)
    run.pages()
    return run.report


class _Export:
    """The state of one export."""

    def __init__(self, desk: Desk, destination: Path, images: str, *, exact: bool) -> None:
        self.desk, self.destination, self.exact = desk, destination, exact
        self.images = images or ("origin" if exact else "relative")
        self.asked = bool(images)
        self.report = ExportReport()
        self.entries: dict[str, list[TreeEntry]] = defaultdict(list)
        self.feeds: dict[str, dict[str, Item]] = {}

    def rows(self, outlet: str) -> Iterator[ArticleRow]:
        """Every article, newest first."""
        before: tuple[int, str] | None = None
        while page := self.desk.catalog.articles(outlet=outlet, start_ms=-(1 << 62), before=before, limit=500):
            yield from page
            before = (page[-1].shown_ms, page[-1].id)

    def article(self, row: ArticleRow) -> None:
        """The files of one article: its current text; with --exact each imported file, too."""
        revisions = self.desk.catalog.revisions(row.id)
        imported = [one for one in revisions if one.cause == "import" and one.legacy_path]
        current = next((one for one in revisions if one.index == row.index), revisions[-1])
        if self.exact:
            for one in imported:
                self.imported(row, one)
        if self.exact and current in imported:
            return
        path = current.legacy_path or next((one.legacy_path for one in revisions if one.legacy_path), "")
        line = self.desk.archive.line(current.index)
        if line is None or line.record is None or not path or (self.exact and current not in imported and imported):
            return
        self.written(row.outlet, path, line)

    def imported(self, row: ArticleRow, revision: RevisionRow) -> None:
        """An imported file as it was, from its capture."""
        line = self.desk.archive.line(revision.index)
        if line is None or line.capture is None:
            return
        data = self.payload(line.capture)
        if self.asked:
            data = rewrite_pictures(data.decode("utf-8", "surrogateescape"), self.images).encode(
                "utf-8", "surrogateescape"
            )
        if "scripts" in line.flags:
            self.report.scripts.append(revision.legacy_path)
        self.write(revision.legacy_path, data)
        self.report.articles += 1
        self.list(row.outlet, revision.legacy_path, revision.title, revision.captured_ms)

    def written(self, outlet: str, path: str, line: ManifestLine) -> None:
        """An article of our own in the ancestors' form."""
        record = parse_record(self.desk.archive.record(line))
        serve = "all" if self.exact else self.desk.outlet(outlet).serve
        record = msgspec.structs.replace(record, body_html=served_body(record.body_html, serve, {}))
        line = line if serve in WITH_PICTURES else msgspec.structs.replace(line, media=())
        url = record.url or line.url
        epoch = self.epoch(line)
        body = self.exact_body(line, url) if self.exact else ""
        if body:
            if "scripts" in clean_body(body, url).flags:
                self.report.scripts.append(path)
            data = exact_article(epoch, line.title, url, body, self.images if self.images != "relative" else "origin")
        else:
            body = ancestor_body(self.with_pictures(record, line, path), published=line.published, authors=line.authors)
            data = exact_article(epoch, line.title, url, body, "keep" if self.images == "relative" else self.images)
        self.write(path, data)
        self.report.articles += 1
        self.list(outlet, path, line.title, epoch)

    def epoch(self, line: ManifestLine) -> int:
        """The ancestors' clock: pubDate of the feed item, else when this archive captured it."""
        if line.item_published:
            return int(datetime.fromisoformat(line.item_published).timestamp() * 1000)
        return line.captured_ms

    def exact_body(self, line: ManifestLine, url: str) -> str:
        """The kept mark-up: the feed's where it carries the ancestors' body, else the page's; empty when neither."""
        item = self.item(line)
        carried = (item.content_html or item.summary_html) if item is not None else ""
        body = exact_body_from_feed(carried)
        if body or line.capture is None or "from-feed" in line.flags:
            return body or joined(carried)
        page = to_response(read_member(self.member(line.capture)))
        return exact_body_from_page(page.body, url, content_type=page.header("content-type"))

    def item(self, line: ManifestLine) -> Item | None:
        """The feed item that brought the article, from the capture of its feed."""
        if line.item_capture is None:
            return None
        known = self.feeds.get(line.item_capture.record_id)
        if known is None:
            response = to_response(read_member(self.member(line.item_capture)))
            try:
                doc = parse_feed(response.body, url=response.final_url, content_type=response.header("content-type"))
            except FeedError:
                return None
            known = {key: item for item in doc.items for key in keys_of([item.guid], [item.url])}
            if len(self.feeds) > 64:
                self.feeds.clear()
            self.feeds[line.item_capture.record_id] = known
        keys = keys_of(line.guids, (line.url, *line.aliases))
        return next((known[key] for key in keys if key in known), None)

    def with_pictures(self, record: ParsedRecord, line: ManifestLine, path: str) -> str:
        """The body with the addresses of pictures that the form of this export wants."""
        kept: dict[str, str] = {}
        for media in line.media:
            late = None if media.path else self.desk.catalog.media(media.url)
            source = media.path or (late.path if late else "")
            if source and self.images == "relative":
                self.copy(source)
                kept[media.url] = posixpath.relpath(source, posixpath.dirname(path))
        return substitute_sources(record.body_html, kept)

    def copy(self, source: str) -> None:
        """A kept picture into the tree, once."""
        target = self.destination / source
        if not target.exists():
            self.write(source, strip_location(self.desk.archive.media(source)))
            self.report.pictures += 1

    def member(self, ref: CaptureRef) -> bytes:
        """The stored bytes of a WARC record. Raises BaoguanError when it is gone."""
        place = self.desk.catalog.capture(ref.record_id)
        if place is None:
            raise BaoguanError(f"capture {ref.record_id} is not in the index: `baoguan rebuild`, then `baoguan verify`")
        return self.desk.archive.objects.get(place.file, place.offset, place.length)

    def payload(self, ref: CaptureRef) -> bytes:
        """What a WARC record holds."""
        return read_member(self.member(ref)).block

    def list(self, outlet: str, path: str, title: str, epoch_ms: int) -> None:
        """A line for the outlet's list page."""
        self.entries[outlet].append(TreeEntry(path=path, title=title, epoch_ms=epoch_ms))

    def pages(self) -> None:
        """lists/ and README.md, newest first."""
        for entries in self.entries.values():
            entries.sort(key=lambda entry: (-(entry.epoch_ms or 0), entry.path))
        names = {key: self.desk.outlet(key).name for key in self.entries}
        for path, data in tree_pages(self.entries, names):
            self.write(path, data)
            self.report.lists += path.startswith("lists/")

    def write(self, path: str, data: bytes) -> None:
        """One file, beside and then in place; nothing outside of the destination."""
        target = self.destination / path
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise ConfigError(f"{path}: not a path below {self.destination}")
        if target.exists() and target.read_bytes() == data:
            self.report.unchanged += 1
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(".new-" + target.name[-40:])
        beside.write_bytes(data)
        beside.replace(target)
