"""Hosts that lie, each in one way: named, with its kind, and the head that is held stays as it was."""

import base64
import contextlib
import gzip
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zstandard
from mirror_hosts import Scripted, append, check, files, make_origin, open_writer, pull

from baoguan.archive.bundle import Entry, decode_bundle, encode_bundle
from baoguan.archive.mirror_evidence import Evidence, check_evidence
from baoguan.archive.note import Signer
from baoguan.cli.main import EXITS, MIRROR_EXITS, main
from baoguan.errors import FetchError, MirrorError, StoreError, VerifyError
from baoguan.model.log import ManifestLine, RecordRef


@contextlib.contextmanager
def refused(kind: str, match: str, mirror: Path) -> Iterator[None]:
    """The pull fails with that kind, in one line, and nothing that was held has changed."""
    before = (mirror / "public" / "checkpoint").read_bytes() if (mirror / "public" / "checkpoint").exists() else None
    with pytest.raises(MirrorError, match=match) as caught:
        yield
    assert caught.value.kind == kind
    assert "\n" not in str(caught.value)
    if before is None:
        assert not (mirror / "public" / "checkpoint").exists()
    else:
        assert (mirror / "public" / "checkpoint").read_bytes() == before
        assert check(mirror).faults == ()


@pytest.fixture
def held(origin, tmp_path, scripted) -> tuple[Scripted, Path]:
    """A mirror at 303 entries, and its host, which has grown by 60 since."""
    host = scripted(origin / "public")
    pull(tmp_path / "m", host.url)
    append(open_writer(origin, seed="more"), 60)
    return host, tmp_path / "m"


def fork(origin: Path, place: Path, count: int) -> Path:
    """Another log by the same key: the first 204 entries are the origin's, then `count` others."""
    make_origin_until(place, 1)
    append(open_writer(place, seed="evil"), count, mark="伪")
    return place


def make_origin_until(folder: Path, batches: int) -> None:
    """The origin as it was after its first batches."""
    from baoguan.app import create_archive
    from baoguan.backends.clock import SeededEntropy

    create_archive(folder, origin="test.example/origin", entropy=SeededEntropy("o"))
    archive = open_writer(folder, seed="o")
    for count in (200, 60, 40)[:batches]:
        append(archive, count)


@pytest.mark.parametrize(
    ("count", "words"), [(101, "another log of 303"), (300, "don't begin with"), (30, "another log of 232")]
)
def test_a_fork_is_proven_by_two_heads(origin, tmp_path, scripted, count, words):
    pull(tmp_path / "m", scripted(origin / "public").url)
    evil = scripted(fork(origin, tmp_path / "evil", count) / "public")
    with refused("fork", words, tmp_path / "m"):
        pull(tmp_path / "m", evil.url)
    (found,) = (tmp_path / "m" / "evidence").iterdir()
    assert "fork proven" in check_evidence(found.read_bytes())
    with pytest.raises(SystemExit) as ended:
        main(["check", str(found)])
    assert ended.value.code == 0
    said = msgspec.json.decode(found.read_bytes(), type=Evidence)
    for change in (
        {"second": said.first},
        {"key": Signer("test.example/origin", bytes(32)).verifier.text},
        {"format": ""},
    ):
        with pytest.raises(VerifyError):
            check_evidence(msgspec.json.encode(msgspec.structs.replace(said, **change)))


def test_honest_growth_is_no_evidence(origin, tmp_path):
    old = (origin / "public" / "checkpoint").read_text()
    writer = open_writer(origin, seed="more")
    append(writer, 9)
    tree, new = writer.tree(), writer.checkpoint()
    said = Evidence(
        format="baoguan-fork-evidence/1",
        key=writer.verifier.text,
        first=old,
        second=new.note.decode(),
        prefix_root=base64.b64encode(tree.root(0, 303)).decode(),
        proof=tuple(base64.b64encode(step).decode() for step in tree.consistency(303, new.size)),
    )
    with pytest.raises(VerifyError, match="no fork"):
        check_evidence(msgspec.json.encode(said))


def test_rolled_back(origin, tmp_path, scripted):
    shutil.copytree(origin, tmp_path / "old")
    append(open_writer(origin, seed="more"), 60)
    pull(tmp_path / "m", scripted(origin / "public").url)
    with refused("rollback", "offers 303 entries, 364 are held", tmp_path / "m"):
        pull(tmp_path / "m", scripted(tmp_path / "old" / "public").url)


def test_stale_is_said(origin, tmp_path, scripted):
    url = scripted(origin / "public").url
    assert pull(tmp_path / "m", url).stale_days == 0
    assert pull(tmp_path / "m", url).stale_days > 7


def test_another_log_another_key(held, tmp_path, scripted):
    host, mirror = held
    make_origin(tmp_path / "other", name="other.example/log", seed="x")
    with refused("swapped", "another log", mirror):
        pull(mirror, scripted(tmp_path / "other" / "public").url)
    make_origin(tmp_path / "same", seed="another key")
    with refused("swapped", "never rotated|never was|was never", mirror):
        pull(mirror, scripted(tmp_path / "same" / "public").url)
    with refused("swapped", "another key", mirror):
        pull(mirror, host.url, key=Signer("test.example/origin", bytes(32)).verifier.text)


@pytest.mark.parametrize(
    "note", [b"", b"\xff\xfe", b"hello\n", b"a\n1\nAAAA\n\n", "test.example/origin\n" + "9" * 5000 + "\nx\n\n— a b\n"]
)
def test_garbage_for_a_checkpoint(held, note):
    host, mirror = held

    def twist(path, answer):
        if path == "checkpoint":
            answer.body = note if isinstance(note, bytes) else note.encode()

    host.twist = twist
    with refused("unsigned", "checkpoint", mirror):
        pull(mirror, host.url)


def test_a_signature_that_does_not_hold(held):
    host, mirror = held

    def twist(path, answer):
        if path == "checkpoint":
            answer.body = answer.body.replace(b"\n364\n", b"\n365\n")

    host.twist = twist
    with refused("unsigned", "doesn't hold", mirror):
        pull(mirror, host.url)


def test_signatures_of_strangers_are_not_kept(held, origin):
    host, mirror = held
    stranger = Signer("stranger.example", bytes(range(32)))
    real = (origin / "public" / "checkpoint").read_bytes()

    def twist(path, answer):
        if path == "checkpoint":
            text = answer.body.split(b"\n\n")[0] + b"\n"
            line = stranger.sign(text.decode()).split(b"\n\n")[1]
            answer.body += line * 50

    host.twist = twist
    pull(mirror, host.url)
    assert (mirror / "public" / "checkpoint").read_bytes() == real


def test_answers_without_end(held):
    host, mirror = held
    for name in ("checkpoint", "tile/0/001.p/108", "bundle/001.p/108.zst"):

        def twist(path, answer, name=name):
            if path == name:
                answer.endless = b"x" * 65536

        host.twist = twist
        with refused("hostile", "over|has", mirror):
            pull(mirror, host.url)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_in_the_encoding(held, encoding):
    host, mirror = held
    zeros = bytes(200 << 20)
    bomb = gzip.compress(zeros, 9) if encoding == "gzip" else zstandard.compress(zeros, 3)

    def twist(path, answer):
        if path == "bundle/001.p/108.zst":
            answer.body, answer.headers = bomb, {"Content-Encoding": encoding}

    host.twist = twist
    with refused("hostile", "over 134.2 MB", mirror):
        pull(mirror, host.url)


@pytest.mark.parametrize("size", [1 << 20, 600 << 20])
def test_a_bomb_for_a_bundle(held, size):
    host, mirror = held
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    frame = packer.compress(b'{"format":1,"start":256,"count":108}\n[120,null,null]\n')
    frame += b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    body = frame + b"\x50\x2a\x4d\x18\x20\0\0\0" + hashlib.sha256(frame).digest()

    def twist(path, answer):
        if path == "bundle/001.p/108.zst":
            answer.body = body

    host.twist = twist
    with refused("altered", "leaf can't be read|lengths", mirror):
        pull(mirror, host.url)


def test_drops_that_never_fill_a_glass(held):
    host, mirror = held

    def twist(path, answer):
        if path == "bundle/001.p/108.zst":
            answer.delay_s = 0.2

    host.twist = twist
    with refused("hostile", "too slowly", mirror):
        pull(mirror, host.url, fetch={"timeout_s": 0.6})


def test_a_redirect_into_a_private_network(held):
    host, mirror = held

    def twist(path, answer):
        if path == "bundle/001.p/108.zst":
            answer.status, answer.headers = 302, {"Location": "http://127.0.0.2:8000/secret"}

    host.twist = twist
    with refused("hostile", "127.0.0.2 is loopback", mirror):
        pull(mirror, host.url, allow=("127.0.0.1/32",))


def bundle(origin: Path, name: str) -> tuple[int, list[Entry]]:
    return decode_bundle((origin / "public" / name).read_bytes())


def altered_bundles(origin: Path) -> dict[str, tuple[str, str, bytes]]:
    """Name of the trick: (kind, words, bytes)."""
    name = "bundle/001.p/108.zst"
    start, entries = bundle(origin, name)
    first, rest = entries[50], entries[51:]
    salted = first.line.replace(b'"salt":"', b'"salt":"0', 1).replace(b'",', b'",', 1)

    def packed(entry: Entry, at: int = start) -> bytes:
        return encode_bundle(at, [*entries[:50], entry, *rest])

    good = (origin / "public" / name).read_bytes()
    frame = good[:-40] + b"junk"
    other = bundle(origin, "bundle/000.zst")[1][50]
    return {
        "wrong salt": ("altered", "salt", packed(Entry(first.leaf, salted, first.record))),
        "wrong record": ("altered", "record isn't", packed(Entry(first.leaf, first.line, first.record + b" "))),
        "no record": ("altered", "record isn't", packed(Entry(first.leaf, first.line, None))),
        "hidden line": ("missing", "without a `gone`", packed(Entry(first.leaf, None, None))),
        "another leaf": ("altered", "leaves", packed(other)),
        "other place": ("altered", "doesn't say", packed(first, 0)),
        "too few": ("altered", "doesn't say", encode_bundle(start, entries[:-1])),
        "cut": ("altered", "digest", good[:-9]),
        "flipped": ("altered", "digest", good[:99] + bytes([good[99] ^ 4]) + good[100:]),
        "junk": ("altered", "after its last", frame + good[-40:-32] + hashlib.sha256(frame).digest()),
        "empty": ("altered", "digest", b""),
        "page": ("altered", "digest", b"<html>not here</html>"),
    }


TRICKS = [
    "wrong salt",
    "wrong record",
    "no record",
    "hidden line",
    "another leaf",
    "other place",
    "too few",
    "cut",
    "flipped",
    "junk",
    "empty",
    "page",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_a_bundle_that_is_not_what_the_log_says(held, origin, trick):
    host, mirror = held
    kind, words, body = altered_bundles(origin)[trick]

    def twist(path, answer):
        if path == "bundle/001.p/108.zst":
            answer.body = body

    host.twist = twist
    with refused(kind, words, mirror):
        pull(mirror, host.url)
    host.twist = lambda _path, _answer: None
    assert pull(mirror, host.url).size == 364
    assert check(mirror).faults == ()


@pytest.mark.parametrize("name", ["bundle/001.p/108.zst", "tile/1/000.p/1", "tile/0/001.p/108", "format"])
def test_files_that_are_missing(origin, tmp_path, scripted, name):
    append(open_writer(origin, seed="more"), 60)
    host = scripted(origin / "public")
    (origin / "public" / name).unlink()
    with refused("missing", name.partition(".")[0], tmp_path / "m"):
        pull(tmp_path / "m", host.url)


def test_tiles_that_are_altered(held):
    host, mirror = held
    for name, place in (("tile/1/000.p/1", mirror.with_name("new")), ("tile/0/001.p/108", mirror)):

        def twist(path, answer, name=name):
            if path == name:
                answer.body = bytes(len(answer.body))

        host.twist = twist
        with refused("altered", "signed root", place):
            pull(place, host.url)

    def short(path, answer):
        if path == "tile/0/001.p/108":
            answer.body = answer.body[:-33]

    host.twist = short
    with refused("altered", "bytes where", mirror):
        pull(mirror, host.url)


@pytest.mark.parametrize("folder", ["media", "captures"])
def test_pictures_and_captures_that_are_altered(held, folder):
    host, mirror = held
    before = set(files(mirror))

    def twist(path, answer):
        if path.startswith(folder) and path not in before:
            answer.body = answer.body[:-1] + bytes([answer.body[-1] ^ 1])

    host.twist = twist
    with refused("altered", "altered", mirror):
        pull(mirror, host.url)
    host.twist = lambda _path, _answer: None
    pull(mirror, host.url)
    assert check(mirror).faults == ()


def test_a_layout_of_the_future_is_refused(held):
    host, mirror = held

    def twist(path, answer):
        if path == "format":
            answer.body = b"2\n"

    host.twist = twist
    with pytest.raises(StoreError, match="install a newer"):
        pull(mirror, host.url)


@pytest.mark.parametrize(
    "path", ["tile/0/000", "checkpoint", "articles/x/2026/03/01/../../1-0000000000000000.md", "articles/x/1.md"]
)
def test_names_that_lead_elsewhere(origin, tmp_path, scripted, path):
    """Signed by the origin itself: it is the hostile one."""
    pull(tmp_path / "m", scripted(origin / "public").url)
    writer = open_writer(origin, seed="evil")
    leaves_evil_line(writer, path)
    with refused("hostile", "no place", tmp_path / "m"):
        pull(tmp_path / "m", scripted(origin / "public").url)


def leaves_evil_line(writer, path: str) -> None:
    """Appends a line whose record lies under `path`, by hand where the writer itself would refuse."""
    batch = writer.begin()
    with batch:
        data = b"evil\n"
        batch._records[path] = data
        ref = RecordRef(path=path, sha256=hashlib.sha256(data).hexdigest())
        batch.append(ManifestLine(salt="", kind="rev", id="0" * 16, record=ref))
        batch._records.clear()
        batch.commit()


def test_a_host_that_is_not_there(held):
    _, mirror = held
    with pytest.raises(FetchError):
        pull(mirror, "http://127.0.0.1:64999/")


def test_each_kind_has_an_exit_code_and_one_line(held, capsys):
    host, mirror = held
    assert set(MIRROR_EXITS.values()) <= set(EXITS)
    host.twist = lambda path, answer: setattr(answer, "body", b"?")
    with pytest.raises(SystemExit) as ended:
        main(["mirror", "pull", host.url, str(mirror), "--allow", "127.0.0.0/8", "--pace", "0"])
    assert ended.value.code == 23
    assert capsys.readouterr().err.count("\n") == 1
