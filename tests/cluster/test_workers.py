"""Workers on one archive: nothing lost, nothing twice, no host above its pace, whoever is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from test_oracles import run_go

from baoguan.app import create_archive, read_verifier
from tests.backends.postgres_server import Postgres
from tests.cluster.wire import PACE_S, Wire


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres().start()
    yield server
    server.stop()


def sequencer_of(postgres: Postgres) -> int:
    """The process id of the sequencer, by the session that holds its advisory lock. 0: nobody is elected just now."""
    with psycopg.connect(postgres.address, autocommit=True) as db:
        row = db.execute(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
            " WHERE l.locktype = 'advisory' AND l.granted LIMIT 1"
        ).fetchone()
    return int(row[0].split()[-1]) if row is not None else 0


def torment(wire: Wire, seed: int, pause_s: tuple[float, float]) -> Counter[str]:
    """Four workers; now one is killed, twice the sequencer, twice PostgreSQL; then they are left to end.

    When, is told by how much of the work is done, however quick the machine is; nobody dies twice without progress.
    """
    dice, killed = random.Random(seed), Counter[str]()
    crew = [wire.worker() for _ in range(4)]
    plan = [(0.1, "worker"), (0.2, "sequencer"), (0.35, "postgres"), (0.5, "sequencer"), (0.65, "postgres")]
    seen, last = 0.0, time.monotonic()
    while plan or seen < 0.8:
        time.sleep(dice.uniform(*pause_s))
        if wire.progress() <= seen and any(one.poll() is None for one in crew):
            assert time.monotonic() - last < 120, "nothing is done any more"
            continue
        seen, last = wire.progress(), time.monotonic()
        due = plan[0][1] if plan and seen > plan[0][0] else ""
        at = dice.randrange(4)
        if due == "postgres":
            wire.postgres.kill()
            time.sleep(dice.uniform(0.1, 1.0))
            wire.postgres.start()
        elif due == "sequencer":
            elected = sequencer_of(wire.postgres)
            at = next((n for n, one in enumerate(crew) if one.pid == elected), -1)
            if at < 0:
                assert any(one.poll() is None for one in crew), "all ended before the sequencer could be killed"
                continue  # the next one is being elected: nobody is killed meanwhile
        if due:
            plan.pop(0)
            killed[due] += due != "worker"
        if due != "postgres":
            crew[at].send_signal(signal.SIGKILL)
            crew[at].wait()
            killed["worker"] += 1
            crew[at] = wire.worker()
    for one in crew:
        assert one.wait(900) == 0, (wire.folder / "state" / "workers.log").read_text()[-3000:]
    return killed


def run(
    folder: Path, postgres: Postgres, go_check: Path, *, feeds: int, hosts: int, seed: int, pause_s: tuple[float, float]
) -> None:
    wire = Wire(folder, postgres, feeds=feeds, hosts=hosts)
    try:
        killed = torment(wire, seed, pause_s)
        assert killed["worker"] >= 3
        assert (killed["postgres"], killed["sequencer"]) == (2, 2)
        wire.check()
        assert run_go(go_check, wire.folder, read_verifier(wire.folder).text).startswith("OK ")
        gaps = wire.gaps()
        assert gaps[0] >= PACE_S, gaps[:8]
    finally:
        wire.close()
    log = (wire.folder / "state" / "workers.log").read_text()
    assert "Traceback" not in log, log[-3000:]


def test_four_workers_under_random_kills(tmp_path: Path, postgres: Postgres, go_check: Path) -> None:
    run(tmp_path / "archive", postgres, go_check, feeds=800, hosts=400, seed=3, pause_s=(0.02, 0.15))


@pytest.mark.torture
def test_four_workers_five_thousand_feeds(tmp_path: Path, postgres: Postgres, go_check: Path) -> None:
    seed = int(os.environ.get("BAOGUAN_SEED", "1"))
    run(tmp_path / "archive", postgres, go_check, feeds=5000, hosts=2500, seed=seed, pause_s=(1.0, 5.0))


def test_workers_that_are_held_back_come_no_nearer_to_each_other(tmp_path: Path, postgres: Postgres) -> None:
    """Stopped at random for up to a second, as by a busy machine: the pauses that the newsroom sees stay whole."""
    wire = Wire(tmp_path / "archive", postgres, feeds=72, hosts=6)
    dice, stops = random.Random(5), 0
    crew = [wire.worker() for _ in range(3)]
    try:
        while any(one.poll() is None for one in crew):
            one = dice.choice(crew)
            time.sleep(dice.uniform(0.02, 0.2))
            if one.poll() is None:
                one.send_signal(signal.SIGSTOP)
                time.sleep(dice.uniform(0.05, 1.0))
                one.send_signal(signal.SIGCONT)
                stops += 1
        assert [one.wait() for one in crew] == [0, 0, 0]
        assert stops > 10
        wire.check()
        gaps = wire.gaps()
        assert len(gaps) >= 66
        assert gaps[0] >= PACE_S, gaps[:8]
    finally:
        for one in crew:
            one.kill()
        wire.close()


def test_a_worker_without_a_database_is_told(tmp_path: Path) -> None:
    create_archive(tmp_path / "a", origin="test/none")
    done = subprocess.run(
        [sys.executable, "-m", "baoguan", "worker", "-C", str(tmp_path / "a")], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "migrate --to postgres" in done.stderr
    assert done.stderr.count("\n") == 1
