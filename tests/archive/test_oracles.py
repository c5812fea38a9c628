"""What programs that nobody here wrote say of our archives: Go's sumdb, warcio, fastwarc."""

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from archive_samples import fill

from baoguan.app import create_archive, open_desk, read_verifier
from baoguan.archive.proofs import encode_proof, make_proof
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.importing import import_path
from baoguan.withdrawing import withdraw

GO_PATH = "/usr/share/gocode"


@pytest.fixture(scope="session")
def go_check(tmp_path_factory) -> Path:
    go = shutil.which("go")
    if go is None or not Path(GO_PATH, "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("Go: golang-go and golang-golang-x-mod-dev are missing")
    target = tmp_path_factory.mktemp("go") / "check"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": GO_PATH,
        "GOCACHE": str(target.parent / "cache"),
        "GOFLAGS": "",
    }
    source = Path(__file__).parent / "go" / "main.go"
    subprocess.run([go, "build", "-o", str(target), str(source)], check=True, env=environment)
    return target


def run_go(program: Path, folder: Path, key: str, old: str = "") -> str:
    return subprocess.run(
        [str(program), str(folder / "public"), key, old], capture_output=True, text=True, check=False
    ).stdout


def test_go_accepts_the_log_and_sees_a_flipped_leaf(go_check, archive, tmp_path):
    first = fill(archive, 300)
    old = f"{first.size}:{base64.b64encode(first.root).decode()}"
    for count in (211, 1, 260):
        last = fill(archive, count)
    key = archive.verifier.text
    assert run_go(go_check, tmp_path, key, old) == f"OK {last.size}\n"
    entries = tmp_path / "public/tile/entries/001"
    data = bytearray(entries.read_bytes())
    data[40] ^= 1
    entries.chmod(0o644)
    entries.write_bytes(data)
    assert run_go(go_check, tmp_path, key).startswith("FAIL")


def test_go_accepts_a_proof_file_and_sees_what_was_changed_in_it(go_check, archive, tmp_path):
    fill(archive, 300, media=True)
    fill(archive, 77)
    file = tmp_path / "one.proof.json"

    def judge(proof) -> str:
        file.write_bytes(encode_proof(proof))
        command = [str(go_check), "-proof", str(file), archive.verifier.text]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    for index in (0, 4, 255, 256, 299, 377):
        proof = make_proof(archive, index, media=True)
        assert judge(proof) == f"OK {index} {archive.size}\n"
        for change in ({"index": index ^ 1}, {"record": proof.record + b"x"}, {"line": proof.line + " "}):
            assert judge(msgspec.structs.replace(proof, **change)).startswith("FAIL")


def test_go_still_accepts_a_log_from_which_an_article_was_withdrawn(go_check, tmp_path):
    source = tmp_path / "tree" / "articles" / "voa"
    source.mkdir(parents=True)
    for number in range(700):
        head = f"<!--16000000{number:05d}-->\n[标题第{number}号](https://www.voachinese.com/a/{number}.html)"
        (source / f"{1048000 - number}.md").write_text(f"{head}\n------\n\n<p>正文第{number}段。</p>\n", "utf-8")
    create_archive(tmp_path / "a", origin="test.example/gone", fetch={"min_free_mb": 1})
    with open_desk(tmp_path / "a", durable=False) as desk:
        import_path(desk, tmp_path / "tree")
        before = desk.archive.checkpoint()
        ids = [row.id for row in desk.catalog.articles(start_ms=-(1 << 62), limit=700)]
        for identity in (ids[0], ids[300], ids[-1]):
            assert withdraw(desk, [identity], reason="privacy").finished
        size = desk.archive.size
        key = desk.archive.verifier.text
    old = f"{before.size}:{base64.b64encode(before.root).decode()}"
    assert run_go(go_check, tmp_path / "a", key, old) == f"OK {size}\n"
    report = verify(FileObjects(tmp_path / "a" / "public"), read_verifier(tmp_path / "a"))
    assert report.faults == ()
    assert len(report.withheld) == 3
    for file in sorted((tmp_path / "a/public/captures").rglob("*.warc.gz")):
        for tool in ("warcio", "fastwarc"):
            command = [str(Path(sys.executable).parent / tool), "check", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (tool, done.stdout, done.stderr)


def test_warcio_and_fastwarc_pass_our_captures(archive, tmp_path):
    fill(archive, 20, captures=True)
    files = sorted((tmp_path / "public/captures").rglob("*.warc.gz"))
    assert files
    for file in files:
        for tool in ("warcio", "fastwarc"):
            command = [str(Path(sys.executable).parent / tool), "check", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (tool, done.stdout, done.stderr)
