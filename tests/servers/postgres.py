"""A private PostgreSQL server, made from an empty folder: the real thing, on loopback, gone when the tests end.

Its programs are Debian's, below ``/usr/lib/postgresql``; the cluster that Debian's package makes is not touched. The
server refuses to run as root, so then it runs as ``postgres``, the user that the package makes. Nothing is flushed to
disk, for nothing of it is to outlive the run.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

SUPERUSER = "covenant_admin"
PASSWORD = "password-of-this-test-run"
_READY_WITHIN = 60.0
_numbers = itertools.count(1)


@dataclass(slots=True)
class PostgresServer:
    """A running server. Passwords are asked for, as in earnest."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str = PASSWORD) -> str:
        """The address of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The address of an empty database of its own."""
        name = f"database_{os.getpid()}_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, outside of any transaction; its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End it at once, by its process id. Stopping it again does nothing."""
        self.process.send_signal(signal.SIGQUIT)  # immediate, whoever is connected
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(**settings: str) -> PostgresServer:
    """A new server, ready to answer; ``settings`` are those of ``postgresql.conf``."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="covenant-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    _give_away(folder, secret)
    data, port = folder / "data", _free_port()
    _as_postgres(
        [
            programs / "initdb",
            "-D",
            data,
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            secret,
            "-E",
            "UTF8",
            "-N",
        ]
    )
    chosen = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        "shared_buffers": "32MB",
        "max_connections": "200",
        **settings,
    }
    options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], stdout=log, stderr=subprocess.STDOUT, **_user()
        )
    server = PostgresServer(folder, port, process)
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _programs() -> Path:
    """Where the newest installed version's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    assert found, "PostgreSQL is not installed: scripts/setup.sh program postgresql"
    return found[-1].parent


def _user() -> dict[str, Any]:
    """How a process is made that is not root's."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _give_away(*paths: Path) -> None:
    if owner := _user():
        for path in paths:
            os.chown(path, owner["user"], owner["group"])


def _as_postgres(command: list[Any]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **_user())
    assert 0 == done.returncode, done.stderr


def _wait(server: PostgresServer) -> None:
    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until and server.process.poll() is None:
        try:
            server.run("SELECT 1")
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError(f"PostgreSQL did not start: {(server.folder / 'log').read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def running() -> PostgresServer:
    """The one server of this process, stopped when the process ends."""
    server = start()
    atexit.register(server.stop)
    return server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test run, stopped when the last test is done: a worker's exit waits for nothing."""
    server = running()
    yield server
    server.stop()
