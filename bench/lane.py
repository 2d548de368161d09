"""One competitor on one data set: its home, and each piece of work in it, prepared, measured and verified."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import compare, disk
from bench.errors import BenchError
from bench.meter import Command, Reading, measure
from bench.peers import Peer, environment, furnish
from bench.results import FLOOR
from bench.works import Work

SAMPLE = 100
"""Files whose bytes are compared after a restore, where not all are."""


@dataclass(slots=True)
class Lane:
    """A peer at work on ``source``. ``home`` and everything in it belongs to this lane alone."""

    peer: Peer
    home: Path
    source: Path
    turn: int = 0
    """Snapshots taken in the present repository."""
    proven: bool = False
    """Whether a whole restore was compared byte for byte."""
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.home.with_suffix(".log")

    @property
    def name(self) -> str:
        return self.peer.name

    def open(self) -> None:
        """Begin anew: an empty repository, and no caches."""
        self.close()
        furnish(self.home)
        self.turn = 0
        self._run(self.peer.create(self.home))

    def close(self) -> None:
        """Remove the home, and what was kept of it."""
        for folder in (self.home, self._kept):
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self) -> None:
        """Set the home aside, to be copied by ``renew``."""
        self.home.rename(self._kept)

    def renew(self) -> None:
        """A home as it was when it was kept, in the same place: peers remember where their repository lies."""
        shutil.rmtree(self.home, ignore_errors=True)
        disk.copy(self._kept, self.home)

    def work(self, work: Work) -> Reading:
        """Do ``work`` once. Raises BenchError if it fails, or restores something else than was backed up."""
        if work in (Work.FIRST, Work.RESTORE):
            disk.warm(self.home.parent, disk.size(self.source))
        match work:
            case Work.FIRST | Work.UNCHANGED | Work.CHANGED:
                self.turn += 1
                return self._run(self.peer.backup(self.home, self.source, self.turn))
            case Work.CHECK:
                return self._run(self.peer.check(self.home))
            case Work.RESTORE:
                return self._restore()
            case Work.PRUNE:
                self._run(self.peer.forget(self.home))
                return self._run(self.peer.prune(self.home))

    def stored(self) -> int:
        """Bytes of the repository."""
        return disk.size(self.home / "repository")

    @property
    def _kept(self) -> Path:
        return self.home.with_suffix(".kept")

    def _run(self, commands: tuple[Command, ...]) -> Reading:
        """All commands one after the other, as one reading."""
        total = Reading(0, 0, 0, 0)
        disk.level(self.home, self.source)
        for command in commands:
            total = total.then(measure(command, self.log))
        return total

    def _restore(self) -> Reading:
        target = self.home.with_suffix(".restored")
        target.mkdir()
        try:
            reading = self._run(self.peer.restore(self.home, target, self.turn))
            self._verify(target)
        finally:
            shutil.rmtree(target, ignore_errors=True)
        return reading

    def _verify(self, target: Path) -> None:
        restored = compare.landing(target, self.source)
        odd = compare.differences(self.source, restored, SAMPLE if self.proven else None)
        if odd:
            raise BenchError(
                f"{self.name} restored something else, {len(odd)} differences, the first: {'; '.join(odd[:5])}"
            )
        self.proven = True


@dataclass(slots=True)
class FloorLane:
    """The least that a first backup must do, run as if it were a peer."""

    home: Path
    source: Path
    compress: bool
    outer: Mapping[str, str]
    name: str = FLOOR

    def open(self) -> None:
        self.close()
        furnish(self.home)

    def close(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def work(self, work: Work) -> Reading:
        """Only the first backup has a floor."""
        assert work is Work.FIRST
        told = ("--compress",) if self.compress else ()
        words = (sys.executable, "-m", "bench.floor", str(self.source), str(self.home / "repository"), *told)
        disk.warm(self.home.parent, disk.size(self.source))
        disk.level(self.source)
        root = Path(__file__).resolve().parents[1]
        return measure(Command(words, environment(self.home, self.outer), root), self.home.with_suffix(".log"))

    def stored(self) -> int:
        return disk.size(self.home / "repository")
