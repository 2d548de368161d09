"""What Covenant has set itself, as data: each goal is a limit for our median, in units of another's median."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results import FLOOR, Results
from bench.works import Work

OURS = "covenant"
RESTIC = "restic"


@dataclass(frozen=True, slots=True)
class Goal:
    """At most ``limit`` times what ``against`` took."""

    works: tuple[Work, ...]
    measure: str
    limit: float
    data: str | None = None
    """The set; None for each set."""
    against: str = RESTIC


ALL = tuple(Work)
GOALS = (
    Goal((Work.FIRST,), "wall", 0.33, "media"),
    Goal((Work.FIRST,), "cpu", 0.5, "media"),
    Goal((Work.FIRST,), "wall", 1.5, "media", FLOOR),
    Goal((Work.FIRST,), "wall", 0.4, "sql"),
    Goal((Work.FIRST,), "wall", 0.5, "small"),
    Goal((Work.UNCHANGED,), "wall", 0.33),
    Goal((Work.RESTORE,), "wall", 0.33),
    Goal((Work.CHECK,), "wall", 0.4),
    Goal((Work.FIRST, Work.CHANGED, Work.PRUNE), "stored", 1.02),
    Goal(ALL, "memory", 1.5),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal for one set and work, and what was reached; None when there is no figure, which is never a goal met."""

    data: str
    work: Work
    goal: Goal
    reached: float | None

    @property
    def met(self) -> bool:
        return self.reached is not None and self.reached <= self.goal.limit


def verdicts(results: Results, sets: list[str], works: list[Work]) -> Iterator[Verdict]:
    """Every goal for the sets and works that were asked for."""
    for goal in GOALS:
        for data in [name for name in sets if goal.data in (None, name)]:
            for work in [work for work in goal.works if work in works]:
                yield Verdict(data, work, goal, results.ratio(data, work, goal.measure, OURS, goal.against))
