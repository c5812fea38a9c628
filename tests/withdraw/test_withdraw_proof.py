"""What stands after a withdrawal: stubs, bodies that moved, restores of old backups, faults that are still faults."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from ingest_house import paragraphs
from leftovers import leftovers

from baoguan.app import create_archive, open_desk, read_verifier
from baoguan.archive.backup import backup, restore
from baoguan.archive.ledger import Ledger
from baoguan.archive.report import VerifyReport
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.capture.read import read_member, to_response
from baoguan.importing import import_path
from baoguan.model.capture import Response
from baoguan.model.log import ManifestLine
from baoguan.upkeep import drop_index
from baoguan.withdrawing import enforce, withdraw


def write_tree(folder: Path, count: int) -> Path:
    place = folder / "articles" / "voa"
    place.mkdir(parents=True)
    for number in range(count):
        head = f"<!--16000000{number:05d}-->\n[标题第{number}号文章](https://www.voachinese.com/a/{number}.html)"
        body = "".join(f"<p>{text}</p>" for text in paragraphs(3, f"之{number}"))
        (place / f"{1048000 - number}.md").write_text(f"{head}\n------\n\n{body}\n", "utf-8")
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    create_archive(tmp_path / "a", origin="test/withdraw", fetch={"min_free_mb": 1})
    with open_desk(tmp_path / "a", durable=False) as desk:
        import_path(desk, write_tree(tmp_path / "tree", 300))
    return tmp_path / "a"


def check(folder: Path) -> VerifyReport:
    return verify(FileObjects(folder / "public"), read_verifier(folder))


def identity_of(folder: Path, title: str) -> str:
    with open_desk(folder, durable=False) as desk:
        [row] = [row for row in desk.catalog.articles(start_ms=-(1 << 62), limit=1000) if row.title == title]
        return row.id


def take(folder: Path, title: str) -> str:
    identity = identity_of(folder, title)
    with open_desk(folder, durable=False) as desk:
        withdraw(desk, [identity], reason="court-order", note="Az. 1 O 2/26")
    return identity


def told(number: int) -> list[str]:
    return [f"标题第{number}号文章", f"www.voachinese.com/a/{number}.html", *paragraphs(3, f"之{number}")]


def test_other_captures_keep_bytes_and_are_found_where_they_lie_now(archive: Path) -> None:
    with open_desk(archive, durable=False) as desk:
        lines = [line for _, line in desk.archive.lines() if line and line.capture]
        places = {line.id: desk.catalog.capture(line.capture.record_id) for line in lines}
        before = {one: desk.archive.objects.get(at.file, at.offset, at.length) for one, at in places.items()}
    gone = take(archive, "标题第100号文章")
    for _ in range(2):
        with open_desk(archive, durable=False) as desk:
            for line in lines:
                if line.id != gone:
                    at = desk.catalog.capture(line.capture.record_id)
                    assert desk.archive.objects.get(at.file, at.offset, at.length) == before[line.id]
        drop_index(archive)
    assert leftovers(archive, told(100)) == []


def test_what_goes_without_gone_is_still_missing(archive: Path) -> None:
    take(archive, "标题第5号文章")
    report = check(archive)
    assert (report.faults, len(report.withheld)) == ((), 1)
    record = next((archive / "public" / "articles").rglob("*.md"))
    kept = record.read_bytes()
    record.unlink()
    assert [fault.kind for fault in check(archive).faults] == ["missing"]
    record.write_bytes(kept)
    manifest = archive / "public" / "manifest" / "000.jsonl"
    lines = manifest.read_bytes().split(b"\n")
    at = next(number for number, line in enumerate(lines) if line and number != report.withheld[0])
    lines[at] = b""
    manifest.chmod(0o644)
    manifest.write_bytes(b"\n".join(lines))
    faults = check(archive).faults
    assert ("missing", f"manifest line {at}") in {(fault.kind, fault.path) for fault in faults}


def test_a_flipped_bit_of_a_stub_is_found(archive: Path) -> None:
    take(archive, "标题第7号文章")
    with open_desk(archive, durable=False) as desk:
        cap = next(
            line for _, line in desk.archive.lines() if line and any(ref.kind == "metadata" for ref in line.captures)
        )
        stub = desk.catalog.capture(next(ref for ref in cap.captures if ref.kind == "metadata").record_id)
    assert stub is not None
    path = archive / "public" / stub.file
    data = bytearray(path.read_bytes())
    assert read_member(bytes(data[stub.offset : stub.offset + stub.length])).block == b"withdrawn: court-order\r\n"
    data[stub.offset + stub.length // 2] ^= 4
    path.chmod(0o644)
    path.write_bytes(data)
    assert {fault.kind for fault in check(archive).faults} >= {"altered"}


def test_no_word_of_it_stands_in_the_log(archive: Path) -> None:
    identity = take(archive, "标题第9号文章")
    with open_desk(archive, durable=False) as desk:
        gone = [line for _, line in desk.archive.lines() if line and line.kind == "gone"]
    assert {line.reason for line in gone} == {"court-order"}
    for line in gone:
        held = msgspec.to_builtins(line)
        assert held.keys() <= {"v", "salt", "kind", "id", "prev", "captured_ms", "reason", "captures"}
        assert all(set(ref) <= {"record_id", "sha256"} for ref in held.get("captures", ()))
    assert gone[0].id == identity
    secret = (archive / "private" / "deny.jsonl").read_text("utf-8")
    assert not [text for text in told(9) if text in secret]
    assert "Az. 1 O 2/26" in secret
    assert leftovers(archive, ["Az. 1 O 2/26"]) == []
    assert (archive / "private" / "deny.key").stat().st_mode & 0o777 == 0o600


def test_a_body_moves_to_the_revisit_of_an_article_that_stays(archive: Path) -> None:
    body = "".join(f"<p>{text}</p>" for text in paragraphs(4, "同")).encode()
    at = datetime(2026, 5, 1, tzinfo=UTC)

    def answer(url: str) -> Response:
        headers = (("Content-Type", "text/html; charset=utf-8"),)
        return Response(url=url, final_url=url, status=200, headers=headers, raw=body, body=body, at=at)

    urls = [f"http://one.example/{name}" for name in ("first", "second", "third")]
    with open_desk(archive, durable=False) as desk:
        with desk.archive.begin() as batch:
            ledger, first = Ledger(desk.catalog), None
            for number, url in enumerate(urls):
                ref = batch.add_capture(answer(url), revisit_of=first)
                first = first or ref
                path = f"articles/one/2026/05/01/1777593600000-{number:016x}.md"
                text = f"<!--1-->\n[题{number}]({url})\n------\n\n<div>x</div>\n<p>{url}</p>\n".encode()
                line = ManifestLine(
                    salt="", kind="rev", id=f"{number:016x}", outlet="one", url=url, title=f"转载之题目第{number}",
                    record=batch.add_record(path, text), capture=ref, captured_ms=1777593600000,
                )  # fmt: skip
                ledger.take(batch.append(line), line)
            desk.commit(batch, ledger)
        assert withdraw(desk, [f"{0:016x}"], reason="error").moved == 2
    assert check(archive).faults == ()
    assert leftovers(archive, [urls[0], "转载之题目第0"]) == []
    with open_desk(archive, durable=False) as desk:
        records = []
        for number in (1, 2):
            line = desk.archive.line(desk.catalog.article(f"{number:016x}").index)
            place = desk.catalog.capture(line.capture.record_id)
            records.append(read_member(desk.archive.objects.get(place.file, place.offset, place.length)))
        assert [record.kind for record in records] == ["response", "revisit"]
        assert to_response(records[0]).body == body
        assert records[1].header("WARC-Refers-To").strip("<>") == records[0].record_id
        withdraw(desk, [f"{1:016x}"], reason="error")
        place = desk.catalog.capture(line.capture.record_id)
        last = read_member(desk.archive.objects.get(place.file, place.offset, place.length))
        assert (last.kind, to_response(last).body) == ("response", body)
    assert check(archive).faults == ()
    assert leftovers(archive, [urls[1], "转载之题目第1"]) == []


def test_an_old_backup_is_cleaned_by_the_newer_deny_list(archive: Path, tmp_path: Path) -> None:
    def save() -> None:
        with open_desk(archive, durable=False) as desk:
            place = desk.catalog.capture
            backup(
                desk.archive, archive, tmp_path / "b", copy_state=desk.schedule.backup,
                capture_file=lambda one: found.file if (found := place(one)) else None,
            )  # fmt: skip

    save()
    shutil.copytree(tmp_path / "b", tmp_path / "old")
    take(archive, "标题第11号文章")
    # A later backup into the same folder loses it too.
    save()
    assert leftovers(tmp_path / "b", told(11)) == []
    restore(tmp_path / "old", tmp_path / "again")
    assert leftovers(tmp_path / "again", told(11))
    with open_desk(tmp_path / "again", durable=False) as desk:
        desk.denials.adopt(archive / "private")
        assert len(enforce(desk)) == 1
        assert enforce(desk) == []
    assert leftovers(tmp_path / "again", told(11)) == []
    assert check(tmp_path / "again").faults == ()
