"""What a drill came to, as one frozen value that outlives it: in the catalog, in the evidence, in its report.

It says of every source what was restored, from which region, to which moment, how long each step took and what was
answered; of every planted damage, whether it was caught. Seconds are of the monotonic clock, instants aware and in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from covenant.kernel.answers import Answer, Result, together


class Level(StrEnum):
    """How much is rehearsed: restores by the month, a disaster by the quarter, everything from nothing by the year."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    ANNUAL = "annual"


class Scenario(StrEnum):
    """The disasters that a quarterly drill acts out."""

    DATA_CENTRE_OUTAGE = "data-centre-outage"
    DATABASE_CORRUPTION = "database-corruption"
    SECURITY_BREACH = "security-breach"
    HUMAN_ERROR = "human-error"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, in the words of the runbook (assess, isolate, restore, …), and for how long."""

    name: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A promise beside what was reached. ``reached`` is ``None`` where it could not be measured, which is not kept."""

    promised: timedelta
    reached: timedelta | None

    @property
    def result(self) -> Result:
        """Whether it was kept."""
        if self.reached is None:
            return Result.COULD_NOT_VERIFY
        return Result.PASSED if self.reached <= self.promised else Result.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Damage that was done on purpose to a copy, and whether the drill noticed.

    ``kind`` is a fixed word: ``pack-deleted``, ``bit-flipped``, ``piece-dropped``, ``row-changed``. ``found_by`` is the
    finding or the answer that named it, empty where nothing did.
    """

    kind: str
    where: str
    result: Result
    """``PASSED``: caught. ``FAILED``: missed; so the drill failed. ``COULD_NOT_VERIFY``: could not be planted."""
    found_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDrill:
    """What a drill came to for one source. ``why_not`` says why it could not be restored, where it could not."""

    source: str
    system: str
    data_class: str
    priority: int
    vault: str
    region: str = ""
    snapshot_id: str = ""
    moment: datetime | None = None
    files: int = 0
    bytes: int = 0
    rto: Measured
    rpo: Measured
    steps: tuple[Step, ...] = ()
    answers: tuple[Answer, ...] = ()
    planted: tuple[Planted, ...] = ()
    why_not: str = ""

    @property
    def result(self) -> Result:
        """Restored, in time, recent enough, every answer right, every damage caught: or the worst of these."""
        if self.why_not:
            return Result.COULD_NOT_VERIFY
        asked = together(answer.result for answer in self.answers)
        caught = together(damage.result for damage in self.planted)
        return together((asked, caught, self.rto.result, self.rpo.result))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """A whole drill. ``due_at`` is the promised moment that it answers, ``None`` where a person asked for it.

    ``steps`` are those of the whole (a region cut off, a catalog rebuilt), ``answers`` to what was asked of the whole;
    ``why_not`` says why it could not run at all.
    """

    id: str
    level: Level
    scenario: Scenario | None = None
    due_at: datetime | None = None
    began_at: datetime
    ended_at: datetime
    by: str = ""
    sources: tuple[SourceDrill, ...] = ()
    steps: tuple[Step, ...] = ()
    answers: tuple[Answer, ...] = ()
    why_not: str = ""
    narrowed: bool = False
    """Whether a person chose the sources; then it answers no promised moment, whatever it came to."""

    @property
    def result(self) -> Result:
        """The worst of its sources and answers; one that rehearsed no source has proved nothing."""
        if self.why_not or not self.sources:
            return Result.COULD_NOT_VERIFY
        return together((*(each.result for each in self.sources), *(each.result for each in self.answers)))
