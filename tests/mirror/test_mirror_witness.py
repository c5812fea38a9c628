"""Witnesses by the letter of C2SP, over HTTP, and the guard of a restored archive."""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mirror_hosts import LOOPBACK, append, check, open_writer, pull

from baoguan.app import check_mirrors, open_archive
from baoguan.archive.backup import restore
from baoguan.archive.mirror_witness import Cosigner, add_request
from baoguan.archive.note import Verifier
from baoguan.backends.clock import SystemClock, SystemEntropy
from baoguan.cli.main import main
from baoguan.config import Settings
from baoguan.errors import ConfigError, MirrorError, StoreError
from baoguan.model.capture import FetchRequest
from baoguan.networks import open_file_fetcher
from baoguan.witnessing import Witness, request_cosignature


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[tuple[str, Witness]]:
    """A witness in a process of its own: (address, the same folder opened here)."""
    made = Witness.create(tmp_path / "w", "witness.example/w1", SystemClock(), SystemEntropy())
    command = [sys.executable, "-m", "baoguan", "witness", "serve", str(tmp_path / "w"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url, key = process.stdout.readline().split()
    assert key == made.cosigner.text
    yield url, made
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def fetcher():
    with open_file_fetcher((LOOPBACK,), entropy=SystemEntropy(), pace_s=0.0) as opened:
        yield opened


def ask(fetcher, url: str, body: bytes) -> tuple[int, str, str]:
    answer = fetcher.fetch(FetchRequest(url=f"{url}add-checkpoint", kind="file", post=body, cap_bytes=9999)).response
    return answer.status, answer.body.decode(), answer.header("content-type").partition(";")[0]


def test_the_letter_of_the_protocol(origin, tmp_path, witness, fetcher):
    url, made = witness
    log = open_writer(origin, seed="more")
    first = log.checkpoint()
    assert ask(fetcher, url, add_request(0, [], first.note))[0] == 404
    made.trust(log.verifier)
    status, lines, _ = ask(fetcher, url, add_request(0, [], first.note))
    assert status == 200
    # Checked by hand, from the specification alone.
    found = re.fullmatch(r"— (\S+) (\S+)\n", lines)
    data = base64.b64decode(found[2])
    public = base64.b64decode(made.cosigner.text.split("+", 2)[2])[1:]
    assert data[:4] == hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    body = first.note.rpartition(b"\n\n")[0] + b"\n"
    message = b"cosignature/v1\ntime %d\n" % int.from_bytes(data[4:12], "big") + body
    Ed25519PublicKey.from_public_bytes(public).verify(data[12:], message)

    append(log, 50)
    second = log.checkpoint()
    proof = log.tree().consistency(first.size, second.size)
    assert ask(fetcher, url, add_request(0, [], second.note)) == (409, "303\n", "text/x.tlog.size")
    assert ask(fetcher, url, add_request(999, [], second.note))[0] == 400
    assert ask(fetcher, url, add_request(303, [], second.note))[0] == 422
    assert ask(fetcher, url, add_request(303, [bytes(32), *proof[1:]], second.note))[0] == 422
    assert ask(fetcher, url, add_request(303, proof, second.note.replace(b"\n354\n", b"\n355\n")))[0] == 403
    assert ask(fetcher, url, b"old 0303\n\n" + second.note)[0] == 400
    assert ask(fetcher, url, b"hello")[0] == 400
    assert ask(fetcher, url, add_request(303, [bytes(32)] * 64, second.note))[0] == 400
    assert ask(fetcher, url, b"x" * 99999)[0] == 413
    assert ask(fetcher, url, add_request(303, proof, second.note))[0] == 200
    assert ask(fetcher, url, add_request(354, [], second.note))[0] == 200
    # A rollback is no proof of anything to it.
    assert ask(fetcher, url, add_request(303, [], first.note)) == (409, "354\n", "text/x.tlog.size")


def test_two_logs_of_one_size_are_not_both_cosigned(origin, tmp_path, witness, fetcher):
    url, made = witness
    log = open_writer(origin, seed="more")
    made.trust(log.verifier)
    shutil.copytree(origin, tmp_path / "other")
    append(log, 20)
    other = open_writer(tmp_path / "other", seed="evil")
    append(other, 20, mark="伪")
    assert ask(fetcher, url, add_request(0, [], log.checkpoint().note))[0] == 200
    status, body, _ = ask(fetcher, url, add_request(log.size, [], other.checkpoint().note))
    assert (status, body) == (409, f"{log.size}\n")


def test_a_cosigned_checkpoint_is_still_the_archives(origin, tmp_path, witness, fetcher, scripted):
    url, made = witness
    log = open_writer(origin, seed="more")
    made.trust(log.verifier)
    known = [made.cosigner]
    with pytest.raises(ConfigError, match="witness_keys"):
        request_cosignature(log, fetcher, url, [])
    for _ in range(2):
        assert request_cosignature(log, fetcher, url, known) == ["witness.example/w1"]
    note = (origin / "public" / "checkpoint").read_bytes()
    assert note.count(b"\n\xe2\x80\x94 ") == 2
    append(open_writer(origin, seed="again"), 30)
    assert request_cosignature(open_writer(origin, seed="c"), fetcher, url, known)
    assert check(origin).faults == ()
    host = scripted(origin / "public").url
    pull(tmp_path / "m", host)
    assert (tmp_path / "m/public/checkpoint").read_bytes().count(b"\n\xe2\x80\x94 ") == 1
    pull(tmp_path / "m", host, options={"witness_keys": (made.cosigner.text,)})
    assert (tmp_path / "m/public/checkpoint").read_bytes() == (origin / "public/checkpoint").read_bytes()


def test_verify_judges_the_cosignatures_of_known_witnesses(origin, witness, fetcher, capsys):
    url, made = witness
    log = open_writer(origin, seed="more")
    made.trust(log.verifier)
    request_cosignature(log, fetcher, url, [made.cosigner])
    settings = (origin / "baoguan.toml").read_text("utf-8")
    assert verify(origin) == 0
    assert "not judged" in capsys.readouterr().out
    known = settings.replace("# witness_keys = []", f'witness_keys = ["{made.cosigner.text}"]')
    (origin / "baoguan.toml").write_text(known, "utf-8")
    assert verify(origin) == 0
    assert "cosigned by witness.example/w1 at 20" in capsys.readouterr().out
    head = origin / "public" / "checkpoint"
    note = head.read_text("utf-8")
    line = note.split("\n")[-2]
    blob = bytearray(base64.b64decode(line.rpartition(" ")[2]))
    blob[20] ^= 1
    head.write_text(note.replace(line, f"— witness.example/w1 {base64.b64encode(blob).decode()}"), "utf-8")
    assert verify(origin) == 6


def verify(folder: Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["verify", "-C", str(folder)])
    return ended.value.code


def test_go_reads_a_cosigned_checkpoint(origin, tmp_path, witness, fetcher):
    go = shutil.which("go")
    if go is None or not Path("/usr/share/gocode/src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("Go: golang-go and golang-golang-x-mod-dev are missing")
    url, made = witness
    log = open_writer(origin, seed="more")
    made.trust(log.verifier)
    request_cosignature(log, fetcher, url, [made.cosigner])
    source = Path(__file__).parents[1] / "archive" / "go" / "main.go"
    env = {
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(tmp_path / "cache"),
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [go, "run", str(source), str(origin / "public"), log.verifier.text, ""],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert done.stdout == "OK 303\n", done.stderr


def test_a_restored_archive_does_not_fork_its_log(origin, tmp_path, scripted, witness, fetcher):
    shutil.copytree(origin, tmp_path / "backup")
    log = open_writer(origin, seed="more")
    append(log, 40)
    url = scripted(origin / "public").url
    pull(tmp_path / "m", url)
    mirror = scripted(tmp_path / "m" / "public").url
    witness_url, made = witness
    made.trust(log.verifier)
    request_cosignature(log, fetcher, witness_url, [made.cosigner])

    restore(tmp_path / "backup", tmp_path / "again")
    for settings in (
        Settings(mirrors=(mirror,), allow_networks=(LOOPBACK,)),
        Settings(witnesses=(witness_url,), allow_networks=(LOOPBACK,)),
    ):
        again = open_archive(tmp_path / "again", settings, clock=SystemClock(), entropy=SystemEntropy())
        with pytest.raises(MirrorError, match="--recover") as caught:
            again.begin()
        assert caught.value.kind == "behind"
    nobody = Settings(mirrors=("http://127.0.0.1:64999/",), allow_networks=(LOOPBACK,))
    with pytest.raises(StoreError, match="--accept"):
        open_archive(tmp_path / "again", nobody, clock=SystemClock(), entropy=SystemEntropy()).begin()

    assert pull(tmp_path / "again", mirror, recover=True).size == log.size
    settings = Settings(mirrors=(mirror,), allow_networks=(LOOPBACK,))
    again = open_archive(tmp_path / "again", settings, clock=SystemClock(), entropy=SystemEntropy())
    append(again, 5)
    assert again.size == log.size + 6
    assert not (tmp_path / "again" / "state" / "restored").exists()
    assert check(tmp_path / "again").faults == ()


def test_a_mirror_with_another_log_is_a_fork(origin, tmp_path, scripted):
    shutil.copytree(origin, tmp_path / "other")
    append(open_writer(origin, seed="more"), 40)
    append(open_writer(tmp_path / "other", seed="evil"), 40, mark="伪")
    settings = Settings(mirrors=(scripted(tmp_path / "other" / "public").url,))
    with pytest.raises(MirrorError) as caught:
        check_mirrors(origin, settings, open_writer(origin), allow=(LOOPBACK,), entropy=SystemEntropy())
    assert caught.value.kind == "fork"


def test_keys_of_witnesses(tmp_path):
    made = Witness.create(tmp_path / "w", "w.example", SystemClock(), SystemEntropy())
    assert Cosigner.parse(made.cosigner.text) == made.cosigner
    with pytest.raises(ConfigError, match="altered"):
        Cosigner.parse(made.cosigner.text.replace("w.example", "v.example"))
    with pytest.raises(ConfigError, match="type 4"):
        Cosigner.parse(Verifier("w.example", bytes(32)).text)
    with pytest.raises(ConfigError, match="already"):
        Witness.create(tmp_path / "w", "w.example", SystemClock(), SystemEntropy())
