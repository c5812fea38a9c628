"""Portable proofs: they hold alone, nothing of them can be changed unseen, and Go agrees."""

import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from archive_samples import SIGNER, fill

from baoguan.archive.note import Signer
from baoguan.archive.proofs import Proof, check_proof, encode_proof, make_proof
from baoguan.archive.verify import verify
from baoguan.capture.warc import scan_captures
from baoguan.errors import Corrupt, NotFound, VerifyError


@pytest.fixture
def proof(archive) -> bytes:
    """Of an entry with a picture and a raw response."""
    fill(archive, 20, captures=True, media=True)
    fill(archive, 9, captures=True, media=True)
    line = archive.line(4)
    for path in archive.objects.list("captures"):
        data = archive.objects.get(path)
        for ref, offset, length in scan_captures(data):
            if ref.record_id == line.capture.record_id:
                raw = data[offset : offset + length]
    return encode_proof(make_proof(archive, 4, media=True, capture=raw))


def test_a_proof_says_what_was_recorded(archive, proof):
    told = check_proof(proof, archive.verifier)
    assert told.line == archive.line(4)
    assert told.record == archive.record(told.line)
    assert told.pictures == 1
    assert told.raw
    assert told.checkpoint == archive.checkpoint()
    fill(archive, 300)
    for index in (0, 255, 256, archive.size - 1):
        assert check_proof(encode_proof(make_proof(archive, index))).line == archive.line(index)
    assert verify(archive.objects, archive.verifier).ok


def test_every_byte_of_it_counts(archive, proof):
    chance = random.Random(5)
    for at in chance.sample(range(len(proof)), 400):
        broken = proof[:at] + bytes([proof[at] ^ (1 << chance.randrange(8))]) + proof[at + 1 :]
        with pytest.raises(VerifyError):
            check_proof(broken, archive.verifier)
    for broken in (b"", proof[:-1], proof + b"\n", proof[: len(proof) // 2], b"[" * 100_000, b"{}", b"null"):
        with pytest.raises(VerifyError):
            check_proof(broken)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("record", b"other", "record"), ("index", 5, "leaf, index or proof"), ("capture", b"other", "capture"),
        ("line", '{"v":1,"salt":"","kind":"rev"}', "line"), ("media", {"media/aa/x.jpg": b"x"}, "media"),
        ("leaf", '{"v":1,"k":"rev","t":1,"c":""}', "leaf, index or proof"), ("proof", (b"x",), "leaf, index or proof"),
        ("key", "x", "key"), ("checkpoint", "x", "checkpoint"), ("rotations", ("x",), "rotations"),
        ("format", "baoguan-proof/9", "format"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(proof, field, value, told):
    changed = msgspec.structs.replace(msgspec.json.decode(proof, type=Proof), **{field: value})
    with pytest.raises(VerifyError, match=told):
        check_proof(encode_proof(changed))


def test_a_stranger_of_the_same_name_proves_nothing(archive, proof):
    other = Signer(SIGNER.verifier.name, bytes(32))
    with pytest.raises(VerifyError, match="checkpoint"):
        check_proof(proof, other.verifier)
    with pytest.raises(VerifyError, match="the key of"):
        check_proof(proof, Signer("other.example", bytes(32)).verifier)


def test_what_can_not_be_proven(archive):
    with pytest.raises(NotFound):
        make_proof(archive, 0)
    fill(archive, 3, captures=True)
    with pytest.raises(NotFound):
        make_proof(archive, 9)
    with pytest.raises(Corrupt):
        make_proof(archive, 0, capture=b"x")


def test_the_commands(tmp_path: Path):
    from baoguan.app import create_archive, open_desk
    from baoguan.importing import import_path

    tree = tmp_path / "tree" / "articles" / "voa"
    tree.mkdir(parents=True)
    (tree / "1048000.md").write_text(
        "<!--1600000000000-->\n[标题](https://www.voachinese.com/a/1.html)\n------\n\n<p>正文</p>\n", "utf-8"
    )
    verifier = create_archive(tmp_path / "a", origin="test/prove", fetch={"min_free_mb": 1})
    with open_desk(tmp_path / "a") as desk:
        import_path(desk, tmp_path / "tree")

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "baoguan", *command], capture_output=True, text=True, check=False, cwd=tmp_path
        )

    made = run("prove", "https://www.voachinese.com/a/1.html", "-C", "a", "--out", "p.json", "--capture")
    assert made.returncode == 0, made.stderr
    good = run("check", "p.json", "--verify-key", verifier.text, "--text")
    assert good.returncode == 0, good.stderr
    assert "标题" in good.stdout
    assert "正文" in good.stdout
    alone = run("check", "p.json")
    assert alone.returncode == 0
    assert verifier.text in alone.stdout
    (tmp_path / "p.json").write_bytes((tmp_path / "p.json").read_bytes().replace(b'"index": 0', b'"index": 1'))
    bad = run("check", "p.json")
    assert bad.returncode == 6
    assert bad.stderr.count("\n") == 1
    assert run("prove", "abcd", "-C", "a").returncode == 1
