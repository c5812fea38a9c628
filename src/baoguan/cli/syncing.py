"""The child process that syncs while the reader serves: extraction would hold the interpreter that pages wait for.

Measured by `./run bench reader`. It reads of a pipe when to stop, so that it ends with the reader however that ends,
and yields the processor to it. Whatever kills it costs what was not committed; it is begun again.
"""

import os
import signal
import threading
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from baoguan.cli.logs import Log

NICE = 10
"""How much the child stands back."""
_ENDS_S, _AGAIN_S = 30, 60


class SyncProcess:
    """Context manager: syncs from `begin` until it is closed."""

    def __init__(self, folder: Path, options: dict[str, Any], log: Log, kind: str) -> None:
        """`kind`: of the child's own log, which can't travel."""
        self._given, self._log = (folder, options, kind), log
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._pipe: Connection | None = None
        self._watcher = threading.Thread(target=self._watch, name="sync", daemon=True)

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """Once, when the reader is up: its address stands before what was synced."""
        self._watcher.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._stopping.set()
            if self._pipe is not None:
                self._pipe.close()
        if self._watcher.ident is not None:
            self._watcher.join(_ENDS_S + 5)

    def _watch(self) -> None:
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                theirs, self._pipe = get_context("spawn").Pipe(duplex=False)
                child = get_context("spawn").Process(target=keep_syncing, args=(*self._given, theirs))
                child.start()
                theirs.close()
            while child.is_alive() and not self._stopping.is_set():
                child.join(1)
            child.join(_ENDS_S)
            if child.is_alive():
                child.kill()
            if self._stopping.is_set():
                return
            self._log.warn(f"sync: its process ended ({child.exitcode}); begun again in {_AGAIN_S} s")
            self._stopping.wait(_AGAIN_S)


def keep_syncing(folder: Path, options: dict[str, Any], kind: str, stop: Connection) -> None:
    """In the child: syncs what is due, sleeps until the next is; a failure is a line, never the end."""
    from baoguan.app import open_desk
    from baoguan.ingest import sync as run

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # a terminal and systemd send them to all: the pipe says when to end
    os.nice(NICE)
    log = Log(kind, "serve")
    while not stop.poll():
        try:
            with open_desk(folder, options) as desk:
                report = run(desk, which="due", stop=stop.poll)
                _look_at_photos(desk, stop)
                if report.counts["new"] or report.counts["changed"]:
                    text = f"sync: {report.counts['new']} new, {report.counts['changed']} edited"
                    log.say(text, feeds=len(report.feeds), failed=len(report.failed), articles=report.counts)
                due = desk.schedule.next_due_ms()
                wait_s = 60.0 if due is None else min(max((due - desk.now_ms()) / 1000, 5.0), 300.0)
        except Exception as error:  # noqa: BLE001 - the shell's last line: a failed sync never ends the reader
            log.warn(f"sync: {' '.join(str(error).split()) or type(error).__name__}; tried again")
            wait_s = 60.0
        stop.poll(wait_s)


def _look_at_photos(desk: Any, stop: Connection) -> None:
    """What came is looked at here, so that no reader waits for it: colours, and which photos are the same."""
    from baoguan.photographing import index_photos, look_at_photos, open_photos

    photos = open_photos(desk)
    try:
        index_photos(desk, photos, stop=stop.poll)
        look_at_photos(desk, photos, stop=stop.poll)
    finally:
        photos.close()
