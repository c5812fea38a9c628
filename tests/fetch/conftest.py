"""A newsroom and fetchers that may reach it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from baoguan.fetch.client import HttpFetcher
from baoguan.fetch.options import FetchOptions
from newsroom import Newsroom

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
def room() -> Iterator[Newsroom]:
    with Newsroom("dw", "rfi") as opened:
        yield opened


@pytest.fixture
def open_fetcher() -> Iterator[Callable[..., HttpFetcher]]:
    opened: list[HttpFetcher] = []

    def open_one(*, hosts: dict[str, int] | None = None, **options: Any) -> HttpFetcher:
        settings = {"pace_s": 0.0, "allow_networks": LOOPBACK} | options
        opened.append(HttpFetcher(FetchOptions(**settings), hosts=hosts))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
