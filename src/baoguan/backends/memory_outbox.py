"""The outbox in memory: for one process that is worker and sequencer, as tests are."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from baoguan.errors import Conflict, NotFound
from baoguan.model.outbox import OutboxHealth, OutboxRow, TakenRow
from baoguan.ports import Schedule


class MemoryOutbox:
    """desk.Outbox in a dict. Its rows and the head can't be one transaction: a crash loses all, not a part."""

    def __init__(self, schedule: Schedule) -> None:
        """`schedule`: whose items are finished."""
        self._schedule = schedule
        self._rows: dict[int, OutboxRow] = {}
        self._numbers = itertools.count(1)
        self.failed: dict[int, str] = {}

    def put(self, rows: Sequence[OutboxRow]) -> int:
        """As desk.Outbox."""
        held = {row.key for row in self._rows.values() if row.key}
        fresh = [row for row in rows if not row.key or row.key not in held]
        self._rows.update((next(self._numbers), row) for row in fresh)
        return len(fresh)

    def waiting(self) -> int:
        """As desk.Outbox."""
        return len(self._rows) - len(self.failed)

    def health(self) -> OutboxHealth:
        """As desk.Outbox; without a clock its rows are of no age."""
        open_rows = [row for n, row in self._rows.items() if n not in self.failed]
        size = sum(len(row.body) + sum(map(len, row.parts.values())) for row in open_rows)
        return OutboxHealth(waiting=self.waiting(), set_aside=len(self.failed), size_bytes=size, age_s=0)

    def elect(self) -> bool:
        """Always: there is nobody else."""
        return True

    def take(self, *, limit: int, size_bytes: int) -> list[TakenRow]:
        """As desk.Outbox."""
        found: list[TakenRow] = []
        for n, row in self._rows.items():
            if n in self.failed:
                continue
            if len(found) == limit or size_bytes <= 0:
                break
            found.append(TakenRow(n=n, body=row.body))
            size_bytes -= len(row.body) + sum(map(len, row.parts.values()))
        return found

    def part(self, n: int, sha256: str) -> bytes:
        """As desk.Outbox."""
        try:
            return self._rows[n].parts[sha256]
        except KeyError:
            raise NotFound(f"outbox {n}: no picture {sha256}") from None

    @contextmanager
    def committing(self, taken: Sequence[int], settle: Callable[[Schedule], None]) -> Iterator[None]:
        """As desk.Outbox."""
        if any(n not in self._rows for n in taken):
            raise Conflict("rows of the outbox were settled already")
        yield
        for n in taken:
            del self._rows[n]
        settle(self._schedule)

    def set_aside(self, n: int, problem: str) -> None:
        """As desk.Outbox."""
        if n in self._rows:
            self.failed[n] = problem
