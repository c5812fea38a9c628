"""`./run bench withdraw`: CPU of taking one article out of a large archive and its search index, and how little that
grows with the archive.

The archive is made once (the real 64,542 files where they are there, else as many made-up ones) and kept in --folder.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baoguan.app import create_archive, open_desk, read_verifier
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from baoguan.backends.sqlite.engine import own, sqlite3
from baoguan.importing import import_path
from baoguan.indexing import index_new
from baoguan.withdrawing import withdraw
from bench import SHARED

SENTENCE = "河湾市政府在星期三宣布，旧码头将改建成一座向所有居民开放的图书馆，工程预计历时两年。"


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench withdraw", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the archives are kept between runs; default: made anew")
    parser.add_argument("--count", type=int, default=64_542, help="articles of the large archive")
    parser.add_argument("--runs", type=int, default=12, help="articles withdrawn from each archive")
    parser.add_argument("--own-sqlite", action="store_true", help="with Python's own SQLite, however old it is")
    options = parser.parse_args()
    if options.own_sqlite and sqlite3 is not own:
        argv = [one for one in sys.argv if one != "--own-sqlite"]
        code = (
            f"import sys; sys.modules['pysqlite3'] = None; sys.argv = {argv!r}\nfrom bench.withdraw import main; main()"
        )
        raise SystemExit(subprocess.run([sys.executable, "-c", code], check=False).returncode)
    with _place(options.folder) as folder:
        for count in (options.count // 10, options.count):
            _measure(folder, count, options.runs)


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="baoguan-withdraw-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _measure(folder: Path, count: int, runs: int) -> None:
    archive = folder / f"archive-{count}"
    if not (archive / "baoguan.toml").exists():
        _build(folder, archive, count)
    for name in ("search.sqlite", "search.sqlite-wal", "search.sqlite-shm"):
        (archive / "index" / name).unlink(missing_ok=True)
    _withdraw_some(archive, count, runs, "no search index")
    with open_desk(archive, durable=False) as desk:
        index_new(desk)
    # The desk zeroed the gaps of what it wrote when it closed, as a sync does.
    size = (archive / "index" / "search.sqlite").stat().st_size
    _withdraw_some(archive, count, runs, f"search index {size / 1e6:.0f} MB, SQLite {sqlite3.sqlite_version}")
    start = time.process_time()
    report = verify(FileObjects(archive / "public"), read_verifier(archive))
    assert report.ok, report.faults[:3]
    print(f"  verify: all holds, {len(report.withheld)} withheld; {time.process_time() - start:.1f} s CPU")


def _withdraw_some(archive: Path, count: int, runs: int, what: str) -> None:
    with open_desk(archive, durable=False) as desk:
        rows = desk.catalog.articles(start_ms=-(1 << 62), limit=count)
        index = (archive / "index" / "catalogue.sqlite").stat().st_size
        times = []
        for row in rows[:: max(1, len(rows) // runs)][:runs]:
            start = time.process_time()
            report = withdraw(desk, [row.id], reason="bench")
            times.append((time.process_time() - start) * 1000)
            assert report.finished
            assert desk.catalog.article(row.id) is None
    times.sort()
    print(
        f"{len(rows)} articles, catalogue {index / 1e6:.0f} MB, {what}: {times[0]:.0f} ms CPU a withdrawal at best,"
        f" {times[len(times) // 2]:.0f} ms median, {times[-1]:.0f} ms at worst of {len(times)} (aim < 50 ms)",
        flush=True,
    )


def _build(folder: Path, archive: Path, count: int) -> None:
    shared = SHARED / "data" / "records" / "waimei-64542.tar.zst"
    create_archive(archive, origin="bench/withdraw", fetch={"min_free_mb": 1})
    start = time.process_time()
    with open_desk(archive, durable=False) as desk:
        if shared.exists() and count >= 64_542:
            import_path(desk, shared)
            print(f"built from {shared.name}", end="")
        else:
            import_path(desk, _tree(folder / f"tree-{count}", count))
            print(f"built from {count} made-up files", end="")
    print(f" in {time.process_time() - start:.0f} s CPU")


def _tree(folder: Path, count: int) -> Path:
    for number in range(count):
        path = folder / "articles" / "voa" / f"{1048000 - number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f"<!--{1600000000000 + number * 60000}-->\n[第{number}条]"
        body = "".join(f"<p>{number}-{part}：{SENTENCE}</p>" for part in range(20))
        path.write_text(f"{head}(https://www.voachinese.com/a/{number}.html)\n------\n\n{body}\n", "utf-8")
    return folder


if __name__ == "__main__":
    main()
