"""verify, prove, check, rebuild."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from baoguan.cli.common import archive_option, print_json, progress_bar, size_text, style, when

if TYPE_CHECKING:
    from baoguan.config import Settings

TRIES, PAUSE_S = 4, 0.3
"""A fault that a writer at work may have caused is looked at again."""
SMALL = 2000
"""Fewer entries than that are checked in one process: starting others costs more."""


@click.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="the report as one JSON object")
@click.option("--jobs", default=0, help="processes  [default: one a core]")
@click.option("--key", default="", help="verifier key to believe  [default: private/key.pub]")
@click.option("--deep", is_flag=True, help="read everything again, whatever was verified before")
@click.option("--since", default="", metavar="SIZE|DATE", help="read only entries from there on, and what they name")
@click.option("--tsa-root", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM, to judge times by")
def verify(folder: Path, *, as_json: bool, jobs: int, key: str, deep: bool, since: str, tsa_root: Path | None) -> int:
    """Check public/ against the log, from the signed checkpoint down to each byte; old parts once, unless --deep.

    Works on a copy of public/ alone when --key is given. Exit code: 0 all holds, 6 altered, 7 missing, 8 extra.
    """
    from baoguan import config
    from baoguan.archive.memory import Scope
    from baoguan.archive.mirror_state import as_chosen
    from baoguan.archive.note import Verifier
    from baoguan.archive.verify import entry_at, verify_scope
    from baoguan.backends.files import FileObjects
    from baoguan.cli import remembered
    from baoguan.cli.common import read_verifier
    from baoguan.cli.timestamp import read_roots
    from baoguan.errors import ConfigError

    own = (folder / "baoguan.toml").exists()
    if own and (settings := config.load(config.read_file(folder))).objects:
        return _verify_bucket(folder, settings, key, as_json=as_json)
    public = folder / "public" if (folder / "public").is_dir() else folder
    if not (public / "checkpoint").exists() and not own:
        raise ConfigError(f"{folder} holds no archive and no copy of one: no public/ and no checkpoint")
    verifier = Verifier.parse(key) if key else read_verifier(folder)
    objects = FileObjects(public)
    held = remembered.load(folder) if own else None
    scope = Scope(memory=held.memory if held else None)
    if since:
        scope = Scope(since=entry_at(objects, since))
    elif held and not deep:
        scope = remembered.scope_of(public, held)
    scope = structs.replace(scope, tsa_roots=read_roots(folder, tsa_root))
    began = remembered.now_ns()
    bar = _Bar(sys.stderr.isatty() and not as_json)
    with _pool(jobs, public, scope.since) as pmap:
        for _ in range(TRIES):
            watch = _Watch(folder, public)
            report, memory = verify_scope(objects, verifier, progress=bar.progress, pmap=pmap, scope=scope)
            if report.ok or not watch.moved():
                break
            time.sleep(PAUSE_S)
    bar.close()
    report, left_out = as_chosen(report, folder)
    report, cosigned = _cosigned(report, folder, public)
    if own and not since:
        remembered.save(folder, public, memory if report.ok else None, began, held if report.since else None)
    if as_json:
        print_json(report)
    else:
        _print_report(report, left_out)
        for words in cosigned:
            click.echo(words)
    code: int = report.exit_code
    return code


def _verify_bucket(folder: Path, settings: "Settings", key: str, *, as_json: bool) -> int:
    """An archive whose public/ is a bucket: all of it, object by object."""
    from baoguan.archive.note import Verifier
    from baoguan.archive.verify import verify as check
    from baoguan.backends.lock import FileLock
    from baoguan.cli.common import read_verifier
    from baoguan.engines import open_store

    objects, _ = open_store(folder, settings, FileLock(folder / "state" / "write.lock"))
    bar = _Bar(sys.stderr.isatty() and not as_json)
    report = check(objects, Verifier.parse(key) if key else read_verifier(folder), progress=bar.progress)
    bar.close()
    if as_json:
        print_json(report)
    else:
        _print_report(report, {})
    return int(report.exit_code)


def _print_report(report: Any, left_out: Mapping[str, int]) -> None:
    for fault in report.faults:
        where = "" if fault.index is None else f" (leaf {fault.index})"
        click.echo(f"{style(fault.kind, fg='red')}: {fault.path}{where}{': ' if fault.detail else ''}{fault.detail}")
    counts = report.counts
    click.echo(
        f"{report.origin}: {report.size} leaves, {counts.get('records', 0)} records, {counts.get('media', 0)} pictures,"
        f" {counts.get('captures', 0)} captures; {size_text(counts.get('bytes', 0))} read"
    )
    if report.since:
        click.echo(f"leaves below {report.since} were verified before and not read again (--deep reads everything)")
    if report.withheld:
        shown = ", ".join(str(index) for index in report.withheld[:10]) + (", ..." if len(report.withheld) > 10 else "")
        click.echo(f"withheld: {len(report.withheld)} (withdrawn, as the log says: leaf {shown})")
    for index in report.kept:
        click.echo(f"kept: leaf {index} was withdrawn at its origin, its text still stands here")
    for why, count in left_out.items():
        click.echo(f"{count} {why}")
    for stamp in report.stamps:
        how = "" if stamp.judged else f" (not judged: {stamp.why})"
        click.echo(f"time: the first {stamp.size} leaves existed by {stamp.at or '?'}, says {stamp.authority}{how}")
    for index in report.clock_back:
        click.echo(f"clock: leaf {index} is more than five minutes earlier than the one before it")
    kinds = {kind: len(report.of(kind)) for kind in ("altered", "missing", "extra")}
    wrong = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    click.echo(style(wrong, fg="red") if wrong else style("everything stands as the log says", fg="green"))


class _Watch:
    """Whether a writer moved the head, or a withdrawal was under way, while public/ was read without a lock."""

    def __init__(self, folder: Path, public: Path) -> None:
        self.plan, self.head = folder / "private" / "withdrawing.json", public / "checkpoint"
        self.before = self._now()

    def _now(self) -> tuple[bool, bytes]:
        return self.plan.exists(), self.head.read_bytes() if self.head.exists() else b""

    def moved(self) -> bool:
        """What was read may be of two moments: worth a second look before anything is called a fault."""
        now = self._now()
        return now != self.before or now[0]


class _Bar:
    """Progress on a terminal."""

    def __init__(self, show: bool) -> None:
        self.show = show
        self.bar: Any = None
        self.what = ""

    def progress(self, what: str, done: int, total: int) -> None:
        """Called by verify."""
        if not self.show:
            return
        if what != self.what:
            from tqdm import tqdm

            self.close()
            self.bar, self.what = tqdm(total=total, desc=what, leave=False), what
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Ends the bar."""
        if self.bar is not None:
            self.bar.close()


def _cosigned(report: Any, folder: Path, public: Path) -> tuple[Any, list[str]]:
    """What the witnesses of the settings say of the checkpoint."""
    from baoguan import config
    from baoguan.archive.mirror_witness import judge_cosigned

    keys = config.load(config.read_file(folder)).witness_keys if (folder / config.FILE).exists() else ()
    note = (public / "checkpoint").read_bytes() if (public / "checkpoint").exists() else b""
    return judge_cosigned(report, note, keys) if note and not report.of("altered") else (report, [])


class _pool:  # noqa: N801 - a context manager that reads as a function
    """The builtin map for small archives and one job; else a pool of processes, in order, with bounded look-ahead."""

    def __init__(self, jobs: int, public: Path, since: int) -> None:
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self.pool: Any = None
        if self.jobs > 1 and _size(public) - since >= SMALL:
            from multiprocessing import get_context

            self.pool = get_context("spawn").Pool(self.jobs)

    def __enter__(self) -> Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]:
        return self.pool.imap if self.pool is not None else map

    def __exit__(self, *_error: object) -> None:
        if self.pool is not None:
            self.pool.terminate()


def _size(public: Path) -> int:
    """Entries that the checkpoint claims, 0 where it can't be read: only decides how many processes start."""
    try:
        return int((public / "checkpoint").read_text("utf-8").split("\n")[1])
    except (OSError, ValueError, IndexError):
        return 0


@click.command()
@archive_option
def rebuild(folder: Path) -> None:
    """Delete index/ and make it anew from public/, to the same answers."""
    from baoguan import config
    from baoguan.app import open_desk
    from baoguan.engines import reset_shared
    from baoguan.indexing import index_new
    from baoguan.upkeep import drop_index
    from baoguan.withdrawing import enforce

    reset_shared(config.load(config.read_file(folder)))
    drop_index(folder)
    with open_desk(folder) as desk:
        articles, revisions, pictures = desk.catalog.counts()
        counts = f"{articles} articles, {revisions} revisions, {pictures} pictures"
        for gone in enforce(desk):
            click.echo(f"withdrawn again: {', '.join(gone.ids)} is on the deny list")
        with progress_bar("indexing") as progress:
            index_new(desk, progress)
        click.echo(f"index rebuilt from {desk.archive.size} leaves: {counts}")


@click.command()
@archive_option
@click.argument("name", metavar="ID|URL")
@click.option("--rev", type=int, default=None, help="revision  [default: the current one]")
@click.option("--media", is_flag=True, help="with its pictures")
@click.option("--capture", is_flag=True, help="with the raw response of the outlet, as it was archived")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="the file, - for standard output")
def prove(folder: Path, name: str, *, rev: int | None, media: bool, capture: bool, out: Path | None) -> None:
    """Write one file that proves an article: what was recorded, by when, unaltered. `baoguan check` judges it anywhere.

    Default of --out: ID.proof.json in the current folder.
    """
    from baoguan.app import open_desk
    from baoguan.archive.proofs import encode_proof, make_proof
    from baoguan.cli.read import find_article
    from baoguan.errors import NotFound

    with open_desk(folder) as desk:
        identity = find_article(desk, name)
        row = desk.catalog.article(identity)
        indexes = {one.rev: one.index for one in desk.catalog.revisions(identity)}
        index = indexes.get(rev) if rev is not None else row.index if row else None
        if index is None:
            raise NotFound(f"{identity} has no revision {rev}: it has {', '.join(map(str, indexes))}")
        raw = _raw_capture(desk, index) if capture else None
        data = encode_proof(make_proof(desk.archive, index, media=media, capture=raw))
        key = desk.archive.verifier
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        return
    path = out or Path(f"{identity}.proof.json")
    path.write_bytes(data)
    click.echo(f"{path}: proves leaf {index}, {size_text(len(data))}; judge it with `baoguan check {path}`")
    click.echo(f"give with it, by another way, the key: {key.text if key else ''}")


def _raw_capture(desk: Any, index: int) -> bytes:
    from baoguan.errors import NotFound

    line = desk.archive.line(index)
    if line is None or line.capture is None:
        raise NotFound(f"leaf {index} names no capture: it was imported, or withdrawn")
    place = desk.catalog.capture(line.capture.record_id)
    if place is None:
        raise NotFound(f"{line.capture.record_id}: its WARC file is missing; run `baoguan verify`")
    data: bytes = desk.archive.objects.get(place.file, place.offset, place.length)
    return data


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--verify-key", "key", default="", help="the archive's verifier key, as its operator publishes it")
@click.option("--json", "as_json", is_flag=True, help="what is proven, as one JSON object")
@click.option("--text", is_flag=True, help="print the article's record, too")
def check(file: Path, *, key: str, as_json: bool, text: bool) -> int:
    """Judge a file that `baoguan prove` or a mirror that met a fork wrote: needs no archive and no network.

    Exit code 6 where it doesn't hold.
    Without --verify-key it is judged by the key inside it, which shows only that the file agrees with itself.
    """
    from baoguan.archive.mirror_evidence import check_evidence, is_evidence
    from baoguan.archive.note import Verifier
    from baoguan.archive.proofs import MAX_BYTES, check_proof

    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if is_evidence(data):
        what = check_evidence(data, Verifier.parse(key) if key else None)
        print_json({"proven": what}) if as_json else click.echo(what)
        return 0
    shown = check_proof(data, Verifier.parse(key) if key else None)
    line, leaf = shown.line, shown.leaf
    if as_json:
        print_json({"line": line, "leaf": leaf, "key": shown.verifier.text, "trusted": bool(key),
                    "size": shown.checkpoint.size, "root": shown.checkpoint.root.hex()})  # fmt: skip
        return 0
    click.echo(f"{style('holds', fg='green')}: {line.title or line.kind}")
    click.echo(f"{line.url}\nrecorded by {shown.checkpoint.origin} at {when(leaf.t)} (its clock), revision {line.rev}")
    click.echo(f"under its signed head of {shown.checkpoint.size} entries, root {shown.checkpoint.root.hex()}")
    with_ = [f"{shown.pictures} pictures"] * bool(shown.pictures) + ["the raw response"] * shown.raw
    click.echo(f"in the file: the record{''.join(f', {part}' for part in with_)}, each byte of it proven")
    if not key:
        click.echo(style("compare this key with the one that the archive publishes:", bold=True))
        click.echo(shown.verifier.text)
    if text:
        click.echo(shown.record.decode("utf-8", "replace"))
    return 0
