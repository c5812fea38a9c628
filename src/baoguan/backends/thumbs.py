"""Small versions of pictures, by libvips (extra `images`) in a child process: no decoder near our own memory."""

import contextlib
import importlib.util
import os
import select
import struct
import subprocess
import sys
import time

from baoguan.backends.thumbs_child import SMALL

PICTURE_S = 10.0
_A_CHILD = 500
"""Pictures until a child is replaced, well below its limit of CPU."""
_MOST_BYTES = 50_000_000
_MOST_PIXELS = 4 * SMALL * 30_000
NOTHING = (0, 0, b"", b"")


def can_decode() -> bool:
    """Whether the extra `images` is installed."""
    return importlib.util.find_spec("pyvips") is not None


class Thumbs:
    """Decodes by one child, which is started when needed and replaced when it dies. Not for several threads at once."""

    def __init__(self, *, picture_s: float = PICTURE_S) -> None:
        self._picture_s = picture_s
        self._child: subprocess.Popen[bytes] | None = None
        self._done = 0

    def __call__(self, data: bytes) -> tuple[int, int, bytes, bytes]:
        """(width, height, grey, fewer pixels in RGB) of a picture, shrunk; NOTHING where that fails."""
        if len(data) > _MOST_BYTES:
            return NOTHING
        if self._done >= _A_CHILD:
            self.close()
        child = self._start()
        try:
            return self._ask(child, data)
        except (OSError, TimeoutError):
            self.close()
            return NOTHING

    def _start(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            environment = {**os.environ, "VIPS_CONCURRENCY": "1", "VIPS_BLOCK_UNTRUSTED": "1", "MALLOC_ARENA_MAX": "2"}
            environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
            self._child = subprocess.Popen(
                [sys.executable, "-m", "baoguan.backends.thumbs_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        return self._child

    def _ask(self, child: subprocess.Popen[bytes], data: bytes) -> tuple[int, int, bytes, bytes]:
        assert child.stdin is not None
        self._done += 1
        child.stdin.write(struct.pack(">I", len(data)) + data)
        child.stdin.flush()
        until = time.monotonic() + self._picture_s + (5.0 if self._done == 1 else 0.0)
        width, height, across, down = struct.unpack(">IIII", self._read(child, 16, until))
        if width * height > _MOST_PIXELS or across * down > _MOST_PIXELS:
            raise OSError("an answer that no child gives")
        grey = self._read(child, width * height, until)
        return width, height, grey, self._read(child, across * down * 3, until)

    def _read(self, child: subprocess.Popen[bytes], size: int, until: float) -> bytes:
        assert child.stdout is not None
        parts, descriptor = [], child.stdout.fileno()
        while size:
            if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(descriptor, min(size, 1 << 16))
            if not part:
                raise OSError("the child ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Ends the child."""
        child, self._child, self._done = self._child, None, 0
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        child.wait()
