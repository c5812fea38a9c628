"""ports.Executor on Ray (extra `cluster`): this machine's own workers, or a cluster that is named.

Every node needs the same baoguan installed. Tested with Ray 2.60.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from baoguan.errors import StoreError

R = TypeVar("R")
TRIES = 3
"""Times that work is done again whose worker died."""


class RayExecutor:
    """A context manager; one a process. Results come through Ray's object store."""

    def __init__(self, jobs: int, address: str = "") -> None:
        """`address`: of a running cluster (auto, ray://host:port); empty starts `jobs` workers here. StoreError."""
        where: dict[str, Any] = {"address": address} if address else {"num_cpus": jobs, "include_dashboard": False}
        try:
            ray.init(**where, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
        except (RayError, OSError, RuntimeError, ValueError) as error:
            raise StoreError(f"ray: {' '.join(str(error).split())[:200]}") from error
        self._run: Any = ray.remote(max_retries=TRIES)(_call)

    def submit(self, function: Callable[..., R], *given: object) -> Callable[[], R]:
        """See ports.Executor."""
        reference = self._run.remote(function, given)

        def result() -> R:
            try:
                found: R = ray.get(reference)
                return found
            except RayTaskError as error:
                raise error.cause if isinstance(error.cause, Exception) else error from None
            except RayError as error:
                raise StoreError(f"ray: {' '.join(str(error).split())[:200]}") from error

        return result

    def __enter__(self) -> "RayExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()


def _call(function: Callable[..., R], given: tuple[object, ...]) -> R:
    return function(*given)
