"""One command, run and measured: wall time, processor time and memory of its whole tree of processes.

Memory is the highest sum over the tree of PSS (resident memory in which a page shared by n processes counts 1/n for
each), sampled every 200 ms from ``/proc/PID/smaps_rollup``; or the highest RSS of one process as the kernel itself kept
it (``VmHWM``), if that is more: so no peak of a single process is missed between two samples.

Two other ways were left. A memory control group also charges the files written to a RAM disk, which are the data and
not the program. ``ru_maxrss`` begins with the memory of the process that starts the program, which is the benchmark.

Reading PSS costs time in proportion to the memory read. The sum of RSS is cheap and never below that of PSS, so PSS is
read only when RSS says that a new peak is possible, and never for more than 3 % of the time of one core.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

TICK = 0.2
"""Seconds from one sample to the next."""
REST = 30
"""A reading of PSS is followed by none for this many times what it took."""
LIMIT = 1800
"""Seconds after which a command counts as hung."""
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
"""What the kernel says of a process that ended while it was looked at."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and where it runs. Its environment is complete: nothing is inherited."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path = Path("/")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a command took. Seconds and bytes."""

    wall: float
    cpu: float
    """User and system time of the command and all processes that it started and waited for."""
    memory: int
    """The highest sum over the tree."""
    largest: int
    """The highest of one process."""

    def then(self, other: Reading) -> Reading:
        """Two commands one after the other, as one."""
        return Reading(
            wall=self.wall + other.wall,
            cpu=self.cpu + other.cpu,
            memory=max(self.memory, other.memory),
            largest=max(self.largest, other.largest),
        )


def measure(command: Command, log: Path) -> Reading:
    """Run ``command`` to its end with its output in ``log``. Raises BenchError unless it exits with 0."""
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        watch = Watch(process.pid)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watch.stop()
            left = _kill_session(process)
    _must_be_done(command, process.returncode, left, log, hung=watch.hung)
    return Reading(wall, usage.ru_utime + usage.ru_stime, watch.peak, watch.largest)


def _must_be_done(command: Command, code: int, left: int, log: Path, *, hung: bool) -> None:
    words = " ".join(command.argv)
    if hung:
        raise BenchError(f"killed after {LIMIT} s: {words}")
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BenchError(f"exit code {code}: {words}\n{tail}")
    if left:
        raise BenchError(f"{left} processes were left running, and their time is not counted: {words}")


class Watch:
    """A thread that samples the memory of a tree of processes, and ends the tree if it hangs."""

    def __init__(self, root: int) -> None:
        self.peak = 0
        self.largest = 0
        self.hung = False
        self._root = root
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; ``peak`` is final."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        end = time.perf_counter() + LIMIT
        rest = 0.0
        tick = 0.0
        while not self._done.wait(tick):
            tick = TICK
            now = time.perf_counter()
            sizes = {pid: _rss(pid) for pid in _tree(self._root)}
            self.largest = max(self.largest, *(high for _, high in sizes.values()))
            self.peak = max(self.peak, self.largest)
            if now > rest and sum(resident for resident, _ in sizes.values()) > self.peak:
                self.peak = max(self.peak, sum(map(_pss, sizes)))
                rest = now + (REST + 1) * (time.perf_counter() - now)
            if now > end:
                self.hung = True
                with suppress(ProcessLookupError):
                    os.killpg(self._root, signal.SIGKILL)


def _tree(pid: int) -> Iterator[int]:
    """``pid`` and all processes below it."""
    yield pid
    with suppress(*GONE):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(*GONE):
                for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                    yield from _tree(int(child))


def _rss(pid: int) -> tuple[int, int]:
    """Resident memory of a process, now and at its highest."""
    return _field(f"/proc/{pid}/status", "VmRSS:"), _field(f"/proc/{pid}/status", "VmHWM:")


def _pss(pid: int) -> int:
    return _field(f"/proc/{pid}/smaps_rollup", "Pss:")


def _field(path: str, name: str) -> int:
    """A line ``name  n kB`` of a file in ``/proc``, in bytes; 0 when the process is gone."""
    with suppress(*GONE):
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def _kill_session(process: subprocess.Popen[bytes]) -> int:
    """End whatever of the command still runs; how many processes outlived its own end."""
    ended = process.returncode is not None
    left = list(_session(process.pid))
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if not ended:
        process.wait()
    return len(left) if ended else 0


def _session(leader: int) -> Iterator[int]:
    """The processes of a session. ``/proc/PID/stat``: after the name in brackets state, parent, group, session."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(*GONE):
            state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                yield int(pid)
