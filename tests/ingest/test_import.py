"""Importing the ancestors' real archives: nothing lost, nothing overwritten, nothing twice, every byte given back."""

import io
import random
import tarfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
import zstandard
from click.testing import CliRunner
from ingest_house import page, paragraphs

from baoguan import config
from baoguan.app import create_archive, open_desk, read_entries, read_verifier
from baoguan.archive.verify import verify
from baoguan.backends.clock import SystemEntropy
from baoguan.backends.files import FileObjects
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.capture.tarball import Unusual, read_members
from baoguan.capture.warc import WarcWriter
from baoguan.cli.main import cli
from baoguan.desk import catch_up
from baoguan.errors import ConfigError
from baoguan.exporting import export_markdown
from baoguan.importing import import_path
from baoguan.model.capture import Response
from baoguan.model.log import ManifestLine
from baoguan.unpacking import Unread, legacy_path, walk_folder, walk_tar

TABLES = ("article", "revision", "alias", "media", "imported", "legacy", "capture", "captured", "meta")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty archive."""
    create_archive(tmp_path / "archive", origin="test/import", fetch={"min_free_mb": 1})
    return tmp_path / "archive"


def articles(path: Path) -> dict[str, bytes]:
    return {kept: data for name, data in walk_tar(path) if isinstance(data, bytes) and (kept := legacy_path(name))}


def test_a_folder_is_walked_as_its_paths_sort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "tree"
    names = [
        "a.md",
        "a/b.md",
        "a/b/c.md",
        "a-b.md",
        "a b/ü.md",
        ".git/x.md",
        "z/.git/y.md",
        "z/.github/y.md",
        "z/é/1.md",
    ]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link.md").symlink_to(root / "a.md")
    (root / "loop").symlink_to(root)
    kept = [path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    wanted = [path.as_posix() for path in kept if ".git" not in path.parts]
    assert [name for name, _ in walk_folder(root)] == [f"tree/{name}" for name in wanted]
    assert dict(walk_folder(root)) == {f"tree/{name}": name.encode() for name in wanted}
    monkeypatch.chdir(root)
    assert [name for name, _ in walk_folder(Path())] == wanted
    assert list(walk_folder(root / ".git")) == []


@pytest.mark.parametrize(
    "name", ["articles/a/1.md", "x//articles/./a.md", "/_posts/a.md", "articles/_posts/a.markdown"]
)
def test_paths_below_a_root(name: str) -> None:
    parts = PurePosixPath(name).parts
    start = next(number for number, part in enumerate(parts) if part in ("articles", "_posts"))
    assert legacy_path(name) == "/".join(parts[start:])


@pytest.mark.parametrize(
    "name", ["articles", "articles/a.txt", "a/b.md", "x/articles.md", "articles.md/", "my-articles/a.md"]
)
def test_other_files_are_no_articles(name: str) -> None:
    assert legacy_path(name) is None


def write_tar(path: Path, files: dict[str, bytes], form: int) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def sample_of(path: Path, count: int) -> dict[str, bytes]:
    """A seeded slice, held in memory only while it is chosen."""
    names = sorted(kept for name, _ in walk_tar(path) if (kept := legacy_path(name)))
    chosen = set(random.Random(20200901).sample(names, count))
    return {
        kept: data for name, data in walk_tar(path) if isinstance(data, bytes) and (kept := legacy_path(name)) in chosen
    }


def tables(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the catalogue."""
    db = sqlite3.connect(folder / "index" / "catalogue.sqlite")
    rows = {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in TABLES}
    db.close()
    return rows


def test_dutymachine_comes_back_byte_for_byte(shared: Path, folder: Path, tmp_path: Path) -> None:
    source = shared / "data" / "records" / "dutymachine-2020.tar.zst"
    files = articles(source)
    with open_desk(folder) as desk:
        report = import_path(desk, source)
        assert (report.files, report.added, report.failed) == (len(files), len(files), [])
        again = import_path(desk, source)
        assert (again.added, again.known) == (0, len(files))
        export_markdown(desk, tmp_path / "out", exact=True)
    wrong = [name for name, data in files.items() if (tmp_path / "out" / name).read_bytes() != data]
    assert wrong == []


def test_slice_of_waimei(shared: Path, folder: Path, tmp_path: Path) -> None:
    files = sample_of(shared / "data" / "records" / "waimei-64542.tar.zst", 3000)
    check_whole(folder, write_tar(tmp_path / "slice.tar", files, tarfile.PAX_FORMAT), files)


@pytest.mark.torture
def test_all_of_waimei(shared: Path, folder: Path) -> None:
    source = shared / "data" / "records" / "waimei-64542.tar.zst"
    check_whole(folder, source, articles(source))


def check_whole(folder: Path, source: Path, files: dict[str, bytes]) -> None:
    """Every file is a revision of its own; the log verifies; the catalogue made anew says the same."""
    with open_desk(folder) as desk:
        report = import_path(desk, source)
        assert (report.files, report.added, report.failed) == (len(files), len(files), [])
        lines = [
            line for _, line in desk.archive.lines(0, desk.archive.size) if line is not None and line.kind == "rev"
        ]
        assert sorted(line.legacy_path for line in lines) == sorted(files)
        assert len({(line.id, line.rev) for line in lines}) == len(lines)
        assert len({line.record.path for line in lines if line.record}) == len(lines)
        assert report.articles == len({line.id for line in lines})
        assert import_path(desk, source).added == 0
        check_duplicates(lines)
    before = tables(folder)
    assert [len(before[name]) for name in ("revision", "imported")] == [len(files), len(files)]
    for path in (folder / "index").glob("catalogue.sqlite*"):
        path.unlink()
    with open_desk(folder) as desk:
        catch_up(desk)
    assert tables(folder) == before
    verified = verify(FileObjects(folder / "public"), read_verifier(folder))
    assert verified.faults == ()
    assert verified.size >= len(files)


def check_duplicates(lines: Iterable[ManifestLine]) -> None:
    """Files of one URL and outlet are revisions of one article, numbered from 0."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    numbers: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        if line.url:
            owners[line.outlet, line.url].add(line.id)
        numbers[line.id].append(line.rev)
    assert [urls for urls, ids in owners.items() if len(ids) > 1] == []
    assert all(found == list(range(len(found))) for found in numbers.values())
    assert any(len(found) > 1 for found in numbers.values())


def test_same_file_twice_and_changed(folder: Path, tmp_path: Path) -> None:
    """One URL under three names, one file under one name twice: three revisions."""
    text = "<!--1689069544000-->\n[题](https://www.voachinese.com/a/1.html)\n------\n\n<p>{}</p>\n"
    files = {f"articles/voa/000000{n}.md": text.format("正文" * 20 + mark).encode() for n, mark in enumerate("aab")}
    first = write_tar(tmp_path / "first.tar", files, tarfile.GNU_FORMAT)
    with open_desk(folder) as desk:
        report = import_path(desk, first)
        assert (report.files, report.added, report.articles) == (3, 3, 1)
        assert import_path(desk, first).added == 0
        (row,) = desk.catalog.articles(start_ms=0)
        assert [one.legacy_path for one in desk.catalog.revisions(row.id)] == sorted(files)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_tars_of_every_form(tmp_path: Path, form: int) -> None:
    long = "articles/" + "x" * 80 + "/" + "y" * 90 + ".md"
    files = {long: b"1" * 512, "articles/a.md": b"", "articles/b.md": b"2" * 700}
    if form != tarfile.USTAR_FORMAT:
        files["articles/" + "长标题" * 60 + ".md"] = b"3"
    path = write_tar(tmp_path / "a.tar", files, form)
    assert dict(walk_tar(path)) == files
    packed = tmp_path / "a.tar.zst"
    packed.write_bytes(zstandard.compress(path.read_bytes()))
    assert dict(walk_tar(packed)) == files


def test_broken_tars(tmp_path: Path) -> None:
    """Cut off, flipped, no tar at all: said, never half an archive without a word."""
    whole = write_tar(tmp_path / "a.tar", {"articles/a.md": b"1" * 5000, "articles/b.md": b"2"}, tarfile.PAX_FORMAT)
    data = whole.read_bytes()
    for broken in (data[:3000], data[:600], b"no tar" * 200, data[:5632] + b"\x07" * 512 + data[6144:]):
        (tmp_path / "b.tar").write_bytes(broken)
        with pytest.raises(ConfigError):
            list(walk_tar(tmp_path / "b.tar"))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("sparse", [False, True])
def test_hard_links_are_followed(tmp_path: Path, form: int, sparse: bool) -> None:
    """A file that tar wrote as a link to an earlier one is a file; one whose target is missing is named."""
    long = "./articles/" + "x" * 50 + "/" + "y" * (20 if form == tarfile.USTAR_FORMAT else 150) + ".md"
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
        if sparse:  # from here on tarfile reads
            odd = tarfile.TarInfo("articles/0.md")
            odd.type = tarfile.GNUTYPE_SPARSE
            tar.addfile(odd)
        for name, target in ((long, ""), ("articles/b.md", long), ("articles/c.md", long), ("articles/d.md", "no.md")):
            member = tarfile.TarInfo(name)
            member.type = tarfile.LNKTYPE if target else tarfile.REGTYPE
            member.linkname, member.size = target, 0 if target else 3
            tar.addfile(member, None if target else io.BytesIO(b"one"))
    found = dict(walk_tar(tmp_path / "a.tar"))
    lost = found.pop("articles/d.md")
    found.pop("articles/0.md", None)
    assert found == {long: b"one", "articles/b.md": b"one", "articles/c.md": b"one"}
    assert isinstance(lost, Unread)
    assert "no.md" in lost.reason


def test_what_only_tarfile_reads() -> None:
    member = tarfile.TarInfo("articles/a.md")
    member.type = tarfile.GNUTYPE_SPARSE
    with pytest.raises(Unusual):
        list(read_members(io.BytesIO(member.tobuf(tarfile.GNU_FORMAT)), 1000))


def test_warc(folder: Path, tmp_path: Path) -> None:
    writer = WarcWriter(entropy=SystemEntropy())
    at = datetime(2026, 9, 1, 8, tzinfo=UTC)
    bodies = {
        "https://news.example/a/1.html": ("text/html; charset=utf-8", page("图书馆开工", *paragraphs(8))),
        "https://news.example/a.jpg": ("image/jpeg", b"\xff\xd8"),
    }
    members = [
        writer.response(
            Response(url=url, final_url=url, status=200, headers=(("Content-Type", kind),), raw=data, body=data, at=at)
        )[-1].data
        for url, (kind, data) in bodies.items()
    ]
    path = tmp_path / "pages.warc.gz"
    path.write_bytes(writer.info("pages.warc.gz", 0).data + b"".join(members))
    with open_desk(folder) as desk:
        report = import_path(desk, path)
        assert (report.files, report.added, report.skipped) == (1, 1, ["https://news.example/a.jpg"])
        size, files = desk.archive.size, sorted(desk.archive.objects.list(""))
        again = import_path(desk, path)
        assert (again.files, again.added, again.articles, again.known) == (1, 0, 0, 1)
        assert (desk.archive.size, sorted(desk.archive.objects.list(""))) == (size, files)
        (row,) = desk.catalog.articles(start_ms=0)
        assert (row.title, row.captured_ms) == ("图书馆开工", int(at.timestamp() * 1000))


def test_a_warc_of_a_page_that_was_a_stub_for_a_while(folder: Path, tmp_path: Path) -> None:
    """Whole, stub, whole again: the last look counts, and a second import adds nothing and loses nothing."""
    writer = WarcWriter(entropy=SystemEntropy())
    url, kind = "https://news.example/a/1.html", (("Content-Type", "text/html; charset=utf-8"),)
    path = tmp_path / "pages.warc.gz"
    data = writer.info("pages.warc.gz", 0).data
    for hour, count in ((8, 8), (9, 1), (10, 8)):
        raw = page("图书馆开工", *paragraphs(count))
        at = datetime(2026, 9, 1, hour, tzinfo=UTC)
        data += writer.response(Response(url=url, final_url=url, status=200, headers=kind, raw=raw, body=raw, at=at))[
            -1
        ].data
    path.write_bytes(data)
    with open_desk(folder) as desk:
        assert import_path(desk, path).files == 3
        (row,) = desk.catalog.articles(start_ms=0)
        kinds = [line.kind for _, line in desk.archive.lines(0, desk.archive.size) if line]
        assert (row.lost, kinds) == ("", ["rev", "lost", "seen", "cap"])
        again = import_path(desk, path)
        assert (again.added, again.known) == (0, 3)
        assert [line.kind for _, line in desk.archive.lines(0, desk.archive.size) if line] == kinds
        assert desk.catalog.articles(start_ms=0)[0].lost == ""


def test_opml(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "feeds.opml"
    path.write_text(
        '<?xml version="1.0"?><opml version="2.0"><body><outline text="新闻">'
        '<outline text="虚构报" type="rss" xmlUrl="https://news.example/feed.xml" htmlUrl="https://news.example/"/>'
        "</outline></body></opml>",
        "utf-8",
    )
    for _ in range(2):
        done = CliRunner().invoke(cli, ["-C", str(folder), "import", str(path)])
        assert done.exit_code == 0, done.output
    entries = read_entries(config.read_file(folder))
    assert [entry.feeds for entry in entries] == [("https://news.example/feed.xml",)]
