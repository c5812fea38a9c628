"""Batches: what is kept, what is not, who writes."""

import contextlib

import msgspec
import pytest
from archive_samples import AT, fill, line, page

from baoguan.archive.batch import WARC_LIMIT
from baoguan.archive.bundle import Entry, encode_bundle
from baoguan.archive.verify import verify
from baoguan.backends.clock import FixedClock
from baoguan.capture.warc import scan_captures
from baoguan.errors import Conflict, NotFound, StoreError
from baoguan.model.codec import encode_line


def everything(folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_committed_can_be_read_and_verified(archive, reopen):
    fill(archive, 10, captures=True, media=True)
    fill(archive, 300)
    again = reopen()
    assert again.size == archive.size == 311
    lines = dict(again.lines())
    assert lines[3] == again.line(3)
    assert lines[10].kind == "cap"
    assert again.record(lines[3]).startswith(b"<!--3-->")
    assert again.media(lines[4].media[0].path).startswith(b"\x04")
    assert {ref.kind for ref in lines[10].captures} == {"warcinfo", "response"}
    assert {len(line.salt) for line in lines.values()} == {32}
    assert len({line.salt for line in lines.values()}) == 311
    assert verify(again.objects, again.verifier).faults == ()


def test_leaving_without_commit_keeps_nothing(archive, tmp_path):
    fill(archive, 3)
    before = everything(tmp_path)
    with archive.begin() as batch:
        batch.add_media(b"picture", "jpg")
        batch.add_capture(page(1))
        batch.append(line(record=batch.add_record("articles/x/2026/03/01/1-a.md", b"text")))
    assert everything(tmp_path) == before
    with contextlib.suppress(RuntimeError), archive.begin() as batch:
        batch.add_capture(page(1))
        raise RuntimeError
    assert everything(tmp_path) == before
    assert archive.size == 3


def test_an_empty_batch_moves_nothing(archive):
    with archive.begin() as batch:
        assert batch.commit() is None
    head = fill(archive, 2)
    with archive.begin() as batch:
        assert batch.commit() == head
    with pytest.raises(StoreError, match="ended"):
        batch.append(line())


def test_captures_that_no_line_names_go_into_one_cap_leaf(archive):
    with archive.begin() as batch:
        used = batch.add_capture(page(1))
        spare = batch.add_capture(page(2))
        batch.append(line("seen", capture=used))
        batch.commit()
    cap = archive.line(1)
    assert cap is not None
    assert [ref.kind for ref in cap.captures] == ["warcinfo", "response"]
    assert cap.captures[1] == spare


def test_a_batch_sees_itself(archive):
    fill(archive, 2)
    with archive.begin() as batch:
        ref = batch.add_record("articles/x/2026/03/01/9-a.md", b"new")
        index = batch.append(line(record=ref, title="new"))
        held = archive.line(index)
        assert held is not None
        assert held.title == "new"
        assert archive.record(held) == b"new"
        with pytest.raises(StoreError):
            archive.line(index + 1)
    with pytest.raises(NotFound):
        archive.line(index)


def test_a_kept_record_is_never_overwritten(archive):
    fill(archive, 1)
    held = archive.line(0)
    assert held is not None
    assert held.record is not None
    with archive.begin() as batch:
        batch.append(line(record=batch.add_record(held.record.path, b"other")))
        with pytest.raises(Conflict):
            batch.commit()
    assert archive.size == 1
    assert verify(archive.objects, archive.verifier).ok


def test_a_stray_file_gives_way_to_a_record(archive, tmp_path):
    fill(archive, 1)
    stray = tmp_path / "public/articles/x/2026/03/01/5-a.md"
    stray.write_bytes(b"left by who knows whom")
    with archive.begin() as batch:
        batch.append(line(record=batch.add_record("articles/x/2026/03/01/5-a.md", b"text")))
        batch.commit()
    assert stray.read_bytes() == b"text"


def test_the_same_picture_is_kept_once(archive, tmp_path):
    for _ in range(2):
        with archive.begin() as batch:
            assert batch.add_media(b"picture", "jpg") == batch.add_media(b"picture", "jpg")
            batch.append(line("seen"))
            batch.commit()
    assert len(list((tmp_path / "public/media").rglob("*.jpg"))) == 1
    with archive.begin() as batch, pytest.raises(StoreError):
        batch.add_media(b"x", "../sh")


def test_partials_are_pruned_once_the_full_file_stands(archive, tmp_path):
    for count in (1, 100, 154):
        fill(archive, count)
    assert len(list((tmp_path / "public").rglob("*.p/*"))) == 12
    fill(archive, 2)
    left = {str(path.relative_to(tmp_path / "public")) for path in (tmp_path / "public").rglob("*.p/*")}
    assert left == {
        "manifest/001.p/1.jsonl",
        "bundle/001.p/1.zst",
        "tile/0/001.p/1",
        "tile/entries/001.p/1",
        "tile/1/000.p/1",
    }
    assert not list((tmp_path / "public").rglob("000.p/255*"))


def test_a_reader_with_an_older_head_still_reads(archive, reopen):
    fill(archive, 100)
    old = reopen()
    note = old.head.read()
    fill(archive, 200)
    old.head = type("Old", (), {"read": lambda self: note})()
    assert old.size == 100
    assert len(list(old.lines())) == 100
    assert old.leaf(99) == archive.leaf(99)
    assert old.tree().root(0, 100) == old.checkpoint().root


def test_a_clock_that_goes_back_is_flagged(archive):
    fill(archive, 1)
    archive.clock = FixedClock(AT.replace(hour=11))
    fill(archive, 2)
    flags = [line.flags for _, line in archive.lines()]
    assert flags == [(), ("clock-back",), ()]
    report = verify(archive.objects, archive.verifier)
    assert report.ok
    assert report.clock_back == (1,)


def test_a_large_batch_rolls_its_warc(archive, monkeypatch):
    monkeypatch.setattr("baoguan.archive.batch.WARC_LIMIT", 2000)
    assert WARC_LIMIT == 64 << 20
    fill(archive, 12, captures=True)
    paths = list(archive.objects.list("captures"))
    assert len(paths) > 1
    for path in paths:
        assert archive.objects.size(path) <= 2500
        assert next(scan_captures(archive.objects.get(path)))[0].kind == "warcinfo"
    assert verify(archive.objects, archive.verifier).ok


def test_two_writers_take_turns(archive, reopen):
    other = reopen()
    for turn in range(3):
        fill(archive, 2, mark=str(turn))
        fill(other, 130, mark=str(turn))
    assert archive.size == other.size == 396
    assert verify(archive.objects, archive.verifier).ok


def test_a_line_withheld_needs_its_gone_line(archive, tmp_path):
    fill(archive, 3)
    held = archive.line(1)
    assert held is not None
    with archive.begin() as batch:
        batch.append(line("gone", prev=1, reason="request"))
        batch.commit()
    lines = [line for _, line in archive.lines()]
    public = tmp_path / "public"
    (public / held.record.path).unlink()
    withheld = b"".join((b"" if n == 1 else encode_line(line)) + b"\n" for n, line in enumerate(lines))
    manifest = public / "manifest/000.p/4.jsonl"
    manifest.chmod(0o644)
    manifest.write_bytes(withheld)
    for path in (public / "manifest/000.p/3.jsonl", public / "bundle/000.p/3.zst"):
        path.unlink()
    kept = [(fault.kind, fault.path) for fault in verify(archive.objects, archive.verifier).faults]
    assert kept == [("altered", "bundle/000.p/4.zst")]
    entries = [
        Entry(
            archive.leaf(n),
            encode_line(line) if n != 1 else None,
            archive.record(line) if line.record and n != 1 else None,
        )
        for n, line in enumerate(lines)
    ]
    bundle = public / "bundle/000.p/4.zst"
    bundle.chmod(0o644)
    bundle.write_bytes(encode_bundle(0, entries))
    report = verify(archive.objects, archive.verifier)
    assert report.faults == ()
    assert report.withheld == (1,)
    assert msgspec.json.encode(report)
