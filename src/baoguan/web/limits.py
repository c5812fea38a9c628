"""How much one address may ask: a bucket of tokens for each, in bounded memory."""

from collections import OrderedDict
from threading import Lock

ADDRESSES = 4096
"""Addresses remembered; the one heard of longest ago is forgotten first."""


class RateLimit:
    """`rate` asks a second for each client address, `burst` at once. The lock guards the table."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._lock = Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str, now_s: float) -> float:
        """0 where one more ask is fine (it is counted), else how many seconds to wait for the next."""
        with self._lock:
            left, at = self._left.pop(address, (float(self._burst), now_s))
            left = min(self._burst, left + max(0.0, now_s - at) * self._rate)
            wait = 0.0 if left >= 1 else (1 - left) / self._rate
            self._left[address] = (left if wait else left - 1, now_s)
            if len(self._left) > ADDRESSES:
                self._left.popitem(last=False)
        return wait


def network_of(host: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    return ":".join(host.split(":")[:4]) if ":" in host else host
