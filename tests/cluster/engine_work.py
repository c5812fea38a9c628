"""Work for the tests of engines, by a name that other processes can import."""

import os
import signal
from pathlib import Path


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def refuse(number: int) -> int:
    """Raises."""
    raise ValueError(f"no {number}")


def die_once(marker: str, number: int) -> int:
    """The first process that comes here is killed."""
    path = Path(marker)
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def die(number: int) -> int:
    """Always."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number
