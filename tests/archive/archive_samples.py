"""Archives to write to, and batches with some of everything, made up."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from baoguan.archive.note import Signer
from baoguan.archive.store import Archive
from baoguan.backends.clock import FixedClock, SeededEntropy
from baoguan.backends.files import FileHead, FileLock, FileObjects
from baoguan.backends.memory import MemoryHead, MemoryObjects
from baoguan.capture.warc import WarcWriter
from baoguan.model.capture import Hop, Response
from baoguan.model.log import Checkpoint, ManifestLine, MediaRef

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIGNER = Signer("test.example/news", bytes(range(32)))


def open_files(folder: Path, *, seed: str = "", sync: bool = False, timeout_s: float = 10.0) -> Archive:
    """An archive in a folder, as the app builds it."""
    lock = FileLock(folder / "state" / "lock", timeout_s=timeout_s)
    entropy = SeededEntropy(seed or folder.name)
    return Archive(
        objects=FileObjects(folder / "public"),
        head=FileHead(folder / "public" / "checkpoint", lock),
        staging_dir=folder / "state" / "staging",
        lock=lock,
        signer=SIGNER,
        clock=FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC), step_s=0.001),
        entropy=entropy,
        warc=WarcWriter(entropy=entropy),
        vantage="here",
        sync=sync,
    )


def open_memory(
    objects: MemoryObjects, head: MemoryHead, staging: Path, *, seed: str = "", sync: bool = True
) -> Archive:
    """An archive in memory."""
    entropy = SeededEntropy(seed)
    return Archive(
        objects=objects,
        head=head,
        staging_dir=staging,
        lock=contextlib.nullcontext(),
        signer=SIGNER,
        clock=FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC), step_s=0.001),
        entropy=entropy,
        warc=WarcWriter(entropy=entropy),
        vantage="here",
        sync=sync,
    )


def page(number: int, **changes) -> Response:
    body = f"<html><p>第{number}条新闻</p></html>".encode() * 9
    fields = {
        "url": f"http://news.example/{number}",
        "final_url": f"http://news.example/{number}",
        "status": 200,
        "headers": (("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "visitor=1")),
        "raw": body,
        "body": body,
        "at": AT,
    }
    return Response(**{**fields, **changes})


def line(kind: str = "rev", **fields) -> ManifestLine:
    return ManifestLine(salt="", kind=kind, **fields)


def fill(archive: Archive, count: int, *, captures: bool = False, media: bool = False, mark: str = "") -> Checkpoint:
    """One batch of `count` revisions; with captures, pictures and a feed's capture when asked for."""
    with archive.begin() as batch:
        for number in range(batch.first, batch.first + count):
            path = f"articles/x/2026/03/01/{1772366400000 + number}-{number:016x}.md"
            record = batch.add_record(
                path, f"<!--{number}-->\n[第{number}条{mark}](http://news.example/{number})\n".encode() * 5
            )
            refs = ()
            if media and number % 4 == 0:
                data = bytes([number % 251]) * 3000 + b"%d" % (number // 8)
                kept = batch.add_media(data, "jpg")
                picture = page(number, url=f"http://news.example/{number}.jpg", raw=data, body=data)
                ref = batch.add_capture(picture, payload_in_media=True)
                sha256 = kept.rpartition("/")[2].partition(".")[0]
                refs = (MediaRef(url=picture.url, sha256=sha256, path=kept, capture=ref),)
            capture = None
            if captures:
                hops = (
                    Hop(url=f"http://short.example/{number}", status=301, location=f"http://news.example/{number}"),
                )
                capture = batch.add_capture(page(number, hops=hops if number % 3 == 0 else ()))
            batch.append(line(id=f"{number:016x}", record=record, capture=capture, media=refs, title="题"))
        if captures:
            batch.add_capture(
                page(
                    0,
                    url="http://news.example/feed",
                    final_url="http://news.example/feed",
                    status=304,
                    raw=b"",
                    body=b"",
                )
            )
        checkpoint = batch.commit()
    assert checkpoint is not None
    return checkpoint
