"""What the origin withdraws: erased here too, or kept and said; told from what a host hides."""

from pathlib import Path

import pytest
from mirror_hosts import append, check, files, open_writer, pull

from baoguan.app import open_desk
from baoguan.withdrawing import withdraw

ID = f"{130:016x}"


def leftovers(folder: Path, needle: bytes) -> list[str]:
    """Files below the mirror that hold the bytes, bundles unpacked."""
    from baoguan.archive.bundle import open_bundle

    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            data += open_bundle(data) if path.suffix == ".zst" else b""
            if path.name.endswith(".warc.gz"):
                from baoguan.capture.read import iter_members

                data += b"".join(content for _, _, content in iter_members(data))
            if needle in data:
                found.append(path.as_posix())
    return found


def take_away(origin: Path) -> None:
    with open_desk(origin, durable=False) as desk:
        withdraw(desk, [ID], reason="court")


@pytest.mark.parametrize("captures", ["all", "none"])
def test_apply_leaves_nothing(origin, tmp_path, scripted, captures):
    mirror = tmp_path / "m"
    pull(mirror, scripted(origin / "public").url, options={"mirror_captures": captures})
    with open_desk(mirror):
        pass
    assert leftovers(mirror, "正文130<".encode())
    take_away(origin)
    report = pull(mirror, "")
    assert report.erased >= 1
    assert leftovers(mirror, "正文130<".encode()) == []
    assert leftovers(mirror, b'http://news.example/130"') == []
    seen = check(mirror)
    assert seen.faults == ()
    assert 130 in seen.withheld
    with open_desk(mirror) as desk:
        assert desk.catalog.article(ID) is None
    assert pull(mirror, "").requests == 1


def test_keep_keeps_and_says_so(origin, tmp_path, scripted):
    mirror = tmp_path / "m"
    pull(mirror, scripted(origin / "public").url, options={"mirror_gone": "keep"})
    take_away(origin)
    report = pull(mirror, "")
    assert (report.erased, report.kept >= 1) == (0, True)
    seen = check(mirror)
    assert seen.faults == ()
    assert 130 in seen.kept
    assert leftovers(mirror, "正文130<".encode())
    append(open_writer(origin, seed="late"), 220)
    pull(mirror, "")
    assert 130 in check(mirror).kept
    assert pull(mirror, "", options={"mirror_gone": "apply"}).erased >= 1
    assert leftovers(mirror, "正文130<".encode()) == []
    assert check(mirror).faults == ()


def test_a_first_pull_after_the_withdrawal(origin, tmp_path, scripted):
    take_away(origin)
    mirror = tmp_path / "m"
    report = pull(mirror, scripted(origin / "public").url)
    assert report.absent == 0
    assert check(mirror).faults == ()
    assert set(files(mirror)) - set(files(origin)) == set()
