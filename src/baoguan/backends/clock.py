"""Wall time and chance, real and for tests."""

import hashlib
import os
import random
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread; nothing when `seconds` is not positive."""
        if seconds > 0:
            time.sleep(seconds)


class SystemEntropy:
    """The machine's chance."""

    def token_bytes(self, size: int) -> bytes:
        """`size` bytes of the kernel's generator."""
        return os.urandom(size)

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high; not for secrets."""
        return random.uniform(low, high)


class FixedClock:
    """A clock that moves only when it is told to or slept on."""

    def __init__(self, start: datetime, *, step_s: float = 0.0) -> None:
        """Starts at `start` (aware); each reading afterwards is `step_s` later."""
        self._now = start.astimezone(UTC)
        self._step = timedelta(seconds=step_s)

    def now(self) -> datetime:
        """Aware UTC."""
        now = self._now
        self._now += self._step
        return now

    def sleep(self, seconds: float) -> None:
        """Moves the clock, at once."""
        self._now += timedelta(seconds=max(0.0, seconds))

    def set(self, now: datetime) -> None:
        """Moves the clock to `now`, backwards too."""
        self._now = now.astimezone(UTC)


class SeededEntropy:
    """The same chance for the same seed: sha256 over seed and counter. For tests and demos, never for keys."""

    def __init__(self, seed: str = "") -> None:
        """Any text is a seed."""
        self._seed = seed.encode()
        self._count = 0

    def token_bytes(self, size: int) -> bytes:
        """The next `size` bytes of the sequence."""
        out = b""
        while len(out) < size:
            out += hashlib.sha256(self._seed + b"\n" + str(self._count).encode()).digest()
            self._count += 1
        return out[:size]

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high of the sequence."""
        return low + (high - low) * int.from_bytes(self.token_bytes(7), "big") / 2**56
