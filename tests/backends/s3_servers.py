"""S3 servers of the tests' own: moto's everywhere, and Ceph's gateway (radosgw) where Debian's packages are there.

One box runs a monitor, a storage daemon that keeps its objects in memory, and the gateway: some ten seconds, started
once a run and only when a test wants it. It is a real server (its own signatures, ETags, conditions, listing and
multipart), but on one daemon without a disk: neither durability nor throttling is shown.
"""

import atexit
import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

KINDS = ("moto", "radosgw")
_PROGRAMS = ("monmaptool", "ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin")
_CONF = """[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon}
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
paxos propose interval = 0.02
paxos min wait = 0.01
mon allow pool size one = true
mon data avail crit = 1
mon max pg per osd = 1000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 536870912
osd class load list = *
osd class default list = *
run dir = {folder}
log file = {folder}/$name.log
admin socket = {folder}/$name.asok
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
keyring = {folder}/keyring
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw thread pool size = 16
"""


class RadosGateway:
    """Ceph on one box."""

    def __init__(self) -> None:
        missing = [name for name in _PROGRAMS if shutil.which(name) is None]
        if missing:
            pytest.skip(f"{', '.join(missing)}: Debian's radosgw, ceph-mon and ceph-osd are missing")
        self.folder = Path(
            tempfile.mkdtemp(prefix="baoguan-ceph-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        )
        self._conf = self.folder / "ceph.conf"
        self._crew: list[subprocess.Popen[bytes]] = []
        atexit.register(self.stop)
        mon, port = _free_port(), _free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        fsid, osd = uuid.uuid4(), uuid.uuid4()
        for name in ("mon", "osd", "rgw"):
            (self.folder / name).mkdir()
        self._conf.write_text(_CONF.format(fsid=fsid, mon=mon, port=port, folder=self.folder))
        try:
            self._begin(mon, fsid, osd)
        except BaseException:
            self.stop()
            raise

    def _begin(self, mon: int, fsid: uuid.UUID, osd: uuid.UUID) -> None:
        monmap = str(self.folder / "monmap")
        self._run("monmaptool", "--create", "--addv", "a", f"v1:127.0.0.1:{mon}", "--fsid", str(fsid), monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._start("ceph-mon", "-i", "a")
        self._run("ceph", "osd", "new", str(osd))
        (self.folder / "osd" / "fsid").write_text(f"{osd}\n")  # else memory gets one by chance
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", str(osd))
        self._raise_storage()
        user = ("--uid", "test", "--display-name", "test", "--access-key", "key", "--secret", "secret")
        self._run("radosgw-admin", "user", "create", *user)
        self._start("radosgw", "-n", "client.rgw")
        self._wait()

    def _run(self, name: str, *arguments: str) -> None:
        command = [name, "-c", str(self._conf), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    def _raise_storage(self) -> None:
        """Starts the storage daemon until it is up: Ceph 16's dies now and then while it first meets its monitor."""
        for _ in range(300):
            if not self._crew[1:] or self._crew[-1].poll() is not None:
                del self._crew[1:]
                self._start("ceph-osd", "-i", "0")
            said = subprocess.run(["ceph", "-c", self._conf, "osd", "stat"], capture_output=True, text=True, timeout=60)
            if "1 up" in said.stdout:
                return
            time.sleep(0.1)
        raise AssertionError("ceph-osd does not come up")

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            # in the foreground, so that it is our child
            self._crew.append(subprocess.Popen([name, "-f", "-c", str(self._conf), *arguments], stdout=out, stderr=out))

    def _wait(self) -> None:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.endpoint, timeout=5).close()
                return
            assert all(one.poll() is None for one in self._crew)
            time.sleep(0.1)
        raise AssertionError("radosgw does not answer")

    def stop(self) -> None:
        """Ends it, and removes its folder."""
        while self._crew:
            one = self._crew.pop()
            one.send_signal(signal.SIGKILL)
            one.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@functools.cache
def _gateway() -> RadosGateway:
    return RadosGateway()


@contextlib.contextmanager
def serve_s3(kind: str) -> Iterator[str]:
    """The address of a server of that kind; moto's is new each time, Ceph's runs until the tests end."""
    if kind == "radosgw":
        yield _gateway().endpoint
        return
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(endpoint: str) -> Any:
    """What an operator would make buckets and policies with."""
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=endpoint, **keys)


def make_bucket(endpoint: str, name: str) -> None:
    """An empty one."""
    client(endpoint).create_bucket(Bucket=name)
