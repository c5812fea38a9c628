"""Workers against a pool of cheap feeds, for tests and benches."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from baoguan.app import OutletEntry, create_archive, open_desk, read_verifier, set_settings
from baoguan.archive.verify import verify
from baoguan.backends.files import FileObjects
from newsroom.pool import Pool
from tests.backends.postgres_server import Postgres

PACE_S = 0.5


class Wire:
    """The pool of feeds in its own process, and an archive that wants them."""

    def __init__(
        self,
        folder: Path,
        postgres: Postgres,
        *,
        feeds: int,
        hosts: int,
        items: int = 2,
        origin: str = "test/workers",
        slow_s: float = 0.0,
    ) -> None:
        command = [sys.executable, "-m", "newsroom.pool", "--feeds", str(feeds), "--hosts", str(hosts)]
        command += ["--items", str(items), "--slow", str(slow_s)]
        self.pool = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.pool.stdout is not None
        model = Pool(feeds, 0.0, items, hosts)
        model.port = int(self.pool.stdout.readline().split()[1])
        self.folder, self.postgres, self.articles = folder, postgres, feeds * items
        urls = model.urls()
        entries = [OutletEntry(key=f"o{n}", name=f"o{n}", feeds=tuple(urls[n::10])) for n in range(10)]
        fetch = {"allow_networks": ["127.0.0.0/8"], "pages": False, "pace_s": PACE_S, "min_free_mb": 1}
        create_archive(folder, origin=origin, entries=entries, fetch=fetch)
        set_settings(folder, database=postgres.address, search="none")

    def worker(self, *more: str) -> "subprocess.Popen[bytes]":
        """One that ends when nothing is due."""
        command = [sys.executable, "-m", "baoguan", "worker", "-C", str(self.folder), "--until-idle", "--claim", "20"]
        log = (self.folder / "state" / "workers.log").open("ab")
        with log:
            return subprocess.Popen([*command, "--lease-s", "4", *more], stdout=log, stderr=log)

    def progress(self) -> float:
        """The share of the articles that may be in the log, by its size; a log holds other lines, too."""
        head = self.folder / "public" / "checkpoint"
        return int(head.read_text().splitlines()[1]) / self.articles if head.exists() else 0.0

    def gaps(self) -> list[float]:
        """The shortest pauses between two requests to one address."""
        assert self.pool.stdin is not None
        assert self.pool.stdout is not None
        self.pool.stdin.write("gaps\n")
        self.pool.stdin.flush()
        gaps: list[float] = json.loads(self.pool.stdout.readline())
        return gaps

    def check(self) -> None:
        """Everything is there, once, and the log holds."""
        report = verify(FileObjects(self.folder / "public"), read_verifier(self.folder))
        assert report.faults == ()
        with open_desk(self.folder) as desk:
            lines = [line for _, line in desk.archive.lines() if line is not None]
            born = Counter(line.url for line in lines if line.kind == "rev" and line.rev == 0)
            assert len(born) == self.articles
            assert set(born.values()) == {1}
            assert not [line for line in lines if line.kind == "rev" and line.rev > 0]
            assert desk.schedule.waiting(limit=10) == []
            assert all(state.last_status == 200 for state in desk.schedule.feeds())

    def close(self) -> None:
        self.pool.kill()
        self.pool.wait()
