"""Trusted time against a real authority: `openssl ts` behind a small HTTP server on loopback."""

import base64
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
from archive_samples import fill

from baoguan.app import create_archive, open_desk
from baoguan.archive.memory import Scope
from baoguan.archive.timestamps import check_answer, make_request, stamp_line
from baoguan.archive.verify import verify
from baoguan.errors import VerifyError
from baoguan.importing import import_path

CONFIG = """
[tsa]
default_tsa = one
[one]
dir = .
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """A time-stamping authority in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        (folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                     "-subj", "/CN=test root", "-days", "30")  # fmt: skip
        self.openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa"
        )
        self.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-out", "tsa.pem", "-days", "20", "-extfile", "ext")  # fmt: skip
        self.root = (folder / "ca.pem").read_bytes()

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    return Authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def address(authority):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            fit = self.headers["Content-Type"] == "application/timestamp-query" and self.path == "/tsr"
            data = authority.answer(query) if fit else b"no"
            self.send_response(200 if fit else 400)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def stamped(archive, authority: Authority):
    head = archive.checkpoint()
    answer = authority.answer(make_request(head))
    with archive.begin() as batch:
        batch.append(stamp_line(answer, head, "http://tsa.example"))
        batch.commit()
    return head, answer


def judged(archive, *roots: bytes):
    return verify(archive.objects, archive.verifier, scope=Scope(tsa_roots=roots))


def test_a_token_is_judged_by_verify(archive, authority, tmp_path):
    fill(archive, 300)
    head, answer = stamped(archive, authority)
    fill(archive, 5)
    report = judged(archive, authority.root)
    assert report.faults == ()
    assert [(stamp.index, stamp.size, stamp.judged) for stamp in report.stamps] == [(300, 300, True)]
    assert report.stamps[0].at.endswith("Z")
    unjudged = judged(archive)
    assert unjudged.ok
    assert not unjudged.stamps[0].judged
    # Another root, another log, another token, another message.
    other = Authority(tmp_path / "other")
    assert [fault.index for fault in judged(archive, other.root).faults] == [300]
    refused = 0
    flips = range(0, len(answer), 7)
    for at in flips:
        broken = answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]
        try:
            # Parts of the certificate that no signature needs: the time it tells is the same.
            assert check_answer(broken, head, [authority.root]) == check_answer(answer, head, [authority.root])
        except VerifyError:
            refused += 1
    assert refused > 0.8 * len(flips)
    with pytest.raises(VerifyError):
        check_answer(answer, msgspec.structs.replace(head, size=299), [authority.root])


@pytest.mark.parametrize("change", [
    {"token": "@"}, {"token": base64.b64encode(b"x").decode()},
    {"note": "x"}, {"note": "a\n9999\nAAAA\n"}, {"note": ""},
])  # fmt: skip
def test_lines_that_do_not_hold(archive, authority, change):
    fill(archive, 9)
    head = archive.checkpoint()
    line = stamp_line(authority.answer(make_request(head)), head, "http://tsa.example")
    with archive.begin() as batch:
        batch.append(msgspec.structs.replace(line, **change))
        batch.commit()
    assert [(fault.kind, fault.index) for fault in judged(archive, authority.root).faults] == [("altered", 9)]


def test_a_token_of_another_log(archive, authority, tmp_path):
    from archive_samples import open_files

    fill(archive, 9)
    other = open_files(tmp_path / "other", seed="other")
    fill(other, 9)
    head = other.checkpoint()
    with archive.begin() as batch:
        batch.append(stamp_line(authority.answer(make_request(head)), head, ""))
        batch.commit()
    assert "another log" in judged(archive, authority.root).faults[0].detail


def test_the_command(authority, address, tmp_path):
    tree = tmp_path / "tree" / "articles" / "voa"
    tree.mkdir(parents=True)
    (tree / "1048000.md").write_text("<!--1600000000000-->\n[t](https://voa.example/a/1.html)\n------\n\n<p>x</p>\n")
    create_archive(tmp_path / "a", origin="test/time", fetch={"min_free_mb": 1})
    with open_desk(tmp_path / "a") as desk:
        import_path(desk, tmp_path / "tree")

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "baoguan", *command, "-C", str(tmp_path / "a")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    here = ("--allow-networks", "127.0.0.0/8")
    done = run("timestamp", "--tsa", f"{address}/tsr", "--tsa-root", str(authority.folder / "ca.pem"), *here)
    assert done.returncode == 0, done.stderr
    assert "existed by" in done.stdout
    told = run("verify")
    assert told.returncode == 0, told.stdout
    assert "time: the first" in told.stdout
    assert "not judged" not in told.stdout
    for wrong in (run("timestamp", "--tsa", f"{address}/other", *here), run("timestamp", "--tsa", f"{address}/tsr")):
        assert wrong.returncode == 1
        assert wrong.stderr.count("\n") == 1
        assert "Traceback" not in wrong.stderr
