"""`./run bench cluster`: claims a second from a table of a million feeds, shared pace, and workers side by side.

Starts a PostgreSQL of its own (Debian's binaries) with fsync on, fills the table, claims with one and with four
connections, each claim of 20 feeds in its own transaction, settling what it got. The peer is a queue in SQLite.
"""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from pathlib import Path

import msgspec

from baoguan.app import open_desk
from baoguan.archive.ledger import Ledger
from baoguan.backends.postgres import Link
from baoguan.backends.postgres.catalogue import PgCatalog
from baoguan.backends.postgres.pace import PgPace
from baoguan.backends.postgres.schedule import PgSchedule
from baoguan.backends.sqlite.catalogue import SqliteCatalog
from baoguan.backends.sqlite.schedule import SqliteSchedule
from baoguan.model.feed import FeedState
from baoguan.model.ids import article_id
from baoguan.model.log import ManifestLine, RecordRef
from baoguan.ports import Catalog
from tests.backends.postgres_server import Postgres
from tests.cluster.wire import PACE_S, Wire

NOW = 1_800_000_000_000


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench cluster", description=__doc__)
    parser.add_argument("--feeds", type=int, default=1_000_000)
    parser.add_argument("--hosts", type=int, default=100_000)
    parser.add_argument("--claims", type=int, default=1500, help="claims of 20 feeds by each connection")
    parser.add_argument("--worker-feeds", type=int, default=1500)
    parser.add_argument("--part", choices=("claims", "workers", "slow", "catalogue"), help="one of them; default: all")
    parser.add_argument("--articles", type=int, default=50_000, help="in the catalogues that are compared")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres().start("max_wal_size=2GB")
        try:
            if options.part in (None, "claims"):
                claims(server, Path(folder), options)
            if options.part in (None, "catalogue"):
                catalogues(server, Path(folder), options.articles)
            for workers in (1, 4) if options.part in (None, "workers") else ():
                work(Path(folder) / f"w{workers}", server, workers, options.worker_feeds)
            for workers in (1, 4) if options.part in (None, "slow") else ():
                work(Path(folder) / f"s{workers}", server, workers, options.worker_feeds, slow_s=0.3)
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


def catalogues(server: Postgres, folder: Path, articles: int) -> None:
    """Each engine brought up from the same lines, then asked for whole feeds of 20 items as a worker asks."""
    lines = [_line(number) for number in range(articles)]
    engines: tuple[Catalog, ...] = (
        SqliteCatalog(folder / "catalogue.sqlite"),
        PgCatalog(Link(server.address, "bench/catalogue", durable=False)),
    )
    for catalog in engines:
        start = time.perf_counter()
        for low in range(0, articles, 4096):
            catalog.apply(
                [(n, lines[n]) for n in range(low, min(low + 4096, articles))], size=min(low + 4096, articles)
            )
        took = time.perf_counter() - start
        start, dice = time.perf_counter(), random.Random(1)
        for _ in range(300):
            asked = [lines[dice.randrange(articles)] for _ in range(20)]
            ledger = Ledger(catalog)
            ledger.foresee((line.outlet, line.guids[0], line.url, ()) for line in asked)
            assert all(ledger.resolve(line.outlet, line.guids[0], line.url).id == line.id for line in asked)
            catalog.standing([line.id for line in asked])
        each = (time.perf_counter() - start) / 300
        print(
            f"{type(catalog).__name__}: {articles:,} lines applied in {took:.1f} s ({articles / took:,.0f}/s);"
            f" a feed of 20 known items judged in {each * 1000:.2f} ms"
        )


def _line(number: int) -> ManifestLine:
    url = f"https://www.outlet{number % 50}.example/news/{number}.html"
    return ManifestLine(
        salt="00",
        kind="rev",
        id=article_id(f"o{number % 50}", url),
        outlet=f"o{number % 50}",
        url=url,
        guids=(f"guid-{number}",),
        title=f"第{number}条新闻的标题，不长也不短",
        captured_ms=NOW + number,
        record=RecordRef(path=f"articles/o{number % 50}/2026/12/01/{number}.md", sha256="x" * 64),
        content_sha256=f"{number:064x}",
    )


def work(folder: Path, server: Postgres, workers: int, feeds: int, *, slow_s: float = 0.0) -> None:
    """The same feeds by so many workers until nothing is due: each its own host, or few that answer after a while.

    With few slow hosts (a pace of 0.5 s, eight requests in flight a worker) waiting is what takes time, not work.
    """
    hosts = feeds if not slow_s else max(feeds // 6, 1)
    name = f"bench/{workers}{'slow' if slow_s else ''}"
    wire = Wire(folder / "archive", server, feeds=feeds, hosts=hosts, items=2, origin=name, slow_s=slow_s)
    more = ("--jobs", "8") if slow_s else ()
    try:
        start = time.perf_counter()
        crew = [wire.worker("--claim", "200", "--lease-s", "60", *more) for _ in range(workers)]
        spent = sum(_spent_s(one.pid) for one in crew)
        wall = time.perf_counter() - start
        wire.check()
        if hosts < feeds:
            assert wire.gaps()[0] >= PACE_S
        with open_desk(wire.folder) as desk:
            size = desk.archive.size
        told = f" that answer after {slow_s} s" if slow_s else ""
        print(
            f"{workers} worker(s), {feeds} feeds of {hosts} hosts{told}, {wire.articles} articles: {wall:.1f} s,"
            f" {feeds / wall:.0f} feeds/s, the workers' processor time {spent:.1f} s, log size {size}, verified"
        )
    finally:
        wire.close()


def _spent_s(pid: int) -> float:
    """Waits for a worker to end well; returns its processor time."""
    _, status, used = os.wait4(pid, 0)
    assert status == 0
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
