"""Work in other processes of this machine, in order, a few pieces ahead; a process that dies is replaced."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from baoguan.errors import StoreError
from baoguan.ports import Executor

T = TypeVar("T")
R = TypeVar("R")
TOGETHER = 8
"""Pieces of work that travel together: a page takes milliseconds, the way there and back one."""
TOGETHER_BYTES = 2_000_000
"""And no more than that many bytes of them, so that large pages neither fill memory nor wait for each other."""
TRIES = 4
"""Times that one piece of work may lose its process."""


class LocalExecutor:
    """ports.Executor over processes. For one thread; a context manager."""

    def __init__(self, jobs: int) -> None:
        """`jobs`: processes."""
        self._jobs = jobs
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._jobs, mp_context=get_context("spawn"))

    def submit(self, function: Callable[..., R], *given: object) -> Callable[[], R]:
        """See ports.Executor."""
        first, pool = self._start(function, given)

        def result() -> R:
            future, made_by = first, pool
            for _ in range(TRIES):
                try:
                    return future.result()
                except BrokenProcessPool:
                    if self._pool is made_by:
                        made_by.shutdown(wait=False)
                        self._pool = self._new()
                    future, made_by = self._start(function, given)
            raise StoreError(f"{function.__name__}: its process died {TRIES} times")

        return result

    def _start(self, function: Callable[..., R], given: tuple[object, ...]) -> "tuple[Future[R], ProcessPoolExecutor]":
        try:
            return self._pool.submit(function, *given), self._pool
        except BrokenProcessPool:
            self._pool = self._new()
            return self._pool.submit(function, *given), self._pool

    def __enter__(self) -> "LocalExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def read_ahead(
    executor: Executor | None,
    tasks: Iterable[T],
    work: Callable[[T], tuple[Callable[..., R], tuple[object, ...]] | None],
    *,
    ahead: int,
    together: int = TOGETHER,
) -> Iterator[tuple[T, Callable[[], R] | None]]:
    """Each task in order with what gives its result; `ahead` of them are under way, `together` of them in one piece.

    `work` tells the function and its arguments, None for a task without any. A result is asked for once, in order,
    before the next task is. Without an executor the work is done here, when its result is asked for.
    """
    if executor is None:
        for task in tasks:
            yield task, _here(work(task))
        return
    waiting: deque[tuple[list[T], list[Any], Callable[[], list[Any]]]] = deque()
    for group, asked in _groups(tasks, work, together):
        waiting.append((group, asked, executor.submit(several, [one for one in asked if one is not None])))
        if len(waiting) > max(1, ahead // together):
            yield from _given(*waiting.popleft())
    for left in waiting:
        yield from _given(*left)


def _groups(
    tasks: Iterable[T], work: Callable[[T], tuple[Callable[..., R], tuple[object, ...]] | None], together: int
) -> Iterator[tuple[list[T], list[Any]]]:
    """What travels together: (tasks, what is asked of each)."""
    group: list[T] = []
    asked: list[Any] = []
    size = 0
    for task in tasks:
        one = work(task)
        group.append(task)
        asked.append(one)
        size += sum(len(part) for part in one[1] if isinstance(part, bytes)) if one is not None else 0
        if len(group) == together or size >= TOGETHER_BYTES:
            yield group, asked
            group, asked, size = [], [], 0
    if group:
        yield group, asked


def several(works: list[tuple[Callable[..., Any], tuple[object, ...]]]) -> list[tuple[Any, Exception | None]]:
    """(result, None) or (None, what was raised) of each: one trip for some pieces of work."""
    found: list[tuple[Any, Exception | None]] = []
    for function, given in works:
        try:
            found.append((function(*given), None))
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            found.append((None, error))
    return found


def _given(
    group: list[T], asked: list[Any], results: Callable[[], list[tuple[Any, Exception | None]]]
) -> Iterator[tuple[T, Callable[[], Any] | None]]:
    held: list[Iterator[tuple[Any, Exception | None]]] = []

    def result() -> Any:
        if not held:
            held.append(iter(results()))
        value, error = next(held[0])
        if error is not None:
            raise error
        return value

    for task, one in zip(group, asked, strict=True):
        yield task, None if one is None else result


def _here(asked: tuple[Callable[..., R], tuple[object, ...]] | None) -> Callable[[], R] | None:
    if asked is None:
        return None
    function, given = asked
    return lambda: function(*given)
