"""A PostgreSQL of the test's own: Debian's binaries, a data folder in tmp, one port of loopback."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
_SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=60", "shared_buffers=128MB")


class Postgres:
    """One server; `kill` is kill -9 of it and of all its processes."""

    def __init__(self) -> None:
        if BINARIES is None or not (BINARIES / "initdb").exists():
            pytest.skip("postgresql: Debian's package is missing")
        # Not in pytest's folder: that is for its owner alone, and postgres refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="baoguan-postgres-"))
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self._user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "--auth=trust", "--username=baoguan", "--no-sync", "-D", str(self.folder / "data"))

    @property
    def address(self) -> str:
        """For `database`."""
        return f"postgres://baoguan@127.0.0.1:{self.port}/postgres"

    def _as_user(self) -> dict[str, int]:
        return {} if self._user is None else {"user": self._user.pw_uid, "group": self._user.pw_gid}

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(BINARIES / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **self._as_user())
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, *settings: str) -> "Postgres":
        """Starts, and waits until it answers."""
        options = [part for one in (*settings, *_SETTINGS) for part in ("-c", one)]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(BINARIES / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self._as_user(),
            )
        for _ in range(300):
            with contextlib.suppress(psycopg.Error):
                psycopg.connect(self.address, connect_timeout=2).close()
                return self
            assert self._process.poll() is None, (self.folder / "postgres.log").read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError("postgres does not answer")

    def empty(self) -> None:
        """Forgets every archive."""
        with psycopg.connect(self.address, autocommit=True) as db:
            for (name,) in db.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'baoguan%'").fetchall():
                db.execute(f"DROP SCHEMA {name} CASCADE".encode())

    def kill(self) -> None:
        """As a power cut."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Ends it at once, and removes its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
