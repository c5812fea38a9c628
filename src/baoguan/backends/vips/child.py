"""A worker process that transforms pictures: frames through the socket that is its stdin and stdout, and nothing else.

A frame is two lengths (4 bytes each, big-endian), a JSON head and a body. The process holds no secret, opens no file
and no socket, and ends by itself over its limits of memory and processor time.
"""

import os
import re
import resource
import signal
import struct
import sys
from typing import BinaryIO

import msgspec

from baoguan.errors import PictureError
from baoguan.media.transform import Length, Transform

CPU_S = 10.0
"""Of one picture."""
MEMORY = 700_000_000
"""Bytes of data that the process may hold: 71 million pixels in four bands, and what libvips needs beside them."""
DRAWN_CPU_S, DRAWN_MEMORY = 0.25, 260_000_000
"""The same of what is no photo: an SVG of 2 kB can ask for hours, and no decoder of drawings stops by itself."""
_PHOTO = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF|II[*+]\0|MM\0[*+]|....ftyp|\x00\x00\x01\x00|\xff\x0a|\0\0\0\x0cJXL |#\?", re.S
)
HEAD = struct.Struct(">II")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a request; the body is the picture."""

    plan: Transform
    accept: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an answer; the body is the picture where `error` is empty."""

    error: str = ""
    status: int = 404
    """Of an answer that says `error`."""
    content_type: str = ""
    extension: str = ""


def read_frame(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """(head, body), None at the end."""
    sizes = stream.read(HEAD.size)
    if len(sizes) < HEAD.size:
        return None
    head, body = HEAD.unpack(sizes)
    return stream.read(head), stream.read(body)


def write_frame(stream: BinaryIO, head: bytes, body: bytes) -> None:
    """Writes and flushes."""
    stream.write(HEAD.pack(len(head), len(body)) + head)
    stream.write(body)
    stream.flush()


def main() -> None:
    """Answers until stdin ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    from baoguan.backends.vips.codec import render, sample, start

    start()
    render(sample(), Transform(w=Length(pixels=8), q=70))  # what is loaded late is loaded before somebody waits
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    while (frame := read_frame(source)) is not None:
        job = msgspec.json.decode(frame[0], type=Job)
        photo = _PHOTO.match(frame[1]) is not None
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY if photo else DRAWN_MEMORY, MEMORY))
        signal.setitimer(signal.ITIMER_PROF, CPU_S if photo else DRAWN_CPU_S)  # its signal ends the process
        try:
            made = render(frame[1], job.plan, accept=job.accept)
            done, body = Done(content_type=made.content_type, extension=made.extension), made.body
        except PictureError as error:
            done, body = Done(error=str(error), status=error.status), b""
        except MemoryError:
            done, body = Done(error="Image not readable. Is it a valid image?"), b""
        signal.setitimer(signal.ITIMER_PROF, 0)
        write_frame(sink, msgspec.json.encode(done), body)


if __name__ == "__main__":
    main()
