"""A real S3-compatible server on loopback: SeaweedFS, from its wheel, one per test run.

Started in a fresh folder on free ports and stopped by SIGKILL (a graceful stop takes a quarter of a minute, and nobody
will read the folder again). Three kinds of credentials: ``ADMIN`` may do everything, ``WRITER`` may read, write and
list, ``READER`` may read and list.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import json
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_READY_WITHIN = 60.0
_SHARED_BUCKET = "shared"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair of the server, and what it may do there."""

    key: str
    secret: str
    actions: tuple[str, ...]


ADMIN = Credentials("covenant-admin", "admin-secret-of-this-test-run", ("Admin", "Read", "Write", "List"))
WRITER = Credentials("covenant-writer", "writer-secret-of-this-test-run", ("Read", "Write", "List"))
READER = Credentials("covenant-reader", "reader-secret-of-this-test-run", ("Read", "List"))


@dataclass(slots=True)
class SeaweedServer:
    """A running server. The first of its ``ports`` is its S3 door."""

    folder: Path
    ports: list[int]
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def options(self, who: Credentials = ADMIN) -> dict[str, str]:
        """The options with which our stores reach this server."""
        return {
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key_id": who.key,
            "secret_access_key": who.secret,
        }

    def client(self, who: Credentials = ADMIN) -> Any:
        """A boto3 client, for what tests must see or arrange behind a store's back."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=who.key,
            aws_secret_access_key=who.secret,
        )

    def new_bucket(self, object_lock: bool = False) -> str:
        """The name of a bucket of its own, which keeps versions and honours locks if asked to."""
        name = f"bucket-{next(_numbers)}"
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=object_lock)
        return name

    def new_url(self) -> str:
        """The address of an empty place of its own, in a bucket that all such places share."""
        return f"s3://{_SHARED_BUCKET}/place-{next(_numbers)}/vault"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        for port in self.ports:  # killed, it leaves the sockets that it made whether asked to or not
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


def start() -> SeaweedServer:
    """A new server, ready to answer."""
    for _ in range(2):
        try:
            return _start()
        except ServerDied:
            continue  # most likely someone took one of the free ports meanwhile
    return _start()


class ServerDied(Exception):
    """The server ended before it answered."""


def _start() -> SeaweedServer:
    folder = Path(tempfile.mkdtemp(prefix="seaweedfs-"))
    ports = _free_ports(8)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(folder, ports), stdout=log, stderr=subprocess.STDOUT)
    server = SeaweedServer(folder, ports, process)
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _command(folder: Path, ports: list[int]) -> list[str]:
    s3, s3_rpc, filer, filer_rpc, master, master_rpc, volume, volume_rpc = ports
    config = folder / "s3.json"
    people = [
        {"name": who.key, "credentials": [{"accessKey": who.key, "secretKey": who.secret}], "actions": who.actions}
        for who in (ADMIN, WRITER, READER)
    ]
    config.write_text(json.dumps({"identities": people}))
    (folder / "data").mkdir()
    return [
        str(Path(sysconfig.get_path("scripts")) / "weed"),
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={config}",
        f"-s3.port={s3}",
        f"-s3.port.grpc={s3_rpc}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        "-filer",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_rpc}",
        f"-master.port={master}",
        f"-master.port.grpc={master_rpc}",
        "-master.volumeSizeLimitMB=256",
        "-master.volumePreallocate=false",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_rpc}",
        "-volume.max=1000",
    ]


def _wait(server: SeaweedServer) -> None:
    """Until the S3 door answers and takes a write."""
    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        try:
            urllib.request.urlopen(server.endpoint, timeout=1)
        except urllib.error.HTTPError:
            _first_write(server)
            return
        except OSError:
            time.sleep(0.05)
    raise ServerDied(f"the S3 server did not start: {(server.folder / 'log').read_text(errors='replace')[-2000:]}")


def _first_write(server: SeaweedServer) -> None:
    client = server.client()
    _until_done(lambda: client.create_bucket(Bucket=_SHARED_BUCKET))
    _until_done(lambda: client.put_object(Bucket=_SHARED_BUCKET, Key="first-write", Body=b"x"))


def _until_done(act: Callable[[], object]) -> None:
    until = time.monotonic() + _READY_WITHIN
    while True:
        try:
            act()
            return
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            probe = socket.socket()
            probe.bind(("127.0.0.1", 0))
            held.append(probe)
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()


@functools.cache
def running() -> SeaweedServer:
    """The one server of this process, stopped when the process ends."""
    server = start()
    atexit.register(server.stop)
    return server


@pytest.fixture(scope="session")
def s3_server() -> SeaweedServer:
    """The S3-compatible server of this test run."""
    return running()
