"""Transforms in worker processes: one picture each, with a deadline, and a new process where one has died."""

import importlib.util
import os
import queue
import socket
import subprocess
import sys
import threading
import time

import msgspec

from baoguan.backends.vips.child import HEAD, MEMORY, Done, Job
from baoguan.errors import PictureError
from baoguan.media.transform import Transform

WALL_S = 15.0
"""A process that has not answered by then is ended."""
_BUFFER = 400_000
"""Bytes that a socket takes at once: most pictures pass without the two processes waiting for each other."""
_MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    # Pixels of one picture after the other lie in the same pages: asking the kernel for fresh ones each time took a
    # third of the processor time of a small JPEG.
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}
JOBS = 400
"""Pictures after which a process is replaced: whatever its libraries leak goes with it."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A transformed picture."""

    body: bytes
    content_type: str
    extension: str


def is_installed() -> bool:
    """Whether the extra `images` is there."""
    return importlib.util.find_spec("pyvips") is not None


class RenderPool:
    """At most `jobs` processes, each begun when it is first needed. Called from several threads; close it.

    One that has died or done its share is replaced beside the requests: starting one takes half a second.
    """

    def __init__(self, jobs: int, *, wall_s: float = WALL_S) -> None:
        self._wall_s = wall_s
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        self._closed = threading.Event()
        for _ in range(jobs):
            self._idle.put(None)

    def warm(self) -> None:
        """Begins a process beside the caller, so that the first picture need not wait for it."""
        try:
            child = self._idle.get_nowait()
        except queue.Empty:
            return
        if child is None:
            self._replace()
        else:
            self._idle.put(child)

    def _replace(self) -> None:
        threading.Thread(target=self._begin, name="picture worker", daemon=True).start()

    def _begin(self) -> None:
        try:
            child: _Child | None = _Child()
        except OSError:  # no memory, no processes: who asks next tries again, and says so
            child = None
        self._idle.put(child)
        if self._closed.is_set():
            self.close()

    def render(self, data: bytes, plan: Transform, accept: str = "") -> Picture:
        """Transforms. Raises PictureError with weserv's words, also where the process died over its limits."""
        child = self._idle.get()
        try:
            if child is None:
                child = _Child()
            done, body = child.ask(msgspec.json.encode(Job(plan=plan, accept=accept)), data, self._wall_s)
        except (OSError, EOFError) as error:
            if child is not None:
                child.close()
                child = None
                self._replace()
            else:
                self._idle.put(None)
            raise PictureError("Image not readable. Is it a valid image?") from error
        if child.spent:
            child.close()
            self._replace()
        else:
            self._idle.put(child)
        if done.error:
            raise PictureError(done.error, status=done.status)
        return Picture(body=body, content_type=done.content_type, extension=done.extension)

    def close(self) -> None:
        """Ends the processes that are idle; those at work end with their pipes."""
        self._closed.set()
        while True:
            try:
                child = self._idle.get_nowait()
            except queue.Empty:
                return
            if child is not None:
                child.close()


class _Child:
    """One process, used by one thread at a time, over a socket: a deadline needs no thread of its own there."""

    def __init__(self) -> None:
        keep = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
        self._socket, theirs = socket.socketpair()
        for one in (self._socket, theirs):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "baoguan.backends.vips.child"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={**keep, **_MALLOC, "VIPS_BLOCK_UNTRUSTED": "1"},
            )
        self._jobs = 0

    @property
    def spent(self) -> bool:
        """Whether it has done its share."""
        return self._jobs >= JOBS

    def ask(self, head: bytes, body: bytes, wall_s: float) -> tuple[Done, bytes]:
        """Raises OSError (TimeoutError) or EOFError where the process is gone or late: it must be closed then."""
        self._jobs += 1
        until = time.monotonic() + wall_s
        self._socket.settimeout(wall_s)
        self._socket.sendall(HEAD.pack(len(head), len(body)) + head)
        self._socket.sendall(body)
        head_size, size = HEAD.unpack(self._receive(HEAD.size, until))
        if head_size > _BUFFER or size > MEMORY:
            raise EOFError("the worker answers with what is no frame")
        try:
            done = msgspec.json.decode(self._receive(head_size, until), type=Done)
        except msgspec.DecodeError as error:
            raise EOFError("the worker answers with what is no frame") from error
        return done, bytes(self._receive(size, until))

    def _receive(self, size: int, until: float) -> bytearray:
        data = bytearray(size)
        at, view = 0, memoryview(data)
        while at < size:
            self._socket.settimeout(max(0.001, until - time.monotonic()))
            got = self._socket.recv_into(view[at:])
            if not got:
                raise EOFError("the worker has ended")
            at += got
        return data

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._socket.close()
        self._process.wait()
