"""`./run bench cluster`: claims a second from a table of a million feeds, shared pace, and workers side by side.

Starts a PostgreSQL of its own (Debian's binaries) with fsync on, fills the table, claims with one and with four
connections, each claim of 20 feeds in its own transaction, settling what it got. The peer is a queue in SQLite.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import msgspec

from baoguan.app import open_desk
from baoguan.backends.postgres import Link
from baoguan.backends.postgres.pace import PgPace
from baoguan.backends.postgres.schedule import PgSchedule
from baoguan.backends.sqlite.schedule import SqliteSchedule
from baoguan.model.feed import FeedState
from tests.backends.postgres_server import Postgres
from tests.cluster.wire import Wire

NOW = 1_800_000_000_000


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench cluster", description=__doc__)
    parser.add_argument("--feeds", type=int, default=1_000_000)
    parser.add_argument("--hosts", type=int, default=100_000)
    parser.add_argument("--claims", type=int, default=1500, help="claims of 20 feeds by each connection")
    parser.add_argument("--worker-feeds", type=int, default=1500)
    parser.add_argument("--part", choices=("claims", "workers"), help="one of the two; default: both")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres().start("max_wal_size=2GB")
        try:
            if options.part != "workers":
                claims(server, Path(folder), options)
            for workers in (1, 4) if options.part != "claims" else ():
                work(Path(folder) / f"w{workers}", server, workers, options.worker_feeds)
        finally:
            server.stop()


def claims(server: Postgres, folder: Path, options: argparse.Namespace) -> None:
    """The table and what is asked of it."""
    fill(server, options.feeds, options.hosts)
    for connections in (1, 4):
        claim(server.address, connections, options.claims)
    for hosts in (50, options.hosts):
        share(server.address, hosts)
    sqlite(folder, min(options.feeds, 100_000))


def fill(server: Postgres, feeds: int, hosts: int) -> None:
    """The table, all due."""
    link = Link(server.address, "bench")
    PgSchedule(link)
    start = time.perf_counter()
    state = FeedState(url="http://h.example/", outlet="o", etag='W/"0123456789abcdef"', next_ms=1)
    with link.db.cursor() as cursor, cursor.copy("COPY feed FROM STDIN") as copy:
        for number in range(feeds):
            url = f"http://www.h{number % hosts}.example/feed/{number}.xml"
            data = msgspec.json.encode(msgspec.structs.replace(state, url=url))
            due = number // 100
            copy.write_row((url, f"o{number % 500}", f"h{number % hosts}.example", due, due, 0, 0, data))
    link.db.execute("VACUUM ANALYZE feed")
    link.close()
    print(f"{feeds:,} feeds of {hosts:,} hosts in the table: {time.perf_counter() - start:.0f} s")


def claim(address: str, connections: int, claims: int) -> None:
    """Claims and settles in processes of their own, at the same time."""
    with multiprocessing.Pool(connections) as pool:
        start = time.perf_counter()
        times = [
            one for part in pool.starmap(_claimer, [(address, claims, n) for n in range(connections)]) for one in part
        ]
        wall = time.perf_counter() - start
    feeds = sum(count for _, count, _ in times)
    took = sorted(seconds * 1000 for seconds, _, _ in times)
    settled = sum(seconds for _, _, seconds in times) / len(times) * 1000
    print(
        f"{connections} connection(s): {feeds / wall:,.0f} feeds claimed and settled a second"
        f" ({feeds / sum(seconds for seconds, _, _ in times) * connections:,.0f} claimed a second, settling apart);"
        f" a claim of 20: p50 {took[len(took) // 2]:.1f} ms, p99 {took[int(len(took) * 0.99)]:.1f} ms,"
        f" slowest {took[-1]:.1f} ms; settling 20: {settled:.1f} ms"
    )


def _claimer(address: str, claims: int, number: int) -> list[tuple[float, int, float]]:
    schedule = PgSchedule(Link(address, "bench", durable=False))
    found = []
    for at in range(claims):
        now = NOW + at
        start = time.perf_counter()
        states = schedule.claim(now, limit=20, lease_ms=600_000)
        took = time.perf_counter() - start
        start = time.perf_counter()
        schedule.settle_feeds([_later(state, now, number) for state in states])
        found.append((took, len(states), time.perf_counter() - start))
    schedule.close()
    return found


def _later(state: FeedState, now: int, number: int) -> FeedState:
    return msgspec.structs.replace(state, next_ms=now + 3_600_000 + number, last_status=304)


def share(address: str, hosts: int) -> None:
    """Places at hosts that everybody asks: a few of them, and as many as are due."""
    link = Link(address, "bench", durable=False)
    link.db.execute(
        "INSERT INTO host (key) SELECT 'h' || n || '.example' FROM generate_series(0, %s) n ON CONFLICT DO NOTHING",
        (hosts - 1,),
    )
    link.db.execute("ANALYZE host")
    pace = PgPace(link)
    while pace.take([("first.example", 0.0)], 0.0)[0]:  # nobody is asked just after a start of the server
        time.sleep(0.1)
    start, times, given = time.perf_counter(), [], 0
    for number in range(3000):
        begin = time.perf_counter()
        names = [(f"h{number * 7919 % hosts}.example", 1.0), (f"127.{number % hosts // 250}.0.{number % 250}", 1.0)]
        token = pace.take(names, 0.0)[1]
        if token:
            given += 1
            pace.leave(names, token)
        times.append(time.perf_counter() - begin)
    times.sort()
    print(
        f"shared pace, {hosts:,} hosts: {3000 / (time.perf_counter() - start):,.0f} places a second asked for (two keys"
        f" each), {given:,} of 3,000 given and left again, the others told to wait; p99 {times[2970] * 1000:.1f} ms"
    )
    pace.close()


def sqlite(folder: Path, feeds: int) -> None:
    """The embedded engine, one writer, a tenth of the table."""
    schedule = SqliteSchedule(folder / "schedule.sqlite")
    schedule.sync_feeds({f"http://h{number}.example/": "o" for number in range(feeds)})
    start, claimed = time.perf_counter(), 0
    for at in range(300):
        states = schedule.claim(NOW + at, limit=20, lease_ms=600_000)
        claimed += len(states)
        schedule.settle_feeds([_later(state, NOW, 0) for state in states])
    rate = claimed / (time.perf_counter() - start)
    print(f"SQLite, {feeds:,} feeds, one process: {rate:,.0f} feeds claimed and settled a second")
    schedule.close()


def work(folder: Path, server: Postgres, workers: int, feeds: int) -> None:
    """The same feeds by so many workers, each host its own, until nothing is due."""
    wire = Wire(folder / "archive", server, feeds=feeds, hosts=feeds, items=2, origin=f"bench/{workers}")
    try:
        start = time.perf_counter()
        crew = [wire.worker("--claim", "200", "--lease-s", "60") for _ in range(workers)]
        for one in crew:
            assert one.wait(900) == 0
        wall = time.perf_counter() - start
        wire.check()
        with open_desk(wire.folder) as desk:
            size = desk.archive.size
        print(
            f"{workers} worker(s), {feeds} feeds, {wire.articles} articles: {wall:.1f} s,"
            f" {feeds / wall:.0f} feeds/s, log size {size}, verified"
        )
    finally:
        wire.close()


if __name__ == "__main__":
    main()
