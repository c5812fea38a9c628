"""Verify reads what is new; what is old is believed only while the log begins with it and nobody touched it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from archive_samples import SIGNER, fill, line, open_files

from baoguan.archive.memory import Scope
from baoguan.archive.verify import entry_at, verify, verify_scope
from baoguan.backends.files import FileObjects
from baoguan.errors import ConfigError


class Counting(FileObjects):
    """Files that tells what was read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []

    def get(self, path, start=0, size=None):
        self.read.append(path)
        return super().get(path, start, size)

    def get_each(self, paths):
        for path in paths:
            self.read.append(path)
            yield from super().get_each([path])


def grown(folder: Path, *counts: int):
    archive = open_files(folder)
    for count in counts:
        fill(archive, count, captures=True, media=True)
    return archive


@pytest.mark.parametrize("first", [10, 255, 255 + 256])
def test_only_what_is_new_is_read(tmp_path, first):
    archive = grown(tmp_path, first)
    _, memory = verify_scope(archive.objects, archive.verifier)
    size = archive.size
    fill(archive, 9, captures=True, media=True)
    files = Counting(tmp_path / "public")
    report, memory = verify_scope(files, archive.verifier, scope=Scope(since=size, memory=memory))
    assert report.faults == ()
    assert report.since == size
    assert memory.size == report.size == archive.size
    old = [path for path in files.read if path.startswith("captures/") and int(path[-18:-8]) < size]
    assert old == []
    records = [line for _, line in archive.lines(size // 256 * 256) if line.record]
    assert len([path for path in files.read if path.startswith("articles/")]) == len(records)
    again, _ = verify_scope(archive.objects, archive.verifier, scope=Scope(since=archive.size, memory=memory))
    assert again.faults == ()


def test_new_faults_are_found(tmp_path):
    archive = grown(tmp_path, 300)
    _, memory = verify_scope(archive.objects, archive.verifier)
    fill(archive, 9, captures=True, media=True)
    scope = Scope(since=memory.size, memory=memory)
    new = archive.line(memory.size + 3)
    assert new.media
    captures = list(archive.objects.list("captures"))
    for kind, path in (("articles", new.record.path), ("media", new.media[0].path), ("captures", captures[-1])):
        file = tmp_path / "public" / path
        data = file.read_bytes()
        file.unlink()
        assert verify(archive.objects, archive.verifier, scope=scope).exit_code == 7, kind
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        report = verify(archive.objects, archive.verifier, scope=scope)
        assert path in {fault.path for fault in report.of("altered")}, kind
        file.unlink()
        file.write_bytes(data)
    assert verify(archive.objects, archive.verifier, scope=scope).ok


def test_a_log_that_no_longer_begins_so_is_a_fault(tmp_path):
    archive = grown(tmp_path / "a", 300)
    _, memory = verify_scope(archive.objects, archive.verifier)
    for count in (310, 290):
        other = open_files(tmp_path / f"b{count}", seed="other")
        fill(other, count)
        for scope in (Scope(since=memory.size, memory=memory), Scope(memory=memory)):
            report = verify(other.objects, other.verifier, scope=scope)
            assert [fault.path for fault in report.faults] == ["checkpoint"]
    assert "rolled back" in report.faults[0].detail


def test_a_line_may_name_an_older_capture(tmp_path):
    archive = grown(tmp_path, 300)
    held = archive.line(3)
    _, memory = verify_scope(archive.objects, archive.verifier)
    with archive.begin() as batch:
        batch.append(line("rev", capture=held.capture))
        batch.commit()
    assert verify(archive.objects, archive.verifier, scope=Scope(since=memory.size, memory=memory)).faults == ()
    assert verify(archive.objects, archive.verifier).faults == ()


def test_since(tmp_path):
    archive = grown(tmp_path, 300, 300)
    for since in (1, 256, 299, 400, 10_000):
        report = verify(archive.objects, archive.verifier, scope=Scope(since=since))
        assert report.faults == ()
        assert report.since == min(since, archive.size)
    assert entry_at(archive.objects, "17") == 17
    assert entry_at(archive.objects, "2026-03-01") == 0
    assert entry_at(archive.objects, "2027-01-01T00:00") == archive.size
    for text in ("yesterday", "-3", "2026-13-01", "²"):
        with pytest.raises(ConfigError):
            entry_at(archive.objects, text)


def run(folder: Path, *more: str):
    command = [sys.executable, "-m", "baoguan", "verify", "-C", str(folder), "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_command_remembers(tmp_path):
    (tmp_path / "baoguan.toml").write_text("")
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key.pub").write_text(SIGNER.verifier.text)
    archive = grown(tmp_path, 300)
    (tmp_path / "public/key").chmod(0o644)
    assert run(tmp_path)[0] == 0
    code, told = run(tmp_path)
    assert (code, told["since"], told["counts"].get("records", 0)) == (0, archive.size, archive.size % 256 - 1)
    fill(archive, 20, captures=True)
    assert run(tmp_path)[1]["since"] == archive.size - 21
    assert run(tmp_path, "--deep")[1].get("since", 0) == 0
    # Touched since: read again, and found.
    path = next(archive.objects.list("articles"))
    file = tmp_path / "public" / path
    data = file.read_bytes()
    file.unlink()
    assert run(tmp_path)[0] == 7
    file.write_bytes(data[:-2] + b"x\n")
    assert run(tmp_path)[0] == 6
    file.write_bytes(data)
    assert run(tmp_path)[0] == 0
    (tmp_path / "public/extra.txt").write_text("x")
    code, told = run(tmp_path)
    assert (code, told["faults"][0]["path"]) == (8, "extra.txt")
    (tmp_path / "public/extra.txt").unlink()
    (tmp_path / "state/verified.json").write_text("broken")
    assert run(tmp_path)[0] == 0
