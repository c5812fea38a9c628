"""`./run bench imports`: CPU and memory of `baoguan import` over an archive of Markdown files, beside git and a parse.

Then what comes after: `verify` of all of it, and the catalogue made anew from the log, each in a process of its own.

Peers of the same run over the same files: what the ancestors did (write each file, `git add`, `git commit`), and the
least that a reader of such files does (lxml's parse, one file written). Neither sanitises, proves or finds anything.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from baoguan.app import create_archive, open_desk, read_verifier
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.desk import catch_up
from baoguan.importing import import_path
from baoguan.unpacking import legacy_path, walk_folder, walk_tar
from bench import SHARED


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench imports", description=__doc__)
    parser.add_argument("source", nargs="?", default=SHARED / "data" / "records" / "waimei-64542.tar.zst")
    parser.add_argument("--files", type=int, default=0, help="the first so many only; default all")
    parser.add_argument("--folder", default=None, help="where to write: a tmpfs leaves the disk out of the CPU")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--what", default="import", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        STEPS[options.what](Path(options.child), Path(options.source))
        return
    source = Path(options.source)
    if not source.exists():
        raise SystemExit(f"{source}: not there; name a folder or a tar of article files")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        if options.files:
            source = unpack(source, options.files, folder / "slice")
        create_archive(folder / "archive", origin="bench/imports", fetch={"min_free_mb": 1})
        for what in ("import", "import", "verify", "rebuild"):
            command = [sys.executable, "-m", "bench.imports", str(source), "--child", str(folder / "archive")]
            subprocess.run([*command, "--what", what], check=True)  # in a process of its own, for its peak of memory
        if not options.alone:
            git_way(source, folder / "git")
            parse_way(source, folder / "parsed")


def articles(source: Path) -> Iterator[tuple[str, bytes]]:
    """(path in the ancestors' tree, bytes) of the article files."""
    for name, data in walk_folder(source) if source.is_dir() else walk_tar(source):
        kept = legacy_path(name)
        if kept is not None and isinstance(data, bytes):
            yield kept, data


def unpack(source: Path, count: int, folder: Path) -> Path:
    """The first `count` files, as a folder."""
    for number, (name, data) in enumerate(articles(source)):
        if number == count:
            break
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def measure(archive: Path, source: Path) -> None:
    """One import in this process."""
    with open_desk(archive) as desk:
        start, wall = time.process_time(), time.monotonic()
        report = import_path(desk, source)
        cpu, wall = time.process_time() - start, time.monotonic() - wall
    tell(f"import: {report.files} files, {report.added} added, {report.known} known", report.files, cpu, wall)


def measure_verify(archive: Path, _source: Path) -> None:
    """Everything on disk against the log."""
    start, wall = time.process_time(), time.monotonic()
    found = verify(FileObjects(archive / "public"), read_verifier(archive))
    cpu, wall = time.process_time() - start, time.monotonic() - wall
    tell(f"verify: {found.size} entries, {len(found.faults)} faults", found.size, cpu, wall)


def measure_rebuild(archive: Path, _source: Path) -> None:
    """The catalogue deleted, and made anew from the log."""
    for path in (archive / "index").glob("catalogue.sqlite*"):
        path.unlink()
    start, wall = time.process_time(), time.monotonic()
    with open_desk(archive) as desk:
        catch_up(desk)
        cpu, wall = time.process_time() - start, time.monotonic() - wall
        tell(f"rebuild: {desk.archive.size} entries", desk.archive.size, cpu, wall)


STEPS = {"import": measure, "verify": measure_verify, "rebuild": measure_rebuild}


def tell(what: str, count: int, cpu: float, wall: float) -> None:
    """Prints one line."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"baoguan {what}: {cpu:.1f} s of CPU, {count / cpu:.0f}/s of CPU, {wall:.1f} s, peak {peak:.0f} MB", flush=True
    )


def children_cpu() -> float:
    """Seconds of CPU of the ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def git_way(source: Path, folder: Path) -> None:
    """Each file written, then one git add and one commit."""
    folder.mkdir()
    git = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0"]
    subprocess.run([*git, "init", "-q"], check=True)
    start, child, count = time.process_time(), children_cpu(), 0
    for name, data in articles(source):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        count += 1
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "import"], check=True)
    cpu = time.process_time() - start + children_cpu() - child
    print(f"write, git add, git commit: {count} files: {cpu:.1f} s of CPU, {count / cpu:.0f} files/s of CPU")


def parse_way(source: Path, folder: Path) -> None:
    """Each body parsed and its text written; every tenth file, since it is slow."""
    from lxml import html

    folder.mkdir()
    start, count = time.process_time(), 0
    for number, (_, data) in enumerate(articles(source)):
        if number % 10:
            continue
        body = data.decode("utf-8", "replace").rpartition("\n------\n")[2]
        tree = html.fromstring(f"<div>{body}</div>")
        (folder / f"{count}.md").write_bytes(html.tostring(tree, encoding="utf-8") + tree.text_content().encode())
        count += 1
    cpu = time.process_time() - start
    print(
        f"lxml parse and write, nothing sanitised: {count} files: {count / cpu:.0f} files/s of CPU (reading of all in)"
    )


if __name__ == "__main__":
    main()
