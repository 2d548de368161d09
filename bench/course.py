"""One data set, all competitors, all work, all repetitions, in turns: A B C for each piece of work, and A B C again.

make the data
for each repetition:
    the data as they were first; an empty repository for each
    first, unchanged, check, restore        each by A, B, C
    the data change by 2 %
    changed                                 by A, B, C
the data change by a quarter, twice, and everyone takes a snapshot each time
for each repetition:
    prune                                   by A, B, C, each in a copy of its repository
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import datasets, disk
from bench.datasets import DataSet
from bench.errors import BenchError
from bench.lane import FloorLane, Lane
from bench.meter import Reading
from bench.peers import Peer
from bench.results import FLOOR, Failure, Results, Sample
from bench.works import Work

CHANGED = 0.02
"""Share of the data that changes before the changed backup."""
TURNOVER = 0.25
"""Share that changes before each of two more snapshots, so that forgetting frees something worth pruning."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Course:
    """What is asked of one data set."""

    data: DataSet
    peers: list[Peer]
    works: list[Work]
    runs: int
    scale: float
    folder: Path
    """Empty, and ours."""
    outer: Mapping[str, str]
    """The environment of the benchmark itself."""
    results: Results
    say: Say

    def go(self) -> None:
        """Measure everything; figures and failures come into ``results``."""
        disk.require(self.folder, self.room())
        lanes = [Lane(peer, self.folder / peer.name, self.source) for peer in self.peers]
        try:
            self.say(f"{self.data.name}: making the data")
            datasets.make(self.data, self.pristine, self.scale)
            for run in range(1, self.runs + 1):
                self._repeat(lanes, run)
            if Work.PRUNE in self.works:
                self._prune(lanes)
        finally:
            for path in self.folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def room(self) -> int:
        """Bytes needed at most: the data twice, a repository for each with all snapshots, and a copy of one."""
        return round(self.data.total * self.scale * (2.3 + self.data.kept * (len(self.peers) + 1)))

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def pristine(self) -> Path:
        return self.folder / "pristine"

    def _repeat(self, lanes: list[Lane], run: int) -> None:
        datasets.renew(self.pristine, self.source)
        self._floor(run)
        for lane in self._sound(lanes):
            self._attempt(lane, Work.FIRST, run, lane.open)
        # Every other work stands on a first backup, asked for or not.
        self._all(lanes, Work.FIRST, run)
        for work in (Work.UNCHANGED, Work.CHECK, Work.RESTORE):
            if work in self.works:
                self._all(lanes, work, run)
        if Work.CHANGED in self.works or (Work.PRUNE in self.works and run == self.runs):
            datasets.change(self.data, self.source, 1, CHANGED)
            self._all(lanes, Work.CHANGED, run)

    def _floor(self, run: int) -> None:
        if Work.FIRST not in self.works:
            return
        lane = FloorLane(self.folder / FLOOR, self.source, self.data.compressible, self.outer)
        lane.open()
        self._measure(lane, Work.FIRST, run)
        lane.close()

    def _prune(self, lanes: list[Lane]) -> None:
        shutil.rmtree(self.pristine)
        self.say(f"{self.data.name}: two more snapshots for prune")
        for turn in (2, 3):
            datasets.change(self.data, self.source, turn, TURNOVER)
            for lane in self._sound(lanes):
                self._attempt(lane, Work.PRUNE, 0, partial(lane.work, Work.CHANGED))
        for lane in self._sound(lanes):
            lane.keep()
        for run in range(1, self.runs + 1):
            for lane in self._sound(lanes):
                lane.renew()
                self._measure(lane, Work.PRUNE, run)

    def _all(self, lanes: list[Lane], work: Work, run: int) -> None:
        for lane in self._sound(lanes):
            self._measure(lane, work, run)

    def _sound(self, lanes: list[Lane]) -> list[Lane]:
        """Those without a failure on this set: what follows a failure would be no figure either."""
        lost = {each.peer for each in self.results.failures if each.data == self.data.name}
        return [lane for lane in lanes if lane.name not in lost]

    def _measure(self, lane: Lane | FloorLane, work: Work, run: int) -> None:
        reading = self._attempt(lane, work, run, partial(lane.work, work))
        if reading is None or work not in self.works:
            return
        sample = Sample(self.data.name, work, lane.name, run, reading, lane.stored())
        self.results.samples.append(sample)
        self.say(
            f"{self.data.name}: {f'{work} {run}/{self.runs}':13} {lane.name:9} "
            f"{reading.wall:7.2f} s wall {reading.cpu:7.2f} s CPU "
            f"{reading.memory >> 20:5} MiB memory {sample.stored >> 20:5} MiB stored"
        )

    def _attempt(
        self, lane: Lane | FloorLane, work: Work, run: int, act: Callable[[], Reading | None]
    ) -> Reading | None:
        """Do it; a failure is recorded and said."""
        try:
            return act()
        except BenchError as error:
            self.results.failures.append(Failure(self.data.name, work, lane.name, run, str(error)))
            self.say(f"{self.data.name}: {work} {run}/{self.runs} {lane.name} FAILED: {error}")
            lane.close()
            return None
