"""Bringing a PostgreSQL server back to a goal: a base backup, the log replayed up to there, proof, and nothing more.

    assess      which backup and which pieces of the log lead there          (``recover.route``)
    isolate     a folder of its own, a server that nobody reaches            (``placing``, ``isolation``)
    restore     the base backup, held against the server's own manifest
    replay      up to the goal, where the server stops                       (``replaying``)
    validate    every database is asked whether it is whole                  (``probing``)

What comes of it is a data directory in order, whose server has been stopped, or one that runs for whoever asked for it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from msgspec import structs

from covenant.adapters.sources.postgres.about import about
from covenant.adapters.sources.postgres.address import library
from covenant.adapters.sources.postgres.control import read_control
from covenant.adapters.sources.postgres.placing import Mark, Unfinished, begin, elsewhere, place, verify
from covenant.adapters.sources.postgres.probing import Wanted, checksums_hold, probe
from covenant.adapters.sources.postgres.programs import find_programs
from covenant.adapters.sources.postgres.questions import Counted
from covenant.adapters.sources.postgres.replaying import Reached, Recovery, recover
from covenant.adapters.sources.postgres.server import PrivateServer, is_private, private_folder, stop_left_over
from covenant.adapters.sources.postgres.server_user import ServerUser, user_for
from covenant.adapters.sources.postgres.shelf import Shelf
from covenant.adapters.sources.postgres.wal import parse_history_name
from covenant.kernel.answers import Answer, Result, together
from covenant.kernel.clock import Clock
from covenant.kernel.errors import TargetError
from covenant.kernel.progress import Progress, Silent
from covenant.recover.flushing import flush_file_system
from covenant.recover.job import RestoreJob, Settings, Tally
from covenant.recover.route import Route
from covenant.vault.vault import Vault


@dataclass(slots=True)
class RecoveryJob:
    """What is brought back, to where, and how.

    ``tablespaces`` leads from places on the old server to places here. ``roles`` are roles that the server is likely
    to have. ``said`` are folders of programs that the user named. Whoever calls holds a shared lock on the vault.
    """

    vault: Vault
    shelf: Shelf
    route: Route
    target: Path
    clock: Clock
    tablespaces: Mapping[str, str] = field(default_factory=dict)
    pause: bool = False
    verify: bool = True
    overwrite: bool = False
    roles: tuple[str, ...] = ()
    wanted: Wanted | None = None
    said: tuple[Path, ...] = ()
    search_path: str = ""
    settings: Settings = field(default_factory=Settings)
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came back, and how long each step took, in seconds by its name."""

    data: Path
    route: Route
    reached: Reached
    tally: Tally
    answers: tuple[Answer, ...]
    counted: Counted
    steps: Mapping[str, float]
    resumed: bool

    @property
    def seconds(self) -> float:
        """How long it took altogether."""
        return sum(self.steps.values())

    @property
    def result(self) -> Result:
        """Whether what came back is whole, as far as it could be asked."""
        return together(answer.result for answer in self.answers)


def recover_server(job: RecoveryJob) -> Recovered:
    """Bring a server back into a folder, proved and stopped in order; it can be started from there.

    Raises ``Refusal`` for a folder that is not free, ``DamageError`` where something is lost on the way, and
    ``TargetError``. What is unfinished then stays, marked, and the same job goes on with it.
    """
    with recovered(job) as (server, done):
        server.stop()
        answer = checksums_hold(server.programs, server.data, job.clock)
    answers = done.answers if _keeps_none(answer) else (*done.answers, answer)
    _flush(job)
    Mark(job.target).remove()
    return replace(done, answers=answers)


@contextlib.contextmanager
def recovered(job: RecoveryJob) -> Iterator[tuple[PrivateServer, Recovered]]:
    """The same, with the server running for as long as the work lasts, reached through its private socket alone."""
    library()
    work = _Recovering(job)
    try:
        server = work.bring_up()
        try:
            yield server, work.outcome(server)
        finally:
            server.stop()
    finally:
        work.close()


class _Recovering:
    """One recovery, step by step."""

    def __init__(self, job: RecoveryJob) -> None:
        self._job = job
        self._data = job.target / "data"
        self._about = about(job.vault, job.route.base.snapshot)
        self._programs = find_programs(self._about.major, job.said, job.search_path)
        self._elsewhere = elsewhere(self._about.tablespaces, job.tablespaces)
        self._steps: dict[str, float] = {}
        self._tally = Tally()
        self._resumed = False
        self._private: Path | None = None
        self._reached: Reached | None = None

    def bring_up(self) -> PrivateServer:
        """Everything up to a server that stands at the goal."""
        job, user = self._job, self._user()
        self._clear_up()
        this = Unfinished(job.vault.config.id, job.route.base.snapshot.id, _goal_text(job))
        replaying = begin(
            job.target,
            this,
            overwrite=job.overwrite,
            system=job.route.base.span.system,
            tablespaces=self._elsewhere.values(),
        )
        self._resumed = replaying
        if not replaying:
            self._step("restore", self._restore)
            if job.verify:
                self._step("verify", lambda: verify(self._programs, self._data))
            for folder in (job.target / "tablespaces", *self._elsewhere.values()):
                if folder.exists():
                    user.give(folder)
        self._private = private_folder(user)
        Mark(job.target).write(structs.replace(this, replaying=True, private=str(self._private)))
        server, self._reached = self._replay(user, self._private)
        return server

    def outcome(self, server: PrivateServer) -> Recovered:
        """Ask the server whether it is whole."""
        counted, job = Counted(), self._job
        answers: tuple[Answer, ...] = ()

        def ask() -> None:
            nonlocal answers
            answers = probe(server, job.roles, job.wanted, counted)

        self._step("validate", ask)
        assert self._reached is not None
        return Recovered(
            self._data, job.route, self._reached, self._tally, answers, counted, dict(self._steps), self._resumed
        )

    def close(self) -> None:
        """Remove what only the running server needed."""
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)

    def _user(self) -> ServerUser:
        """As whom the server will run, who must be able to reach the folder."""
        above = next(path for path in (self._job.target, *self._job.target.absolute().parents) if path.exists())
        user = user_for(above)
        user.refuse_unreachable(self._data if self._data.exists() else above / "data")
        return user

    def _clear_up(self) -> None:
        """End the server and remove the folder that an earlier run, killed, has left behind."""
        if stop_left_over(self._data):
            self._job.clock.sleep(0.2)
        left = Mark(self._job.target).read()
        if left is not None and is_private(Path(left.private)):
            shutil.rmtree(left.private, ignore_errors=True)

    def _restore(self) -> None:
        job = self._job
        self._refuse_without_room()
        restoring = RestoreJob(job.vault, job.route.base.snapshot, str(job.target), job.clock, settings=job.settings)
        restoring.progress, restoring.stop = job.progress, job.stop
        outcome = place(restoring, self._elsewhere)
        self._tally, self._resumed = outcome.tally, outcome.resumed

    def _refuse_without_room(self) -> None:
        """Raise ``TargetError`` where the backup cannot fit. Over an older state much of it is there already."""
        needed = int((self._job.route.base.snapshot.summary or {}).get("total_bytes_processed", 0))
        free = shutil.disk_usage(self._job.target).free
        if needed > free and not (self._elsewhere or self._job.overwrite or self._data.exists()):
            raise TargetError(
                f"no room to restore {self._job.target}: {needed:,} bytes needed, {free:,} free",
                "Free some space there, or choose another folder.",
            )

    def _replay(self, user: ServerUser, private: Path) -> tuple[PrivateServer, Reached]:
        job, size = self._job, read_control(self._programs, self._data).segment_size

        def read(name: str) -> bytes | None:
            timeline = parse_history_name(name)
            if timeline is not None and timeline not in job.shelf.lineages:
                return None  # the log knows no such timeline, so its history is not looked for among what is damaged
            found = job.shelf.find(name, to_gap=True)
            return None if found is None else job.shelf.read(found)

        began = job.clock.monotonic()
        found = recover(
            Recovery(
                data=self._data,
                route=job.route,
                read=read,
                programs=self._programs,
                user=user,
                clock=job.clock,
                private=private,
                pause=job.pause,
                roles=job.roles,
                progress=job.progress,
                stop=job.stop,
                segment_size=size,
            )
        )
        self._steps["replay"] = job.clock.monotonic() - began
        return found

    def _step(self, name: str, work: Callable[[], object]) -> None:
        began = self._job.clock.monotonic()
        work()
        self._steps[name] = self._job.clock.monotonic() - began


def _goal_text(job: RecoveryJob) -> str:
    pause = ", paused there" if job.pause else ""
    return f"{job.route.goal} on timeline {job.route.timeline}{pause}"


def _keeps_none(answer: Answer) -> bool:
    """Whether a server keeps no checksums, which is no shortcoming of what was restored."""
    return answer.result is Result.COULD_NOT_VERIFY and "keeps no checksums" in answer.detail


def _flush(job: RecoveryJob) -> None:
    """Have everything durable: the server ran without flushing, for the sake of speed."""
    try:
        descriptor = os.open(job.target, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flush_file_system(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise TargetError(f"{job.target} cannot be written out: {error.strerror}", "Run it again.") from error
