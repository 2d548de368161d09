"""A private PostgreSQL server on a restored data directory: reached through a socket, by us alone.

It is never root's, listens on no network, reads none of the original's own settings (see ``isolation``), and ends by
its process id when the work is done. When it does not come up, its own last words are the error's.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from covenant.adapters.sources.postgres.control import major_of, read_control
from covenant.adapters.sources.postgres.isolation import HBA, PORT, isolated
from covenant.adapters.sources.postgres.programs import Programs, find_programs
from covenant.adapters.sources.postgres.server_user import ServerUser, user_for
from covenant.kernel.clock import Clock
from covenant.kernel.errors import TargetError

READY_WITHIN = 120.0
_ENDS_WITHIN = 60.0
_LOOKS_EVERY = 0.02
_LAST_WORDS = 32_000
_LONGEST = 60
_PREFIX = "covenant-pg-"
_TO_A_CLIENT = re.compile(r"the database system is|(role|database) \".*\" |terminating connection|canceling ")
"""What a server logs when it turns a client away, which is not why it ended."""
NOT_YET = ("starting up", "not yet accepting", "not accepting", "recovery mode", "shutting down", "too many")
"""How a server turns clients away that it may let in later."""


@dataclass(slots=True)
class PrivateServer:
    """A running server. ``private`` holds its socket, its log and what else only it may read."""

    data: Path
    private: Path
    programs: Programs
    user: ServerUser
    clock: Clock
    process: subprocess.Popen[bytes] = field(repr=False)

    def conninfo(self, database: str, role: str) -> str:
        """How libpq reaches a database as a role; no password is asked for."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(
            host=str(self.private), port=PORT, dbname=database, user=role, connect_timeout=10, client_encoding="utf8"
        )

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None

    @property
    def words(self) -> str:
        """The end of what the server has logged."""
        try:
            with (self.private / "log").open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - _LAST_WORDS))
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def has_said(self, words: str) -> bool:
        """Whether these words stand anywhere in its log."""
        with (self.private / "log").open(errors="replace") as log:
            return any(words in line for line in log)

    def gone(self) -> TargetError:
        """What is said of a server that ended before its time."""
        told = [said for said in re.findall(r"(?:FATAL|PANIC):\s*(.*)", self.words) if not _TO_A_CLIENT.match(said)]
        details = re.findall(r"(?:DETAIL|HINT):\s*(.*)", self.words)
        reason = told[-1] if told else self.words.strip()[-300:] or "it said nothing"
        return TargetError(f"the server of {self.data} ended: {reason}", " ".join(details[-2:]))

    def wait_ready(self, role: str, within: float = READY_WITHIN) -> None:
        """Wait until it answers. Raises ``TargetError`` where it ends instead, or does not in time."""
        import psycopg

        until, last = self.clock.monotonic() + within, "it does not answer"
        while self.clock.monotonic() < until:
            if not self.running:
                raise self.gone()
            try:
                psycopg.connect(self.conninfo("template1", role)).close()
                return
            except psycopg.OperationalError as error:
                last = str(error).strip().splitlines()[-1]
                if _answers(last):
                    return
                if "FATAL" in last and not any(words in last for words in NOT_YET):
                    reason = last.partition("FATAL:")[2].strip()
                    raise TargetError(f"the server of {self.data} lets nobody in: {reason}") from error
            self.clock.sleep(_LOOKS_EVERY)
        raise TargetError(f"the server of {self.data} was not ready within {within:.0f} s: {last}", self.words[-300:])

    def stop(self, *, at_once: bool = False) -> None:
        """End it by its process id: in order, or ``at_once`` without writing out anything. Twice does nothing."""
        if self.running:
            self.process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            try:
                self.process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(
    data: Path,
    clock: Clock,
    *,
    programs: Programs | None = None,
    settings: Mapping[str, str] | None = None,
    private: Path | None = None,
) -> PrivateServer:
    """Start a server on a data directory that is nobody else's. It is not waited for: see ``wait_ready``.

    Raises ``TargetError`` where its version's programs are missing or it cannot be reached by who must run it, and
    ``DamageError`` where it is no data directory.
    """
    programs = programs or find_programs(major_of(data))
    user = user_for(data)
    user.refuse_unreachable(data)
    data.chmod(0o700)
    user.give(data)
    private = private or private_folder(user)
    _write(private, user, {"postgresql.conf": "", "pg_hba.conf": HBA, "pg_ident.conf": ""})
    chosen = isolated(programs.major, read_control(programs, data), private, settings or {})
    options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
    with (private / "log").open("ab") as log:
        process = subprocess.Popen(
            [programs.named("postgres"), "-D", str(data), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=private,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "PGDATA": str(data)},
            start_new_session=True,  # a Ctrl-C that is meant for us does not reach it
            **user.process,
        )
    return PrivateServer(data, private, programs, user, clock, process)


@contextlib.contextmanager
def running(
    data: Path,
    clock: Clock,
    role: str = "postgres",
    *,
    programs: Programs | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[PrivateServer]:
    """A private server that answers, for as long as the work lasts."""
    private = private_folder(user_for(data))
    try:
        server = start(data, clock, programs=programs, settings=settings, private=private)
        try:
            server.wait_ready(role)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(private, ignore_errors=True)


def private_folder(user: ServerUser) -> Path:
    """A new folder for a server's socket, where its user can reach it. A socket's path may have 107 bytes.

    Raises ``TargetError`` where neither the usual place for such folders nor ``/tmp`` will do.
    """
    usual = Path(tempfile.gettempdir())
    above = usual if len(os.fsencode(usual)) < _LONGEST and user.reaches(usual / "private") else Path("/tmp")
    user.refuse_unreachable(above / "private")
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=above))
    if user.switch:
        os.chown(folder, user.uid, user.gid)
    return folder


def is_private(folder: Path) -> bool:
    """Whether a folder is one that was made for a private server, and by its name nothing else."""
    return folder.is_absolute() and folder.name.startswith(_PREFIX)


def stop_left_over(data: Path) -> bool:
    """End a private server that an earlier run of ours, killed, left on this data directory. Whether there was one."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return False
    if os.fsencode(data) not in command or not any(_PREFIX.encode() in word for word in command):
        return False
    os.kill(pid, signal.SIGQUIT)
    return True


def _answers(message: str) -> bool:
    """Whether a refusal shows that the server is up: it knows its roles and databases."""
    return "does not exist" in message and ("role " in message or "database " in message)


def _write(private: Path, user: ServerUser, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = private / name
        path.write_text(text)
        if user.switch:
            os.chown(path, user.uid, user.gid)
