"""The reader on a real socket: HEAD, keep-alive, a busy port, and a quiet end."""

import http.client
import signal
import subprocess
import sys
import textwrap

import pytest

from baoguan.errors import ConfigError
from baoguan.web.serve import address, listen

PROGRAM = """
    import sys
    from baoguan.web.app import WebOptions, create_app
    from baoguan.web.serve import serve
    from tests.web.sample_reader import newsroom
    serve(create_app(newsroom(1), WebOptions()), "127.0.0.1", 0, on_ready=lambda at: print(at, flush=True))
    print("ended", flush=True)
"""


def test_serves_until_interrupted() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        host = process.stdout.readline().strip().removeprefix("http://").rstrip("/")
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("HEAD", "/day/2026-03-14")
        head = connection.getresponse()
        assert (head.status, head.read()) == (200, b"")
        connection.request("GET", "/day/2026-03-14")
        got = connection.getresponse()
        assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.read()))
        assert "server" not in got.headers
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
        assert (process.returncode, out, err) == (0, "ended\n", "")
    finally:
        process.kill()
        process.wait()


def test_a_busy_port_is_one_line() -> None:
    taken = listen("127.0.0.1", 0)
    try:
        port = taken.getsockname()[1]
        assert address(taken) == f"http://127.0.0.1:{port}/"
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}: .*--port"):
            listen("127.0.0.1", port)
    finally:
        taken.close()
