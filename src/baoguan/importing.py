"""Bringing archives of others in: the ancestors' trees in every variant of FORMAT.md, and foreign WARCs.

Every file becomes a revision under its own legacy path: none is lost, none overwrites another, a second import adds
nothing. The file itself is kept whole as a WARC resource record.
"""

import hashlib
import re
from collections.abc import Callable, Container, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from baoguan.archive.ledger import Ledger
from baoguan.archive.revisions import content_digest
from baoguan.backends.executors import read_ahead
from baoguan.batching import Draft, is_refused, log_draft
from baoguan.capture.read import iter_responses
from baoguan.desk import Desk, catch_up
from baoguan.errors import BaoguanError, ConfigError
from baoguan.extract.article import extract_article
from baoguan.extract.combine import NOT_ARTICLES
from baoguan.extract.rules import choose_rules
from baoguan.model.article import Article
from baoguan.model.capture import Response
from baoguan.model.outlet import Outlet
from baoguan.outlets.matching import adhoc_outlet, outlet_for_url
from baoguan.ports import Executor
from baoguan.publish.ancestor import AncestorFile, parse_ancestor, to_article
from baoguan.text.html import plain_text
from baoguan.text.urls import canonical_url
from baoguan.unpacking import Unread, legacy_path, walk_folder, walk_tar

AHEAD = 32
"""Pages of a WARC that are being read by others."""
BATCH_FILES = 2048
BATCH_BYTES = 24_000_000
_ASKED_FILES = 256
_ASKED_BYTES = 8_000_000
_WARC = re.compile(r"\.warc(\.gz)?$", re.I)
_TAR = re.compile(r"\.(tar|tar\.zst|tzst|tar\.gz|tgz|tar\.xz|txz|tar\.bz2)$", re.I)

Progress = Callable[[int], None]


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did."""

    files: int = 0
    """Files that are articles."""
    added: int = 0
    articles: int = 0
    """Of the added ones: how many were the first of their article."""
    known: int = 0
    """Imported before, byte for byte under the same path."""
    withdrawn: int = 0
    """On the deny list: nothing of them was kept."""
    untimed: int = 0
    """Without a time of their own: they bear the time of the import, flagged."""
    scripts: int = 0
    """Held scripts or handlers: the record is sanitised, the kept file is as it was."""
    skipped: list[str] = []
    """Files that are no articles: lists, README..."""
    failed: list[tuple[str, str]] = []
    """(path, why) of what should be an article and can't be read."""


def import_path(
    desk: Desk,
    path: Path,
    progress: Progress = lambda _done: None,
    *,
    executor: Executor | None = None,
    only: Container[str] | None = None,
) -> ImportReport:
    """Imports a folder, a tar (zst, gz, xz, bz2) or a WARC. Raises ConfigError when it is none of these.

    Of WARCs: `executor` reads the pages, `only` names the canonical URLs that are taken.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder")
    run = _Import(desk, progress, executor, only)
    if path.is_file() and _WARC.search(path.name):
        run.take_all(run.warc_drafts(path))
    elif path.is_dir() or _TAR.search(path.name):
        run.take_all(run.file_drafts(path))
    else:
        raise ConfigError(f"{path}: a folder, a .tar(.zst|.gz|.xz), a .warc(.gz) or an .opml can be imported")
    return run.report


class _Import:
    """The state of one import."""

    def __init__(self, desk: Desk, progress: Progress, executor: Executor | None, only: Container[str] | None) -> None:
        self.desk, self.progress, self.executor, self.only = desk, progress, executor, only
        self.report = ImportReport()
        self.now = desk.clock.now().astimezone(UTC)

    def take_all(self, drafts: Iterator[tuple[Draft, bytes]]) -> None:
        """Commits drafts in batches; parsing stays outside of the write lock."""
        batch: list[tuple[Draft, bytes]] = []
        size = 0
        for draft, data in drafts:
            batch.append((draft, data))
            size += len(data)
            if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
                self.commit(batch)
                batch, size = [], 0
        self.commit(batch)

    def commit(self, drafts: list[tuple[Draft, bytes]]) -> None:
        """One batch; what another process imported meanwhile is left out."""
        if not drafts:
            return
        self.desk.check_disk()
        with self.desk.archive.begin() as batch:
            catch_up(self.desk)
            ledger = Ledger(self.desk.catalog, self.desk.denials)
            ledger.foresee((d.outlet.key, d.guid, d.url, d.outlet.drop_params) for d, _ in drafts)
            taken = self.desk.catalog.all_imported((d.source_sha256, d.legacy_path) for d, _ in drafts)
            for draft, data in drafts:
                key = (draft.source_sha256, draft.legacy_path)
                if draft.source_sha256 and key in taken:
                    self.report.known += 1
                    continue
                if draft.response is not None and self.seen_page(ledger, draft):
                    self.report.known += 1
                    continue
                taken.add(key)
                if is_refused(ledger, draft, draft.text or ""):
                    self.report.withdrawn += 1
                    continue
                if draft.response is None:
                    at = datetime.fromtimestamp(draft.captured_ms / 1000, UTC)
                    draft.capture = batch.add_resource(
                        draft.url or "urn:baoguan:import", "text/markdown", data, at, sha256=draft.source_sha256
                    )
                logged = log_draft(self.desk.archive, batch, ledger, draft)
                self.report.added += logged.outcome in ("new", "changed")
                self.report.articles += logged.outcome == "new"
                self.report.known += logged.outcome in ("same", "lost")
                self.report.withdrawn += logged.outcome == "withdrawn"
            self.desk.commit(batch, ledger)
        self.progress(len(drafts))

    def seen_page(self, ledger: Ledger, draft: Draft) -> bool:
        """Whether the log has this page of a WARC: a revision of that time, or the same text and a look since.

        That look may have found the page lost: an older capture doesn't bring it back (batching.log_fact).
        """
        who = ledger.resolve(draft.outlet.key, draft.guid, draft.url, draft.outlet.drop_params)
        row = self.desk.catalog.article(who.id)
        if row is None:
            return False
        if any(held.captured_ms == draft.captured_ms for held in self.desk.catalog.revisions(who.id)):
            return True
        digest = content_digest(draft.article, plain_text(draft.article.body_html))
        return draft.captured_ms <= row.checked_ms and digest == row.content_sha256

    def article_files(self, path: Path) -> Iterator[tuple[str, str, bytes]]:
        """(path below the tree's root, sha256, bytes) of its article files."""
        files = walk_folder(path) if path.is_dir() else walk_tar(path)
        for name, data in files:
            legacy = legacy_path(name)
            if legacy is None:
                self.report.skipped.append(name)
                continue
            if isinstance(data, Unread):
                self.report.failed.append((name, data.reason))
                continue
            self.report.files += 1
            yield legacy, hashlib.sha256(data).hexdigest(), data

    def file_drafts(self, path: Path) -> Iterator[tuple[Draft, bytes]]:
        """Drafts of the article files of a tree that were not imported before."""
        for files in _chunks(self.article_files(path)):
            known = self.desk.catalog.all_imported((digest, legacy) for legacy, digest, _ in files)
            for legacy, digest, data in files:
                if (digest, legacy) in known:
                    self.report.known += 1
                    self.progress(1)
                    continue
                try:
                    yield self.draft_file(parse_ancestor(data, legacy), legacy, digest), data
                except BaoguanError as error:
                    self.report.failed.append((legacy, str(error)))

    def draft_file(self, file: AncestorFile, legacy: str, digest: str) -> Draft:
        """One file as a draft."""
        article, text, flags = to_article(file)
        captured = file.epoch_ms if file.epoch_ms is not None else int(self.now.timestamp() * 1000)
        if file.epoch_ms is None:
            flags = (*flags, "time-assumed")
            self.report.untimed += 1
        self.report.scripts += "scripts" in flags
        return Draft(
            key=legacy,
            outlet=self.desk.outlet(file.outlet),
            guid="" if file.url else legacy,
            url=file.url,
            article=article,
            text=text,
            captured_ms=captured,
            flags=flags,
            cause="import",
            legacy_path=legacy,
            source_sha256=digest,
            always=True,
        )

    def warc_drafts(self, path: Path) -> Iterator[tuple[Draft, bytes]]:
        """Drafts of the pages in a WARC; feeds, pictures, errors and pages that are no articles are skipped."""
        for (response, outlet), read in read_ahead(self.executor, self.pages(path), _page_work, ahead=AHEAD):
            try:
                article = read() if read is not None else Article(url=response.url, kind="empty")
            except BaoguanError as error:
                self.report.failed.append((response.url, str(error)))
                continue
            if article.kind in NOT_ARTICLES or not article.body_html:
                self.report.skipped.append(response.url)
                continue
            self.report.files += 1
            yield _page_draft(response, outlet, article), response.raw

    def pages(self, path: Path) -> Iterator[tuple[Response, Outlet]]:
        """The pages of a WARC, each with its outlet; damage is named, what came before it is good."""
        for response in iter_responses(path, damaged=lambda why: self.report.failed.append((str(path), why))):
            kind = response.header("content-type").lower()
            if response.status != 200 or "html" not in kind:
                self.report.skipped.append(response.url)
            elif self.only is None or canonical_url(response.url) in self.only:
                known = outlet_for_url(self.desk.outlets, response.url)
                yield response, known or adhoc_outlet(response.url, taken=self.desk.outlets)


def _page_work(page: tuple[Response, Outlet]) -> tuple[Callable[..., Article], tuple[object, ...]]:
    response, outlet = page
    return _read_page, (msgspec.structs.replace(response, raw=b""), outlet)


def _read_page(response: Response, outlet: Outlet) -> Article:
    """A captured page, by the rules of its day."""
    return extract_article(
        response.body,
        url=response.final_url,
        content_type=response.header("content-type"),
        rules=choose_rules(outlet, response.at.date()),
        language=outlet.language,
        zone=outlet.zone,
        outlet=outlet.key,
    )


def _page_draft(response: Response, outlet: Outlet, article: Article) -> Draft:
    return Draft(
        key=response.url,
        outlet=outlet,
        url=response.url,
        article=article,
        captured_ms=int(response.at.timestamp() * 1000),
        response=response,
        missing=[picture.url for picture in article.pictures],
        cause="import",
    )


def _chunks(files: Iterator[tuple[str, str, bytes]]) -> Iterator[list[tuple[str, str, bytes]]]:
    """Files that the catalogue is asked about together: one statement for many costs a tenth."""
    chunk: list[tuple[str, str, bytes]] = []
    size = 0
    for file in files:
        chunk.append(file)
        size += len(file[2])
        if len(chunk) == _ASKED_FILES or size >= _ASKED_BYTES:
            yield chunk
            chunk, size = [], 0
    yield chunk
