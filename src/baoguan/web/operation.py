"""What an operator's machines ask: is it alive, is it ready, how does it do. Prometheus text format 0.0.4."""

import ipaddress
import shutil
import threading
import time
from collections.abc import Iterable, Iterator

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from baoguan import __version__
from baoguan.desk import Desk
from baoguan.errors import BaoguanError, ConfigError
from baoguan.model.codec import decode_leaf

METRICS = ("local", "all", "off")
_KEPT_S = 5.0
_PATIENCE = 2
"""So many of the longest intervals between polls without any, then syncing has stopped."""
Sample = tuple[dict[str, str], float]


class Operation:
    """/healthz, /readyz and /metrics of one archive. Used from several threads; the lock guards the last answer."""

    def __init__(self, desk: Desk) -> None:
        """Raises ConfigError for a setting that isn't known."""
        if desk.settings.metrics not in METRICS:
            raise ConfigError(f"metrics = {desk.settings.metrics!r}: {', '.join(METRICS)} are known")
        self._desk = desk
        self._lock = threading.Lock()
        self._made: tuple[float, str] = (-_KEPT_S, "")

    def routes(self) -> list[BaseRoute]:
        """All three."""
        return [Route("/healthz", self._alive), Route("/readyz", self._ready), Route("/metrics", self._metrics)]

    async def _alive(self, _: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    async def _ready(self, _: Request) -> Response:
        problem = await run_in_threadpool(self.problem)
        said = {"ready": not problem, "problem": problem}
        return Response(
            msgspec.json.encode(said), 503 if problem else 200, {"cache-control": "no-store"}, "application/json"
        )

    async def _metrics(self, request: Request) -> Response:
        if not self._may(request):
            return PlainTextResponse("not here\n", 404)
        text = await run_in_threadpool(self.metrics)
        return Response(text, 200, {"cache-control": "no-store"}, "text/plain; version=0.0.4; charset=utf-8")

    def _may(self, request: Request) -> bool:
        """Numbers are the operator's: local means who asks directly, from this machine."""
        if self._desk.settings.metrics != "local":
            return self._desk.settings.metrics == "all"
        if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
            return False
        try:
            return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
        except ValueError:
            return False

    def problem(self) -> str:
        """Why this archive can't serve now; empty when it can."""
        now_ms = self._desk.now_ms()
        try:
            self._desk.archive.checkpoint()
            polled_ms = self._desk.schedule.health(now_ms).polled_ms if self._desk.feeds else 0
        except BaoguanError as error:
            return " ".join(str(error).split())[:200]
        hours = (now_ms - polled_ms) / 3_600_000
        if polled_ms and hours * 3600 > _PATIENCE * self._desk.settings.max_interval_s:
            return f"no feed was polled for {hours:.0f} hours"
        free = shutil.disk_usage(self._desk.folder).free // 1_000_000
        return f"{free} MB free on the disk" if free < self._desk.settings.min_free_mb else ""

    def metrics(self) -> str:
        """The text, at most five seconds old."""
        with self._lock:
            at, text = self._made
            if time.monotonic() - at >= _KEPT_S:
                text = "".join(self._families())
                self._made = (time.monotonic(), text)
        return text

    def _families(self) -> Iterator[str]:
        desk, now_ms = self._desk, self._desk.now_ms()
        health = desk.schedule.health(now_ms)
        articles, revisions, pictures = desk.catalog.counts()
        size = desk.archive.size
        told = decode_leaf(desk.archive.leaf(size - 1)).t / 1000 if size else 0
        disk = shutil.disk_usage(desk.folder)
        oldest = max(0, now_ms - health.oldest_ms) / 1000 if health.oldest_ms else 0
        yield gauge("info", "The program.", [({"version": __version__, "origin": desk.archive.origin}, 1)])
        yield gauge("log_size", "Leaves of the log.", [({}, size)])
        yield gauge("log_time_seconds", "Clock of the newest leaf (epoch).", [({}, told)])
        yield gauge("articles", "Articles that are kept.", [({}, articles)])
        yield gauge("revisions", "Their revisions.", [({}, revisions)])
        yield gauge("pictures", "Pictures that are kept.", [({}, pictures)])
        yield gauge("feeds", "Feeds by health.", [({"kind": k}, n) for k, n in sorted(health.kinds.items())])
        yield gauge("feeds_due", "Feeds whose time has come.", [({}, health.due)])
        yield gauge("feed_lag_seconds", "How long the longest overdue feed is overdue.", [({}, health.lag_ms / 1000)])
        yield gauge("last_poll_time_seconds", "When a feed was last polled (epoch).", [({}, health.polled_ms / 1000)])
        yield gauge("pending_items", "Items that wait for their page.", [({}, health.pending)])
        yield gauge("pending_oldest_seconds", "Age of the oldest of them.", [({}, oldest)])
        yield gauge("disk_free_bytes", "Free where the archive lies.", [({}, disk.free)])
        yield from self._outbox()
        counts = health.counts
        yield counter("polls", "Polls of feeds.", [({}, counts.get("polls", 0))])
        yield counter("poll_failures", "Polls that gave no feed, by kind.", _named(counts, "poll_", "kind"))
        yield counter("articles_taken", "What became of items, by outcome.", _named(counts, "article_", "outcome"))

    def _outbox(self) -> Iterator[str]:
        if self._desk.outbox is None:
            return
        queue = self._desk.outbox.health()
        rows: list[Sample] = [({"state": "waiting"}, queue.waiting), ({"state": "set-aside"}, queue.set_aside)]
        yield gauge("outbox_rows", "What workers finished and no checkpoint covers yet, by state.", rows)
        yield gauge("outbox_bytes", "Bytes of those that wait.", [({}, queue.size_bytes)])
        yield gauge("outbox_oldest_seconds", "Age of the oldest that waits.", [({}, queue.age_s)])


def _named(counts: dict[str, int], start: str, label: str) -> list[Sample]:
    return [({label: name.removeprefix(start)}, n) for name, n in sorted(counts.items()) if name.startswith(start)]


def gauge(name: str, about: str, samples: Iterable[Sample]) -> str:
    """A family of values that go up and down."""
    return _family(f"baoguan_{name}", "gauge", about, samples)


def counter(name: str, about: str, samples: Iterable[Sample]) -> str:
    """A family of values that only grow."""
    return _family(f"baoguan_{name}_total", "counter", about, samples)


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{inner}}} {value}" if inner else f"{name} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
