"""A static host that nobody trusts: its files by name, in ranges where they are large, taken up again where they broke.

Whatever arrives is only bytes here; mirroring.py judges them. What a host can do to harm (answers without end, drops
that never fill a glass, redirects into a private network, encodings that are bombs) ends here, named.
"""

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from baoguan.errors import ConfigError, FetchError, MirrorError
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.ports import Fetcher

CHUNK = 8 << 20
"""Bytes that one request for a large file asks for."""
TRIES = 3
"""Answers in a row that bring little or nothing, then the file is given up."""
_SOME = 64 << 10
"""Bytes that an answer which broke off must have brought so as not to count as a failed try."""
_HOSTILE = frozenset({"size", "encoding", "address", "redirects", "header"})
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_AHEAD = 64


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A file to get."""

    path: str
    cap: int
    """Most bytes that it may have."""
    large: bool = False
    """Asked for in ranges from the start, so that a break loses at most one."""


class _Job(msgspec.Struct, kw_only=True):
    """A file on its way; what has come of a broken one lies in `part`."""

    wanted: Wanted
    part: Path
    have: int = 0
    tries: int = 0


class Host:
    """One address. Not for several threads."""

    def __init__(self, fetcher: Fetcher, url: str, parts: Path) -> None:
        """`parts`: a folder of this host's own for broken files. Raises ConfigError for what is no address."""
        pieces = urlsplit(url)
        if pieces.scheme not in ("http", "https") or not pieces.hostname or pieces.query or pieces.fragment:
            raise ConfigError(f"{url!r} is no address of an archive: http(s)://host/path/ of its public/ folder")
        self.url = url.rstrip("/") + "/"
        self.requests = 0
        """Sent so far, redirects and repeats apart."""
        self.bytes = 0
        """Bodies received so far."""
        self._fetcher = fetcher
        self._parts = parts / hashlib.sha256(self.url.encode()).hexdigest()[:16]

    def get(self, path: str, cap: int) -> bytes | None:
        """One file, None when the host has none. Raises FetchError when it can't be had, MirrorError for harm."""
        job = self._job(Wanted(path=path, cap=cap))
        while True:
            done, data = self._take(job, self._fetcher.fetch(self._request(job)))
            if done:
                return data

    def get_many(self, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, bytes | None]]:
        """The files in the order in which they come, a few at a time; as `get`."""
        waiting = iter(wanted)
        jobs: dict[str, _Job] = {}
        ready: deque[_Job] = deque()
        self._submit_more(waiting, jobs)
        for result in self._fetcher.results():
            job = jobs[result.request.key]
            done, data = self._take(job, result)
            if done:
                del jobs[job.wanted.path]
                self._submit_more(waiting, jobs)
                yield job.wanted, data
            else:
                ready.append(job)
            while ready:
                self._fetcher.submit(self._request(ready.popleft()))

    def _submit_more(self, waiting: Iterator[Wanted], jobs: dict[str, _Job]) -> None:
        while len(jobs) < _AHEAD:
            wanted = next(waiting, None)
            if wanted is None:
                return
            jobs[wanted.path] = self._job(wanted)
            self._fetcher.submit(self._request(jobs[wanted.path]))

    def _job(self, wanted: Wanted) -> _Job:
        part = self._parts / hashlib.sha256(wanted.path.encode()).hexdigest()
        return _Job(wanted=wanted, part=part, have=part.stat().st_size if part.exists() else 0)

    def _request(self, job: _Job) -> FetchRequest:
        wanted = job.wanted
        ranged = wanted.large or job.have
        stop = min(job.have + CHUNK, wanted.cap + 1) if ranged else 0
        return FetchRequest(
            url=self.url + quote(wanted.path),
            kind="file",
            key=wanted.path,
            start=job.have,
            stop=stop,
            cap_bytes=wanted.cap,
        )

    def _take(self, job: _Job, result: FetchResult) -> tuple[bool, bytes | None]:
        """(whether the file is finished, its bytes)"""
        self.requests += 1
        response = result.response
        if response is None:
            self._failed(job, result)
            return False, None
        self.bytes += len(response.raw)
        if response.status in (404, 410):
            return True, None
        if response.status == 416 and job.have:
            # Another file than the one that broke off.
            job.part.unlink(missing_ok=True)
            job.have = 0
            self._tried(job, "answers no range")
            return False, None
        if response.status not in (200, 206):
            self._tried(job, f"status {response.status}")
            return False, None
        return self._add(job, response)

    def _failed(self, job: _Job, result: FetchResult) -> None:
        if result.deferred_ms:
            raise FetchError(
                f"{self.url}: the host asks to be left alone for a while; pull again later",
                url=self.url,
                kind="status",
            )
        if result.error_kind == "address" and result.error.startswith(self.url):
            hint = "" if "port" in result.error else "; a private host must be allowed by name: --allow NETWORK"
            raise ConfigError(f"{result.error}{hint}")
        if result.error_kind in _HOSTILE:
            raise MirrorError(f"hostile host: {result.error}", kind="hostile")
        job.tries += 1
        if job.tries >= TRIES:
            raise FetchError(result.error, url=self.url, kind=result.error_kind)

    def _tried(self, job: _Job, why: str) -> None:
        job.tries += 1
        if job.tries >= TRIES:
            raise FetchError(f"{self.url}{job.wanted.path}: {why}, {job.tries} times", url=self.url, kind="status")

    def _add(self, job: _Job, response: Response) -> tuple[bool, bytes | None]:
        total = self._place(job, response)
        data = response.body
        whole = not response.truncated and (total is None or job.have + len(data) >= total)
        if whole and not job.have:
            job.part.unlink(missing_ok=True)
            return True, data
        self._keep(job, data)
        if not whole:
            if response.truncated:
                self._broke(job, len(data))
            return False, None
        data = job.part.read_bytes()
        job.part.unlink()
        return True, data

    def _place(self, job: _Job, response: Response) -> int | None:
        """Size of the whole file where it is told; what came before is dropped when the answer begins at 0."""
        if response.status == 200:
            job.part.unlink(missing_ok=True)
            job.have = 0
            return None
        told = _RANGE.fullmatch(response.header("content-range"))
        if told is None or int(told[1]) != job.have or response.header("content-encoding"):
            raise self._harm(job, f"answers a range with {response.header('content-range')[:60]!r}")
        if told[3] == "*":
            raise self._harm(job, "tells no size")
        if int(told[3]) > job.wanted.cap:
            raise self._harm(job, f"has {int(told[3])} bytes, {job.wanted.cap} are the most")
        return int(told[3])

    def _keep(self, job: _Job, data: bytes) -> None:
        job.part.parent.mkdir(parents=True, exist_ok=True)
        with job.part.open("ab") as file:
            file.write(data)
        job.have += len(data)
        if job.have > job.wanted.cap:
            raise self._harm(job, f"is over {job.wanted.cap} bytes")

    def _broke(self, job: _Job, came: int) -> None:
        job.tries = 0 if came >= _SOME else job.tries + 1
        if job.tries >= TRIES:
            raise self._harm(job, f"comes too slowly or is cut off at {job.have} bytes, {TRIES} times in a row")

    def _harm(self, job: _Job, what: str) -> MirrorError:
        job.part.unlink(missing_ok=True)
        return MirrorError(f"hostile host: {self.url}{job.wanted.path} {what}", kind="hostile")
