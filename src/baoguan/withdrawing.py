"""Withdrawal: an article goes from everything that this archive serves, keeps or remembers; the proofs hold.

Write order, which is the safety argument; all of it under the write lock:

1. private/withdrawing.json says what will be taken away, and what takes its place; synced.
2. private/deny.jsonl bans URL, guid and text; synced. From here on nothing brings it back.
3. The batch with the `gone` leaves is committed. From here on missing lines are withheld, not lost.
   Search indexes forget it now: they want the very words to take them out.
4. Captures, 5. lines and bundles, 6. records and pictures go from public/; one sync.
7. Catalogue and crawl state forget it, bytes and all.
8. The plan is deleted.

A crash before 3 has taken nothing away: the next start does it all again from the ids. A crash after 3 is finished by
the next start from the plan; each step may be done twice.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from baoguan.archive.ledger import Ledger
from baoguan.archive.withdraw_deny import Denial
from baoguan.archive.withdraw_files import cut_captures, delete_files, withhold_lines
from baoguan.archive.withdraw_plan import Plan, drop_plan, read_plan, write_plan
from baoguan.desk import Desk, catch_up
from baoguan.errors import ConfigError, NotFound
from baoguan.model.capture import CaptureRef
from baoguan.model.log import ManifestLine
from baoguan.tracing import Trace

CODE = r"[a-z][a-z0-9-]{1,31}"
_NEEDLE = 12
"""Bytes: shorter ones are found everywhere and say nothing."""


class Withdrawal(msgspec.Struct, kw_only=True):
    """What was, or would be, taken away."""

    ids: tuple[str, ...]
    titles: tuple[str, ...] = ()
    lines: int = 0
    """Manifest lines withheld, each with its `gone` leaf."""
    records: int = 0
    captures: int = 0
    """WARC records replaced by stubs."""
    moved: int = 0
    """Revisits of other articles that took over the body."""
    pictures: int = 0
    log_size: int = 0
    exports: tuple[dict[str, str | int], ...] = ()
    """Exports, packs and backups made while it was here: they still hold it."""
    finished: bool = True
    """False: another process still reads old pages of an index; the next command finishes this."""


def withdraw(
    desk: Desk,
    ids: Sequence[str],
    *,
    reason: str,
    note: str = "",
    dry_run: bool = False,
    everywhere: bool = False,
) -> Withdrawal:
    """Withdraws articles by id. Raises NotFound for an unknown one, StoreError when another process writes.

    `everywhere`: reads every capture, and cuts out pages of other articles too that show its title or its URL.
    """
    with desk.archive.writing():
        if not dry_run:
            finish(desk)
        catch_up(desk)
        for identity in ids:
            if desk.catalog.article(identity) is None:
                raise NotFound(f"no article {identity}; `baoguan ls` lists them")
        trace = Trace(desk, ids, everywhere=everywhere)
        return _withdraw(desk, trace, desk.now_ms(), reason, note, dry_run=dry_run)


def _withdraw(desk: Desk, trace: Trace, at_ms: int, reason: str, note: str, *, dry_run: bool = False) -> Withdrawal:
    plan = trace.plan(at_ms=at_ms, reason=reason, note=note)
    report = _report(desk, plan)
    if dry_run:
        return report
    if desk.archive.signer is None:
        raise ConfigError("this archive was opened without its private key: it can only be read")
    denial = desk.denials.make(
        at_ms=at_ms, ids=plan.ids, reason=reason, note=note, names=_denied(plan), texts=trace.texts()
    )
    plan = msgspec.structs.replace(plan, first=desk.archive.size)
    write_plan(_private(desk), plan)
    desk.denials.put(denial)
    commit_gone(desk, plan)
    report.finished = carry_out(desk, plan)
    report.log_size = desk.archive.size
    return report


def _denied(plan: Plan) -> list[str]:
    names = [name for name in plan.names if name.startswith("u:")]
    names += [f"{outlet}\n{name}" for outlet in plan.outlets for name in plan.names if not name.startswith("u:")]
    return names + [f"i:{sha256}" for sha256, _ in plan.legacy]


def commit_gone(desk: Desk, plan: Plan) -> None:
    """The `gone` leaves: one for each line, one for captures that other lines name; and names for what takes over."""
    with desk.archive.begin() as batch:
        for index, owner in zip(plan.entries, plan.owners, strict=True):
            batch.append(_gone(plan, id=owner, prev=index))
        # Lines that stay name some of them: that of a feed's capture, or of another article that it brought.
        cut_out = tuple(CaptureRef(record_id=cut.record_id, sha256=cut.sha256) for cut in plan.cuts)
        if cut_out:
            batch.append(_gone(plan, captures=cut_out))
        named = (*(cut.ref for cut in plan.cuts), *plan.renamed)
        if named:
            batch.append(ManifestLine(salt="", kind="cap", captures=named, vantage=batch.vantage))
        desk.commit(batch, Ledger(desk.catalog))


def _gone(plan: Plan, **fields: object) -> ManifestLine:
    line = ManifestLine(salt="", kind="gone", captured_ms=plan.at_ms, reason=plan.reason)
    return msgspec.structs.replace(line, **fields)


def carry_out(desk: Desk, plan: Plan) -> bool:
    """What follows the commit; False when the catalogue could not be cleaned yet, so that the plan stays."""
    forgotten = [index.forget(plan.ids) for index in desk.indexes]
    for _, step in STEPS:
        step(desk, plan)
    if desk.shared is not None:
        forgotten.append(desk.shared.forget(plan))
    done = [*forgotten, desk.catalog.forget(plan), desk.schedule.forget(plan, _needles(plan))]
    if not all(done):
        return False
    drop_plan(_private(desk))
    return True


def _cut(desk: Desk, plan: Plan) -> None:
    cut_captures(desk.archive, plan.cuts)


def _withhold(desk: Desk, plan: Plan) -> None:
    withhold_lines(desk.archive, plan.entries)


def _delete(desk: Desk, plan: Plan) -> None:
    delete_files(desk.archive, plan)
    for path in plan.media:
        name = path.rpartition("/")[2].partition(".")[0]
        for kept in _derived(desk.folder, name):
            if kept.is_dir():
                shutil.rmtree(kept, ignore_errors=True)
            else:
                kept.unlink(missing_ok=True)
    if plan.media:
        # the picture proxy may have fetched the same picture from its origin; that cache is made again by itself
        shutil.rmtree(desk.folder / "index" / "origins", ignore_errors=True)
    for left in desk.spool.glob("*") if desk.spool.is_dir() else ():
        if any(left.name == sha256 for sha256, _ in plan.pictures):
            left.unlink(missing_ok=True)


def _derived(folder: Path, sha256: str) -> Iterator[Path]:
    """Renditions and caches of a picture: files below index/ and state/ whose name begins with its digest."""
    for place in ("index", "state"):
        for depth in ("*", f"*/{sha256[:2]}", f"*/*/{sha256[:2]}"):
            yield from (folder / place).glob(f"{depth}/{sha256}*")


def _sync(desk: Desk, plan: Plan) -> None:
    if desk.archive.sync:
        desk.archive.objects.sync([cut.file for cut in plan.cuts])


STEPS: tuple[tuple[str, Callable[[Desk, Plan], None]], ...] = (
    ("captures", _cut),
    ("lines", _withhold),
    ("files", _delete),
    ("sync", _sync),
)
"""What happens to public/ after the `gone` batch, in order."""


def finish(desk: Desk) -> bool:
    """Ends a withdrawal that a crash cut short; True when there was one."""
    if read_plan(_private(desk)) is None:
        return False
    with desk.archive.writing():
        plan = read_plan(_private(desk))
        if plan is None or desk.archive.signer is None:
            return False
        catch_up(desk)
        if _is_committed(desk, plan):
            return carry_out(desk, plan)
        drop_plan(_private(desk))
        trace = Trace(desk, plan.ids, plan.names, next(iter(plan.outlets), ""))
        _withdraw(desk, trace, plan.at_ms, plan.reason, plan.note)
        return True


def _is_committed(desk: Desk, plan: Plan) -> bool:
    if plan.first >= desk.archive.size:
        return False
    line = desk.archive.line(plan.first)
    prev = plan.entries[0] if plan.entries else None
    return line is not None and (line.kind, line.captured_ms, line.prev) == ("gone", plan.at_ms, prev)


def enforce(desk: Desk) -> list[Withdrawal]:
    """Withdraws every kept article that the deny list names: after a restore, a rebuild, or from a mirror."""
    denied: dict[str, Denial] = {}
    if not desk.denials.active:
        return []
    for outlet, key, identity in desk.catalog.identity_keys():
        if identity not in denied:
            found = desk.denials.match([key if key.startswith("u:") else f"{outlet}\n{key}"])
            if found is not None and desk.catalog.article(identity) is not None:
                denied[identity] = found
    return [withdraw(desk, [identity], reason=denial.reason, note=denial.note) for identity, denial in denied.items()]


def clean_feeds(desk: Desk) -> int:
    """Cuts captures of feeds that carried what was found to be withdrawn only once its page was read; how many."""
    cuts = 0
    while desk.denials.refused:
        names, denial = desk.denials.refused.pop()
        outlet = next((name.partition("\n")[0] for name in names if not name.startswith(("u:", "i:"))), "")
        names = tuple(name if name.startswith("u:") else name.partition("\n")[2] for name in names)
        with desk.archive.writing():
            trace = Trace(desk, (), names, outlet)
            plan = trace.plan(at_ms=desk.now_ms(), reason=denial.reason, note="")
            if not plan.cuts:
                continue
            plan = msgspec.structs.replace(plan, first=desk.archive.size)
            write_plan(_private(desk), plan)
            commit_gone(desk, plan)
            carry_out(desk, plan)
            cuts += len(plan.cuts)
    return cuts


def _needles(plan: Plan) -> list[bytes]:
    """Byte strings by which a leftover would be known."""
    told = [
        *plan.titles,
        *(name[2:].partition("://")[2] or name[2:] for name in plan.names if name[:2] in ("u:", "g:")),
    ]
    told += [path.rpartition("/")[2].partition(".")[0] for path in plan.media]
    needles = (text.encode("utf-8", "replace") for text in told)
    return list(dict.fromkeys(needle for needle in needles if len(needle) >= _NEEDLE))


def _report(desk: Desk, plan: Plan) -> Withdrawal:
    moved = sum(cut.ref.record_id == cut.record_id for cut in plan.cuts)
    first = min((line.captured_ms for line in map(desk.archive.line, plan.entries) if line), default=0)
    return Withdrawal(
        ids=plan.ids,
        titles=plan.titles,
        lines=len(plan.entries),
        records=len(plan.records),
        captures=len(plan.cuts) - moved,
        moved=moved,
        pictures=len(plan.media),
        log_size=desk.archive.size,
        exports=tuple(one for one in desk.exports() if int(one["at_ms"]) >= first),
    )


def _private(desk: Desk) -> Path:
    return desk.folder / "private"
