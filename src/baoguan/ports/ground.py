"""What the program stands on: time, chance, and processes elsewhere."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

R = TypeVar("R")


class Clock(Protocol):
    """Wall time."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread."""
        ...


class Entropy(Protocol):
    """Chance: salts, record ids, jitter, keys. Seeded in tests."""

    def token_bytes(self, size: int) -> bytes:
        """`size` random bytes, fit for salts and keys."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high, for jitter."""
        ...


class Executor(Protocol):
    """Runs pure functions elsewhere: in processes of this machine, or on a cluster."""

    def submit(self, function: Callable[..., R], *given: object) -> Callable[[], R]:
        """Starts it; what it gives waits for the result. A dead worker's work is done again, at last StoreError."""
        ...
