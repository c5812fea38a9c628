"""Rotation and lost keys: a checkpoint counts by the key of its time, whichever key of the log one trusts."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from baoguan import keyring
from baoguan.app import create_archive, open_desk
from baoguan.archive.keys import key_at, open_checkpoint, read_rotation, rotation_line, rotations_of
from baoguan.archive.note import Signer, Verifier, checkpoint_text
from baoguan.archive.proofs import check_proof, encode_proof, key_lines, make_proof
from baoguan.archive.verify import verify
from baoguan.backends.clock import SeededEntropy
from baoguan.backends.files import FileObjects
from baoguan.errors import BaoguanError, ConfigError, StoreError, VerifyError
from baoguan.importing import import_path

OLD, NEW, THIRD = (Signer("a.example", bytes([n]) * 32) for n in (1, 2, 3))


def tree(folder: Path, *numbers: int) -> Path:
    for number in numbers:
        path = folder / "articles" / "voa" / f"{1048000 - number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f"<!--16000000{number:03d}00-->\n[标题{number}](https://www.voachinese.com/a/{number}.html)"
        path.write_text(f"{head}\n------\n\n<p>正文{number}</p>\n", "utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_archive(tmp_path / "a", origin="test/keys", fetch={"min_free_mb": 1})
    with open_desk(tmp_path / "a") as desk:
        import_path(desk, tree(tmp_path / "one", *range(12)))
    return tmp_path / "a"


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "baoguan", *command], capture_output=True, text=True, check=False)


def public_key(folder: Path) -> Verifier:
    return Verifier.parse((folder / "private/key.pub").read_text())


def report(folder: Path, key: Verifier):
    return verify(FileObjects(folder / "public"), key)


def test_each_key_of_the_log_leads_to_the_key_of_the_time(folder, tmp_path):
    keys = [public_key(folder)]
    for turn in range(2):
        done = run("key", "rotate", "--yes", "-C", str(folder))
        assert done.returncode == 0, done.stderr
        keys.append(public_key(folder))
        assert keys[-1].text in done.stdout
        # The checkpoint of the rotation itself, and the one after it.
        assert [report(folder, key).faults for key in keys] == [()] * len(keys)
        with open_desk(folder) as desk:
            import_path(desk, tree(tmp_path / f"more{turn}", 100 + turn))
        assert [report(folder, key).faults for key in keys] == [()] * len(keys)
    assert len(set(keys)) == 3
    other = Signer("test/keys", bytes(32)).verifier
    assert [fault.path for fault in report(folder, other).faults] == ["checkpoint"]
    assert (folder / "public/key").read_text().strip() == keys[-1].text
    with open_desk(folder) as desk:
        data = encode_proof(make_proof(desk.archive, 3))
        assert len(key_lines(desk.archive)) == 2
    for key in keys:
        assert check_proof(data, key).verifier == keys[-1]
    shown = run("key", "show", "-C", str(folder))
    assert shown.stdout.count("rotation to") == 2
    assert run("verify", "-C", str(folder), "--key", keys[0].text).returncode == 0


def test_what_a_rotated_key_signs_counts_no_more(folder):
    old = keyring.read_signer(folder / "private/key")
    run("key", "rotate", "--yes", "-C", str(folder))
    public = folder / "public/checkpoint"
    lines = public.read_text().split("\n")
    public.write_bytes(old.sign("\n".join(lines[:3]) + "\n"))
    for key in (old.verifier, public_key(folder)):
        assert [fault.path for fault in report(folder, key).faults] == ["checkpoint"]


def test_a_key_and_a_log_of_different_times_are_told(folder, tmp_path):
    then = tmp_path / "then"
    shutil.copytree(folder, then)
    assert run("key", "rotate", "--yes", "-C", str(folder)).returncode == 0
    for name in ("key", "key.pub"):
        shutil.copy(folder / "private" / name, then / "private" / name)
    done = run("status", "-C", str(then))
    assert done.returncode
    (line,) = done.stderr.splitlines()
    assert public_key(folder).id.hex() in line
    assert "restore both of one backup" in line


def test_a_program_that_still_has_the_old_key_does_not_write(folder, tmp_path):
    with open_desk(folder) as desk:
        before = desk.archive.size
        assert run("key", "rotate", "--yes", "-C", str(folder)).returncode == 0
        with pytest.raises(ConfigError, match="rotated"):
            import_path(desk, tree(tmp_path / "more", 50))
    with open_desk(folder) as desk:
        assert desk.archive.size == before + 1
        assert import_path(desk, tree(tmp_path / "more", 50)).added == 1
    assert report(folder, public_key(folder)).ok


@pytest.mark.parametrize("moment", ["write_secret", "finish_rotation"])
def test_a_crash_within_a_rotation(folder, tmp_path, monkeypatch, moment):
    def crash(*_):
        raise StoreError("power cut")

    if moment == "write_secret":
        real = keyring.write_secret

        def crash(path, text):
            real(path, text)
            raise StoreError("power cut")

    with monkeypatch.context() as patch, open_desk(folder) as desk:
        patch.setattr(keyring, moment, crash)
        with pytest.raises(StoreError):
            keyring.rotate(folder, desk.archive, SeededEntropy("crash"))
    old = public_key(folder)
    with open_desk(folder) as desk:
        assert import_path(desk, tree(tmp_path / "more", 50)).added == 1
        assert (public_key(folder) == old) is (moment == "write_secret")
        keyring.rotate(folder, desk.archive, desk.entropy)
    assert report(folder, old).ok
    assert not (folder / keyring.NEXT_FILE).exists()


def test_statements_that_do_not_hold():
    line = rotation_line(7, OLD, NEW)
    assert read_rotation(line.note).new == NEW.verifier
    for note in ("", line.note.replace("\n7\n", "\n8\n"), line.note.rpartition("— ")[0], "x\n\n— a b\n"):
        with pytest.raises(VerifyError):
            read_rotation(note)
    with pytest.raises(VerifyError, match="entry 8"):
        rotations_of([(8, line)])
    with pytest.raises(ConfigError):
        rotation_line(1, OLD, Signer("b.example", bytes(32)))
    first, second = rotations_of([(7, line), (9, rotation_line(9, NEW, THIRD))])
    assert [key_at(THIRD.verifier, [first, second], size) for size in (7, 8, 9, 10)] == [
        OLD.verifier, NEW.verifier, NEW.verifier, THIRD.verifier,
    ]  # fmt: skip
    with pytest.raises(VerifyError, match="was not the log's"):
        key_at(OLD.verifier, rotations_of([(7, line), (9, rotation_line(9, OLD, THIRD))]), 10)
    note = OLD.sign(checkpoint_text("a.example", 8, bytes(32)))
    with pytest.raises(VerifyError):
        open_checkpoint(note, NEW.verifier, [first])
    assert open_checkpoint(OLD.sign(checkpoint_text("a.example", 7, bytes(32))), NEW.verifier, [first]).size == 7


def test_a_lost_key_means_a_new_log_that_names_the_old_head(folder, tmp_path):
    old = public_key(folder)
    head = (folder / "public/checkpoint").read_text()
    (folder / "private/key").unlink()
    done = run("key", "new-origin", str(tmp_path / "b"), "-C", str(folder))
    assert done.returncode == 0, done.stderr
    assert report(folder, old).ok
    new = public_key(tmp_path / "b")
    assert new.name != old.name
    assert report(tmp_path / "b", new).faults == ()
    with open_desk(tmp_path / "b") as desk, open_desk(folder) as before:
        first = desk.archive.line(0)
        assert (first.kind, first.reason, first.note) == ("key", "new-origin", head)
        assert desk.catalog.counts() == before.catalog.counts()
        assert import_path(desk, tree(tmp_path / "one", 3)).added == 0
        assert import_path(desk, tree(tmp_path / "more", 50)).added == 1
    assert report(tmp_path / "b", new).ok
    again = run("key", "new-origin", str(tmp_path / "b"), "-C", str(folder))
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1


def test_export(folder, tmp_path):
    assert run("key", "export", "-C", str(folder)).stdout.strip() == public_key(folder).text
    out = tmp_path / "k"
    assert run("key", "export", "--private", "--out", str(out), "-C", str(folder)).returncode == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text() == (folder / "private/key").read_text()
    assert run("key", "export", "--out", str(out), "-C", str(folder)).returncode == 2
    (folder / "private/key").unlink()
    gone = run("key", "export", "--private", "-C", str(folder))
    assert gone.returncode == 2
    assert "Traceback" not in gone.stderr
    with open_desk(folder) as desk, pytest.raises(BaoguanError):
        keyring.rotate(folder, desk.archive, desk.entropy)
