"""The single rules of a policy, each shown the snapshots of one group from the newest to the oldest.

A rule that counts periods keeps the newest snapshot of each hour, day, ISO week, month or year, until its count is
used up. Periods are read off the wall clock of the snapshot itself, as restic does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from covenant.kernel import calendar
from covenant.kernel.calendar import Span
from covenant.kernel.keep import UNLIMITED, UNTAGGED, Keep, tagged
from covenant.safeguard.grouping import Candidate


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a snapshot is kept: ``rule`` for machines (``daily``, ``within``, ``tag`` …), ``text`` for people."""

    rule: str
    text: str

    def __str__(self) -> str:
        return self.text


class Rule(Protocol):
    """One rule at work on one group. It may remember what it has seen, so it is used once."""

    def reason(self, candidate: Candidate) -> Reason | None:
        """Why this rule keeps the next older candidate, or None."""
        ...


PERIODS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "hourly": lambda time: (time.year, time.month, time.day, time.hour),
    "daily": lambda time: (time.year, time.month, time.day),
    "weekly": lambda time: time.isocalendar()[:2],
    "monthly": lambda time: (time.year, time.month),
    "yearly": lambda time: (time.year,),
}


@dataclass(slots=True)
class Tagged:
    """Keeps what bears all of these tags."""

    tags: tuple[str, ...]

    def reason(self, candidate: Candidate) -> Reason | None:
        borne = not candidate.tags if self.tags == UNTAGGED else set(self.tags) <= set(candidate.tags)
        return Reason("tag", tagged(self.tags)) if borne else None


@dataclass(slots=True)
class Last:
    """Keeps the next ``count`` snapshots."""

    count: int
    kept: int = 0

    def reason(self, candidate: Candidate) -> Reason | None:
        if self.kept == self.count:
            return None
        self.kept += 1
        return _counted("last", self.kept, self.count)


@dataclass(slots=True)
class Periodic:
    """Keeps the newest snapshot of each of the next ``count`` periods that have one."""

    name: str
    count: int
    kept: int = 0
    period: tuple[int, ...] | None = None

    def reason(self, candidate: Candidate) -> Reason | None:
        period = PERIODS[self.name](candidate.time)
        if self.kept == self.count or period == self.period:
            return None
        self.kept += 1
        self.period = period
        return _counted(self.name, self.kept, self.count)


@dataclass(slots=True)
class Within:
    """Keeps what is younger than ``span``, counted from the group's newest; of each period only its newest, if any."""

    name: str
    span: Span
    after: datetime
    period: tuple[int, ...] | None = None

    def reason(self, candidate: Candidate) -> Reason | None:
        if candidate.time <= self.after:
            return None
        if self.name:
            period = PERIODS[self.name](candidate.time)
            if period == self.period:
                return None
            self.period = period
        rule = f"within-{self.name}" if self.name else "within"
        return Reason(rule, f"{self.name} within {calendar.spelled(self.span)} of the newest".strip())


def rules(keep: Keep, newest: datetime) -> list[Rule]:
    """The rules of a policy, fresh for a group whose newest snapshot is of ``newest``, in restic's order."""
    spans = [Within(name, span, calendar.before(newest, span)) for name, span in keep.spans()]
    return [
        *(Tagged(tags) for tags in keep.tags),
        *(rule for rule in spans if not rule.name),
        *(Last(count) if name == "last" else Periodic(name, count) for name, count in keep.counts()),
        *(rule for rule in spans if rule.name),
    ]


def _counted(name: str, number: int, count: int) -> Reason:
    return Reason(name, f"{name}, without limit" if count == UNLIMITED else f"{number} of {count} {name}")
