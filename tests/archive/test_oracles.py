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

from baoguan.archive.proofs import encode_proof, make_proof

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


def test_warcio_and_fastwarc_pass_our_captures(archive, tmp_path):
    fill(archive, 20, captures=True)
    files = sorted((tmp_path / "public/captures").rglob("*.warc.gz"))
    assert files
    for file in files:
        for tool in ("warcio", "fastwarc"):
            command = [str(Path(sys.executable).parent / tool), "check", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (tool, done.stdout, done.stderr)
