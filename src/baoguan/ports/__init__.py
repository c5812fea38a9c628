"""Ports: the fewest methods that the archive needs of disk, network, clock and chance; docstrings are contracts."""

from baoguan.ports.accounts import Accounts
from baoguan.ports.crawl import Schedule
from baoguan.ports.ground import Clock, Entropy, Executor
from baoguan.ports.indexes import Catalog, Forgets, SearchIndex
from baoguan.ports.network import Fetcher, SharedPace
from baoguan.ports.storage import Head, ObjectStore

__all__ = [
    "Accounts",
    "Catalog",
    "Clock",
    "Entropy",
    "Executor",
    "Fetcher",
    "Forgets",
    "Head",
    "ObjectStore",
    "Schedule",
    "SearchIndex",
    "SharedPace",
]
