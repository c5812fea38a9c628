"""Captures read again, without the network: by the rules of their day or today's, with what was learned since.

A dry run tells what would change. On commit each change is a revision with cause `extractor`: the older text stays, and
no edit of the outlet is claimed. A page that now reads as no article, or as a stub, changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import date

import msgspec

from baoguan.archive.ledger import Ledger
from baoguan.archive.revisions import content_digest
from baoguan.backends.executors import read_ahead
from baoguan.batching import Draft, Picked, clock_of, clock_text, log_draft
from baoguan.desk import Desk, catch_up, exclusive
from baoguan.errors import BaoguanError
from baoguan.extract.article import EXTRACTOR, Hints, extract_page
from baoguan.extract.combine import NOT_ARTICLES, complete
from baoguan.model.article import Article, Picture
from baoguan.model.log import ManifestLine
from baoguan.picking import PICTURES_AN_ARTICLE
from baoguan.ports import Executor
from baoguan.publish.ancestor import parse_ancestor, to_article
from baoguan.publish.markdown import parse_record
from baoguan.reading import captured_file, captured_page, hints_for, load_profile
from baoguan.text.html import plain_text

BATCH = 64
AHEAD = 256
"""Captures under way."""
TOGETHER = 32
"""Captures that travel together: with Ray the way there and back takes several milliseconds."""
_STUB_RATIO = 0.2
_CURSOR = "reextract/1"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read again."""

    outlet: str = ""
    """Key; empty: all."""
    since_ms: int = 0
    """Captured from then on."""
    rules: str = "then"
    """`then`: the rules of the day of the capture; `today`: those of today."""
    commit: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An article that reads otherwise now."""

    id: str
    outlet: str
    url: str
    title: str
    what: tuple[str, ...]
    """Of title, authors, text, lead, pictures, published."""
    chars: tuple[int, int]
    """Of plain text, kept and now."""
    confidence: tuple[float, float]
    rules: str


class Outcome:
    """What a run did; shells watch it through `watch(event, what)`: start, change, failed, done."""

    def __init__(self, watch: Callable[[str, object], None] = lambda _event, _what: None) -> None:
        self.watch = watch
        self.total = 0
        self.counts: Counter[str] = Counter()
        """read, same, changed, kept (reads as less now), skipped (no captured page), failed, committed."""
        self.changes: list[Change] = []
        self.failed: list[tuple[str, str, str]] = []
        """(id, URL, problem)"""
        self.resumed = False
        """Whether an interrupted run was gone on with."""


class ReadTask(msgspec.Struct, frozen=True, kw_only=True):
    """One current revision."""

    index: int
    line: ManifestLine
    body: bytes = b""
    hints: Hints | None = None
    legacy: str = ""
    """Of an imported file, which `body` is: its path in the ancestors' tree."""
    problem: str = ""


def reextract(
    desk: Desk,
    plan: Plan,
    outcome: Outcome | None = None,
    *,
    executor: Executor | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Reads the captures of all current revisions that the plan names, in the order of the log.

    With `commit` it takes the sync lock, and an interrupted run is gone on with where its last batch ended. `executor`:
    where pages are read; the same bytes come of it wherever that is.
    """
    outcome = outcome or Outcome()
    with ExitStack() as stack:
        if plan.commit:
            stack.enter_context(exclusive(desk))
        catch_up(desk)
        if plan.commit:
            desk.check_disk()
        after, end = _cursor(desk, plan)
        outcome.resumed = after >= 0
        current = [index for index in _current(desk, plan) if after < index < end]
        outcome.total = len(current)
        outcome.watch("start", outcome.total)
        readings = read_ahead(executor, read_tasks(desk, plan, current), work_of, ahead=AHEAD, together=TOGETHER)
        _run(desk, plan, outcome, readings, end, stop)
    return outcome


def _cursor(desk: Desk, plan: Plan) -> tuple[int, int]:
    """(log index after which the run begins, index before which it ends): an interrupted one of the same plan goes on.

    What the run itself has appended is not read again.
    """
    kept = desk.schedule.get(_cursor_key(plan)) if plan.commit else None
    after, _, end = (kept or b"").partition(b":")
    return (int(after), int(end)) if end else (-1, desk.archive.size)


def _keep_cursor(desk: Desk, plan: Plan, done: int, end: int) -> None:
    desk.schedule.put(_cursor_key(plan), b"%d:%d" % (done, end) if done >= 0 else b"")


def _cursor_key(plan: Plan) -> str:
    return f"{_CURSOR}:{EXTRACTOR}:{plan.outlet}:{plan.since_ms}:{plan.rules}"


def _current(desk: Desk, plan: Plan) -> Iterator[int]:
    for row in desk.catalog.all_revisions():
        if row.captured_ms >= plan.since_ms:
            article = desk.catalog.article(row.id)
            if article is not None and article.index == row.index and plan.outlet in ("", article.outlet):
                yield row.index


def read_tasks(desk: Desk, plan: Plan, current: Iterable[int]) -> Iterator[ReadTask]:
    """The captured pages, each with what is known of it; one that can't be had says why."""
    profiles = {}
    today = desk.clock.now().date()
    for index in current:
        line = desk.archive.line(index)
        if line is None:
            continue
        try:
            response = captured_page(desk, line)
            file = captured_file(desk, line) if response is None else None
        except (BaoguanError, OSError) as error:
            yield ReadTask(index=index, line=line, problem=" ".join(str(error).split()))
            continue
        if response is None:
            yield ReadTask(index=index, line=line, body=file or b"", legacy=line.legacy_path if file else "")
            continue
        if line.outlet not in profiles:
            profiles[line.outlet] = load_profile(desk, line.outlet)
        day: date | None = today if plan.rules == "today" else None
        hints = hints_for(desk.outlet(line.outlet), response, profiles[line.outlet], day=day)
        yield ReadTask(index=index, line=line, body=response.body, hints=hints)


def work_of(task: ReadTask) -> tuple[Callable[..., Article], tuple[object, ...]] | None:
    """The function that reads it, anywhere, and its arguments; None where there is nothing to read."""
    if task.hints is not None:
        return _read, (task.body, task.hints)
    return (_read_file, (task.body, task.legacy)) if task.legacy else None


def _read_file(body: bytes, legacy: str) -> Article:
    return to_article(parse_ancestor(body, legacy))[0]


def _read(body: bytes, hints: Hints) -> Article:
    return extract_page(body, hints)


def _run(
    desk: Desk,
    plan: Plan,
    outcome: Outcome,
    readings: Iterator[tuple[ReadTask, Callable[[], Article] | None]],
    end: int,
    stop: Callable[[], bool],
) -> None:
    """Judges each reading; with commit, writes every so many changes as one batch and remembers how far it came."""
    drafts: list[Draft] = []
    done = -1
    for task, read in readings:
        draft = _judge(desk, outcome, task, read)
        done = task.index
        if draft is not None:
            drafts.append(draft)
        if plan.commit and (len(drafts) >= BATCH or outcome.counts["read"] % 500 == 499):
            _commit(desk, outcome, drafts)
            _keep_cursor(desk, plan, done, end)
            drafts = []
        outcome.watch("done", task.line)
        if stop():
            break
    else:
        done = -1
    if plan.commit:
        _commit(desk, outcome, drafts)
        _keep_cursor(desk, plan, done, end)


def _judge(desk: Desk, outcome: Outcome, task: ReadTask, read: Callable[[], Article] | None) -> Draft | None:
    """What one reading means; a capture that breaks its reader is named and passed over."""
    line = task.line
    if read is None:
        if task.problem:
            _fail(outcome, line, task.problem)
        else:
            outcome.counts["skipped"] += 1
        return None
    try:
        article = complete(read(), _kept(line))
        kept = parse_record(desk.archive.record(line)).body_html
    except Exception as error:  # noqa: BLE001 - one capture that breaks its reader never stops the others
        _fail(outcome, line, " ".join(f"{type(error).__name__}: {error}".split())[:200])
        return None
    outcome.counts["read"] += 1
    before, text = plain_text(kept), plain_text(article.body_html)
    what = _differences(line, article, before, text)
    if not what:
        outcome.counts["same"] += 1
        return None
    if article.kind in NOT_ARTICLES or not text or len(text) < _STUB_RATIO * len(before):
        outcome.counts["kept"] += 1
        return None
    outcome.counts["changed"] += 1
    change = Change(
        id=line.id,
        outlet=line.outlet,
        url=line.url,
        title=article.title,
        what=what,
        chars=(len(before), len(text)),
        confidence=(round(line.confidence, 2), round(article.confidence, 2)),
        rules=article.rules,
    )
    outcome.changes.append(change)
    outcome.watch("change", change)
    return _draft(desk, line, article, text, task.hints)


def _fail(outcome: Outcome, line: ManifestLine, problem: str) -> None:
    outcome.counts["failed"] += 1
    outcome.failed.append((line.id, line.url, problem))
    outcome.watch("failed", outcome.failed[-1])


def _kept(line: ManifestLine) -> Article:
    """What the revision says beside its text: the feed told some of it, and the page alone does not."""
    return Article(
        url=line.url,
        title=line.title,
        authors=line.authors,
        published=clock_of(line.published, line.published_from),
        modified=clock_of(line.modified, line.modified_from),
        section=line.section,
        language=line.lang,
    )


def _differences(line: ManifestLine, article: Article, before: str, text: str) -> tuple[str, ...]:
    """Which parts of an article read otherwise than its revision says."""
    pictures = [picture.url for picture in _pictures(article)]
    parts = {
        "title": article.title != line.title,
        "authors": article.authors != line.authors,
        "text": "".join(text.split()) != "".join(before.split()),
        "pictures": sorted(set(pictures)) != sorted({ref.url for ref in line.media}),
        "published": clock_text(article.published) != line.published,
    }
    found = tuple(name for name, differs in parts.items() if differs)
    return found or (() if content_digest(article, text) == line.content_sha256 else ("lead",))


def _pictures(article: Article) -> tuple[Picture, ...]:
    return tuple({picture.url: picture for picture in article.pictures}.values())[:PICTURES_AN_ARTICLE]


def _draft(desk: Desk, line: ManifestLine, article: Article, text: str, hints: Hints | None) -> Draft:
    """The reading as a further revision of the same capture. Kept pictures stay; others are asked for later."""
    learned = hints.profile.name if hints is not None and hints.profile is not None else ""
    draft = Draft(
        key=line.id,
        outlet=desk.outlet(line.outlet),
        identity=line.id,
        url=line.url,
        article=article,
        text=text,
        captured_ms=line.captured_ms,
        capture=line.capture,
        item_published=line.item_published,
        item_capture=line.item_capture,
        flags=(f"profile:{learned}",) if learned else (),
        cause="extractor",
        always=True,
        picked=[],
        missing=[],
    )
    for picture in _pictures(article):
        kept = desk.catalog.media(picture.url)
        if kept is None:
            draft.missing.append(picture.url)
        else:
            draft.picked.append(Picked(url=picture.url, width=kept.width, height=kept.height, kept=kept))
    return draft


def _commit(desk: Desk, outcome: Outcome, drafts: list[Draft]) -> None:
    if not drafts:
        return
    with desk.archive.begin() as batch:
        catch_up(desk)
        ledger = Ledger(desk.catalog, desk.denials)
        for draft in drafts:
            log_draft(desk.archive, batch, ledger, draft)
        desk.commit(batch, ledger)
    outcome.counts["committed"] += len(drafts)
    late = [(url, draft.identity, 0, desk.now_ms()) for draft in drafts for url in draft.missing]
    desk.schedule.settle_pictures([], late)
