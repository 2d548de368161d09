"""Figures: one per run, and what several runs of the same work come to."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench.meter import Reading
from bench.works import Work

FLOOR = "floor"
"""Stands where a peer's name stands."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run that ended well."""

    data: str
    work: Work
    peer: str
    run: int
    reading: Reading
    stored: int
    """Bytes of the repository afterwards."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One run that did not."""

    data: str
    work: Work
    peer: str
    run: int
    message: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Several figures of the same thing."""

    median: float
    low: float
    high: float
    count: int


MEASURES: dict[str, Callable[[Sample], float]] = {
    "wall": lambda sample: sample.reading.wall,
    "cpu": lambda sample: sample.reading.cpu,
    "memory": lambda sample: sample.reading.memory,
    "largest": lambda sample: sample.reading.largest,
    "stored": lambda sample: sample.stored,
}
"""What is told of a run. Seconds and bytes."""


@dataclass(slots=True)
class Results:
    """All that was measured so far."""

    samples: list[Sample]
    failures: list[Failure]

    def failed(self, data: str, work: Work, peer: str) -> bool:
        """Whether any run of this work failed: then it has no figure, however many others ended well."""
        return any((each.data, each.work, each.peer) == (data, work, peer) for each in self.failures)

    def spread(self, data: str, work: Work, peer: str, measure: str) -> Spread | None:
        """What the runs of this work come to; None when there were none, or one failed."""
        value = MEASURES[measure]
        values = [value(s) for s in self.samples if (s.data, s.work, s.peer) == (data, work, peer)]
        if not values or self.failed(data, work, peer):
            return None
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def ratio(self, data: str, work: Work, measure: str, peer: str, against: str) -> float | None:
        """The median of ``peer`` in units of that of ``against``."""
        ours = self.spread(data, work, peer, measure)
        theirs = self.spread(data, work, against, measure)
        return ours.median / theirs.median if ours and theirs and theirs.median else None
