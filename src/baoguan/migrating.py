"""Moving an archive between engines: public/ from a folder into a bucket, or back, checked object by object."""

import hashlib
from collections.abc import Callable

import msgspec

from baoguan.archive.paths import CHECKPOINT_PATH
from baoguan.desk import CrawlState, KeptAccounts
from baoguan.errors import StoreError
from baoguan.ports import Head, ObjectStore


class Migration(msgspec.Struct, kw_only=True):
    """What was moved."""

    copied: int = 0
    present: int = 0
    """Objects that stood there already, the same."""
    size_bytes: int = 0


def copy_state(source: CrawlState, target: CrawlState) -> int:
    """Puts the crawl state of `source` in place of the target's, and reads it back; returns the rows. StoreError."""
    target.load(source.dump())
    before, after = sorted(map(repr, source.dump())), sorted(map(repr, target.dump()))
    if before != after:
        raise StoreError("the crawl state reads back otherwise than it was written; nothing was changed here")
    return len(after)


def copy_accounts(source: KeptAccounts, target: KeptAccounts) -> int:
    """Puts accounts, secrets and marks in place of the target's, and reads them back; returns the rows. StoreError."""
    target.load(source.dump())
    rows = list(source.dump())
    if sorted(map(repr, rows)) != sorted(map(repr, target.dump())):
        raise StoreError("the accounts read back otherwise than they were written; nothing was changed here")
    return len(rows)


def copy_archive(
    source: ObjectStore,
    head: Head,
    target: ObjectStore,
    target_head: Head,
    *,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Migration:
    """Copies every object, reads each back, and moves the target's head last; may be run again after a crash.

    The caller holds the write lock of the archive. Raises Conflict where the target holds another archive, StoreError
    where an object reads back otherwise than it was written.
    """
    note = head.read()
    if note is None:
        raise StoreError("the archive has no checkpoint yet: sync first")
    held = target_head.read()
    paths = [path for path in source.list("") if path != CHECKPOINT_PATH]
    done = Migration()
    for number, path in enumerate(paths, 1):
        data = source.get(path)
        if target.put_new(path, data):
            done.copied += 1
        else:
            done.present += 1
        back = target.get(path)
        if hashlib.sha256(back).digest() != hashlib.sha256(data).digest():
            raise StoreError(f"{path}: reads back otherwise than it was written")
        done.size_bytes += len(data)
        progress(number, len(paths))
    target.sync(paths)
    if held != note:
        target_head.replace(held, note)
    return done
