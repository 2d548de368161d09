"""Covenant beside pgBackRest and Barman on one server: ``python -m bench.postgres [--scale 150] [--runs 3]``.

    full           a backup into an empty repository
    incremental    a backup after 2 % of the blocks of the largest table were changed in place
    restore        that incremental backup, into an empty folder

pgbench's scale 150 is about 2.2 GiB. All on the RAM disk. The server shares the cores with whoever is measured, as it
does in earnest; its own time is not counted as theirs. Needs ``pgbackrest`` (Debian; up to PostgreSQL 15) and, where it
is asked for, ``barman`` (PyPI) with ``rsync``. Exit code 1 where a run failed: a failed run has no figure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench import disk, machine
from bench.errors import BenchError
from bench.meter import Command, Reading, measure
from bench.peers import default_covenant, furnish
from bench.place import scratch, usual
from bench.postgres_peers import PostgresPeer, choose, start
from tests.servers.postgres import PostgresServer

WORKS = ("full", "incremental", "restore")
GOAL = 0.8
"""Our wall in units of the better peer's, at most."""
_ROWS_A_BLOCK = 55
_EVERY = 50
_FILLED = 90


@dataclass(frozen=True, slots=True)
class Figure:
    """One run of one work. Seconds and bytes."""

    peer: str
    work: str
    run: int
    reading: Reading
    stored: int


@dataclass(slots=True)
class Course:
    """All peers on one server, in turns."""

    server: PostgresServer
    database: str
    folder: Path
    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    turn: int = 0

    def run(self, peer: PostgresPeer, run: int) -> None:
        """One repetition of one peer, in a new home."""
        home, target = self.folder / peer.name, self.folder / "restored"
        furnish(home)
        (home / "repository").mkdir()
        try:
            self.server.set("archive_command", peer.archive_command(home))
            self._do(peer, peer.create(home))
            self._figure(peer, "full", run, peer.backup(home, "full"), home)
            self._change()
            self._figure(peer, "incremental", run, peer.backup(home, "incremental"), home)
            target.mkdir()
            self._figure(peer, "restore", run, peer.restore(home, target), home)
            self._verify(target)
        except BenchError as error:
            self.failures.append(f"{peer.name}, run {run}: {error}")
        finally:
            self.server.set("archive_command", "/bin/true")
            shutil.rmtree(home, ignore_errors=True)
            shutil.rmtree(target, ignore_errors=True)

    def _figure(self, peer: PostgresPeer, work: str, run: int, commands: tuple[Command, ...], home: Path) -> None:
        disk.warm(self.folder, 256 << 20)
        reading = self._do(peer, commands)
        self.figures.append(Figure(peer.name, work, run, reading, disk.size(home / "repository")))
        print(f"{peer.name:12} {work:12} {reading.wall:7.2f} s, CPU {reading.cpu:6.2f} s", file=sys.stderr)

    def _do(self, peer: PostgresPeer, commands: tuple[Command, ...]) -> Reading:
        total = Reading(0, 0, 0, 0)
        for command in commands:
            total = total.then(measure(command, self.folder / f"{peer.name}.log"))
        return total

    def _change(self) -> None:
        """Change one row in one of fifty blocks of the accounts; fresh blocks every time."""
        self.turn += 1
        step = _ROWS_A_BLOCK * _EVERY
        statement = f"UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid % {step} = {self.turn * 57 % step}"
        self.server.run(statement, self.database)
        self.server.run("CHECKPOINT")

    def _verify(self, target: Path) -> None:
        """What was restored has every file of the live tables with its size. (Who compares bytes is the test.)"""
        found = [path.parent for path in target.rglob("PG_VERSION") if (path.parent / "global").is_dir()]
        if len(found) != 1:
            raise BenchError(f"{len(found)} data directories were restored")
        ((path,),) = self.server.run("SELECT pg_relation_filepath('pgbench_accounts')", self.database)
        live, restored = self.server.data / path, found[0] / path
        if not restored.is_file() or restored.stat().st_size != live.stat().st_size:
            raise BenchError("the accounts were not restored with their size")


def main() -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=150, help="pgbench's")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--server", choices=["system", "new"], default="system")
    parser.add_argument("--peers", default="covenant,pgbackrest")
    parser.add_argument("--covenant", default=default_covenant())
    parser.add_argument("--barman", default="barman")
    parser.add_argument("--json", type=Path, default=Path("bench/results/postgres.json"))
    said = parser.parse_args()
    with scratch(usual()) as folder:
        folder.chmod(0o755)
        tempfile.tempdir = str(folder)  # where the server makes its own
        server = start(said.server)
        try:
            course = Course(server, _filled(server, said.scale), folder)
            peers = choose(said.peers.split(","), server, dict(os.environ), said.covenant, said.barman)
            size = server.run("SELECT sum(pg_database_size(oid)) FROM pg_database")[0][0]
            for run in range(said.runs):
                for peer in peers:
                    course.run(peer, run)
        finally:
            server.stop()
        about = {**machine.describe(folder), "server": said.server, "scale": said.scale, "bytes": int(size)}
    _write(said.json, course, about)
    print(*_told(course, [peer.name for peer in peers]), sep="\n")
    return 1 if course.failures else 0


def _filled(server: PostgresServer, scale: int) -> str:
    url = server.new_database()
    server.program("pgbench", "-i", "-q", "-F", _FILLED, "-s", scale, url)
    server.run("VACUUM FREEZE", url.rpartition("/")[2])
    server.run("CHECKPOINT")
    return url.rpartition("/")[2]


def _told(course: Course, peers: list[str]) -> Iterator[str]:
    yield f"{'work':12} {'who':12} {'wall s':>24} {'CPU s':>8} {'memory MiB':>11} {'stored MiB':>11}"
    for work in WORKS:
        walls = {}
        for peer in peers:
            found = [each for each in course.figures if (each.peer, each.work) == (peer, work)]
            if not found:
                yield f"{work:12} {peer:12} failed"
                continue
            wall = sorted(each.reading.wall for each in found)
            walls[peer] = median(wall)
            spread = f"{walls[peer]:.2f} ({wall[0]:.2f}-{wall[-1]:.2f})"
            cpu, memory = median(each.reading.cpu for each in found), median(each.reading.memory for each in found)
            stored = median(each.stored for each in found)
            yield f"{work:12} {peer:12} {spread:>24} {cpu:8.2f} {memory / (1 << 20):11.0f} {stored / (1 << 20):11.1f}"
        ours, others = walls.get("covenant"), [wall for peer, wall in walls.items() if peer != "covenant"]
        if ours is not None and others:
            reached = ours / min(others)
            yield f"{'':12} goal {GOAL}: {reached:.2f}, {'met' if reached <= GOAL else 'missed'}"
    yield from (f"FAILED: {failure}" for failure in course.failures)


def _write(path: Path, course: Course, about: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {**about, "figures": [asdict(each) for each in course.figures], "failures": course.failures}
    path.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
