"""`./run bench recheck`: a year of looking at known pages again, by a fake clock over the real schedule.

How often an article of each age is looked at, the load a day, how soon edits are found, whether any article waits for
ever. The waits are those of `recheck_times` and `missed_times`, the order is that of the schedule in SQLite.

./run bench recheck                     50 outlets, 100 new articles a day, an archive of 10,000, a sync an hour
./run bench recheck --new 500           more than the budget has room for
"""

import argparse
import random
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from baoguan.backends.clock import SeededEntropy
from baoguan.backends.sqlite.schedule import SqliteSchedule
from baoguan.batching import Logged
from baoguan.committing import missed_times, recheck_times
from baoguan.config import Settings
from baoguan.polling import step_at

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
AGES = ((1, "first day"), (7, "first week"), (30, "first month"), (365, "first year"), (1 << 30, "older"))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated."""

    outlets: int = 50
    """A host each."""
    new: int = 100
    """Articles a day, of all outlets together."""
    archive: int = 10_000
    """Articles that stand at the start, of the last five years."""
    budget: int = Settings().recheck
    """Looks in one sync."""
    syncs: int = 24
    """A day."""
    days: int = 365
    edited: float = 0.2
    """Share of new articles that are edited once, half of them within 12 hours."""
    dead: int = 1
    """Outlets whose host never answers."""
    seed: int = 7


class Found(msgspec.Struct, kw_only=True):
    """What came of it."""

    looks: Counter[str] = msgspec.field(default_factory=Counter)
    """By age."""
    days_alive: Counter[str] = msgspec.field(default_factory=Counter)
    """Days that articles spent at that age: looks / days_alive is how often one is looked at."""
    a_day: list[int] = []
    delays_h: list[float] = []
    """From an edit to the look that finds it."""
    unfound: int = 0
    """Edits of more than a month ago that no look has found."""
    host_most: int = 0
    """Looks at one host in one sync."""
    longest_wait_days: float = 0.0
    """The longest overdue article of a live host, at any time."""
    never: int = 0
    """Articles of live hosts, older than a day, that were never looked at."""
    due_at_end: int = 0


def age_of(days: float) -> str:
    """The class of an age."""
    return next(name for limit, name in AGES if days < limit)


class Year:
    """One run: the schedule is real, clock and outlets aren't."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.rng, self.found = plan, random.Random(plan.seed), Found()
        self.start_ms = self.now_ms = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
        self.schedule = SqliteSchedule(folder / "schedule.sqlite")
        self.desk: Any = SimpleNamespace(now_ms=lambda: self.now_ms, entropy=SeededEntropy(f"{plan.seed}"))
        self.born: dict[str, int] = {}
        self.host: dict[str, int] = {}
        self.edits: dict[str, int] = {}
        self.looked: set[str] = set()
        self.due: dict[str, int] = {}
        self.text_ms: dict[str, int] = {}
        """When the current revision of an article came."""

    def add(self, identity: str, born_ms: int) -> None:
        """An article; the archive's own are at the step that their age has led them to."""
        self.born[identity], self.host[identity] = born_ms, self.rng.randrange(self.plan.outlets)
        self.text_ms[identity] = born_ms
        if born_ms < self.start_ms:
            self.settle({identity: (7, self.now_ms + int(self.rng.uniform(0, 365) * DAY_MS))})
        else:
            self.settle(recheck_times(self.desk, [(None, Logged(id=identity, outcome="new"))], {}))  # type: ignore[list-item]
            if self.rng.random() < self.plan.edited:
                self.edits[identity] = self.now_ms + int(self.rng.expovariate(0.7 / 12) * HOUR_MS)

    def settle(self, again: dict[str, tuple[int, int]]) -> None:
        self.due |= {identity: at for identity, (_, at) in again.items()}
        self.schedule.settle_items((), (), again)

    def sync(self) -> None:
        """Looks at what the schedule gives out; a dead host's pages fail."""
        due = self.schedule.rechecks(self.now_ms, limit=self.plan.budget)
        hosts = Counter(self.host[identity] for identity, _ in due)
        self.found.host_most = max(self.found.host_most, *hosts.values(), 0)
        steps = {identity: step_at(step, self.now_ms - self.text_ms[identity]) for identity, step in due}
        done, missed = [], {}
        for identity, _ in due:
            if self.host[identity] < self.plan.dead:
                missed[identity] = 0
                continue
            self.found.looks[age_of((self.now_ms - self.born[identity]) / DAY_MS)] += 1
            self.found.longest_wait_days = max(
                self.found.longest_wait_days, (self.now_ms - self.due[identity]) / DAY_MS
            )
            self.looked.add(identity)
            edit = self.edits.get(identity)
            if edit is not None and edit <= self.now_ms:
                self.found.delays_h.append((self.now_ms - self.edits.pop(identity)) / HOUR_MS)
                self.text_ms[identity] = self.now_ms
                done.append(Logged(id=identity, outcome="changed"))
            else:
                done.append(Logged(id=identity, outcome="same"))
        outcomes: Any = [(None, logged) for logged in done]
        self.settle(missed_times(self.desk, missed, steps) | recheck_times(self.desk, outcomes, steps))
        self.found.a_day[-1] += len(due)

    def run(self) -> Found:
        """All of it."""
        for number in range(self.plan.archive):
            self.add(f"old-{number}", self.start_ms - int(self.rng.uniform(365, 1825) * DAY_MS))
        for day in range(self.plan.days):
            self.found.a_day.append(0)
            for turn in range(self.plan.syncs):
                self.now_ms = self.start_ms + day * DAY_MS + turn * DAY_MS // self.plan.syncs
                for number in range(
                    self.plan.new * turn // self.plan.syncs, self.plan.new * (turn + 1) // self.plan.syncs
                ):
                    self.add(f"{day}-{number}", self.now_ms)
                self.sync()
        self.count()
        self.schedule.close()
        return self.found

    def count(self) -> None:
        """What is told of the end."""
        for identity, born in self.born.items():
            if self.host[identity] < self.plan.dead:
                continue
            low = max(0.0, (self.start_ms - born) / DAY_MS)
            for limit, name in AGES:
                high = min(float(limit), (self.now_ms - born) / DAY_MS)
                self.found.days_alive[name] += max(0, round(high - low))
                low = max(low, min(float(limit), high))
            overdue = (self.now_ms - self.due[identity]) / DAY_MS
            self.found.longest_wait_days = max(self.found.longest_wait_days, overdue)
            self.found.due_at_end += overdue > 0
            fresh = self.now_ms - born < DAY_MS
            self.found.never += identity not in self.looked and not fresh and self.due[identity] <= self.now_ms
        month = self.now_ms - 30 * DAY_MS
        self.found.unfound = sum(
            at < month for identity, at in self.edits.items() if self.host[identity] >= self.plan.dead
        )


def simulate(plan: Plan) -> Found:
    """A year (or as long as `plan` says) of looks."""
    with tempfile.TemporaryDirectory(prefix="baoguan-recheck-") as folder:
        return Year(plan, Path(folder)).run()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        prog="./run bench recheck", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = Plan()
    for name in ("outlets", "new", "archive", "budget", "syncs", "days", "dead"):
        parser.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    plan = Plan(**vars(parser.parse_args()))
    found = simulate(plan)
    print(
        f"{plan.outlets} outlets ({plan.dead} dead), {plan.archive:,} articles, {plan.new} new a day, {plan.days} days,"
        f" {plan.syncs} syncs a day of {plan.budget} looks at most"
    )
    for _, name in AGES:
        looks, days = found.looks[name], found.days_alive[name]
        each = f"{looks / days:.4f} a day and article" if days else "-"
        print(f"  {name:12} {looks:9,} looks, {each}")
    last = found.a_day[-30:]
    print(f"load: {sum(last) / len(last):.0f} looks a day in the last 30, room for {plan.budget * plan.syncs}")
    delays = sorted(found.delays_h)
    parts = [(part, delays[min(len(delays) - 1, int(len(delays) * part))]) for part in (0.5, 0.9, 0.99)]
    soon = sum(one <= 24 for one in delays) / (len(delays) + found.unfound)
    print(f"edits: {len(delays):,} found; " + ", ".join(f"{part:.0%} within {hours:.1f} h" for part, hours in parts))
    print(f"       {soon:.1%} within a day; {found.unfound} of more than a month ago are not found")
    print(f"host: {found.host_most} looks at one host in one sync at most, so many seconds at a pace of 1 s")
    print(
        f"waiting: the longest overdue look came {found.longest_wait_days:.1f} days late; {found.due_at_end} due at the"
        f" end, {found.never} of them were never looked at"
    )


if __name__ == "__main__":
    main()
