"""Backup and restore: consistent at a checkpoint, whole, private."""

from pathlib import Path

import pytest

from baoguan.app import create_archive, open_desk
from baoguan.archive.backup import backup, restore
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.errors import ConfigError, Corrupt
from baoguan.importing import import_path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    tree = tmp_path / "tree" / "articles" / "voa"
    tree.mkdir(parents=True)
    for number in range(300):
        head = f"<!--16000000{number:03d}00-->\n[标题{number}](https://www.voachinese.com/a/{number}.html)"
        text = f"{head}\n------\n\n<p>正文{number}</p>\n"
        (tree / f"{1048000 - number}.md").write_text(text, "utf-8")
    create_archive(tmp_path / "a", origin="test/backup", fetch={"min_free_mb": 1})
    with open_desk(tmp_path / "a") as desk:
        assert import_path(desk, tmp_path / "tree").added == 300
    return tmp_path / "a"


def make(folder: Path, destination: Path) -> int:
    with open_desk(folder) as desk:

        def file_of(record_id: str) -> str | None:
            place = desk.catalog.capture(record_id)
            return place.file if place else None

        return backup(desk.archive, folder, destination, copy_state=desk.schedule.backup, capture_file=file_of).copied


@pytest.mark.parametrize("name", ["folder", "one.tar.zst"])
def test_what_is_restored_verifies_and_goes_on(archive: Path, tmp_path: Path, name: str) -> None:
    make(archive, tmp_path / name)
    restore(tmp_path / name, tmp_path / "again")
    with open_desk(tmp_path / "again") as desk:
        assert verify(FileObjects(desk.folder / "public"), desk.archive.signer.verifier).ok  # type: ignore[union-attr]
        more = tmp_path / "more" / "articles" / "voa" / "1.md"
        more.parent.mkdir(parents=True)
        more.write_text("<!--1-->\n[t](https://www.voachinese.com/a/new.html)\n------\n\n<p>x</p>\n")
        assert import_path(desk, tmp_path / "more").added == 1
    assert (tmp_path / "again" / "private").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "again" / "private" / "key").read_bytes() == (archive / "private" / "key").read_bytes()


def test_a_second_backup_copies_only_what_is_new(archive: Path, tmp_path: Path) -> None:
    assert make(archive, tmp_path / "b") > 300
    assert make(archive, tmp_path / "b") == 0


def test_places_that_hold_something_else_are_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        restore(archive, tmp_path / "tree")
    with pytest.raises(ConfigError):
        make(archive, tmp_path / "tree")
    with pytest.raises(Corrupt):
        restore(tmp_path / "tree", tmp_path / "new")
